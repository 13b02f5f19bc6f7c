/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Records in other formats: values of every kind, the observed range found again, bytes that are no value. */
#include "encode/recode.h"

#include <stdlib.h>

#include "../src/encode/protobuf.h"
#include "encode/datum.h"
#include "encode/protobuf_read.h"
#include "schema/contract.h"
#include "unit/unit.h"

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define MAYBE(name, type) "{\"name\":\"" name "\",\"type\":[\"null\"," type "]}"

/* A schema, a value in Avro, and the same in JSON. */
static const struct {
	const char *schema;
	struct view avro;
	const char *json;
} table[] = {
	{"\"string\"", {"\x0e" "a \"b\" \n", 8}, "\"a \\\"b\\\" \\n\""},
	{"\"null\"", {"", 0}, "null"},
	{"\"boolean\"", {"\x01", 1}, "true"},
	{"\"long\"", {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10}, "-9223372036854775808"},
	{"\"double\"", {"\0\0\0\0\0\0\xf8\x7f", 8}, "\"NaN\""},
	{"\"double\"", {"\x9a\x99\x99\x99\x99\x99\xb9\x3f", 8}, "0.1"},
	{"\"float\"", {"\xcd\xcc\xcc\x3d", 4}, "0.1"},
	{"\"bytes\"", {"\x04\x00\xff", 3}, "\"AP8=\""},
	{"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":5,\"scale\":2}", {"\x04\xfe\x0c", 3},
	 "\"-5.00\""},
	{"{\"type\":\"int\",\"logicalType\":\"date\"}", {"\x02", 1}, "\"1970-01-02\""},
	{"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", {"\x02", 1}, "\"B\""},
	{"{\"type\":\"array\",\"items\":[\"null\",\"int\"]}", {"\x04\x02\x02\x00\x00", 5}, "[1,null]"},
	{"{\"type\":\"array\",\"items\":\"int\"}", {"\x00", 1}, "[]"},
	{"{\"type\":\"map\",\"values\":\"string\"}", {"\x03\x0a\x02x\x02y\x02z\x00\x00", 10},
	 "{\"x\":\"y\",\"z\":\"\"}"},
	{RECORD(FIELD("a", "\"int\"") "," MAYBE("b", "\"int\"") "," MAYBE("c", "\"int\"")), {"\x02\x00\x02\x04", 4},
	 "{\"a\":1,\"b\":null,\"c\":2}"},
	{RECORD(FIELD("v", "{\"type\":\"record\",\"name\":\"io.debezium.data.VariableScaleDecimal\",\"fields\":["
			   "{\"name\":\"scale\",\"type\":\"int\"},{\"name\":\"value\",\"type\":\"bytes\"}]}")),
	 {"\x04\x02\x7b", 3}, "{\"v\":\"1.23\"}"},
};

static struct contract *parse(const char *schema)
{
	struct diagnostics diag = {0};
	struct contract *contract = contract_parse_text("schema", view_of(schema), &diag);

	if (!contract)
		fail_msg("%.*s", VIEW_ARG(wr_view(&diag.text)));
	diag_done(&diag);
	return contract;
}

static void values_of_every_kind_are_written_as_json(void **state)
{
	(void)state;
	FOR_EACH(row, table) {
		struct contract *contract = parse(row->schema);
		struct byte_range range = {0};
		struct writer to = {0};
		struct error err;

		assert_ok(recode(FORMAT_JSON, contract_root(contract), row->avro, &range, &to, &err), &err);
		assert_view(wr_view(&to), row->json);
		assert_int_equal(range.bytes, 0);
		wr_done(&to);
		contract_free(contract);
	}
}

