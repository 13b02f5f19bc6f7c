/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The shortest texts of binary floats, in the form that PostgreSQL prints. */
#include "base/real_text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* "-1.25e+20": the digits of %e without zeros at the end, in the form that the server chooses by the exponent. */
static struct view place_exponent(const char *scientific, int fixed_below, struct arena *arena)
{
	static const char zeros[] = "000000000000000000";
	const char *e = strchr(scientific, 'e');
	bool negative = *scientific == '-';
	char digits[24];
	int count = 0, exponent = atoi(e + 1);

	for (const char *at = scientific + negative; at < e && count < (int)sizeof(digits) - 1; at++)
		if (*at != '.')
			digits[count++] = *at;
	while (count > 1 && digits[count - 1] == '0')
		count--;
	digits[count] = '\0';
	if (exponent < -4 || exponent >= fixed_below)
		return arena_printf(arena, "%s%c%s%se%c%02d", negative ? "-" : "", digits[0], count > 1 ? "." : "", digits + 1,
				    exponent < 0 ? '-' : '+', abs(exponent));
	if (exponent < 0)
		return arena_printf(arena, "%s0.%.*s%s", negative ? "-" : "", -exponent - 1, zeros, digits);
	if (count <= exponent + 1)
		return arena_printf(arena, "%s%s%.*s", negative ? "-" : "", digits, exponent + 1 - count, zeros);
	return arena_printf(arena, "%s%.*s.%s", negative ? "-" : "", exponent + 1, digits, digits + exponent + 1);
}

static struct view special_real(double value)
{
	return isnan(value) ? VIEW("NaN") : value > 0 ? VIEW("Infinity") : VIEW("-Infinity");
}

/* Whether a number is exactly what a text made by %e says: all its further digits are zeros. */
static bool is_exactly(const char *text, long double number)
{
	size_t shown = strcspn(text, "e");
	char exact[80];
	const char *rest;

	snprintf(exact, sizeof(exact), "%.50Le", number);
	rest = exact + shown;
	return strncmp(exact, text, shown) == 0 && strcmp(rest + strspn(rest, ".0"), text + shown) == 0;
}

/* The server prints a digit more rather than a text that lies between two numbers and reads back by the rule for ties. */
static bool is_halfway(const char *text, long double value, long double above, long double below)
{
	return is_exactly(text, (value + above) / 2) || is_exactly(text, (value + below) / 2);
}

static struct view zero_or_special(double value)
{
	return value != 0 ? special_real(value) : signbit(value) ? VIEW("-0") : VIEW("0");
}

/* What fits in so many digits has zeros at the end, but for those numbers that have fewer bits than others. */
struct view real_text_single(float value, struct arena *arena)
{
	char text[40];

	if (!isfinite(value) || value == 0)
		return zero_or_special((double)value);
	for (int digits = fabsf(value) < FLT_MIN ? 0 : FLT_DIG - 1; digits < 9; digits++) {
		snprintf(text, sizeof(text), "%.*e", digits, (double)value);
		if (strtof(text, NULL) == value &&
		    !is_halfway(text, value, nextafterf(value, INFINITY), nextafterf(value, -INFINITY)))
			break;
	}
	return place_exponent(text, 6, arena);
}

struct view real_text(double value, struct arena *arena)
{
	char text[40];

	if (!isfinite(value) || value == 0)
		return zero_or_special(value);
	for (int digits = fabs(value) < DBL_MIN ? 0 : DBL_DIG - 1; digits < 17; digits++) {
		snprintf(text, sizeof(text), "%.*e", digits, value);
		if (strtod(text, NULL) == value &&
		    !is_halfway(text, value, nextafter(value, INFINITY), nextafter(value, -INFINITY)))
			break;
	}
	return place_exponent(text, 15, arena);
}

double real_of_single(float value, struct view text)
{
	double shortest = strtod(text.ptr, NULL);

	return (float)shortest == value ? shortest : (double)value;
}
