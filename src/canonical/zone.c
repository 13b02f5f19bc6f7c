/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * TZif, version 2 or later: a header, a block with 32-bit times (skipped), a header and a block with 64-bit times, and
 * a footer with the rule for all later years in the notation of POSIX.
 *
 *	header   "TZif" version(1) zero(15) isutcnt(4) isstdcnt(4) leapcnt(4) timecnt(4) typecnt(4) charcnt(4)
 *	block    timecnt times, timecnt type indexes(1), typecnt x (offset(4) isdst(1) abbreviation(1)), charcnt bytes,
 *	         leapcnt x (time, correction(4)), isstdcnt bytes, isutcnt bytes
 *	footer   "\n" rule "\n"          rule: CET-1CEST,M3.5.0,M10.5.0/3
 */
#include "zone.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/datetime.h"
#include "base/memory.h"
#include "base/reader.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"
#define FILE_BYTES_MAX 65536
#define NUMBER_MAX 100000
#define DAY_SECONDS INT64_C(86400)

/* When a rule's change happens: month, week (5 = last), weekday, seconds of local time; or a day of the year. */
struct change_day {
	char kind; /* M, J (1 to 365, never 29 February), 0 (0 to 365) */
	int month, week, day;
	int64_t time;
};

struct zone {
	uint32_t time_count;
	int64_t *times;         /* UTC seconds of changes */
	int32_t *offsets;       /* seconds east of Greenwich: [i] before times[i], [time_count] after the last */
	bool has_rule;
	bool has_summer;
	int32_t standard, summer;
	struct change_day to_summer, to_standard;
};

struct counts {
	uint32_t isutc, isstd, leap, time, type, chars;
};

static int read_header(struct reader *rd, struct counts *counts)
{
	struct view magic = rd_bytes(rd, 4);

	rd_bytes(rd, 16);
	counts->isutc = rd_u32be(rd);
	counts->isstd = rd_u32be(rd);
	counts->leap = rd_u32be(rd);
	counts->time = rd_u32be(rd);
	counts->type = rd_u32be(rd);
	counts->chars = rd_u32be(rd);
	if (rd->failed || !view_is(magic, "TZif") || counts->type == 0 || counts->type > 256 ||
	    counts->time > FILE_BYTES_MAX || counts->chars > FILE_BYTES_MAX || counts->leap > FILE_BYTES_MAX)
		return -1;
	return 0;
}

static void skip_block(struct reader *rd, const struct counts *counts, size_t time_bytes)
{
	rd_bytes(rd, counts->time * (time_bytes + 1) + counts->type * 6 + counts->chars +
			     counts->leap * (time_bytes + 4) + counts->isstd + counts->isutc);
}

static int read_block(struct reader *rd, const struct counts *counts, struct zone *zone)
{
	struct view indexes;
	int32_t offsets[256];

	zone->time_count = counts->time;
	zone->times = MEM_ARRAY(int64_t, counts->time + 1);
	zone->offsets = MEM_ARRAY(int32_t, counts->time + 1);
	for (uint32_t i = 0; i < counts->time; i++)
		zone->times[i] = (int64_t)rd_u64be(rd);
	indexes = rd_bytes(rd, counts->time);
	for (uint32_t i = 0; i < counts->type; i++) {
		offsets[i] = (int32_t)rd_u32be(rd);
		rd_bytes(rd, 2);
	}
	rd_bytes(rd, counts->chars + counts->leap * 12 + counts->isstd + counts->isutc);
	if (rd->failed)
		return -1;
	zone->offsets[0] = offsets[0];
	for (uint32_t i = 0; i < counts->time; i++) {
		if ((uint8_t)indexes.ptr[i] >= counts->type)
			return -1;
		zone->offsets[i + 1] = offsets[(uint8_t)indexes.ptr[i]];
	}
	return 0;
}

