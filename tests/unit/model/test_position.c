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

static void positions_of_a_binary_log_are_a_file_and_an_offset(void **state)
{
	static const struct {
		const char *text;
		uint32_t file;
		uint64_t offset;
	} table[] = {
		{"23:4567", 23, 4567}, {"0:0", 0, 0}, {"1:4294967296", 1, UINT64_C(4294967296)},
		{"16777215:1099511627775", 16777215, UINT64_C(1099511627775)},
	};
	char text[POSITION_TEXT_BYTES];
	struct position pos;

	(void)state;
	FOR_EACH(row, table) {
		assert_int_equal(position_parse(view_of(row->text), &pos), 0);
		assert_int_equal(pos.kind, POSITION_BINLOG);
		assert_int_equal(position_file(pos), row->file);
		assert_true(position_offset(pos.lsn) == row->offset);
		position_print(pos, text);
		assert_string_equal(text, row->text);
	}
}

static void a_later_file_is_behind_any_offset(void **state)
{
	static const char *const order[] = {"1:4", "1:4294967295", "1:4294967296", "1:1099511627775", "2:4", "10:4", "16777215:0"};
	struct position before = {0}, at;

	(void)state;
	FOR_EACH(row, order) {
		assert_int_equal(position_parse(view_of(*row), &at), 0);
		assert_true(position_compare(before, at) < 0);
		assert_true(position_compare(at, before) > 0);
		assert_int_equal(position_compare(at, at), 0);
		before = at;
	}
}

static void what_is_no_position_is_refused(void **state)
{
	static const char *const wrong[] = {"", "0", "/0", "0/", "0/G", "0/1 ", "123456789/0", ":", "1:", ":1", "1:4x", " 1:4",
					   "-1:4", "16777216:4", "1:1099511627776", "1:99999999999999999999", "1:4:4"};
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
		TEST("positions of a binary log are a file and an offset", positions_of_a_binary_log_are_a_file_and_an_offset),
		TEST("a later file is behind any offset", a_later_file_is_behind_any_offset),
		TEST("what is no position is refused", what_is_no_position_is_refused),
		TEST("no position is before all", no_position_is_before_all),
	};

	return RUN_TESTS(tests);
}
