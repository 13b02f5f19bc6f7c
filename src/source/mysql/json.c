/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 *   document   u8 type, value
 *   object     count, bytes, count x (offset of key, u16 its length), count x (u8 type, value or its offset), keys, values
 *   array      count, bytes, count x (u8 type, value or its offset), values
 *   string     length in groups of seven bits, bytes
 *   opaque     u8 type of the column, length in groups of seven bits, bytes
 *
 * Counts and offsets have two bytes in small containers and four in large ones; offsets count from the container's begin.
 * Values that fit into an offset stand in its place.
 */
#include "json.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/reader.h"
#include "rows.h"

#define DEPTH_MOST 100 /* as the server has it */
#define GROWTH_MOST 64 /* bytes of text for one of the document: a number of two becomes some, a double of eight at most 25 */

enum json_type {
	JSON_SMALL_OBJECT, JSON_LARGE_OBJECT, JSON_SMALL_ARRAY, JSON_LARGE_ARRAY, JSON_LITERAL, JSON_INT16, JSON_UINT16, JSON_INT32,
	JSON_UINT32, JSON_INT64, JSON_UINT64, JSON_DOUBLE, JSON_STRING, JSON_OPAQUE = 0x0f,
};

/* What is written, and how much of it at most: offsets of a garbled document can lead to the same value again and again. */
struct printer {
	struct writer *to;
	size_t most;
	int depth;
};

static int print_value(struct printer *printer, uint8_t type, struct view bytes);

/* Texts ---------------------------------------------------------------------------------------- */

static struct view read_text(struct reader *rd)
{
	size_t len = 0;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		uint8_t group = rd_u8(rd);

		len |= (size_t)(group & 0x7f) << shift;
		if (!(group & 0x80))
			return rd_bytes(rd, len);
	}
	rd->failed = true;
	return VIEW("");
}

static void print_text(struct view text, struct writer *to)
{
	static const char named[] = "\b\f\n\r\t\"\\", names[] = "bfnrt\"\\";

	wr_u8(to, '"');
	for (size_t i = 0; i < text.len; i++) {
		const char *found = text.ptr[i] ? strchr(named, text.ptr[i]) : NULL;

		if (found)
			wr_printf(to, "\\%c", names[found - named]);
		else if ((unsigned char)text.ptr[i] < 0x20)
			wr_printf(to, "\\u%04x", text.ptr[i]);
		else
			wr_u8(to, (uint8_t)text.ptr[i]);
	}
	wr_u8(to, '"');
}

/* Numbers -------------------------------------------------------------------------------------- */

/* The shortest digits; without an exponent between 1e-15 and 1e15, and never without a point. */
static void print_double(double value, struct writer *to)
{
	static const char zeros[] = "0000000000000000";
	char text[40], digits[24];
	int count = 0, exponent;

	for (int precision = 0; precision < DBL_DECIMAL_DIG; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, value);
		if (strtod(text, NULL) == value)
			break;
	}
	exponent = atoi(strchr(text, 'e') + 1);
	for (const char *at = text; *at != 'e'; at++)
		if (*at >= '0' && *at <= '9')
			digits[count++] = *at;
	if (signbit(value))
		wr_u8(to, '-');
	if (exponent < -15 || exponent > 14)
		wr_printf(to, "%c%s%.*se%d", digits[0], count > 1 ? "." : "", count - 1, digits + 1, exponent);
	else if (exponent < 0)
		wr_printf(to, "0.%.*s%.*s", -exponent - 1, zeros, count, digits);
	else if (count <= exponent + 1)
		wr_printf(to, "%.*s%.*s.0", count, digits, exponent + 1 - count, zeros);
	else
		wr_printf(to, "%.*s.%.*s", exponent + 1, digits, count - exponent - 1, digits + exponent + 1);
}

static int print_literal(uint8_t literal, struct writer *to)
{
	static const char *const literals[] = {"null", "true", "false"};

	if (literal > 2)
		return -1;
	wr_printf(to, "%s", literals[literal]);
	return 0;
}

/* Values of columns' types --------------------------------------------------------------------- */

