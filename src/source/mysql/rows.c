/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The values of rows events (MySQL source, log_event.cc and decimal.c: "Rows_log_event", "decimal2bin"). Numbers are
 * little-endian, decimals big-endian. Times are in times.c.
 */
#include "rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/real_text.h"
#include "inflate.h"
#include "json.h"

uint64_t rd_lenenc(struct reader *rd)
{
	uint8_t first = rd_u8(rd);

	switch (first) {
	case 0xfc:
		return rd_u16le(rd);
	case 0xfd:
		return rd_uint_le(rd, 3);
	case 0xfe:
		return rd_uint_le(rd, 8);
	case 0xfb: case 0xff: /* null, or an error: no number */
		rd->failed = true;
		return 0;
	default:
		return first;
	}
}
/* Numbers -------------------------------------------------------------------------------------- */

/* Of so many bytes, with its sign unless it has none. */
static int read_integer(struct reader *rd, const struct my_column *column, size_t bytes, struct value *ret)
{
	uint64_t value = rd_uint_le(rd, bytes);
	unsigned spare = 64 - 8 * (unsigned)bytes;

	ret->integer = column->is_unsigned ? (int64_t)value : (int64_t)(value << spare) >> spare;
	return 0;
}

#define INTEGER_READER(name, bytes) \
	int name(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret) \
	{ \
		(void)arena; \
		return read_integer(rd, column, bytes, ret); \
	}

INTEGER_READER(read_tiny, 1)
INTEGER_READER(read_short, 2)
INTEGER_READER(read_int24, 3)
INTEGER_READER(read_long, 4)

/* Unsigned ones do not fit into 64 bits with a sign: they are decimals. */
int read_longlong(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	char digits[24], *to = digits + sizeof(digits);
	uint64_t value = rd_uint_le(rd, 8);
	size_t len;

	ret->integer = (int64_t)value;
	if (!column->is_unsigned)
		return 0;
	do {
		*--to = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	len = (size_t)(digits + sizeof(digits) - to);
	ret->text = (struct view){memcpy(arena_alloc(arena, len), to, len), len};
	return 0;
}

int read_float(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	uint32_t bits = rd_u32le(rd);
	float value;

	(void)column;
	memcpy(&value, &bits, sizeof(value));
	ret->text = real_text_single(value, arena);
	ret->real = real_of_single(value, ret->text);
	return isfinite(value) ? 0 : -1;
}

int read_double(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	uint64_t bits = rd_uint_le(rd, 8);

	(void)column;
	memcpy(&ret->real, &bits, sizeof(bits));
	ret->text = real_text(ret->real, arena);
	return isfinite(ret->real) ? 0 : -1;
}

int read_year(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	unsigned year = rd_u8(rd);

	(void)column;
	(void)arena;
	ret->integer = year ? (int64_t)year + 1900 : 0;
	return 0;
}

/* Bytes that hold a group of so many digits. */
static const uint8_t group_bytes[10] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};

/* The next group as digits; the sign is taken out of all of its bytes. */
static char *put_group(struct reader *rd, unsigned digits, uint8_t flip, uint8_t mask, char *to)
{
	unsigned bytes = group_bytes[digits];
	const char *from = rd_take(rd, bytes);
	uint32_t value = 0;

	for (unsigned i = 0; from && i < bytes; i++)
		value = value << 8 | (uint8_t)((uint8_t)from[i] ^ flip ^ (i == 0 ? mask : 0));
	for (unsigned i = digits; i-- > 0; value /= 10)
		to[i] = (char)('0' + value % 10);
	return to + digits;
}

/* precision << 8 | scale stands in the meta: digits in groups of nine, from the point outwards. */
int read_decimal(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	unsigned precision = column->meta & 0xff, scale = column->meta >> 8, whole = precision - scale;
	char digits[80], *to = digits, *from = digits, *text;
	uint8_t flip = rd_left(rd) && !(*rd->pos & 0x80) ? 0xff : 0, mask = 0x80;

	if (precision > 65 || scale > precision)
		return -1;
	for (unsigned left = whole; left; left -= left % 9 ? left % 9 : 9, mask = 0)
		to = put_group(rd, left % 9 ? left % 9 : 9, flip, mask, to);
	for (unsigned left = scale; left; left -= left < 9 ? left : 9, mask = 0)
		to = put_group(rd, left < 9 ? left : 9, flip, mask, to);
	while (whole > 1 && *from == '0') {
		from++;
		whole--;
	}
	text = arena_alloc(arena, sizeof(digits) + 3);
	ret->text = (struct view){text, (size_t)snprintf(text, sizeof(digits) + 3, "%s%.*s%s%s%.*s", flip ? "-" : "", (int)whole, from,
							   whole ? "" : "0", scale ? "." : "", (int)scale, from + whole)};
	return 0;
}

/* Texts and bytes ------------------------------------------------------------------------------ */

static int put_text(struct view bytes, const struct my_column *column, struct arena *arena, struct value *ret)
{
	ret->text = bytes;
	return column->charset && column->charset->form != CHARSET_BYTES ? my_charset_text(column->charset, bytes, arena, &ret->text) : 0;
}

int read_varchar(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	size_t len = column->meta < 256 ? rd_u8(rd) : rd_u16le(rd);

	return put_text(rd_bytes(rd, len), column, arena, ret);
}

/* Zero bytes at the end of BINARY are cut off in the log. */
int read_char(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	struct view bytes = rd_bytes(rd, column->meta < 256 ? rd_u8(rd) : rd_u16le(rd));
	char *padded;

	if (!column->charset || column->charset->form != CHARSET_BYTES || bytes.len >= column->meta)
		return put_text(bytes, column, arena, ret);
	padded = arena_alloc(arena, column->meta);
	memset(padded, 0, column->meta);
	memcpy(padded, bytes.ptr, bytes.len);
	ret->text = (struct view){padded, column->meta};
	return 0;
}

