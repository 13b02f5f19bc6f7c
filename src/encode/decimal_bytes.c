/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "decimal_bytes.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

#define LIMB_DIGITS 9 /* decimal digits that fit a limb of 32 bits */

char *put_decimal128(char *to, __int128 value)
{
	int bytes = 16;

	/* a leading byte that only repeats the sign of the next is not needed */
	while (bytes > 1 && value >> (8 * bytes - 9) == (value < 0 ? -1 : 0))
		bytes--;
	*to++ = (char)(bytes * 2);
	for (int i = bytes - 1; i >= 0; i--)
		*to++ = (char)(value >> (8 * i));
	return to;
}

int decimal128_of_bytes(struct view bytes, __int128 *ret)
{
	unsigned __int128 value;

	if (!bytes.len || bytes.len > 16)
		return -1;
	value = (unsigned char)bytes.ptr[0] >> 7 ? ~(unsigned __int128)0 : 0;
	for (size_t i = 0; i < bytes.len; i++)
		value = value << 8 | (unsigned char)bytes.ptr[i];
	*ret = (__int128)value;
	return 0;
}

/* An unsigned number of any size, limbs of 32 bits, least significant first. */
struct big {
	uint32_t *limbs; /* owned */
	size_t count;
};

/* big * factor + term; there is room for one more limb. */
static void big_scale(struct big *big, uint32_t factor, uint32_t term)
{
	uint64_t carry = term;

	for (size_t i = 0; i < big->count; i++) {
		carry += (uint64_t)big->limbs[i] * factor;
		big->limbs[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry)
		big->limbs[big->count++] = (uint32_t)carry;
}

/* big / divisor; returns the rest. */
static uint32_t big_divide(struct big *big, uint32_t divisor)
{
	uint64_t rest = 0;

	for (size_t i = big->count; i-- > 0;) {
		rest = rest << 32 | big->limbs[i];
		big->limbs[i] = (uint32_t)(rest / divisor);
		rest %= divisor;
	}
	while (big->count && !big->limbs[big->count - 1])
		big->count--;
	return (uint32_t)rest;
}

/* A plain decimal's digits, without the point, brought to a scale. */
struct digits {
	bool negative;
	struct view whole;    /* without leading zeros */
	struct view fraction; /* without trailing zeros behind the scale */
	size_t zeros;         /* to append */
};

static struct view take_digits(struct view *text)
{
	struct view digits = {text->ptr, 0};

	while (text->len && *text->ptr >= '0' && *text->ptr <= '9') {
		text->ptr++;
		text->len--;
		digits.len++;
	}
	return digits;
}

static int split_digits(struct view text, int precision, int scale, struct digits *ret)
{
	*ret = (struct digits){.fraction = VIEW("")};
	if (text.len && (*text.ptr == '-' || *text.ptr == '+')) {
		ret->negative = *text.ptr == '-';
		text.ptr++;
		text.len--;
	}
	ret->whole = take_digits(&text);
	if (text.len && *text.ptr == '.') {
		text.ptr++;
		text.len--;
		ret->fraction = take_digits(&text);
	}
	if (text.len || ret->whole.len + ret->fraction.len == 0)
		return -1;
	while (ret->whole.len && *ret->whole.ptr == '0') {
		ret->whole.ptr++;
		ret->whole.len--;
	}
	while (ret->fraction.len > (size_t)scale && ret->fraction.ptr[ret->fraction.len - 1] == '0')
		ret->fraction.len--;
	if (ret->fraction.len > (size_t)scale || ret->whole.len + (size_t)scale > (size_t)precision)
		return -1;
	ret->zeros = (size_t)scale - ret->fraction.len;
	return 0;
}

static char digit_at(const struct digits *digits, size_t i)
{
	if (i < digits->whole.len)
		return digits->whole.ptr[i];
	i -= digits->whole.len;
	return i < digits->fraction.len ? digits->fraction.ptr[i] : '0';
}

/* The digits' value, nine at a time. */
static struct big big_of_digits(const struct digits *digits)
{
	size_t count = digits->whole.len + digits->fraction.len + digits->zeros;
	struct big big = {MEM_ARRAY(uint32_t, count / LIMB_DIGITS + 2), 0};

	for (size_t i = 0; i < count;) {
		uint32_t factor = 1, term = 0;

		for (int k = 0; k < LIMB_DIGITS && i < count; k++, i++) {
			factor *= 10;
			term = term * 10 + (uint32_t)(digit_at(digits, i) - '0');
		}
		big_scale(&big, factor, term);
	}
	return big;
}

/* Makes the two's complement of a value in place; the limbs have room for a sign bit. */
static void big_negate(struct big *big)
{
	uint64_t carry = 1;

	for (size_t i = 0; i < big->count; i++) {
		carry += (uint32_t)~big->limbs[i];
		big->limbs[i] = (uint32_t)carry;
		carry >>= 32;
	}
}

static unsigned char big_byte(const struct big *big, size_t i)
{
	return (unsigned char)(big->limbs[i / 4] >> (8 * (i % 4)));
}

static char *put_big(char *to, struct big *big, bool negative)
{
	unsigned char sign = negative && big->count ? 0xff : 0;
	size_t bytes;

	big->limbs[big->count++] = 0; /* room for the sign */
	if (sign)
		big_negate(big);
	bytes = big->count * 4;
	while (bytes > 1 && big_byte(big, bytes - 1) == sign && big_byte(big, bytes - 2) >> 7 == sign >> 7)
		bytes--;
	to = put_long(to, (int64_t)bytes);
	while (bytes-- > 0)
		*to++ = (char)big_byte(big, bytes);
	return to;
}

char *put_decimal_text(char *to, struct view text, int precision, int scale)
{
	struct digits digits;
	struct big big;

	if (split_digits(text, precision, scale, &digits))
		return NULL;
	big = big_of_digits(&digits);
	to = put_big(to, &big, digits.negative);
	free(big.limbs);
	return to;
}

static struct big big_of_bytes(struct view bytes, bool negative)
{
	struct big big = {MEM_ARRAY(uint32_t, bytes.len / 4 + 2), bytes.len / 4 + 1};

	if (negative)
		memset(big.limbs, 0xff, big.count * sizeof(*big.limbs));
	for (size_t i = 0; i < bytes.len; i++) {
		uint32_t byte = (unsigned char)bytes.ptr[bytes.len - 1 - i];

		big.limbs[i / 4] &= ~((uint32_t)0xff << (8 * (i % 4)));
		big.limbs[i / 4] |= byte << (8 * (i % 4));
	}
	if (negative)
		big_negate(&big);
	return big;
}

/* Decimal digits of a value, least significant first; it is used up. */
static size_t big_digits(struct big *big, char *digits)
{
	size_t count = 0;

	while (big->count) {
		uint32_t rest = big_divide(big, 1000000000);

		for (int i = 0; i < LIMB_DIGITS; i++) {
			digits[count++] = (char)('0' + rest % 10);
			rest /= 10;
		}
	}
	while (count && digits[count - 1] == '0')
		count--;
	return count;
}

void decimal_text_of_bytes(struct view bytes, int scale, struct writer *to)
{
	bool negative = bytes.len && (unsigned char)bytes.ptr[0] >> 7;
	struct big big = big_of_bytes(bytes, negative);
	char *digits = MEM_ARRAY(char, (big.count + 1) * 10 + LIMB_DIGITS);
	size_t count = big_digits(&big, digits);

	if (negative)
		wr_u8(to, '-');
	if (count <= (size_t)scale)
		wr_u8(to, '0');
	for (size_t i = count > (size_t)scale ? count : (size_t)scale; i-- > 0;) {
		if (i + 1 == (size_t)scale)
			wr_u8(to, '.');
		wr_u8(to, i < count ? (uint8_t)digits[i] : '0');
	}
	free(digits);
	free(big.limbs);
}
