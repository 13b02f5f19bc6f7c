/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What a complaint shows of the line it is about. */
#include "base/diagnostics.h"
#include "unit/unit.h"

static const struct {
	const char *content;
	unsigned line, column;
	const char *expected;
} complaints[] = {
	{"a: 1\nb: 2\n", 2, 4, "t:2:4: error: wrong\n  b: 2\n     ^\n"},
	{"\tb: 2", 1, 2, "t:1:2: error: wrong\n  \tb: 2\n  \t^\n"},
	{"a: 1", 0, 0, "t: error: wrong\n"},
	{"a: 1", 9, 1, "t:9:1: error: wrong\n"},

	/* what is behind a name that means a secret, on its line or below it, is not shown */
	{"password: hunter2", 1, 11, "t:1:11: error: wrong\n  password: ***\n            ^\n"},
	{"{user: a, password: hunter2}", 1, 2, "t:1:2: error: wrong\n  {user: a, password: ***\n   ^\n"},
	{"  sasl.password:\n    hunter2\n", 2, 5, "t:2:5: error: wrong\n       ***\n      ^\n"},
	{"ssl.key.pem: |\n  one\n\n  hunter2\n", 4, 3, "t:4:3: error: wrong\n     ***\n    ^\n"},
	{"password: x\nuser: me\n", 2, 1, "t:2:1: error: wrong\n  user: me\n  ^\n"},
	{"the password is not here", 1, 1, "t:1:1: error: wrong\n  the password is not here\n  ^\n"},
};

static void test_lines(void **state)
{
	(void)state;
	FOR_EACH(row, complaints) {
		struct source_file file = {"t", view_of(row->content)};
		struct diagnostics diag = {0};

		diag_error(&diag, (struct place){&file, row->line, row->column}, "wrong");
		assert_view(wr_view(&diag.text), row->expected);
		assert_int_equal(diag.errors, 1);
		diag_done(&diag);
	}
}

static void test_did_you_mean(void **state)
{
	static const char *const names[] = {"name", "type", "publication"};

	(void)state;
	assert_string_equal(diag_did_you_mean(VIEW("publicaton"), names, 3), "publication");
	assert_string_equal(diag_did_you_mean(VIEW("nane"), names, 3), "name");
	assert_null(diag_did_you_mean(VIEW("port"), names, 3));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("a complaint shows its line and a caret, and no secret", test_lines),
		TEST("a near word is proposed, a far one is not", test_did_you_mean),
	};

	return RUN_TESTS(tests);
}
