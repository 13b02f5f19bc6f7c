/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Plans: topics, names and schemas of change records, as tables of what Debezium 3.6 gives the same columns. */
#include "encode/plan.h"
#include "unit/unit.h"

static const struct encode_options options = {.prefix = "gold", .source_name = "gold", .connector = "postgresql",
					      .database = "golddb", .version = "1.0"};

static bool contains(struct view text, const char *part)
{
	return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

/* Connect's form of a type with a meaning. */
#define MEANS(primitive, name) "{\"type\":\"" primitive "\",\"connect.version\":1,\"connect.name\":\"" name "\"}"

static void columns_have_the_types_that_debezium_gives_them(void **state)
{
	static const struct {
		struct column column;
		const char *type;
	} table[] = {
		{{.name = "c", .type = {TYPE_BOOL, 0, 0}}, "\"boolean\""},
		{{.name = "c", .type = {TYPE_INT16, 0, 0}}, "{\"type\":\"int\",\"connect.type\":\"int16\"}"},
		{{.name = "c", .type = {TYPE_INT32, 0, 0}}, "\"int\""},
		{{.name = "c", .type = {TYPE_INT64, 0, 0}}, "\"long\""},
		{{.name = "c", .type = {TYPE_FLOAT32, 0, 0}}, "\"float\""},
		{{.name = "c", .type = {TYPE_FLOAT64, 0, 0}}, "\"double\""},
		{{.name = "c", .type = {TYPE_DECIMAL, 12, 2}},
		 "{\"type\":\"bytes\",\"connect.version\":1,\"connect.parameters\":{\"scale\":\"2\",\"connect.decimal.precision\":\"12\"},"
		 "\"connect.name\":\"org.apache.kafka.connect.data.Decimal\",\"logicalType\":\"decimal\",\"precision\":12,\"scale\":2}"},
		{{.name = "c", .type = {TYPE_DECIMAL, 3, -2}}, "\"logicalType\":\"decimal\",\"precision\":5,\"scale\":0}"},
		{{.name = "c", .type = {TYPE_DECIMAL, 2, 4}}, "\"logicalType\":\"decimal\",\"precision\":4,\"scale\":4}"},
		{{.name = "c", .type = {TYPE_DECIMAL_VARIABLE, 0, 0}},
		 "{\"type\":\"record\",\"name\":\"VariableScaleDecimal\",\"namespace\":\"io.debezium.data\",\"fields\":[{\"name\":\"scale\","
		 "\"type\":\"int\"},{\"name\":\"value\",\"type\":\"bytes\"}],\"connect.doc\":\"Variable scaled decimal\",\"connect.version\":1,"
		 "\"connect.name\":\"io.debezium.data.VariableScaleDecimal\"}"},
		{{.name = "c", .type = {TYPE_TEXT, 0, 0}}, "\"string\""},
		{{.name = "c", .type = {TYPE_BYTES, 0, 0}}, "\"bytes\""},
		{{.name = "c", .type = {TYPE_UUID, 0, 0}}, MEANS("string", "io.debezium.data.Uuid")},
		{{.name = "c", .type = {TYPE_JSON, 0, 0}}, MEANS("string", "io.debezium.data.Json")},
		{{.name = "c", .type = {TYPE_ENUM, 0, 0}, .labels = "sad,ok,happy"},
		 "{\"type\":\"string\",\"connect.version\":1,\"connect.parameters\":{\"allowed\":\"sad,ok,happy\"},\"connect.name\":"
		 "\"io.debezium.data.Enum\"}"},
		{{.name = "c", .type = {TYPE_ENUM, 0, 0}}, MEANS("string", "io.debezium.data.Enum")},
		{{.name = "c", .type = {TYPE_DATE, 0, 0}}, MEANS("int", "io.debezium.time.Date")},
		{{.name = "c", .type = {TYPE_TIME, 0, 6}}, MEANS("long", "io.debezium.time.MicroTime")},
		{{.name = "c", .type = {TYPE_TIME, 0, 3}}, MEANS("int", "io.debezium.time.Time")},
		{{.name = "c", .type = {TYPE_TIMESTAMP, 0, 6}}, MEANS("long", "io.debezium.time.MicroTimestamp")},
		{{.name = "c", .type = {TYPE_TIMESTAMP, 0, 3}}, MEANS("long", "io.debezium.time.Timestamp")},
		{{.name = "c", .type = {TYPE_TIMESTAMP, 0, 0}}, MEANS("long", "io.debezium.time.Timestamp")},
		{{.name = "c", .type = {TYPE_TIMESTAMP_ZONED, 0, 3}}, MEANS("string", "io.debezium.time.ZonedTimestamp")},
		{{.name = "c", .type = {TYPE_INTERVAL, 0, 0}}, MEANS("long", "io.debezium.time.MicroDuration")},
		{{.name = "c", .type = {TYPE_DECIMAL, 0, 2}},
		 "{\"type\":\"bytes\",\"connect.version\":1,\"connect.parameters\":{\"scale\":\"2\"},"
		 "\"connect.name\":\"org.apache.kafka.connect.data.Decimal\",\"logicalType\":\"decimal\",\"precision\":64,\"scale\":2}"},
		{{.name = "c", .type = {TYPE_TIME_ZONED, 0, 6}}, MEANS("string", "io.debezium.time.ZonedTime")},
		{{.name = "c", .type = {TYPE_ARRAY, 0, 0}, .element = {TYPE_INT32, 0, 0}}, "{\"type\":\"array\",\"items\":[\"null\",\"int\"]}"},
		{{.name = "c", .type = {TYPE_ARRAY, 0, 0}, .element = {TYPE_DECIMAL, 8, 2}},
		 "{\"type\":\"array\",\"items\":[\"null\",{\"type\":\"bytes\",\"connect.version\":1,\"connect.parameters\":{\"scale\":\"2\","
		 "\"connect.decimal.precision\":\"8\"},\"connect.name\":\"org.apache.kafka.connect.data.Decimal\",\"logicalType\":"
		 "\"decimal\",\"precision\":8,\"scale\":2}]}"},
		{{.name = "c", .type = {TYPE_ARRAY, 0, 0}, .element = {TYPE_TIMESTAMP, 0, 6}},
		 "{\"type\":\"array\",\"items\":[\"null\"," MEANS("long", "io.debezium.time.MicroTimestamp") "]}"},
		{{.name = "c", .type = {TYPE_ARRAY, 0, 0}, .element = {TYPE_ENUM, 0, 0}, .labels = "sad,ok"},
		 "{\"type\":\"array\",\"items\":[\"null\",{\"type\":\"string\",\"connect.version\":1,\"connect.parameters\":{\"allowed\":"
		 "\"sad,ok\"},\"connect.name\":\"io.debezium.data.Enum\"}]}"},
		{{.name = "c", .type = {TYPE_XML, 0, 0}}, MEANS("string", "io.debezium.data.Xml")},
		{{.name = "c", .type = {TYPE_LTREE, 0, 0}}, MEANS("string", "io.debezium.data.Ltree")},
		{{.name = "c", .type = {TYPE_TSVECTOR, 0, 0}}, MEANS("string", "io.debezium.data.Tsvector")},
		{{.name = "c", .type = {TYPE_BITS, 64, 0}},
		 "{\"type\":\"bytes\",\"connect.version\":1,\"connect.parameters\":{\"length\":\"64\"},\"connect.name\":"
		 "\"io.debezium.data.Bits\"}"},
		{{.name = "c", .type = {TYPE_BITS, 0, 0}}, MEANS("bytes", "io.debezium.data.Bits")},
		{{.name = "c", .type = {TYPE_POINT, 0, 0}},
		 "{\"type\":\"record\",\"name\":\"Point\",\"namespace\":\"io.debezium.data.geometry\",\"fields\":[{\"name\":\"x\",\"type\":"
		 "\"double\"},{\"name\":\"y\",\"type\":\"double\"},{\"name\":\"wkb\",\"type\":[\"null\",\"bytes\"],\"default\":null},{\"name\":"
		 "\"srid\",\"type\":[\"null\",\"int\"],\"default\":null}],\"connect.doc\":\"Geometry (POINT)\",\"connect.version\":1,"
		 "\"connect.name\":\"io.debezium.data.geometry.Point\"}"},
		{{.name = "c", .type = {TYPE_OTHER, 0, 0}, .source_type = "some type(8)"},
		 "{\"type\":\"string\",\"connect.parameters\":{\"__debezium.source.column.type\":\"SOME TYPE\"}}"},
	};

	(void)state;
	FOR_EACH(row, table) {
		struct column column = row->column;
		unsigned key[] = {0};
		struct table shape = {.schema = "public", .name = "t", .columns = &column, .column_count = 1, .key = key, .key_count = 1};
		struct encoder *enc = encoder_new(&options);
		struct encode_plan *plan = encode_plan_new(enc, &shape, &(struct error){0});

		assert_non_null(plan);
		if (!contains(plan->value.text, row->type) || !contains(plan->key.text, row->type))
			fail_msg("%s\nis not in\n%.*s", row->type, VIEW_ARG(plan->value.text));
		encode_plan_free(plan);
		encoder_free(enc);
	}
}

/* Recorded from Debezium with decimal.handling.mode, time.precision.mode and binary.handling.mode. */
static void columns_have_the_types_that_debeziums_modes_give_them(void **state)
{
	static const struct value_forms text = {.decimal = DECIMALS_STRING}, real = {.decimal = DECIMALS_DOUBLE},
					micros = {.time = TIMES_MICROS}, connect = {.time = TIMES_CONNECT},
					base64 = {.binary = BINARY_BASE64}, hex = {.binary = BINARY_HEX};
	static const struct {
		struct type type;
		const struct value_forms *forms;
		const char *schema;
	} table[] = {
		{{TYPE_DECIMAL, 12, 2}, &text, "\"string\""}, {{TYPE_DECIMAL, 12, 2}, &real, "\"double\""},
		{{TYPE_DECIMAL_VARIABLE, 0, 0}, &text, "\"string\""}, {{TYPE_DECIMAL_VARIABLE, 0, 0}, &real, "\"double\""},
		{{TYPE_TIME, 0, 3}, &micros, MEANS("long", "io.debezium.time.MicroTime")},
		{{TYPE_TIME, 0, 6}, &micros, MEANS("long", "io.debezium.time.MicroTime")},
		{{TYPE_TIMESTAMP, 0, 3}, &micros, MEANS("long", "io.debezium.time.Timestamp")},
		{{TYPE_TIMESTAMP, 0, 6}, &micros, MEANS("long", "io.debezium.time.MicroTimestamp")},
		{{TYPE_DATE, 0, 0}, &micros, MEANS("int", "io.debezium.time.Date")},
		{{TYPE_DATE, 0, 0}, &connect,
		 "{\"type\":\"int\",\"connect.version\":1,\"connect.name\":\"org.apache.kafka.connect.data.Date\",\"logicalType\":\"date\"}"},
		{{TYPE_TIME, 0, 6}, &connect,
		 "{\"type\":\"int\",\"connect.version\":1,\"connect.name\":\"org.apache.kafka.connect.data.Time\",\"logicalType\":"
		 "\"time-millis\"}"},
		{{TYPE_TIMESTAMP, 0, 3}, &connect,
		 "{\"type\":\"long\",\"connect.version\":1,\"connect.name\":\"org.apache.kafka.connect.data.Timestamp\",\"logicalType\":"
		 "\"timestamp-millis\"}"},
		{{TYPE_TIMESTAMP_ZONED, 0, 6}, &connect, MEANS("string", "io.debezium.time.ZonedTimestamp")},
		{{TYPE_INTERVAL, 0, 0}, &connect, MEANS("long", "io.debezium.time.MicroDuration")},
		{{TYPE_BYTES, 0, 0}, &base64, "\"string\""}, {{TYPE_BYTES, 0, 0}, &hex, "\"string\""},
	};

	(void)state;
	FOR_EACH(row, table) {
		struct column column = {.name = "c", .type = row->type, .source_type = "some type"};
		struct table shape = {.schema = "public", .name = "t", .columns = &column, .column_count = 1};
		struct encode_options chosen = options;
		struct encoder *enc;
		struct encode_plan *plan;
		char field[400];

		chosen.forms = *row->forms;
		enc = encoder_new(&chosen);
		plan = encode_plan_new(enc, &shape, &(struct error){0});
		assert_non_null(plan);
		snprintf(field, sizeof(field), "{\"name\":\"c\",\"type\":[\"null\",%s],\"default\":null}", row->schema);
		if (!contains(plan->value.text, field))
			fail_msg("%s\nis not in\n%.*s", field, VIEW_ARG(plan->value.text));
		encode_plan_free(plan);
		encoder_free(enc);
	}
}

static void names_are_adjusted_as_in_debeziums_avro_mode(void **state)
{
	static const char *const names[][2] = {
		{"id", "id"}, {"col with space", "col_with_space"}, {"CamelCol", "CamelCol"}, {"dash-col", "dash_col"},
		{"1digit", "_1digit"}, {"\xc3\xbcn\xc3\xaf", "_n_"}, {"\xf0\x9f\x98\x80", "__"}, {"a.b", "a_b"},
	};
	struct column columns[COUNT_OF(names)];
	struct table shape = {.schema = "public", .name = "Weird-Name", .columns = columns, .column_count = COUNT_OF(names)};
	struct encoder *enc = encoder_new(&options);
	struct encode_plan *plan;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		columns[i] = (struct column){.name = names[i][0], .type = {TYPE_TEXT, 0, 0}, .source_type = "text"};
	plan = encode_plan_new(enc, &shape, &(struct error){0});
	assert_non_null(plan);
	assert_string_equal(plan->topic_name, "gold.change.public.Weird-Name");
	assert_true(contains(plan->value.text, "\"connect.name\":\"gold.change.public.Weird_Name.Envelope\""));
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char part[64];

		snprintf(part, sizeof(part), "{\"name\":\"%s\",\"type\":[\"null\",\"string\"],\"default\":null}", names[i][1]);
		assert_true(contains(plan->value.text, part));
	}
	assert_null(plan->key.text.ptr);
	encode_plan_free(plan);
	encoder_free(enc);
}

