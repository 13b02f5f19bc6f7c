/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Numbers and times as Debezium has them: decimals exact, times in milli- or microseconds, zoned timestamps as text in
 * UTC, intervals in microseconds. Infinite dates and timestamps are the outermost values of their Avro type, since
 * Debezium's own (the driver's) are ordinary dates.
 */
#include "field.h"

#include <stdio.h>

#include "avro_bytes.h"
#include "base/arena.h"
#include "base/datetime.h"
#include "base/decimal.h"
#include "decimal_bytes.h"
#include "field_put.h"
#include "form.h"

#define USEC_PER_DAY INT64_C(86400000000)
#define COORDINATE_MOST 66   /* of text */
#define SHORT_DIGITS 18 /* that many digits always fit an int64 */

static const char out_of_range[] = "is out of the range of its Avro type";
static const char no_decimal[] = "has no place in its Avro decimal";

PUT_FUNCTION(put_boolean)
{
	(void)field, (void)why;
	*to++ = value->integer != 0;
	return to;
}

PUT_FUNCTION(put_integer)
{
	(void)field, (void)why;
	return put_long(to, value->integer);
}

PUT_FUNCTION(put_float32)
{
	(void)field, (void)why;
	return put_float(to, (float)value->real);
}

PUT_FUNCTION(put_float64)
{
	(void)field, (void)why;
	return put_double(to, value->real);
}

/* Up to 18 digits of a plain decimal, as a whole number; -1 if it is longer or something else. */
static int read_short(struct view text, int64_t *ret, int *ret_scale)
{
	const char *pos = text.ptr, *end = text.ptr + text.len, *point = NULL, *start;
	bool negative = pos < end && *pos == '-';
	uint64_t number = 0; /* holds a digit more */

	pos += negative;
	start = pos;
	if (end - pos > SHORT_DIGITS + 1 || end == pos)
		return -1;
	for (; pos < end; pos++) {
		unsigned digit = (unsigned)(unsigned char)*pos - '0';

		if (digit <= 9)
			number = number * 10 + digit;
		else if (*pos == '.' && !point)
			point = pos;
		else
			return -1;
	}
	if (end - start > SHORT_DIGITS + (point != NULL) || (point && end - start == 1))
		return -1;
	*ret = negative ? -(int64_t)number : (int64_t)number;
	*ret_scale = point ? (int)(end - point - 1) : 0;
	return 0;
}

static char *put_decimal_slow(char *to, struct encode_field *field, struct view text, const char **why)
{
	struct decimal decimal;

	if (!decimal_parse(text, &decimal) && !decimal_rescale(decimal, field->scale, &decimal) &&
	    decimal.coefficient < field->limit && decimal.coefficient > -field->limit)
		return put_decimal128(to, decimal.coefficient);
	to = put_decimal_text(to, text, field->precision, field->scale);
	if (!to)
		*why = no_decimal;
	return to;
}

/* The usual case of a usual price: few digits, as many behind the point as the column has. */
PUT_FUNCTION(put_decimal)
{
	int64_t number;
	int scale;

	if (!read_short(value->text, &number, &scale) && scale == field->scale && number < field->limit &&
	    number > -field->limit)
		return put_decimal64(to, number);
	return put_decimal_slow(to, field, value->text, why);
}

/* Zeros at the end of the fraction do not count, as in Debezium. */
static struct view without_idle_zeros(struct view text)
{
	if (!memchr(text.ptr, '.', text.len))
		return text;
	while (text.ptr[text.len - 1] == '0')
		text.len--;
	if (text.ptr[text.len - 1] == '.')
		text.len--;
	return text;
}

PUT_FUNCTION(put_decimal_variable)
{
	struct view text = without_idle_zeros(value->text);
	const char *point = memchr(text.ptr, '.', text.len);
	int scale = point ? (int)(text.ptr + text.len - point - 1) : 0;
	int64_t number;

	(void)field;
	to = put_long(to, scale);
	if (!read_short(text, &number, &scale))
		return put_decimal64(to, number);
	to = put_decimal_text(to, text, (int)text.len, scale);
	if (!to)
		*why = no_decimal;
	return to;
}

