/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "encode/protobuf_read.h"

#include <stdlib.h>
#include <string.h>

#include "avro_bytes.h"
#include "base/json.h"
#include "encode/datum.h"
#include "encode/json.h"
#include "protobuf.h"

#define MESSAGES_MAX 1000

struct message;

struct field {
	const char *name, *type;
	uint32_t number;
	bool repeated, map;
	const struct message *message; /* NULL: a scalar */
};

struct message {
	const char *name;
	int parent;                    /* index, or -1 */
	struct field *fields;
	unsigned count;
};

struct protobuf_file {
	struct message messages[MESSAGES_MAX];
	int count;
};

/* The file ------------------------------------------------------------------------------------- */

struct parser {
	const char *at, *end;
	struct arena *arena;
	struct protobuf_file *file;
};

static bool is_mark(char c)
{
	return c && strchr("{}=;<>,\"", c);
}

/* A word, or a mark; "" at the end. */
static const char *next_token(struct parser *ps)
{
	const char *start;

	while (ps->at < ps->end && strchr(" \t\r\n", *ps->at))
		ps->at++;
	start = ps->at;
	if (ps->at < ps->end && is_mark(*ps->at))
		ps->at++;
	else
		while (ps->at < ps->end && !is_mark(*ps->at) && !strchr(" \t\r\n", *ps->at))
			ps->at++;
	return arena_copy(ps->arena, (struct view){start, (size_t)(ps->at - start)}).ptr;
}

static bool skip(struct parser *ps, const char *token)
{
	return strcmp(next_token(ps), token) == 0;
}

static bool skip_statement(struct parser *ps)
{
	const char *token;

	do
		token = next_token(ps);
	while (*token && strcmp(token, ";") != 0);
	return *token;
}

/* map<string, TYPE>, or a label and a type, or the type alone. */
static bool parse_type(struct parser *ps, const char *token, struct field *field)
{
	if (strcmp(token, "map") == 0) {
		field->map = skip(ps, "<") && skip(ps, "string") && skip(ps, ",");
		field->type = next_token(ps);
		return field->map && skip(ps, ">");
	}
	field->repeated = strcmp(token, "repeated") == 0;
	field->type = field->repeated || strcmp(token, "optional") == 0 ? next_token(ps) : token;
	return *field->type;
}

/* There is room for so many as the next power of two. */
static void add_field(struct parser *ps, struct message *message, struct field field)
{
	struct field *fields = message->fields;

	if ((message->count & (message->count - 1)) == 0) {
		message->fields = ARENA_ARRAY(ps->arena, struct field, message->count ? 2 * (size_t)message->count : 1);
		if (message->count)
			memcpy(message->fields, fields, message->count * sizeof(*fields));
	}
	message->fields[message->count++] = field;
}

static bool parse_field(struct parser *ps, const char *token, struct message *message)
{
	struct field field = {0};

	if (!parse_type(ps, token, &field))
		return false;
	field.name = next_token(ps);
	if (!skip(ps, "="))
		return false;
	field.number = (uint32_t)strtoul(next_token(ps), NULL, 10);
	add_field(ps, message, field);
	return skip(ps, ";");
}

static bool parse_message(struct parser *ps, int parent)
{
	int index = ps->file->count;
	struct message *message = &ps->file->messages[index];
	const char *token;

	if (index == MESSAGES_MAX)
		return false;
	ps->file->count++;
	*message = (struct message){.name = next_token(ps), .parent = parent};
	if (!skip(ps, "{"))
		return false;
	while (strcmp(token = next_token(ps), "}") != 0)
		if (!*token || !(strcmp(token, "message") == 0 ? parse_message(ps, index) : parse_field(ps, token, message)))
			return false;
	return true;
}

/* The innermost of this name: in the message, in those around it, in the file. */
static const struct message *find_message(const struct protobuf_file *file, int inside, const char *name)
{
	for (;; inside = file->messages[inside].parent) {
		for (int i = 0; i < file->count; i++)
			if (file->messages[i].parent == inside && strcmp(file->messages[i].name, name) == 0)
				return &file->messages[i];
		if (inside < 0)
			return NULL;
	}
}

static void resolve(struct protobuf_file *file)
{
	for (int i = 0; i < file->count; i++)
		for (unsigned j = 0; j < file->messages[i].count; j++)
			file->messages[i].fields[j].message = find_message(file, i, file->messages[i].fields[j].type);
}

const struct protobuf_file *protobuf_parse(struct view text, struct arena *arena)
{
	struct parser ps = {.at = text.ptr, .end = text.ptr + text.len, .arena = arena, .file = ARENA_NEW(arena, struct protobuf_file)};
	const char *token;

	while (*(token = next_token(&ps)))
		if (!(strcmp(token, "message") == 0 ? parse_message(&ps, -1) : skip_statement(&ps)))
			return NULL;
	resolve(ps.file);
	return ps.file->count ? ps.file : NULL;
}

/* A message ------------------------------------------------------------------------------------ */

struct entry {
	uint32_t number;
	uint64_t value;     /* unless ... */
	struct view bytes;  /* it has a length */
};

static uint64_t read_varint(struct reader *rd)
{
	uint64_t value = 0;

	for (int shift = 0; shift < 70; shift += 7) {
		uint8_t byte = rd_u8(rd);

		value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
		if (!(byte & 0x80))
			return value;
	}
	rd->failed = true;
	return 0;
}

static uint64_t read_fixed(struct reader *rd, size_t len)
{
	const char *bytes = rd_take(rd, len);
	uint64_t value = 0;

	for (size_t i = len; bytes && i-- > 0; )
		value = value << 8 | (unsigned char)bytes[i];
	return value;
}

