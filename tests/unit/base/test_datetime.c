/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "base/datetime.h"
#include "unit/unit.h"

static const struct {
	const char *text;
	int64_t days;
} dates[] = {
	{"1970-01-01", 0},
	{"2000-02-29", 11016},
	{"1969-12-31", -1},
	{"0001-01-01", -719162},
	{"0001-12-31 BC", -719163},
	{"0044-03-15 BC", -735160},
	{"infinity", DATE_INFINITY},
	{"-infinity", DATE_MINUS_INFINITY},
	{"10000-01-01", 2932897},
};

static void dates_are_parsed_and_printed_back(void **state)
{
	(void)state;
	FOR_EACH(row, dates)
	{
		char text[DATETIME_TEXT_BYTES];
		int64_t days = 0;

		assert_int_equal(date_parse(view_of(row->text), &days), 0);
		assert_int_equal(days, row->days);
		date_print(days, text);
		assert_string_equal(text, row->text);
	}
}

static const struct {
	const char *text;
	bool zoned;
	int64_t us;
	const char *printed;
} timestamps[] = {
	{"1970-01-01 00:00:00", false, 0, "1970-01-01 00:00:00"},
	{"2024-02-29 12:34:56.789012+02", true, INT64_C(1709202896789012), "2024-02-29 10:34:56.789012+00"},
	{"2024-02-29 12:34:56.5", false, INT64_C(1709210096500000), "2024-02-29 12:34:56.5"},
	{"1900-01-01 00:00:00+00:19:32", true, INT64_C(-2208989972000000), "1899-12-31 23:40:28+00"},
	{"0044-03-15 12:00:00+00 BC", true, INT64_C(-63517780800000000), "0044-03-15 12:00:00+00 BC"},
	{"infinity", true, DATE_INFINITY, "infinity"},
	{"1969-12-31 23:59:59.999999", false, -1, "1969-12-31 23:59:59.999999"},
};

static void timestamps_are_parsed_and_printed_in_utc(void **state)
{
	(void)state;
	FOR_EACH(row, timestamps)
	{
		char text[DATETIME_TEXT_BYTES];
		int64_t us = 0;

		assert_int_equal(timestamp_parse(view_of(row->text), row->zoned, &us), 0);
		assert_int_equal(us, row->us);
		timestamp_print(us, row->zoned, text);
		assert_string_equal(text, row->printed);
	}
}

static const struct {
	const char *text;
	int64_t us;
} intervals[] = {
	{"00:00:00", 0},
	{"1 day", INT64_C(86400000000)},
	{"-1 days +02:03:00", INT64_C(-86400000000) + INT64_C(7380000000)},
	{"1 year 2 mons 3 days 04:05:06.789", INT64_C(36817200000000) + INT64_C(259200000000) + INT64_C(14706789000)},
	{"-00:00:00.000001", -1},
};

static void intervals_are_approximated_in_microseconds(void **state)
{
	(void)state;
	FOR_EACH(row, intervals)
	{
		int64_t us = 1;

		assert_int_equal(interval_parse(view_of(row->text), &us), 0);
		assert_int_equal(us, row->us);
	}
}

static void the_day_may_end_at_twenty_four(void **state)
{
	int64_t us = 0;

	(void)state;
	assert_int_equal(time_parse(VIEW("24:00:00"), &us), 0);
	assert_int_equal(us, INT64_C(86400000000));
	assert_int_equal(time_parse(VIEW("24:00:00.000001"), &us), -1);
}

static void what_is_no_date_is_refused(void **state)
{
	static const char *const wrong[] = {"", "2024", "2024-13-01", "2023-02-29", "2024-1-1", "2024-01-01x", "inf", "-"};
	int64_t days;

	(void)state;
	FOR_EACH(row, wrong)
		assert_int_equal(date_parse(view_of(*row), &days), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("dates are parsed and printed back", dates_are_parsed_and_printed_back),
		TEST("timestamps are parsed and printed in UTC", timestamps_are_parsed_and_printed_in_utc),
		TEST("intervals are approximated in microseconds", intervals_are_approximated_in_microseconds),
		TEST("the day may end at 24:00", the_day_may_end_at_twenty_four),
		TEST("what is no date is refused", what_is_no_date_is_refused),
	};

	return RUN_TESTS(tests);
}
