/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * JSON as Kafka Connect's JsonConverter has it: every record brings its schema, {"schema": ..., "payload": ...}. The
 * schema is made of the Avro schema's text, whose connect.* attributes tell what Connect's types were; what contracts
 * have of Avro alone gets the semantic type that Debezium has for it. A named type is written out wherever it stands, as
 * Connect knows no references. Of values, decimals differ from our other JSON: they are the bytes of the unscaled number.
 */
#include "encode/recode.h"

#include <stdio.h>
#include <string.h>

#include "base/diagnostics.h"
#include "base/json.h"
#include "base/map.h"
#include "base/yaml.h"
#include "base64.h"
#include "codec.h"
#include "decimal_bytes.h"
#include "encode/datum.h"
#include "encode/json.h"

/* Values --------------------------------------------------------------------------------------- */

static void put_base64(struct writer *to, struct view bytes)
{
	wr_u8(to, '"');
	wr_reserve(to, base64_bytes(bytes.len));
	to->len = (size_t)(base64_put(to->data + to->len, bytes) - to->data);
	wr_u8(to, '"');
}

static void put_decimal(struct writer *to, const struct avro_type *type, const struct datum *datum)
{
	char bytes[DECIMAL128_BYTES];
	char *end;

	if (avro_is_decimal(type)) {
		end = put_decimal128(bytes, datum->decimal);
		put_base64(to, (struct view){bytes + 1, (size_t)(end - bytes - 1)}); /* without the length */
	} else {
		put_base64(to, datum->text);
	}
}

static void put_scalar(struct codec_state *state, const struct avro_type *type, const struct datum *datum, struct writer *to)
{
	(void)state;
	if (datum->set && avro_is_variable_decimal(type)) {
		wr_printf(to, "{\"scale\":%lld,\"value\":", (long long)datum->items[0].integer);
		put_base64(to, datum->items[1].text);
		wr_u8(to, '}');
	} else if (datum->set && type->logical == AVRO_DECIMAL) {
		put_decimal(to, type, datum);
	} else if (datum->set && (type->kind == AVRO_INT || type->kind == AVRO_LONG)) {
		wr_printf(to, "%lld", (long long)datum->integer);
	} else {
		datum_json(type, datum, to);
	}
}

const struct codec connect_codec = {
	.scalar = put_scalar, .begin = json_begin_parts, .part = json_begin_part, .end = json_end_parts,
};

/* Schemas -------------------------------------------------------------------------------------- */

struct making {
	struct map named; /* full name, and name alone -> node */
	struct arena arena;
	struct writer *to;
	unsigned depth;
};

static const char *text_of(const struct yaml_node *node, const char *key)
{
	const struct yaml_node *found = yaml_get(node, key);

	return found && found->kind == YAML_SCALAR ? found->text.ptr : NULL;
}

static bool is_text(const struct yaml_node *node, const char *text)
{
	return node->kind == YAML_SCALAR && strcmp(node->text.ptr, text) == 0;
}

static void put_member(struct writer *to, const char *name, const char *text)
{
	wr_printf(to, ",\"%s\":", name);
	json_text(to, view_of(text));
}

/* Avro's type, Connect's, and for what has a logical type without Connect's name of it, that name. */
static const struct {
	const char *avro, *logical, *connect, *name;
} types[] = {
	{"int", "date", "int32", "io.debezium.time.Date"},
	{"long", "timestamp-micros", "int64", "io.debezium.time.MicroTimestamp"},
	{"bytes", "decimal", "bytes", "org.apache.kafka.connect.data.Decimal"},
	{"boolean", NULL, "boolean", NULL},
	{"int", NULL, "int32", NULL},
	{"long", NULL, "int64", NULL},
	{"float", NULL, "float", NULL},
	{"double", NULL, "double", NULL},
	{"bytes", NULL, "bytes", NULL},
	{"string", NULL, "string", NULL},
	{"enum", NULL, "string", "io.debezium.data.Enum"},
	{"array", NULL, "array", NULL},
	{"map", NULL, "map", NULL},
	{"record", NULL, "struct", NULL},
};

#define TYPES (sizeof(types) / sizeof(types[0]))

static size_t find_type(const char *avro, const char *logical)
{
	size_t i = 0;

	while (i < TYPES - 1 && (strcmp(types[i].avro, avro) != 0 ||
				 (types[i].logical && (!logical || strcmp(types[i].logical, logical) != 0))))
		i++;
	return i;
}

static void write_slot(struct making *making, const struct yaml_node *type, const char *field);

static void write_fields(struct making *making, const struct yaml_node *record)
{
	const struct yaml_node *fields = yaml_get(record, "fields");

	wr_printf(making->to, ",\"fields\":[");
	for (const struct yaml_node *field = fields ? fields->first : NULL; field; field = field->next) {
		if (field != fields->first)
			wr_u8(making->to, ',');
		write_slot(making, yaml_get(field, "type"), text_of(field, "name"));
	}
	wr_u8(making->to, ']');
}

static void write_inside(struct making *making, const struct yaml_node *type, const char *avro)
{
	if (strcmp(avro, "record") == 0) {
		write_fields(making, type);
	} else if (strcmp(avro, "array") == 0) {
		wr_printf(making->to, ",\"items\":");
		write_slot(making, yaml_get(type, "items"), NULL);
	} else if (strcmp(avro, "map") == 0) {
		wr_printf(making->to, ",\"keys\":{\"type\":\"string\",\"optional\":false},\"values\":");
		write_slot(making, yaml_get(type, "values"), NULL);
	}
}