static bool next_entry(struct reader *rd, struct entry *ret)
{
	uint64_t tag;

	if (rd_complete(rd) || rd->failed)
		return false;
	tag = read_varint(rd);
	*ret = (struct entry){.number = (uint32_t)(tag >> 3), .bytes = VIEW("")};
	switch (tag & 7) {
	case WIRE_VARINT:
		ret->value = read_varint(rd);
		break;
	case WIRE_FIXED64:
		ret->value = read_fixed(rd, 8);
		break;
	case WIRE_FIXED32:
		ret->value = read_fixed(rd, 4);
		break;
	case WIRE_LEN:
		ret->bytes = rd_bytes(rd, (size_t)read_varint(rd));
		break;
	default:
		rd->failed = true;
	}
	return !rd->failed;
}

static const struct {
	const char *name;
	struct avro_type type;
} shown[] = {
	{"bool", {.kind = AVRO_BOOLEAN}},
	{"int32", {.kind = AVRO_INT}},
	{"int64", {.kind = AVRO_LONG}},
	{"float", {.kind = AVRO_FLOAT}},
	{"double", {.kind = AVRO_DOUBLE}},
	{"string", {.kind = AVRO_STRING}},
	{"bytes", {.kind = AVRO_BYTES}},
	{"sint32", {.kind = AVRO_INT, .logical = AVRO_DATE}},
	{"sfixed64", {.kind = AVRO_LONG, .logical = AVRO_TIMESTAMP_MICROS}},
};

static void print_scalar(const char *name, const struct entry *entry, struct writer *to)
{
	size_t i = 0;
	struct datum datum = {.set = true, .integer = (int64_t)entry->value};
	uint32_t single = (uint32_t)entry->value;
	float real;

	while (i < sizeof(shown) / sizeof(shown[0]) - 1 && strcmp(shown[i].name, name) != 0)
		i++;
	if (shown[i].type.kind == AVRO_STRING || shown[i].type.kind == AVRO_BYTES)
		datum.text = entry->bytes;
	if (shown[i].type.kind == AVRO_DOUBLE)
		memcpy(&datum.real, &entry->value, sizeof(datum.real));
	if (shown[i].type.kind == AVRO_FLOAT) {
		memcpy(&real, &single, sizeof(real));
		datum.real = real;
	}
	if (shown[i].type.logical == AVRO_DATE)
		datum.integer = (int64_t)(int32_t)(single >> 1 ^ -(single & 1));
	else if (shown[i].type.kind == AVRO_INT)
		datum.integer = (int32_t)single;
	datum_json(&shown[i].type, &datum, to);
}

static int print_message(const struct message *message, struct view bytes, unsigned depth, struct writer *to);

static int print_value(const struct field *field, const struct entry *entry, unsigned depth, struct writer *to)
{
	if (field->message)
		return print_message(field->message, entry->bytes, depth + 1, to);
	print_scalar(field->type, entry, to);
	return 0;
}

/* {1: key, 2: value} of a map. */
static int print_pair(const struct field *field, struct view bytes, unsigned depth, struct writer *to)
{
	struct reader rd = reader_of(bytes);
	struct entry entry, value = {.bytes = VIEW("")};

	while (next_entry(&rd, &entry)) {
		if (entry.number == 1)
			json_text(to, entry.bytes);
		else
			value = entry;
	}
	wr_u8(to, ':');
	return rd.failed ? -1 : print_value(field, &value, depth, to);
}

static int print_list(const struct field *field, struct view bytes, unsigned depth, struct writer *to)
{
	struct reader rd = reader_of(bytes);
	struct entry entry;
	int result = 0;
	bool first = true;

	wr_u8(to, field->map ? '{' : '[');
	while (result == 0 && next_entry(&rd, &entry)) {
		if (entry.number != field->number)
			continue;
		if (!first)
			wr_u8(to, ',');
		first = false;
		result = field->map ? print_pair(field, entry.bytes, depth, to) : print_value(field, &entry, depth, to);
	}
	wr_u8(to, field->map ? '}' : ']');
	return rd.failed ? -1 : result;
}

/* The last one counts. */
static int print_field(const struct field *field, struct view bytes, unsigned depth, struct writer *to)
{
	struct reader rd = reader_of(bytes);
	struct entry entry, last = {.bytes = VIEW("")};
	bool found = false;

	if (field->repeated || field->map)
		return print_list(field, bytes, depth, to);
	while (next_entry(&rd, &entry)) {
		if (entry.number == field->number) {
			last = entry;
			found = true;
		}
	}
	if (rd.failed)
		return -1;
	if (found)
		return print_value(field, &last, depth, to);
	wr_printf(to, "null");
	return 0;
}

/* One that only stands around a list, an item, or what is no record is shown as what it has: its field's number is 1. */
static int print_message(const struct message *message, struct view bytes, unsigned depth, struct writer *to)
{
	int result = 0;

	if (depth > DATUM_DEPTH_MAX)
		return -1;
	if (message->count == 1 && message->fields[0].number == 1)
		return print_field(&message->fields[0], bytes, depth, to);
	wr_u8(to, '{');
	for (unsigned i = 0; i < message->count && result == 0; i++) {
		if (i)
			wr_u8(to, ',');
		json_text(to, view_of(message->fields[i].name));
		wr_u8(to, ':');
		result = print_field(&message->fields[i], bytes, depth, to);
	}
	wr_u8(to, '}');
	return result;
}

int protobuf_json(const struct protobuf_file *file, struct view bytes, struct writer *to, struct error *err)
{
	if (print_message(&file->messages[0], bytes, 0, to) == 0)
		return 0;
	return error_set(err, ERROR_RECORD, "this is no message of its schema in Protocol Buffers");
}
