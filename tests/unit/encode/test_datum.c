/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Values of any type: written, read back, shown as JSON, and refused. */
#include <stdlib.h>

#include "base/memory.h"
#include "encode/datum.h"
#include "encode/json.h"
#include "schema/contract.h"
#include "unit/random.h"
#include "unit/unit.h"

static struct contract *parse(const char *schema)
{
	struct diagnostics diag = {0};
	struct contract *contract = contract_parse_text("schema", view_of(schema), &diag);

	if (!contract)
		fail_msg("%.*s", VIEW_ARG(wr_view(&diag.text)));
	return contract;
}

static struct view random_text(uint64_t *seed, struct arena *arena)
{
	size_t len = random_next(seed) % 20;
	char *text = arena_alloc(arena, len + 1);

	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + random_next(seed) % 26);
	return (struct view){text, len};
}

static __int128 random_decimal(uint64_t *seed, int precision)
{
	__int128 number = 0;

	for (int i = (int)(random_next(seed) % (unsigned)precision); i >= 0; i--)
		number = number * 10 + (int)(random_next(seed) % 10);
	return random_next(seed) & 1 ? -number : number;
}

static struct datum random_datum(uint64_t *seed, struct arena *arena, const struct avro_type *type);

static void random_items(uint64_t *seed, struct arena *arena, const struct avro_type *type, struct datum *ret)
{
	unsigned step = type->kind == AVRO_MAP ? 2 : 1;

	ret->count = (uint32_t)(random_next(seed) % 4) * step;
	ret->items = ARENA_ARRAY(arena, struct datum, ret->count + 1);
	for (uint32_t i = 0; i < ret->count; i++) {
		if (step == 2 && i % 2 == 0)
			ret->items[i] = (struct datum){.set = true, .text = random_text(seed, arena)};
		else if (!type->items_nullable || random_next(seed) & 1)
			ret->items[i] = random_datum(seed, arena, type->items);
	}
}

static void random_fields(uint64_t *seed, struct arena *arena, const struct avro_type *type, struct datum *ret)
{
	ret->count = type->field_count;
	ret->items = ARENA_ARRAY(arena, struct datum, type->field_count + 1);
	for (unsigned i = 0; i < type->field_count; i++)
		if (!type->fields[i].nullable || random_next(seed) & 1)
			ret->items[i] = random_datum(seed, arena, type->fields[i].type);
}

static struct datum random_datum(uint64_t *seed, struct arena *arena, const struct avro_type *type)
{
	struct datum datum = {.set = true};

	if (type->kind == AVRO_BOOLEAN)
		datum.integer = random_next(seed) & 1;
	else if (type->kind == AVRO_INT)
		datum.integer = (int32_t)random_next(seed);
	else if (type->kind == AVRO_LONG)
		datum.integer = (int64_t)random_next(seed) >> random_next(seed) % 64;
	else if (type->kind == AVRO_ENUM)
		datum.integer = (int64_t)(random_next(seed) % type->symbol_count);
	else if (type->kind == AVRO_DOUBLE || type->kind == AVRO_FLOAT)
		datum.real = (float)(int32_t)random_next(seed) / 64;
	else if (avro_is_decimal(type))
		datum.decimal = random_decimal(seed, type->precision);
	else if (type->kind == AVRO_STRING || type->kind == AVRO_BYTES)
		datum.text = random_text(seed, arena);
	else if (type->kind == AVRO_RECORD)
		random_fields(seed, arena, type, &datum);
	else
		random_items(seed, arena, type, &datum);
	return datum;
}

