/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The table of types, in the order of the manual. */
#include "types.h"

#include <string.h>

#include "base/writer.h"
#include "rows.h"
#include "source/source.h"

#define NO_DATE "A date that the calendar does not have is what source.zero_dates says: null, unless it says otherwise."
#define NO_DATE_TEXT "With source.zero_dates: text, as the server prints it."
#define MICROSECONDS "From (4) on long, io.debezium.time.MicroTimestamp. "
#define BEYOND_A_DAY "Microseconds; also below zero and beyond a day, as the server allows."

/* Whether a row of the table is for a column is asked of the rows of its code in their order. */
enum variant { ANY, TEXTS, SIGNED, UNSIGNED, BYTES, ONE_BIT, UUID, ADDRESS };

static const struct type_row {
	struct my_type type;
	enum variant variant;
} rows[] = {
	{{"tinyint", MY_TINY, TYPE_INT16, read_tiny, parse_integer, "Also tinyint(1), which the log does not tell apart; a boolean of a mapping takes it, if it is 0 or 1."}, ANY},
	{{"smallint", MY_SHORT, TYPE_INT16, read_short, parse_integer, NULL}, SIGNED},
	{{"smallint unsigned", MY_SHORT, TYPE_INT32, read_short, parse_integer, NULL}, UNSIGNED},
	{{"mediumint", MY_INT24, TYPE_INT32, read_int24, parse_integer, NULL}, ANY},
	{{"int", MY_LONG, TYPE_INT32, read_long, parse_integer, NULL}, SIGNED},
	{{"int unsigned", MY_LONG, TYPE_INT64, read_long, parse_integer, NULL}, UNSIGNED},
	{{"bigint", MY_LONGLONG, TYPE_INT64, read_longlong, parse_integer, NULL}, SIGNED},
	{{"bigint unsigned", MY_LONGLONG, TYPE_DECIMAL, read_longlong, parse_unsigned, "Exact: a decimal of 20 digits."}, UNSIGNED},
	{{"float", MY_FLOAT, TYPE_FLOAT32, read_float, parse_single, NULL}, ANY},
	{{"double", MY_DOUBLE, TYPE_FLOAT64, read_double, parse_real, NULL}, ANY},
	{{"decimal(p,s)", MY_DECIMAL, TYPE_DECIMAL, read_decimal, parse_decimal, "Exact."}, ANY},
	{{"year", MY_YEAR, TYPE_INT32, read_year, parse_integer, "The year; 0000 is 0."}, ANY},
	{{"bit(1)", MY_BIT, TYPE_BOOL, read_bit, parse_bit, NULL}, ONE_BIT},
	{{"bit(n)", MY_BIT, TYPE_BITS, read_bit, parse_bit, "A mapping has the text, as in 0101."}, ANY},
	{{"date as text", MY_DATE, TYPE_TEXT, read_date_text, parse_text, NO_DATE_TEXT}, TEXTS},
	{{"date", MY_DATE, TYPE_DATE, read_date, parse_date, NO_DATE}, ANY},
	{{"time(n)", MY_TIME, TYPE_TIME, read_time, parse_time, BEYOND_A_DAY}, ANY},
	{{"time", MY_OLD_TIME, TYPE_TIME, read_old_time, parse_time, "Of tables made before MySQL 5.6. " BEYOND_A_DAY}, ANY},
	{{"datetime(n) as text", MY_DATETIME, TYPE_TEXT, read_datetime_text, parse_text, NO_DATE_TEXT}, TEXTS},
	{{"datetime as text", MY_OLD_DATETIME, TYPE_TEXT, read_old_datetime_text, parse_text, "Of tables made before MySQL 5.6. " NO_DATE_TEXT}, TEXTS},
	{{"timestamp(n) as text", MY_TIMESTAMP, TYPE_TEXT, read_timestamp_text, parse_text, "In UTC. " NO_DATE_TEXT}, TEXTS},
	{{"timestamp as text", MY_OLD_TIMESTAMP, TYPE_TEXT, read_old_timestamp_text, parse_text,
	  "Of tables made before MySQL 5.6. In UTC. " NO_DATE_TEXT}, TEXTS},
	{{"datetime(n)", MY_DATETIME, TYPE_TIMESTAMP, read_datetime, parse_datetime, MICROSECONDS NO_DATE}, ANY},
	{{"datetime", MY_OLD_DATETIME, TYPE_TIMESTAMP, read_old_datetime, parse_datetime, "Of tables made before MySQL 5.6. " NO_DATE},
	 ANY},
	{{"timestamp(n)", MY_TIMESTAMP, TYPE_TIMESTAMP_ZONED, read_timestamp, parse_datetime, "In UTC. " NO_DATE}, ANY},
	{{"timestamp", MY_OLD_TIMESTAMP, TYPE_TIMESTAMP_ZONED, read_old_timestamp, parse_datetime,
	  "Of tables made before MySQL 5.6. In UTC. " NO_DATE}, ANY},
	{{"uuid", MY_STRING, TYPE_UUID, read_native, parse_text, "MariaDB"}, UUID},
	{{"inet4, inet6", MY_STRING, TYPE_TEXT, read_native, parse_text, "MariaDB; as the server prints it."}, ADDRESS},
	{{"binary(n)", MY_STRING, TYPE_BYTES, read_char, parse_text, "With the zero bytes that fill it."}, BYTES},
	{{"char(n)", MY_STRING, TYPE_TEXT, read_char, parse_text, "Without the blanks that fill it, as the server prints it."}, ANY},
	{{"varbinary(n)", MY_VARCHAR, TYPE_BYTES, read_varchar, parse_text, NULL}, BYTES},
	{{"varchar(n)", MY_VARCHAR, TYPE_TEXT, read_varchar, parse_text, NULL}, ANY},
	{{"tinyblob, blob, mediumblob, longblob", MY_BLOB, TYPE_BYTES, read_blob, parse_text, NULL}, BYTES},
	{{"tinytext, text, mediumtext, longtext", MY_BLOB, TYPE_TEXT, read_blob, parse_text, "Also MariaDB's json."}, ANY},
	{{"varbinary(n) compressed", MY_PACKED_VARCHAR, TYPE_BYTES, read_packed_varchar, parse_text, "MariaDB"}, BYTES},
	{{"varchar(n) compressed", MY_PACKED_VARCHAR, TYPE_TEXT, read_packed_varchar, parse_text, "MariaDB"}, ANY},
	{{"blob compressed", MY_PACKED_BLOB, TYPE_BYTES, read_packed_blob, parse_text, "MariaDB; also tinyblob, mediumblob, longblob"}, BYTES},
	{{"text compressed", MY_PACKED_BLOB, TYPE_TEXT, read_packed_blob, parse_text, "MariaDB; also tinytext, mediumtext, longtext"}, ANY},
	{{"json", MY_JSON, TYPE_JSON, read_json, parse_text, "MySQL; as the server prints it."}, ANY},
	{{"enum", MY_ENUM, TYPE_ENUM, read_enum, parse_text, "The label; an empty text for a value that the server did not know."}, ANY},
	{{"set", MY_SET, TYPE_TEXT, read_set, parse_text, "The labels with commas between them, in the column's order."}, ANY},
	{{"geometry", MY_GEOMETRY, TYPE_BYTES, read_geometry, parse_geometry,
	  "And its kinds. WKB; with the number of its reference system, if that is not 0, as PostGIS has it (EWKB)."}, ANY},
	{{"vector(n)", MY_VECTOR, TYPE_BYTES, read_vector, parse_text,
	  "MySQL 9; MariaDB's is a varbinary in the log. Numbers of four bytes, the lowest first, as stored."}, ANY},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static bool fits(enum variant variant, const struct my_column *column)
{
	bool bytes = column->charset && column->charset->form == CHARSET_BYTES;

	switch (variant) {
	case TEXTS:
		return column->dates == DATES_TEXT;
	case SIGNED:
		return !column->is_unsigned;
	case UNSIGNED:
		return column->is_unsigned;
	case BYTES:
		return bytes && !column->native;
	case ONE_BIT:
		return column->meta == 1;
	case UUID:
		return column->native && strcmp(column->native, "uuid") == 0;
	case ADDRESS:
		return column->native && strncmp(column->native, "inet", 4) == 0;
	default:
		return true;
	}
}

const struct my_type *my_type_of(const struct my_column *column)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].type.code == column->code && fits(rows[i].variant, column))
			return &rows[i].type;
	return NULL;
}

