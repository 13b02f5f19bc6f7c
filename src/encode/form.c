/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The table of forms. Of the rows for a kind the first counts whose conditions are met. */
#include "form.h"

#include <string.h>

#include "avro_bytes.h"
#include "decimal_bytes.h"
#include "field_put.h"

/* Conditions; a row without any is for all the rest of its kind. */
enum {
	IF_STRING = 1,        /* decimals */
	IF_DOUBLE = 2,
	IF_MILLISECONDS = 4,  /* times of up to three fraction digits, where that counts */
	IF_CONNECT = 8,
	IF_BASE64 = 16,
	IF_HEX = 32,
};

#define DEBEZIUM(name) "io.debezium." name
#define CONNECT(name) "org.apache.kafka.connect.data." name
#define NUMBER(type, put, bytes) {type, NULL, NULL, NULL, SCHEMA_NAMES, put, bytes, 0, {NULL, 0}}
#define MEANS(type, name, put, bytes) {type, NULL, name, NULL, SCHEMA_NAMES, put, bytes, 0, {NULL, 0}}
#define LOGICAL(type, name, logical, put) {type, NULL, name, logical, SCHEMA_NAMES, put, LONG_BYTES, 0, {NULL, 0}}
#define TEXT(type, name, schema, put) {type, NULL, name, NULL, schema, put, LONG_BYTES, 1, VIEW_OF(PLACEHOLDER)}
#define VIEW_OF(text) {text, sizeof(text) - 1}
#define PLACEHOLDER_BASE64 "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="
#define PLACEHOLDER_HEX "5f5f646562657a69756d5f756e617661696c61626c655f76616c7565"

