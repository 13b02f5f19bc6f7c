/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Avro's primitive values, written behind each other into memory that is known to suffice: each put function returns the
 * place after what it wrote; *_BYTES is the most that it writes. And read again: 0 after the end.
 */
#ifndef ENCODE_AVRO_BYTES_H
#define ENCODE_AVRO_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "base/reader.h"
#include "base/view.h"
#include "base/writer.h"

#define LONG_BYTES 10
#define FLOAT_BYTES 4
#define DOUBLE_BYTES 8

#define BRANCH_0 0 /* a union's first branch, as it is written */
#define BRANCH_1 2

/* Zigzag, then seven bits a byte, least significant first. */
static inline char *put_long(char *to, int64_t value)
{
	uint64_t rest = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);

	while (rest > 0x7f) {
		*to++ = (char)(rest | 0x80);
		rest >>= 7;
	}
	*to++ = (char)rest;
	return to;
}

static inline char *put_bytes(char *to, struct view bytes)
{
	to = put_long(to, (int64_t)bytes.len);
	if (bytes.len)
		memcpy(to, bytes.ptr, bytes.len);
	return to + bytes.len;
}

static inline char *put_float(char *to, float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	bits = htole32(bits);
	memcpy(to, &bits, sizeof(bits));
	return to + sizeof(bits);
}

static inline char *put_double(char *to, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	bits = htole64(bits);
	memcpy(to, &bits, sizeof(bits));
	return to + sizeof(bits);
}

/* The same behind what a writer has. */
static inline void append_long(struct writer *wr, int64_t value)
{
	wr_reserve(wr, LONG_BYTES);
	wr->len = (size_t)(put_long(wr->data + wr->len, value) - wr->data);
}

static inline void append_text(struct writer *wr, struct view text)
{
	append_long(wr, (int64_t)text.len);
	wr_view_bytes(wr, text);
}

/* Two decimal digits of a number below a hundred, for texts. */
static inline char *put_two_digits(char *to, unsigned number)
{
	static const char digits[] =
		"0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
		"5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

	memcpy(to, digits + 2 * number, 2);
	return to + 2;
}

/* Decimal digits of a number: by its bits (1233 / 4096 is a little more than log10 of 2), then exactly. */
static inline unsigned count_digits(uint64_t number)
{
	static const uint64_t powers[20] = {
		0, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000,
		1000000000000, 10000000000000, 100000000000000, 1000000000000000, 10000000000000000,
		100000000000000000, 1000000000000000000, 10000000000000000000u,
	};
	unsigned guess = (unsigned)(64 - __builtin_clzll(number | 1)) * 1233 >> 12;

	return guess + (number >= powers[guess]);
}

/* The digits of a number, of which there are `count`. */
static inline char *put_digits(char *to, uint64_t number, unsigned count)
{
	char *end = to + count;
	char *pos = end;

	for (; number >= 10; number /= 100)
		put_two_digits(pos -= 2, (unsigned)(number % 100));
	if (pos > to)
		*to = (char)('0' + number);
	return end;
}

/* Sets *ret_too_long if the number has more than 64 bits; it is left alone otherwise. */
static inline int64_t get_long(struct reader *rd, bool *ret_too_long)
{
	uint64_t value = 0;

	for (int shift = 0; shift < 64; shift += 7) {
		uint8_t byte = rd_u8(rd);

		if (shift == 63 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return (int64_t)(value >> 1 ^ -(value & 1));
	}
	*ret_too_long = true;
	return 0;
}

static inline float get_float(struct reader *rd)
{
	const char *bytes = rd_take(rd, FLOAT_BYTES);
	uint32_t bits = 0;
	float value;

	if (bytes)
		memcpy(&bits, bytes, sizeof(bits));
	bits = le32toh(bits);
	memcpy(&value, &bits, sizeof(value));
	return value;
}

static inline double get_double(struct reader *rd)
{
	const char *bytes = rd_take(rd, DOUBLE_BYTES);
	uint64_t bits = 0;
	double value;

	if (bytes)
		memcpy(&bits, bytes, sizeof(bits));
	bits = le64toh(bits);
	memcpy(&value, &bits, sizeof(value));
	return value;
}

#endif
