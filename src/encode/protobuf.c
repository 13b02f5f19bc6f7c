/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Values in Protocol Buffers' wire format, and the schema that says so. */
#include "protobuf.h"

#include <stdio.h>
#include <string.h>

#include "avro_bytes.h"
#include "base/arena.h"
#include "codec.h"
#include "encode/datum.h"
#include "encode/json.h"
#include "encode/recode.h"

/* Values --------------------------------------------------------------------------------------- */

/* Lengths are written before what they count, so they have a fixed width: seven bits a byte, with bits to go on. */
#define LENGTH_BYTES 4

static void put_varint(struct writer *to, uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		wr_u8(to, (uint8_t)(value | 0x80));
	wr_u8(to, (uint8_t)value);
}

static void put_tag(struct writer *to, uint32_t number, enum wire wire)
{
	put_varint(to, (uint64_t)number << 3 | wire);
}

static void open_message(struct codec_state *state, struct writer *to, uint32_t number)
{
	put_tag(to, number, WIRE_LEN);
	wr_bytes(to, "\0\0\0", LENGTH_BYTES);
	state->open[state->open_count++] = to->len;
}

static void close_messages(struct codec_state *state, struct writer *to, unsigned count)
{
	while (count-- > 0) {
		size_t start = state->open[--state->open_count], len = to->len - start;

		for (int i = 0; i < LENGTH_BYTES; i++)
			to->data[start - LENGTH_BYTES + i] = (char)((len >> 7 * i & 0x7f) | (i < LENGTH_BYTES - 1 ? 0x80 : 0));
	}
}

static void put_text(struct writer *to, uint32_t number, struct view text)
{
	put_tag(to, number, WIRE_LEN);
	put_varint(to, text.len);
	wr_view_bytes(to, text);
}

/* Opens the messages that stand around a value; the number that it has in the innermost, 0 if it is null. */
static uint32_t open_slot(struct codec_state *state, const struct avro_type *type, bool set, unsigned *ret_opened, struct writer *to)
{
	const struct codec_level *level = state->depth ? &state->levels[state->depth - 1] : NULL;
	const struct avro_field *field;
	uint32_t number = level ? level->number : 1;

	if (level && level->type->kind == AVRO_RECORD) {
		field = &level->type->fields[level->part];
		number = protobuf_number(field->name);
		if (set && field->nullable && protobuf_is_list(type)) {
			open_message(state, to, number);
			++*ret_opened;
			number = 1;
		}
		return set ? number : 0;
	}
	if (level && level->type->kind == AVRO_MAP) {
		open_message(state, to, number);
		put_text(to, 1, level->key);
		++*ret_opened;
		number = 2;
	}
	if (level && protobuf_has_items(level->type)) {
		open_message(state, to, number);
		++*ret_opened;
		number = 1;
	}
	return set ? number : 0;
}

static void put_number(const struct avro_type *type, const struct datum *datum, uint32_t number, struct writer *to)
{
	uint64_t value = (uint64_t)datum->integer;

	if (type->logical == AVRO_TIMESTAMP_MICROS) {
		put_tag(to, number, WIRE_FIXED64);
		wr_u64le(to, value);
	} else {
		put_tag(to, number, WIRE_VARINT);
		put_varint(to, type->logical == AVRO_DATE ? (uint32_t)(datum->integer << 1 ^ datum->integer >> 63) : value);
	}
}

static void put_real(const struct avro_type *type, const struct datum *datum, uint32_t number, struct writer *to)
{
	char bytes[DOUBLE_BYTES];
	bool single = type->kind == AVRO_FLOAT;
	const char *end = single ? put_float(bytes, (float)datum->real) : put_double(bytes, datum->real);

	put_tag(to, number, single ? WIRE_FIXED32 : WIRE_FIXED64);
	wr_bytes(to, bytes, (size_t)(end - bytes));
}

/*
 * As JSON has it, without the quotes: digits and symbols have nothing that is escaped. Tag and length are written behind it,
 * when it is known, and then change places with it.
 */
static void put_json(const struct avro_type *type, const struct datum *datum, uint32_t number, struct writer *to)
{
	size_t start = to->len, end, len, head_bytes;
	char head[2 * LONG_BYTES];

	datum_json(type, datum, to);
	end = to->len;
	len = end - start - 2;
	put_tag(to, number, WIRE_LEN);
	put_varint(to, len);
	head_bytes = to->len - end;
	memcpy(head, to->data + end, head_bytes);
	memmove(to->data + start + head_bytes, to->data + start + 1, len);
	memcpy(to->data + start, head, head_bytes);
	to->len = start + head_bytes + len;
}

