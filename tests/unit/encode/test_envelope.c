/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Changes as records: which, with what key, and what cannot be written. Records are read back and compared as JSON. */
#include <stdlib.h>

#include "base/datetime.h"
#include "encode/datum.h"
#include "encode/envelope.h"
#include "encode/framing.h"
#include "encode/json.h"
#include "encode/recode.h"
#include "schema/contract.h"
#include "unit/unit.h"

static const struct encode_options options = {.prefix = "shop", .source_name = "shop", .connector = "postgresql",
					      .database = "db", .version = "1.0"};
static const struct transaction txn = {.id = 7, .final = {POSITION_PG_LSN, 1000}, .committed_at = 1700000000000001};

/* A pipeline's end: an encoder, one plan, two writers. */
struct bench {
	struct encoder *enc;
	struct encode_plan *plan;
	struct writer key, value;
	struct message message;
	struct error err;
	char text[8192];
};

static void start_with(struct bench *b, const struct table *table, const struct value_forms *forms)
{
	struct encode_options chosen = options;

	chosen.forms = *forms;
	memset(b, 0, sizeof(*b));
	b->enc = encoder_new(&chosen);
	b->plan = table ? encode_plan_new(b->enc, table, &b->err) : encoder_messages(b->enc);
	assert_non_null(b->plan);
	encode_begin(b->enc, &txn);
	encode_clock(b->enc, 1700000001000000);
}

static void start(struct bench *b, const struct table *table)
{
	start_with(b, table, &(struct value_forms){0});
}

static void stop(struct bench *b)
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
static const char *json_of(struct bench *b, const struct encode_schema *schema, struct view message)
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

static int encode(struct bench *b, const struct change *change, unsigned part)
{
	return encode_part(b->enc, b->plan, change, part, &b->key, &b->value, &b->message, &b->err);
}

static void assert_key(struct bench *b, const char *json)
{
	assert_string_equal(json_of(b, &b->plan->key, b->message.key), json);
}

