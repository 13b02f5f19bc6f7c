/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The walk over a value in Avro, by its schema. */
#include "encode/recode.h"

#include "avro_bytes.h"
#include "base/reader.h"
#include "codec.h"
#include "decimal_bytes.h"
#include "encode/datum.h"

static const struct codec *const codecs[] = {[FORMAT_JSON] = &json_codec, [FORMAT_JSON_SCHEMA] = &json_codec,
					       [FORMAT_JSON_CONNECT] = &connect_codec,
					       [FORMAT_PROTOBUF] = &protobuf_codec};

struct walk {
	struct reader rd;
	const struct codec *codec;
	struct codec_state *state;
	struct writer *to;
	struct byte_range *range;
	size_t range_end;      /* in the bytes read */
	struct byte_range found;
	unsigned depth;
	unsigned range_depth;  /* where the range begins */
};

static int64_t read_long(struct walk *walk)
{
	return get_long(&walk->rd, &walk->rd.failed);
}

static struct view read_text(struct walk *walk)
{
	int64_t len = read_long(walk);

	return rd_bytes(&walk->rd, len < 0 ? SIZE_MAX : (size_t)len);
}

static void read_bytes(struct walk *walk, const struct avro_type *type, struct datum *ret)
{
	ret->text = read_text(walk);
	if (avro_is_decimal(type) && decimal128_of_bytes(ret->text, &ret->decimal))
		walk->rd.failed = true;
}

static void read_symbol(struct walk *walk, const struct avro_type *type, struct datum *ret)
{
	ret->integer = read_long(walk);
	if (ret->integer < 0 || ret->integer >= type->symbol_count) {
		walk->rd.failed = true;
		ret->integer = 0;
	}
}

static struct datum read_scalar(struct walk *walk, const struct avro_type *type)
{
	struct datum datum = {.set = type->kind != AVRO_NULL};

	switch (type->kind) {
	case AVRO_BOOLEAN:
		datum.integer = rd_u8(&walk->rd);
		break;
	case AVRO_INT:
	case AVRO_LONG:
		datum.integer = read_long(walk);
		break;
	case AVRO_FLOAT:
		datum.real = get_float(&walk->rd);
		break;
	case AVRO_DOUBLE:
		datum.real = get_double(&walk->rd);
		break;
	case AVRO_ENUM:
		read_symbol(walk, type, &datum);
		break;
	case AVRO_BYTES:
		read_bytes(walk, type, &datum);
		break;
	default:
		datum.text = type->kind == AVRO_STRING ? read_text(walk) : VIEW("");
	}
	return datum;
}

static void write_value(struct walk *walk, const struct avro_type *type);

/*
 * The range is found again between values, in what is read and in what is written. Of values that begin, or end, at
 * the same place the outermost counts.
 */
static void note_begin(struct walk *walk)
{
	if (!walk->range->bytes || rd_offset(&walk->rd) != walk->range->at || walk->depth > walk->range_depth)
		return;
	walk->range_depth = walk->depth;
	walk->found.at = (uint32_t)walk->to->len;
}

static void note_end(struct walk *walk)
{
	if (walk->range->bytes && rd_offset(&walk->rd) == walk->range_end && walk->depth == walk->range_depth)
		walk->found.bytes = (uint32_t)walk->to->len - walk->found.at;
}

static void write_slot(struct walk *walk, const struct avro_type *type, bool nullable, bool null_second)
{
	static const struct datum null;

	note_begin(walk);
	if (nullable && (read_long(walk) != 0) == null_second)
		walk->codec->scalar(walk->state, type, &null, walk->to);
	else
		write_value(walk, type);
	note_end(walk);
}

static void write_record(struct walk *walk, const struct avro_type *type)
{
	struct datum parts[2] = {{0}}, whole = {.set = true, .items = parts, .count = 2};

	if (avro_is_variable_decimal(type)) {
		parts[0] = read_scalar(walk, type->fields[0].type);
		parts[1] = read_scalar(walk, type->fields[1].type);
		walk->codec->scalar(walk->state, type, &whole, walk->to);
		return;
	}
	walk->codec->begin(walk->state, type, walk->to);
	for (unsigned i = 0; i < type->field_count && !walk->rd.failed; i++) {
		const struct avro_field *field = &type->fields[i];

		walk->codec->part(walk->state, type, i, view_of(field->name), walk->to);
		write_slot(walk, field->type, field->nullable, field->null_second);
	}
	walk->codec->end(walk->state, type, walk->to);
}

static int64_t read_block(struct walk *walk)
{
	int64_t count = read_long(walk);

	if (count >= 0)
		return count;
	read_long(walk); /* its bytes */
	return count == INT64_MIN ? 0 : -count;
}

static void write_items(struct walk *walk, const struct avro_type *type)
{
	unsigned number = 0;
	int64_t count;

	walk->codec->begin(walk->state, type, walk->to);
	while ((count = read_block(walk)) != 0 && !walk->rd.failed) {
		for (; count > 0 && !walk->rd.failed; count--) {
			struct view name = type->kind == AVRO_MAP ? read_text(walk) : VIEW_NONE;

			walk->codec->part(walk->state, type, number++, name, walk->to);
			write_slot(walk, type->items, type->items_nullable, false);
		}
	}
	walk->codec->end(walk->state, type, walk->to);
}

static void write_value(struct walk *walk, const struct avro_type *type)
{
	struct datum datum;

	if (++walk->depth > DATUM_DEPTH_MAX) {
		walk->rd.failed = true;
	} else if (type->kind == AVRO_RECORD) {
		write_record(walk, type);
	} else if (type->kind == AVRO_ARRAY || type->kind == AVRO_MAP) {
		write_items(walk, type);
	} else {
		datum = read_scalar(walk, type);
		walk->codec->scalar(walk->state, type, &datum, walk->to);
	}
	walk->depth--;
}

int recode(enum record_format format, const struct avro_type *type, struct view bytes, struct byte_range *range,
	   struct writer *to, struct error *err)
{
	struct codec_state state; /* large, and most of it is not used */
	struct walk walk = {
		.rd = reader_of(bytes),
		.codec = codecs[format],
		.state = &state,
		.to = to,
		.range = range,
		.range_end = (size_t)range->at + range->bytes,
		.range_depth = DATUM_DEPTH_MAX,
	};

	state.depth = state.open_count = 0;
	write_value(&walk, type);
	if (!rd_complete(&walk.rd))
		return error_set(err, ERROR_INTERNAL, "a message of ours is no value of its schema (at byte %zu of %zu)",
				 rd_offset(&walk.rd), bytes.len);
	*range = walk.found;
	return 0;
}