static void put_value(const struct avro_type *type, const struct datum *datum, uint32_t number, struct writer *to)
{
	switch (type->kind) {
	case AVRO_BOOLEAN:
	case AVRO_INT:
	case AVRO_LONG:
		put_number(type, datum, number, to);
		break;
	case AVRO_FLOAT:
	case AVRO_DOUBLE:
		put_real(type, datum, number, to);
		break;
	case AVRO_STRING:
		put_text(to, number, datum->text);
		break;
	case AVRO_BYTES:
		if (type->logical != AVRO_DECIMAL) {
			put_text(to, number, datum->text);
			break;
		}
		put_json(type, datum, number, to);
		break;
	case AVRO_NULL:
		break;
	default: /* an enum, a decimal of any scale */
		put_json(type, datum, number, to);
	}
}

static void scalar(struct codec_state *state, const struct avro_type *type, const struct datum *datum, struct writer *to)
{
	unsigned opened = 0;
	uint32_t number = open_slot(state, type, datum->set, &opened, to);

	if (number)
		put_value(type, datum, number, to);
	close_messages(state, to, opened);
}

static void begin(struct codec_state *state, const struct avro_type *type, struct writer *to)
{
	unsigned opened = 0;
	uint32_t number = open_slot(state, type, true, &opened, to);

	if (state->depth && type->kind == AVRO_RECORD) {
		open_message(state, to, number);
		opened++;
	}
	state->levels[state->depth++] = (struct codec_level){.type = type, .number = number, .opened = opened};
}

static void part(struct codec_state *state, const struct avro_type *type, unsigned number, struct view name, struct writer *to)
{
	struct codec_level *level = &state->levels[state->depth - 1];

	(void)type, (void)to;
	level->part = number;
	level->key = name;
}

static void end(struct codec_state *state, const struct avro_type *type, struct writer *to)
{
	(void)type;
	close_messages(state, to, state->levels[--state->depth].opened);
}

const struct codec protobuf_codec = {.scalar = scalar, .begin = begin, .part = part, .end = end};

/* Schemas -------------------------------------------------------------------------------------- */

static const char *const scalars[] = {
	[AVRO_NULL] = "bool", [AVRO_BOOLEAN] = "bool", [AVRO_INT] = "int32", [AVRO_LONG] = "int64", [AVRO_FLOAT] = "float",
	[AVRO_DOUBLE] = "double", [AVRO_BYTES] = "bytes", [AVRO_STRING] = "string", [AVRO_ENUM] = "string",
	[AVRO_RECORD] = "string", /* a decimal of any scale */
};
static const char *const logicals[] = {[AVRO_DECIMAL] = "string", [AVRO_DATE] = "sint32", [AVRO_TIMESTAMP_MICROS] = "sfixed64"};

const char *protobuf_scalar(const struct avro_type *type)
{
	return type->logical == AVRO_PLAIN ? scalars[type->kind] : logicals[type->logical];
}

struct making {
	struct map names;               /* name within the file -> type */
	const struct avro_type *types[200];
	unsigned count, written;
	struct arena arena;
	struct writer *to;
	struct error *err;
	bool failed;
};

static bool is_message(const struct avro_type *type)
{
	return type->kind == AVRO_RECORD && !avro_is_variable_decimal(type);
}

/* The last part of the full name, if that is not another type's. */
static const char *message_name(struct making *making, const struct avro_type *type)
{
	const char *dot = strrchr(type->name, '.'), *name = dot ? dot + 1 : type->name;
	const struct avro_type *known = map_get(&making->names, view_of(name));

	if (known && known != type) {
		char *full = (char *)arena_copy(&making->arena, view_of(type->name)).ptr;

		for (char *at = full; (at = strchr(at, '.')); )
			*at = '_';
		name = full;
		known = map_get(&making->names, view_of(name));
	}
	if (!known) {
		map_put(&making->names, view_of(name), (void *)type);
		if (making->count < sizeof(making->types) / sizeof(making->types[0]))
			making->types[making->count++] = type;
		else
			making->failed = true;
	}
	return name;
}

