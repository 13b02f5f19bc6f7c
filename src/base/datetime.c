/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Calendar arithmetic (the algorithm of days in eras of 400 years) and the texts of ISO-style servers. The parsers walk
 * a cursor over the text; what remains at the end is an error.
 */
#include "base/datetime.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define DAY_US (INT64_C(86400) * USEC_PER_SEC)
#define YEAR_MAX 5874897 /* of PostgreSQL's last date */

int64_t date_from_civil(int64_t year, unsigned month, unsigned day)
{
	year -= month <= 2;

	int64_t era = (year >= 0 ? year : year - 399) / 400;
	unsigned year_of_era = (unsigned)(year - era * 400);
	unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + (int64_t)day_of_era - 719468;
}

void date_to_civil(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
	days += 719468;

	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	unsigned day_of_era = (unsigned)(days - era * 146097);
	unsigned year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned shifted = (5 * day_of_year + 2) / 153;

	*day = day_of_year - (153 * shifted + 2) / 5 + 1;
	*month = shifted < 10 ? shifted + 3 : shifted - 9;
	*year = (int64_t)year_of_era + era * 400 + (*month <= 2);
}

struct cursor {
	const char *pos;
	const char *end;
};

static struct cursor cursor_of(struct view text)
{
	return (struct cursor){text.ptr, text.ptr + text.len};
}

static bool skip(struct cursor *at, char c)
{
	if (at->pos == at->end || *at->pos != c)
		return false;
	at->pos++;
	return true;
}

static bool skip_text(struct cursor *at, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(at->end - at->pos) < len || memcmp(at->pos, text, len) != 0)
		return false;
	at->pos += len;
	return true;
}

/* Between `least` and `most` digits; -1 if there are fewer. */
static int64_t digits(struct cursor *at, int least, int most)
{
	int64_t value = 0;
	int count = 0;

	while (count < most && at->pos < at->end && *at->pos >= '0' && *at->pos <= '9') {
		value = value * 10 + (*at->pos++ - '0');
		count++;
	}
	return count < least ? -1 : value;
}

/* Almost all digits come in pairs; -1 if there are no two. */
static inline int64_t pair(struct cursor *at)
{
	unsigned tens, ones;

	if (at->end - at->pos < 2)
		return -1;
	tens = (unsigned)(unsigned char)at->pos[0] - '0';
	ones = (unsigned)(unsigned char)at->pos[1] - '0';
	if (tens > 9 || ones > 9)
		return -1;
	at->pos += 2;
	return tens * 10 + ones;
}

static inline bool follows(const struct cursor *at, int place, char c)
{
	return at->end - at->pos > place && at->pos[place] == c;
}

static int64_t year_digits(struct cursor *at)
{
	int64_t century, year;

	if (!follows(at, 4, '-'))
		return digits(at, 4, 7);
	century = pair(at);
	year = pair(at);
	return century < 0 || year < 0 ? -1 : century * 100 + year;
}

static unsigned days_in_month(int64_t year, unsigned month)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* Year, month and day; " BC" comes last and is looked for by the callers. */
static int parse_civil(struct cursor *at, int64_t *year, int64_t *month, int64_t *day)
{
	*year = year_digits(at);
	if (*year < 0 || *year > YEAR_MAX || !skip(at, '-'))
		return -1;
	*month = pair(at);
	if (*month < 1 || *month > 12 || !skip(at, '-'))
		return -1;
	*day = pair(at);
	return *day < 1 ? -1 : 0;
}

static int finish_civil(struct cursor *at, int64_t year, int64_t month, int64_t day, int64_t *ret_days)
{
	if (at->pos != at->end && skip_text(at, " BC"))
		year = 1 - year;
	if (at->pos != at->end || day > days_in_month(year, (unsigned)month))
		return -1;
	*ret_days = date_from_civil(year, (unsigned)month, (unsigned)day);
	return 0;
}

static bool parse_infinity(struct view text, int64_t *ret)
{
	if (view_is(text, "infinity"))
		*ret = DATE_INFINITY;
	else if (view_is(text, "-infinity"))
		*ret = DATE_MINUS_INFINITY;
	else
		return false;
	return true;
}

int date_parse(struct view text, int64_t *ret_days)
{
	struct cursor at = cursor_of(text);
	int64_t year, month, day;

	if (text.len && (text.ptr[0] < '0' || text.ptr[0] > '9'))
		return parse_infinity(text, ret_days) ? 0 : -1;
	if (parse_civil(&at, &year, &month, &day) < 0)
		return -1;
	return finish_civil(&at, year, month, day, ret_days);
}