static const struct {
	enum type_kind kind;
	unsigned conditions;
	struct form form;
} forms_table[] = {
	{TYPE_BOOL, 0, NUMBER("boolean", put_boolean, 1)},
	{TYPE_INT16, 0, {"int", "int16", NULL, NULL, SCHEMA_NAMES, put_integer, LONG_BYTES, 0, {NULL, 0}}},
	{TYPE_INT32, 0, NUMBER("int", put_integer, LONG_BYTES)},
	{TYPE_INT64, 0, NUMBER("long", put_integer, LONG_BYTES)},
	{TYPE_FLOAT32, 0, NUMBER("float", put_float32, FLOAT_BYTES)},
	{TYPE_FLOAT64, 0, NUMBER("double", put_float64, DOUBLE_BYTES)},

	{TYPE_DECIMAL, IF_STRING, {"string", NULL, NULL, NULL, SCHEMA_NAMES, put_decimal_words, LONG_BYTES + 16, 1, {NULL, 0}}},
	{TYPE_DECIMAL, IF_DOUBLE, NUMBER("double", put_decimal_double, DOUBLE_BYTES)},
	{TYPE_DECIMAL, 0, {"bytes", NULL, CONNECT("Decimal"), "decimal", SCHEMA_DECIMAL, put_decimal, DECIMAL128_BYTES, 1, {NULL, 0}}},
	{TYPE_DECIMAL_VARIABLE, IF_STRING,
	 {"string", NULL, NULL, NULL, SCHEMA_NAMES, put_decimal_words, LONG_BYTES + 16, 1, {NULL, 0}}},
	{TYPE_DECIMAL_VARIABLE, IF_DOUBLE, NUMBER("double", put_decimal_double, DOUBLE_BYTES)},
	{TYPE_DECIMAL_VARIABLE, 0,
	 {"record", NULL, DEBEZIUM("data.VariableScaleDecimal"), NULL, SCHEMA_VARIABLE_DECIMAL, put_decimal_variable,
	  LONG_BYTES + DECIMAL128_BYTES, 1, {NULL, 0}}},

	{TYPE_TEXT, 0, TEXT("string", NULL, SCHEMA_NAMES, put_text)},
	{TYPE_BYTES, IF_BASE64,
	 {"string", NULL, NULL, NULL, SCHEMA_NAMES, put_base64, LONG_BYTES + 4, 2, VIEW_OF(PLACEHOLDER_BASE64)}},
	{TYPE_BYTES, IF_HEX, {"string", NULL, NULL, NULL, SCHEMA_NAMES, put_hex, LONG_BYTES, 2, VIEW_OF(PLACEHOLDER_HEX)}},
	{TYPE_BYTES, 0, TEXT("bytes", NULL, SCHEMA_NAMES, put_text)},
	{TYPE_UUID, 0, TEXT("string", DEBEZIUM("data.Uuid"), SCHEMA_NAMES, put_text)},
	{TYPE_JSON, 0, TEXT("string", DEBEZIUM("data.Json"), SCHEMA_NAMES, put_text)},
	{TYPE_ENUM, 0, TEXT("string", DEBEZIUM("data.Enum"), SCHEMA_ENUM, put_text)},
	{TYPE_XML, 0, TEXT("string", DEBEZIUM("data.Xml"), SCHEMA_NAMES, put_text)},
	{TYPE_LTREE, 0, TEXT("string", DEBEZIUM("data.Ltree"), SCHEMA_NAMES, put_text)},
	{TYPE_TSVECTOR, 0, TEXT("string", DEBEZIUM("data.Tsvector"), SCHEMA_NAMES, put_text)},
	{TYPE_BITS, 0, TEXT("bytes", DEBEZIUM("data.Bits"), SCHEMA_BITS, put_bits)},
	{TYPE_POINT, 0, {"record", NULL, DEBEZIUM("data.geometry.Point"), NULL, SCHEMA_POINT, put_point, POINT_BYTES, 0, {NULL, 0}}},
	{TYPE_ARRAY, 0, {"array", NULL, NULL, NULL, SCHEMA_ARRAY, put_array, 2 * LONG_BYTES, 1, {NULL, 0}}},
	{TYPE_OTHER, 0, TEXT("string", NULL, SCHEMA_SOURCE_TYPE, put_text)},

	{TYPE_DATE, IF_CONNECT, LOGICAL("int", CONNECT("Date"), "date", put_date)},
	{TYPE_DATE, 0, MEANS("int", DEBEZIUM("time.Date"), put_date, LONG_BYTES)},
	{TYPE_TIME, IF_CONNECT, LOGICAL("int", CONNECT("Time"), "time-millis", put_milliseconds)},
	{TYPE_TIME, IF_MILLISECONDS, MEANS("int", DEBEZIUM("time.Time"), put_milliseconds, LONG_BYTES)},
	{TYPE_TIME, 0, MEANS("long", DEBEZIUM("time.MicroTime"), put_integer, LONG_BYTES)},
	{TYPE_TIME_ZONED, 0, MEANS("string", DEBEZIUM("time.ZonedTime"), put_time_zoned, ZONED_BYTES)},
	{TYPE_TIMESTAMP, IF_CONNECT, LOGICAL("long", CONNECT("Timestamp"), "timestamp-millis", put_milliseconds)},
	{TYPE_TIMESTAMP, IF_MILLISECONDS, MEANS("long", DEBEZIUM("time.Timestamp"), put_milliseconds, LONG_BYTES)},
	{TYPE_TIMESTAMP, 0, MEANS("long", DEBEZIUM("time.MicroTimestamp"), put_microseconds, LONG_BYTES)},
	{TYPE_TIMESTAMP_ZONED, 0, MEANS("string", DEBEZIUM("time.ZonedTimestamp"), put_zoned, ZONED_BYTES)},
	{TYPE_INTERVAL, 0, MEANS("long", DEBEZIUM("time.MicroDuration"), put_microseconds, LONG_BYTES)},
};

static bool in_milliseconds(struct type type, enum time_form form)
{
	return type.scale <= 3 && (type.kind == TYPE_TIMESTAMP || form == TIMES_ADAPTIVE);
}

static unsigned conditions_of(struct type type, const struct value_forms *forms)
{
	return (forms->decimal == DECIMALS_STRING ? IF_STRING : 0) | (forms->decimal == DECIMALS_DOUBLE ? IF_DOUBLE : 0) |
	       (in_milliseconds(type, forms->time) ? IF_MILLISECONDS : 0) |
	       (forms->time == TIMES_CONNECT ? IF_CONNECT : 0) | (forms->binary == BINARY_BASE64 ? IF_BASE64 : 0) |
	       (forms->binary == BINARY_HEX ? IF_HEX : 0);
}

const struct form *form_of(struct type type, const struct value_forms *forms)
{
	unsigned met = conditions_of(type, forms);
	size_t i = 0;

	while (forms_table[i].kind != type.kind || (forms_table[i].conditions & ~met))
		i++; /* every kind has a row without conditions */
	return &forms_table[i].form;
}

void values_describe(const struct column *column, const struct value_forms *forms, struct writer *to)
{
	const struct form *form = form_of(column->type, forms);

	wr_printf(to, "%s", form->avro);
	if (form->connect)
		wr_printf(to, ", %s", form->connect);
	if (form->meaning)
		wr_printf(to, ", %s", form->meaning);
	if (form->logical)
		wr_printf(to, ", logical type %s", form->logical);
}
