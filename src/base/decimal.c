/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Exact decimals. Arithmetic works on magnitudes (unsigned __int128) and a sign, since two coefficients of 38 digits
 * can differ by more than a signed 128-bit number holds; products go through 256 bits. Trailing zeros behind the point
 * are kept as long as there is room for them, and given up before a result is refused.
 */
#include "base/decimal.h"

#include <string.h>

#include "number_text.h"

typedef unsigned __int128 u128;

/* 10^n for n up to 38, the largest that 128 bits hold. */
static u128 power10(int n)
{
	static const uint64_t small[20] = {
		1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000,
		1000000000000, 10000000000000, 100000000000000, 1000000000000000, 10000000000000000,
		100000000000000000, 1000000000000000000, 10000000000000000000u,
	};

	return n < 20 ? small[n] : (u128)small[19] * small[n - 19];
}

static u128 magnitude(__int128 value)
{
	return value < 0 ? -(u128)value : (u128)value;
}

bool decimal_fits(__int128 coefficient, int precision)
{
	return magnitude(coefficient) < power10(precision);
}

/* Makes a decimal of a magnitude: drops zeros behind the point if that is what it takes. */
static int finish(bool negative, u128 mag, int scale, struct decimal *ret)
{
	while (scale > 0 && (scale > DECIMAL_DIGITS || mag >= power10(DECIMAL_DIGITS)) && mag % 10 == 0) {
		mag /= 10;
		scale--;
	}
	if (scale > DECIMAL_DIGITS || mag >= power10(DECIMAL_DIGITS))
		return -1;
	*ret = (struct decimal){.coefficient = negative ? -(__int128)mag : (__int128)mag, .scale = scale};
	return 0;
}

static u128 append_digits(u128 mag, struct view digits)
{
	for (size_t i = 0; i < digits.len; i++)
		mag = mag * 10 + (unsigned)(digits.ptr[i] - '0');
	return mag;
}

/* The usual case: few enough digits to be read straight away. */
static int parse_short(const struct number_text *number, struct decimal *ret)
{
	u128 mag = append_digits(append_digits(0, number->whole), number->fraction);

	return finish(number->negative, mag, (int)number->fraction.len, ret);
}

/* Any number of digits and any exponent: reduced to the significant digits first, then to the scale that it needs. */
static int parse_long(struct number_text number, struct decimal *ret)
{
	struct view whole = without_leading_zeros(number.whole);
	struct view fraction = number.fraction;
	long scale;

	if (number.exponent || whole.len + fraction.len > DECIMAL_DIGITS)
		fraction = without_trailing_zeros(fraction);
	scale = (long)fraction.len - number.exponent;
	if (!whole.len)
		fraction = without_leading_zeros(fraction);
	if (!fraction.len && scale > 0) {
		struct view kept = without_trailing_zeros(whole);

		while (whole.len > kept.len && scale > 0) {
			whole.len--;
			scale--;
		}
	}
	if (whole.len + fraction.len == 0)
		scale = scale < 0 ? 0 : scale > DECIMAL_DIGITS ? DECIMAL_DIGITS : scale;
	if (whole.len + fraction.len > DECIMAL_DIGITS || scale > DECIMAL_DIGITS || scale < -DECIMAL_DIGITS)
		return -1;

	u128 mag = append_digits(append_digits(0, whole), fraction);

	if (scale < 0) {
		if (__builtin_mul_overflow(mag, power10((int)-scale), &mag))
			return -1;
		scale = 0;
	}
	return finish(number.negative, mag, (int)scale, ret);
}

int decimal_parse(struct view text, struct decimal *ret)
{
	struct number_text number;

	if (number_split(text, true, &number))
		return -1;
	if (!number.exponent && number.whole.len + number.fraction.len <= DECIMAL_DIGITS)
		return parse_short(&number, ret);
	return parse_long(number, ret);
}

static struct decimal stripped(struct decimal a)
{
	while (a.scale > 0 && a.coefficient % 10 == 0) {
		a.coefficient /= 10;
		a.scale--;
	}
	return a;
}