static struct encode_plan *plan_of(struct encoder *enc, const char *name, const char *one, const char *two,
				   struct error *err)
{
	static struct column columns[2];
	static struct table tables[2];
	static unsigned used;
	struct table *shape = &tables[used++ % 2];

	columns[0] = (struct column){.name = one, .type = {TYPE_INT32, 0, 0}, .source_type = "integer"};
	columns[1] = (struct column){.name = two, .type = {TYPE_INT32, 0, 0}, .source_type = "integer"};
	*shape = (struct table){.source_id = used, .schema = "public", .name = name, .columns = columns, .column_count = 2};
	return encode_plan_new(enc, shape, err);
}

static void two_columns_with_one_name_are_refused(void **state)
{
	struct encoder *enc = encoder_new(&options);
	struct error err;

	(void)state;
	assert_null(plan_of(enc, "t", "a b", "a-b", &err));
	assert_int_equal(err.class, ERROR_INPUT);
	assert_string_equal(err.text, "the columns 'a b' and 'a-b' of table public.t would both be the field 'a_b'");
	encoder_free(enc);
}

static void two_tables_with_one_topic_are_refused(void **state)
{
	struct encoder *enc = encoder_new(&options);
	struct encode_plan *plan;
	struct error err;

	(void)state;
	plan = plan_of(enc, "a b", "x", "y", &err);
	assert_non_null(plan);
	assert_null(plan_of(enc, "a_b", "x", "y", &err));
	assert_string_equal(err.text,
		"the tables public.a b and public.a_b would both be published to the topic 'gold.change.public.a_b'");
	encode_plan_free(plan);
	encoder_free(enc);
}

