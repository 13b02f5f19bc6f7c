/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Look-ups in Avro schemas. */
#include "model/avro.h"

#include <stddef.h>
#include <string.h>

const char *const avro_kind_names[] = {
	[AVRO_NULL] = "null", [AVRO_BOOLEAN] = "boolean", [AVRO_INT] = "int", [AVRO_LONG] = "long",
	[AVRO_FLOAT] = "float", [AVRO_DOUBLE] = "double", [AVRO_BYTES] = "bytes", [AVRO_STRING] = "string",
	[AVRO_ENUM] = "enum", [AVRO_RECORD] = "record", [AVRO_ARRAY] = "array", [AVRO_MAP] = "map",
};

const struct avro_type *avro_primitive(enum avro_kind kind)
{
	static const struct avro_type primitives[] = {
		[AVRO_NULL] = {.kind = AVRO_NULL},     [AVRO_BOOLEAN] = {.kind = AVRO_BOOLEAN},
		[AVRO_INT] = {.kind = AVRO_INT},       [AVRO_LONG] = {.kind = AVRO_LONG},
		[AVRO_FLOAT] = {.kind = AVRO_FLOAT},   [AVRO_DOUBLE] = {.kind = AVRO_DOUBLE},
		[AVRO_BYTES] = {.kind = AVRO_BYTES},   [AVRO_STRING] = {.kind = AVRO_STRING},
	};

	return kind <= AVRO_STRING ? &primitives[kind] : NULL;
}

bool avro_is_variable_decimal(const struct avro_type *type)
{
	return type->field_count == 2 && strcmp(type->name, "io.debezium.data.VariableScaleDecimal") == 0 &&
	       type->fields[0].type->kind == AVRO_INT && !type->fields[0].nullable &&
	       type->fields[1].type->kind == AVRO_BYTES && type->fields[1].type->logical == AVRO_PLAIN && !type->fields[1].nullable;
}

int avro_field_index(const struct avro_type *type, struct view name)
{
	for (unsigned i = 0; i < type->field_count; i++)
		if (view_is(name, type->fields[i].name))
			return (int)i;
	return -1;
}

int avro_symbol_index(const struct avro_type *type, struct view symbol)
{
	for (unsigned i = 0; i < type->symbol_count; i++)
		if (view_is(symbol, type->symbols[i]))
			return (int)i;
	return -1;
}
