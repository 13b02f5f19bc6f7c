/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * One value between the model and SQLite. A mirrored column holds: bool and integers INTEGER; floats REAL (not finite:
 * TEXT); decimals TEXT in a column with collation DECIMAL; bytes BLOB; date 'YYYY-MM-DD', time and timestamps TEXT as
 * base/datetime.h prints them (zoned ones in UTC, with +00); everything else its text.
 */
#ifndef STATE_CELL_H
#define STATE_CELL_H

#include "base/arena.h"
#include "base/datetime.h"
#include "model/type.h"
#include "model/value.h"

struct sqlite3_stmt;

/*
 * Binds a value that is null or present. `scratch` holds printed dates and must live until the statement is reset;
 * texts are not copied.
 */
int cell_bind(struct sqlite3_stmt *stmt, int parameter, struct type type, const struct value *value,
	      char scratch[DATETIME_TEXT_BYTES]);

/* The value of a result column; texts live until the statement is stepped or reset. */
struct value cell_value(struct sqlite3_stmt *stmt, int column, struct type type);

/*
 * The text form of a present value, as the mirror holds it or, of numbers, would print it: in scratch, or the value's
 * own.
 */
struct view cell_text(struct type type, const struct value *value, char scratch[DATETIME_TEXT_BYTES]);

#endif
