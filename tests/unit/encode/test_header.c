/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The canonical header, against the contract in schemas/. */
#include <stdlib.h>

#include "base/memory.h"
#include "encode/datum.h"
#include "encode/header.h"
#include "encode/json.h"
#include "schema/contract.h"
#include "unit/unit.h"

static const struct avro_type *header_type(struct contract **contract)
{
	const char *top = getenv("srcdir");
	char *folder = mem_printf("%s/schemas", top ? top : ".");
	struct diagnostics diag = {0};

	*contract = contract_load(folder, &diag);
	if (!*contract)
		fail_msg("%.*s", VIEW_ARG(wr_view(&diag.text)));
	free(folder);
	return contract_find(*contract, CONTRACT_HEADER);
}

static const struct view tables[] = {{"customer", 8}, {"invoice", 7}};
static const struct header_entry ids[] = {{{"customerId", 10}, {"erp/Customer/1", 14}}};
static const struct view flags[] = {{"binary-float", 12}};

static struct header full_header(void)
{
	return (struct header){
		.event_id = VIEW("erp/1000/Invoice/7"), .event_type = VIEW("InvoicePosted"), .event_class = "FINANCIAL", .operation = "EVENT",
		.source_system = VIEW("demo"), .source_instance = VIEW("erp"), .position_kind = "PG_LSN", .position_value = VIEW("0/3E8"),
		.position_ordinal = 3, .transaction_id = VIEW("733"), .source_tables = tables, .source_table_count = 2,
		.occurred_at = 1700000000000000, .captured_at = 1700000001000000, .legal_entity = VIEW("erp/LegalEntity/1"),
		.system_of_record = VIEW("demo"), .correlation = ids, .correlation_count = 1, .origin = VIEW("return"),
		.schema_version = VIEW("1.0"), .mapping_version = VIEW("2"), .replay = true, .quality = flags, .quality_count = 1,
	};
}

static void a_header_is_written_field_by_field(void **state)
{
	struct contract *contract;
	const struct avro_type *type = header_type(&contract);
	struct error err;
	struct header_plan *plan = header_plan_new(type, &err);
	struct header header = full_header();
	struct writer bytes = {0}, json = {0};
	uint32_t at, size;
	struct arena arena;
	struct datum datum;

	(void)state;
	assert_non_null(plan);
	assert_ok(header_write(plan, &header, &bytes, &at, &size, &err), &err);
	arena_init(&arena);
	assert_ok(avro_read(type, wr_view(&bytes), &arena, &datum, &err), &err);
	datum_json(type, &datum, &json);
	wr_u8(&json, 0);
	assert_string_equal(json.data,
		"{\"eventId\":\"erp/1000/Invoice/7\",\"eventType\":\"InvoicePosted\",\"eventClass\":\"FINANCIAL\",\"operation\":\"EVENT\","
		"\"sourceSystem\":\"demo\",\"sourceInstance\":\"erp\",\"sourcePosition\":{\"kind\":\"PG_LSN\",\"value\":\"0/3E8\",\"ordinal\":3},"
		"\"transactionId\":\"733\",\"sourceTables\":[\"customer\",\"invoice\"],\"occurredAt\":\"2023-11-14T22:13:20Z\","
		"\"capturedAt\":\"2023-11-14T22:13:21Z\",\"legalEntity\":\"erp/LegalEntity/1\",\"systemOfRecord\":\"demo\","
		"\"correlation\":{\"customerId\":\"erp/Customer/1\"},\"causationId\":null,\"origin\":\"return\",\"schemaVersion\":\"1.0\","
		"\"mappingVersion\":\"2\",\"ruleVersion\":null,\"replay\":true,\"quality\":[\"binary-float\"]}");
	wr_done(&bytes);
	wr_done(&json);
	arena_done(&arena);
	header_plan_free(plan);
	contract_free(contract);
}

static void only_the_capture_time_is_observed(void **state)
{
	struct contract *contract;
	struct error err;
	struct header_plan *plan = header_plan_new(header_type(&contract), &err);
	struct header header = full_header();
	struct writer one = {0}, two = {0};
	uint32_t at, size;

	(void)state;
	wr_bytes(&one, "frame", 5);
	wr_bytes(&two, "frame", 5);
	assert_ok(header_write(plan, &header, &one, &at, &size, &err), &err);
	header.captured_at += 12345;
	assert_ok(header_write(plan, &header, &two, &at, &size, &err), &err);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.data, two.data, at);
	assert_memory_not_equal(one.data + at, two.data + at, size);
	assert_memory_equal(one.data + at + size, two.data + at + size, one.len - at - size);
	wr_done(&one);
	wr_done(&two);
	header_plan_free(plan);
	contract_free(contract);
}

static void a_contract_that_cannot_be_filled_is_refused(void **state)
{
	static const struct {
		const char *schema, *error;
	} rows[] = {
		{"{\"type\":\"record\",\"name\":\"H\",\"fields\":[{\"name\":\"mood\",\"type\":\"string\"}]}",
		 "H has the field 'mood', which this version cannot fill"},
		{"{\"type\":\"record\",\"name\":\"H\",\"fields\":[{\"name\":\"eventId\",\"type\":\"long\"}]}",
		 "H.eventId is of type long, but must be string"},
	};

	(void)state;
	FOR_EACH(row, rows) {
		struct diagnostics diag = {0};
		struct contract *contract = contract_parse_text("x", view_of(row->schema), &diag);
		struct error err;

		assert_null(header_plan_new(contract_root(contract), &err));
		assert_string_equal(err.text, row->error);
		contract_free(contract);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a header is written field by field", a_header_is_written_field_by_field),
		TEST("only the capture time is observed", only_the_capture_time_is_observed),
		TEST("a contract that cannot be filled is refused", a_contract_that_cannot_be_filled_is_refused),
	};

	return RUN_TESTS(tests);
}