static const char *type_name(struct making *making, const struct avro_type *type)
{
	return is_message(type) ? message_name(making, type) : protobuf_scalar(type);
}

static void write_list(struct making *making, const struct avro_type *type, const char *owner, const char *name, uint32_t number,
		       const char *indent)
{
	struct view item = protobuf_has_items(type) ? arena_printf(&making->arena, PROTOBUF_ITEM "%s", owner)
						    : view_of(type_name(making, type->items));

	if (type->kind == AVRO_MAP)
		wr_printf(making->to, "%smap<string, %s> %s = %u;\n", indent, item.ptr, name, number);
	else
		wr_printf(making->to, "%srepeated %s %s = %u;\n", indent, item.ptr, name, number);
}

static void write_value(struct making *making, const struct avro_type *type, const char *name, uint32_t number, const char *indent)
{
	if (is_message(type))
		wr_printf(making->to, "%s%s %s = %u;\n", indent, message_name(making, type), name, number);
	else
		wr_printf(making->to, "%soptional %s %s = %u;\n", indent, protobuf_scalar(type), name, number);
}

/* Lists within lists are what no schema of ours has. */
static void write_item(struct making *making, const struct avro_type *list, const char *owner)
{
	if (!protobuf_has_items(list))
		return;
	making->failed |= protobuf_is_list(list->items);
	wr_printf(making->to, "  message " PROTOBUF_ITEM "%s {\n", owner);
	write_value(making, list->items, "value", 1, "    ");
	wr_printf(making->to, "  }\n");
}

static void write_field(struct making *making, const struct avro_field *field)
{
	const char *prefix = field->type->kind == AVRO_MAP ? PROTOBUF_MAP : PROTOBUF_LIST;
	uint32_t number = protobuf_number(field->name);

	if (!protobuf_is_list(field->type)) {
		write_value(making, field->type, field->name, number, "  ");
		return;
	}
	write_item(making, field->type, field->name);
	if (!field->nullable) {
		write_list(making, field->type, field->name, field->name, number, "  ");
		return;
	}
	wr_printf(making->to, "  message %s%s {\n", prefix, field->name);
	write_list(making, field->type, field->name, "items", 1, "    ");
	wr_printf(making->to, "  }\n  %s%s %s = %u;\n", prefix, field->name, field->name, number);
}

static void check_numbers(struct making *making, const struct avro_type *type)
{
	for (unsigned i = 0; i < type->field_count; i++)
		for (unsigned j = 0; j < i; j++)
			if (protobuf_number(type->fields[i].name) == protobuf_number(type->fields[j].name)) {
				error_set(making->err, ERROR_INPUT, "in Protocol Buffers the fields %s and %s of %s have the same number; choose "
					  "another format, or leave out one of the columns", type->fields[j].name, type->fields[i].name, type->name);
				making->failed = true;
			}
}

static void write_message(struct making *making, const struct avro_type *type)
{
	const char *name = message_name(making, type);

	check_numbers(making, type);
	wr_printf(making->to, "\nmessage %s {\n", name);
	for (unsigned i = 0; i < type->field_count; i++)
		write_field(making, &type->fields[i]);
	wr_printf(making->to, "}\n");
}

static void write_package(struct making *making, const struct avro_type *type)
{
	const char *dot = type->name ? strrchr(type->name, '.') : NULL;

	wr_printf(making->to, "syntax = \"proto3\";\n");
	if (dot)
		wr_printf(making->to, "package %.*s;\n", (int)(dot - type->name), type->name);
}

int recode_protobuf_schema(const struct avro_type *type, struct writer *to, struct error *err)
{
	struct making making = {.to = to, .err = err};

	error_set(err, ERROR_INTERNAL, "this schema has no form in Protocol Buffers");
	arena_init(&making.arena);
	write_package(&making, type);
	if (protobuf_is_list(type) || type->kind == AVRO_NULL) {
		making.failed = true;
	} else if (is_message(type)) {
		message_name(&making, type);
		while (making.written < making.count)
			write_message(&making, making.types[making.written++]);
	} else {
		wr_printf(to, "\nmessage Key {\n  optional %s value = 1;\n}\n", protobuf_scalar(type));
	}
	map_done(&making.names);
	arena_done(&making.arena);
	return making.failed ? -1 : 0;
}
