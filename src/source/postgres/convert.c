/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Reading values as the server prints them with the session settings of conn.c (protocols: PostgreSQL documentation,
 * chapter 8, and each type's output function). Nothing is guessed: a text that does not fit its type is an error.
 */
#include "convert.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array_text.h"
#include "base/datetime.h"
#include "base/json.h"
#include "base/writer.h"

#define DAY_BEYOND 106751991 /* 294247-01-10, on which they end */

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

/* At least one digit stands before the point; there are at least `fraction` digits. */
static int place_point(struct view digits, bool negative, unsigned fraction, struct arena *arena, struct value *ret)
{
	size_t whole = digits.len - fraction, zeros = 0;

	while (zeros + 1 < whole && digits.ptr[zeros] == '0')
		zeros++;
	ret->text = arena_printf(arena, "%s%s%.*s%s%.*s", negative ? "-" : "", whole ? "" : "0", (int)(whole - zeros),
				 digits.ptr + zeros, fraction ? "." : "", (int)fraction, digits.ptr + whole);
	return 0;
}

/* "-$1,234.56", as it is with lc_monetary = C, with another number of digits behind the point. */
static int read_money(struct view text, unsigned fraction, struct arena *arena, struct value *ret)
{
	char digits[32], *to = digits;
	size_t at = text.len && text.ptr[0] == '-';
	bool point = false;

	if (at == text.len || text.ptr[at++] != '$')
		return -1;
	for (; at < text.len && to < digits + sizeof(digits); at++) {
		if (text.ptr[at] >= '0' && text.ptr[at] <= '9')
			*to++ = text.ptr[at];
		else if (text.ptr[at] == '.' ? point || at + 3 != text.len : text.ptr[at] != ',' || point)
			return -1;
		point |= text.ptr[at] == '.';
	}
	if (at != text.len || !point || to - digits < 3 || to - digits > 19)
		return -1;
	return place_point((struct view){digits, (size_t)(to - digits)}, text.ptr[0] == '-', fraction, arena, ret);
}

int convert_money(struct view text, struct arena *arena, struct value *ret)
{
	return read_money(text, 2, arena, ret);
}

int convert_money0(struct view text, struct arena *arena, struct value *ret)
{
	return read_money(text, 0, arena, ret);
}

int convert_money3(struct view text, struct arena *arena, struct value *ret)
{
	return read_money(text, 3, arena, ret);
}

int convert_bits(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] != '0' && text.ptr[i] != '1')
			return -1;
	ret->text = text;
	return 0;
}

/* bit(1) */
int convert_bit(struct view text, struct arena *arena, struct value *ret)
{
	if (text.len != 1 || convert_bits(text, arena, ret) < 0)
		return -1;
	ret->integer = text.ptr[0] == '1';
	return 0;
}

static bool is_coordinate(const char **pos, const char *end, char stop)
{
	char copy[64], *after;
	const char *start = *pos, *found = memchr(start, stop, (size_t)(end - start));
	size_t len = found ? (size_t)(found - start) : 0;

	if (!found || !len || len >= sizeof(copy) || strchr(" \t\n\v\f\r", *start))
		return false;
	memcpy(copy, start, len);
	copy[len] = '\0';
	strtod(copy, &after);
	*pos = found + 1;
	return !*after;
}

/* "(1.5,-2)" */
int convert_point(struct view text, struct arena *arena, struct value *ret)
{
	const char *pos = text.ptr, *end = text.ptr + text.len;

	(void)arena;
	if (text.len < 5 || *pos++ != '(' || !is_coordinate(&pos, end, ',') || !is_coordinate(&pos, end, ')') || pos != end)
		return -1;
	ret->text = text;
	return 0;
}

/* The elements are read by those who want them. */
int convert_array(struct view text, struct arena *arena, struct value *ret)
{
	size_t count;

	(void)arena;
	ret->text = text;
	return array_text_measure(text, &count) < 0 ? -1 : 0;
}

/* A quoted text with backslashes before quotes and backslashes; *pos behind it. -1: there is none. */
static int take_quoted(const char **pos, const char *end, struct writer *plain)
{
	const char *at = *pos;

	wr_clear(plain);
	if (at == end || *at++ != '"')
		return -1;
	for (; at < end && *at != '"'; at++) {
		if (*at == '\\' && ++at == end)
			return -1;
		wr_u8(plain, (uint8_t)*at);
	}
	if (at == end)
		return -1;
	*pos = at + 1;
	return 0;
}

static bool take_word(const char **pos, const char *end, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(end - *pos) < len || memcmp(*pos, word, len) != 0)
		return false;
	*pos += len;
	return true;
}

/* "key"=>"value" or "key"=>NULL as a member of an object */
static int take_pair(const char **pos, const char *end, struct writer *plain, struct writer *json)
{
	if (take_quoted(pos, end, plain) < 0 || !take_word(pos, end, "=>"))
		return -1;
	json_text(json, wr_view(plain));
	wr_u8(json, ':');
	if (take_word(pos, end, "NULL")) {
		wr_view_bytes(json, VIEW("null"));
		return 0;
	}
	if (take_quoted(pos, end, plain) < 0)
		return -1;
	json_text(json, wr_view(plain));
	return 0;
}

/* "a"=>"1", "b"=>NULL becomes {"a":"1","b":null}, as in Debezium. */
int convert_hstore(struct view text, struct arena *arena, struct value *ret)
{
	const char *pos = text.ptr, *end = text.ptr + text.len;
	struct writer plain = {0}, json = {0};
	int result = 0;

	wr_u8(&json, '{');
	while (result == 0 && pos < end) {
		if (json.len > 1)
			wr_u8(&json, ',');
		result = take_pair(&pos, end, &plain, &json);
		if (result == 0 && pos < end && (!take_word(&pos, end, ", ") || pos == end))
			result = -1;
	}
	wr_u8(&json, '}');
	ret->text = arena_copy(arena, wr_view(&json));
	wr_done(&plain);
	wr_done(&json);
	return result;
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

/* From the year 294247 on there are more microseconds than 64 bits have. */
static int convert_beyond(struct view text, struct value *ret)
{
	const char *blank = text.len ? memchr(text.ptr, ' ', text.len) : NULL;
	int64_t days;

	if (!blank || date_parse((struct view){text.ptr, (size_t)(blank - text.ptr)}, &days) < 0 || days < DAY_BEYOND)
		return -1;
	ret->integer = TIMESTAMP_BEYOND;
	ret->text = text;
	return 0;
}

int convert_timestamp(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	return timestamp_parse(text, false, &ret->integer) < 0 ? convert_beyond(text, ret) : 0;
}

int convert_timestamp_zoned(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	return timestamp_parse(text, true, &ret->integer) < 0 ? convert_beyond(text, ret) : 0;
}

int convert_time_zoned(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	ret->text = text;
	return time_zoned_parse(text, &ret->integer);
}

int convert_interval(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	ret->text = text;
	if (interval_parse(text, &ret->integer) < 0)
		ret->integer = TIMESTAMP_BEYOND;
	return 0;
}
