/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The SQL functions of mappings: an expression in, its text out. */
#include <sqlite3.h>
#include <stdlib.h>

#include "canonical/functions.h"
#include "state/db.h"
#include "unit/unit.h"

static struct db *db;

static int set_up(void **state)
{
	struct error err = {0};

	(void)state;
	assert_ok(db_open(":memory:", NULL, &db, &err), &err);
	assert_ok(functions_install(db, "erp/oslo", &err), &err);
	assert_ok(db_run(db, "CREATE TABLE t(i INTEGER, r REAL, d TEXT COLLATE DECIMAL);"
			     "INSERT INTO t VALUES (1, 0.1, '0.10'), (2, 0.2, '10'), (NULL, NULL, NULL), (3, 0.3, '9.5')",
			 &err), &err);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	db_close(db);
	return 0;
}

/* "error: ..." for a statement that fails, "NULL" for null; otherwise type and text. */
static void run(const char *expression, char *text, size_t size)
{
	char sql[500];
	sqlite3_stmt *stmt;

	snprintf(sql, sizeof(sql), "SELECT %s", expression);
	assert_int_equal(sqlite3_prepare_v2(db_handle(db), sql, -1, &stmt, NULL), SQLITE_OK);
	if (sqlite3_step(stmt) != SQLITE_ROW)
		snprintf(text, size, "error: %s", sqlite3_errmsg(db_handle(db)));
	else if (sqlite3_column_type(stmt, 0) == SQLITE_NULL)
		snprintf(text, size, "NULL");
	else
		snprintf(text, size, "%c %s", "?IRTB"[sqlite3_column_type(stmt, 0)], sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
}

static const struct {
	const char *expression, *result;
} cases[] = {
	{"dec_add('0.1', '0.2')", "T 0.3"},
	{"dec_add('1.50', 2)", "T 3.50"},
	{"dec_add('1.5', NULL)", "NULL"},
	{"dec_add(0.1, 0.2)", "T 0.3"},
	{"dec_sub('1', '1.00')", "T 0.00"},
	{"dec_mul('1.10', '3.000')", "T 3.30000"},
	{"dec_mul('99999999999999999999', '99999999999999999999')", "error: the result has no exact form of 38 digits"},
	{"dec_neg('-2.50')", "T 2.50"},
	{"dec_div('1', '3', 5)", "T 0.33333"},
	{"dec_div('2', '3', 2)", "T 0.67"},
	{"dec_div('1', '0.00', 2)", "error: division by zero"},
	{"dec_div('1', '3', 'x')", "error: the scale must be a whole number from 0 to 38"},
	{"dec_round('2.345', 2)", "T 2.35"},
	{"dec_round('-2.345', 2)", "T -2.35"},
	{"dec_round('2', 2)", "T 2.00"},
	{"dec_round_even('2.345', '0.01')", "T 2.34"},
	{"dec_round_even('-2.355', '0.01')", "T -2.36"},
	{"dec_round_even(0.075, '0.05')", "T 0.10"},
	{"dec_round_even('0.025', '0.05')", "T 0.00"},
	{"dec_round_even('7.5', 0)", "T 7.5"},
	{"dec_round_even(NULL, '0.01')", "NULL"},
	{"dec_cmp('1.0', '1.00')", "I 0"},
	{"dec_cmp('10', '9.5')", "I 1"},
	{"dec_cmp(-1, '0')", "I -1"},
	{"dec_cmp('a', 1)", "error: 'a' is no decimal of up to 38 digits"},
	{"dec_min('10', '9.5')", "T 9.5"},
	{"dec_max('10', '9.5')", "T 10"},
	{"round('2.345', 2)", "T 2.35"},
	{"round('2.5')", "T 3"},
	{"round(7)", "I 7"},
	{"round(2.675, 2)", "R 2.68"},
	{"abs('-1.50')", "T 1.50"},
	{"abs(-3)", "I 3"},
	{"abs(NULL)", "NULL"},
	{"sum(d) FROM t", "T 19.60"},
	{"sum(i) FROM t", "I 6"},
	{"sum(r) FROM t", "R 0.6"},
	{"sum(d) FROM t WHERE i = 99", "NULL"},
	{"total(d) FROM t WHERE i = 99", "I 0"},
	{"total(d) FROM t", "T 19.60"},
	{"avg(i) FROM t", "T 2.0000000000000000"},
	{"avg(d) FROM t WHERE i < 3", "T 5.0500000000000000"},
	{"group_concat(s) FROM (SELECT sum(d) OVER (ORDER BY i ROWS 1 PRECEDING) AS s FROM t WHERE i > 0)",
	 "T 0.10,10.10,19.50"},
	{"max(d) FROM t", "T 10"},
	{"group_concat(d) FROM (SELECT d FROM t ORDER BY d DESC)", "T 10,9.5,0.10"},
	{"ref('Customer', 7)", "T erp%2Foslo/Customer/7"},
	{"ref('Customer', 'a b/c')", "T erp%2Foslo/Customer/a%20b%2Fc"},
	{"ref('Customer', NULL)", "NULL"},
	{"ref('Rate', 7, '2024-01-01')", "T erp%2Foslo/Rate/7%2C2024-01-01"},
	{"ref('Rate', 7, 'a,b')", "T erp%2Foslo/Rate/7%2Ca%252Cb"},
	{"ref('Rate', 7, NULL)", "NULL"},
	{"utc('2024-01-15 12:00:00', 'Europe/Oslo')", "T 2024-01-15 11:00:00+00"},
	{"utc('2024-07-15 12:00:00.5', 'Europe/Oslo')", "T 2024-07-15 10:00:00.5+00"},
	{"utc('2024-07-15 12:00:00', 'Asia/Kolkata')", "T 2024-07-15 06:30:00+00"},
	{"utc('2024-07-15 12:00:00', 'UTC')", "T 2024-07-15 12:00:00+00"},
	{"utc('2024-03-31 01:59:59', 'Europe/Oslo')", "T 2024-03-31 00:59:59+00"},
	{"utc('2024-03-31 02:30:00', 'Europe/Oslo')", "T 2024-03-31 01:30:00+00"}, /* left out */
	{"utc('2024-03-31 03:00:00', 'Europe/Oslo')", "T 2024-03-31 01:00:00+00"},
	{"utc('2024-10-27 01:59:59', 'Europe/Oslo')", "T 2024-10-26 23:59:59+00"},
	{"utc('2024-10-27 02:30:00', 'Europe/Oslo')", "T 2024-10-27 01:30:00+00"}, /* repeated */
	{"utc('2024-10-27 03:00:00', 'Europe/Oslo')", "T 2024-10-27 02:00:00+00"},
	{"utc('2024-03-10 02:30:00', 'America/New_York')", "T 2024-03-10 07:30:00+00"},
	{"utc('2024-11-03 01:30:00', 'America/New_York')", "T 2024-11-03 06:30:00+00"},
	{"utc('2055-07-01 12:00:00', 'Europe/Oslo')", "T 2055-07-01 10:00:00+00"},
	{"utc('2055-12-01 12:00:00', 'Europe/Oslo')", "T 2055-12-01 11:00:00+00"},
	{"utc('2055-12-01 12:00:00', 'Australia/Sydney')", "T 2055-12-01 01:00:00+00"},
	{"utc('1950-07-01 12:00:00', 'America/New_York')", "T 1950-07-01 16:00:00+00"},
	{"utc(NULL, 'Europe/Oslo')", "NULL"},
	{"utc('infinity', 'Europe/Oslo')", "T infinity"},
	{"utc('2024-07-15 12:00:00', 'Europe/Olso')", "error: there is no time zone 'Europe/Olso'"},
	{"utc('2024-07-15 12:00:00', '../../../etc/passwd')", "error: there is no time zone '../../../etc/passwd'"},
	{"utc('2024-07-15 12:00:00+00', 'Europe/Oslo')",
	 "error: '2024-07-15 12:00:00+00' is no timestamp without a zone"},
	{"hours('01:30:00')", "T 1.500000000"},
	{"hours('1 day 00:20:00')", "T 24.333333333"},
	{"hours('1 mon')", "error: '1 mon' is no interval of days, hours, minutes and seconds"},
	{"date('2024-01-31', '+1 month')", "T 2024-03-02"},
	{"strftime('%Y', '2024-01-31')", "T 2024"},
	{"date()", "error: date() without a time asks for the present, which no replay can know"},
	{"strftime('%Y')", "error: strftime() without a time asks for the present, which no replay can know"},
	{"datetime('NOW')", "error: datetime('NOW') depends on when and where it runs"},
	{"datetime('2024-01-01', 'localtime')", "error: datetime('localtime') depends on when and where it runs"},
};

static void functions_give_what_they_promise(void **state)
{
	(void)state;
	FOR_EACH(row, cases) {
		char text[300];

		run(row->expression, text, sizeof(text));
		if (strcmp(text, row->result) != 0)
			fail_msg("%s: %s", row->expression, text);
	}
}

static void installing_again_gives_the_new_instance(void **state)
{
	struct error err = {0};
	char text[300];

	(void)state;
	assert_ok(functions_install(db, "other", &err), &err);
	run("ref('A', 1)", text, sizeof(text));
	assert_string_equal(text, "T other/A/1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITH("functions give what they promise", functions_give_what_they_promise, set_up, tear_down),
		TEST_WITH("installing again gives the new instance", installing_again_gives_the_new_instance, set_up,
			  tear_down),
	};

	return RUN_TESTS(tests);
}
