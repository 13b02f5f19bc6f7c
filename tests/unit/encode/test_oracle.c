/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The envelope against Apache's avro-c: rows of random values of every type (samples.c), encoded by both, byte for byte.
 */
#include "encode/envelope.h"
#include "encode/framing.h"
#include "unit/encode/samples.h"
#include "unit/random.h"
#include "unit/unit.h"

#define ROWS 10000

static avro_value_t field_of(const avro_value_t *record, const char *name)
{
	avro_value_t field = {0};

	samples_check(avro_value_get_by_name(record, name, &field, NULL));
	return field;
}

static avro_value_t branch_of(const avro_value_t *record, const char *name, int branch)
{
	avro_value_t field = field_of(record, name), value = {0};

	samples_check(avro_value_set_branch(&field, branch, &value));
	return value;
}

static void set_long(const avro_value_t *record, const char *name, bool optional, int64_t number)
{
	avro_value_t slot = optional ? branch_of(record, name, 1) : field_of(record, name);

	samples_check(avro_value_set_long(&slot, number));
}

static void set_name(const avro_value_t *record, const char *name, int branch, const char *text)
{
	avro_value_t slot = branch < 0 ? field_of(record, name) : branch_of(record, name, branch);

	samples_check(avro_value_set_string(&slot, text));
}

static void make_row(const struct value_forms *forms, uint64_t *seed, struct arena *arena, struct value *values, avro_value_t *image)
{
	for (unsigned i = 0; i < SAMPLE_COLUMNS; i++) {
		bool null = i > 0 && random_next(seed) % 5 == 0;
		avro_value_t slot = branch_of(image, sample_columns[i].column.name, !null);
		struct sample sample = {forms, seed, arena, &values[i], &slot};

		values[i] = (struct value){.state = null ? VALUE_NULL : VALUE_PRESENT};
		if (!null)
			sample_columns[i].make(&sample);
	}
}

#define COMMIT_LSN UINT64_C(77933696)
#define COMMIT_US INT64_C(1795241319000123)
#define CLOCK_US INT64_C(1795241320000456)

static void set_source(const avro_value_t *envelope, uint64_t lsn)
{
	avro_value_t source = field_of(envelope, "source");
	char sequence[64];

	snprintf(sequence, sizeof(sequence), "[\"%llu\",\"%llu\"]", (unsigned long long)COMMIT_LSN,
		 (unsigned long long)lsn);
	set_name(&source, "version", -1, "1.0");
	set_name(&source, "connector", -1, "postgresql");
	set_name(&source, "name", -1, "shop");
	set_long(&source, "ts_ms", false, COMMIT_US / 1000);
	set_name(&source, "snapshot", 0, "false");
	set_name(&source, "db", -1, "shopdb");
	set_name(&source, "sequence", 1, sequence);
	set_long(&source, "ts_us", true, COMMIT_US);
	set_long(&source, "ts_ns", true, COMMIT_US * 1000);
	set_name(&source, "schema", -1, "public");
	set_name(&source, "table", -1, "t");
	set_long(&source, "txId", true, 1266);
	set_long(&source, "lsn", true, (int64_t)lsn);
	branch_of(&source, "xmin", 0);
	branch_of(&source, "origin", 0);
	branch_of(&source, "origin_lsn", 0);
}

static void set_rest(const avro_value_t *envelope, const char *op, uint64_t number, uint64_t order)
{
	avro_value_t block = branch_of(envelope, "transaction", 1);

	set_name(&block, "id", -1, "1266:77933696");
	set_long(&block, "total_order", false, (int64_t)number);
	set_long(&block, "data_collection_order", false, (int64_t)order);
	set_name(envelope, "op", -1, op);
	set_long(envelope, "ts_ms", true, CLOCK_US / 1000);
	set_long(envelope, "ts_us", true, CLOCK_US);
	set_long(envelope, "ts_ns", true, CLOCK_US * 1000);
}

static void assert_same_bytes(const struct message *message, const avro_value_t *envelope, uint64_t fingerprint)
{
	static char expected[1 << 17];
	avro_writer_t writer = avro_writer_memory(expected, sizeof(expected));
	uint64_t framed;
	struct view body;
	size_t size;

	samples_check(avro_value_write(writer, (avro_value_t *)envelope));
	size = (size_t)avro_writer_tell(writer);
	avro_writer_free(writer);
	assert_int_equal(frame_split(message->value, &framed, &body), FRAMING_SINGLE_OBJECT);
	assert_true(framed == fingerprint);
	assert_int_equal(body.len, size);
	assert_memory_equal(body.ptr, expected, size);
}