static void what_was_observed_is_found_again(void **state)
{
	static const struct {
		struct byte_range before;
		const char *after;
	} ranges[] = {
		{{0, 0}, ""},
		{{0, 1}, "1"},
		{{1, 2}, "{\"n\":2}"},
		{{2, 1}, "2"},
		{{1, 4}, "{\"n\":2},\"c\":3,\"d\":null"},
		{{3, 2}, "3,\"d\":null"},
	};
	struct contract *contract = parse(RECORD(FIELD("a", "\"int\"") "," MAYBE("b",
										 "{\"type\":\"record\",\"name\":\"N\",\"fields\":["
						 "{\"name\":\"n\",\"type\":\"int\"}]}") "," FIELD("c", "\"int\"") ","
						 MAYBE("d", "\"int\"")));
	struct writer to = {0};
	struct error err;

	(void)state;
	FOR_EACH(row, ranges) {
		struct byte_range range = row->before;

		wr_clear(&to);
		assert_ok(recode(FORMAT_JSON, contract_root(contract), VIEW("\x02\x02\x04\x06\x00"), &range, &to,
				 &err), &err);
		assert_view(wr_view(&to), "{\"a\":1,\"b\":{\"n\":2},\"c\":3,\"d\":null}");
		assert_view(((struct view){to.data + range.at, range.bytes}), row->after);
	}
	wr_done(&to);
	contract_free(contract);
}

static void bytes_that_are_no_value_are_not_written(void **state)
{
	static const struct {
		const char *schema;
		struct view avro;
	} wrong[] = {
		{"\"string\"", {"\x0e", 1}},
		{"\"string\"", {"\x01", 1}},
		{"\"int\"", {"\x02\x02", 2}},
		{"\"int\"", {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11}},
		{"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", {"\x04", 1}},
		{"{\"type\":\"array\",\"items\":\"int\"}", {"\x04\x02", 2}},
	};

	(void)state;
	FOR_EACH(row, wrong) {
		struct contract *contract = parse(row->schema);
		struct byte_range range = {0};
		struct writer to = {0};
		struct error err;

		assert_int_equal(recode(FORMAT_JSON, contract_root(contract), row->avro, &range, &to, &err), -1);
		assert_int_equal(err.class, ERROR_INTERNAL);
		wr_done(&to);
		contract_free(contract);
	}
}

static const struct {
	const char *avro, *json;
} schemas[] = {
	{"\"string\"", "\"type\":\"string\"}"},
	{"\"long\"", "\"type\":\"integer\"}"},
	{"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":5,\"scale\":2}",
	 "\"type\":\"string\",\"title\":\"decimal(5,2)\"}"},
	{"{\"type\":\"int\",\"logicalType\":\"date\"}", "\"type\":\"string\"}"},
	{"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", "\"type\":\"string\",\"enum\":[\"A\",\"B\"]}"},
	{"{\"type\":\"array\",\"items\":[\"null\",\"int\"]}",
	 "\"type\":\"array\",\"items\":{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"integer\"}]}}"},
	{"{\"type\":\"map\",\"values\":\"string\"}", "\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}"},
	{RECORD(FIELD("a", "\"int\"") "," MAYBE("b", "\"boolean\"") "," FIELD("c", "\"double\"")),
	 "\"type\":\"object\",\"title\":\"R\",\"properties\":{\"a\":{\"type\":\"integer\"},"
	 "\"b\":{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"boolean\"}]},\"c\":{\"type\":[\"number\",\"string\"]}},"
	 "\"required\":[\"a\",\"c\"],\"additionalProperties\":false}"},
	{RECORD(MAYBE("b", "\"bytes\"")),
	 "\"type\":\"object\",\"title\":\"R\",\"properties\":{\"b\":{\"oneOf\":[{\"type\":\"null\"},"
	 "{\"type\":\"string\",\"contentEncoding\":\"base64\"}]}},\"additionalProperties\":false}"},
};

