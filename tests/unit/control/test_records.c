/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Records of our topics as JSON lines. */
#include "unit/unit.h"

#include "encode/framing.h"
#include "model/avro.h"
#include "publish/checkpoint.h"
#include "records.h"
#include "schema/fingerprint.h"

static const struct kafka_options nowhere = {.client = "test"};
static const struct registry_options no_registry;

static void assert_line(const struct reader_record *record, const char *expected_line, const char *expected_key)
{
	struct records *records = records_new(&nowhere, "erp", &no_registry);
	struct view line, key;
	struct error err;

	assert_ok(records_decode(records, record, &line, &key, &err), &err);
	assert_view(line, expected_line);
	assert_view(key, expected_key);
	records_free(records);
}

/* The key of documents: an Avro string in its frame. */
static struct view framed_text(char *buffer, const char *text)
{
	struct frame frame = frame_single_object(avro_fingerprint(avro_primitive(AVRO_STRING)));
	char *at = frame_put(buffer, &frame);
	size_t len = strlen(text);

	*at++ = (char)(len << 1);
	memcpy(at, text, len);
	return (struct view){buffer, (size_t)(at - buffer) + len};
}

static void test_tombstone(void **state)
{
	char buffer[100];
	struct reader_record record = {
		.topic = "erp.entity.Invoice", .partition = 3, .offset = 12, .timestamp = INT64_C(1769853600500000),
		.key = framed_text(buffer, "oslo/Invoice/7"),
	};

	(void)state;
	assert_line(&record,
		    "{\"topic\":\"erp.entity.Invoice\",\"partition\":3,\"offset\":12,\"timestamp\":\"2026-01-31T10:00:00.5Z\","
		    "\"key\":\"oslo/Invoice/7\",\"value\":null}", "oslo/Invoice/7");
}

static void test_schema(void **state)
{
	struct reader_record record = {
		.topic = "erp.schemas", .key = VIEW("c70345637248018f"), .value = VIEW("{\"type\":\"string\"}"),
	};

	(void)state;
	assert_line(&record,
		    "{\"topic\":\"erp.schemas\",\"partition\":0,\"offset\":0,\"timestamp\":\"1970-01-01T00:00:00Z\","
		    "\"key\":\"c70345637248018f\",\"value\":{\"type\":\"string\"}}", "c70345637248018f");
}

static void test_checkpoint(void **state)
{
	struct checkpoint checkpoint = {
		.writer = "me", .claim = 2, .system = "77", .database = "psa", .timeline = 1,
		.progress = {
			.position = {POSITION_PG_LSN, 0x1234}, .snapshot = 1, .snapshot_phase = SNAPSHOT_FINISHED, .border = 5,
			.open = {.phase = OPEN_CHANGES, .final = {POSITION_PG_LSN, 0x2000}, .xid = 9, .done = 100},
		},
	};
	struct writer bytes = {0};
	struct reader_record record = {.topic = "erp.checkpoint", .key = VIEW("erp")};

	(void)state;
	checkpoint_encode(&checkpoint, "erp", &bytes);
	record.value = wr_view(&bytes);
	assert_line(&record,
		    "{\"topic\":\"erp.checkpoint\",\"partition\":0,\"offset\":0,\"timestamp\":\"1970-01-01T00:00:00Z\",\"key\":\"erp\","
		    "\"value\":{\"progress\":{\"position\":\"0/1234\",\"snapshot\":1,\"snapshotPhase\":\"finished\",\"border\":5,"
		    "\"open\":{\"phase\":\"changes\",\"final\":\"0/2000\",\"xid\":9,\"done\":100}},\"writer\":\"me\",\"claim\":2,"
		    "\"writtenAt\":\"1970-01-01T00:00:00Z\",\"system\":\"77\",\"database\":\"psa\",\"timeline\":1}}", "erp");
	wr_done(&bytes);
}

static void test_foreign(void **state)
{
	struct reader_record record = {.topic = "erp.event.InvoicePaid", .partition = 1, .offset = 5, .value = VIEW("hello")};
	struct records *records = records_new(&nowhere, "erp", &no_registry);
	struct view line, key;
	struct error err;

	(void)state;
	assert_int_equal(records_decode(records, &record, &line, &key, &err), -1);
	assert_int_equal(err.class, ERROR_RECORD);
	assert_string_equal(err.text, "erp.event.InvoicePaid, partition 1, offset 5: this has no frame of Avro, neither that of a single object "
			    "nor Confluent's");
	records_free(records);
}

static void test_no_registry(void **state)
{
	struct reader_record record = {.topic = "erp.event.InvoicePaid", .partition = 1, .offset = 5,
				       .value = VIEW("\0\0\0\0\7x")};
	struct records *records = records_new(&nowhere, "erp", &no_registry);
	struct view line, key;
	struct error err;

	(void)state;
	assert_int_equal(records_decode(records, &record, &line, &key, &err), -1);
	assert_int_equal(err.class, ERROR_RECORD);
	assert_string_equal(err.text, "erp.event.InvoicePaid, partition 1, offset 5: its schema is number 7 of a registry, but there is "
				      "no registry.url");
	records_free(records);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("a tombstone has the value null", test_tombstone),
		TEST("a schema is shown as it is", test_schema),
		TEST("a checkpoint is shown by its fields", test_checkpoint),
		TEST("a record of somebody else is told with its place", test_foreign),
		TEST("a record with a schema in a registry needs one", test_no_registry),
	};

	return RUN_TESTS(tests);
}
