/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Records are read back by the schema that is published with them. */
#include "unit/encode/bench.h"

#include "encode/datum.h"
#include "encode/framing.h"
#include "encode/json.h"
#include "encode/recode.h"
#include "schema/contract.h"
#include "unit/unit.h"

static const struct encode_options options = {.prefix = "shop", .source_name = "shop", .connector = "postgresql",
					      .database = "db", .version = "1.0"};
const struct transaction bench_txn = {.id = 7, .final = {POSITION_PG_LSN, 1000}, .committed_at = 1700000000000001};

void bench_start_with(struct bench *b, const struct table *table, const struct value_forms *forms)
{
	struct encode_options chosen = options;

	chosen.forms = *forms;
	memset(b, 0, sizeof(*b));
	b->enc = encoder_new(&chosen);
	b->plan = table ? encode_plan_new(b->enc, table, &b->err) : encoder_messages(b->enc);
	assert_non_null(b->plan);
	encode_begin(b->enc, &bench_txn);
	encode_clock(b->enc, 1700000001000000);
}

void bench_start(struct bench *b, const struct table *table)
{
	bench_start_with(b, table, &(struct value_forms){0});
}

void bench_stop(struct bench *b)
{
	if (b->plan->table)
		encode_plan_free(b->plan);
	encoder_free(b->enc);
	wr_done(&b->key);
	wr_done(&b->value);
}

/* JSON written from the bytes is the JSON of the tree that is read from them. */
static void assert_same_in_one_walk(const struct avro_type *type, struct view body, struct view json)
{
	struct byte_range nothing = {0};
	struct writer to = {0};
	struct error err;

	assert_ok(recode(FORMAT_JSON, type, body, &nothing, &to, &err), &err);
	assert_int_equal(to.len, json.len);
	assert_memory_equal(to.data, json.ptr, json.len);
	wr_done(&to);
}

/* A message's bytes as JSON, "none" if there are none. */
const char *bench_json(struct bench *b, const struct encode_schema *schema, struct view message)
{
	struct diagnostics diag = {0};
	struct contract *contract = contract_parse_text("schema", schema->text, &diag);
	struct writer to = {0};
	struct arena arena;
	struct datum datum;
	uint64_t fingerprint;
	struct view body;

	if (!message.ptr) {
		contract_free(contract);
		return "none";
	}
	arena_init(&arena);
	assert_int_equal(frame_split(message, &fingerprint, &body), FRAMING_SINGLE_OBJECT);
	assert_true(fingerprint == schema->fingerprint);
	assert_ok(avro_read(contract_root(contract), body, &arena, &datum, &b->err), &b->err);
	datum_json(contract_root(contract), &datum, &to);
	assert_same_in_one_walk(contract_root(contract), body, wr_view(&to));
	snprintf(b->text, sizeof(b->text), "%.*s", VIEW_ARG(wr_view(&to)));
	wr_done(&to);
	arena_done(&arena);
	contract_free(contract);
	return b->text;
}

int bench_encode(struct bench *b, const struct change *change, unsigned part)
{
	return encode_part(b->enc, b->plan, change, part, &b->key, &b->value, &b->message, &b->err);
}