static void a_table_made_anew_keeps_its_topic(void **state)
{
	struct encoder *enc = encoder_new(&options);
	struct encode_plan *first, *second;
	struct error err;

	(void)state;
	first = plan_of(enc, "t", "x", "y", &err);
	second = plan_of(enc, "t", "x", "z", &err);
	assert_non_null(second);
	assert_string_equal(first->topic_name, second->topic_name);
	assert_true(first->value.fingerprint != second->value.fingerprint);
	encode_plan_free(first);
	encode_plan_free(second);
	encoder_free(enc);
}

static bool not_secret(const void *arg, const struct table *table, const struct column *column)
{
	(void)table;
	return strcmp(column->name, arg) != 0;
}

static void excluded_columns_are_not_in_the_schema_but_keys_must_be(void **state)
{
	struct encode_options some = options;
	unsigned key[] = {0};
	struct column columns[] = {{.name = "id", .type = {TYPE_INT32, 0, 0}, .source_type = "integer"},
				   {.name = "salary", .type = {TYPE_INT32, 0, 0}, .source_type = "integer"}};
	struct table shape = {.schema = "public", .name = "t", .columns = columns, .column_count = 2, .key = key, .key_count = 1};
	struct encoder *enc;
	struct encode_plan *plan;
	struct error err;

	(void)state;
	some.wanted = not_secret;
	some.wanted_arg = "salary";
	enc = encoder_new(&some);
	plan = encode_plan_new(enc, &shape, &err);
	assert_non_null(plan);
	assert_false(contains(plan->value.text, "salary"));
	encode_plan_free(plan);
	encoder_free(enc);
	some.wanted_arg = "id";
	enc = encoder_new(&some);
	assert_null(encode_plan_new(enc, &shape, &err));
	assert_string_equal(err.text, "column 'id' of table public.t is excluded, but belongs to its key");
	encoder_free(enc);
}

