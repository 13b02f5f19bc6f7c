/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The flat form of changes: the row, and what is said of it behind its columns. */
#include "encode/envelope.h"
#include "encode/framing.h"
#include "encode/recode.h"
#include "unit/unit.h"

static const struct encode_options options = {.prefix = "tw", .source_name = "tw", .connector = "postgresql",
					      .database = "shop", .version = "1.0", .envelope = ENVELOPE_FLAT};

static struct column columns[] = {{.name = "id", .type = {TYPE_INT32, 0, 0}, .source_type = "integer"},
				  {.name = "name", .type = {TYPE_TEXT, 0, 0}, .source_type = "text"}};
static unsigned key[] = {0};
static const struct table table = {.schema = "public", .name = "t", .columns = columns, .column_count = 2, .key = key,
				   .key_count = 1};
static const struct transaction txn = {.id = 77, .final = {POSITION_PG_LSN, 1000}, .committed_at = 1700000000123456};

#define NUMBER(n) {.state = VALUE_PRESENT, {.integer = (n)}}
#define WORD(w) {.state = VALUE_PRESENT, .text = {(w), sizeof(w) - 1}}
#define ABSENT {.state = VALUE_ABSENT}
#define ROW(image, ...) {image, (struct value[]){__VA_ARGS__}}
#define BEHIND(deleted, op) \
	",\"__deleted\":\"" deleted "\",\"__op\":\"" op "\",\"__table\":\"t\",\"__lsn\":990,\"__txId\":77," \
	"\"__source_ts_ms\":1700000000123,\"__ts_ms\":1700000001000}"

static const struct {
	struct change change;
	unsigned part;
	const char *expected;
} rows[] = {
	{{.op = CHANGE_INSERT, .after = ROW(IMAGE_FULL, NUMBER(1), WORD("one"))}, 0,
	 "{\"id\":1,\"name\":\"one\"" BEHIND("false", "c")},
	{{.op = CHANGE_UPDATE, .after = ROW(IMAGE_FULL, NUMBER(1), WORD("two")),
	  .before = ROW(IMAGE_FULL, NUMBER(1), WORD("one"))}, 0,
	 "{\"id\":1,\"name\":\"two\"" BEHIND("false", "u")},
	{{.op = CHANGE_DELETE, .before = ROW(IMAGE_FULL, NUMBER(1), WORD("one"))}, 0,
	 "{\"id\":1,\"name\":\"one\"" BEHIND("true", "d")},
	{{.op = CHANGE_DELETE, .before = ROW(IMAGE_KEY, NUMBER(1), ABSENT)}, 0,
	 "{\"id\":1,\"name\":null" BEHIND("true", "d")},
	{{.op = CHANGE_DELETE, .before = ROW(IMAGE_KEY, NUMBER(1), ABSENT)}, 1, NULL},
	{{.op = CHANGE_TRUNCATE}, 0, "{\"id\":null,\"name\":null" BEHIND("false", "t")},
};

static void changes_are_rows_with_what_is_said_of_them_behind(void **state)
{
	struct encoder *enc = encoder_new(&options);
	struct writer key_to = {0}, value_to = {0}, json = {0};
	struct message message;
	struct error err;
	struct encode_plan *plan = encode_plan_new(enc, &table, &err);

	(void)state;
	assert_non_null(plan);
	assert_string_equal(plan->value.name, "tw.change.public.t.Value");
	encode_clock(enc, 1700000001000000);
	encode_begin(enc, &txn);
	FOR_EACH(row, rows) {
		struct change change = row->change;
		struct byte_range observed;
		struct view body;

		change.table = &table;
		change.txn = &txn;
		change.lsn = 990;
		encode_parts(enc, plan, &change);
		assert_ok(encode_part(enc, plan, &change, row->part, &key_to, &value_to, &message, &err), &err);
		if (!row->expected) {
			assert_null(message.value.ptr);
			continue;
		}
		assert_true(frame_matches(&plan->value.frame, message.value, &body));
		observed = (struct byte_range){message.observed_at - (uint32_t)plan->value.frame.len,
					       message.observed_bytes};
		wr_clear(&json);
		assert_ok(recode(FORMAT_JSON, plan->value.type, body, &observed, &json, &err), &err);
		assert_view(wr_view(&json), row->expected);
		assert_view(((struct view){json.data + observed.at, observed.bytes}), "1700000001000");
	}
	wr_done(&key_to);
	wr_done(&value_to);
	wr_done(&json);
	encode_plan_free(plan);
	encoder_free(enc);
}

static void a_column_cannot_have_the_name_of_what_is_added(void **state)
{
	static struct column wrong[] = {{.name = "id", .type = {TYPE_INT32, 0, 0}, .source_type = "integer"},
					{.name = "__op", .type = {TYPE_TEXT, 0, 0}, .source_type = "text"}};
	struct table named = table;
	struct encoder *enc = encoder_new(&options);
	struct error err;

	(void)state;
	named.columns = wrong;
	assert_null(encode_plan_new(enc, &named, &err));
	assert_int_equal(err.class, ERROR_INPUT);
	assert_string_equal(err.text, "column '__op' of table public.t has the name of a field that the flat envelope adds");
	encoder_free(enc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("changes are rows, with what is said of them behind",
		     changes_are_rows_with_what_is_said_of_them_behind),
		TEST("a column cannot have the name of what is added", a_column_cannot_have_the_name_of_what_is_added),
	};

	return RUN_TESTS(tests);
}
