/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Dates and times, as rows events and as results have them (MySQL source, my_time.cc). No target type but text has a place for dates
 * that the calendar does not have (0000-00-00, 2024-00-10, 2024-02-31): the column says what becomes of them.
 */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/datetime.h"
#include "rows.h"
#include "source/source.h"

#define DAY_US (INT64_C(86400) * USEC_PER_SEC)

static bool is_date(unsigned year, unsigned month, unsigned day)
{
	static const uint8_t days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month >= 1 && month <= 12 && day >= 1 && day <= days[month] + (unsigned)(month == 2 && leap);
}

static int put_no_date(const struct my_column *column, struct value *ret)
{
	ret->state = VALUE_NULL;
	return column->dates == DATES_ERROR ? -1 : 0;
}

static int put_date(const struct my_column *column, unsigned year, unsigned month, unsigned day, struct value *ret)
{
	if (!is_date(year, month, day))
		return put_no_date(column, ret);
	ret->integer = date_from_civil(year, month, day);
	return 0;
}

struct moment {
	unsigned year, month, day, hour, minute, second, micro;
};

static bool is_moment(const struct moment *at)
{
	return at->year <= 9999 && at->hour <= 23 && at->minute <= 59 && at->second <= 59 && at->micro <= 999999;
}

static int put_moment(const struct my_column *column, const struct moment *at, struct value *ret)
{
	if (!is_moment(at) || put_date(column, at->year, at->month, at->day, ret) < 0)
		return -1;
	if (ret->state == VALUE_PRESENT)
		ret->integer = ret->integer * DAY_US + ((at->hour * 60 + at->minute) * INT64_C(60) + at->second) * USEC_PER_SEC + at->micro;
	return 0;
}

int read_date(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	unsigned packed = (unsigned)rd_uint_le(rd, 3);

	(void)arena;
	return put_date(column, packed >> 9, packed >> 5 & 15, packed & 31, ret);
}

static const unsigned fraction_unit[7] = {1, 10000, 10000, 100, 100, 1, 1};

static unsigned read_fraction(struct reader *rd, unsigned digits)
{
	return digits > 6 ? 0 : (unsigned)rd_uint_be(rd, (digits + 1) / 2) * fraction_unit[digits];
}

int read_timestamp(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	int64_t seconds = rd_u32be(rd);
	unsigned micro = read_fraction(rd, column->meta);

	(void)arena;
	if (column->meta > 6 || micro > 999999)
		return -1;
	ret->integer = seconds * USEC_PER_SEC + micro;
	return seconds || micro ? 0 : put_no_date(column, ret); /* 0000-00-00 */
}

static struct moment take_datetime(struct reader *rd, const struct my_column *column)
{
	uint64_t packed = rd_uint_be(rd, 5) - UINT64_C(0x8000000000);
	unsigned months = (unsigned)(packed >> 22) & 0x1ffff;

	return (struct moment){
		.year = months / 13, .month = months % 13, .day = packed >> 17 & 31, .hour = packed >> 12 & 31,
		.minute = packed >> 6 & 63, .second = packed & 63, .micro = read_fraction(rd, column->meta),
	};
}

int read_datetime(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	struct moment at = take_datetime(rd, column);

	(void)arena;
	return column->meta > 6 ? -1 : put_moment(column, &at, ret);
}

/* Beyond a day, too. */
static int put_time(bool negative, const struct moment *at, struct value *ret)
{
	if (at->minute > 59 || at->second > 59 || at->micro > 999999)
		return -1;
	ret->integer = ((at->hour * 60 + at->minute) * INT64_C(60) + at->second) * USEC_PER_SEC + at->micro;
	if (negative)
		ret->integer = -ret->integer;
	return 0;
}

/* Whole and fraction are one number, so that what is below zero sorts right. */
int read_time(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	unsigned fraction_bytes = (column->meta + 1u) / 2, bits = 8 * fraction_bytes;
	struct moment at;
	int64_t packed;
	uint64_t size;

	(void)arena;
	if (column->meta > 6)
		return -1;
	packed = (int64_t)rd_uint_be(rd, 3 + fraction_bytes) - ((int64_t)0x800000 << bits);
	size = (uint64_t)(packed < 0 ? -packed : packed);
	at = (struct moment){
		.hour = (unsigned)(size >> bits >> 12) & 0x3ff, .minute = size >> bits >> 6 & 63, .second = size >> bits & 63,
		.micro = (unsigned)(size & ((UINT64_C(1) << bits) - 1)) * fraction_unit[column->meta],
	};
	return rd->failed ? 0 : put_time(packed < 0, &at, ret);
}

int read_old_timestamp(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	int64_t seconds = rd_u32le(rd);

	(void)arena;
	ret->integer = seconds * USEC_PER_SEC;
	return seconds ? 0 : put_no_date(column, ret);
}

/* YYYYMMDDhhmmss */
static struct moment take_old_datetime(struct reader *rd)
{
	uint64_t digits = rd_uint_le(rd, 8), date = digits / 1000000;
	unsigned time = (unsigned)(digits % 1000000);

	return (struct moment){
		.year = (unsigned)(date / 10000), .month = (unsigned)(date / 100 % 100), .day = (unsigned)(date % 100),
		.hour = time / 10000, .minute = time / 100 % 100, .second = time % 100,
	};
}

int read_old_datetime(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	struct moment at = take_old_datetime(rd);

	(void)arena;
	return put_moment(column, &at, ret);
}