static const char every_type[] =
	"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"b\",\"type\":\"boolean\"},{\"name\":\"i\",\"type\":[\"null\",\"int\"]},"
	"{\"name\":\"l\",\"type\":[\"long\",\"null\"]},{\"name\":\"f\",\"type\":\"float\"},{\"name\":\"d\",\"type\":\"double\"},"
	"{\"name\":\"s\",\"type\":[\"null\",\"string\"]},{\"name\":\"y\",\"type\":\"bytes\"},"
	"{\"name\":\"m\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":38,\"scale\":9}},"
	"{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}},"
	"{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":[\"null\",{\"type\":\"record\",\"name\":\"Q\",\"fields\":["
	"{\"name\":\"x\",\"type\":\"long\"},{\"name\":\"y\",\"type\":[\"null\",\"E\"]}]}]}},"
	"{\"name\":\"p\",\"type\":{\"type\":\"map\",\"values\":[\"null\",\"string\"]}}]}";

static void any_value_survives_writing_and_reading(void **state)
{
	struct contract *contract = parse(every_type);
	const struct avro_type *type = contract_root(contract);
	struct writer bytes = {0}, one = {0}, two = {0};
	uint64_t seed = 7;
	struct arena arena;
	struct error err;

	(void)state;
	arena_init(&arena);
	for (int i = 0; i < 5000; i++) {
		struct datum datum = random_datum(&seed, &arena, type), again;

		wr_clear(&bytes);
		wr_clear(&one);
		wr_clear(&two);
		assert_ok(datum_write(type, &datum, &bytes, &err), &err);
		assert_ok(avro_read(type, wr_view(&bytes), &arena, &again, &err), &err);
		datum_json(type, &datum, &one);
		datum_json(type, &again, &two);
		assert_int_equal(one.len, two.len);
		assert_memory_equal(one.data, two.data, one.len);
		arena_reset(&arena);
	}
	wr_done(&bytes);
	wr_done(&one);
	wr_done(&two);
	arena_done(&arena);
	contract_free(contract);
}

static void cut_or_changed_bytes_never_do_harm(void **state)
{
	struct contract *contract = parse(every_type);
	const struct avro_type *type = contract_root(contract);
	struct writer bytes = {0}, text = {0};
	uint64_t seed = 11;
	struct arena arena;
	struct error err;

	(void)state;
	arena_init(&arena);
	for (int i = 0; i < 3000; i++) {
		struct datum datum = random_datum(&seed, &arena, type), again;
		char *copy;

		wr_clear(&bytes);
		wr_clear(&text);
		assert_ok(datum_write(type, &datum, &bytes, &err), &err);
		bytes.len = random_next(&seed) % bytes.len;
		copy = mem_text(wr_view(&bytes)); /* of its own, so that reading beyond the end is seen */
		copy = mem_resize(copy, bytes.len + 1, 1);
		assert_int_equal(avro_read(type, (struct view){copy, bytes.len}, &arena, &again, &err), -1);
		for (int k = 0; k < 3 && bytes.len; k++)
			copy[random_next(&seed) % bytes.len] = (char)random_next(&seed);
		if (!avro_read(type, (struct view){copy, bytes.len}, &arena, &again, &err))
			datum_json(type, &again, &text);
		free(copy);
		arena_reset(&arena);
	}
	wr_done(&bytes);
	wr_done(&text);
	arena_done(&arena);
	contract_free(contract);
}

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"

static void hostile_bytes_are_refused_with_a_reason(void **state)
{
	static const struct {
		const char *schema;
		struct view bytes;
		const char *why;
	} table[] = {
		{"\"int\"", VIEW("\xff\xff\xff\xff\x7f"), "a number is out of range (at byte 5 of 5)"},
		{"\"long\"", VIEW("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), "a number is too long (at byte 10 of 10)"},
		{"\"long\"", VIEW("\xff\xff"), "the message is cut off (at byte 2 of 2)"},
		{"\"boolean\"", VIEW("\x02"), "a boolean is neither true nor false (at byte 1 of 1)"},
		{"\"string\"", VIEW("\x06xx"), "a text is longer than the message (at byte 1 of 3)"},
		{"\"string\"", VIEW("\x01xx"), "a text is longer than the message (at byte 1 of 3)"},
		{"\"string\"", VIEW("\x02xx"), "there are bytes left over (at byte 2 of 3)"},
		{"\"double\"", VIEW("1234567"), "the message is cut off (at byte 7 of 7)"},
		{"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}", VIEW("\x02"), "a number is out of range (at byte 1 of 1)"},
		{"{\"type\":\"array\",\"items\":\"null\"}", VIEW("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00"),
		 "there are too many values (at byte 10 of 11)"},
		{"{\"type\":\"array\",\"items\":\"null\"}", VIEW("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00"),
		 "a block has too many items (at byte 11 of 12)"},
		{"{\"type\":\"array\",\"items\":\"int\"}", VIEW("\x04\x02"), "the message is cut off (at byte 2 of 2)"},
		{RECORD("{\"name\":\"r\",\"type\":[\"null\",\"R\"]}"), VIEW("\x04"), "a union has no such branch (at byte 1 of 1)"},
		{RECORD("{\"name\":\"r\",\"type\":\"R\"}"), VIEW(""), "values are nested too deeply (at byte 0 of 0)"},
		{"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9}", VIEW("\x00"),
		 "a decimal has no digits or too many (at byte 1 of 1)"},
	};

	(void)state;
	FOR_EACH(row, table) {
		struct contract *contract = parse(row->schema);
		struct arena arena;
		struct datum datum;
		struct error err;

		arena_init(&arena);
		assert_int_equal(avro_read(contract_root(contract), row->bytes, &arena, &datum, &err), -1);
		assert_int_equal(err.class, ERROR_RECORD);
		assert_string_equal(err.text + strlen("not a value of its schema: "), row->why);
		arena_done(&arena);
		contract_free(contract);
	}
}

static void blocks_with_sizes_are_read(void **state)
{
	/* two blocks, as other writers make them: -2 items in 2 bytes, 1 item */
	static const struct view bytes = {"\x03\x04\x02\x04\x02\x06\x00", 7};
	struct contract *contract = parse("{\"type\":\"array\",\"items\":\"int\"}");
	struct writer text = {0};
	struct arena arena;
	struct datum datum;
	struct error err;

	(void)state;
	arena_init(&arena);
	assert_ok(avro_read(contract_root(contract), bytes, &arena, &datum, &err), &err);
	datum_json(contract_root(contract), &datum, &text);
	assert_view(wr_view(&text), "[1,2,3]");
	wr_done(&text);
	arena_done(&arena);
	contract_free(contract);
}

static void values_that_do_not_fit_are_refused_by_their_path(void **state)
{
	static const char schema[] = RECORD(
		"{\"name\":\"total\",\"type\":{\"type\":\"record\",\"name\":\"M\",\"fields\":[{\"name\":\"amount\",\"type\":"
		"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":2}}]}},"
		"{\"name\":\"list\",\"type\":{\"type\":\"array\",\"items\":\"int\"}},"
		"{\"name\":\"kind\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}}");
	static struct datum amount[1], items[2], fields[3];
	static const struct {
		__int128 amount;
		bool amount_set;
		int64_t item;
		int64_t symbol;
		const char *error; /* NULL: fits */
	} table[] = {
		{9999, true, 5, 0, NULL},
		{-9999, true, 5, 0, NULL},
		{10000, true, 5, 0, "total.amount has more digits than its type"},
		{1, false, 5, 0, "total.amount must not be null"},
		{1, true, INT64_C(2147483648), 0, "list[1] is out of the range of its type"},
		{1, true, 5, 1, "kind is none of the symbols of its type"},
		{1, true, 5, -1, "kind is none of the symbols of its type"},
	};
	struct contract *contract = parse(schema);

	(void)state;
	FOR_EACH(row, table) {
		struct datum datum = {.set = true, .items = fields, .count = 3};
		struct writer to = {0};
		struct error err;
		int rc;

		amount[0] = (struct datum){.set = row->amount_set, .decimal = row->amount};
		items[0] = (struct datum){.set = true, .integer = 1};
		items[1] = (struct datum){.set = true, .integer = row->item};
		fields[0] = (struct datum){.set = true, .items = amount, .count = 1};
		fields[1] = (struct datum){.set = true, .items = items, .count = 2};
		fields[2] = (struct datum){.set = true, .integer = row->symbol};
		wr_u8(&to, 'x');
		rc = datum_write(contract_root(contract), &datum, &to, &err);
		assert_int_equal(rc, row->error ? -1 : 0);
		if (row->error) {
			assert_string_equal(err.text, row->error);
			assert_int_equal(to.len, 1);
		}
		wr_done(&to);
	}
	contract_free(contract);
}

