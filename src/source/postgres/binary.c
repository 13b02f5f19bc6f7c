/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Where a value has a text besides its number, it is printed as the server would print it. */
#include "binary.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/datetime.h"
#include "base/reader.h"
#include "base/real_text.h"

#define EPOCH_DAYS 10957 /* 2000-01-01, in days since 1970 */
#define DAY_US (INT64_C(86400) * USEC_PER_SEC)
#define EPOCH_US (EPOCH_DAYS * DAY_US)
#define NUMERIC_GROUPS_MOST 40000 /* 131072 digits before and 16383 behind the point, in groups of four */

/* Numbers -------------------------------------------------------------------------------------- */

static int binary_bool(struct view bytes, struct arena *arena, struct value *ret)
{
	(void)arena;
	if (bytes.len != 1 || (unsigned char)bytes.ptr[0] > 1)
		return -1;
	ret->integer = bytes.ptr[0];
	return 0;
}

static int binary_int2(struct view bytes, struct arena *arena, struct value *ret)
{
	struct reader rd = reader_of(bytes);

	(void)arena;
	ret->integer = (int16_t)rd_u16be(&rd);
	return rd_complete(&rd) ? 0 : -1;
}

static int binary_int4(struct view bytes, struct arena *arena, struct value *ret)
{
	struct reader rd = reader_of(bytes);

	(void)arena;
	ret->integer = (int32_t)rd_u32be(&rd);
	return rd_complete(&rd) ? 0 : -1;
}

static int binary_oid(struct view bytes, struct arena *arena, struct value *ret)
{
	struct reader rd = reader_of(bytes);

	(void)arena;
	ret->integer = rd_u32be(&rd);
	return rd_complete(&rd) ? 0 : -1;
}

static int binary_int8(struct view bytes, struct arena *arena, struct value *ret)
{
	struct reader rd = reader_of(bytes);

	(void)arena;
	ret->integer = (int64_t)rd_u64be(&rd);
	return rd_complete(&rd) ? 0 : -1;
}

static int binary_float4(struct view bytes, struct arena *arena, struct value *ret)
{
	struct reader rd = reader_of(bytes);
	uint32_t bits = rd_u32be(&rd);
	float value;

	if (!rd_complete(&rd))
		return -1;
	memcpy(&value, &bits, sizeof(value));
	ret->text = real_text_single(value, arena);
	ret->real = real_of_single(value, ret->text);
	return 0;
}

static int binary_float8(struct view bytes, struct arena *arena, struct value *ret)
{
	struct reader rd = reader_of(bytes);
	uint64_t bits = rd_u64be(&rd);

	if (!rd_complete(&rd))
		return -1;
	memcpy(&ret->real, &bits, sizeof(ret->real));
	ret->text = real_text(ret->real, arena);
	return 0;
}

/* A group of four digits; without zeros before the first one. */
static char *put_group(char *to, unsigned group, bool first)
{
	char digits[5];
	int len = snprintf(digits, sizeof(digits), first ? "%u" : "%04u", group);

	memcpy(to, digits, (size_t)len);
	return to + len;
}

static unsigned group_at(const uint16_t *groups, int count, int at)
{
	return at >= 0 && at < count ? groups[at] : 0;
}

static int special_numeric(uint16_t sign, struct value *ret)
{
	ret->text = sign == 0xc000 ? VIEW("NaN") : sign == 0xd000 ? VIEW("Infinity") : VIEW("-Infinity");
	return sign == 0xc000 || sign == 0xd000 || sign == 0xf000 ? 0 : -1;
}

/* u16 groups, i16 weight of the first one, u16 sign, u16 digits behind the point, groups of four digits */
static int binary_numeric(struct view bytes, struct arena *arena, struct value *ret)
{
	struct reader rd = reader_of(bytes);
	int count = rd_u16be(&rd), weight = (int16_t)rd_u16be(&rd);
	uint16_t sign = rd_u16be(&rd), scale = rd_u16be(&rd), *groups;
	size_t room = 8 + ((size_t)(weight > 0 ? weight : 0) + 2) * 4 + scale;
	char *text, *to;

	if (rd.failed || count > NUMERIC_GROUPS_MOST || rd_left(&rd) != (size_t)count * 2)
		return -1;
	if (sign != 0 && sign != 0x4000)
		return special_numeric(sign, ret);
	groups = arena_alloc(arena, (size_t)count * sizeof(*groups) + 1);
	for (int i = 0; i < count; i++)
		if ((groups[i] = rd_u16be(&rd)) > 9999)
			return -1;
	text = to = arena_alloc(arena, room);
	if (sign)
		*to++ = '-';
	if (weight < 0)
		*to++ = '0';
	for (int i = 0; i <= weight; i++)
		to = put_group(to, group_at(groups, count, i), i == 0);
	if (scale)
		*to++ = '.';
	for (int left = scale, i = weight + 1; left > 0; left -= 4, i++) {
		char digits[5];

		put_group(digits, group_at(groups, count, i), false);
		memcpy(to, digits, (size_t)(left < 4 ? left : 4));
		to += left < 4 ? left : 4;
	}
	ret->text = (struct view){text, (size_t)(to - text)};
	return 0;
}

