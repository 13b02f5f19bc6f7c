/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What has become of a table, by how its rows are kept: a table of before, now and what is said of it. */
#include "postgres/layout.h"
#include "unit/unit.h"

static const struct {
	const char *what, *before, *now, *said;
} cases[] = {
	{"nothing", "r 1:10 1:5 2:5", "r 1:10 1:5 2:5", NULL},
	{"VACUUM FULL, TRUNCATE", "r 1:10 1:5 2:5", "r 1:11 1:5 2:5", NULL},
	{"a default", "r 1:10 1:5 2:5", "r 1:10 1:5 2:6", NULL},
	{"TYPE ... USING", "r 1:10 1:5 2:5", "r 1:11 1:5 2:6", "its rows were written anew when a column was altered"},
	{"a column more, which a server before 11 writes into all rows", "r 1:10 1:5", "r 1:11 1:5 2:6", NULL},
	{"a column less", "r 1:10 1:5 2:5", "r 1:11 1:5", NULL},
	{"a table that is new", "", "r 1:10 1:5", NULL},
	{"a table that is gone", "r 1:10 1:5", "", NULL},
	{"detached", "p 2:20 3:30", "p 2:20", "a partition was detached or dropped"},
	{"being detached", "p 2:20 3:30", "p 2:20 3!:30", "a partition was detached or dropped"},
	{"the last one detached", "p 2:20", "p", "a partition was detached or dropped"},
	{"a partition truncated", "p 2:20 3:30", "p 2:20 3:31", "a partition was truncated, or written anew"},
};

static void what_has_happened_is_told_by_files_and_columns(void **state)
{
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *said;

		assert_int_equal(pg_layout_change(NULL, cases[i].before, cases[i].now, &said, &err), 0);
		if (!said != !cases[i].said || (said && strcmp(said, cases[i].said) != 0))
			fail_msg("%s: '%s'", cases[i].what, said ? said : "nothing");
	}
}

static void the_files_of_a_table_are_one_number(void **state)
{
	(void)state;
	assert_int_equal(pg_layout_file("r 16384:16392 1:555"), 16392);
	assert_int_equal(pg_layout_file(""), 0);
	assert_true(pg_layout_file("p 2:20 3:30") != pg_layout_file("p 2:20 3:31"));
	assert_true(pg_layout_file("p") != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("what has happened is told by files and columns", what_has_happened_is_told_by_files_and_columns),
		TEST("the files of a table are one number", the_files_of_a_table_are_one_number),
	};

	return RUN_TESTS(tests);
}
