/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "base/yaml.h"
#include "unit/unit.h"

static void nodes_know_their_place(void **state)
{
	struct diagnostics diag = {0};
	struct yaml_file *file = yaml_parse("a.yaml", VIEW("one: 1\ntwo:\n  - x\n  - \"y\"\n"), &diag);
	struct yaml_node *two;

	(void)state;
	assert_non_null(file);
	two = yaml_get(file->root, "two");
	assert_int_equal(two->kind, YAML_SEQUENCE);
	assert_int_equal(two->count, 2);
	assert_view(two->first->next->text, "y");
	assert_false(two->first->next->plain);
	assert_int_equal(two->first->next->at.line, 4);
	assert_int_equal(two->first->next->at.column, 5);
	assert_int_equal(two->key_at.line, 2);
	assert_null(yaml_get(file->root, "three"));
	yaml_file_free(file);
	diag_done(&diag);
}

static void json_is_read_too(void **state)
{
	struct diagnostics diag = {0};
	struct yaml_file *file = yaml_parse("a.avsc", VIEW("{\"type\": [\"null\", {\"n\": null}], \"d\": \"a\\\"b\"}"), &diag);

	(void)state;
	assert_non_null(file);
	assert_int_equal(yaml_get(file->root, "type")->count, 2);
	assert_true(yaml_is_null(yaml_get(yaml_get(file->root, "type")->first->next, "n")));
	assert_view(yaml_get(file->root, "d")->text, "a\"b");
	yaml_file_free(file);
	diag_done(&diag);
}

static const struct {
	const char *content;
	const char *complaint;
} wrong[] = {
	{"a: 1\na: 2\n", "t.yaml:2:1: error: duplicate key 'a'\n  a: 2\n  ^\n"},
	{"a: *b\n", "t.yaml:1:4: error: aliases are not supported here; write the value out\n  a: *b\n     ^\n"},
	{"[a]: 1\n", "t.yaml:1:1: error: a key must be a plain text\n  [a]: 1\n  ^\n"},
	{"--- a\n--- b\n", "t.yaml:2:1: error: only one document in a file\n  --- b\n  ^\n"},
};

static void what_configuration_does_not_need_is_refused_with_its_place(void **state)
{
	(void)state;
	FOR_EACH(row, wrong)
	{
		struct diagnostics diag = {0};

		assert_null(yaml_parse("t.yaml", view_of(row->content), &diag));
		assert_int_equal(diag.errors, 1);
		assert_view(wr_view(&diag.text), row->complaint);
		diag_done(&diag);
	}
}

static void a_misspelt_word_is_recognised(void **state)
{
	static const char *const words[] = {"host", "port", "database"};

	(void)state;
	assert_string_equal(diag_did_you_mean(VIEW("databse"), words, 3), "database");
	assert_string_equal(diag_did_you_mean(VIEW("prt"), words, 3), "port");
	assert_null(diag_did_you_mean(VIEW("completely"), words, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("nodes know their place", nodes_know_their_place),
		TEST("JSON is read, too", json_is_read_too),
		TEST("what configuration does not need is refused with its place",
		     what_configuration_does_not_need_is_refused_with_its_place),
		TEST("a misspelt word is recognised", a_misspelt_word_is_recognised),
	};

	return RUN_TESTS(tests);
}
