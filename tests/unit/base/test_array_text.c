/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Arrays as PostgreSQL prints them, taken apart; and what it never prints, refused. */
#include "base/array_text.h"

#include "base/writer.h"
#include "unit/unit.h"

static const struct {
	const char *text;
	int dimensions;
	const char *elements; /* each between angle brackets, nulls as they are */
} table[] = {
	{"{}", 0, ""},
	{"{1}", 1, "<1>"},
	{"{1,2,NULL,-3}", 1, "<1><2>null<-3>"},
	{"{a,\"b c\",NULL,\"\",\"NULL\",\"q\\\"u\\\\o\",\"{\",\",\"}", 1, "<a><b c>null<><NULL><q\"u\\o><{><,>"},
	{"[5:6]={7,8}", 1, "<7><8>"},
	{"[-1:0][2:2]={{7},{8}}", 2, "<7><8>"},
	{"{{1,2},{3,4}}", 2, "<1><2><3><4>"},
	{"{{{a,\"}\"}},{{NULL,d}}}", 3, "<a><}>null<d>"},
	{"{\"2024-01-01 00:00:00+00\"}", 1, "<2024-01-01 00:00:00+00>"},
	{"", -1, NULL},
	{"{", -1, NULL},
	{"}", -1, NULL},
	{"1", -1, NULL},
	{"{1", -1, NULL},
	{"{1,}", -1, NULL},
	{"{,1}", -1, NULL},
	{"{1}}", -1, NULL},
	{"{1}x", -1, NULL},
	{"{1},{2}", -1, NULL},
	{"{{1},2}", -1, NULL},
	{"{1,{2}}", -1, NULL},
	{"{{1},{{2}}}", -1, NULL},
	{"{\"a}", -1, NULL},
	{"{\"a\\", -1, NULL},
	{"{\"a\"b}", -1, NULL},
	{"{a\"b\"}", -1, NULL},
	{"{a\\b}", -1, NULL},
	{"[5:6]", -1, NULL},
	{"[5:6]=", -1, NULL},
	{"[5]={1}", -1, NULL},
	{"[5:6={1}", -1, NULL},
	{"{{{{{{{1}}}}}}}", -1, NULL},
};

static void arrays_have_dimensions_and_elements(void **state)
{
	(void)state;
	FOR_EACH(row, table) {
		struct array_text array;
		struct writer found = {0};
		struct arena arena;
		size_t count;

		if (array_text_measure(view_of(row->text), &count) != row->dimensions)
			fail_msg("%s has not %d dimensions", row->text, row->dimensions);
		arena_init(&arena);
		array = array_text_begin(view_of(row->text));
		for (size_t i = 0; row->dimensions >= 0 && i < count; i++) {
			struct view element = array_text_next(&array, &arena);

			wr_printf(&found, element.ptr ? "<%.*s>" : "null", VIEW_ARG(element));
		}
		if (row->elements)
			assert_view(wr_view(&found), row->elements);
		wr_done(&found);
		arena_done(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("arrays have dimensions and elements", arrays_have_dimensions_and_elements),
	};

	return RUN_TESTS(tests);
}