/* Sum of two decimals whose scales are made equal by raising the smaller; -1 if that does not fit 128 bits. */
static int add_aligned(struct decimal a, struct decimal b, struct decimal *ret)
{
	u128 mag_a = magnitude(a.coefficient);
	u128 mag_b = magnitude(b.coefficient);
	int scale = a.scale > b.scale ? a.scale : b.scale;
	bool negative = a.coefficient < 0;
	u128 sum;

	if (__builtin_mul_overflow(mag_a, power10(scale - a.scale), &mag_a) ||
	    __builtin_mul_overflow(mag_b, power10(scale - b.scale), &mag_b))
		return -1;
	if (negative == (b.coefficient < 0)) {
		if (__builtin_add_overflow(mag_a, mag_b, &sum))
			return -1;
	} else if (mag_a >= mag_b) {
		sum = mag_a - mag_b;
	} else {
		sum = mag_b - mag_a;
		negative = !negative;
	}
	return finish(negative, sum, scale, ret);
}

int decimal_add(struct decimal a, struct decimal b, struct decimal *ret)
{
	if (!add_aligned(a, b, ret))
		return 0;
	return add_aligned(stripped(a), stripped(b), ret);
}

int decimal_sub(struct decimal a, struct decimal b, struct decimal *ret)
{
	b.coefficient = -b.coefficient;
	return decimal_add(a, b, ret);
}

/* An unsigned 256-bit number, least significant limb first. */
struct wide {
	uint32_t limb[8];
};

static struct wide wide_product(u128 a, u128 b)
{
	struct wide product = {{0}};

	for (int i = 0; i < 4; i++) {
		uint64_t carry = 0;

		for (int k = 0; k < 4; k++) {
			uint64_t digit = (uint64_t)(uint32_t)(a >> (32 * i)) * (uint32_t)(b >> (32 * k));

			digit += product.limb[i + k] + carry;
			product.limb[i + k] = (uint32_t)digit;
			carry = digit >> 32;
		}
		product.limb[i + 4] = (uint32_t)carry;
	}
	return product;
}

/* Divides by ten; returns the remainder. */
static unsigned wide_tenth(struct wide *wide)
{
	uint64_t rest = 0;

	for (int i = 7; i >= 0; i--) {
		rest = rest << 32 | wide->limb[i];
		wide->limb[i] = (uint32_t)(rest / 10);
		rest %= 10;
	}
	return (unsigned)rest;
}

static bool wide_is_narrow(const struct wide *wide)
{
	return !(wide->limb[4] | wide->limb[5] | wide->limb[6] | wide->limb[7]);
}

int decimal_mul(struct decimal a, struct decimal b, struct decimal *ret)
{
	struct wide product = wide_product(magnitude(a.coefficient), magnitude(b.coefficient));
	bool negative = (a.coefficient < 0) != (b.coefficient < 0);
	int scale = a.scale + b.scale;
	u128 mag = 0;

	while (!wide_is_narrow(&product)) {
		if (scale == 0 || wide_tenth(&product))
			return -1;
		scale--;
	}
	for (int i = 3; i >= 0; i--)
		mag = mag << 32 | product.limb[i];
	if (mag == 0 && scale > DECIMAL_DIGITS)
		scale = DECIMAL_DIGITS;
	return finish(negative, mag, scale, ret);
}

/* The next digit of a long division: rest * 10 / b, with 10 taken bit by bit so that nothing outgrows 128 bits. */
static unsigned next_digit(u128 *rest, u128 b)
{
	u128 sum = 0;
	unsigned digit = 0;

	for (int bit = 3; bit >= 0; bit--) {
		sum *= 2;
		digit *= 2;
		if (sum >= b) {
			sum -= b;
			digit++;
		}
		if (!(10 >> bit & 1))
			continue;
		sum += *rest;
		if (sum >= b) {
			sum -= b;
			digit++;
		}
	}
	*rest = sum;
	return digit;
}

/* a * 10^shift / b, rounded half away from zero; -1 if that has more than 38 digits. */
static int divide_rounded(u128 a, int shift, u128 b, u128 *ret)
{
	u128 quotient = a / b;
	u128 rest = a % b;

	for (; shift > 0; shift--) {
		if (quotient >= power10(DECIMAL_DIGITS - 1))
			return -1;
		quotient = quotient * 10 + next_digit(&rest, b);
	}
	*ret = quotient + (rest >= b - rest);
	return 0;
}

