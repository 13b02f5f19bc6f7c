/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Values of SQL into the types of the contract. Nothing is rounded, cut or guessed: a value either is one of the type,
 * or there is a reason why not. One function for each type.
 */
#include "validate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/datetime.h"
#include "base/decimal.h"
#include "base/shown.h"
#include "base/utf8.h"
#include "state/key.h"

#define SHOWN_BYTES 60 /* of a value in a reason */

static int refuse(struct conversion *conversion, enum fault_reason fault, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(struct conversion *conversion, enum fault_reason fault, const char *format, ...)
{
	va_list args;

	conversion->fault = fault;
	va_start(args, format);
	vsnprintf(conversion->reason, sizeof(conversion->reason), format, args);
	va_end(args);
	return -1;
}

/* The value as text: a number's digits, a float's shortest text. Lives as long as the row, or in `digits`. */
static struct view value_text(sqlite3_value *value, char digits[350])
{
	const char *text;

	switch (sqlite3_value_type(value)) {
	case SQLITE_INTEGER:
		return root_key_text((struct root_key){.is_number = true, .number = sqlite3_value_int64(value)}, digits);
	case SQLITE_FLOAT:
		return (struct view){digits, (size_t)decimal_print_double(sqlite3_value_double(value), digits)};
	case SQLITE_TEXT:
	case SQLITE_BLOB:
		text = sqlite3_value_blob(value);
		break;
	default:
		text = (const char *)sqlite3_value_text(value);
	}
	return (struct view){text ? text : "", (size_t)sqlite3_value_bytes(value)};
}

struct view value_shown(sqlite3_value *value, size_t most, struct arena *arena)
{
	char digits[350];
	struct view text = value_text(value, digits);

	return sqlite3_value_type(value) == SQLITE_BLOB ? bytes_shown(text, most, arena) : text_shown(text, most, arena);
}

/* For a reason. */
static const char *shown(const struct conversion *conversion, sqlite3_value *value)
{
	return value_shown(value, SHOWN_BYTES, conversion->arena).ptr;
}

typedef int convert_function(struct conversion *conversion, sqlite3_value *value,
			     const struct avro_type *type, struct datum *ret);

static int convert_string(struct conversion *conversion, sqlite3_value *value, const struct avro_type *type,
			  struct datum *ret)
{
	char digits[350];

	(void)type;
	if (sqlite3_value_type(value) == SQLITE_BLOB)
		return refuse(conversion, FAULT_TYPE, "bytes are no text");
	ret->text = arena_copy(conversion->arena, value_text(value, digits));
	if (!utf8_valid(ret->text))
		return refuse(conversion, FAULT_ENCODING, "the text %s is not UTF-8", shown(conversion, value));
	return 0;
}

static int convert_bytes(struct conversion *conversion, sqlite3_value *value, const struct avro_type *type,
			 struct datum *ret)
{
	struct view bytes = {sqlite3_value_blob(value), (size_t)sqlite3_value_bytes(value)};

	(void)type;
	if (sqlite3_value_type(value) != SQLITE_BLOB && sqlite3_value_type(value) != SQLITE_TEXT)
		return refuse(conversion, FAULT_TYPE, "a number is no bytes");
	ret->text = arena_copy(conversion->arena, bytes);
	return 0;
}

/* A number that is too large or not finite is none of our decimals, but it is a number. */
static enum fault_reason number_fault(struct view text)
{
	static const char *const not_finite[] = {"NaN", "Infinity", "-Infinity"};

	for (size_t i = 0; i < sizeof(not_finite) / sizeof(not_finite[0]); i++)
		if (view_is(text, not_finite[i]))
			return FAULT_RANGE;
	for (size_t i = 0; i < text.len; i++)
		if (!memchr("0123456789.+-eE", text.ptr[i], 15))
			return FAULT_TYPE;
	return text.len ? FAULT_RANGE : FAULT_TYPE;
}

static int read_decimal(struct conversion *conversion, sqlite3_value *value, struct decimal *ret)
{
	char digits[350];
	struct view text;

	if (sqlite3_value_type(value) == SQLITE_INTEGER) {
		*ret = (struct decimal){.coefficient = sqlite3_value_int64(value), .scale = 0};
		return 0;
	}
	text = value_text(value, digits);
	if (decimal_parse(text, ret) == 0)
		return 0;
	return refuse(conversion, number_fault(text), "'%s' is no decimal of up to %d digits", shown(conversion, value),
		      DECIMAL_DIGITS);
}

static int convert_decimal(struct conversion *conversion, sqlite3_value *value, const struct avro_type *type,
			   struct datum *ret)
{
	struct decimal number, exact;
	char printed[DECIMAL_TEXT_BYTES];

	if (read_decimal(conversion, value, &number) < 0)
		return -1;
	if (decimal_rescale(number, type->scale, &exact) < 0 || !decimal_fits(exact.coefficient, type->precision)) {
		decimal_print(number, printed);
		return refuse(conversion, FAULT_RANGE, "%s has more digits than decimal(%d,%d) holds", printed, type->precision,
			      type->scale);
	}
	if (sqlite3_value_type(value) == SQLITE_FLOAT)
		conversion->binary_float = true;
	ret->decimal = exact.coefficient;
	return 0;
}

/* Whole numbers, also from a decimal without a fraction. */
static int convert_integer(struct conversion *conversion, sqlite3_value *value, const struct avro_type *type,
			   struct datum *ret)
{
	int64_t least = type->kind == AVRO_INT ? INT32_MIN : INT64_MIN, most = type->kind == AVRO_INT ? INT32_MAX : INT64_MAX;
	struct decimal number, whole;

	if (read_decimal(conversion, value, &number) < 0)
		return -1;
	bool is_whole = decimal_rescale(number, 0, &whole) == 0;

	if (!is_whole || whole.coefficient < least || whole.coefficient > most)
		return refuse(conversion, is_whole ? FAULT_RANGE : FAULT_TYPE, "'%s' is no whole number from %lld to %lld",
			      shown(conversion, value), (long long)least, (long long)most);
	ret->integer = (int64_t)whole.coefficient;
	return 0;
}

static int convert_boolean(struct conversion *conversion, sqlite3_value *value, const struct avro_type *type,
			   struct datum *ret)
{
	int64_t number = sqlite3_value_int64(value);

	(void)type;
	if (sqlite3_value_type(value) != SQLITE_INTEGER || (number != 0 && number != 1))
		return refuse(conversion, FAULT_TYPE, "'%s' is no boolean; it must be 0 or 1", shown(conversion, value));
	ret->integer = number;
	return 0;
}

static int convert_real(struct conversion *conversion, sqlite3_value *value, const struct avro_type *type,
			struct datum *ret)
{
	struct decimal ignored;

	(void)type;
	if (sqlite3_value_type(value) == SQLITE_TEXT && read_decimal(conversion, value, &ignored) < 0)
		return -1;
	if (sqlite3_value_type(value) == SQLITE_BLOB)
		return refuse(conversion, FAULT_TYPE, "bytes are no number");
	ret->real = sqlite3_value_double(value);
	return 0;
}

static int convert_enum(struct conversion *conversion, sqlite3_value *value, const struct avro_type *type,
			struct datum *ret)
{
	char digits[350];
	struct view text = value_text(value, digits);
	const char *dot;

	ret->integer = avro_symbol_index(type, text);
	if (ret->integer >= 0)
		return 0;
	dot = strrchr(type->name, '.');
	return refuse(conversion, FAULT_ENUM, "'%s' is no symbol of %s", shown(conversion, value),
		      dot ? dot + 1 : type->name);
}

static int convert_date(struct conversion *conversion, sqlite3_value *value, const struct avro_type *type,
			struct datum *ret)
{
	char digits[350];
	struct view text = value_text(value, digits);

	(void)type;
	if (date_parse(text, &ret->integer) < 0)
		return refuse(conversion, FAULT_TYPE, "'%s' is no date", shown(conversion, value));
	if (ret->integer < INT32_MIN || ret->integer > INT32_MAX)
		return refuse(conversion, FAULT_RANGE, "'%s' has no place in a date", shown(conversion, value));
	return 0;
}

static int convert_instant(struct conversion *conversion, sqlite3_value *value, const struct avro_type *type,
			   struct datum *ret)
{
	char digits[350];
	struct view text = value_text(value, digits);
	int64_t local;

	(void)type;
	if (timestamp_parse(text, true, &ret->integer) < 0)
		return refuse(conversion, FAULT_TYPE, "'%s' is no timestamp%s", shown(conversion, value),
			      timestamp_parse(text, false, &local) == 0 ? " with a zone; use utc()" : "");
	if (ret->integer == DATE_INFINITY || ret->integer == DATE_MINUS_INFINITY)
		return refuse(conversion, FAULT_RANGE, "'%s' has no place in a timestamp", shown(conversion, value));
	return 0;
}

static convert_function *const by_logical[] = {
	[AVRO_PLAIN] = NULL, [AVRO_DECIMAL] = convert_decimal, [AVRO_DATE] = convert_date,
	[AVRO_TIMESTAMP_MICROS] = convert_instant,
};

static convert_function *const by_kind[] = {
	[AVRO_NULL] = NULL,             [AVRO_BOOLEAN] = convert_boolean, [AVRO_INT] = convert_integer,
	[AVRO_LONG] = convert_integer,  [AVRO_FLOAT] = convert_real,      [AVRO_DOUBLE] = convert_real,
	[AVRO_BYTES] = convert_bytes,   [AVRO_STRING] = convert_string,   [AVRO_ENUM] = convert_enum,
	[AVRO_RECORD] = NULL,           [AVRO_ARRAY] = NULL,              [AVRO_MAP] = NULL,
};

int convert_value(struct conversion *conversion, sqlite3_value *value, const struct avro_type *type,
		   struct datum *ret)
{
	convert_function *convert = by_logical[type->logical] ? by_logical[type->logical] : by_kind[type->kind];

	if (!convert)
		return refuse(conversion, FAULT_TYPE, "a value is no record, array or map");
	if (convert(conversion, value, type, ret) < 0)
		return -1;
	ret->set = true;
	return 0;
}
