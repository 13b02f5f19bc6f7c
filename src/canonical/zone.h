/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Time zones from the system's tzdata (RFC 8536), without the process-wide TZ of the C library. Private to canonical/.
 */
#ifndef CANONICAL_ZONE_H
#define CANONICAL_ZONE_H

#include <stdint.h>

#include "base/view.h"

struct zone;

/* Reads a zone by its IANA name; NULL if there is none. */
struct zone *zone_load(struct view name);
struct zone *zone_parse(struct view tzif);
void zone_free(struct zone *zone);

/*
 * Microseconds of a local time to UTC, as PostgreSQL's AT TIME ZONE does: a time that a spring change left out is read
 * with the offset before it, a time that an autumn change repeats with the one after it.
 */
int64_t zone_to_utc(const struct zone *zone, int64_t local_us);

#endif