static void write_parameters(struct making *making, const struct yaml_node *parameters)
{
	const char *before = ",\"parameters\":{";

	for (const struct yaml_node *node = parameters->first; node; node = node->next, before = ",") {
		wr_printf(making->to, "%s", before);
		json_text(making->to, view_of(node->key));
		wr_u8(making->to, ':');
		json_text(making->to, node->text);
	}
	if (parameters->first)
		wr_u8(making->to, '}');
}

static void write_symbols(struct making *making, const struct yaml_node *symbols)
{
	struct writer list = {0};

	for (const struct yaml_node *node = symbols->first; node; node = node->next) {
		wr_printf(&list, "%s", node == symbols->first ? "" : ",");
		wr_view_bytes(&list, node->text);
	}
	wr_printf(making->to, ",\"parameters\":{\"allowed\":");
	json_text(making->to, wr_view(&list));
	wr_u8(making->to, '}');
	wr_done(&list);
}

/* The parameters of what has no connect.* attributes. */
static void write_own_parameters(struct making *making, const struct yaml_node *type)
{
	const struct yaml_node *symbols = yaml_get(type, "symbols");
	const char *precision = text_of(type, "precision"), *scale = text_of(type, "scale");

	if (symbols)
		write_symbols(making, symbols);
	else if (precision)
		wr_printf(making->to, ",\"parameters\":{\"scale\":\"%s\",\"connect.decimal.precision\":\"%s\"}", scale ? scale : "0", precision);
}

/* {"type":"record","name":"Block","namespace":"event"} is event.Block. */
static struct view full_name(struct making *making, const struct yaml_node *type, const char *name)
{
	const char *space = text_of(type, "namespace");

	return space && !strchr(name, '.') ? arena_printf(&making->arena, "%s.%s", space, name) : view_of(name);
}

/* Name, version, doc, parameters and default, as far as there are some. */
static void write_meaning(struct making *making, const struct yaml_node *type, size_t which)
{
	const char *connect_name = text_of(type, "connect.name"), *name = text_of(type, "name");
	const char *version = text_of(type, "connect.version"), *doc = text_of(type, "connect.doc");
	const struct yaml_node *parameters = yaml_get(type, "connect.parameters"), *value = yaml_get(type, "connect.default");

	if (connect_name || types[which].name)
		put_member(making->to, "name", connect_name ? connect_name : types[which].name);
	else if (name)
		put_member(making->to, "name", full_name(making, type, name).ptr);
	if (version || (!connect_name && types[which].name))
		wr_printf(making->to, ",\"version\":%s", version ? version : "1");
	if (doc)
		put_member(making->to, "doc", doc);
	if (parameters)
		write_parameters(making, parameters);
	else if (!connect_name && types[which].name)
		write_own_parameters(making, type);
	if (value && value->plain)
		wr_printf(making->to, ",\"default\":%s", value->text.ptr);
	else if (value && strcmp(types[which].avro, "bytes") != 0) /* none of ours has one */
		put_member(making->to, "default", value->text.ptr);
}

static void note_name(struct making *making, const struct yaml_node *type)
{
	const char *name = text_of(type, "name");

	if (!name)
		return;
	map_put(&making->named, view_of(name), (void *)type);
	map_put(&making->named, full_name(making, type, name), (void *)type);
}

/* A name is that of a type of Avro, or of one that was written before. */
static const struct yaml_node *resolve(struct making *making, const struct yaml_node *type)
{
	const struct yaml_node *found = type->kind == YAML_SCALAR ? map_get(&making->named, type->text) : NULL;

	return found ? found : type;
}

static void write_type(struct making *making, const struct yaml_node *type, bool optional)
{
	const struct yaml_node *whole = resolve(making, type);
	const char *avro = whole->kind == YAML_MAPPING ? text_of(whole, "type") : whole->text.ptr;
	size_t which = find_type(avro, whole->kind == YAML_MAPPING ? text_of(whole, "logicalType") : NULL);
	const char *connect = whole->kind == YAML_MAPPING ? text_of(whole, "connect.type") : NULL;

	wr_printf(making->to, "{\"type\":\"%s\"", connect ? connect : types[which].connect);
	if (whole->kind == YAML_MAPPING && making->depth < DATUM_DEPTH_MAX) {
		making->depth++;
		note_name(making, whole);
		write_inside(making, whole, avro);
		making->depth--;
	}
	wr_printf(making->to, ",\"optional\":%s", optional ? "true" : "false");
	if (whole->kind == YAML_MAPPING)
		write_meaning(making, whole, which);
}

/* A union is one with null, in either order. */
static void write_slot(struct making *making, const struct yaml_node *type, const char *field)
{
	bool optional = type->kind == YAML_SEQUENCE;

	if (optional)
		type = is_text(type->first, "null") ? type->first->next : type->first;
	write_type(making, type, optional);
	if (field)
		put_member(making->to, "field", field);
	wr_u8(making->to, '}');
}

int recode_connect_schema(struct view avro, struct writer *to, struct error *err)
{
	struct diagnostics diag = {0};
	struct yaml_file *file = yaml_parse("schema", avro, &diag);
	struct making making = {.to = to};

	if (file && file->root) {
		arena_init(&making.arena);
		write_slot(&making, file->root, NULL);
		map_done(&making.named);
		arena_done(&making.arena);
	} else {
		error_set(err, ERROR_INTERNAL, "a schema of ours is no JSON: %.*s", VIEW_ARG(wr_view(&diag.text)));
	}
	diag_done(&diag);
	if (!file)
		return -1;
	yaml_file_free(file);
	return 0;
}
