/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * One column of a plan: how its values are written. The functions are chosen once, from a table by type; a row calls
 * them one after the other.
 */
#ifndef ENCODE_FIELD_H
#define ENCODE_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "model/table.h"
#include "model/value.h"

struct encode_field;
struct form;
struct value_forms;

/*
 * Writes a present value; returns the place after it. NULL: it has no place in the column's Avro type, and *why says
 * so:
 * "is not a number".
 */
typedef char *(*field_put)(char *to, struct encode_field *field, const struct value *value, const char **why);

#define DATE_TEXT_MAX 16

struct encode_field {
	field_put put;
	unsigned index;               /* of the column */
	unsigned times;               /* what put writes grows with value.text, so many times; 0: it does not */
	struct view placeholder;      /* is written for an unchanged value, as it is; ptr NULL: nothing can be */
	const struct column *column;
	const struct form *form;
	const char *name;             /* as in the schema */
	struct encode_field *element; /* of an array: how its elements are written */
	struct arena *scratch;        /* ... and where their texts are unquoted, for the time of one array */
	size_t bytes;                 /* most that put writes beside the text */
	int precision, scale;         /* of a decimal as its schema has it */
	__int128 limit;               /* of a decimal: |unscaled value| is less, or has more than 38 digits */

	int64_t day;                  /* the day whose text was written last */
	unsigned day_len;
	char day_text[DATE_TEXT_MAX];
};

/* What Debezium writes for a value that the server did not send because it did not change. */
#define PLACEHOLDER "__debezium_unavailable_value"

/* What fields are made of lies in the arena; what arrays need for a moment goes into the other. */
struct field_memory {
	struct arena *arena;
	struct arena *scratch;
};

/* Fills all of a field but its name. */
void field_init(struct encode_field *field, const struct table *table, unsigned index, const struct value_forms *forms,
		struct field_memory memory);

/* The most that the elements of an array can need. */
size_t field_array_bytes(const struct encode_field *field, struct view text);

/* The most that a value's text can need. */
static inline size_t field_text_bytes(const struct encode_field *field, const struct value *value)
{
	if (value->state != VALUE_PRESENT)
		return 0;
	return field->element ? field_array_bytes(field, value->text) : value->text.len * field->times;
}

/* From now on a text that is no UTF-8 is refused. */
void field_check_text(struct encode_field *field);

/*
 * A decimal column's precision and scale in Avro, where 0 <= scale <= precision: numeric(3,-2), which ends in two
 * zeros, is a decimal(5,0), and numeric(2,4) a decimal(4,4). Nothing is lost.
 */
#define DECIMAL_PRECISION_UNKNOWN 64 /* Kafka Connect's for a decimal of which none is told */

static inline int decimal_scale(struct type type)
{
	return type.scale < 0 ? 0 : type.scale;
}

static inline int decimal_precision(struct type type)
{
	int precision = type.scale < 0 ? type.precision - type.scale : type.precision;

	if (!type.precision)
		return DECIMAL_PRECISION_UNKNOWN;
	return precision < type.scale ? type.scale : precision;
}

#endif