static void json_shows_values_as_people_write_them(void **state)
{
	static const struct {
		const char *schema;
		struct view bytes;
		const char *json;
	} table[] = {
		{"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,\"scale\":2}", VIEW("\x04\xff\x85"), "\"-1.23\""},
		{"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":60,\"scale\":2}", VIEW("\x02\x05"), "\"0.05\""},
		{"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,\"scale\":0}", VIEW("\x02\x00"), "\"0\""},
		{"{\"type\":\"int\",\"logicalType\":\"date\"}", VIEW("\x8c\xb5\x02"), "\"2024-02-29\""},
		{"{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", VIEW("\x02"), "\"1970-01-01T00:00:00.000001Z\""},
		{"\"double\"", VIEW("\0\0\0\0\0\0\xf8\x3f"), "1.5"},
		{"\"double\"", VIEW("\0\0\0\0\0\0\xf0\x7f"), "\"Infinity\""},
		{"\"float\"", VIEW("\xcd\xcc\xcc\x3d"), "0.1"},
		{"\"bytes\"", VIEW("\x08\0\x01\x02\xff"), "\"AAEC/w==\""},
		{"\"string\"", VIEW("\x08""a\"\n\x01"), "\"a\\\"\\n\\u0001\""},
		{"\"string\"", VIEW("\x06""a\xff""b"), "\"a\xef\xbf\xbd""b\""},
		{"{\"type\":\"map\",\"values\":\"boolean\"}", VIEW("\x02\x02k\x01\x00"), "{\"k\":true}"},
		{"{\"type\":\"record\",\"name\":\"io.debezium.data.VariableScaleDecimal\",\"fields\":[{\"name\":\"scale\",\"type\":\"int\"},"
		 "{\"name\":\"value\",\"type\":\"bytes\"}]}", VIEW("\x06\x02\x05"), "\"0.005\""},
	};

	(void)state;
	FOR_EACH(row, table) {
		struct contract *contract = parse(row->schema);
		struct writer text = {0};
		struct arena arena;
		struct datum datum;
		struct error err;

		arena_init(&arena);
		assert_ok(avro_read(contract_root(contract), row->bytes, &arena, &datum, &err), &err);
		datum_json(contract_root(contract), &datum, &text);
		assert_view(wr_view(&text), row->json);
		wr_done(&text);
		arena_done(&arena);
		contract_free(contract);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("any value survives writing and reading", any_value_survives_writing_and_reading),
		TEST("cut or changed bytes never do harm", cut_or_changed_bytes_never_do_harm),
		TEST("hostile bytes are refused with a reason", hostile_bytes_are_refused_with_a_reason),
		TEST("blocks with sizes are read", blocks_with_sizes_are_read),
		TEST("values that do not fit are refused by their path",
		     values_that_do_not_fit_are_refused_by_their_path),
		TEST("json shows values as people write them", json_shows_values_as_people_write_them),
	};

	return RUN_TESTS(tests);
}
