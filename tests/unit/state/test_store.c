/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What the state file keeps beside the mirror: documents, exceptions, inputs, topics, jobs. */
#include <stdlib.h>

#include "base/arena.h"
#include "state/db.h"
#include "state/documents.h"
#include "state/exceptions.h"
#include "state/inputs.h"
#include "state/jobs.h"
#include "state/tallies.h"
#include "state/topics.h"
#include "unit/unit.h"

struct world {
	struct arena arena;
	struct db *db;
	struct documents *documents;
	struct error err;
	char seen[200];
};

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	arena_init(&world->arena);
	assert_ok(db_open(":memory:", NULL, &world->db, &world->err), &world->err);
	assert_ok(documents_open(world->db, &world->documents, &world->err), &world->err);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	documents_close(world->documents);
	db_close(world->db);
	arena_done(&world->arena);
	free(world);
	return 0;
}

static void see(struct world *world, struct view text)
{
	size_t len = strlen(world->seen);

	snprintf(world->seen + len, sizeof(world->seen) - len, "%s%.*s", len ? " " : "", VIEW_ARG(text));
}

static int see_key(void *arg, struct root_key key)
{
	char buffer[ROOT_KEY_BYTES];

	see(arg, root_key_text(key, buffer));
	return 0;
}

static struct root_key number(int64_t value)
{
	return (struct root_key){.is_number = true, .number = value};
}

static struct root_key text(const char *value)
{
	return (struct root_key){.text = view_of(value)};
}

static void a_kept_document_is_read_as_it_was_written(void **state)
{
	struct world *world = *state;
	struct kept_document kept = {.parked = true, .payload = VIEW("bytes"), .image = VIEW("")}, read;
	unsigned slot;

	assert_ok(documents_slot(world->documents, "Invoice", true, &slot, &world->err), &world->err);
	assert_int_equal(document_get(world->documents, slot, number(7), &read, &world->err), 0);
	assert_ok(document_put(world->documents, slot, number(7), &kept, &world->err), &world->err);
	assert_int_equal(document_get(world->documents, slot, number(7), &read, &world->err), 1);
	assert_true(read.parked);
	assert_view(read.payload, "bytes");
	assert_true(read.image.ptr && read.image.len == 0);
	kept = (struct kept_document){0};
	assert_ok(document_put(world->documents, slot, number(7), &kept, &world->err), &world->err);
	assert_int_equal(document_get(world->documents, slot, number(7), &read, &world->err), 1);
	assert_false(read.parked || read.payload.ptr || read.image.ptr);
	assert_ok(document_remove(world->documents, slot, number(7), &world->err), &world->err);
	assert_int_equal(document_get(world->documents, slot, number(7), &read, &world->err), 0);
}

static void keys_come_in_order_from_where_one_stopped(void **state)
{
	struct world *world = *state;
	struct kept_document kept = {.payload = VIEW("x")};
	static const char *const texts[] = {"b", "a", "10", "9"};
	struct root_key after = number(2);
	unsigned numbers, names;

	assert_ok(documents_slot(world->documents, "A", true, &numbers, &world->err), &world->err);
	assert_ok(documents_slot(world->documents, "B", false, &names, &world->err), &world->err);
	for (int64_t i = 10; i > 0; i -= 2)
		assert_ok(document_put(world->documents, numbers, number(i), &kept, &world->err), &world->err);
	FOR_EACH(name, texts)
		assert_ok(document_put(world->documents, names, text(*name), &kept, &world->err), &world->err);
	assert_ok(document_keys(world->documents, numbers, NULL, 2, see_key, world, &world->err), &world->err);
	assert_ok(document_keys(world->documents, numbers, &after, 2, see_key, world, &world->err), &world->err);
	assert_ok(document_keys(world->documents, names, NULL, 9, see_key, world, &world->err), &world->err);
	assert_string_equal(world->seen, "2 4 4 6 10 9 a b");
}

