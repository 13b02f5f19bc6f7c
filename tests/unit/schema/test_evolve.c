/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Two versions of a schema, and what is said of them. */
#include "schema/evolve.h"

#include "schema/contract.h"
#include "unit/unit.h"

#define ROW(fields) \
	"{\"type\":\"record\",\"name\":\"Envelope\",\"namespace\":\"n\",\"fields\":[{\"name\":\"before\",\"type\":[\"null\"," \
	"{\"type\":\"record\",\"name\":\"Value\",\"fields\":[" fields "]}],\"default\":null},{\"name\":\"after\",\"type\":[\"null\"," \
	"\"Value\"],\"default\":null}]}"
#define INT "{\"name\":\"amount\",\"type\":\"int\"}"
#define STRING "{\"name\":\"amount\",\"type\":\"string\"}"
#define OPTIONAL "{\"name\":\"amount\",\"type\":[\"null\",\"int\"],\"default\":null}"
#define DECIMAL(p, s) \
	"{\"name\":\"amount\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":" p ",\"scale\":" s "}}"
#define NOTE "{\"name\":\"note\",\"type\":\"string\",\"default\":\"\"}"
#define ENUM(symbols) "{\"name\":\"state\",\"type\":{\"type\":\"enum\",\"name\":\"State\",\"symbols\":[" symbols "]}}"

static const struct {
	const char *before, *after, *expected;
} table[] = {
	{ROW(INT), ROW(INT), ""},
	{ROW(INT), ROW(STRING), "before.amount was int and is string"},
	{ROW(INT), ROW(OPTIONAL), "before.amount may be null now"},
	{ROW(OPTIONAL), ROW(INT), "before.amount may not be null any more"},
	{ROW(DECIMAL("10", "2")), ROW(DECIMAL("12", "2")), "before.amount was decimal(10,2) and is decimal(12,2)"},
	{ROW(INT), ROW(INT "," NOTE), "before.note is new"},
	{ROW(NOTE), ROW(NOTE "," INT), "before.amount is new and has no default"},
	{ROW(INT "," NOTE), ROW(NOTE), "before.amount is gone, and had no default"},
	{ROW(INT "," NOTE), ROW(STRING), "before.amount was int and is string; before.note is gone"},
	{ROW(ENUM("\"A\",\"B\"")), ROW(ENUM("\"B\",\"C\"")),
	 "before.state has no symbol A any more; before.state has the new symbol C"},
	{"\"int\"", "\"string\"", "the whole was int and is string"},
	{ROW(INT), "\"string\"", "the whole was record n.Envelope and is string"},
	{"{\"type\":\"array\",\"items\":\"int\"}", "{\"type\":\"array\",\"items\":\"long\"}",
	 "the whole was int and is long"},
};

static struct contract *parse(const char *text)
{
	struct diagnostics diag = {0};
	struct contract *contract = contract_parse_text("schema", view_of(text), &diag);

	if (!contract)
		fail_msg("%.*s", VIEW_ARG(wr_view(&diag.text)));
	diag_done(&diag);
	return contract;
}

static void differences_are_told_by_the_path_of_the_field_once(void **state)
{
	(void)state;
	FOR_EACH(row, table) {
		struct contract *before = parse(row->before), *after = parse(row->after);
		struct writer text = {0};

		avro_differences(contract_root(before), contract_root(after), &text);
		assert_view(wr_view(&text), row->expected);
		wr_done(&text);
		contract_free(before);
		contract_free(after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("differences are told by the path of the field, once",
		     differences_are_told_by_the_path_of_the_field_once),
	};

	return RUN_TESTS(tests);
}
