/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Calendar dates and times from and to text. Dates are days, times and timestamps microseconds, since 1970-01-01 (UTC
 * where a zone is known), in the proleptic Gregorian calendar. Infinities, which PostgreSQL has, are the outermost
 * values.
 */
#ifndef BASE_DATETIME_H
#define BASE_DATETIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

#define DATE_INFINITY INT64_MAX
#define DATE_MINUS_INFINITY INT64_MIN
#define TIMESTAMP_BEYOND (INT64_MAX - 1) /* in place of one, or of an interval, that is legal at its source and has no place here */
#define DATETIME_TEXT_BYTES 48

/*
 * Days since 1970-01-01 of a date, and back. Year 0 is 1 BC; months and days count from 1, and are not checked. Years
 * up to some billions.
 */
int64_t date_from_civil(int64_t year, unsigned month, unsigned day);
void date_to_civil(int64_t days, int64_t *year, unsigned *month, unsigned *day);

/*
 * Parse what ISO-style servers print: "2024-02-29", "0044-03-15 BC", "infinity"; "12:34:56.789" up to "24:00:00";
 * "2024-02-29 12:34:56.789[+05:30] [BC]". They return 0, or -1 if the text is nothing of the kind; *ret only on
 * success. A timestamp's zone offset is subtracted; `zoned` says whether one is required (true), or forbidden (false).
 * PostgreSQL's timestamps from the year 294247 on have no place in 64 bits and are refused.
 */
int date_parse(struct view text, int64_t *ret_days);
int time_parse(struct view text, int64_t *ret_us);
int timestamp_parse(struct view text, bool zoned, int64_t *ret_us);

/*
 * "12:34:56.789+05:30": in UTC, within a day. 24:00:00 is only what it is at Greenwich; elsewhere it is a time of the day.
 */
int time_zoned_parse(struct view text, int64_t *ret_us);

/*
 * "1 year 2 mons -3 days +04:05:06.789", the style of PostgreSQL: in microseconds, with a year of 365.25 days and a
 * month of a twelfth of that, as Debezium counts.
 */
int interval_parse(struct view text, int64_t *ret_us);

/*
 * The same texts, canonical: fractions without trailing zeros; a zoned timestamp is printed in UTC with "+00". They
 * return the length; a NUL follows.
 */
int date_print(int64_t days, char text[DATETIME_TEXT_BYTES]);
int time_print(int64_t us, char text[DATETIME_TEXT_BYTES]);
int timestamp_print(int64_t us, bool zoned, char text[DATETIME_TEXT_BYTES]);

#endif