/* year * 13 + month, day, hour, minute, second, microsecond; or hour, minute, second, microsecond. */
static void print_time(uint8_t code, int64_t packed, struct writer *to)
{
	uint64_t size = (uint64_t)(packed < 0 ? -packed : packed), whole = size >> 24;
	unsigned micro = size & 0xffffff, months = (unsigned)(whole >> 22), second = whole & 63, minute = whole >> 6 & 63;

	if (code == MY_OLD_TIME || code == MY_TIME) {
		wr_printf(to, "\"%s%02u:%02u:%02u.%06u\"", packed < 0 ? "-" : "", (unsigned)(whole >> 12) & 0x3ff, minute, second, micro);
		return;
	}
	wr_printf(to, "\"%04u-%02u-%02u", months / 13, months % 13, (unsigned)(whole >> 17) & 31);
	if (code == MY_DATE)
		wr_u8(to, '"');
	else
		wr_printf(to, " %02u:%02u:%02u.%06u\"", (unsigned)(whole >> 12) & 31, minute, second, micro);
}

/* Its precision and scale stand before the digits. */
static int print_decimal(struct view bytes, struct writer *to)
{
	struct reader rd = reader_of(bytes);
	struct my_column column = {.code = MY_DECIMAL};
	struct value value = {0};
	struct arena arena;
	int result;

	column.meta = rd_u8(&rd);
	column.meta |= (uint16_t)(rd_u8(&rd) << 8);
	arena_init(&arena);
	result = read_decimal(&rd, &column, &arena, &value);
	if (result == 0 && rd_complete(&rd))
		wr_view_bytes(to, value.text);
	else
		result = -1;
	arena_done(&arena);
	return result;
}

static void print_base64(uint8_t code, struct view bytes, struct writer *to)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	wr_printf(to, "\"base64:type%u:", code);
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		unsigned group = (unsigned)(uint8_t)bytes.ptr[i] << 16;

		group |= left > 1 ? (unsigned)(uint8_t)bytes.ptr[i + 1] << 8 : 0;
		group |= left > 2 ? (unsigned)(uint8_t)bytes.ptr[i + 2] : 0;
		wr_u8(to, (uint8_t)letters[group >> 18]);
		wr_u8(to, (uint8_t)letters[group >> 12 & 63]);
		wr_u8(to, left > 1 ? (uint8_t)letters[group >> 6 & 63] : '=');
		wr_u8(to, left > 2 ? (uint8_t)letters[group & 63] : '=');
	}
	wr_u8(to, '"');
}

static int print_opaque(struct view bytes, struct writer *to)
{
	struct reader rd = reader_of(bytes);
	uint8_t code = rd_u8(&rd);
	struct view value = read_text(&rd);
	struct reader inside = reader_of(value);

	if (rd.failed)
		return -1;
	switch (code) {
	case MY_DECIMAL:
		return print_decimal(value, to);
	case MY_DATE: case MY_OLD_TIME: case MY_OLD_DATETIME: case MY_OLD_TIMESTAMP: case MY_TIME: case MY_DATETIME: case MY_TIMESTAMP:
		print_time(code, (int64_t)rd_uint_le(&inside, 8), to);
		return rd_complete(&inside) ? 0 : -1;
	default:
		print_base64(code, value, to);
		return 0;
	}
}

/* Containers ----------------------------------------------------------------------------------- */

static bool is_inlined(uint8_t type, bool large)
{
	return type == JSON_LITERAL || type == JSON_INT16 || type == JSON_UINT16 || (large && (type == JSON_INT32 || type == JSON_UINT32));
}

static struct view from_offset(struct view bytes, uint64_t offset)
{
	return offset < bytes.len ? (struct view){bytes.ptr + offset, bytes.len - (size_t)offset} : VIEW_NONE;
}

static int print_key(struct reader *rd, struct view container, size_t width, struct writer *to)
{
	uint64_t offset = rd_uint_le(rd, width);
	size_t len = rd_u16le(rd);
	struct view key = from_offset(container, offset);

	if (rd->failed || (len && key.len < len))
		return -1;
	print_text((struct view){len ? key.ptr : "", len}, to);
	wr_printf(to, ": ");
	return 0;
}

