/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Ids of schemas, and the names of their subjects. */
#include "registry/ids.h"

#include <stdlib.h>

#include "unit/unit.h"

static void subjects_are_named_by_topic_record_or_both(void **state)
{
	static const struct {
		enum subject_strategy strategy;
		enum message_part part;
		const char *record;
		const char *expected;
	} table[] = {
		{SUBJECT_TOPIC, PART_KEY, "a.b.Key", "tw.change.public.note-key"},
		{SUBJECT_TOPIC, PART_VALUE, "a.b.Envelope", "tw.change.public.note-value"},
		{SUBJECT_RECORD, PART_VALUE, "a.b.Envelope", "a.b.Envelope"},
		{SUBJECT_TOPIC_RECORD, PART_VALUE, "a.b.Envelope", "tw.change.public.note-a.b.Envelope"},
		{SUBJECT_RECORD, PART_KEY, NULL, "tw.change.public.note-key"},
		{SUBJECT_TOPIC_RECORD, PART_KEY, NULL, "tw.change.public.note-key"},
	};

	(void)state;
	FOR_EACH(row, table) {
		char *name = subject_name(row->strategy, "tw.change.public.note", row->part, row->record);

		assert_string_equal(name, row->expected);
		free(name);
	}
}

static void a_schema_is_known_by_subject_and_text(void **state)
{
	struct schema_ids *ids = schema_ids_new();

	(void)state;
	assert_int_equal(schema_ids_find(ids, "s-value", VIEW("\"int\"")), 0);
	schema_ids_put(ids, "s-value", VIEW("\"int\""), 7);
	assert_int_equal(schema_ids_find(ids, "s-value", VIEW("\"int\"")), 7);
	assert_int_equal(schema_ids_find(ids, "s-key", VIEW("\"int\"")), 0);
	assert_int_equal(schema_ids_find(ids, "s-value", VIEW("\"long\"")), 0);
	schema_ids_free(ids);
}

static int keep(void *arg, const char *name, const char *value, struct error *err)
{
	struct schema_ids *other = arg;

	(void)err;
	assert_true(schema_ids_load(other, view_of(name), view_of(value)));
	return 0;
}

static int keep_nothing(void *arg, const char *name, const char *value, struct error *err)
{
	(void)arg, (void)name, (void)value, (void)err;
	fail_msg("%s was kept before", name);
	return 0;
}

static void what_is_known_survives_and_is_kept_once(void **state)
{
	struct schema_ids *ids = schema_ids_new(), *other = schema_ids_new();
	struct error err;

	(void)state;
	schema_ids_put(ids, "s-value", VIEW("\"int\""), 7);
	schema_ids_put(ids, "s-key", VIEW("\"int\""), 8);
	assert_true(schema_ids_unkept(ids));
	assert_ok(schema_ids_save(ids, keep, other, &err), &err);
	/* Not before it is said: a commit can fail. */
	assert_true(schema_ids_unkept(ids));
	schema_ids_kept(ids);
	assert_false(schema_ids_unkept(ids));
	assert_ok(schema_ids_save(ids, keep_nothing, NULL, &err), &err);
	assert_int_equal(schema_ids_find(other, "s-value", VIEW("\"int\"")), 7);
	assert_int_equal(schema_ids_find(other, "s-key", VIEW("\"int\"")), 8);
	assert_false(schema_ids_unkept(other));
	schema_ids_free(ids);
	schema_ids_free(other);
}

static void what_is_no_id_is_not_taken(void **state)
{
	static const char *const values[] = {"", "x", "0", "-1", "7x", "99999999999"};
	struct schema_ids *ids = schema_ids_new();

	(void)state;
	FOR_EACH(value, values)
		assert_false(schema_ids_load(ids, VIEW("s-value 0"), view_of(*value)));
	schema_ids_free(ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("subjects are named by topic, record or both", subjects_are_named_by_topic_record_or_both),
		TEST("a schema is known by subject and text", a_schema_is_known_by_subject_and_text),
		TEST("what is known survives, and is kept once", what_is_known_survives_and_is_kept_once),
		TEST("what is no id is not taken", what_is_no_id_is_not_taken),
	};

	return RUN_TESTS(tests);
}
