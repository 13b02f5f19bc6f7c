/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Reading values as the server prints them with the session settings of conn.c (protocols: PostgreSQL documentation,
 * chapter 8, and each type's output function). Nothing is guessed: a text that does not fit its type is an error.
 */
#include "types.h"

#include <stdlib.h>

#include "base/datetime.h"

enum {
	BOOLOID = 16,
	BYTEAOID = 17,
	CHAROID = 18,
	NAMEOID = 19,
	INT8OID = 20,
	INT2OID = 21,
	INT4OID = 23,
	TEXTOID = 25,
	OIDOID = 26,
	JSONOID = 114,
	FLOAT4OID = 700,
	FLOAT8OID = 701,
	BPCHAROID = 1042,
	VARCHAROID = 1043,
	DATEOID = 1082,
	TIMEOID = 1083,
	TIMESTAMPOID = 1114,
	TIMESTAMPTZOID = 1184,
	INTERVALOID = 1186,
	NUMERICOID = 1700,
	UUIDOID = 2950,
	JSONBOID = 3802,
};

#define VARHDRSZ 4 /* the server adds it to length and numeric modifiers */

static int convert_text(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	ret->text = text;
	return 0;
}

static int convert_bool(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	if (text.len != 1 || (text.ptr[0] != 't' && text.ptr[0] != 'f'))
		return -1;
	ret->integer = text.ptr[0] == 't';
	return 0;
}

static int convert_integer(struct view text, struct arena *arena, struct value *ret)
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

static int convert_int4(struct view text, struct arena *arena, struct value *ret)
{
	return convert_integer(text, arena, ret) < 0 || ret->integer != (int32_t)ret->integer ? -1 : 0;
}

static int convert_int2(struct view text, struct arena *arena, struct value *ret)
{
	return convert_integer(text, arena, ret) < 0 || ret->integer != (int16_t)ret->integer ? -1 : 0;
}

static int convert_real(struct view text, struct arena *arena, struct value *ret)
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
static int convert_bytes(struct view text, struct arena *arena, struct value *ret)
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

static int convert_date(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	return date_parse(text, &ret->integer);
}

static int convert_time(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	return time_parse(text, &ret->integer);
}

static int convert_timestamp(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	return timestamp_parse(text, false, &ret->integer);
}

static int convert_timestamp_zoned(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	return timestamp_parse(text, true, &ret->integer);
}

static int convert_interval(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	ret->text = text;
	return interval_parse(text, &ret->integer);
}

const struct pg_type pg_type_other = {0, "", TYPE_OTHER, convert_text};
const struct pg_type pg_type_enum = {0, "", TYPE_ENUM, convert_text};

static const struct pg_type types[] = {
	{BOOLOID, "bool", TYPE_BOOL, convert_bool},
	{BYTEAOID, "bytea", TYPE_BYTES, convert_bytes},
	{CHAROID, "char", TYPE_TEXT, convert_text},
	{NAMEOID, "name", TYPE_TEXT, convert_text},
	{INT8OID, "int8", TYPE_INT64, convert_integer},
	{INT2OID, "int2", TYPE_INT16, convert_int2},
	{INT4OID, "int4", TYPE_INT32, convert_int4},
	{TEXTOID, "text", TYPE_TEXT, convert_text},
	{OIDOID, "oid", TYPE_INT64, convert_integer},
	{JSONOID, "json", TYPE_JSON, convert_text},
	{FLOAT4OID, "float4", TYPE_FLOAT32, convert_real},
	{FLOAT8OID, "float8", TYPE_FLOAT64, convert_real},
	{BPCHAROID, "bpchar", TYPE_TEXT, convert_text},
	{VARCHAROID, "varchar", TYPE_TEXT, convert_text},
	{DATEOID, "date", TYPE_DATE, convert_date},
	{TIMEOID, "time", TYPE_TIME, convert_time},
	{TIMESTAMPOID, "timestamp", TYPE_TIMESTAMP, convert_timestamp},
	{TIMESTAMPTZOID, "timestamptz", TYPE_TIMESTAMP_ZONED, convert_timestamp_zoned},
	{INTERVALOID, "interval", TYPE_INTERVAL, convert_interval},
	{NUMERICOID, "numeric", TYPE_DECIMAL_VARIABLE, convert_text},
	{UUIDOID, "uuid", TYPE_UUID, convert_text},
	{JSONBOID, "jsonb", TYPE_JSON, convert_text},
};

#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

const struct pg_type *pg_type_find(uint32_t oid)
{
	for (size_t i = 0; i < TYPE_COUNT; i++)
		if (types[i].oid == oid)
			return &types[i];
	return NULL;
}

const struct pg_type *pg_type_find_name(const char *name)
{
	for (size_t i = 0; i < TYPE_COUNT; i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

/* From version 15 the scale is signed, in 11 bits. */
static int16_t numeric_scale(int32_t modifier)
{
	return (int16_t)((((modifier - VARHDRSZ) & 0x7ff) ^ 1024) - 1024);
}

static int16_t numeric_precision(int32_t modifier)
{
	return (int16_t)(((modifier - VARHDRSZ) >> 16) & 0xffff);
}

struct type pg_type_of(const struct pg_type *type, int32_t modifier)
{
	struct type ret = {.kind = type->kind};

	if (type->oid == NUMERICOID && modifier >= VARHDRSZ)
		return (struct type){TYPE_DECIMAL, numeric_precision(modifier), numeric_scale(modifier)};
	if (type->kind == TYPE_TIME || type->kind == TYPE_TIMESTAMP || type->kind == TYPE_TIMESTAMP_ZONED)
		ret.scale = modifier >= 0 && modifier <= 6 ? (int16_t)modifier : 6;
	return ret;
}

const char *pg_type_print(const char *name, uint32_t oid, int32_t modifier, struct arena *arena)
{
	if (modifier < 0)
		return arena_copy(arena, view_of(name)).ptr;
	switch (oid) {
	case NUMERICOID:
		return arena_printf(arena, "%s(%d,%d)", name, numeric_precision(modifier), numeric_scale(modifier)).ptr;
	case BPCHAROID:
	case VARCHAROID:
		return arena_printf(arena, "%s(%d)", name, modifier - VARHDRSZ).ptr;
	default:
		return arena_printf(arena, "%s(%d)", name, modifier).ptr;
	}
}