/* Minor units; the printed form is always in hundredths, whatever they mean. */
static int money(struct view bytes, pg_convert *convert, struct arena *arena, struct value *ret)
{
	struct value number;
	uint64_t units;

	if (binary_int8(bytes, arena, &number) < 0)
		return -1;
	units = number.integer < 0 ? 0 - (uint64_t)number.integer : (uint64_t)number.integer;
	return convert(arena_printf(arena, "%s$%" PRIu64 ".%02u", number.integer < 0 ? "-" : "", units / 100, (unsigned)(units % 100)),
		       arena, ret);
}

static int binary_money(struct view bytes, struct arena *arena, struct value *ret)
{
	return money(bytes, convert_money, arena, ret);
}

static int binary_money0(struct view bytes, struct arena *arena, struct value *ret)
{
	return money(bytes, convert_money0, arena, ret);
}

static int binary_money3(struct view bytes, struct arena *arena, struct value *ret)
{
	return money(bytes, convert_money3, arena, ret);
}

/* Texts and bytes ------------------------------------------------------------------------------ */

static int binary_jsonb(struct view bytes, struct arena *arena, struct value *ret)
{
	if (!bytes.len || bytes.ptr[0] != 1)
		return -1;
	return convert_text((struct view){bytes.ptr + 1, bytes.len - 1}, arena, ret);
}

static int binary_uuid(struct view bytes, struct arena *arena, struct value *ret)
{
	static const char digits[] = "0123456789abcdef";
	char *to = arena_alloc(arena, 36);

	if (bytes.len != 16)
		return -1;
	ret->text = (struct view){to, 36};
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*to++ = '-';
		*to++ = digits[(unsigned char)bytes.ptr[i] >> 4];
		*to++ = digits[(unsigned char)bytes.ptr[i] & 15];
	}
	return 0;
}

/* i32 number of bits, the bits from the highest of each byte on */
static int binary_bits(struct view bytes, struct arena *arena, struct value *ret)
{
	struct reader rd = reader_of(bytes);
	uint32_t count = rd_u32be(&rd);
	char *text;

	if (rd.failed || count > INT32_MAX || rd_left(&rd) != (count + 7) / 8)
		return -1;
	text = arena_alloc(arena, count + 1);
	for (uint32_t i = 0; i < count; i++)
		text[i] = (char)('0' + ((unsigned char)bytes.ptr[4 + i / 8] >> (7 - i % 8) & 1));
	ret->text = (struct view){text, count};
	return 0;
}

static int binary_bit(struct view bytes, struct arena *arena, struct value *ret)
{
	return binary_bits(bytes, arena, ret) < 0 ? -1 : convert_bit(ret->text, arena, ret);
}

/* Dates and times ------------------------------------------------------------------------------ */

static int binary_date(struct view bytes, struct arena *arena, struct value *ret)
{
	if (binary_int4(bytes, arena, ret) < 0)
		return -1;
	if (ret->integer == INT32_MAX)
		ret->integer = DATE_INFINITY;
	else if (ret->integer == INT32_MIN)
		ret->integer = DATE_MINUS_INFINITY;
	else
		ret->integer += EPOCH_DAYS;
	return 0;
}

/* Microseconds since the server's epoch that are too many since 1970: as the server prints them. */
static void put_beyond(int64_t us, bool zoned, struct arena *arena, struct value *ret)
{
	char date[DATETIME_TEXT_BYTES], time[DATETIME_TEXT_BYTES];

	date_print(us / DAY_US + EPOCH_DAYS, date);
	time_print(us % DAY_US, time);
	ret->integer = TIMESTAMP_BEYOND;
	ret->text = arena_printf(arena, "%s %s%s", date, time, zoned ? "+00" : "");
}

static int read_timestamp(struct view bytes, bool zoned, struct arena *arena, struct value *ret)
{
	int64_t us;

	if (binary_int8(bytes, arena, ret) < 0)
		return -1;
	if (ret->integer == INT64_MAX || ret->integer == INT64_MIN)
		return 0;
	us = ret->integer;
	if (__builtin_add_overflow(us, EPOCH_US, &ret->integer))
		put_beyond(us, zoned, arena, ret);
	return 0;
}

static int binary_timestamp(struct view bytes, struct arena *arena, struct value *ret)
{
	return read_timestamp(bytes, false, arena, ret);
}

static int binary_timestamp_zoned(struct view bytes, struct arena *arena, struct value *ret)
{
	return read_timestamp(bytes, true, arena, ret);
}

static int binary_time(struct view bytes, struct arena *arena, struct value *ret)
{
	if (binary_int8(bytes, arena, ret) < 0)
		return -1;
	return ret->integer < 0 || ret->integer > 86400 * USEC_PER_SEC ? -1 : 0;
}

