/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Changes as records: which, and with what key. Records are read back and compared as JSON. */
#include "unit/encode/bench.h"
#include "unit/unit.h"

static void assert_key(struct bench *b, const char *json)
{
	assert_string_equal(bench_json(b, &b->plan->key, b->message.key), json);
}

/* Before, after and op of the record. */
static void assert_images(struct bench *b, const char *before, const char *after, const char *op)
{
	char expected[512];
	const char *json = bench_json(b, &b->plan->value, b->message.value);
	char *end;

	snprintf(expected, sizeof(expected), "{\"before\":%s,\"after\":%s,\"source\":", before, after);
	if (strncmp(json, expected, strlen(expected)))
		fail_msg("%s\n  does not begin with\n%s", json, expected);
	snprintf(expected, sizeof(expected), "\"op\":\"%s\"", op);
	end = strstr(json, "\"op\":");
	assert_non_null(end);
	assert_memory_equal(end, expected, strlen(expected));
}

static struct column two_columns[] = {{.name = "id", .type = {TYPE_INT32, 0, 0}, .source_type = "integer"},
				      {.name = "name", .type = {TYPE_TEXT, 0, 0}, .source_type = "text"}};
static unsigned first_column[] = {0};
static const struct table keyed = {.schema = "public", .name = "t", .columns = two_columns, .column_count = 2,
				   .key = first_column, .key_count = 1};
static const struct table keyless = {.schema = "public", .name = "u", .columns = two_columns, .column_count = 2};

#define ROW(image, ...) {image, (struct value[]){__VA_ARGS__}}

static void an_insert_is_one_record_with_all_its_blocks(void **state)
{
	struct change change = {.op = CHANGE_INSERT, .table = &keyed, .txn = &bench_txn, .index = 4, .lsn = 990,
				.after = ROW(IMAGE_FULL, NUMBER(1), WORD("one"))};
	struct bench b;

	(void)state;
	bench_start(&b, &keyed);
	assert_int_equal(encode_parts(b.enc, b.plan, &change), 1);
	assert_ok(bench_encode(&b, &change, 0), &b.err);
	assert_key(&b, "{\"id\":1}");
	assert_string_equal(bench_json(&b, &b.plan->value, b.message.value),
		"{\"before\":null,\"after\":{\"id\":1,\"name\":\"one\"},\"source\":{\"version\":\"1.0\",\"connector\":\"postgresql\",\"name\":\"shop\","
		"\"ts_ms\":1700000000000,\"snapshot\":\"false\",\"db\":\"db\",\"sequence\":\"[\\\"1000\\\",\\\"990\\\"]\",\"ts_us\":1700000000000001,"
		"\"ts_ns\":1700000000000001000,\"schema\":\"public\",\"table\":\"t\",\"txId\":7,\"lsn\":990,\"xmin\":null,\"origin\":null,"
		"\"origin_lsn\":null},\"transaction\":{\"id\":\"7:1000\",\"total_order\":5,\"data_collection_order\":1},\"op\":\"c\","
		"\"ts_ms\":1700000001000,\"ts_us\":1700000001000000,\"ts_ns\":1700000001000000000}");
	bench_stop(&b);
}

static void a_replay_differs_in_the_observed_range_only(void **state)
{
	struct change change = {.op = CHANGE_INSERT, .table = &keyed, .txn = &bench_txn, .after = ROW(IMAGE_FULL, NUMBER(1), WORD("one"))};
	struct writer first = {0};
	struct bench b;

	(void)state;
	bench_start(&b, &keyed);
	encode_parts(b.enc, b.plan, &change);
	assert_ok(bench_encode(&b, &change, 0), &b.err);
	wr_view_bytes(&first, b.message.value);
	encode_clock(b.enc, 1700000777000000);
	assert_ok(bench_encode(&b, &change, 0), &b.err);
	assert_int_equal(b.message.value.len, first.len);
	assert_int_equal(b.message.observed_at + b.message.observed_bytes, first.len);
	assert_memory_equal(b.message.value.ptr, first.data, b.message.observed_at);
	assert_memory_not_equal(b.message.value.ptr + b.message.observed_at, first.data + b.message.observed_at,
				b.message.observed_bytes);
	wr_done(&first);
	bench_stop(&b);
}

