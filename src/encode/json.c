/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "encode/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/datetime.h"
#include "base/decimal.h"
#include "base/json.h"
#include "base64.h"
#include "codec.h"
#include "decimal_bytes.h"

static void put_text(struct writer *to, const char *text)
{
	wr_view_bytes(to, view_of(text));
}

static void put_base64(struct writer *to, struct view bytes)
{
	wr_u8(to, '"');
	wr_reserve(to, base64_bytes(bytes.len));
	to->len = (size_t)(base64_put(to->data + to->len, bytes) - to->data);
	wr_u8(to, '"');
}

static void put_real(struct writer *to, double value, bool single)
{
	char text[64];

	if (!isfinite(value)) {
		put_text(to, isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
		return;
	}
	for (int digits = single ? 6 : 15; digits <= (single ? 9 : 17); digits++) {
		double again;

		snprintf(text, sizeof(text), "%.*g", digits, value);
		sscanf(text, "%lf", &again);
		if (single ? (float)again == (float)value : again == value)
			break;
	}
	put_text(to, text);
}

/* Infinite dates are shown as the words of the source. */
static void put_date(struct writer *to, int64_t days)
{
	char text[DATETIME_TEXT_BYTES];

	if (days == INT32_MAX || days == INT32_MIN) {
		put_text(to, days > 0 ? "\"infinity\"" : "\"-infinity\"");
		return;
	}
	date_print(days, text);
	wr_printf(to, "\"%s\"", text);
}

static void put_timestamp(struct writer *to, int64_t us)
{
	char text[DATETIME_TEXT_BYTES];
	char *space, *zone;

	timestamp_print(us, true, text);
	space = strchr(text, ' ');
	zone = strstr(text, "+00");
	if (space && zone) { /* 2024-02-29 12:34:56+00 -> 2024-02-29T12:34:56Z */
		*space = 'T';
		*zone = 'Z';
		memmove(zone + 1, zone + 3, strlen(zone + 3) + 1);
	}
	wr_printf(to, "\"%s\"", text);
}

static void put_integer(struct writer *to, const struct avro_type *type, int64_t value)
{
	if (type->logical == AVRO_DATE)
		put_date(to, value);
	else if (type->logical == AVRO_TIMESTAMP_MICROS)
		put_timestamp(to, value);
	else
		wr_printf(to, "%lld", (long long)value);
}

static void put_decimal(struct writer *to, const struct avro_type *type, const struct datum *datum)
{
	wr_u8(to, '"');
	if (avro_is_decimal(type)) {
		char bytes[DECIMAL128_BYTES];
		char *end = put_decimal128(bytes, datum->decimal);

		decimal_text_of_bytes((struct view){bytes + 1, (size_t)(end - bytes - 1)}, type->scale, to);
	} else {
		decimal_text_of_bytes(datum->text, type->scale, to);
	}
	wr_u8(to, '"');
}

static bool is_variable_decimal(const struct avro_type *type, const struct datum *datum)
{
	return avro_is_variable_decimal(type) && datum->items[0].set && datum->items[1].set &&
	       datum->items[0].integer >= 0 && datum->items[0].integer <= 20000;
}

static void put_variable_decimal(struct writer *to, const struct datum *datum)
{
	wr_u8(to, '"');
	decimal_text_of_bytes(datum->items[1].text, (int)datum->items[0].integer, to);
	wr_u8(to, '"');
}

static void put_record(struct writer *to, const struct avro_type *type, const struct datum *datum)
{
	if (is_variable_decimal(type, datum)) {
		put_variable_decimal(to, datum);
		return;
	}
	wr_u8(to, '{');
	for (unsigned i = 0; i < type->field_count; i++) {
		if (i)
			wr_u8(to, ',');
		json_text(to, view_of(type->fields[i].name));
		wr_u8(to, ':');
		datum_json(type->fields[i].type, &datum->items[i], to);
	}
	wr_u8(to, '}');
}

static void put_array(struct writer *to, const struct avro_type *type, const struct datum *datum)
{
	wr_u8(to, '[');
	for (uint32_t i = 0; i < datum->count; i++) {
		if (i)
			wr_u8(to, ',');
		datum_json(type->items, &datum->items[i], to);
	}
	wr_u8(to, ']');
}

static void put_map(struct writer *to, const struct avro_type *type, const struct datum *datum)
{
	wr_u8(to, '{');
	for (uint32_t i = 0; i + 1 < datum->count; i += 2) {
		if (i)
			wr_u8(to, ',');
		json_text(to, datum->items[i].text);
		wr_u8(to, ':');
		datum_json(type->items, &datum->items[i + 1], to);
	}
	wr_u8(to, '}');
}

static void put_value(struct writer *to, const struct avro_type *type, const struct datum *datum)
{
	switch (type->kind) {
	case AVRO_NULL:
		put_text(to, "null");
		break;
	case AVRO_BOOLEAN:
		put_text(to, datum->integer ? "true" : "false");
		break;
	case AVRO_INT:
	case AVRO_LONG:
		put_integer(to, type, datum->integer);
		break;
	case AVRO_FLOAT:
	case AVRO_DOUBLE:
		put_real(to, datum->real, type->kind == AVRO_FLOAT);
		break;
	case AVRO_BYTES:
		if (type->logical == AVRO_DECIMAL)
			put_decimal(to, type, datum);
		else
			put_base64(to, datum->text);
		break;
	case AVRO_STRING:
		json_text(to, datum->text);
		break;
	case AVRO_ENUM:
		json_text(to, view_of(type->symbols[datum->integer]));
		break;
	case AVRO_RECORD:
		put_record(to, type, datum);
		break;
	case AVRO_ARRAY:
		put_array(to, type, datum);
		break;
	case AVRO_MAP:
		put_map(to, type, datum);
		break;
	}
}

void datum_json(const struct avro_type *type, const struct datum *datum, struct writer *to)
{
	if (datum->set)
		put_value(to, type, datum);
	else
		put_text(to, "null");
}

/* The same piece by piece ---------------------------------------------------------------------- */

void json_begin_parts(struct codec_state *state, const struct avro_type *type, struct writer *to)
{
	(void)state;
	wr_u8(to, type->kind == AVRO_ARRAY ? '[' : '{');
}

void json_begin_part(struct codec_state *state, const struct avro_type *type, unsigned number, struct view name, struct writer *to)
{
	(void)state;
	if (number)
		wr_u8(to, ',');
	if (type->kind == AVRO_ARRAY)
		return;
	json_text(to, name);
	wr_u8(to, ':');
}

void json_end_parts(struct codec_state *state, const struct avro_type *type, struct writer *to)
{
	(void)state;
	wr_u8(to, type->kind == AVRO_ARRAY ? ']' : '}');
}

static void put_scalar(struct codec_state *state, const struct avro_type *type, const struct datum *datum, struct writer *to)
{
	(void)state;
	datum_json(type, datum, to);
}

const struct codec json_codec = {.scalar = put_scalar, .begin = json_begin_parts, .part = json_begin_part, .end = json_end_parts};
