/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Decimals as texts: taking a number's text apart, the total order of texts of any length, and the shortest text of a
 * double.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "number_text.h"

#define EXPONENT_CEILING 100000 /* no power of ten near it can be exact; keeps sums of exponents small */

static struct view take_digits(const char **pos, const char *end)
{
	const char *start = *pos;

	while (*pos < end && **pos >= '0' && **pos <= '9')
		(*pos)++;
	return (struct view){start, (size_t)(*pos - start)};
}

static int take_exponent(const char **pos, const char *end, long *ret)
{
	bool negative = false;
	long value = 0;

	(*pos)++;
	if (*pos < end && (**pos == '-' || **pos == '+'))
		negative = *(*pos)++ == '-';

	struct view digits = take_digits(pos, end);

	if (!digits.len)
		return -1;
	for (size_t i = 0; i < digits.len && value < EXPONENT_CEILING; i++)
		value = value * 10 + (digits.ptr[i] - '0');
	*ret = negative ? -value : value;
	return 0;
}

int number_split(struct view text, bool exponent_allowed, struct number_text *ret)
{
	const char *pos = text.ptr;
	const char *end = text.ptr + text.len;

	*ret = (struct number_text){.whole = VIEW(""), .fraction = VIEW("")};
	if (pos < end && (*pos == '-' || *pos == '+'))
		ret->negative = *pos++ == '-';
	ret->whole = take_digits(&pos, end);
	if (pos < end && *pos == '.') {
		pos++;
		ret->fraction = take_digits(&pos, end);
	}
	if (!ret->whole.len && !ret->fraction.len)
		return -1;
	if (exponent_allowed && pos < end && (*pos == 'e' || *pos == 'E') && take_exponent(&pos, end, &ret->exponent))
		return -1;
	return pos == end ? 0 : -1;
}

/* What a text is, in the order in which kinds are sorted. */
enum text_rank { RANK_MINUS_INFINITY, RANK_NUMBER, RANK_INFINITY, RANK_NAN, RANK_OTHER };

static enum text_rank rank_text(struct view text, struct number_text *number)
{
	if (!number_split(text, false, number))
		return RANK_NUMBER;
	if (view_is(text, "NaN"))
		return RANK_NAN;
	if (view_is(text, "Infinity"))
		return RANK_INFINITY;
	if (view_is(text, "-Infinity"))
		return RANK_MINUS_INFINITY;
	return RANK_OTHER;
}

/* By magnitude: more digits before the point, then those digits, then the ones behind it. */
static int compare_magnitude(const struct number_text *a, const struct number_text *b)
{
	struct view whole_a = without_leading_zeros(a->whole);
	struct view whole_b = without_leading_zeros(b->whole);

	if (whole_a.len != whole_b.len)
		return whole_a.len < whole_b.len ? -1 : 1;

	int order = view_compare(whole_a, whole_b);

	if (order)
		return order;
	return view_compare(without_trailing_zeros(a->fraction), without_trailing_zeros(b->fraction));
}

static bool is_zero(const struct number_text *number)
{
	return !without_leading_zeros(number->whole).len && !without_trailing_zeros(number->fraction).len;
}

int decimal_compare_text(struct view a, struct view b)
{
	struct number_text number_a, number_b;
	enum text_rank rank_a = rank_text(a, &number_a);
	enum text_rank rank_b = rank_text(b, &number_b);

	if (rank_a != rank_b)
		return rank_a < rank_b ? -1 : 1;
	if (rank_a == RANK_OTHER)
		return view_compare(a, b);
	if (rank_a != RANK_NUMBER)
		return 0;

	bool negative_a = number_a.negative && !is_zero(&number_a);
	bool negative_b = number_b.negative && !is_zero(&number_b);

	if (negative_a != negative_b)
		return negative_a ? -1 : 1;
	return negative_a ? compare_magnitude(&number_b, &number_a) : compare_magnitude(&number_a, &number_b);
}

/* The fewest digits that read back as the same double: 15 are always faithful to a normal one, 17 always enough. */
static void shortest_exponent_form(double value, char text[64])
{
	for (int digits = fabs(value) < 2.3e-308 ? 1 : 15; digits <= 17; digits++) {
		snprintf(text, 64, "%.*e", digits - 1, value);
		if (strtod(text, NULL) == value)
			return;
	}
}

int decimal_print_double(double value, char text[350])
{
	char form[64];
	struct number_text number;
	char *to = text;

	if (!isfinite(value))
		return sprintf(text, "%s", isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
	shortest_exponent_form(value, form);
	number_split(view_of(form), true, &number);

	struct view fraction = without_trailing_zeros(number.fraction);
	long point = 1 + number.exponent; /* digits before the point */
	char digits[32];
	long count = 1 + (long)fraction.len;

	digits[0] = number.whole.ptr[0];
	memcpy(digits + 1, fraction.ptr, fraction.len);
	if (number.negative && value != 0)
		*to++ = '-';
	if (point <= 0)
		*to++ = '0';
	for (long i = point < 0 ? point : 0; i < count || i < point; i++) {
		if (i == point)
			*to++ = '.';
		*to++ = i >= 0 && i < count ? digits[i] : '0';
	}
	*to = 0;
	return (int)(to - text);
}