/* hhmmss with a sign */
int read_old_time(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	int32_t digits = (int32_t)((uint32_t)rd_uint_le(rd, 3) << 8) >> 8;
	unsigned size = (unsigned)abs(digits);
	struct moment at = {.hour = size / 10000, .minute = size / 100 % 100, .second = size % 100};

	(void)column;
	(void)arena;
	return put_time(digits < 0, &at, ret);
}

/* As texts, which a result has anyway ------------------------------------------------------------ */

int read_date_text(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	unsigned packed = (unsigned)rd_uint_le(rd, 3);

	(void)column;
	ret->text = arena_printf(arena, "%04u-%02u-%02u", packed >> 9, packed >> 5 & 15, packed & 31);
	return 0;
}

/* With so many digits of the fraction. */
static int print_moment(const struct moment *at, unsigned digits, struct arena *arena, struct value *ret)
{
	static const unsigned cut[7] = {1000000, 100000, 10000, 1000, 100, 10, 1};

	if (!is_moment(at) || digits > 6)
		return -1;
	ret->text = arena_printf(arena, digits ? "%04u-%02u-%02u %02u:%02u:%02u.%0*u" : "%04u-%02u-%02u %02u:%02u:%02u", at->year, at->month, at->day,
				 at->hour, at->minute, at->second, (int)digits, at->micro / cut[digits]);
	return 0;
}

/* In UTC; the beginning of 1970 is no moment. */
static int print_time(int64_t seconds, unsigned micro, unsigned digits, struct arena *arena, struct value *ret)
{
	time_t time = (time_t)seconds;
	struct moment at = {.micro = micro};
	struct tm utc;

	if (!gmtime_r(&time, &utc))
		return -1;
	if (seconds || micro)
		at = (struct moment){.year = (unsigned)utc.tm_year + 1900, .month = (unsigned)utc.tm_mon + 1, .day = (unsigned)utc.tm_mday,
				     .hour = (unsigned)utc.tm_hour, .minute = (unsigned)utc.tm_min, .second = (unsigned)utc.tm_sec, .micro = micro};
	return print_moment(&at, digits, arena, ret);
}

int read_datetime_text(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	struct moment at = take_datetime(rd, column);

	return print_moment(&at, column->meta, arena, ret);
}

int read_timestamp_text(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	int64_t seconds = rd_u32be(rd);

	return print_time(seconds, read_fraction(rd, column->meta), column->meta, arena, ret);
}

int read_old_datetime_text(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	struct moment at = take_old_datetime(rd);

	(void)column;
	return print_moment(&at, 0, arena, ret);
}

int read_old_timestamp_text(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	(void)column;
	return print_time(rd_u32le(rd), 0, 0, arena, ret);
}

/* Results of the text protocol ------------------------------------------------------------------ */

/* A number of digits, with what has to follow it ('\0': nothing has). */
static int take_number(const char **at, char end, unsigned *ret)
{
	const char *from = *at;

	for (*ret = 0; **at >= '0' && **at <= '9'; (*at)++)
		*ret = *ret * 10 + (unsigned)(**at - '0');
	if (*at == from || *at - from > 4 || (end && **at != end))
		return -1;
	*at += end != '\0';
	return 0;
}

static int take_fraction(const char **at, unsigned *ret)
{
	unsigned digits = 0;

	*ret = 0;
	if (**at != '.')
		return 0;
	for ((*at)++; **at >= '0' && **at <= '9' && digits < 6; (*at)++, digits++)
		*ret = *ret * 10 + (unsigned)(**at - '0');
	for (; digits < 6; digits++)
		*ret *= 10;
	return 0;
}

int parse_date(struct view text, const struct my_column *column, struct arena *arena, struct value *ret)
{
	const char *at = text.ptr;
	unsigned year, month, day;

	(void)arena;
	if (take_number(&at, '-', &year) < 0 || take_number(&at, '-', &month) < 0 || take_number(&at, '\0', &day) < 0 || *at)
		return -1;
	return put_date(column, year, month, day, ret);
}

int parse_datetime(struct view text, const struct my_column *column, struct arena *arena, struct value *ret)
{
	struct moment to;
	const char *at = text.ptr;

	(void)arena;
	if (take_number(&at, '-', &to.year) < 0 || take_number(&at, '-', &to.month) < 0 || take_number(&at, ' ', &to.day) < 0 ||
	    take_number(&at, ':', &to.hour) < 0 || take_number(&at, ':', &to.minute) < 0 || take_number(&at, '\0', &to.second) < 0 ||
	    take_fraction(&at, &to.micro) < 0 || *at)
		return -1;
	return put_moment(column, &to, ret);
}

int parse_time(struct view text, const struct my_column *column, struct arena *arena, struct value *ret)
{
	const char *at = text.ptr + (text.len && *text.ptr == '-');
	unsigned hour, minute, second, micro;

	(void)column;
	(void)arena;
	if (take_number(&at, ':', &hour) < 0 || take_number(&at, ':', &minute) < 0 || take_number(&at, '\0', &second) < 0 ||
	    take_fraction(&at, &micro) < 0 || *at)
		return -1;
	ret->integer = ((hour * 60 + minute) * INT64_C(60) + second) * USEC_PER_SEC + micro;
	if (*text.ptr == '-')
		ret->integer = -ret->integer;
	return 0;
}