static void an_update_shows_the_old_row_only_if_it_is_whole(void **state)
{
	struct change whole = {.op = CHANGE_UPDATE, .table = &keyed, .txn = &bench_txn, .before = ROW(IMAGE_FULL, NUMBER(1), WORD("old")),
			       .after = ROW(IMAGE_FULL, NUMBER(1), MISSING(VALUE_NULL))};
	struct change none = {.op = CHANGE_UPDATE, .table = &keyed, .txn = &bench_txn, .after = ROW(IMAGE_FULL, NUMBER(1), WORD("new"))};
	struct bench b;

	(void)state;
	bench_start(&b, &keyed);
	assert_int_equal(encode_parts(b.enc, b.plan, &whole), 1);
	assert_ok(bench_encode(&b, &whole, 0), &b.err);
	assert_images(&b, "{\"id\":1,\"name\":\"old\"}", "{\"id\":1,\"name\":null}", "u");
	assert_ok(bench_encode(&b, &none, 0), &b.err);
	assert_images(&b, "null", "{\"id\":1,\"name\":\"new\"}", "u");
	bench_stop(&b);
}

static void a_delete_is_followed_by_a_tombstone(void **state)
{
	struct change change = {.op = CHANGE_DELETE, .table = &keyed, .txn = &bench_txn,
				.before = ROW(IMAGE_KEY, NUMBER(1), MISSING(VALUE_ABSENT))};
	struct bench b;

	(void)state;
	bench_start(&b, &keyed);
	assert_int_equal(encode_parts(b.enc, b.plan, &change), 2);
	assert_ok(bench_encode(&b, &change, 0), &b.err);
	assert_images(&b, "{\"id\":1,\"name\":null}", "null", "d");
	assert_ok(bench_encode(&b, &change, 1), &b.err);
	assert_key(&b, "{\"id\":1}");
	assert_null(b.message.value.ptr);
	bench_stop(&b);
}

static void a_table_without_key_has_neither_key_nor_tombstone(void **state)
{
	struct change change = {.op = CHANGE_DELETE, .table = &keyless, .txn = &bench_txn, .before = ROW(IMAGE_FULL, NUMBER(1), WORD("x"))};
	struct bench b;

	(void)state;
	bench_start(&b, &keyless);
	assert_int_equal(encode_parts(b.enc, b.plan, &change), 1);
	assert_ok(bench_encode(&b, &change, 0), &b.err);
	assert_null(b.message.key.ptr);
	assert_images(&b, "{\"id\":1,\"name\":\"x\"}", "null", "d");
	bench_stop(&b);
}

static void a_changed_key_is_delete_tombstone_and_create(void **state)
{
	struct change change = {.op = CHANGE_UPDATE, .table = &keyed, .txn = &bench_txn, .before = ROW(IMAGE_KEY, NUMBER(1), MISSING(VALUE_ABSENT)),
				.after = ROW(IMAGE_FULL, NUMBER(2), WORD("x"))};
	struct bench b;

	(void)state;
	bench_start(&b, &keyed);
	assert_int_equal(encode_parts(b.enc, b.plan, &change), 3);
	assert_ok(bench_encode(&b, &change, 0), &b.err);
	assert_key(&b, "{\"id\":1}");
	assert_images(&b, "{\"id\":1,\"name\":null}", "null", "d");
	assert_ok(bench_encode(&b, &change, 1), &b.err);
	assert_key(&b, "{\"id\":1}");
	assert_null(b.message.value.ptr);
	assert_ok(bench_encode(&b, &change, 2), &b.err);
	assert_key(&b, "{\"id\":2}");
	assert_images(&b, "null", "{\"id\":2,\"name\":\"x\"}", "c");
	bench_stop(&b);
}

