/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The Avro reader under any bytes: the first chooses a schema, the rest is the message. What is read is also printed.
 */
#include "fuzz.h"

#include "encode/datum.h"
#include "encode/json.h"
#include "schema/contract.h"

static const char every_type[] =
	"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"b\",\"type\":\"boolean\"},{\"name\":\"i\",\"type\":[\"null\",\"int\"]},"
	"{\"name\":\"l\",\"type\":[\"long\",\"null\"]},{\"name\":\"d\",\"type\":\"double\"},{\"name\":\"s\",\"type\":\"string\"},"
	"{\"name\":\"m\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":38,\"scale\":9}},"
	"{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}},"
	"{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":[\"null\",\"R\"]}},"
	"{\"name\":\"t\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}},"
	"{\"name\":\"y\",\"type\":{\"type\":\"int\",\"logicalType\":\"date\"}},"
	"{\"name\":\"p\",\"type\":{\"type\":\"map\",\"values\":[\"null\",\"float\"]}}]}";
static const char variable_decimal[] =
	"{\"type\":\"record\",\"name\":\"io.debezium.data.VariableScaleDecimal\",\"fields\":[{\"name\":\"scale\",\"type\":\"int\"},"
	"{\"name\":\"value\",\"type\":\"bytes\"}]}";
static const char *const schemas[] = {
	every_type,
	"{\"type\":\"array\",\"items\":\"null\"}",
	variable_decimal,
	"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":100,\"scale\":50}",
};

#define SCHEMAS (sizeof(schemas) / sizeof(schemas[0]))

static const struct avro_type *schema_of(uint8_t number)
{
	static struct contract *contracts[SCHEMAS];
	struct diagnostics diag = {0};

	number %= SCHEMAS;
	if (!contracts[number])
		contracts[number] = contract_parse_text("fuzz", view_of(schemas[number]), &diag);
	return contract_root(contracts[number]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct avro_type *type = schema_of(size ? *data : 0);
	struct view bytes = {(const char *)data + !!size, size - !!size};
	struct writer text = {0};
	struct arena arena;
	struct datum datum;
	struct error err;

	arena_init(&arena);
	if (!avro_read(type, bytes, &arena, &datum, &err))
		datum_json(type, &datum, &text);
	wr_done(&text);
	arena_done(&arena);
	return 0;
}