int read_blob(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	size_t len = column->meta >= 1 && column->meta <= 4 ? (size_t)rd_uint_le(rd, column->meta) : SIZE_MAX;

	return put_text(rd_bytes(rd, len), column, arena, ret);
}

/* MariaDB: of a column that is COMPRESSED. Nothing but the value itself says whether it is. */
static int read_packed(struct view stored, const struct my_column *column, struct arena *arena, struct value *ret)
{
	struct writer bytes = {0};
	int result = inflate_column(stored, &bytes);

	if (result == 0)
		result = put_text(arena_copy(arena, wr_view(&bytes)), column, arena, ret);
	wr_done(&bytes);
	return result;
}

int read_packed_varchar(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	return read_packed(rd_bytes(rd, column->meta < 256 ? rd_u8(rd) : rd_u16le(rd)), column, arena, ret);
}

int read_packed_blob(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	return read_packed(rd_bytes(rd, column->meta <= 4 ? (size_t)rd_uint_le(rd, column->meta) : SIZE_MAX), column, arena, ret);
}

int read_json(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	size_t len = column->meta >= 1 && column->meta <= 4 ? (size_t)rd_uint_le(rd, column->meta) : SIZE_MAX;
	struct view binary = rd_bytes(rd, len);
	struct writer text = {0};
	int result = rd->failed ? 0 : my_json_print(binary, &text);

	ret->text = arena_copy(arena, wr_view(&text));
	wr_done(&text);
	return result;
}

/* Bits: how many of a last byte << 0, how many whole bytes << 8. */
static unsigned bits_of(const struct my_column *column)
{
	return (column->meta >> 8) * 8u + (column->meta & 0xff);
}

static int put_bits(struct view bytes, unsigned bits, struct arena *arena, struct value *ret)
{
	char *text = arena_alloc(arena, bits + 1);

	if (bytes.len * 8 < bits || !bits || bits > 64)
		return -1;
	for (unsigned i = 0; i < bits; i++) {
		unsigned at = bits - 1 - i; /* from the last bit of the last byte */

		text[i] = (char)('0' + ((uint8_t)bytes.ptr[bytes.len - 1 - at / 8] >> at % 8 & 1));
	}
	ret->text = (struct view){text, bits};
	ret->integer = text[bits - 1] == '1';
	return 0;
}

int read_bit(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	unsigned bits = bits_of(column);
	struct view bytes = rd_bytes(rd, (bits + 7) / 8);

	return rd->failed ? 0 : put_bits(bytes, bits, arena, ret);
}

/* 0 is what the server stores for a label that it did not know. */
int read_enum(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	uint64_t number = rd_uint_le(rd, column->meta == 1 ? 1 : 2);

	(void)arena;
	if (number > column->label_count)
		return -1;
	ret->text = number ? column->labels[number - 1] : VIEW("");
	return 0;
}

int read_set(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	uint64_t members = column->meta >= 1 && column->meta <= 8 ? rd_uint_le(rd, column->meta) : UINT64_MAX;
	char *text, *to;
	size_t room = 1;

	if (column->label_count < 64 && members >> column->label_count)
		return -1;
	for (unsigned i = 0; i < column->label_count && i < 64; i++)
		room += column->labels[i].len + 1;
	text = to = arena_alloc(arena, room);
	for (unsigned i = 0; i < column->label_count && i < 64; i++) {
		if (!(members >> i & 1))
			continue;
		if (to > text)
			*to++ = ',';
		memcpy(to, column->labels[i].ptr, column->labels[i].len);
		to += column->labels[i].len;
	}
	ret->text = (struct view){text, (size_t)(to - text)};
	return 0;
}

/* Results of the text protocol ------------------------------------------------------------------ */

int parse_integer(struct view text, const struct my_column *column, struct arena *arena, struct value *ret)
{
	const char *end;

	(void)column;
	(void)arena;
	if (!text.len)
		return -1;
	ret->integer = strtoll(text.ptr, (char **)&end, 10); /* results end with a NUL */
	return end == text.ptr + text.len ? 0 : -1;
}

/* ZEROFILL puts zeros in front, which the log does not have. */
int parse_decimal(struct view text, const struct my_column *column, struct arena *arena, struct value *ret)
{
	(void)column;
	(void)arena;
	for (; text.len > 1 && *text.ptr == '0' && text.ptr[1] != '.'; text.len--)
		text.ptr++;
	ret->text = text;
	return text.len ? 0 : -1;
}

int parse_unsigned(struct view text, const struct my_column *column, struct arena *arena, struct value *ret)
{
	if (!column->is_unsigned)
		return parse_integer(text, column, arena, ret);
	return parse_decimal(text, column, arena, ret);
}

int parse_real(struct view text, const struct my_column *column, struct arena *arena, struct value *ret)
{
	char *end;

	(void)column;
	ret->real = strtod(text.ptr, &end);
	ret->text = real_text(ret->real, arena);
	return text.len && end == text.ptr + text.len ? 0 : -1;
}

int parse_single(struct view text, const struct my_column *column, struct arena *arena, struct value *ret)
{
	if (parse_real(text, column, arena, ret) < 0)
		return -1;
	ret->text = real_text_single((float)ret->real, arena);
	ret->real = real_of_single((float)ret->real, ret->text);
	return 0;
}

int parse_text(struct view text, const struct my_column *column, struct arena *arena, struct value *ret)
{
	(void)column;
	(void)arena;
	ret->text = text;
	return 0;
}

int parse_bit(struct view text, const struct my_column *column, struct arena *arena, struct value *ret)
{
	return put_bits(text, bits_of(column), arena, ret);
}
