/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Values to and from SQLite, by kind of type. Both directions stand side by side, so that what is read is what was
 * bound.
 */
#include "state/cell.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"

/* How a kind stands in SQLite. */
enum cell { CELL_INTEGER, CELL_REAL, CELL_TEXT, CELL_BLOB, CELL_DATE, CELL_TIME, CELL_TIMESTAMP, CELL_ZONED };

static const unsigned char cells[TYPE_KINDS] = {
	[TYPE_BOOL] = CELL_INTEGER,       [TYPE_INT16] = CELL_INTEGER,
	[TYPE_INT32] = CELL_INTEGER,      [TYPE_INT64] = CELL_INTEGER,
	[TYPE_FLOAT32] = CELL_REAL,       [TYPE_FLOAT64] = CELL_REAL,
	[TYPE_DECIMAL] = CELL_TEXT,       [TYPE_DECIMAL_VARIABLE] = CELL_TEXT,
	[TYPE_TEXT] = CELL_TEXT,          [TYPE_BYTES] = CELL_BLOB,
	[TYPE_UUID] = CELL_TEXT,          [TYPE_JSON] = CELL_TEXT,
	[TYPE_ENUM] = CELL_TEXT,          [TYPE_DATE] = CELL_DATE,
	[TYPE_TIME] = CELL_TIME,          [TYPE_TIMESTAMP] = CELL_TIMESTAMP,
	[TYPE_TIMESTAMP_ZONED] = CELL_ZONED, [TYPE_INTERVAL] = CELL_TEXT,
	[TYPE_OTHER] = CELL_TEXT,         [TYPE_XML] = CELL_TEXT,
	[TYPE_LTREE] = CELL_TEXT,         [TYPE_TSVECTOR] = CELL_TEXT,
	[TYPE_BITS] = CELL_TEXT,          [TYPE_TIME_ZONED] = CELL_TEXT,
	[TYPE_POINT] = CELL_TEXT,         [TYPE_ARRAY] = CELL_TEXT,
};

static int bind_text(struct sqlite3_stmt *stmt, int parameter, struct view text)
{
	return sqlite3_bind_text(stmt, parameter, text.ptr ? text.ptr : "", (int)text.len, SQLITE_STATIC);
}

/* The length of the printed text. */
static int print_time(enum cell cell, int64_t value, char *scratch)
{
	switch (cell) {
	case CELL_DATE:
		return date_print(value, scratch);
	case CELL_TIME:
		return time_print(value, scratch);
	default:
		return timestamp_print(value, cell == CELL_ZONED, scratch);
	}
}

int cell_bind(struct sqlite3_stmt *stmt, int parameter, struct type type, const struct value *value,
	      char scratch[DATETIME_TEXT_BYTES])
{
	enum cell cell = cells[type.kind];

	if (value->state != VALUE_PRESENT)
		return sqlite3_bind_null(stmt, parameter);
	switch (cell) {
	case CELL_INTEGER:
		return sqlite3_bind_int64(stmt, parameter, value->integer);
	case CELL_REAL:
		/* SQLite has no NaN: bound as a number it would become NULL. */
		if (!isfinite(value->real))
			return bind_text(stmt, parameter, cell_text(type, value, scratch));
		return sqlite3_bind_double(stmt, parameter, value->real);
	case CELL_TEXT:
		return bind_text(stmt, parameter, value->text);
	case CELL_BLOB:
		return sqlite3_bind_blob(stmt, parameter, value->text.ptr ? value->text.ptr : "", (int)value->text.len,
					 SQLITE_STATIC);
	default:
		if (value->integer == TIMESTAMP_BEYOND)
			return bind_text(stmt, parameter, value->text);
		return bind_text(stmt, parameter,
				 (struct view){scratch, (size_t)print_time(cell, value->integer, scratch)});
	}
}

struct view cell_text(struct type type, const struct value *value, char scratch[DATETIME_TEXT_BYTES])
{
	enum cell cell = cells[type.kind];
	char digits[350];
	int len;

	switch (cell) {
	case CELL_INTEGER:
		len = snprintf(scratch, DATETIME_TEXT_BYTES, "%lld", (long long)value->integer);
		break;
	case CELL_REAL:
		if (isnan(value->real))
			return VIEW("NaN");
		if (isinf(value->real))
			return value->real > 0 ? VIEW("Infinity") : VIEW("-Infinity");
		if (value->text.ptr)
			return value->text;
		/* A long decimal text has no room in scratch; %.17g always reads back as the same double. */
		len = decimal_print_double(value->real, digits);
		if (len < DATETIME_TEXT_BYTES)
			memcpy(scratch, digits, (size_t)len + 1);
		else
			len = snprintf(scratch, DATETIME_TEXT_BYTES, "%.17g", value->real);
		break;
	case CELL_TEXT:
	case CELL_BLOB:
		return value->text;
	default:
		if (value->integer == TIMESTAMP_BEYOND)
			return value->text;
		len = print_time(cell, value->integer, scratch);
	}
	return (struct view){scratch, (size_t)len};
}

static struct view column_view(struct sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_blob(stmt, column);

	return (struct view){text ? text : "", (size_t)sqlite3_column_bytes(stmt, column)};
}

static double parse_not_finite(struct view text)
{
	return view_is(text, "NaN") ? NAN : view_is(text, "Infinity") ? INFINITY : -INFINITY;
}

static void parse_time(enum cell cell, struct view text, struct value *value)
{
	int result;

	if (cell == CELL_DATE)
		result = date_parse(text, &value->integer);
	else if (cell == CELL_TIME)
		result = time_parse(text, &value->integer);
	else
		result = timestamp_parse(text, cell == CELL_ZONED, &value->integer);
	if (result < 0 && cell >= CELL_TIMESTAMP)
		value->integer = TIMESTAMP_BEYOND;
	else if (result < 0)
		value->state = VALUE_ABSENT; /* not written by cell_bind */
}

struct value cell_value(struct sqlite3_stmt *stmt, int column, struct type type)
{
	struct value value = {.state = VALUE_PRESENT};
	enum cell cell = cells[type.kind];
	int stored = sqlite3_column_type(stmt, column);

	if (stored == SQLITE_NULL)
		return (struct value){.state = VALUE_NULL};
	if (cell == CELL_INTEGER) {
		value.integer = sqlite3_column_int64(stmt, column);
		return value;
	}
	if (cell == CELL_REAL && stored != SQLITE_TEXT) {
		value.real = sqlite3_column_double(stmt, column);
		return value;
	}
	value.text = column_view(stmt, column);
	if (cell == CELL_REAL)
		value.real = parse_not_finite(value.text);
	else if (cell >= CELL_DATE)
		parse_time(cell, value.text, &value);
	else if (type.kind == TYPE_INTERVAL && interval_parse(value.text, &value.integer) < 0)
		value.integer = TIMESTAMP_BEYOND;
	else if (type.kind == TYPE_TIME_ZONED && time_zoned_parse(value.text, &value.integer) < 0)
		value.integer = 0;
	return value;
}