/* x y, well-known binary, no spatial reference */
PUT_FUNCTION(put_point)
{
	char text[2 * COORDINATE_MOST];
	double x, y;

	(void)field;
	if (value->text.len >= sizeof(text)) {
		*why = out_of_range;
		return NULL;
	}
	memcpy(text, value->text.ptr, value->text.len);
	text[value->text.len] = '\0';
	if (sscanf(text, "(%lf,%lf)", &x, &y) != 2) {
		*why = "is no point";
		return NULL;
	}
	to = put_double(put_double(to, x), y);
	*to++ = BRANCH_1;
	to = put_bytes(to, (struct view){"\1\1\0\0\0", 5});
	to[-6] = 2 * POINT_WKB_BYTES;
	to = put_double(put_double(to, x), y);
	*to++ = BRANCH_0;
	return to;
}

PUT_FUNCTION(put_date)
{
	int64_t days = value->integer;

	(void)field;
	if (days == DATE_INFINITY || days == DATE_MINUS_INFINITY)
		return put_long(to, days > 0 ? INT32_MAX : INT32_MIN);
	if (days > INT32_MAX || days < INT32_MIN) {
		*why = out_of_range;
		return NULL;
	}
	return put_long(to, days);
}

static char *beyond(const char **why)
{
	*why = "has no place in the microseconds since 1970 that 64 bits hold";
	return NULL;
}

PUT_FUNCTION(put_microseconds)
{
	(void)field;
	return value->integer == TIMESTAMP_BEYOND ? beyond(why) : put_long(to, value->integer);
}

/* Microseconds as milliseconds, towards the past; infinities stay. */
PUT_FUNCTION(put_milliseconds)
{
	int64_t us = value->integer;

	(void)field;
	if (us == TIMESTAMP_BEYOND)
		return beyond(why);
	if (us != INT64_MAX && us != INT64_MIN)
		us = us / 1000 - (us % 1000 < 0);
	return put_long(to, us);
}

/* A day as java.time prints it: at least four digits of the astronomical year, a sign before others. */
static void remember_day(struct encode_field *field, int64_t day)
{
	int64_t year;
	unsigned month, date;
	uint64_t rest;
	char *to = field->day_text;
	char digits[12];
	int count = 0;

	date_to_civil(day, &year, &month, &date);
	if (year < 0 || year > 9999)
		*to++ = year < 0 ? '-' : '+';
	for (rest = (uint64_t)(year < 0 ? -year : year); rest || count < 4; rest /= 10)
		digits[count++] = (char)('0' + rest % 10);
	while (count)
		*to++ = digits[--count];
	*to++ = '-';
	to = put_two_digits(to, month);
	*to++ = '-';
	to = put_two_digits(to, date);
	field->day = day;
	field->day_len = (unsigned)(to - field->day_text);
}

static char *put_clock_time(char *to, unsigned seconds)
{
	*to++ = 'T';
	to = put_two_digits(to, seconds / 3600);
	*to++ = ':';
	to = put_two_digits(to, seconds / 60 % 60);
	*to++ = ':';
	return put_two_digits(to, seconds % 60);
}

/* As many digits as the column has. */
static char *put_fraction(char *to, unsigned us, int digits)
{
	*to++ = '.';
	put_two_digits(to, us / 10000);
	put_two_digits(to + 2, us / 100 % 100);
	put_two_digits(to + 4, us % 100);
	return to + digits;
}

