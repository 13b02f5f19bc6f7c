/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* One value of SQL into one datum, if it fits exactly. Private to canonical/. */
#ifndef CANONICAL_VALIDATE_H
#define CANONICAL_VALIDATE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/arena.h"
#include "model/avro.h"
#include "model/fault.h"

#define REASON_BYTES 240

struct conversion {
	struct arena *arena;
	bool binary_float;           /* a binary float went into a decimal */
	enum fault_reason fault;     /* why it does not fit ... */
	char reason[REASON_BYTES];   /* ... in a sentence */
};

/* The value is a result column's, and not NULL. Returns 0, or -1 with the reason. */
int convert_value(struct conversion *conversion, sqlite3_value *value, const struct avro_type *type, struct datum *ret);

/* A value as text for people, cut at so many bytes; bytes in hexadecimal digits. */
struct view value_shown(sqlite3_value *value, size_t most, struct arena *arena);

#endif