static void an_identity_index_beside_the_primary_key_is_the_key(void **state)
{
	unsigned key[] = {0};
	struct column columns[] = {{.name = "id", .type = {TYPE_INT32, 0, 0}, .source_type = "integer"},
				   {.name = "code", .type = {TYPE_TEXT, 0, 0}, .source_type = "text", .identity = true}};
	struct table shape = {.schema = "public", .name = "t", .columns = columns, .column_count = 2, .identity = IDENTITY_INDEX,
			      .key = key, .key_count = 1};
	struct encoder *enc = encoder_new(&options);
	struct encode_plan *plan = encode_plan_new(enc, &shape, &(struct error){0});

	(void)state;
	assert_true(contains(plan->key.text, "\"fields\":[{\"name\":\"code\",\"type\":\"string\"}]"));
	encode_plan_free(plan);
	shape.identity = IDENTITY_FULL;
	plan = encode_plan_new(enc, &shape, &(struct error){0});
	assert_true(contains(plan->key.text, "\"fields\":[{\"name\":\"id\",\"type\":\"int\"}]"));
	encode_plan_free(plan);
	encoder_free(enc);
}

static void schemas_of_equal_fingerprints_can_be_told_apart(void **state)
{
	unsigned key[] = {0};
	struct column columns[] = {{.name = "id", .type = {TYPE_INT32, 0, 0}, .source_type = "integer"},
				   {.name = "net", .type = {TYPE_DECIMAL, 8, 2}, .source_type = "numeric(8,2)"}};
	struct table shape = {.schema = "public", .name = "t", .columns = columns, .column_count = 2, .key = key, .key_count = 1};
	struct encoder *enc = encoder_new(&options);
	struct encode_plan *before = encode_plan_new(enc, &shape, &(struct error){0}), *after;
	uint64_t key_print;

	(void)state;
	columns[1].type.scale = 4;
	after = encode_plan_new(enc, &shape, &(struct error){0});
	key_print = after->key.fingerprint;
	assert_int_equal(before->value.fingerprint, after->value.fingerprint);
	assert_int_equal(encode_plan_distinguish(enc, after, false, &(struct error){0}), 0);
	assert_int_not_equal(before->value.fingerprint, after->value.fingerprint);
	assert_memory_equal(&after->value.frame, &(struct frame[]){frame_single_object(after->value.fingerprint)}, sizeof(struct frame));
	assert_true(contains(after->value.text, "\"namespace\":\"gold.change.public.t.v"));
	assert_int_equal(after->key.fingerprint, key_print);
	encode_plan_free(before);
	encode_plan_free(after);
	encoder_free(enc);
}