int decimal_div(struct decimal a, struct decimal b, int scale, struct decimal *ret)
{
	u128 divisor = magnitude(b.coefficient);
	int shift = scale + b.scale - a.scale;
	u128 mag;

	if (!divisor || scale < 0 || scale > DECIMAL_DIGITS)
		return -1;
	if (shift < 0) { /* too large a divisor leaves nothing, not even after rounding */
		if (__builtin_mul_overflow(divisor, power10(-shift), &divisor))
			mag = 0;
		else if (divide_rounded(magnitude(a.coefficient), 0, divisor, &mag))
			return -1;
	} else if (divide_rounded(magnitude(a.coefficient), shift, divisor, &mag)) {
		return -1;
	}
	if (mag >= power10(DECIMAL_DIGITS))
		return -1;
	return finish((a.coefficient < 0) != (b.coefficient < 0), mag, scale, ret);
}

int decimal_round(struct decimal a, int scale, struct decimal *ret)
{
	int dropped = a.scale - scale;
	u128 mag = magnitude(a.coefficient);

	if (dropped <= 0) {
		if (decimal_rescale(a, scale, ret))
			*ret = a; /* there is no room for more zeros; the value is the same */
		return 0;
	}
	if (dropped > DECIMAL_DIGITS || divide_rounded(mag, 0, power10(dropped), &mag))
		mag = 0;
	if (scale < 0) { /* tens, hundreds ... */
		if (scale < -DECIMAL_DIGITS || __builtin_mul_overflow(mag, power10(-scale), &mag))
			return mag ? -1 : finish(false, 0, 0, ret);
		scale = 0;
	}
	return finish(a.coefficient < 0, mag, scale, ret);
}

/* How many steps, both with as many digits behind the point. */
static __int128 whole_steps(__int128 a, __int128 step)
{
	u128 unit = magnitude(step), steps = magnitude(a) / unit, rest = magnitude(a) % unit;

	steps += rest > unit - rest || (rest == unit - rest && steps % 2);
	return a < 0 ? -(__int128)steps : (__int128)steps;
}

int decimal_round_even(struct decimal a, struct decimal step, struct decimal *ret)
{
	int scale = a.scale > step.scale ? a.scale : step.scale;
	struct decimal same, unit;

	if (!step.coefficient) {
		*ret = a;
		return 0;
	}
	if (decimal_rescale(a, scale, &same) || decimal_rescale(step, scale, &unit))
		return -1;
	step.coefficient = step.coefficient < 0 ? -step.coefficient : step.coefficient;
	return decimal_mul((struct decimal){.coefficient = whole_steps(same.coefficient, unit.coefficient)}, step, ret);
}

int decimal_rescale(struct decimal a, int scale, struct decimal *ret)
{
	u128 mag = magnitude(a.coefficient);

	if (scale < 0 || scale > DECIMAL_DIGITS)
		return -1;
	if (scale >= a.scale) {
		if (__builtin_mul_overflow(mag, power10(scale - a.scale), &mag) || mag >= power10(DECIMAL_DIGITS))
			return -1;
	} else {
		u128 unit = power10(a.scale - scale);

		if (mag % unit)
			return -1;
		mag /= unit;
	}
	return finish(a.coefficient < 0, mag, scale, ret);
}

int decimal_compare(struct decimal a, struct decimal b)
{
	__int128 unit_a = (__int128)power10(a.scale);
	__int128 unit_b = (__int128)power10(b.scale);
	__int128 whole_a = a.coefficient / unit_a;
	__int128 whole_b = b.coefficient / unit_b;

	if (whole_a != whole_b)
		return whole_a < whole_b ? -1 : 1;

	/* both fractions, with their signs, at 38 digits */
	__int128 rest_a = a.coefficient % unit_a * (__int128)power10(DECIMAL_DIGITS - a.scale);
	__int128 rest_b = b.coefficient % unit_b * (__int128)power10(DECIMAL_DIGITS - b.scale);

	return (rest_a > rest_b) - (rest_a < rest_b);
}

int decimal_print(struct decimal a, char text[DECIMAL_TEXT_BYTES])
{
	char digits[DECIMAL_TEXT_BYTES];
	u128 mag = magnitude(a.coefficient);
	char *from = digits + sizeof(digits);
	char *to = text;
	int count = 0;

	do {
		*--from = (char)('0' + (int)(mag % 10));
		mag /= 10;
		if (++count == a.scale)
			*--from = '.';
	} while (mag || count <= a.scale);
	if (a.coefficient < 0)
		*to++ = '-';
	memcpy(to, from, (size_t)(digits + sizeof(digits) - from));
	to += digits + sizeof(digits) - from;
	*to = 0;
	return (int)(to - text);
}
