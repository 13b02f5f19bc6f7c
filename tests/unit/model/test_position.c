/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "model/position.h"
#include "unit/unit.h"

static void positions_are_printed_as_the_server_does(void **state)
{
	char text[POSITION_TEXT_BYTES];
	struct position pos;

	(void)state;
	assert_int_equal(position_parse(VIEW("1A/16B3748"), &pos), 0);
	assert_true(pos.lsn == UINT64_C(0x1A016B3748));
	position_print(pos, text);
	assert_string_equal(text, "1A/16B3748");
}

static void what_is_no_position_is_refused(void **state)
{
	static const char *const wrong[] = {"", "0", "/0", "0/", "0/G", "0/1 ", "123456789/0"};
	struct position pos;

	(void)state;
	FOR_EACH(row, wrong)
		assert_int_equal(position_parse(view_of(*row), &pos), -1);
}

static void no_position_is_before_all(void **state)
{
	struct position none = {0}, one = {POSITION_PG_LSN, 1}, two = {POSITION_PG_LSN, 2};

	(void)state;
	assert_int_equal(position_distance(one, two), 1);
	assert_int_equal(position_distance(two, one), 0);
	assert_int_equal(position_distance(none, two), 0);
	assert_int_equal(position_distance(one, none), 0);
	assert_true(position_compare(none, one) < 0);
	assert_true(position_compare(one, none) > 0);
	assert_true(position_compare(none, none) == 0);
	assert_true(position_compare(one, two) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("positions are printed as the server does", positions_are_printed_as_the_server_does),
		TEST("what is no position is refused", what_is_no_position_is_refused),
		TEST("no position is before all", no_position_is_before_all),
	};

	return RUN_TESTS(tests);
}
