/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Bytes to trees. The bytes are anybody's: every length and count is compared with what is left or with a ceiling
 * before anything is allocated for it, and nesting has an end.
 */
#include "encode/datum.h"

#include <limits.h>

#include "avro_bytes.h"
#include "base/reader.h"
#include "decimal_bytes.h"

#define FIRST_ITEMS 8 /* room made for an array at first; then doubled */

struct source {
	struct reader rd;
	struct arena *arena;
	size_t nodes;    /* handed out */
	unsigned depth;
	const char *why; /* what was wrong first */
};

static int refuse(struct source *source, const char *why)
{
	if (!source->why)
		source->why = why;
	source->rd.failed = true;
	return -1;
}

static int64_t read_long(struct source *source)
{
	bool too_long = false;
	int64_t value = get_long(&source->rd, &too_long);

	if (too_long && !source->rd.failed)
		refuse(source, "a number is too long");
	return value;
}

static struct view read_text(struct source *source)
{
	int64_t len = read_long(source);

	if (len < 0 || (uint64_t)len > rd_left(&source->rd)) {
		refuse(source, "a text is longer than the message");
		return VIEW("");
	}
	return rd_bytes(&source->rd, (size_t)len);
}

static struct datum *take_nodes(struct source *source, size_t count)
{
	if (count > DATUM_NODES_MAX - source->nodes) {
		refuse(source, "there are too many values");
		return NULL;
	}
	source->nodes += count;
	if (!count)
		return NULL;
	return ARENA_ARRAY(source->arena, struct datum, count);
}

static int read_type(struct source *source, const struct avro_type *type, struct datum *ret);

static int read_slot(struct source *source, const struct avro_type *type, bool nullable, bool null_second,
		     struct datum *ret)
{
	if (nullable) {
		int64_t branch = read_long(source);

		if (branch != 0 && branch != 1)
			return refuse(source, "a union has no such branch");
		if (branch == null_second) {
			*ret = (struct datum){0};
			return 0;
		}
	}
	return read_type(source, type, ret);
}

static int read_record(struct source *source, const struct avro_type *type, struct datum *ret)
{
	ret->count = type->field_count;
	ret->items = take_nodes(source, type->field_count);
	for (unsigned i = 0; i < type->field_count && !source->rd.failed; i++) {
		const struct avro_field *field = &type->fields[i];

		read_slot(source, field->type, field->nullable, field->null_second, &ret->items[i]);
	}
	return source->rd.failed ? -1 : 0;
}

/*
 * The number of items in the block that begins; 0 at the end. A negative one is followed by the block's size in bytes.
 */
static int64_t read_block(struct source *source)
{
	int64_t count = read_long(source);

	if (count >= 0)
		return count;
	read_long(source);
	if (count == INT64_MIN) {
		refuse(source, "a block has too many items");
		return 0;
	}
	return -count;
}

/* Room for one more item of `step` nodes. */
static struct datum *add_item(struct source *source, struct datum *ret, unsigned step, uint32_t *room)
{
	struct datum *items;

	if (ret->count + step > *room) {
		uint32_t more = *room ? *room * 2 : FIRST_ITEMS;

		items = take_nodes(source, more);
		if (!items)
			return NULL;
		if (ret->count)
			memcpy(items, ret->items, ret->count * sizeof(*items));
		ret->items = items;
		*room = more;
	}
	items = &ret->items[ret->count];
	ret->count += step;
	return items;
}

static int read_item(struct source *source, const struct avro_type *type, struct datum *ret, uint32_t *room)
{
	bool map = type->kind == AVRO_MAP;
	struct datum *item = add_item(source, ret, map ? 2 : 1, room);

	if (!item)
		return -1;
	if (map) {
		item->set = true;
		item->text = read_text(source);
		item++;
	}
	return read_slot(source, type->items, type->items_nullable, false, item);
}

static int read_items(struct source *source, const struct avro_type *type, struct datum *ret)
{
	uint32_t room = 0;

	ret->items = NULL;
	ret->count = 0;
	for (;;) {
		int64_t count = read_block(source);

		if (!count || source->rd.failed)
			return source->rd.failed ? -1 : 0;
		for (; count > 0; count--)
			if (read_item(source, type, ret, &room))
				return -1;
	}
}

static int read_number(struct source *source, int64_t least, int64_t most, struct datum *ret)
{
	ret->integer = read_long(source);
	return ret->integer < least || ret->integer > most ? refuse(source, "a number is out of range") : 0;
}

static int read_bytes(struct source *source, const struct avro_type *type, struct datum *ret)
{
	struct view bytes = read_text(source);

	if (!avro_is_decimal(type)) {
		ret->text = bytes;
		return 0;
	}
	return decimal128_of_bytes(bytes, &ret->decimal) ? refuse(source, "a decimal has no digits or too many") : 0;
}

static int read_boolean(struct source *source, struct datum *ret)
{
	ret->integer = rd_u8(&source->rd);
	return ret->integer > 1 ? refuse(source, "a boolean is neither true nor false") : 0;
}

static int read_value(struct source *source, const struct avro_type *type, struct datum *ret)
{
	switch (type->kind) {
	case AVRO_NULL:
		ret->set = false;
		return 0;
	case AVRO_BOOLEAN:
		return read_boolean(source, ret);
	case AVRO_INT:
		return read_number(source, INT32_MIN, INT32_MAX, ret);
	case AVRO_LONG:
		return read_number(source, INT64_MIN, INT64_MAX, ret);
	case AVRO_FLOAT:
		ret->real = get_float(&source->rd);
		return 0;
	case AVRO_DOUBLE:
		ret->real = get_double(&source->rd);
		return 0;
	case AVRO_BYTES:
		return read_bytes(source, type, ret);
	case AVRO_STRING:
		ret->text = read_text(source);
		return 0;
	case AVRO_ENUM:
		return read_number(source, 0, (int64_t)type->symbol_count - 1, ret);
	case AVRO_RECORD:
		return read_record(source, type, ret);
	case AVRO_ARRAY:
	case AVRO_MAP:
		return read_items(source, type, ret);
	}
	return refuse(source, "the schema has an unknown type");
}

static int read_type(struct source *source, const struct avro_type *type, struct datum *ret)
{
	int rc;

	if (source->depth == DATUM_DEPTH_MAX)
		return refuse(source, "values are nested too deeply");
	source->depth++;
	memset(ret, 0, sizeof(*ret));
	ret->set = true;
	rc = read_value(source, type, ret);
	source->depth--;
	return rc || source->rd.failed ? -1 : 0;
}

int avro_read(const struct avro_type *type, struct view bytes, struct arena *arena, struct datum *ret,
	      struct error *err)
{
	struct source source = {.rd = reader_of(bytes), .arena = arena};

	if (!read_type(&source, type, ret) && rd_complete(&source.rd))
		return 0;
	if (!source.why)
		source.why = source.rd.failed ? "the message is cut off" : "there are bytes left over";
	return error_set(err, ERROR_RECORD, "not a value of its schema: %s (at byte %zu of %zu)", source.why,
			 rd_offset(&source.rd), bytes.len);
}
