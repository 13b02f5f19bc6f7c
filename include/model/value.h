/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * One column's value in a row image. Its state is a state, never a pointer with meanings: absent (the image does not
 * carry the column) is not null, and unchanged (the server did not send a large value that stayed the same) is neither.
 */
#ifndef MODEL_VALUE_H
#define MODEL_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"
#include "model/type.h"

enum value_state { VALUE_ABSENT, VALUE_NULL, VALUE_UNCHANGED, VALUE_PRESENT };

/*
 * By the column's type:
 *   bool 0/1, integers                 integer
 *   float32, float64                   real; text: shortest text
 *   decimals                           text: plain decimal ("-12.50"), or NaN, Infinity, -Infinity
 *   text, uuid (36 lower-case characters), json, enum (label), other      text, UTF-8
 *   bytes                              text: the raw bytes
 *   date                               integer: days since 1970-01-01, outermost values = infinity
 *   time                               integer: microseconds since midnight (24:00 is legal)
 *   timestamp, zoned timestamp         integer: microseconds since 1970-01-01 (UTC), outermost values = infinity;
 *                                      TIMESTAMP_BEYOND: it has no place in that, and text is as the source prints it
 *   interval                           text as PostgreSQL prints it; integer: approximate microseconds, or TIMESTAMP_BEYOND
 *   zoned time                         text as PostgreSQL prints it; integer: microseconds since midnight in UTC
 *   xml, ltree, tsvector, bits ("0101"), point ("(1.5,-2)")      text as PostgreSQL prints it
 *   array                              text as PostgreSQL prints it (base/array_text.h)
 * Views point into the source's buffers and live until the source's next `next`.
 */
struct value {
	enum value_state state;
	union {
		int64_t integer;
		double real;
	};
	struct view text;
};

/* Whether there is a text that belongs to a present value; of others the view means nothing. */
bool value_has_text(struct type type, const struct value *value);

/* The same value, of two that are present. */
bool value_same(struct type type, const struct value *a, const struct value *b);

struct arena;

/* Reads a value's text as its source prints it; the state is set by the caller. -1: it is no value of the type. */
typedef int value_from_text(struct view text, struct arena *arena, struct value *ret);

#endif