static void documents_of_a_rolled_back_transaction_are_gone(void **state)
{
	struct world *world = *state;
	struct kept_document kept = {.payload = VIEW("x"), .parked = true};
	uint64_t count, parked;
	unsigned slot;

	assert_ok(documents_slot(world->documents, "A", true, &slot, &world->err), &world->err);
	assert_ok(document_put(world->documents, slot, number(1), &kept, &world->err), &world->err);
	assert_ok(db_rollback(world->db, &world->err), &world->err);
	assert_int_equal(document_get(world->documents, slot, number(1), &kept, &world->err), 0);
	kept = (struct kept_document){.parked = true};
	assert_ok(document_put(world->documents, slot, number(2), &kept, &world->err), &world->err);
	assert_ok(document_count(world->documents, slot, &count, &parked, &world->err), &world->err);
	assert_true(count == 1 && parked == 1);
}

/* Keys of new documents mostly grow: those beyond the largest are not looked for, but none may be missed for that. */
static void documents_are_found_whatever_the_order_of_their_keys(void **state)
{
	struct world *world = *state;
	struct kept_document kept = {.payload = VIEW("x")}, read;
	static const int64_t keys[] = {INT64_MIN, 5, -3, 9, INT64_MAX};
	unsigned slot;

	assert_ok(documents_slot(world->documents, "A", true, &slot, &world->err), &world->err);
	FOR_EACH(key, keys) {
		assert_int_equal(document_get(world->documents, slot, number(*key), &read, &world->err), 0);
		assert_ok(document_put(world->documents, slot, number(*key), &kept, &world->err), &world->err);
	}
	FOR_EACH(key, keys)
		assert_int_equal(document_get(world->documents, slot, number(*key), &read, &world->err), 1);
	assert_ok(db_commit(world->db, &world->err), &world->err);
	assert_ok(document_remove(world->documents, slot, number(INT64_MAX), &world->err), &world->err);
	assert_ok(db_rollback(world->db, &world->err), &world->err);
	FOR_EACH(key, keys)
		assert_int_equal(document_get(world->documents, slot, number(*key), &read, &world->err), 1);
}

static int see_exception(void *arg, const struct exception *exception)
{
	see(arg, exception->entity);
	see(arg, exception->key);
	see(arg, view_of(fault_reason_names[exception->fault.reason]));
	see(arg, exception->fault.message);
	see(arg, exception->event_id);
	return 0;
}

static void an_exception_is_news_once_and_closes_once(void **state)
{
	struct world *world = *state;
	struct exception closed, exception = {
		.entity = VIEW("Invoice"), .key = VIEW("7"), .event_id = VIEW("e1"), .position = VIEW("0/1"), .since = 5,
		.fault = {FAULT_REQUIRED, .message = VIEW("it is missing"), .path = VIEW("customer"), .place = VIEW("I.yaml:3")},
	};
	usec_t since;
	bool news;

	assert_ok(exception_open(world->db, &exception, &news, &since, &world->err), &world->err);
	assert_true(news && since == 5);
	exception.event_id = VIEW("e2");
	exception.since = 6;
	assert_ok(exception_open(world->db, &exception, &news, &since, &world->err), &world->err);
	assert_false(news);
	exception.fault = (struct fault){FAULT_QUERY, .message = VIEW("division by zero"), .rule = VIEW("Posted")};
	exception.owner = VIEW("billing");
	assert_ok(exception_open(world->db, &exception, &news, &since, &world->err), &world->err);
	assert_true(news && since == 5);
	assert_ok(exceptions_each(world->db, see_exception, world, &world->err), &world->err);
	assert_string_equal(world->seen, "Invoice 7 QUERY division by zero e1");
	assert_int_equal(exception_close(world->db, VIEW("Invoice"), VIEW("7"), &world->arena, &closed, &world->err),
			 1);
	assert_view(closed.event_id, "e1");
	assert_view(closed.fault.rule, "Posted");
	assert_view(closed.owner, "billing");
	assert_true(closed.since == 5 && closed.fault.reason == FAULT_QUERY && !closed.fault.path.ptr);
	assert_int_equal(exception_close(world->db, VIEW("Invoice"), VIEW("7"), &world->arena, &closed, &world->err),
			 0);
}

static void see_tally(void *arg, struct view name, uint64_t count)
{
	char digits[24];

	see(arg, name);
	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
	see(arg, view_of(digits));
}