/* ".789": microseconds, or -1 for more than six digits or none. */
static int64_t parse_fraction(struct cursor *at)
{
	const char *start = at->pos;
	int64_t value = digits(at, 1, 6);

	for (long count = at->pos - start; value >= 0 && count < 6; count++)
		value *= 10;
	return value;
}

/* "12:34[:56[.789]]", any number of hours that `most_hours` allows. */
static int parse_clock(struct cursor *at, int64_t most_hours, int64_t *ret_us)
{
	int64_t hours = follows(at, 2, ':') ? pair(at) : digits(at, 2, 9), minutes, seconds = 0, fraction = 0;

	if (hours < 0 || hours > most_hours || !skip(at, ':'))
		return -1;
	minutes = pair(at);
	if (minutes < 0 || minutes > 59)
		return -1;
	if (skip(at, ':')) {
		seconds = pair(at);
		if (seconds < 0 || seconds > 60)
			return -1;
		if (skip(at, '.')) {
			fraction = parse_fraction(at);
			if (fraction < 0)
				return -1;
		}
	}
	*ret_us = ((hours * 60 + minutes) * 60 + seconds) * USEC_PER_SEC + fraction;
	return 0;
}

int time_parse(struct view text, int64_t *ret_us)
{
	struct cursor at = cursor_of(text);
	int64_t us;

	if (parse_clock(&at, 24, &us) < 0 || at.pos != at.end || us > DAY_US)
		return -1;
	*ret_us = us;
	return 0;
}

/* "+05[:30[:15]]" in microseconds east of Greenwich. */
static int parse_zone(struct cursor *at, int64_t *ret_us)
{
	bool west = skip(at, '-');
	int64_t hours, minutes = 0, seconds = 0;

	if (!west && !skip(at, '+'))
		return -1;
	hours = digits(at, 2, 2);
	if (skip(at, ':'))
		minutes = pair(at);
	if (skip(at, ':'))
		seconds = pair(at);
	if (hours < 0 || minutes < 0 || seconds < 0)
		return -1;
	*ret_us = ((hours * 60 + minutes) * 60 + seconds) * USEC_PER_SEC * (west ? -1 : 1);
	return 0;
}

int time_zoned_parse(struct view text, int64_t *ret_us)
{
	struct cursor at = cursor_of(text);
	int64_t us, zone;

	if (parse_clock(&at, 24, &us) < 0 || us > DAY_US || parse_zone(&at, &zone) < 0 || at.pos != at.end)
		return -1;
	if (zone != 0)
		us = ((us - zone) % DAY_US + DAY_US) % DAY_US;
	*ret_us = us;
	return 0;
}

int timestamp_parse(struct view text, bool zoned, int64_t *ret_us)
{
	struct cursor at = cursor_of(text);
	int64_t year, month, day, days, us, zone = 0;

	if (text.len && (text.ptr[0] < '0' || text.ptr[0] > '9'))
		return parse_infinity(text, ret_us) ? 0 : -1;
	if (parse_civil(&at, &year, &month, &day) < 0 || !(skip(&at, ' ') || skip(&at, 'T')) ||
	    parse_clock(&at, 24, &us) < 0)
		return -1;
	if (zoned && !skip(&at, 'Z') && parse_zone(&at, &zone) < 0)
		return -1;
	if (finish_civil(&at, year, month, day, &days) < 0)
		return -1;
	/* Of what PostgreSQL knows, the years from 294247 on do not fit. */
	if (__builtin_mul_overflow(days, DAY_US, &day) || __builtin_add_overflow(day, us - zone, &us))
		return -1;
	*ret_us = us;
	return 0;
}

/* One month is a twelfth of 365.25 days. */
#define MONTH_US (INT64_C(2629800) * USEC_PER_SEC)

static const struct {
	const char *name;
	int64_t us;
} interval_units[] = {
	{"years", 12 * MONTH_US}, {"year", 12 * MONTH_US}, {"mons", MONTH_US},
	{"mon", MONTH_US},        {"days", DAY_US},        {"day", DAY_US},
};

static int parse_interval_unit(struct cursor *at, int64_t *ret_us)
{
	for (size_t i = 0; i < sizeof(interval_units) / sizeof(interval_units[0]); i++) {
		if (skip_text(at, interval_units[i].name)) {
			*ret_us = interval_units[i].us;
			return 0;
		}
	}
	return -1;
}

