/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Sets of transactions, as texts that servers write. */
#include <stdlib.h>

#include "base/writer.h"
#include "mysql/gtid.h"
#include "unit/unit.h"

#define A "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define B "4350f323-7565-4e59-8763-4b1b83a0ce0e"

static void read_set(struct gtid_set *set, const char *text)
{
	struct error err = {.text = ""};

	if (gtid_set_parse(set, view_of(text), &err) < 0)
		fail_msg("%s: %s", text, err.text);
}

static void expect_text(const struct gtid_set *set, const char *expected)
{
	struct writer text = {0};

	gtid_set_print(set, &text);
	wr_u8(&text, '\0');
	assert_string_equal(text.data, expected);
	wr_done(&text);
}

static void a_set_is_read_and_written_as_the_servers_do(void **state)
{
	static const struct {
		const char *text, *expected;
	} sets[] = {
		{"", ""},
		{A ":1", A ":1"},
		{A ":1-5", A ":1-5"},
		{A ":1-5:7", A ":1-5:7"},
		{A ":7:1-5", A ":1-5:7"},
		{A ":1-3:4-5", A ":1-5"},
		{A ":1-9:3-4", A ":1-9"},
		{A ":5-6:1-2:3-4", A ":1-6"},
		{A ":1-3,\n" B ":4", A ":1-3," B ":4"},
		{A ":1," A ":2", A ":1-2"},
		{"3E11FA47-71CA-11E1-9E33-C80AA9429562:1", A ":1"},
		{"3e11fa4771ca11e19e33c80aa9429562:1", A ":1"},
		{A ":1-3:aud:4-6:Late_2:7", A ":1-3," A ":aud:4-6," A ":late_2:7"},
		{A ":9223372036854775806", A ":9223372036854775806"},
		{"0-1-5", "0-1-5"},
		{"0-1-5,1-7-18446744073709551615", "0-1-5,1-7-18446744073709551615"},
		{"0-1-5,0-2-9", "0-2-9"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		struct gtid_set set = {0};

		read_set(&set, sets[i].text);
		expect_text(&set, sets[i].expected);
		gtid_set_done(&set);
	}
}

static void what_is_no_set_is_refused(void **state)
{
	static const char *const texts[] = {
		"x", A, A ":", A ":0", A ":5-", A ":-5", A ":5-3", A ":1-9223372036854775807", A ":1:two words:3", A "0:1", "3e11:1",
		A ":18446744073709551616", "0-1", "0-1-", "0-1-x", "0--1", "4294967296-1-1", "0-1-18446744073709551616", "0-1-5-7",
		A ":1,x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct gtid_set set = {0};
		struct error err;

		if (gtid_set_parse(&set, view_of(texts[i]), &err) == 0)
			fail_msg("%s is taken", texts[i]);
		assert_int_equal(err.class, ERROR_INPUT);
		assert_int_equal(set.count, 0);
	}
}

static void one_set_covers_another_or_it_is_told_what_is_missing(void **state)
{
	static const struct {
		const char *whole, *part, *missing;
	} pairs[] = {
		{"", "", ""},
		{A ":1-5", "", ""},
		{A ":1-5", A ":1-5", ""},
		{A ":1-5", A ":2:4", ""},
		{"", A ":1-5", A ":1-5"},
		{A ":2-4", A ":1-5", A ":1:5"},
		{A ":1:3:5:7-9", A ":1-10", A ":2:4:6:10"},
		{A ":1-5", A ":1-5," B ":3", B ":3"},
		{A ":1-5", A ":tag:1-5", A ":tag:1-5"},
		{A ":1-5", A ":6," B ":1:3", A ":6," B ":1:3"},
		{"0-1-5", "0-1-5", ""},
		{"0-1-5", "0-2-4", ""},
		{"0-1-5", "0-1-6", "0-1-6"},
		{"0-1-5", "0-1-5,3-1-1", "3-1-1"},
		{"0-1-5", A ":1", A ":1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct gtid_set whole = {0}, part = {0};
		struct writer missing = {0};

		read_set(&whole, pairs[i].whole);
		read_set(&part, pairs[i].part);
		assert_int_equal(gtid_set_covers(&whole, &part, &missing), !*pairs[i].missing);
		wr_u8(&missing, '\0');
		assert_string_equal(missing.data, pairs[i].missing);
		wr_done(&missing);
		gtid_set_done(&whole);
		gtid_set_done(&part);
	}
}

/* Of a server whose replica commits in another order, with numbers that never come. */
static void transactions_are_added_in_any_order(void **state)
{
	struct gtid gtid = {.uuid = {0x3e, 0x11, 0xfa, 0x47, 0x71, 0xca, 0x11, 0xe1, 0x9e, 0x33, 0xc8, 0x0a, 0xa9, 0x42, 0x95, 0x62}};
	struct gtid_set set = {0};
	bool added[1000] = {false};

	(void)state;
	for (int i = 0; i < 5000; i++) {
		uint64_t number = (uint64_t)rand() % 999 + 1;

		gtid.number = number;
		assert_int_equal(gtid_set_has(&set, &gtid), added[number]);
		gtid_set_add(&set, &gtid);
		added[number] = true;
		assert_true(gtid_set_has(&set, &gtid));
	}
	for (gtid.number = 1; gtid.number < 1000; gtid.number++)
		gtid_set_add(&set, &gtid);
	expect_text(&set, A ":1-999");
	gtid_set_done(&set);
}

static void a_domain_has_what_came_before_its_last_number(void **state)
{
	struct gtid gtid = {.mariadb = true, .domain = 3, .server = 7, .number = 10};
	struct gtid_set set = {0};
	char text[GTID_TEXT_BYTES];

	(void)state;
	gtid_set_add(&set, &gtid);
	gtid.number = 9;
	assert_true(gtid_set_has(&set, &gtid));
	gtid_set_add(&set, &gtid);
	gtid.number = 11;
	assert_false(gtid_set_has(&set, &gtid));
	expect_text(&set, "3-7-10");
	assert_int_equal(gtid_print(&gtid, text), 6);
	assert_string_equal(text, "3-7-11");
	gtid.number = 0;
	gtid_set_add(&set, &gtid);
	assert_false(gtid_set_has(&set, &gtid));
	gtid_set_done(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_is_read_and_written_as_the_servers_do),
		cmocka_unit_test(what_is_no_set_is_refused),
		cmocka_unit_test(one_set_covers_another_or_it_is_told_what_is_missing),
		cmocka_unit_test(transactions_are_added_in_any_order),
		cmocka_unit_test(a_domain_has_what_came_before_its_last_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
