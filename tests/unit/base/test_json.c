/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* JSON that is written, and written again for people. */
#include "base/json.h"
#include "unit/unit.h"

static const struct {
	const char *json;
	const char *indented;
} texts[] = {
	{"1", "1"},
	{"{}", "{}"},
	{"[]", "[]"},
	{"{\"a\":1,\"b\":[]}", "{\n  \"a\": 1,\n  \"b\": []\n}"},
	{"[1,[2],{\"c\":{}}]", "[\n  1,\n  [\n    2\n  ],\n  {\n    \"c\": {}\n  }\n]"},
	{"{\"a,{\":\"\\\"}:\\\\\"}", "{\n  \"a,{\": \"\\\"}:\\\\\"\n}"},
	{"\"cut", "\"cut"},
	{"\"cut\\", "\"cut\\"},
};

static void test_indent(void **state)
{
	(void)state;
	FOR_EACH(row, texts) {
		struct writer wr = {0};

		json_indent(&wr, view_of(row->json));
		assert_view(wr_view(&wr), row->indented);
		wr_done(&wr);
	}
}

static const struct {
	const char *text;
	const char *json;
} strings[] = {
	{"", "\"\""},
	{"a\"b\\c", "\"a\\\"b\\\\c\""},
	{"line\nand\ttab\x01", "\"line\\nand\\ttab\\u0001\""},
	{"bl\xc3\xa5", "\"bl\xc3\xa5\""},
	{"\xff", "\"\xef\xbf\xbd\""},
};

static void test_string(void **state)
{
	(void)state;
	FOR_EACH(row, strings) {
		struct writer wr = {0};

		json_text(&wr, view_of(row->text));
		assert_view(wr_view(&wr), row->json);
		wr_done(&wr);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("JSON is indented, texts and all", test_indent),
		TEST("any bytes become a JSON string", test_string),
	};

	return RUN_TESTS(tests);
}