static unsigned bits_of(const struct my_column *column)
{
	return (column->meta >> 8) * 8u + (column->meta & 0xff);
}

static struct type type_of(enum type_kind kind, const struct my_column *column)
{
	struct type ret = {.kind = kind};

	if (column->code == MY_DECIMAL)
		return (struct type){TYPE_DECIMAL, column->meta & 0xff, (int16_t)(column->meta >> 8)};
	if (ret.kind == TYPE_DECIMAL)
		return (struct type){TYPE_DECIMAL, 20, 0};
	if (ret.kind == TYPE_BITS)
		ret.precision = (int32_t)bits_of(column);
	if (ret.kind == TYPE_TIME)
		ret.scale = 6; /* 838 hours are more milliseconds than 32 bits have */
	if (ret.kind == TYPE_TIMESTAMP || ret.kind == TYPE_TIMESTAMP_ZONED)
		ret.scale = column->code == MY_OLD_DATETIME || column->code == MY_OLD_TIMESTAMP ? 0 : (int16_t)column->meta;
	return ret;
}

struct type my_column_type(const struct my_column *column)
{
	return type_of(my_type_of(column)->kind, column);
}

static const char *const integer_names[] = {
	[MY_TINY] = "tinyint", [MY_SHORT] = "smallint", [MY_INT24] = "mediumint", [MY_LONG] = "int", [MY_LONGLONG] = "bigint",
	[MY_FLOAT] = "float", [MY_DOUBLE] = "double",
};