static void a_type_has_its_json_schema(void **state)
{
	(void)state;
	FOR_EACH(row, schemas) {
		struct contract *contract = parse(row->avro);
		struct writer to = {0};
		char expected[512];

		snprintf(expected, sizeof(expected), "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",%s", row->json);
		recode_json_schema(contract_root(contract), &to);
		assert_view(wr_view(&to), expected);
		wr_done(&to);
		contract_free(contract);
	}
}

static void values_of_every_kind_are_written_as_connect_has_them(void **state)
{
	static const struct {
		const char *schema;
		struct view avro;
		const char *json;
	} payloads[] = {
		{"\"string\"", {"\x02" "a", 2}, "\"a\""},
		{"\"bytes\"", {"\x04\x00\xff", 3}, "\"AP8=\""},
		{"\"double\"", {"\0\0\0\0\0\0\xf8\x7f", 8}, "\"NaN\""},
		{"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":5,\"scale\":2}", {"\x04\xfe\x0c", 3}, "\"/gw=\""},
		{"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":64,\"scale\":2}", {"\x04\x01\xe2", 3}, "\"AeI=\""},
		{"{\"type\":\"int\",\"logicalType\":\"date\"}", {"\x02", 1}, "1"},
		{"{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", {"\x01", 1}, "-1"},
		{"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", {"\x02", 1}, "\"B\""},
		{"{\"type\":\"array\",\"items\":[\"null\",\"int\"]}", {"\x04\x02\x02\x00\x00", 5}, "[1,null]"},
		{RECORD(FIELD("v", "{\"type\":\"record\",\"name\":\"io.debezium.data.VariableScaleDecimal\",\"fields\":["
				   "{\"name\":\"scale\",\"type\":\"int\"},{\"name\":\"value\",\"type\":\"bytes\"}]}")),
		 {"\x04\x02\x7b", 3}, "{\"v\":{\"scale\":2,\"value\":\"ew==\"}}"},
	};

	(void)state;
	FOR_EACH(row, payloads) {
		struct contract *contract = parse(row->schema);
		struct byte_range range = {0};
		struct writer to = {0};
		struct error err;

		assert_ok(recode(FORMAT_JSON_CONNECT, contract_root(contract), row->avro, &range, &to, &err), &err);
		assert_view(wr_view(&to), row->json);
		wr_done(&to);
		contract_free(contract);
	}
}

/* What contracts have, which Debezium has not. */
static void a_contract_has_a_schema_of_connect(void **state)
{
	static const struct {
		const char *avro, *connect;
	} made[] = {
		{"\"string\"", "{\"type\":\"string\",\"optional\":false}"},
		{"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":5,\"scale\":2}",
		 "{\"type\":\"bytes\",\"optional\":false,\"name\":\"org.apache.kafka.connect.data.Decimal\",\"version\":1,"
		 "\"parameters\":{\"scale\":\"2\",\"connect.decimal.precision\":\"5\"}}"},
		{"{\"type\":\"int\",\"logicalType\":\"date\"}",
		 "{\"type\":\"int32\",\"optional\":false,\"name\":\"io.debezium.time.Date\",\"version\":1}"},
		{"{\"type\":\"enum\",\"name\":\"x.E\",\"symbols\":[\"A\",\"B\"]}",
		 "{\"type\":\"string\",\"optional\":false,\"name\":\"io.debezium.data.Enum\",\"version\":1,\"parameters\":{\"allowed\":\"A,B\"}}"},
		{"{\"type\":\"map\",\"values\":[\"null\",\"string\"]}",
		 "{\"type\":\"map\",\"keys\":{\"type\":\"string\",\"optional\":false},\"values\":{\"type\":\"string\",\"optional\":true},"
		 "\"optional\":false}"},
		{RECORD(FIELD("a", "{\"type\":\"record\",\"name\":\"x.M\",\"fields\":[" FIELD("n", "\"int\"") "]}") ","
			MAYBE("b", "\"x.M\"")),
		 "{\"type\":\"struct\",\"fields\":[{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"optional\":false,\"field\":\"n\"}],"
		 "\"optional\":false,\"name\":\"x.M\",\"field\":\"a\"},"
		 "{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"optional\":false,\"field\":\"n\"}],"
		 "\"optional\":true,\"name\":\"x.M\",\"field\":\"b\"}],\"optional\":false,\"name\":\"R\"}"},
	};

	(void)state;
	FOR_EACH(row, made) {
		struct writer to = {0};
		struct error err;

		assert_ok(recode_connect_schema(view_of(row->avro), &to, &err), &err);
		assert_view(wr_view(&to), row->connect);
		wr_done(&to);
	}
}

/* Written and read back, each is what JSON has. */
static void values_of_every_kind_come_back_from_protocol_buffers(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena);
	FOR_EACH(row, table) {
		struct contract *contract = parse(row->schema);
		struct byte_range range = {0};
		struct writer proto = {0}, message = {0}, json = {0};
		const struct protobuf_file *file;
		struct error err;

		if (recode_protobuf_schema(contract_root(contract), &proto, &err) == 0) {
			assert_ok(recode(FORMAT_PROTOBUF, contract_root(contract), row->avro, &range, &message, &err), &err);
			file = protobuf_parse(wr_view(&proto), &arena);
			assert_non_null(file);
			assert_ok(protobuf_json(file, wr_view(&message), &json, &err), &err);
			assert_view(wr_view(&json), row->json);
		} else {
			assert_true(contract_root(contract)->kind == AVRO_NULL || protobuf_is_list(contract_root(contract)));
		}
		wr_done(&proto);
		wr_done(&message);
		wr_done(&json);
		contract_free(contract);
	}
	arena_done(&arena);
}

