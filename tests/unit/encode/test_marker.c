/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Records about transactions: byte for byte as Debezium's, and what is counted. */
#include "encode/envelope.h"
#include "encode/framing.h"
#include "encode/marker.h"
#include "unit/unit.h"

static struct encode_options options = {.prefix = "gold", .source_name = "gold", .connector = "postgresql", .database = "db",
					.version = "1.0"};
static const struct transaction txn = {.id = 1115, .final = {POSITION_PG_LSN, 62509680}, .committed_at = 1795241371758000};

static struct column columns[] = {{.name = "id", .type = {TYPE_INT32, 0, 0}, .source_type = "integer"}};
static unsigned first_column[] = {0};
static const struct table types = {.source_id = 1, .schema = "public", .name = "types", .columns = columns, .column_count = 1,
				   .key = first_column, .key_count = 1};
static const struct table others = {.source_id = 2, .schema = "public", .name = "others", .columns = columns,
				    .column_count = 1, .key = first_column, .key_count = 1};

struct world {
	struct encoder *enc;
	struct encode_plan *plans[2];
	struct writer key, value;
	struct arena arena;
};

static void begin(struct world *world, bool documents)
{
	struct error err;

	memset(world, 0, sizeof(*world));
	options.documents = documents;
	world->enc = encoder_new(&options);
	world->plans[0] = encode_plan_new(world->enc, &types, &err);
	world->plans[1] = encode_plan_new(world->enc, &others, &err);
	arena_init(&world->arena);
	encode_begin(world->enc, &txn);
}

static void end(struct world *world)
{
	encode_plan_free(world->plans[0]);
	encode_plan_free(world->plans[1]);
	encoder_free(world->enc);
	wr_done(&world->key);
	wr_done(&world->value);
	arena_done(&world->arena);
}

static void change(struct world *world, int plan, enum change_op op, uint64_t index, int64_t from, int64_t to)
{
	struct value before = {.state = VALUE_PRESENT, {.integer = from}}, after = {.state = VALUE_PRESENT, {.integer = to}};
	struct change change = {.op = op, .table = world->plans[plan]->table, .txn = &txn, .index = index,
				.before = {from ? IMAGE_FULL : IMAGE_NONE, &before}, .after = {to ? IMAGE_FULL : IMAGE_NONE, &after}};

	encode_parts(world->enc, world->plans[plan], &change);
}

static void assert_body(struct view message, const struct encode_schema *schema, const char *bytes, size_t len)
{
	uint64_t fingerprint;
	struct view body;

	assert_int_equal(frame_split(message, &fingerprint, &body), FRAMING_SINGLE_OBJECT);
	assert_true(fingerprint == schema->fingerprint);
	assert_int_equal(body.len, len);
	assert_memory_equal(body.ptr, bytes, len);
}

#define TIME "\xdc\xa1\xcb\xcb\xbf\x68"
#define ASSERT_BODY(view, schema, bytes) assert_body((view), (schema), (bytes), sizeof(bytes) - 1)

/* The bytes are those of a real Debezium Server 3.6.1. */
static void begin_and_end_are_debeziums(void **state)
{
	struct world world;
	struct marker marker = {.status = "BEGIN", .at = txn.committed_at};
	struct event_count *counts;
	struct encode_plan *plan;
	struct message message;

	(void)state;
	begin(&world, false);
	plan = encoder_markers(world.enc);
	assert_string_equal(plan->topic_name, "gold.transaction");
	marker.id = encode_transaction_id(world.enc);
	encode_marker(world.enc, &marker, &world.key, &world.value, &message);
	ASSERT_BODY(message.key, &plan->key, "\x1a" "1115:62509680");
	ASSERT_BODY(message.value, &plan->value, "\x0a" "BEGIN\x1a" "1115:62509680\0\0" TIME);
	change(&world, 0, CHANGE_INSERT, 0, 0, 1);
	marker.status = "END";
	marker.counted = true;
	marker.table_count = encode_counts(world.enc, &world.arena, &counts);
	marker.tables = counts;
	encode_marker(world.enc, &marker, &world.key, &world.value, &message);
	ASSERT_BODY(message.value, &plan->value,
		    "\x06"
		    "END\x1a"
		    "1115:62509680\x02\x02\x02\x02\x02\x18public.types\x02\0" TIME);
	end(&world);
}

