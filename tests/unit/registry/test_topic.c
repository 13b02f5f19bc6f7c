/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Schemas in a topic: when they are published, and how they are read back. */
#include "registry/topic.h"
#include "unit/unit.h"

#define INT_PRINT UINT64_C(0x7275d51a3f395c8f) /* of "int" */

static void a_schema_is_published_before_its_first_use_only(void **state)
{
	struct topic *topic = (struct topic *)state;
	struct schema_topic *schemas = schema_topic_new(topic);
	struct message message;

	assert_true(schema_topic_need(schemas, INT_PRINT, VIEW("\"int\""), &message));
	assert_ptr_equal(message.topic, topic);
	assert_view(message.key, "7275d51a3f395c8f");
	assert_view(message.value, "\"int\"");
	assert_false(schema_topic_need(schemas, INT_PRINT, VIEW("\"int\""), &message));
	schema_topic_committed(schemas);
	assert_false(schema_topic_need(schemas, INT_PRINT, VIEW("\"int\""), &message));
	schema_topic_aborted(schemas);
	assert_false(schema_topic_need(schemas, INT_PRINT, VIEW("\"int\""), &message));
	schema_topic_free(schemas);
}

static void an_aborted_schema_is_published_again(void **state)
{
	struct schema_topic *schemas = schema_topic_new(NULL);
	struct message message;

	(void)state;
	assert_true(schema_topic_need(schemas, 1, VIEW("\"int\""), &message));
	schema_topic_aborted(schemas);
	assert_true(schema_topic_need(schemas, 1, VIEW("\"int\""), &message));
	schema_topic_free(schemas);
}

static void a_schema_read_back_is_known_and_not_published_again(void **state)
{
	struct schema_topic *schemas = schema_topic_new(NULL);
	struct message message;
	struct error err;

	(void)state;
	assert_null(schema_topic_find(schemas, INT_PRINT));
	assert_ok(schema_topic_read(schemas, VIEW("7275d51a3f395c8f"), VIEW("\"int\""), &err), &err);
	assert_int_equal(schema_topic_find(schemas, INT_PRINT)->kind, AVRO_INT);
	assert_ok(schema_topic_read(schemas, VIEW("7275d51a3f395c8f"), VIEW("{\"type\":\"int\"}"), &err), &err);
	assert_false(schema_topic_need(schemas, INT_PRINT, VIEW("\"int\""), &message));
	schema_topic_free(schemas);
}

static void records_that_are_no_schemas_are_refused(void **state)
{
	static const struct {
		struct view key, value;
		const char *error;
	} table[] = {
		{{"abc", 3}, {"\"int\"", 5}, "a key of the schema topic is no fingerprint of 16 hex digits"},
		{{"7275d51a3f395c8g", 16}, {"\"int\"", 5}, "a key of the schema topic is no fingerprint of 16 hex digits"},
		{{" 275d51a3f395c8f", 16}, {"\"int\"", 5}, "a key of the schema topic is no fingerprint of 16 hex digits"},
		{{"7275d51a3f395c8f", 16}, {"\"long\"", 6},
		 "the schema under 7275d51a3f395c8f has the fingerprint d054e14493f41db7"},
		{{"7275d51a3f395c8f", 16}, {NULL, 0},
		 "the schema under 7275d51a3f395c8f is none: schema:1:1: error: there is no schema in this file"},
		{{"7275d51a3f395c8f", 16}, {"\"what\"", 6},
		 "the schema under 7275d51a3f395c8f is none: schema:1:1: error: there is no type 'what'"},
	};
	struct schema_topic *schemas = schema_topic_new(NULL);

	(void)state;
	FOR_EACH(row, table) {
		struct error err;

		assert_int_equal(schema_topic_read(schemas, row->key, row->value, &err), -1);
		assert_int_equal(err.class, ERROR_RECORD);
		assert_string_equal(err.text, row->error);
	}
	schema_topic_free(schemas);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a schema is published before its first use only",
		     a_schema_is_published_before_its_first_use_only),
		TEST("an aborted schema is published again", an_aborted_schema_is_published_again),
		TEST("a schema read back is known and not published again",
		     a_schema_read_back_is_known_and_not_published_again),
		TEST("records that are no schemas are refused", records_that_are_no_schemas_are_refused),
	};

	return RUN_TESTS(tests);
}
