/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* JSON that is written, and written again for people. */
#include "base/json.h"
#include "base/shown.h"
#include "base/utf8.h"
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

static const struct {
	const char *text;
	bool valid;
} utf8[] = {
	{"", true}, {"ascii, more than eight bytes", true}, {"gr\xc3\xbc\xc3\x9f", true}, {"\xe5\xae\xa2\xe6\x88\xb7", true},
	{"\xf0\x9f\xa7\xbe", true}, {"\xf4\x8f\xbf\xbf", true}, {"12345678\xc3\xa9", true}, {"1234567\xc3\xa9", true},
	{"caf\xe9", false}, {"12345678\xe9", false}, {"1234567\xe9", false}, {"\xff", false}, {"\x80", false}, {"\xc3", false},
	{"\xc3(", false}, {"\xc0\x80", false}, {"\xe0\x80\xaf", false}, {"\xed\xa0\x80", false}, {"\xe2\x82", false},
	{"\xf4\x90\x80\x80", false}, {"\xf5\x80\x80\x80", false}, {"\xf0\x9f\xa7", false},
};

static void test_utf8(void **state)
{
	(void)state;
	FOR_EACH(row, utf8)
		assert_int_equal(utf8_valid(view_of(row->text)), row->valid);
}

/* For people: a text as it is, if it is one. */
static void test_shown(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena);
	assert_view(text_shown(VIEW("gr\xc3\xbc\xc3\x9f"), 60, &arena), "gr\xc3\xbc\xc3\x9f");
	assert_view(text_shown(VIEW("gr\xc3\xbc\xc3\x9f"), 3, &arena), "gr...");
	assert_view(text_shown(VIEW("caf\xe9"), 60, &arena), "\\x636166e9");
	arena_done(&arena);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("JSON is indented, texts and all", test_indent),
		TEST("UTF-8 is told from other bytes", test_utf8),
		TEST("a text that is not UTF-8 is shown as bytes", test_shown),
		TEST("any bytes become a JSON string", test_string),
	};

	return RUN_TESTS(tests);
}
