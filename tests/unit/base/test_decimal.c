/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Exact decimals against tables of texts: what goes in, what comes out, "-" for "has no exact form".
 */
#include <math.h>
#include <stdlib.h>

#include "base/decimal.h"
#include "unit/random.h"
#include "unit/unit.h"

#define NINES38 "99999999999999999999999999999999999999"

static struct decimal decimal_of(const char *text)
{
	struct decimal value;

	if (decimal_parse(view_of(text), &value))
		fail_msg("'%s' is no decimal", text);
	return value;
}

/* The printed result, or "-" if there was none. */
static void assert_result(int rc, struct decimal result, const char *expected, const char *what)
{
	char text[DECIMAL_TEXT_BYTES] = "-";

	if (!rc)
		decimal_print(result, text);
	if (strcmp(text, expected))
		fail_msg("%s: got %s, expected %s", what, text, expected);
}

static void text_is_read_exactly_or_refused(void **state)
{
	static const struct {
		const char *text, *expected;
	} table[] = {
		{"0", "0"}, {"-0", "0"}, {"+5", "5"}, {"12.50", "12.50"}, {"-12.5", "-12.5"}, {".5", "0.5"}, {"5.", "5"},
		{"0000000000000000000000000000000000000000001.20", "1.20"}, {"001.20", "1.20"}, {"1e3", "1000"}, {"1.5E-3", "0.0015"},
		{"1.50e-37", "0.00000000000000000000000000000000000015"}, {"100e-2", "1"}, {"0e99999999", "0"},
		{"1e-38", "0.00000000000000000000000000000000000001"}, {"1e-39", "-"}, {"1e37", "10000000000000000000000000000000000000"},
		{"1e38", "-"}, {NINES38, NINES38}, {"1" NINES38, "-"}, {NINES38 ".0", NINES38}, {NINES38 ".1", "-"},
		{"0.00000000000000000000000000000000000000000000", "0"},
		{"0.5000000000000000000000000000000000000000000000", "0.5"}, {"1e999999999999999999999", "-"},
		{"", "-"}, {".", "-"}, {"-", "-"}, {"1e", "-"}, {"1e+", "-"}, {"1.2.3", "-"}, {"12 ", "-"}, {" 12", "-"},
		{"0x10", "-"}, {"NaN", "-"}, {"Infinity", "-"}, {"1,5", "-"}, {"--1", "-"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		struct decimal value = {0};
		int rc = decimal_parse(view_of(table[i].text), &value);

		assert_result(rc, value, table[i].expected, table[i].text);
	}
}

typedef int (*operation)(struct decimal a, struct decimal b, struct decimal *ret);

static void sums_differences_and_products_are_exact(void **state)
{
	static const struct {
		operation op;
		const char *a, *b, *expected;
	} table[] = {
		{decimal_add, "1.10", "2.205", "3.305"},
		{decimal_add, "-0.01", "0.01", "0.00"},
		{decimal_add, NINES38, "1", "-"},
		{decimal_add, NINES38, "0.0", NINES38},
		{decimal_add, "1" "0000000000000000000000000000000000000", "0.50", "-"},
		{decimal_add, "1000000000000000000000000000000000000", "0.50", "1000000000000000000000000000000000000.5"},
		{decimal_add, "9999999999999999999999999999999999999.9", "0.1", "10000000000000000000000000000000000000"},
		{decimal_add, "-18000000000000000000000000000000000000", "9.0", "-17999999999999999999999999999999999991"},
		{decimal_sub, "1", "0.9", "0.1"},
		{decimal_sub, "0.00", "12.34", "-12.34"},
		{decimal_sub, "-" NINES38, "1", "-"},
		{decimal_mul, "1.5", "-2.25", "-3.375"},
		{decimal_mul, "12345678901234567890", "12345678901234567890", "-"},
		{decimal_mul, "1234567890123456789", "1234567890123456789", "1524157875323883675019051998750190521"},
		{decimal_mul, "0.0000000000000000000000000000000000005", "0.2", "0.00000000000000000000000000000000000010"},
		{decimal_mul, "0.00000000000000000000000000000000000001", "0.1", "-"},
		{decimal_mul, "0.00000000000000000000", "0.0000000000000000000000", "0.00000000000000000000000000000000000000"},
		{decimal_mul, "20000000000000000000.0000000000000000", "5.0000000000000000000000000000000000000",
		 "100000000000000000000.00000000000000000"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		struct decimal value = {0};
		int rc = table[i].op(decimal_of(table[i].a), decimal_of(table[i].b), &value);

		assert_result(rc, value, table[i].expected, table[i].a);
	}
}

static void quotients_are_rounded_half_away_from_zero(void **state)
{
	static const struct {
		const char *a, *b;
		int scale;
		const char *expected;
	} table[] = {
		{"1", "3", 4, "0.3333"}, {"2", "3", 4, "0.6667"}, {"-2", "3", 0, "-1"}, {"1", "2", 0, "1"},
		{"-1", "2", 0, "-1"}, {"0.4", "1", 0, "0"}, {"1", "0", 2, "-"}, {"1", "0.000", 2, "-"},
		{"1", "3", 38, "0.33333333333333333333333333333333333333"},
		{NINES38, "0.1", 0, "-"}, {NINES38, NINES38, 38, "-"}, {NINES38, NINES38, 37, "1.0000000000000000000000000000000000000"},
		{"1", "7", 20, "0.14285714285714285714"}, {"0.00001", NINES38, 3, "0.000"},
		{"100.00", "8", 2, "12.50"}, {"1", "8", 2, "0.13"}, {"1", "3", -1, "-"}, {"1", "3", 39, "-"},
		{"0.12345678901234567890123456789012345678", NINES38, 0, "0"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		struct decimal value = {0};
		int rc = decimal_div(decimal_of(table[i].a), decimal_of(table[i].b), table[i].scale, &value);

		assert_result(rc, value, table[i].expected, table[i].a);
	}
}

typedef int (*scaling)(struct decimal a, int scale, struct decimal *ret);

static void rounding_drops_digits_and_rescaling_never_does(void **state)
{
	static const struct {
		scaling op;
		const char *a;
		int scale;
		const char *expected;
	} table[] = {
		{decimal_round, "1.005", 2, "1.01"}, {decimal_round, "-1.005", 2, "-1.01"}, {decimal_round, "1.004", 2, "1.00"},
		{decimal_round, "1.5", 3, "1.500"}, {decimal_round, "9.99", 0, "10"}, {decimal_round, "1250", -2, "1300"},
		{decimal_round, "1249", -2, "1200"}, {decimal_round, "5", -1, "10"}, {decimal_round, "4", -1, "0"},
		{decimal_round, "4", -90, "0"}, {decimal_round, NINES38, 2, NINES38}, {decimal_round, NINES38, -1, "-"},
		{decimal_rescale, "1.5", 2, "1.50"}, {decimal_rescale, "1.50", 1, "1.5"}, {decimal_rescale, "1.55", 1, "-"},
		{decimal_rescale, "0", 38, "0.00000000000000000000000000000000000000"}, {decimal_rescale, "1", 38, "-"},
		{decimal_rescale, NINES38, 1, "-"}, {decimal_rescale, "1", 39, "-"}, {decimal_rescale, "1", -1, "-"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		struct decimal value = {0};
		int rc = table[i].op(decimal_of(table[i].a), table[i].scale, &value);

		assert_result(rc, value, table[i].expected, table[i].a);
	}
}

static void bankers_round_halves_to_the_even_multiple_of_a_step(void **state)
{
	static const struct {
		const char *a, *step, *expected;
	} table[] = {
		{"1.005", "0.01", "1.00"}, {"1.015", "0.01", "1.02"}, {"-1.005", "0.01", "-1.00"}, {"-1.015", "0.01", "-1.02"},
		{"1.0051", "0.01", "1.01"}, {"2.5", "1", "2"}, {"3.5", "1", "4"}, {"3.5", "1.00", "4.00"},
		{"0.025", "0.05", "0.00"}, {"0.075", "0.05", "0.10"}, {"12.32", "0.05", "12.30"}, {"12.33", "0.05", "12.35"},
		{"1249", "100", "1200"}, {"1250", "100", "1200"}, {"1350", "100", "1400"}, {"7", "0.01", "7.00"},
		{"1.005", "-0.01", "1.00"}, {"7.125", "0", "7.125"}, {"0", "0.01", "0.00"}, {NINES38, "1", NINES38}, {NINES38, "0.1", "-"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		struct decimal value = {0};
		int rc = decimal_round_even(decimal_of(table[i].a), decimal_of(table[i].step), &value);

		assert_result(rc, value, table[i].expected, table[i].a);
	}
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static void order_goes_by_value(void **state)
{
	static const struct {
		const char *a, *b;
		int expected;
	} table[] = {
		{"1.0", "1.00", 0}, {"-1", "1", -1}, {"0", "-0.00", 0}, {"2", "10", -1}, {"-2", "-10", 1}, {"0.09", "0.1", -1},
		{"-0.5", "0.5", -1}, {"-0.5", "-0.49", -1}, {NINES38, "0.99999999999999999999999999999999999999", 1},
		{NINES38, NINES38, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		struct decimal a = decimal_of(table[i].a), b = decimal_of(table[i].b);

		assert_int_equal(sign(decimal_compare(a, b)), table[i].expected);
		assert_int_equal(sign(decimal_compare(b, a)), -table[i].expected);
		assert_int_equal(sign(decimal_compare_text(view_of(table[i].a), view_of(table[i].b))),
				 table[i].expected);
	}
}

static void texts_of_any_length_have_a_total_order(void **state)
{
	/* each stands before the next */
	static const char *const ascending[] = {
		"-Infinity", "-1" NINES38 NINES38 ".5", "-1" NINES38 NINES38, "-1", "-0.000000000000000000000000000000000000000000001", "0.0",
		"0.000000000000000000000000000000000000000000001", "00001", "1.00000000000000000000000000000000000000000000000001",
		"1" NINES38 NINES38, "Infinity", "NaN", "", "1e5", "abc", "infinity",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ascending); i++) {
		for (size_t k = 0; k < COUNT_OF(ascending); k++) {
			int order = decimal_compare_text(view_of(ascending[i]), view_of(ascending[k]));

			if (sign(order) != sign((int)i - (int)k))
				fail_msg("'%s' against '%s': %d", ascending[i], ascending[k], order);
		}
	}
	assert_int_equal(decimal_compare_text(VIEW("-0"), VIEW("0.00")), 0);
	assert_int_equal(decimal_compare_text(VIEW("007.100"), VIEW("7.1")), 0);
}

static void doubles_print_as_their_shortest_plain_text(void **state)
{
	static const struct {
		double value;
		const char *expected;
	} table[] = {
		{0, "0"}, {-0.0, "0"}, {0.1, "0.1"}, {-1.5, "-1.5"}, {100, "100"}, {1e21, "1000000000000000000000"},
		{123456.789, "123456.789"}, {2.0 / 3, "0.6666666666666666"}, {1.0 / 3, "0.3333333333333333"}, {1e-7, "0.0000001"},
		{5e-7, "0.0000005"}, {0.1 + 0.2, "0.30000000000000004"}, {9007199254740993.0, "9007199254740992"},
		{INFINITY, "Infinity"}, {-INFINITY, "-Infinity"}, {NAN, "NaN"},
	};
	char text[350];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		int len = decimal_print_double(table[i].value, text);

		assert_int_equal(len, strlen(table[i].expected));
		assert_string_equal(text, table[i].expected);
	}
	static const double wide[] = {5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -1.7976931348623157e308};

	for (size_t i = 0; i < COUNT_OF(wide); i++) {
		assert_true(decimal_print_double(wide[i], text) < (int)sizeof(text));
		assert_true(strtod(text, NULL) == wide[i]);
	}
}

static void any_decimal_survives_printing_and_parsing(void **state)
{
	uint64_t seed = 42;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct decimal value, again;
		char text[DECIMAL_TEXT_BYTES];

		uint64_t high = random_next(&seed) >> 2, low = random_next(&seed); /* below 2^126: 38 digits */

		value.coefficient = ((__int128)high << 64 | low) >> random_next(&seed) % 127;
		value.coefficient *= i % 2 ? 1 : -1;
		value.scale = (int)(random_next(&seed) % 39);
		int len = decimal_print(value, text);

		assert_int_equal(len, strlen(text));
		assert_int_equal(decimal_parse(view_of(text), &again), 0);
		assert_true(value.coefficient == again.coefficient && value.scale == again.scale);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("text is read exactly or refused", text_is_read_exactly_or_refused),
		TEST("sums differences and products are exact", sums_differences_and_products_are_exact),
		TEST("quotients are rounded half away from zero", quotients_are_rounded_half_away_from_zero),
		TEST("rounding drops digits and rescaling never does", rounding_drops_digits_and_rescaling_never_does),
		TEST("bankers round halves to the even multiple of a step", bankers_round_halves_to_the_even_multiple_of_a_step),
		TEST("order goes by value", order_goes_by_value),
		TEST("texts of any length have a total order", texts_of_any_length_have_a_total_order),
		TEST("doubles print as their shortest plain text", doubles_print_as_their_shortest_plain_text),
		TEST("any decimal survives printing and parsing", any_decimal_survives_printing_and_parsing),
	};

	return RUN_TESTS(tests);
}