/* 2024-02-29T12:34:56.123456Z; the text is short enough for its length to be one byte. */
PUT_FUNCTION(put_zoned)
{
	int64_t us = value->integer, day = us / USEC_PER_DAY, rest = us % USEC_PER_DAY;
	int digits = field->column->type.scale;
	char *start = to;

	if (us == TIMESTAMP_BEYOND)
		return beyond(why);
	if (us == INT64_MAX || us == INT64_MIN)
		return put_bytes(to, us > 0 ? VIEW("infinity") : VIEW("-infinity"));
	if (rest < 0) {
		rest += USEC_PER_DAY;
		day--;
	}
	if (day != field->day || !field->day_len)
		remember_day(field, day);
	to++;
	memcpy(to, field->day_text, sizeof(field->day_text));
	to = put_clock_time(to + field->day_len, (unsigned)(rest / 1000000));
	if (digits > 0)
		to = put_fraction(to, (unsigned)(rest % 1000000), digits);
	*to++ = 'Z';
	*start = (char)((to - start - 1) * 2);
	return to;
}

static __int128 limit_of(int precision)
{
	__int128 limit = 1;

	for (int i = 0; i < precision; i++)
		limit *= 10;
	return limit;
}

static void init_decimal(struct encode_field *field, struct type type)
{
	field->precision = decimal_precision(type);
	field->scale = decimal_scale(type);
	field->bytes += (size_t)field->scale;
	field->limit = limit_of(field->precision < DECIMAL_DIGITS ? field->precision : DECIMAL_DIGITS);
}

static void init_form(struct encode_field *field, const struct column *column, const struct value_forms *forms)
{
	const struct form *form = form_of(column->type, forms);

	*field = (struct encode_field){
		.put = form->put,
		.times = form->times,
		.column = column,
		.form = form,
		.bytes = form->bytes,
	};
	if (form->schema == SCHEMA_DECIMAL)
		init_decimal(field, column->type);
}

/* Elements are written like columns of their type. */
static void init_element(struct encode_field *field, const struct value_forms *forms, struct field_memory memory)
{
	struct column *column = ARENA_NEW(memory.arena, struct column);

	*column = *field->column;
	column->type = column->element;
	field->scratch = memory.scratch;
	field->element = ARENA_NEW(memory.arena, struct encode_field);
	init_form(field->element, column, forms);
}

/* The words themselves; of an array one element of them, or their bytes as numbers; as Debezium has it. */
static struct view placeholder_of(const struct encode_field *field, struct arena *arena)
{
	const struct encode_field *element = field->element;
	struct view words = element ? element->form->placeholder : field->form->placeholder;
	char bytes[sizeof(PLACEHOLDER) * 4 + 3 * LONG_BYTES], *to = bytes; /* in hexadecimal it is twice as long */

	if (element && element->put == put_integer && element->form->meaning == NULL) {
		to = put_long(to, sizeof(PLACEHOLDER) - 1);
		for (const char *c = PLACEHOLDER; *c; c++) {
			*to++ = BRANCH_1;
			to = put_long(to, *c);
		}
		to = put_long(to, 0);
	} else if (element && words.ptr) {
		to = put_long(to, 1);
		*to++ = BRANCH_1;
		to = put_long(put_bytes(to, words), 0);
	} else if (words.ptr) {
		to = put_bytes(to, words);
	} else {
		return VIEW_NONE;
	}
	return arena_copy(arena, (struct view){bytes, (size_t)(to - bytes)});
}

void field_init(struct encode_field *field, const struct table *table, unsigned index, const struct value_forms *forms,
		struct field_memory memory)
{
	init_form(field, &table->columns[index], forms);
	field->index = index;
	if (field->column->type.kind == TYPE_ARRAY)
		init_element(field, forms, memory);
	field->placeholder = placeholder_of(field, memory.arena);
	field->bytes += field->placeholder.len;
}

void field_check_text(struct encode_field *field)
{
	if (field->element)
		field_check_text(field->element);
	if (field->put == put_text && strcmp(field->form->avro, "string") == 0)
		field->put = put_checked_text;
}