static const char lists[] = RECORD(
	FIELD("a", "{\"type\":\"array\",\"items\":\"int\"}") "," MAYBE("b", "{\"type\":\"array\",\"items\":[\"null\",\"int\"]}") ","
	FIELD("c", "{\"type\":\"map\",\"values\":[\"null\",\"string\"]}") ","
	MAYBE("d", "{\"type\":\"record\",\"name\":\"x.N\",\"fields\":[" FIELD("e", "\"string\"") "]}"));

/* These numbers are in registries, and must stay. */
static void a_type_has_its_file_of_protocol_buffers(void **state)
{
	struct contract *contract = parse(lists);
	struct writer to = {0};
	struct error err;

	(void)state;
	assert_ok(recode_protobuf_schema(contract_root(contract), &to, &err), &err);
	wr_u8(&to, 0);
	assert_string_equal(to.data,
		"syntax = \"proto3\";\n"
		"\n"
		"message R {\n"
		"  repeated int32 a = 384639183;\n"
		"  message ItemOf_b {\n"
		"    optional int32 value = 1;\n"
		"  }\n"
		"  message ListOf_b {\n"
		"    repeated ItemOf_b items = 1;\n"
		"  }\n"
		"  ListOf_b b = 286343119;\n"
		"  message ItemOf_c {\n"
		"    optional string value = 1;\n"
		"  }\n"
		"  map<string, ItemOf_c> c = 487399499;\n"
		"  N d = 220801842;\n"
		"}\n"
		"\n"
		"message N {\n"
		"  optional string e = 192268808;\n"
		"}\n");
	wr_done(&to);
	contract_free(contract);
}

static void lists_come_back_from_protocol_buffers(void **state)
{
	static const struct {
		struct view avro;
		const char *json;
	} values[] = {
		{{"\x00\x00\x00\x00", 4}, "{\"a\":[],\"b\":null,\"c\":{},\"d\":null}"},
		{{"\x00\x02\x00\x00\x00", 5}, "{\"a\":[],\"b\":[],\"c\":{},\"d\":null}"},
		{{"\x04\x01\x00\x00\x02\x04\x00\x02\x02\x00\x02\x02x\x00\x00\x02\x02y", 18},
		 "{\"a\":[-1,0],\"b\":[null,1],\"c\":{\"x\":null},\"d\":{\"e\":\"y\"}}"},
	};
	struct contract *contract = parse(lists);
	struct arena arena;
	struct writer proto = {0};
	const struct protobuf_file *file;
	struct error err;

	(void)state;
	arena_init(&arena);
	assert_ok(recode_protobuf_schema(contract_root(contract), &proto, &err), &err);
	file = protobuf_parse(wr_view(&proto), &arena);
	assert_non_null(file);
	FOR_EACH(row, values) {
		struct byte_range range = {0};
		struct writer message = {0}, json = {0};

		assert_ok(recode(FORMAT_PROTOBUF, contract_root(contract), row->avro, &range, &message, &err), &err);
		assert_ok(protobuf_json(file, wr_view(&message), &json, &err), &err);
		assert_view(wr_view(&json), row->json);
		for (size_t len = 1; len < message.len; len++) { /* cut off anywhere it is no message, or a shorter one */
			wr_clear(&json);
			if (protobuf_json(file, (struct view){message.data, len}, &json, &err) < 0)
				assert_int_equal(err.class, ERROR_RECORD);
		}
		wr_done(&message);
		wr_done(&json);
	}
	wr_done(&proto);
	arena_done(&arena);
	contract_free(contract);
}