/* By the number of bytes that a length has. */
static const char *const text_names[] = {"", "tinytext", "text", "mediumtext", "longtext"};
static const char *const blob_names[] = {"", "tinyblob", "blob", "mediumblob", "longblob"};

static void print_labels(const struct my_column *column, const char *name, struct writer *to)
{
	wr_printf(to, "%s(", name);
	for (unsigned i = 0; i < column->label_count; i++)
		wr_printf(to, "%s'%.*s'", i ? "," : "", VIEW_ARG(column->labels[i]));
	wr_printf(to, ")");
}

/* How many characters there may be is told in bytes. */
static void print_length(const struct my_column *column, const char *text_name, const char *byte_name, struct writer *to)
{
	bool bytes = fits(BYTES, column);
	unsigned each = column->charset && column->charset->most_bytes ? column->charset->most_bytes : 1;

	wr_printf(to, "%s(%u)", bytes ? byte_name : text_name, (column->meta - (column->code == MY_PACKED_VARCHAR)) / (bytes ? 1 : each));
}

static void print_time(const char *name, unsigned digits, struct writer *to)
{
	wr_printf(to, digits ? "%s(%u)" : "%s", name, digits);
}

static void print(const struct my_column *column, struct writer *to)
{
	switch (column->code) {
	case MY_TINY: case MY_SHORT: case MY_INT24: case MY_LONG: case MY_LONGLONG: case MY_FLOAT: case MY_DOUBLE:
		wr_printf(to, "%s%s", integer_names[column->code], column->is_unsigned ? " unsigned" : "");
		break;
	case MY_DECIMAL:
		wr_printf(to, "decimal(%u,%u)%s", column->meta & 0xffu, column->meta >> 8, column->is_unsigned ? " unsigned" : "");
		break;
	case MY_BIT:
		wr_printf(to, "bit(%u)", bits_of(column));
		break;
	case MY_TIME: case MY_OLD_TIME:
		print_time("time", column->code == MY_TIME ? column->meta : 0, to);
		break;
	case MY_DATETIME: case MY_OLD_DATETIME:
		print_time("datetime", column->code == MY_DATETIME ? column->meta : 0, to);
		break;
	case MY_TIMESTAMP: case MY_OLD_TIMESTAMP:
		print_time("timestamp", column->code == MY_TIMESTAMP ? column->meta : 0, to);
		break;
	case MY_STRING:
		if (column->native)
			wr_printf(to, "%s", column->native);
		else
			print_length(column, "char", "binary", to);
		break;
	case MY_VARCHAR: case MY_PACKED_VARCHAR:
		print_length(column, "varchar", "varbinary", to);
		break;
	case MY_BLOB: case MY_PACKED_BLOB:
		wr_printf(to, "%s", (fits(BYTES, column) ? blob_names : text_names)[column->meta <= 4 ? column->meta : 0]);
		break;
	case MY_ENUM: case MY_SET:
		print_labels(column, column->code == MY_ENUM ? "enum" : "set", to);
		break;
	case MY_VECTOR:
		wr_printf(to, "vector");
		break;
	default:
		wr_printf(to, "%s", my_type_of(column)->name);
	}
}

const char *my_column_print(const struct my_column *column, struct arena *arena)
{
	struct writer text = {0};
	const char *ret;

	print(column, &text);
	ret = arena_copy(arena, wr_view(&text)).ptr;
	wr_done(&text);
	return ret;
}

/* The server prints a float with six digits; as a double it has all. */
const char *my_column_select(const struct my_column *column)
{
	return column->code == MY_FLOAT ? " + 0e0" : NULL;
}

bool my_type_at(size_t number, struct source_type *ret)
{
	const struct my_type *row = number < ROWS ? &rows[number].type : NULL;
	struct my_column usual = {.code = row ? row->code : 0};

	if (!row)
		return false;
	if (row->code == MY_DECIMAL)
		usual.meta = 10 | 2 << 8;
	if (row->code == MY_BIT)
		usual.meta = 1 << 8;
	*ret = (struct source_type){.name = row->name, .type = type_of(row->kind, &usual), .source_type = row->name,
				    .remark = row->remark ? row->remark : ""};
	return true;
}
