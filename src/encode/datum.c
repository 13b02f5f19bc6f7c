/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Trees to bytes. The path of a field is a chain of frames on the stack, spelled out only when something is wrong. */
#include "encode/datum.h"

#include <stdio.h>
#include <stdlib.h>

#include "avro_bytes.h"
#include "base/decimal.h"
#include "decimal_bytes.h"

/* Where in a value we are. */
struct path {
	const struct path *outer;
	const char *name;  /* of a field; NULL: an item */
	uint32_t index;    /* of an item */
};

struct target {
	struct writer *to;
	struct error *err;
};

static void spell_path(const struct path *path, char *text, size_t size)
{
	size_t len;

	if (!path)
		return;
	spell_path(path->outer, text, size);
	len = strlen(text);
	if (path->name)
		snprintf(text + len, size - len, "%s%s", len ? "." : "", path->name);
	else
		snprintf(text + len, size - len, "[%u]", path->index);
}

static int complain(struct target *target, const struct path *path, const char *what)
{
	char text[300] = "";

	spell_path(path, text, sizeof(text));
	return error_set(target->err, ERROR_RECORD, "%s%s%s", text, *text ? " " : "", what);
}

static void finish(struct target *target, const char *end)
{
	target->to->len = (size_t)(end - target->to->data);
}

static void write_long(struct target *target, int64_t value)
{
	finish(target, put_long(wr_reserve(target->to, LONG_BYTES), value));
}

static int write_type(struct target *target, const struct avro_type *type, const struct datum *datum,
		      const struct path *path);

static int write_ranged(struct target *target, int64_t value, int64_t least, int64_t most, const struct path *path)
{
	if (value < least || value > most)
		return complain(target, path, "is out of the range of its type");
	write_long(target, value);
	return 0;
}

static int write_decimal(struct target *target, const struct avro_type *type, const struct datum *datum,
			 const struct path *path)
{
	if (!decimal_fits(datum->decimal, type->precision))
		return complain(target, path, "has more digits than its type");
	finish(target, put_decimal128(wr_reserve(target->to, DECIMAL128_BYTES), datum->decimal));
	return 0;
}

static int write_text(struct target *target, const struct datum *datum)
{
	finish(target, put_bytes(wr_reserve(target->to, LONG_BYTES + datum->text.len), datum->text));
	return 0;
}

/* Of a union with null. */
static void write_branch(struct target *target, bool second)
{
	wr_u8(target->to, second ? BRANCH_1 : BRANCH_0);
}

static int write_slot(struct target *target, const struct avro_type *type, bool nullable, bool null_second,
		      const struct datum *datum, const struct path *path)
{
	if (nullable)
		write_branch(target, datum->set != null_second);
	else if (!datum->set && type->kind != AVRO_NULL)
		return complain(target, path, "must not be null");
	return datum->set ? write_type(target, type, datum, path) : 0;
}

static int write_field(struct target *target, const struct avro_field *field, const struct datum *datum,
		       const struct path *path)
{
	struct path inner = {path, field->name, 0};

	return write_slot(target, field->type, field->nullable, field->null_second, datum, &inner);
}

/* Most fields of most documents are null. */
static int write_record(struct target *target, const struct avro_type *type, const struct datum *datum,
			const struct path *path)
{
	if (datum->count != type->field_count)
		return complain(target, path, "has not as many fields as its type");
	for (unsigned i = 0; i < type->field_count; i++) {
		const struct avro_field *field = &type->fields[i];

		if (field->nullable && !datum->items[i].set)
			write_branch(target, field->null_second);
		else if (write_field(target, field, &datum->items[i], path) < 0)
			return -1;
	}
	return 0;
}

static int write_items(struct target *target, const struct avro_type *type, const struct datum *datum,
		       const struct path *path)
{
	unsigned step = type->kind == AVRO_MAP ? 2 : 1;

	if (datum->count)
		write_long(target, datum->count / step);
	for (uint32_t i = 0; i < datum->count / step; i++) {
		const struct datum *item = &datum->items[i * step + step - 1];
		struct path inner = {path, NULL, i};

		if (step == 2)
			write_text(target, &datum->items[i * step]);
		if (write_slot(target, type->items, type->items_nullable, false, item, &inner))
			return -1;
	}
	write_long(target, 0);
	return 0;
}

static int write_symbol(struct target *target, const struct avro_type *type, const struct datum *datum,
			const struct path *path)
{
	if (datum->integer < 0 || datum->integer >= type->symbol_count)
		return complain(target, path, "is none of the symbols of its type");
	write_long(target, datum->integer);
	return 0;
}

static int write_type(struct target *target, const struct avro_type *type, const struct datum *datum,
		      const struct path *path)
{
	switch (type->kind) {
	case AVRO_NULL:
		return 0;
	case AVRO_BOOLEAN:
		wr_u8(target->to, datum->integer != 0);
		return 0;
	case AVRO_INT:
		return write_ranged(target, datum->integer, INT32_MIN, INT32_MAX, path);
	case AVRO_LONG:
		return write_ranged(target, datum->integer, INT64_MIN, INT64_MAX, path);
	case AVRO_FLOAT:
		finish(target, put_float(wr_reserve(target->to, FLOAT_BYTES), (float)datum->real));
		return 0;
	case AVRO_DOUBLE:
		finish(target, put_double(wr_reserve(target->to, DOUBLE_BYTES), datum->real));
		return 0;
	case AVRO_BYTES:
		return avro_is_decimal(type) ? write_decimal(target, type, datum, path) : write_text(target, datum);
	case AVRO_STRING:
		return write_text(target, datum);
	case AVRO_ENUM:
		return write_symbol(target, type, datum, path);
	case AVRO_RECORD:
		return write_record(target, type, datum, path);
	case AVRO_ARRAY:
	case AVRO_MAP:
		return write_items(target, type, datum, path);
	}
	return complain(target, path, "is of an unknown type");
}

int datum_write(const struct avro_type *type, const struct datum *datum, struct writer *to, struct error *err)
{
	struct target target = {to, err};
	size_t before = to->len;

	if (!write_slot(&target, type, false, false, datum, NULL))
		return 0;
	to->len = before;
	return -1;
}