static void a_truncate_has_no_key_and_no_rows(void **state)
{
	struct change change = {.op = CHANGE_TRUNCATE, .table = &keyed, .txn = &bench_txn};
	struct bench b;

	(void)state;
	bench_start(&b, &keyed);
	assert_int_equal(encode_parts(b.enc, b.plan, &change), 1);
	assert_ok(bench_encode(&b, &change, 0), &b.err);
	assert_null(b.message.key.ptr);
	assert_images(&b, "null", "null", "t");
	bench_stop(&b);
}

static void a_row_of_a_snapshot_belongs_to_no_transaction(void **state)
{
	struct encode_snapshot snapshot = {.lsn = 900, .transaction_id = 5, .started_at = 1700000000000000, .marker = "first"};
	struct change change = {.op = CHANGE_READ, .table = &keyed, .after = ROW(IMAGE_FULL, NUMBER(1), WORD("x"))};
	struct bench b;
	const char *json;

	(void)state;
	bench_start(&b, &keyed);
	encode_snapshot(b.enc, &snapshot);
	assert_int_equal(encode_parts(b.enc, b.plan, &change), 1);
	assert_ok(bench_encode(&b, &change, 0), &b.err);
	assert_images(&b, "null", "{\"id\":1,\"name\":\"x\"}", "r");
	json = bench_json(&b, &b.plan->value, b.message.value);
	assert_non_null(strstr(json, "\"snapshot\":\"first\""));
	assert_non_null(strstr(json, "\"sequence\":\"[null,\\\"900\\\"]\""));
	assert_non_null(strstr(json, "\"txId\":5,\"lsn\":900"));
	assert_non_null(strstr(json, "\"transaction\":null"));
	bench_stop(&b);
}

static void changes_are_counted_within_transaction_and_table(void **state)
{
	struct change change = {.op = CHANGE_INSERT, .table = &keyed, .txn = &bench_txn, .after = ROW(IMAGE_FULL, NUMBER(1), WORD("x"))};
	struct table later = keyed;
	struct encode_plan *first;
	struct bench b;

	(void)state;
	bench_start(&b, &keyed);
	encode_parts(b.enc, b.plan, &change);
	encode_parts(b.enc, b.plan, &change); /* the same change again */
	first = b.plan;
	b.plan = encode_plan_new(b.enc, &later, &b.err); /* the table changed its shape */
	change.index = 8;
	encode_parts(b.enc, b.plan, &change);
	assert_ok(bench_encode(&b, &change, 0), &b.err);
	assert_non_null(
		strstr(bench_json(&b, &b.plan->value, b.message.value), "\"total_order\":9,\"data_collection_order\":2"));
	encode_begin(b.enc, &bench_txn);
	change.index = 0;
	encode_parts(b.enc, b.plan, &change);
	assert_ok(bench_encode(&b, &change, 0), &b.err);
	assert_non_null(
		strstr(bench_json(&b, &b.plan->value, b.message.value), "\"total_order\":1,\"data_collection_order\":1"));
	encode_plan_free(first);
	bench_stop(&b);
}

static void an_origin_is_shown(void **state)
{
	struct transaction foreign = bench_txn;
	struct change change = {.op = CHANGE_INSERT, .table = &keyed, .txn = &foreign, .after = ROW(IMAGE_FULL, NUMBER(1), WORD("x"))};
	struct bench b;

	(void)state;
	bench_start(&b, &keyed);
	encode_begin(b.enc, &foreign);
	foreign.origin = VIEW("other");
	foreign.origin_lsn = 55;
	encode_origin(b.enc, &foreign);
	encode_parts(b.enc, b.plan, &change);
	assert_ok(bench_encode(&b, &change, 0), &b.err);
	assert_non_null(strstr(bench_json(&b, &b.plan->value, b.message.value),
			       "\"xmin\":null,\"origin\":\"other\",\"origin_lsn\":55}"));
	bench_stop(&b);
}