static void tallies_come_back_in_their_order(void **state)
{
	struct world *world = *state;

	assert_ok(tally_put(world->db, VIEW("gone"), 1, &world->err), &world->err);
	assert_ok(tallies_clear(world->db, &world->err), &world->err);
	assert_ok(tally_put(world->db, VIEW("event.B"), 2, &world->err), &world->err);
	assert_ok(tally_put(world->db, VIEW("entity.A"), 3, &world->err), &world->err);
	assert_ok(tallies_each(world->db, see_tally, world, &world->err), &world->err);
	assert_string_equal(world->seen, "event.B 2 entity.A 3");
}

static int see_input(void *arg, struct view name, struct view value)
{
	see(arg, name);
	see(arg, value);
	return 0;
}

static void inputs_are_found_by_name_and_by_prefix(void **state)
{
	struct world *world = *state;
	struct view value;

	assert_ok(input_put(world->db, "source.b", VIEW("2"), &world->err), &world->err);
	assert_ok(input_put(world->db, "source.a", VIEW("1"), &world->err), &world->err);
	assert_ok(input_put(world->db, "input.pack", VIEW("p"), &world->err), &world->err);
	assert_int_equal(input_get(world->db, "input.pack", &world->arena, &value, &world->err), 1);
	assert_view(value, "p");
	assert_ok(input_put(world->db, "input.pack", VIEW_NONE, &world->err), &world->err);
	assert_int_equal(input_get(world->db, "input.pack", &world->arena, &value, &world->err), 0);
	assert_ok(input_each(world->db, "source.", see_input, world, &world->err), &world->err);
	assert_string_equal(world->seen, "source.a 1 source.b 2");
}

static int see_topic(void *arg, const struct known_topic *topic)
{
	char digits[60];

	see(arg, topic->name);
	snprintf(digits, sizeof(digits), "%d %lld", topic->partitions, (long long)topic->end_offset);
	see(arg, view_of(digits));
	return 0;
}

static void topics_are_remembered_as_last_seen(void **state)
{
	struct world *world = *state;
	struct known_topic topic = {VIEW("t"), 6, 100};

	assert_ok(topic_remember(world->db, &topic, &world->err), &world->err);
	topic.end_offset = 200;
	assert_ok(topic_remember(world->db, &topic, &world->err), &world->err);
	assert_ok(topics_each(world->db, see_topic, world, &world->err), &world->err);
	assert_string_equal(world->seen, "t 6 200");
}

static void jobs_are_done_in_order_and_numbers_never_used_twice(void **state)
{
	struct world *world = *state;
	struct job first = {.kind = VIEW("evaluate"), .subject = VIEW("Invoice")}, second = first, next;

	assert_ok(job_add(world->db, &first, &world->err), &world->err);
	assert_ok(job_add(world->db, &second, &world->err), &world->err);
	assert_ok(job_progress(world->db, first.number, 17, &world->err), &world->err);
	assert_int_equal(job_next(world->db, &world->arena, &next, &world->err), 1);
	assert_true(next.number == first.number && next.done == 17);
	assert_view(next.subject, "Invoice");
	assert_ok(job_finish(world->db, first.number, &world->err), &world->err);
	assert_ok(job_finish(world->db, second.number, &world->err), &world->err);
	assert_int_equal(job_next(world->db, &world->arena, &next, &world->err), 0);
	assert_ok(job_add(world->db, &first, &world->err), &world->err);
	assert_true(first.number > second.number);
}

#define WORLD_TEST(sentence, function) TEST_WITH(sentence, function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST("a kept document is read as it was written", a_kept_document_is_read_as_it_was_written),
		WORLD_TEST("keys come in order, from where one stopped", keys_come_in_order_from_where_one_stopped),
		WORLD_TEST("documents of a rolled back transaction are gone",
			   documents_of_a_rolled_back_transaction_are_gone),
		WORLD_TEST("documents are found whatever the order of their keys",
			   documents_are_found_whatever_the_order_of_their_keys),
		WORLD_TEST("an exception is news once and closes once", an_exception_is_news_once_and_closes_once),
		WORLD_TEST("tallies come back in their order", tallies_come_back_in_their_order),
		WORLD_TEST("inputs are found by name and by prefix", inputs_are_found_by_name_and_by_prefix),
		WORLD_TEST("topics are remembered as last seen", topics_are_remembered_as_last_seen),
		WORLD_TEST("jobs are done in order, numbers never used twice",
			   jobs_are_done_in_order_and_numbers_never_used_twice),
	};

	return RUN_TESTS(tests);
}
