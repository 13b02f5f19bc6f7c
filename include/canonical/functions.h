/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The SQL functions of mappings: exact decimals (dec_*, and sum, avg, total, round, abs made exact), ref() for
 * canonical ids, utc() for times without a zone, hours() for durations. All are deterministic.
 */
#ifndef CANONICAL_FUNCTIONS_H
#define CANONICAL_FUNCTIONS_H

#include "base/error.h"
#include "state/db.h"

/*
 * Makes the functions known to the database's connection. `instance`, the first part of canonical ids, is copied.
 * mapping_open does this; it is here for those who run statements of their own.
 */
MUST_CHECK int functions_install(struct db *db, const char *instance, struct error *err);

#endif