static void messages_have_their_prefix_as_key(void **state)
{
	struct change change = {.op = CHANGE_MESSAGE, .txn = &bench_txn, .index = 1, .lsn = 995, .transactional = true, .prefix = VIEW("p"),
				.content = VIEW("hello")};
	struct bench b;
	const char *json;

	(void)state;
	bench_start(&b, NULL);
	assert_string_equal(b.plan->topic_name, "shop.message");
	assert_int_equal(encode_parts(b.enc, b.plan, &change), 1);
	assert_ok(bench_encode(&b, &change, 0), &b.err);
	assert_key(&b, "{\"prefix\":\"p\"}");
	json = bench_json(&b, &b.plan->value, b.message.value);
	assert_non_null(strstr(json, "{\"op\":\"m\",\"ts_ms\":1700000001000,\"source\":{"));
	assert_non_null(strstr(json, "\"transaction\":{\"id\":\"7:1000\",\"total_order\":2,"));
	assert_non_null(strstr(json, "\"message\":{\"prefix\":\"p\",\"content\":\"aGVsbG8=\"}}"));
	change.transactional = false;
	assert_ok(bench_encode(&b, &change, 0), &b.err);
	json = bench_json(&b, &b.plan->value, b.message.value);
	assert_non_null(strstr(json, "\"txId\":null,\"lsn\":995"));
	assert_non_null(strstr(json, "\"transaction\":null"));
	bench_stop(&b);
}

static void a_key_that_was_not_sent_again_is_the_old_one(void **state)
{
	struct column columns[] = {{.name = "id", .type = {TYPE_TEXT, 0, 0}, .source_type = "text"},
				   {.name = "n", .type = {TYPE_INT32, 0, 0}, .source_type = "integer"}};
	struct table table = {.schema = "public", .name = "t", .columns = columns, .column_count = 2, .key = first_column, .key_count = 1};
	struct change change = {.op = CHANGE_UPDATE, .table = &table, .txn = &bench_txn, .before = ROW(IMAGE_KEY, WORD("long"), MISSING(VALUE_ABSENT)),
				.after = ROW(IMAGE_FULL, MISSING(VALUE_UNCHANGED), NUMBER(2))};
	struct bench b;

	(void)state;
	bench_start(&b, &table);
	assert_int_equal(encode_parts(b.enc, b.plan, &change), 1);
	assert_ok(bench_encode(&b, &change, 0), &b.err);
	assert_key(&b, "{\"id\":\"long\"}");
	change.before.image = IMAGE_NONE;
	assert_int_equal(bench_encode(&b, &change, 0), -1);
	assert_string_equal(b.err.text, "public.t.id (text): the value is missing in the record's key");
	bench_stop(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("an insert is one record with all its blocks", an_insert_is_one_record_with_all_its_blocks),
		TEST("a replay differs in the observed range only", a_replay_differs_in_the_observed_range_only),
		TEST("an update shows the old row only if it is whole",
		     an_update_shows_the_old_row_only_if_it_is_whole),
		TEST("a delete is followed by a tombstone", a_delete_is_followed_by_a_tombstone),
		TEST("a table without key has neither key nor tombstone",
		     a_table_without_key_has_neither_key_nor_tombstone),
		TEST("a changed key is delete, tombstone and create", a_changed_key_is_delete_tombstone_and_create),
		TEST("a truncate has no key and no rows", a_truncate_has_no_key_and_no_rows),
		TEST("a row of a snapshot belongs to no transaction", a_row_of_a_snapshot_belongs_to_no_transaction),
		TEST("changes are counted within transaction and table",
		     changes_are_counted_within_transaction_and_table),
		TEST("an origin is shown", an_origin_is_shown),
		TEST("messages have their prefix as key", messages_have_their_prefix_as_key),
		TEST("a key that was not sent again is the old one", a_key_that_was_not_sent_again_is_the_old_one),
	};

	return RUN_TESTS(tests);
}