static void the_schemas_are_debeziums(void **state)
{
	static const char key[] =
		"{\"type\":\"record\",\"name\":\"TransactionMetadataKey\",\"namespace\":\"io.debezium.connector.common\",\"fields\":["
		"{\"name\":\"id\",\"type\":\"string\"}],\"connect.version\":1,"
		"\"connect.name\":\"io.debezium.connector.common.TransactionMetadataKey\"}";
	static const char value[] =
		"{\"type\":\"record\",\"name\":\"TransactionMetadataValue\",\"namespace\":\"io.debezium.connector.common\",\"fields\":["
		"{\"name\":\"status\",\"type\":\"string\"},{\"name\":\"id\",\"type\":\"string\"},"
		"{\"name\":\"event_count\",\"type\":[\"null\",\"long\"],\"default\":null},"
		"{\"name\":\"data_collections\",\"type\":[\"null\",{\"type\":\"array\",\"items\":[\"null\",{\"type\":\"record\","
		"\"name\":\"collection\",\"namespace\":\"event\",\"fields\":[{\"name\":\"data_collection\",\"type\":\"string\"},"
		"{\"name\":\"event_count\",\"type\":\"long\"}],\"connect.version\":1,\"connect.name\":\"event.collection\"}]}],"
		"\"default\":null},{\"name\":\"ts_ms\",\"type\":\"long\"}],\"connect.version\":1,"
		"\"connect.name\":\"io.debezium.connector.common.TransactionMetadataValue\"}";
	struct world world;

	(void)state;
	begin(&world, false);
	assert_true(view_is(encoder_markers(world.enc)->key.text, key));
	assert_true(view_is(encoder_markers(world.enc)->value.text, value));
	end(&world);
}

static void where_documents_are_published_they_are_counted_too(void **state)
{
	struct event_count documents[] = {{VIEW("entity.Invoice"), 3}, {VIEW("event.InvoicePosted"), 1}};
	struct marker marker = {.status = "END", .id = VIEW("7:8"), .counted = true, .documents = documents, .document_count = 2};
	struct world world;
	struct message message;

	(void)state;
	begin(&world, true);
	encode_marker(world.enc, &marker, &world.key, &world.value, &message);
	ASSERT_BODY(message.value, &encoder_markers(world.enc)->value,
		    "\x06" "END\x06" "7:8\x02\0\x02\0\0\x02\x04\x02\x1c" "entity.Invoice\x06\x02\x26" "event.InvoicePosted\x02\0");
	marker.status = "BEGIN";
	marker.counted = false;
	encode_marker(world.enc, &marker, &world.key, &world.value, &message);
	ASSERT_BODY(message.value, &encoder_markers(world.enc)->value, "\x0a" "BEGIN\x06" "7:8\0\0\0\0");
	end(&world);
}

static void assert_counts(struct world *world, const char *expected)
{
	struct event_count *counts;
	size_t count = encode_counts(world->enc, &world->arena, &counts);
	struct writer text = {0};

	for (size_t i = 0; i < count; i++)
		wr_printf(&text, "%s%.*s %llu", i ? ", " : "", VIEW_ARG(counts[i].collection),
			  (unsigned long long)counts[i].events);
	assert_view(wr_view(&text), expected);
	assert_true(encode_counted(world->enc) == (count > 0));
	wr_done(&text);
}

static void events_are_records_with_a_value(void **state)
{
	struct change message = {.op = CHANGE_MESSAGE, .txn = &txn, .index = 5, .transactional = true};
	struct encode_snapshot snapshot = {.lsn = 1};
	struct world world;

	(void)state;
	begin(&world, false);
	assert_counts(&world, "");
	change(&world, 1, CHANGE_INSERT, 0, 0, 1);
	change(&world, 0, CHANGE_UPDATE, 1, 1, 1);
	change(&world, 0, CHANGE_UPDATE, 2, 1, 2); /* of the key */
	change(&world, 0, CHANGE_UPDATE, 2, 1, 2); /* the same again */
	change(&world, 1, CHANGE_DELETE, 3, 1, 0);
	change(&world, 1, CHANGE_TRUNCATE, 4, 0, 0);
	encode_parts(world.enc, encoder_messages(world.enc), &message);
	assert_counts(&world, "public.others 3, public.types 3, message 1");
	message.transactional = false;
	message.index = 6;
	encode_parts(world.enc, encoder_messages(world.enc), &message);
	assert_counts(&world, "public.others 3, public.types 3, message 1");
	encode_begin(world.enc, &txn);
	assert_counts(&world, "");
	encode_snapshot(world.enc, &snapshot);
	change(&world, 1, CHANGE_READ, 0, 0, 1);
	change(&world, 1, CHANGE_READ, 1, 0, 2);
	assert_counts(&world, "public.others 2");
	assert_int_equal(encode_count(world.enc, world.plans[0]), 0);
	assert_int_equal(encode_count(world.enc, world.plans[1]), 2);
	end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("BEGIN and END are Debezium's", begin_and_end_are_debeziums),
		TEST("the schemas are Debezium's", the_schemas_are_debeziums),
		TEST("where documents are published they are counted, too",
		     where_documents_are_published_they_are_counted_too),
		TEST("events are records with a value", events_are_records_with_a_value),
	};

	return RUN_TESTS(tests);
}
