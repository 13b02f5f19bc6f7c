/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What JSON of a type looks like, as JSON Schema says it (draft 7). Objects are closed and have what may be null as an
 * optional member, although it is always written: so a registry takes a new column for what it is, a compatible change.
 */
#include "encode/recode.h"

#include "base/json.h"
#include "encode/datum.h"

static void write_type(const struct avro_type *type, unsigned depth, struct writer *to);

static void write_slot(const struct avro_type *type, bool nullable, unsigned depth, struct writer *to)
{
	if (nullable)
		wr_printf(to, "{\"oneOf\":[{\"type\":\"null\"},");
	write_type(type, depth, to);
	if (nullable)
		wr_printf(to, "]}");
}

static void write_required(const struct avro_type *type, struct writer *to)
{
	const char *before = ",\"required\":[";

	for (unsigned i = 0; i < type->field_count; i++) {
		if (type->fields[i].nullable)
			continue;
		wr_printf(to, "%s", before);
		json_text(to, view_of(type->fields[i].name));
		before = ",";
	}
	if (*before == ',' && !before[1])
		wr_u8(to, ']');
}

static void write_record(const struct avro_type *type, unsigned depth, struct writer *to)
{
	wr_printf(to, "{\"type\":\"object\",\"title\":");
	json_text(to, view_of(type->name));
	wr_printf(to, ",\"properties\":{");
	for (unsigned i = 0; i < type->field_count; i++) {
		if (i)
			wr_u8(to, ',');
		json_text(to, view_of(type->fields[i].name));
		wr_u8(to, ':');
		write_slot(type->fields[i].type, type->fields[i].nullable, depth, to);
	}
	wr_u8(to, '}');
	write_required(type, to);
	wr_printf(to, ",\"additionalProperties\":false}");
}

static void write_enum(const struct avro_type *type, struct writer *to)
{
	wr_printf(to, "{\"type\":\"string\",\"enum\":[");
	for (unsigned i = 0; i < type->symbol_count; i++) {
		if (i)
			wr_u8(to, ',');
		json_text(to, view_of(type->symbols[i]));
	}
	wr_printf(to, "]}");
}

/* Numbers that are not finite are words; decimals and times of contracts are texts. */
static const char *const plain_types[] = {
	[AVRO_NULL] = "{\"type\":\"null\"}",
	[AVRO_BOOLEAN] = "{\"type\":\"boolean\"}",
	[AVRO_INT] = "{\"type\":\"integer\"}",
	[AVRO_LONG] = "{\"type\":\"integer\"}",
	[AVRO_FLOAT] = "{\"type\":[\"number\",\"string\"]}",
	[AVRO_DOUBLE] = "{\"type\":[\"number\",\"string\"]}",
	[AVRO_BYTES] = "{\"type\":\"string\",\"contentEncoding\":\"base64\"}",
	[AVRO_STRING] = "{\"type\":\"string\"}",
};

static void write_plain(const struct avro_type *type, struct writer *to)
{
	if (type->logical == AVRO_DECIMAL)
		wr_printf(to, "{\"type\":\"string\",\"title\":\"decimal(%d,%d)\"}", type->precision, type->scale);
	else
		wr_printf(to, "%s", plain_types[type->logical == AVRO_PLAIN ? type->kind : AVRO_STRING]);
}

static void write_type(const struct avro_type *type, unsigned depth, struct writer *to)
{
	if (depth == DATUM_DEPTH_MAX) {
		wr_printf(to, "{}");
	} else if (avro_is_variable_decimal(type)) {
		wr_printf(to, "%s", plain_types[AVRO_STRING]);
	} else if (type->kind == AVRO_RECORD) {
		write_record(type, depth + 1, to);
	} else if (type->kind == AVRO_ENUM) {
		write_enum(type, to);
	} else if (type->kind == AVRO_ARRAY || type->kind == AVRO_MAP) {
		wr_printf(to, type->kind == AVRO_ARRAY ? "{\"type\":\"array\",\"items\":"
						       : "{\"type\":\"object\",\"additionalProperties\":");
		write_slot(type->items, type->items_nullable, depth + 1, to);
		wr_u8(to, '}');
	} else {
		write_plain(type, to);
	}
}

void recode_json_schema(const struct avro_type *type, struct writer *to)
{
	size_t start;

	wr_printf(to, "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",");
	start = to->len;
	write_type(type, 0, to);
	/* The members of the type stand in the same object. */
	memmove(to->data + start, to->data + start + 1, to->len - start - 1);
	to->len--;
}