/* i64 microseconds, i32 seconds west of Greenwich */
static int binary_time_zoned(struct view bytes, struct arena *arena, struct value *ret)
{
	char time[DATETIME_TEXT_BYTES], zone[24];
	struct value of_day, west;
	unsigned seconds;
	int len;

	if (bytes.len != 12 || binary_time((struct view){bytes.ptr, 8}, arena, &of_day) < 0 ||
	    binary_int4((struct view){bytes.ptr + 8, 4}, arena, &west) < 0)
		return -1;
	seconds = (unsigned)(west.integer < 0 ? -west.integer : west.integer);
	time_print(of_day.integer, time);
	len = snprintf(zone, sizeof(zone), "%c%02u", west.integer > 0 ? '-' : '+', seconds / 3600);
	if (seconds % 3600)
		len += snprintf(zone + len, sizeof(zone) - (size_t)len, ":%02u", seconds / 60 % 60);
	if (seconds % 60)
		snprintf(zone + len, sizeof(zone) - (size_t)len, ":%02u", seconds % 60);
	return convert_time_zoned(arena_printf(arena, "%s%s", time, zone), arena, ret);
}

/* An interval's text under construction, as EncodeInterval of the server makes it in its own style. */
struct interval_text {
	char text[120];
	int len;
	bool negative_before; /* the part before had a minus: the next one shows its plus */
};

static void put_part(struct interval_text *to, int32_t number, const char *unit)
{
	if (!number)
		return;
	to->len += snprintf(to->text + to->len, sizeof(to->text) - (size_t)to->len, "%s%s%" PRId32 " %s%s", to->len ? " " : "",
			    to->negative_before && number > 0 ? "+" : "", number, unit, number == 1 ? "" : "s");
	to->negative_before = number < 0;
}

static void put_time(struct interval_text *to, int64_t us)
{
	uint64_t all = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
	char fraction[8];
	int digits;

	if (to->len && !us)
		return;
	digits = snprintf(fraction, sizeof(fraction), ".%06u", (unsigned)(all % 1000000));
	while (digits && (fraction[digits - 1] == '0' || fraction[digits - 1] == '.'))
		digits--;
	to->len += snprintf(to->text + to->len, sizeof(to->text) - (size_t)to->len, "%s%s%02" PRIu64 ":%02u:%02u%.*s",
			    to->len ? " " : "", us < 0 ? "-" : to->negative_before ? "+" : "", all / 3600000000u,
			    (unsigned)(all / 60000000 % 60), (unsigned)(all / 1000000 % 60), digits, fraction);
}

/* i64 microseconds, i32 days, i32 months */
static int binary_interval(struct view bytes, struct arena *arena, struct value *ret)
{
	struct reader rd = reader_of(bytes);
	int64_t us = (int64_t)rd_u64be(&rd);
	int32_t days = (int32_t)rd_u32be(&rd), months = (int32_t)rd_u32be(&rd);
	struct interval_text text = {.len = 0};

	if (!rd_complete(&rd))
		return -1;
	if (us == INT64_MAX && days == INT32_MAX && months == INT32_MAX)
		return convert_interval(VIEW("infinity"), arena, ret);
	if (us == INT64_MIN && days == INT32_MIN && months == INT32_MIN)
		return convert_interval(VIEW("-infinity"), arena, ret);
	put_part(&text, months / 12, "year");
	put_part(&text, months % 12, "mon");
	put_part(&text, days, "day");
	put_time(&text, us);
	return convert_interval(arena_copy(arena, (struct view){text.text, (size_t)text.len}), arena, ret);
}

/* The table ------------------------------------------------------------------------------------ */

static const struct {
	uint32_t oid;
	pg_convert *text;   /* of types that are read in several ways: which; otherwise NULL */
	pg_convert *binary;
} table[] = {
	{16, NULL, binary_bool},        {21, NULL, binary_int2},        {23, NULL, binary_int4},
	{20, NULL, binary_int8},        {26, NULL, binary_oid},         {700, NULL, binary_float4},
	{701, NULL, binary_float8},     {1700, NULL, binary_numeric},   {790, convert_money, binary_money},
	{790, convert_money0, binary_money0}, {790, convert_money3, binary_money3},
	{25, NULL, convert_text},       {1043, NULL, convert_text},     {1042, NULL, convert_text},
	{19, NULL, convert_text},       {17, NULL, convert_text},       {2950, NULL, binary_uuid},
	{114, NULL, convert_text},      {3802, NULL, binary_jsonb},     {142, NULL, convert_text},
	{1560, convert_bit, binary_bit}, {1560, convert_bits, binary_bits}, {1562, NULL, binary_bits},
	{1082, NULL, binary_date},      {1083, NULL, binary_time},      {1266, NULL, binary_time_zoned},
	{1114, NULL, binary_timestamp}, {1184, NULL, binary_timestamp_zoned}, {1186, NULL, binary_interval},
};

pg_convert *binary_of(const struct pg_type *type)
{
	if (type == &pg_type_enum || strcmp(type->name, "citext") == 0)
		return convert_text;
	for (size_t i = 0; type->oid && i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].oid == type->oid && (!table[i].text || table[i].text == type->convert))
			return table[i].binary;
	return NULL;
}