/* "-3 days" or "-04:05:06.789". */
static int parse_interval_part(struct cursor *at, int64_t *ret_us)
{
	bool minus = skip(at, '-');
	struct cursor clock;
	int64_t number, unit, us;

	if (!minus)
		skip(at, '+');
	clock = *at;
	if (parse_clock(&clock, INT64_C(3000000000), &us) == 0) {
		*at = clock;
	} else {
		number = digits(at, 1, 10);
		if (number < 0 || !skip(at, ' ') || parse_interval_unit(at, &unit) < 0 ||
		    __builtin_mul_overflow(number, unit, &us))
			return -1;
	}
	*ret_us = minus ? -us : us;
	return 0;
}

int interval_parse(struct view text, int64_t *ret_us)
{
	struct cursor at = cursor_of(text);
	int64_t sum = 0, part;

	if (parse_infinity(text, ret_us))
		return 0;
	do {
		if (parse_interval_part(&at, &part) < 0 || __builtin_add_overflow(sum, part, &sum))
			return -1;
	} while (skip(&at, ' '));
	if (at.pos != at.end)
		return -1;
	*ret_us = sum;
	return 0;
}

static int print_infinity(int64_t value, char *text)
{
	return snprintf(text, DATETIME_TEXT_BYTES, "%s", value == DATE_INFINITY ? "infinity" : "-infinity");
}

static bool is_infinite(int64_t value)
{
	return value == DATE_INFINITY || value == DATE_MINUS_INFINITY;
}

/* Exactly `count` digits; returns what is behind them. These run for every date of every row, so no printf. */
static char *put_digits(char *to, uint64_t value, int count)
{
	for (int i = count; i-- > 0; value /= 10)
		to[i] = (char)('0' + value % 10);
	return to + count;
}

static char *put_char(char *to, char c)
{
	*to = c;
	return to + 1;
}

static char *put_text(char *to, const char *text)
{
	size_t len = strlen(text);

	memcpy(to, text, len);
	return to + len;
}

static int put_end(char *to, const char *start)
{
	*to = '\0';
	return (int)(to - start);
}

static char *put_civil(char *to, int64_t days, bool *ret_bc)
{
	int64_t year;
	unsigned month, day;
	int digits_of_year = 4;

	date_to_civil(days, &year, &month, &day);
	*ret_bc = year <= 0;
	year = *ret_bc ? 1 - year : year;
	for (int64_t rest = year / 10000; rest; rest /= 10)
		digits_of_year++;
	to = put_char(put_digits(to, (uint64_t)year, digits_of_year), '-');
	to = put_char(put_digits(to, month, 2), '-');
	return put_digits(to, day, 2);
}

static char *put_time(char *to, int64_t us)
{
	int64_t size = us < 0 ? -us : us, seconds = size / USEC_PER_SEC;
	int fraction = (int)(size % USEC_PER_SEC);

	if (us < 0)
		to = put_char(to, '-');
	to = put_char(put_digits(to, (uint64_t)(seconds / 3600), 2), ':');
	to = put_char(put_digits(to, (uint64_t)(seconds / 60 % 60), 2), ':');
	to = put_digits(to, (uint64_t)(seconds % 60), 2);
	if (!fraction)
		return to;
	to = put_digits(put_char(to, '.'), (uint64_t)fraction, 6);
	while (to[-1] == '0')
		to--;
	return to;
}

int date_print(int64_t days, char text[DATETIME_TEXT_BYTES])
{
	bool bc;
	char *to;

	if (is_infinite(days))
		return print_infinity(days, text);
	to = put_civil(text, days, &bc);
	return put_end(put_text(to, bc ? " BC" : ""), text);
}

int time_print(int64_t us, char text[DATETIME_TEXT_BYTES])
{
	return put_end(put_time(text, us), text);
}

int timestamp_print(int64_t us, bool zoned, char text[DATETIME_TEXT_BYTES])
{
	int64_t days = us / DAY_US, time = us % DAY_US;
	bool bc;
	char *to;

	if (is_infinite(us))
		return print_infinity(us, text);
	if (time < 0) {
		days--;
		time += DAY_US;
	}
	to = put_char(put_civil(text, days, &bc), ' ');
	to = put_text(put_time(to, time), zoned ? "+00" : "");
	return put_end(put_text(to, bc ? " BC" : ""), text);
}