/* Before, after and op of the record. */
static void assert_images(struct bench *b, const char *before, const char *after, const char *op)
{
	char expected[512];
	const char *json = json_of(b, &b->plan->value, b->message.value);
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

#define NUMBER(n) {.state = VALUE_PRESENT, {.integer = (n)}}
#define WORD(w) {.state = VALUE_PRESENT, .text = {(w), sizeof(w) - 1}}
#define MISSING(s) {.state = (s)}
#define ROW(image, ...) {image, (struct value[]){__VA_ARGS__}}

static void an_insert_is_one_record_with_all_its_blocks(void **state)
{
	struct change change = {.op = CHANGE_INSERT, .table = &keyed, .txn = &txn, .index = 4, .lsn = 990,
				.after = ROW(IMAGE_FULL, NUMBER(1), WORD("one"))};
	struct bench b;

	(void)state;
	start(&b, &keyed);
	assert_int_equal(encode_parts(b.enc, b.plan, &change), 1);
	assert_ok(encode(&b, &change, 0), &b.err);
	assert_key(&b, "{\"id\":1}");
	assert_string_equal(json_of(&b, &b.plan->value, b.message.value),
		"{\"before\":null,\"after\":{\"id\":1,\"name\":\"one\"},\"source\":{\"version\":\"1.0\",\"connector\":\"postgresql\",\"name\":\"shop\","
		"\"ts_ms\":1700000000000,\"snapshot\":\"false\",\"db\":\"db\",\"sequence\":\"[\\\"1000\\\",\\\"990\\\"]\",\"ts_us\":1700000000000001,"
		"\"ts_ns\":1700000000000001000,\"schema\":\"public\",\"table\":\"t\",\"txId\":7,\"lsn\":990,\"xmin\":null,\"origin\":null,"
		"\"origin_lsn\":null},\"transaction\":{\"id\":\"7:1000\",\"total_order\":5,\"data_collection_order\":1},\"op\":\"c\","
		"\"ts_ms\":1700000001000,\"ts_us\":1700000001000000,\"ts_ns\":1700000001000000000}");
	stop(&b);
}

static void a_replay_differs_in_the_observed_range_only(void **state)
{
	struct change change = {.op = CHANGE_INSERT, .table = &keyed, .txn = &txn, .after = ROW(IMAGE_FULL, NUMBER(1), WORD("one"))};
	struct writer first = {0};
	struct bench b;

	(void)state;
	start(&b, &keyed);
	encode_parts(b.enc, b.plan, &change);
	assert_ok(encode(&b, &change, 0), &b.err);
	wr_view_bytes(&first, b.message.value);
	encode_clock(b.enc, 1700000777000000);
	assert_ok(encode(&b, &change, 0), &b.err);
	assert_int_equal(b.message.value.len, first.len);
	assert_int_equal(b.message.observed_at + b.message.observed_bytes, first.len);
	assert_memory_equal(b.message.value.ptr, first.data, b.message.observed_at);
	assert_memory_not_equal(b.message.value.ptr + b.message.observed_at, first.data + b.message.observed_at,
				b.message.observed_bytes);
	wr_done(&first);
	stop(&b);
}

static void an_update_shows_the_old_row_only_if_it_is_whole(void **state)
{
	struct change whole = {.op = CHANGE_UPDATE, .table = &keyed, .txn = &txn, .before = ROW(IMAGE_FULL, NUMBER(1), WORD("old")),
			       .after = ROW(IMAGE_FULL, NUMBER(1), MISSING(VALUE_NULL))};
	struct change none = {.op = CHANGE_UPDATE, .table = &keyed, .txn = &txn, .after = ROW(IMAGE_FULL, NUMBER(1), WORD("new"))};
	struct bench b;

	(void)state;
	start(&b, &keyed);
	assert_int_equal(encode_parts(b.enc, b.plan, &whole), 1);
	assert_ok(encode(&b, &whole, 0), &b.err);
	assert_images(&b, "{\"id\":1,\"name\":\"old\"}", "{\"id\":1,\"name\":null}", "u");
	assert_ok(encode(&b, &none, 0), &b.err);
	assert_images(&b, "null", "{\"id\":1,\"name\":\"new\"}", "u");
	stop(&b);
}

static void a_delete_is_followed_by_a_tombstone(void **state)
{
	struct change change = {.op = CHANGE_DELETE, .table = &keyed, .txn = &txn,
				.before = ROW(IMAGE_KEY, NUMBER(1), MISSING(VALUE_ABSENT))};
	struct bench b;

	(void)state;
	start(&b, &keyed);
	assert_int_equal(encode_parts(b.enc, b.plan, &change), 2);
	assert_ok(encode(&b, &change, 0), &b.err);
	assert_images(&b, "{\"id\":1,\"name\":null}", "null", "d");
	assert_ok(encode(&b, &change, 1), &b.err);
	assert_key(&b, "{\"id\":1}");
	assert_null(b.message.value.ptr);
	stop(&b);
}

static void a_table_without_key_has_neither_key_nor_tombstone(void **state)
{
	struct change change = {.op = CHANGE_DELETE, .table = &keyless, .txn = &txn, .before = ROW(IMAGE_FULL, NUMBER(1), WORD("x"))};
	struct bench b;

	(void)state;
	start(&b, &keyless);
	assert_int_equal(encode_parts(b.enc, b.plan, &change), 1);
	assert_ok(encode(&b, &change, 0), &b.err);
	assert_null(b.message.key.ptr);
	assert_images(&b, "{\"id\":1,\"name\":\"x\"}", "null", "d");
	stop(&b);
}

static void a_changed_key_is_delete_tombstone_and_create(void **state)
{
	struct change change = {.op = CHANGE_UPDATE, .table = &keyed, .txn = &txn, .before = ROW(IMAGE_KEY, NUMBER(1), MISSING(VALUE_ABSENT)),
				.after = ROW(IMAGE_FULL, NUMBER(2), WORD("x"))};
	struct bench b;

	(void)state;
	start(&b, &keyed);
	assert_int_equal(encode_parts(b.enc, b.plan, &change), 3);
	assert_ok(encode(&b, &change, 0), &b.err);
	assert_key(&b, "{\"id\":1}");
	assert_images(&b, "{\"id\":1,\"name\":null}", "null", "d");
	assert_ok(encode(&b, &change, 1), &b.err);
	assert_key(&b, "{\"id\":1}");
	assert_null(b.message.value.ptr);
	assert_ok(encode(&b, &change, 2), &b.err);
	assert_key(&b, "{\"id\":2}");
	assert_images(&b, "null", "{\"id\":2,\"name\":\"x\"}", "c");
	stop(&b);
}

static void a_truncate_has_no_key_and_no_rows(void **state)
{
	struct change change = {.op = CHANGE_TRUNCATE, .table = &keyed, .txn = &txn};
	struct bench b;

	(void)state;
	start(&b, &keyed);
	assert_int_equal(encode_parts(b.enc, b.plan, &change), 1);
	assert_ok(encode(&b, &change, 0), &b.err);
	assert_null(b.message.key.ptr);
	assert_images(&b, "null", "null", "t");
	stop(&b);
}

static void a_row_of_a_snapshot_belongs_to_no_transaction(void **state)
{
	struct encode_snapshot snapshot = {.lsn = 900, .transaction_id = 5, .started_at = 1700000000000000, .marker = "first"};
	struct change change = {.op = CHANGE_READ, .table = &keyed, .after = ROW(IMAGE_FULL, NUMBER(1), WORD("x"))};
	struct bench b;
	const char *json;

	(void)state;
	start(&b, &keyed);
	encode_snapshot(b.enc, &snapshot);
	assert_int_equal(encode_parts(b.enc, b.plan, &change), 1);
	assert_ok(encode(&b, &change, 0), &b.err);
	assert_images(&b, "null", "{\"id\":1,\"name\":\"x\"}", "r");
	json = json_of(&b, &b.plan->value, b.message.value);
	assert_non_null(strstr(json, "\"snapshot\":\"first\""));
	assert_non_null(strstr(json, "\"sequence\":\"[null,\\\"900\\\"]\""));
	assert_non_null(strstr(json, "\"txId\":5,\"lsn\":900"));
	assert_non_null(strstr(json, "\"transaction\":null"));
	stop(&b);
}

static void changes_are_counted_within_transaction_and_table(void **state)
{
	struct change change = {.op = CHANGE_INSERT, .table = &keyed, .txn = &txn, .after = ROW(IMAGE_FULL, NUMBER(1), WORD("x"))};
	struct table later = keyed;
	struct encode_plan *first;
	struct bench b;

	(void)state;
	start(&b, &keyed);
	encode_parts(b.enc, b.plan, &change);
	encode_parts(b.enc, b.plan, &change); /* the same change again */
	first = b.plan;
	b.plan = encode_plan_new(b.enc, &later, &b.err); /* the table changed its shape */
	change.index = 8;
	encode_parts(b.enc, b.plan, &change);
	assert_ok(encode(&b, &change, 0), &b.err);
	assert_non_null(
		strstr(json_of(&b, &b.plan->value, b.message.value), "\"total_order\":9,\"data_collection_order\":2"));
	encode_begin(b.enc, &txn);
	change.index = 0;
	encode_parts(b.enc, b.plan, &change);
	assert_ok(encode(&b, &change, 0), &b.err);
	assert_non_null(
		strstr(json_of(&b, &b.plan->value, b.message.value), "\"total_order\":1,\"data_collection_order\":1"));
	encode_plan_free(first);
	stop(&b);
}

static void an_origin_is_shown(void **state)
{
	struct transaction foreign = txn;
	struct change change = {.op = CHANGE_INSERT, .table = &keyed, .txn = &foreign, .after = ROW(IMAGE_FULL, NUMBER(1), WORD("x"))};
	struct bench b;

	(void)state;
	start(&b, &keyed);
	encode_begin(b.enc, &foreign);
	foreign.origin = VIEW("other");
	foreign.origin_lsn = 55;
	encode_origin(b.enc, &foreign);
	encode_parts(b.enc, b.plan, &change);
	assert_ok(encode(&b, &change, 0), &b.err);
	assert_non_null(strstr(json_of(&b, &b.plan->value, b.message.value),
			       "\"xmin\":null,\"origin\":\"other\",\"origin_lsn\":55}"));
	stop(&b);
}

static void messages_have_their_prefix_as_key(void **state)
{
	struct change change = {.op = CHANGE_MESSAGE, .txn = &txn, .index = 1, .lsn = 995, .transactional = true, .prefix = VIEW("p"),
				.content = VIEW("hello")};
	struct bench b;
	const char *json;

	(void)state;
	start(&b, NULL);
	assert_string_equal(b.plan->topic_name, "shop.message");
	assert_int_equal(encode_parts(b.enc, b.plan, &change), 1);
	assert_ok(encode(&b, &change, 0), &b.err);
	assert_key(&b, "{\"prefix\":\"p\"}");
	json = json_of(&b, &b.plan->value, b.message.value);
	assert_non_null(strstr(json, "{\"op\":\"m\",\"ts_ms\":1700000001000,\"source\":{"));
	assert_non_null(strstr(json, "\"transaction\":{\"id\":\"7:1000\",\"total_order\":2,"));
	assert_non_null(strstr(json, "\"message\":{\"prefix\":\"p\",\"content\":\"aGVsbG8=\"}}"));
	change.transactional = false;
	assert_ok(encode(&b, &change, 0), &b.err);
	json = json_of(&b, &b.plan->value, b.message.value);
	assert_non_null(strstr(json, "\"txId\":null,\"lsn\":995"));
	assert_non_null(strstr(json, "\"transaction\":null"));
	stop(&b);
}

/* One column's value as the record shows it, or the error. */
static const char *shown_in(struct bench *b, const struct value_forms *forms, struct column column, struct value value)
{
	struct table table = {.schema = "public", .name = "t", .columns = &column, .column_count = 1};
	struct change change = {.op = CHANGE_INSERT, .table = &table, .txn = &txn, .after = {IMAGE_FULL, &value}};
	const char *text;

	start_with(b, &table, forms);
	encode_parts(b->enc, b->plan, &change);
	if (encode(b, &change, 0)) {
		assert_int_equal(b->err.class, ERROR_RECORD);
		text = b->err.text;
	} else {
		text = strstr(json_of(b, &b->plan->value, b->message.value), "\"c\":") + 4;
		*strstr(text, "},\"source\"") = 0;
	}
	stop(b);
	return text;
}

static const char *shown(struct bench *b, const struct value_forms *forms, struct type type, struct value value)
{
	return shown_in(b, forms, (struct column){.name = "c", .type = type, .source_type = "some type"}, value);
}

#define NOT_UTF8 "public.t.c (some type): the value is not UTF-8, which its Avro type must be"

static void texts_are_checked_where_the_source_does_not_vouch_for_them(void **state)
{
	static const struct {
		enum type_kind kind;
		const char *text;
		const char *refused; /* NULL: it is a record */
	} table[] = {
		{TYPE_TEXT, "gr\xc3\xbc\xc3\x9f", NULL}, {TYPE_TEXT, "caf\xe9", NOT_UTF8}, {TYPE_JSON, "\"\xff\"", NOT_UTF8},
		{TYPE_ENUM, "\xe9t\xe9", NOT_UTF8}, {TYPE_OTHER, "12345678\xc3", NOT_UTF8}, {TYPE_BYTES, "caf\xe9", NULL},
	};

	(void)state;
	FOR_EACH(row, table) {
		struct column column = {.name = "c", .type = {row->kind, 0, 0}, .source_type = "some type"};
		struct table one = {.schema = "public", .name = "t", .columns = &column, .column_count = 1};
		struct value value = {.state = VALUE_PRESENT, .text = view_of(row->text)};
		struct change change = {.op = CHANGE_INSERT, .table = &one, .txn = &txn, .after = {IMAGE_FULL, &value}};
		struct bench b;

		start(&b, &one);
		encode_parts(b.enc, b.plan, &change);
		assert_ok(encode(&b, &change, 0), &b.err);
		encoder_check_text(b.enc, true);
		encode_plan_free(b.plan);
		b.plan = encode_plan_new(b.enc, &one, &b.err);
		encode_parts(b.enc, b.plan, &change);
		assert_int_equal(encode(&b, &change, 0), row->refused ? -1 : 0);
		assert_string_equal(row->refused ? b.err.text : "", row->refused ? row->refused : "");
		assert_true(!row->refused || b.err.class == ERROR_RECORD);
		stop(&b);
	}
}

static void values_without_an_ordinary_form_are_shown_or_refused(void **state)
{
	static const char no_decimal[] = "public.t.c (some type): the value has no place in its Avro decimal";
	static const char not_sent[] =
		"public.t.c (some type): the value is large and did not change, so the server did not send it, "
		"and its type has no placeholder";
	static const struct {
		struct type type;
		struct value value;
		const char *expected;
	} table[] = {
		{{TYPE_DATE, 0, 0}, NUMBER(DATE_INFINITY), "2147483647"},
		{{TYPE_DATE, 0, 0}, NUMBER(DATE_MINUS_INFINITY), "-2147483648"},
		{{TYPE_DATE, 0, 0}, NUMBER(INT64_C(2147483648)), "public.t.c (some type): the value is out of the range of its Avro type"},
		{{TYPE_TIMESTAMP, 0, 6}, NUMBER(INT64_MAX), "9223372036854775807"},
		{{TYPE_TIMESTAMP, 0, 3}, NUMBER(INT64_MIN), "-9223372036854775808"},
		{{TYPE_TIMESTAMP, 0, 3}, NUMBER(-1000), "-1"},
		{{TYPE_TIMESTAMP_ZONED, 0, 6}, NUMBER(INT64_MAX), "\"infinity\""},
		{{TYPE_TIMESTAMP_ZONED, 0, 6}, NUMBER(INT64_MIN), "\"-infinity\""},
		{{TYPE_TIMESTAMP_ZONED, 0, 6}, NUMBER(-1), "\"1969-12-31T23:59:59.999999Z\""},
		{{TYPE_TIMESTAMP_ZONED, 0, 3}, NUMBER(1709202896123000), "\"2024-02-29T10:34:56.123Z\""},
		{{TYPE_TIMESTAMP_ZONED, 0, 0}, NUMBER(1709202896000000), "\"2024-02-29T10:34:56Z\""},
		{{TYPE_TIMESTAMP_ZONED, 0, 6}, NUMBER(INT64_C(-63517824000000000)), "\"-0043-03-15T00:00:00.000000Z\""},
		{{TYPE_TIMESTAMP_ZONED, 0, 0}, NUMBER(INT64_C(253402300800000000)), "\"+10000-01-01T00:00:00Z\""},
		{{TYPE_TIME, 0, 6}, NUMBER(INT64_C(86400000000)), "86400000000"},
		{{TYPE_DECIMAL, 12, 2}, WORD("NaN"), no_decimal},
		{{TYPE_DECIMAL, 12, 2}, WORD("-Infinity"), no_decimal},
		{{TYPE_DECIMAL, 12, 2}, WORD("1.005"), no_decimal},
		{{TYPE_DECIMAL, 12, 2}, WORD("10000000000.00"), no_decimal},
		{{TYPE_DECIMAL, 12, 2}, WORD("-9999999999.99"), "\"-9999999999.99\""},
		{{TYPE_DECIMAL, 12, 2}, WORD("7"), "\"7.00\""},
		{{TYPE_DECIMAL, 12, 2}, WORD("7.100"), "\"7.10\""},
		{{TYPE_DECIMAL, 3, -2}, WORD("12300"), "\"12300\""},
		{{TYPE_DECIMAL, 60, 5}, WORD("-1234567890123456789012345678901234567890.5"),
		 "\"-1234567890123456789012345678901234567890.50000\""},
		{{TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("1.500"), "\"1.5\""},
		{{TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("100000000000000000000"), "\"100000000000000000000\""},
		{{TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("123456789012345678901234567890123456789012345678.9"),
		 "\"123456789012345678901234567890123456789012345678.9\""},
		{{TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("0.00"), "\"0\""},
		{{TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("Infinity"), no_decimal},
		{{TYPE_DECIMAL, 0, 2}, WORD("1234.56"), "\"1234.56\""},
		{{TYPE_DECIMAL, 0, 2}, WORD("-92233720368547758.08"), "\"-92233720368547758.08\""},
		{{TYPE_DECIMAL, 0, 0}, WORD("7"), "\"7\""},
		{{TYPE_TIME_ZONED, 0, 6}, NUMBER(INT64_C(38096789012)), "\"10:34:56.789012Z\""},
		{{TYPE_TIME_ZONED, 0, 6}, NUMBER(INT64_C(57540000000)), "\"15:59:00Z\""},
		{{TYPE_TIME_ZONED, 0, 6}, NUMBER(INT64_C(86400000000)), "\"24:00:00Z\""},
		{{TYPE_BITS, 8, 0}, WORD("10101010"), "\"qg==\""},
		{{TYPE_BITS, 8, 0}, WORD("00000001"), "\"AQ==\""},
		{{TYPE_BITS, 8, 0}, WORD("00000000"), "\"\""},
		{{TYPE_BITS, 0, 0}, WORD(""), "\"\""},
		{{TYPE_BITS, 0, 0}, WORD("100000000"), "\"AAE=\""},
		{{TYPE_BITS, 0, 0}, MISSING(VALUE_UNCHANGED), "\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==\""},
		{{TYPE_POINT, 0, 0}, WORD("(1.5,-2.5)"), "{\"x\":1.5,\"y\":-2.5,\"wkb\":\"AQEAAAAAAAAAAAD4PwAAAAAAAATA\",\"srid\":null}"},
		{{TYPE_XML, 0, 0}, MISSING(VALUE_UNCHANGED), "\"__debezium_unavailable_value\""},
		{{TYPE_TEXT, 0, 0}, MISSING(VALUE_UNCHANGED), "\"__debezium_unavailable_value\""},
		{{TYPE_BYTES, 0, 0}, MISSING(VALUE_UNCHANGED), "\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==\""},
		{{TYPE_OTHER, 0, 0}, MISSING(VALUE_UNCHANGED), "\"__debezium_unavailable_value\""},
		{{TYPE_DECIMAL_VARIABLE, 0, 0}, MISSING(VALUE_UNCHANGED), not_sent},
		{{TYPE_INT32, 0, 0}, MISSING(VALUE_ABSENT), "public.t.c (some type): the value was not sent by the server"},
		{{TYPE_TEXT, 0, 0}, WORD(""), "\"\""},
	};

	(void)state;
	FOR_EACH(row, table) {
		struct bench b;

		assert_string_equal(shown(&b, &(struct value_forms){0}, row->type, row->value), row->expected);
	}
}

static int read_text(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	ret->text = text;
	return 0;
}

static int read_number(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	ret->integer = atoll(text.ptr);
	return text.ptr[0] >= '0' && text.ptr[0] <= '9' ? 0 : -1;
}

static void arrays_are_their_elements(void **state)
{
	static const struct {
		struct type element;
		value_from_text *read;
		struct value value;
		const char *expected;
	} table[] = {
		{{TYPE_INT32, 0, 0}, read_number, WORD("{1,NULL,3}"), "[1,null,3]"},
		{{TYPE_INT32, 0, 0}, read_number, WORD("{}"), "[]"},
		{{TYPE_INT32, 0, 0}, read_number, WORD("[7:8]={1,2}"), "[1,2]"},
		{{TYPE_INT32, 0, 0}, read_number, WORD("{1,x}"), "public.t.c (some type): the value has an element that is none of its type"},
		{{TYPE_INT32, 0, 0}, read_number, WORD("{{1},{2}}"),
		 "public.t.c (some type): the value has several dimensions, for which its Avro array has no form; a column that is "
		 "declared with them (ALTER COLUMN ... TYPE with [][]) is text"},
		{{TYPE_INT32, 0, 0}, read_number, MISSING(VALUE_UNCHANGED),
		 "[95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,97,108,117,101]"},
		{{TYPE_TEXT, 0, 0}, read_text, WORD("{a,\"b \\\"c\\\"\",NULL,\"\"}"), "[\"a\",\"b \\\"c\\\"\",null,\"\"]"},
		{{TYPE_TEXT, 0, 0}, read_text, MISSING(VALUE_UNCHANGED), "[\"__debezium_unavailable_value\"]"},
		{{TYPE_DECIMAL, 8, 2}, read_text, WORD("{1.5,-2.25}"), "[\"1.50\",\"-2.25\"]"},
		{{TYPE_DECIMAL, 8, 2}, read_text, WORD("{NaN}"), "public.t.c (some type): the value has no place in its Avro decimal"},
		{{TYPE_DECIMAL, 8, 2}, read_text, MISSING(VALUE_UNCHANGED),
		 "public.t.c (some type): the value is large and did not change, so the server did not send it, and its type has no placeholder"},
		{{TYPE_BOOL, 0, 0}, NULL, WORD("{t}"), "public.t.c (some type): the value has an element that is none of its type"},
	};

	(void)state;
	FOR_EACH(row, table) {
		struct column column = {.name = "c", .type = {TYPE_ARRAY, 0, 0}, .element = row->element, .element_from_text = row->read,
					.source_type = "some type"};
		struct bench b;

		assert_string_equal(shown_in(&b, &(struct value_forms){0}, column, row->value), row->expected);
	}
}

/* As recorded from Debezium in these modes. */
static void values_have_the_forms_that_were_chosen(void **state)
{
	static const struct value_forms text = {.decimal = DECIMALS_STRING}, real = {.decimal = DECIMALS_DOUBLE},
					micros = {.time = TIMES_MICROS}, connect = {.time = TIMES_CONNECT},
					base64 = {.binary = BINARY_BASE64}, hex = {.binary = BINARY_HEX};
	static const struct {
		const struct value_forms *forms;
		struct type type;
		struct value value;
		const char *expected;
	} table[] = {
		{&text, {TYPE_DECIMAL, 12, 2}, WORD("1234567890.12"), "\"1234567890.12\""},
		{&text, {TYPE_DECIMAL, 12, 2}, WORD("NaN"), "\"NAN\""},
		{&text, {TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("1.000"), "\"1.000\""},
		{&text, {TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("Infinity"), "\"POSITIVE_INFINITY\""},
		{&text, {TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("-Infinity"), "\"NEGATIVE_INFINITY\""},
		{&real, {TYPE_DECIMAL, 12, 2}, WORD("-0.01"), "-0.01"},
		{&real, {TYPE_DECIMAL, 12, 2}, WORD("NaN"), "\"NaN\""},
		{&real, {TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("123456789012345678901234567890.123456789"), "1.2345678901234568e+29"},
		{&real, {TYPE_DECIMAL_VARIABLE, 0, 0},
		 WORD("-1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"), "-1e+102"},
		{&real, {TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("-Infinity"), "\"-Infinity\""},
		{&micros, {TYPE_TIME, 0, 3}, NUMBER(INT64_C(45296789000)), "45296789000"},
		{&micros, {TYPE_TIMESTAMP, 0, 3}, NUMBER(INT64_C(1709210096789000)), "1709210096789"},
		{&connect, {TYPE_DATE, 0, 0}, NUMBER(19782), "19782"},
		{&connect, {TYPE_DATE, 0, 0}, NUMBER(DATE_INFINITY), "2147483647"},
		{&connect, {TYPE_TIME, 0, 6}, NUMBER(INT64_C(86399123456)), "86399123"},
		{&connect, {TYPE_TIME, 0, 6}, NUMBER(INT64_C(86400000000)), "86400000"},
		{&connect, {TYPE_TIMESTAMP, 0, 6}, NUMBER(INT64_C(1709210096123456)), "1709210096123"},
		{&connect, {TYPE_TIMESTAMP, 0, 6}, NUMBER(-1), "-1"},
		{&connect, {TYPE_TIMESTAMP, 0, 6}, NUMBER(INT64_MAX), "9223372036854775807"},
		{&base64, {TYPE_BYTES, 0, 0}, WORD("\1\377\20"), "\"Af8Q\""},
		{&base64, {TYPE_BYTES, 0, 0}, WORD("\377"), "\"/w==\""},
		{&base64, {TYPE_BYTES, 0, 0}, WORD(""), "\"\""},
		{&base64, {TYPE_BYTES, 0, 0}, MISSING(VALUE_UNCHANGED), "\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==\""},
		{&hex, {TYPE_BYTES, 0, 0}, WORD("\1\377\20"), "\"01ff10\""},
		{&hex, {TYPE_BYTES, 0, 0}, MISSING(VALUE_UNCHANGED), "\"5f5f646562657a69756d5f756e617661696c61626c655f76616c7565\""},
	};

	(void)state;
	FOR_EACH(row, table) {
		struct bench b;

		assert_string_equal(shown(&b, row->forms, row->type, row->value), row->expected);
	}
}

static void a_key_that_was_not_sent_again_is_the_old_one(void **state)
{
	struct column columns[] = {{.name = "id", .type = {TYPE_TEXT, 0, 0}, .source_type = "text"},
				   {.name = "n", .type = {TYPE_INT32, 0, 0}, .source_type = "integer"}};
	struct table table = {.schema = "public", .name = "t", .columns = columns, .column_count = 2, .key = first_column, .key_count = 1};
	struct change change = {.op = CHANGE_UPDATE, .table = &table, .txn = &txn, .before = ROW(IMAGE_KEY, WORD("long"), MISSING(VALUE_ABSENT)),
				.after = ROW(IMAGE_FULL, MISSING(VALUE_UNCHANGED), NUMBER(2))};
	struct bench b;

	(void)state;
	start(&b, &table);
	assert_int_equal(encode_parts(b.enc, b.plan, &change), 1);
	assert_ok(encode(&b, &change, 0), &b.err);
	assert_key(&b, "{\"id\":\"long\"}");
	change.before.image = IMAGE_NONE;
	assert_int_equal(encode(&b, &change, 0), -1);
	assert_string_equal(b.err.text, "public.t.id (text): the value is missing in the record's key");
	stop(&b);
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
		TEST("texts are checked where the source does not vouch for them",
		     texts_are_checked_where_the_source_does_not_vouch_for_them),
		TEST("values without an ordinary form are shown or refused",
		     values_without_an_ordinary_form_are_shown_or_refused),
		TEST("arrays are their elements", arrays_are_their_elements),
		TEST("values have the forms that were chosen", values_have_the_forms_that_were_chosen),
		TEST("a key that was not sent again is the old one", a_key_that_was_not_sent_again_is_the_old_one),
	};

	return RUN_TESTS(tests);
}