/* The fields of the value and their order, as the golden files have them. */
static void the_envelope_has_debeziums_fields_in_order(void **state)
{
	static const char *const order[] = {
		"\"name\":\"Envelope\",\"namespace\":\"gold.change.public.t\"", "\"name\":\"before\"", "\"name\":\"Value\"", "\"name\":\"after\"",
		"\"name\":\"source\"", "\"name\":\"Source\",\"namespace\":\"io.debezium.connector.postgresql\"", "\"name\":\"version\"",
		"\"name\":\"connector\"", "\"name\":\"name\"", "\"name\":\"ts_ms\"", "\"name\":\"snapshot\"", "\"name\":\"db\"",
		"\"name\":\"sequence\"", "\"name\":\"ts_us\"", "\"name\":\"ts_ns\"", "\"name\":\"schema\"", "\"name\":\"table\"", "\"name\":\"txId\"",
		"\"name\":\"lsn\"", "\"name\":\"xmin\"", "\"name\":\"origin\"", "\"name\":\"origin_lsn\"", "\"name\":\"transaction\"",
		"\"name\":\"block\",\"namespace\":\"event\"", "\"name\":\"id\"", "\"name\":\"total_order\"", "\"name\":\"data_collection_order\"",
		"\"name\":\"op\"", "\"name\":\"ts_ms\"", "\"name\":\"ts_us\"", "\"name\":\"ts_ns\"", "\"connect.version\":2",
	};
	struct encoder *enc = encoder_new(&options);
	struct encode_plan *plan = plan_of(enc, "t", "x", "y", &(struct error){0});
	const char *pos = plan->value.text.ptr;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(order); i++) {
		const char *found = strstr(pos, order[i]);

		if (!found)
			fail_msg("%s is missing behind %.100s", order[i], pos);
		pos = found + 1;
	}
	encode_plan_free(plan);
	encoder_free(enc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("columns have the types that Debezium gives them",
		     columns_have_the_types_that_debezium_gives_them),
		TEST("columns have the types that Debezium's modes give them",
		     columns_have_the_types_that_debeziums_modes_give_them),
		TEST("names are adjusted as in Debezium's avro mode", names_are_adjusted_as_in_debeziums_avro_mode),
		TEST("two columns with one name are refused", two_columns_with_one_name_are_refused),
		TEST("two tables with one topic are refused", two_tables_with_one_topic_are_refused),
		TEST("a table made anew keeps its topic", a_table_made_anew_keeps_its_topic),
		TEST("excluded columns are not in the schema, but keys must be",
		     excluded_columns_are_not_in_the_schema_but_keys_must_be),
		TEST("schemas of equal fingerprints can be told apart by name", schemas_of_equal_fingerprints_can_be_told_apart),
		TEST("an identity index beside the primary key is the key",
		     an_identity_index_beside_the_primary_key_is_the_key),
		TEST("the envelope has Debezium's fields in order", the_envelope_has_debeziums_fields_in_order),
	};

	return RUN_TESTS(tests);
}
