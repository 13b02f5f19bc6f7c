/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Schemas in parts: which parts there are, what they refer to, and that they make the schema again. */
#include <stdlib.h>

#include "base/writer.h"
#include "registry/references.h"
#include "unit/unit.h"

#define RECORD(name, space, fields) "{\"type\":\"record\",\"name\":\"" name "\"" space ",\"fields\":[" fields "]}"
#define IN(space) ",\"namespace\":\"" space "\""
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define BLOCK RECORD("block", IN("event"), FIELD("id", "\"string\""))
#define SOURCE RECORD("Source", IN("far"), FIELD("db", "\"string\""))

static const struct {
	const char *sentence;
	const char *schema;
	const char *parts; /* name(references) ... */
} split_cases[] = {
	{"a type without a name is one part", "\"string\"", "-()"},
	{"what is in the schema's own namespace stays in it",
	 RECORD("Envelope", IN("a.b"), FIELD("before", "[\"null\"," RECORD("Value", "", FIELD("id", "\"int\"")) "]") ","
		FIELD("after", "[\"null\",\"Value\"]")), "-()"},
	{"what is in another is a part", RECORD("Envelope", IN("a.b"), FIELD("source", SOURCE) "," FIELD("block", "[\"null\"," BLOCK "]")),
	 "far.Source() event.block() -(far.Source event.block)"},
	{"what is used again is referred to once",
	 RECORD("Envelope", IN("a.b"), FIELD("one", SOURCE) "," FIELD("two", "{\"type\":\"array\",\"items\":\"far.Source\"}")),
	 "far.Source() -(far.Source)"},
	{"a part of a part is a part, also in one namespace",
	 RECORD("Message", IN("a"), FIELD("document", RECORD("Invoice", IN("far"), FIELD("total", RECORD("Money", "", FIELD("n", "\"int\""))) ","
		FIELD("tax", "{\"type\":\"map\",\"values\":\"Money\"}"))) "," FIELD("sum", "\"far.Money\"")),
	 "far.Money() far.Invoice(far.Money) -(far.Invoice far.Money)"},
	{"a type that has itself is a part",
	 RECORD("Message", IN("a"), FIELD("tree", RECORD("Tree", IN("far"), FIELD("left", "[\"null\",\"Tree\"]")))), "far.Tree() -(far.Tree)"},
	{"a part that uses what is none leaves all as it is",
	 RECORD("Message", IN("a"), FIELD("own", RECORD("Own", "", FIELD("n", "\"int\""))) ","
		FIELD("other", RECORD("Other", IN("far"), FIELD("own", "\"a.Own\"")))), "-()"},
	{"a part without a namespace leaves all as it is",
	 RECORD("Message", IN("a"), FIELD("bare", RECORD("Bare", IN(""), FIELD("n", "\"int\"")))), "-()"},
	{"what is no JSON is one part", "{", "-()"},
};

static void a_schema_is_split_into_what_others_may_have(void **state)
{
	(void)state;
	FOR_EACH(row, split_cases) {
		struct schema_part *parts;
		struct writer text = {0};
		struct arena arena;
		size_t count;

		arena_init(&arena);
		count = schema_split(view_of(row->schema), &arena, &parts);
		for (size_t i = 0; i < count; i++) {
			wr_printf(&text, "%s%s(", i ? " " : "", parts[i].name ? parts[i].name : "-");
			for (size_t j = 0; j < parts[i].reference_count; j++)
				wr_printf(&text, "%s%s", j ? " " : "", parts[i].references[j].name);
			wr_printf(&text, ")");
		}
		wr_u8(&text, '\0');
		if (strcmp(text.data, row->parts) != 0)
			fail_msg("%s: '%s'", row->sentence, text.data);
		wr_done(&text);
		arena_done(&arena);
	}
}

static void parts_make_the_schema_again(void **state)
{
	static const char *const schemas[] = {
		RECORD("Envelope", IN("a.b"), FIELD("source", SOURCE) "," FIELD("other", "\"far.Source\"") "," FIELD("block", "[\"null\"," BLOCK "]")),
		RECORD("Message", IN("a"), FIELD("document", RECORD("Invoice", IN("far"), FIELD("total", RECORD("Money", IN("far"),
		       FIELD("n", "{\"type\":\"bytes\",\"scale\":9}"))) "," FIELD("tax", "\"far.Money\""))) "," FIELD("sum", "\"far.Money\"")),
	};

	(void)state;
	FOR_EACH(row, schemas) {
		struct schema_part *parts;
		struct arena arena;
		size_t count;

		arena_init(&arena);
		count = schema_split(view_of(*row), &arena, &parts);
		assert_true(count > 1);
		assert_view(schema_join(parts, count, &arena), *row);
		arena_done(&arena);
	}
}

/* A registry that has the parts of a schema, each as version 3 of its subject. */
struct shelf {
	struct schema_part *parts;
	size_t count;
	unsigned asked;
};

static int look(void *arg, const struct registry_request *request, struct registry_answer *ret, struct error *err)
{
	struct shelf *shelf = arg;

	(void)err;
	*ret = (struct registry_answer){0};
	shelf->asked++;
	assert_int_equal(request->question, REGISTRY_VERSION);
	assert_int_equal(request->id, 3);
	for (size_t i = 0; i < shelf->count; i++) {
		if (strcmp(shelf->parts[i].name, request->subject) != 0)
			continue;
		ret->found = true;
		ret->schema = schema_of_part(&shelf->parts[i]);
	}
	return 0;
}

static void what_a_schema_refers_to_is_fetched_once(void **state)
{
	const char *schema = RECORD("Message", IN("a"), FIELD("x", RECORD("X", IN("far"), FIELD("block", BLOCK))) "," FIELD("block", "\"event.block\""));
	struct shelf shelf = {0};
	struct schema_text text;
	struct error err = {0};
	struct arena arena;
	struct view whole;

	(void)state;
	arena_init(&arena);
	shelf.count = schema_split(view_of(schema), &arena, &shelf.parts) - 1;
	assert_int_equal(shelf.count, 2);
	schema_set_version(shelf.parts, 3, "event.block", 3);
	schema_set_version(shelf.parts, 3, "far.X", 3);
	text = schema_of_part(&shelf.parts[2]);
	assert_ok(schema_whole(&text, look, &shelf, &arena, &whole, &err), &err);
	assert_view(whole, schema);
	assert_int_equal(shelf.asked, 2);
	shelf.count = 0;
	assert_int_equal(schema_whole(&text, look, &shelf, &arena, &whole, &err), -1);
	assert_int_equal(err.class, ERROR_RECORD);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a schema is split into what others may have", a_schema_is_split_into_what_others_may_have),
		TEST("parts make the schema again", parts_make_the_schema_again),
		TEST("what a schema refers to is fetched once", what_a_schema_refers_to_is_fetched_once),
	};

	return RUN_TESTS(tests);
}