static int print_element(struct printer *printer, struct reader *rd, struct view container, bool large)
{
	uint8_t type = rd_u8(rd);
	struct view place = rd_bytes(rd, large ? 4 : 2);
	struct reader offset = reader_of(place);
	struct view value = place;

	if (rd->failed)
		return -1;
	if (!is_inlined(type, large))
		value = from_offset(container, rd_uint_le(&offset, large ? 4 : 2));
	return value.ptr ? print_value(printer, type, value) : -1;
}

static int print_container(struct printer *printer, struct view bytes, bool object, bool large)
{
	struct writer *to = printer->to;
	struct reader head = reader_of(bytes), keys, values;
	size_t width = large ? 4 : 2;
	uint64_t count = rd_uint_le(&head, width), size = rd_uint_le(&head, width);
	struct view container = {bytes.ptr, (size_t)size};

	if (head.failed || size > bytes.len || size < 2 * width || count > size)
		return -1;
	keys = reader_of((struct view){bytes.ptr + 2 * width, (size_t)size - 2 * width});
	values = keys;
	if (object)
		rd_bytes(&values, (size_t)count * (width + 2));
	wr_u8(to, object ? '{' : '[');
	printer->depth++;
	for (uint64_t i = 0; i < count; i++) {
		if (i)
			wr_printf(to, ", ");
		if ((object && print_key(&keys, container, width, to) < 0) || print_element(printer, &values, container, large) < 0)
			return -1;
	}
	printer->depth--;
	wr_u8(to, object ? '}' : ']');
	return 0;
}

static int print_integer(uint8_t type, struct reader *rd, struct writer *to)
{
	static const uint8_t widths[] = {[JSON_INT16] = 2, [JSON_UINT16] = 2, [JSON_INT32] = 4, [JSON_UINT32] = 4, [JSON_INT64] = 8,
					 [JSON_UINT64] = 8};
	unsigned spare = 64 - 8u * widths[type];
	uint64_t value = rd_uint_le(rd, widths[type]);

	if (type == JSON_UINT16 || type == JSON_UINT32 || type == JSON_UINT64)
		wr_printf(to, "%" PRIu64, value);
	else
		wr_printf(to, "%" PRId64, (int64_t)(value << spare) >> spare);
	return rd->failed ? -1 : 0;
}

static int print_value(struct printer *printer, uint8_t type, struct view bytes)
{
	struct writer *to = printer->to;
	struct reader rd = reader_of(bytes);
	struct view text;
	uint64_t bits;
	double real;

	if (printer->depth > DEPTH_MOST || to->len > printer->most)
		return -1;
	switch (type) {
	case JSON_SMALL_OBJECT: case JSON_LARGE_OBJECT: case JSON_SMALL_ARRAY: case JSON_LARGE_ARRAY:
		return print_container(printer, bytes, type <= JSON_LARGE_OBJECT, type & 1);
	case JSON_LITERAL:
		return print_literal(rd_u8(&rd), to);
	case JSON_INT16: case JSON_UINT16: case JSON_INT32: case JSON_UINT32: case JSON_INT64: case JSON_UINT64:
		return print_integer(type, &rd, to);
	case JSON_DOUBLE:
		bits = rd_uint_le(&rd, 8);
		memcpy(&real, &bits, sizeof(real));
		if (rd.failed || !isfinite(real))
			return -1;
		print_double(real, to);
		return 0;
	case JSON_STRING:
		text = read_text(&rd);
		print_text(text, to);
		return rd.failed ? -1 : 0;
	case JSON_OPAQUE:
		return print_opaque(bytes, to);
	default:
		return -1;
	}
}

/* Of no bytes at all: what an INSERT IGNORE has put in place of a null. */
int my_json_print(struct view binary, struct writer *to)
{
	struct printer printer = {.to = to, .most = to->len + binary.len * GROWTH_MOST};

	if (!binary.len) {
		wr_printf(to, "null");
		return 0;
	}
	return print_value(&printer, (uint8_t)binary.ptr[0], (struct view){binary.ptr + 1, binary.len - 1});
}