#define MANY 80000

static int compare_names(const void *a, const void *b)
{
	uint32_t x = protobuf_number(*(char *const *)a), y = protobuf_number(*(char *const *)b);

	return (x > y) - (x < y);
}

static void two_fields_of_one_number_are_refused(void **state)
{
	static char texts[MANY][8];
	static char *names[MANY];
	char schema[300];
	struct writer to = {0};
	struct contract *contract;
	struct error err;
	size_t i = 0;

	(void)state;
	for (size_t k = 0; k < MANY; k++) {
		snprintf(texts[k], sizeof(texts[k]), "c%zu", k);
		names[k] = texts[k];
		assert_in_range(protobuf_number(texts[k]), 16, (1u << 29) - 1);
	}
	qsort(names, MANY, sizeof(names[0]), compare_names);
	while (i + 2 < MANY && protobuf_number(names[i]) != protobuf_number(names[i + 1]))
		i++;
	snprintf(schema, sizeof(schema), "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"%s\",\"type\":\"int\"},"
		 "{\"name\":\"%s\",\"type\":\"int\"}]}", names[i], names[i + 1]);
	contract = parse(schema);
	assert_int_equal(recode_protobuf_schema(contract_root(contract), &to, &err), -1);
	assert_int_equal(err.class, ERROR_INPUT);
	assert_non_null(strstr(err.text, "have the same number"));
	wr_done(&to);
	contract_free(contract);
}

static struct view read_recorded(const char *name, const char *suffix, char *buffer, size_t size)
{
	char path[400];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "%s/tests/golden/debezium/%s.%s", getenv("srcdir") ? getenv("srcdir") : ".", name, suffix);
	file = fopen(path, "r");
	assert_non_null(file);
	len = fread(buffer, 1, size, file);
	fclose(file);
	return (struct view){buffer, len - 1}; /* without its line's end */
}

/* A real Debezium Server 3.6.1 has written both, of the same tables. */
static void recorded_schemas_of_avro_become_those_of_connect(void **state)
{
	static const char *const names[] = {
		"gold.message-key", "gold.message-value", "gold.transaction-key", "gold.transaction-value", "gold.public.compk-key",
		"gold.public.compk-value", "gold.public.compk-value.v2", "gold.public.compk-value.v3", "gold.public.nopk-value",
		"gold.public.toast-key", "gold.public.toast-value", "gold.public.toast_full-value", "gold.public.types-key",
		"gold.public.types-value",
	};
	static char avro[40000], connect[40000];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct view wanted = read_recorded(names[i], "json", connect, sizeof(connect));
		struct writer to = {0};
		struct error err;

		assert_ok(recode_connect_schema(read_recorded(names[i], "avsc", avro, sizeof(avro)), &to, &err), &err);
		connect[wanted.len] = '\0';
		wr_u8(&to, 0);
		assert_string_equal(to.data, connect);
		wr_done(&to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("values of every kind are written as JSON", values_of_every_kind_are_written_as_json),
		TEST("what was observed is found again", what_was_observed_is_found_again),
		TEST("a type has its JSON Schema", a_type_has_its_json_schema),
		TEST("values of every kind are written as Connect has them", values_of_every_kind_are_written_as_connect_has_them),
		TEST("a contract has a schema of Connect", a_contract_has_a_schema_of_connect),
		TEST("values of every kind come back from Protocol Buffers", values_of_every_kind_come_back_from_protocol_buffers),
		TEST("a type has its file of Protocol Buffers", a_type_has_its_file_of_protocol_buffers),
		TEST("lists come back from Protocol Buffers", lists_come_back_from_protocol_buffers),
		TEST("two fields of one number are refused", two_fields_of_one_number_are_refused),
		TEST("recorded schemas of Avro become those of Connect", recorded_schemas_of_avro_become_those_of_connect),
		TEST("bytes that are no value are not written", bytes_that_are_no_value_are_not_written),
	};

	return RUN_TESTS(tests);
}