static void compare_rows(const struct value_forms *forms)
{
	const struct encode_options options = {.forms = *forms, .prefix = "shop", .source_name = "shop", .connector = "postgresql",
						      .database = "shopdb", .version = "1.0"};
	static const struct transaction txn = {.id = 1266, .final = {POSITION_PG_LSN, COMMIT_LSN}, .committed_at = COMMIT_US};
	struct column shape[SAMPLE_COLUMNS];
	unsigned key[] = {0};
	struct table table = {.schema = "public", .name = "t", .columns = shape, .column_count = SAMPLE_COLUMNS, .key = key, .key_count = 1};
	struct encoder *enc = encoder_new(&options);
	struct encode_plan *plan;
	struct writer key_writer = {0}, value_writer = {0};
	struct arena arena;
	struct error err;
	avro_schema_t schema;
	avro_value_iface_t *iface;
	avro_value_t envelope;
	uint64_t seed = 20260101;

	for (unsigned i = 0; i < SAMPLE_COLUMNS; i++) {
		shape[i] = sample_columns[i].column;
		shape[i].source_type = "some(1)";
	}
	arena_init(&arena);
	plan = encode_plan_new(enc, &table, &err);
	assert_non_null(plan);
	samples_check(avro_schema_from_json_length(plan->value.text.ptr, plan->value.text.len, &schema));
	iface = avro_generic_class_from_schema(schema);
	samples_check(avro_generic_value_new(iface, &envelope));
	encode_begin(enc, &txn);
	encode_clock(enc, CLOCK_US);
	for (uint64_t i = 0; i < ROWS; i++) {
		bool update = i % 3 == 0;
		struct value before[SAMPLE_COLUMNS], after[SAMPLE_COLUMNS];
		struct change change = {.op = update ? CHANGE_UPDATE : CHANGE_INSERT, .table = &table, .txn = &txn, .index = 2 * i,
					.lsn = COMMIT_LSN - i, .after = {IMAGE_FULL, after}};
		avro_value_t image = branch_of(&envelope, "after", 1);
		struct message message;

		make_row(forms, &seed, &arena, after, &image);
		image = branch_of(&envelope, "before", update);
		if (update) {
			avro_value_t slot;

			make_row(forms, &seed, &arena, before, &image);
			before[0] = after[0]; /* the same key */
			slot = branch_of(&image, "id", 1);
			samples_check(avro_value_set_long(&slot, before[0].integer));
			change.before = (struct row){IMAGE_FULL, before};
		}
		set_source(&envelope, change.lsn);
		set_rest(&envelope, update ? "u" : "c", change.index + 1, i + 1);
		assert_int_equal(encode_parts(enc, plan, &change), 1);
		assert_ok(encode_part(enc, plan, &change, 0, &key_writer, &value_writer, &message, &err), &err);
		assert_same_bytes(&message, &envelope, plan->value.fingerprint);
		arena_reset(&arena);
	}
	avro_value_decref(&envelope);
	avro_value_iface_decref(iface);
	avro_schema_decref(schema);
	wr_done(&key_writer);
	wr_done(&value_writer);
	encode_plan_free(plan);
	encoder_free(enc);
	arena_done(&arena);
}

static void rows_of_every_type_are_what_avro_c_writes(void **state)
{
	(void)state;
	compare_rows(&(struct value_forms){0});
}

static void and_so_they_are_in_every_form_of_values(void **state)
{
	static const struct value_forms forms[] = {
		{.decimal = DECIMALS_STRING}, {.decimal = DECIMALS_DOUBLE}, {.time = TIMES_MICROS}, {.time = TIMES_CONNECT},
		{.binary = BINARY_BASE64}, {.binary = BINARY_HEX}, {DECIMALS_DOUBLE, TIMES_CONNECT, BINARY_HEX},
	};

	(void)state;
	FOR_EACH(row, forms)
		compare_rows(row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("rows of every type are what avro-c writes", rows_of_every_type_are_what_avro_c_writes),
		TEST("and so they are in every form of values", and_so_they_are_in_every_form_of_values),
	};

	return RUN_TESTS(tests);
}
