/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Reading values as the server prints them with the session settings of conn.c (protocols: PostgreSQL documentation,
 * chapter 8, and each type's output function). Nothing is guessed: a text that does not fit its type is an error.
 */
#include "convert.h"

#include <stdlib.h>
#include <string.h>

#include "base/datetime.h"

int convert_text(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	ret->text = text;
	return 0;
}

int convert_bool(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	if (text.len != 1 || (text.ptr[0] != 't' && text.ptr[0] != 'f'))
		return -1;
	ret->integer = text.ptr[0] == 't';
	return 0;
}

int convert_integer(struct view text, struct arena *arena, struct value *ret)
{
	size_t at = text.len && text.ptr[0] == '-';
	uint64_t limit = (uint64_t)INT64_MAX + at, value = 0;

	(void)arena;
	if (at == text.len || text.len - at > 19)
		return -1;
	for (size_t i = at; i < text.len; i++) {
		unsigned digit = (unsigned char)text.ptr[i] - '0';

		if (digit > 9)
			return -1;
		value = value * 10 + digit; /* 19 digits always fit */
	}
	if (value > limit)
		return -1;
	ret->integer = at ? (int64_t)(0 - value) : (int64_t)value;
	return 0;
}

int convert_int4(struct view text, struct arena *arena, struct value *ret)
{
	return convert_integer(text, arena, ret) < 0 || ret->integer != (int32_t)ret->integer ? -1 : 0;
}

int convert_int2(struct view text, struct arena *arena, struct value *ret)
{
	return convert_integer(text, arena, ret) < 0 || ret->integer != (int16_t)ret->integer ? -1 : 0;
}

int convert_real(struct view text, struct arena *arena, struct value *ret)
{
	char copy[64];
	char *end;

	(void)arena;
	if (text.len == 0 || text.len >= sizeof(copy))
		return -1;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	ret->real = strtod(copy, &end);
	ret->text = text;
	return *end ? -1 : 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* bytea_output = hex: "\x0aff". */
int convert_bytes(struct view text, struct arena *arena, struct value *ret)
{
	char *bytes;

	if (text.len < 2 || text.ptr[0] != '\\' || text.ptr[1] != 'x' || text.len % 2)
		return -1;
	bytes = arena_alloc(arena, text.len / 2);
	for (size_t i = 2; i < text.len; i += 2) {
		int high = hex_digit(text.ptr[i]), low = hex_digit(text.ptr[i + 1]);

		if (high < 0 || low < 0)
			return -1;
		bytes[i / 2 - 1] = (char)(high << 4 | low);
	}
	ret->text = (struct view){bytes, text.len / 2 - 1};
	return 0;
}

int convert_date(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	return date_parse(text, &ret->integer);
}

int convert_time(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	return time_parse(text, &ret->integer);
}

int convert_timestamp(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	return timestamp_parse(text, false, &ret->integer);
}

int convert_timestamp_zoned(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	return timestamp_parse(text, true, &ret->integer);
}

int convert_interval(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	ret->text = text;
	return interval_parse(text, &ret->integer);
}