/* "CET" or "<+03>" */
static const char *skip_name(const char *at)
{
	if (*at == '<') {
		while (*at && *at != '>')
			at++;
		return *at ? at + 1 : at;
	}
	while ((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z'))
		at++;
	return at;
}

/* Digits; what is far beyond anything that a rule can mean stays there. */
static const char *read_number(const char *at, int *ret)
{
	for (*ret = 0; *at >= '0' && *at <= '9'; at++)
		if (*ret < NUMBER_MAX)
			*ret = *ret * 10 + (*at - '0');
	return at;
}

/* "[+-]h[:m[:s]]" in seconds */
static const char *read_clock(const char *at, int64_t *ret)
{
	int64_t sign = *at == '-' ? -1 : 1, unit = 3600;
	int number;

	*ret = 0;
	if (*at == '-' || *at == '+')
		at++;
	for (;; at++) {
		at = read_number(at, &number);
		*ret += sign * unit * number;
		unit /= 60;
		if (*at != ':' || !unit)
			return at;
	}
}

/* "M3.5.0", "J60", "59", each with "/time" */
static const char *read_day(const char *at, struct change_day *day)
{
	day->kind = *at == 'M' || *at == 'J' ? *at++ : '0';
	if (day->kind == 'M') {
		at = read_number(at, &day->month);
		at += *at == '.';
		at = read_number(at, &day->week);
		at += *at == '.';
	}
	at = read_number(at, &day->day);
	day->time = 7200;
	return *at == '/' ? read_clock(at + 1, &day->time) : at;
}

static bool is_day(const struct change_day *day)
{
	if (day->kind == 'M')
		return day->month >= 1 && day->month <= 12 && day->week >= 1 && day->week <= 5 && day->day <= 6;
	return day->day <= 365;
}

static void read_rule(const char *at, struct zone *zone)
{
	int64_t west;

	at = read_clock(skip_name(at), &west);
	zone->standard = (int32_t)-west;
	zone->has_rule = true;
	if (!*at)
		return;
	at = skip_name(at);
	west -= 3600;
	if (*at && *at != ',')
		at = read_clock(at, &west);
	zone->summer = (int32_t)-west;
	zone->has_summer = *at == ',';
	if (zone->has_summer)
		at = read_day(at + 1, &zone->to_summer);
	if (*at == ',')
		read_day(at + 1, &zone->to_standard);
	zone->has_summer = zone->has_summer && is_day(&zone->to_summer) && is_day(&zone->to_standard);
}

static void read_footer(struct reader *rd, struct zone *zone)
{
	char rule[128];
	size_t len = rd_left(rd);

	if (len < 3 || len > sizeof(rule))
		return;
	memcpy(rule, rd->pos + 1, len - 1);
	rule[len - 2] = '\0';
	read_rule(rule, zone);
}

struct zone *zone_parse(struct view tzif)
{
	struct zone *zone = MEM_NEW(struct zone);
	struct reader rd = reader_of(tzif);
	struct counts counts;
	int result = read_header(&rd, &counts);

	if (result == 0) {
		skip_block(&rd, &counts, 4);
		result = read_header(&rd, &counts);
	}
	if (result == 0)
		result = read_block(&rd, &counts, zone);
	if (result == 0) {
		read_footer(&rd, zone);
		return zone;
	}
	zone_free(zone);
	return NULL;
}

void zone_free(struct zone *zone)
{
	if (!zone)
		return;
	free(zone->times);
	free(zone->offsets);
	free(zone);
}

/* Nothing that leads out of the folder. */
static bool is_zone_name(struct view name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (!letter && (i == 0 || !strchr("_+-/", c)))
			return false;
	}
	return name.len > 0 && name.len < 64;
}

struct zone *zone_load(struct view name)
{
	struct zone *zone;
	char path[128], *bytes;
	size_t len;
	FILE *file;

	if (!is_zone_name(name))
		return NULL;
	snprintf(path, sizeof(path), ZONE_FOLDER "/%.*s", VIEW_ARG(name));
	file = fopen(path, "re");
	if (!file)
		return NULL;
	bytes = mem_new(FILE_BYTES_MAX, 1);
	len = fread(bytes, 1, FILE_BYTES_MAX, file);
	fclose(file);
	zone = zone_parse((struct view){bytes, len});
	free(bytes);
	return zone;
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The day on which a change of a year's rule happens, in days since 1970. */
static int64_t day_of_change(const struct change_day *change, int64_t year)
{
	int64_t first = date_from_civil(year, 1, 1), day;
	int weekday;

	if (change->kind == '0')
		return first + change->day;
	if (change->kind == 'J')
		return first + change->day - 1 + (is_leap(year) && change->day >= 60);
	first = date_from_civil(year, (unsigned)change->month, 1);
	weekday = (int)((first % 7 + 11) % 7); /* 1970-01-01 was a Thursday */
	day = first + (change->day - weekday + 7) % 7 + (change->week - 1) * 7;
	while (day >= date_from_civil(year + change->month / 12, (unsigned)(change->month % 12 + 1), 1))
		day -= 7;
	return day;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int32_t rule_offset(const struct zone *zone, int64_t utc)
{
	int64_t year, start, end;
	unsigned month, day;

	if (!zone->has_summer)
		return zone->standard;
	date_to_civil(floor_div(utc + zone->standard, DAY_SECONDS), &year, &month, &day);
	start = day_of_change(&zone->to_summer, year) * DAY_SECONDS + zone->to_summer.time - zone->standard;
	end = day_of_change(&zone->to_standard, year) * DAY_SECONDS + zone->to_standard.time - zone->summer;
	if (start < end)
		return utc >= start && utc < end ? zone->summer : zone->standard;
	return utc >= end && utc < start ? zone->standard : zone->summer;
}

static int32_t offset_at(const struct zone *zone, int64_t utc)
{
	uint32_t low = 0, high = zone->time_count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (zone->times[middle] <= utc)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == zone->time_count && zone->has_rule)
		return rule_offset(zone, utc);
	return zone->offsets[low];
}

/*
 * The offsets a day before and a day after enclose at most one change. If both readings of the local time are true to
 * their own offset, the time is repeated: the later offset counts. If neither is, it was left out: the earlier counts.
 */
int64_t zone_to_utc(const struct zone *zone, int64_t local_us)
{
	int64_t local = floor_div(local_us, USEC_PER_SEC);
	int32_t before = offset_at(zone, local - DAY_SECONDS), after = offset_at(zone, local + DAY_SECONDS);
	int32_t offset = offset_at(zone, local - after) == after ? after : before;

	/* At the ends of the calendar there may be no such time. */
	if (__builtin_sub_overflow(local_us, offset * USEC_PER_SEC, &local_us))
		return offset < 0 ? DATE_INFINITY : DATE_MINUS_INFINITY;
	return local_us;
}
