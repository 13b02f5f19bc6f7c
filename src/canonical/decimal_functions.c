/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Exact decimals in SQL. An argument may be a decimal text, an integer, or a binary float, which counts by its shortest
 * text; a result is a text, but integers stay integers and floats stay floats where SQL expects that (sum, round, abs).
 * What has no exact form of 38 digits fails the statement.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/decimal.h"
#include "function_table.h"

#define AVERAGE_SCALE 16 /* digits behind the point of an average that does not come out even */

/* 1: a number, 0: null, -1: the error of the statement has been set. */
static int argument(sqlite3_context *context, sqlite3_value *value, struct decimal *ret)
{
	char digits[350];
	struct view text;

	switch (sqlite3_value_type(value)) {
	case SQLITE_NULL:
		return 0;
	case SQLITE_INTEGER:
		*ret = (struct decimal){.coefficient = sqlite3_value_int64(value), .scale = 0};
		return 1;
	case SQLITE_FLOAT:
		text = (struct view){digits, (size_t)decimal_print_double(sqlite3_value_double(value), digits)};
		break;
	default:
		text.ptr = (const char *)sqlite3_value_text(value);
		text.len = (size_t)sqlite3_value_bytes(value);
	}
	if (text.ptr && decimal_parse(text, ret) == 0)
		return 1;
	function_fail(context, "'%.*s' is no decimal of up to %d digits", (int)(text.len < 60 ? text.len : 60),
		      text.ptr ? text.ptr : "", DECIMAL_DIGITS);
	return -1;
}

static int arguments(sqlite3_context *context, sqlite3_value **values, struct decimal *a, struct decimal *b)
{
	int first = argument(context, values[0], a);

	return first == 1 ? argument(context, values[1], b) : first;
}

static void give(sqlite3_context *context, struct decimal value)
{
	char text[DECIMAL_TEXT_BYTES];
	int len = decimal_print(value, text);

	sqlite3_result_text(context, text, len, SQLITE_TRANSIENT);
}

static void give_or_fail(sqlite3_context *context, int result, struct decimal value)
{
	if (result < 0)
		function_fail(context, "the result has no exact form of %d digits", DECIMAL_DIGITS);
	else
		give(context, value);
}

typedef int operation(struct decimal a, struct decimal b, struct decimal *ret);

static void operate(sqlite3_context *context, sqlite3_value **values, operation *of)
{
	struct decimal a, b, result = {0};

	if (arguments(context, values, &a, &b) == 1)
		give_or_fail(context, of(a, b, &result), result);
}

static void dec_add(sqlite3_context *context, int count, sqlite3_value **values)
{
	(void)count;
	operate(context, values, decimal_add);
}

static void dec_sub(sqlite3_context *context, int count, sqlite3_value **values)
{
	(void)count;
	operate(context, values, decimal_sub);
}

static void dec_mul(sqlite3_context *context, int count, sqlite3_value **values)
{
	(void)count;
	operate(context, values, decimal_mul);
}

static int lesser(struct decimal a, struct decimal b, struct decimal *ret)
{
	*ret = decimal_compare(a, b) <= 0 ? a : b;
	return 0;
}

static int greater(struct decimal a, struct decimal b, struct decimal *ret)
{
	*ret = decimal_compare(a, b) >= 0 ? a : b;
	return 0;
}

static void dec_min(sqlite3_context *context, int count, sqlite3_value **values)
{
	(void)count;
	operate(context, values, lesser);
}

static void dec_max(sqlite3_context *context, int count, sqlite3_value **values)
{
	(void)count;
	operate(context, values, greater);
}

static void dec_neg(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct decimal a;

	(void)count;
	if (argument(context, values[0], &a) == 1)
		give(context, (struct decimal){.coefficient = -a.coefficient, .scale = a.scale});
}

/* The number of digits behind the point, 0 to 38. */
static int scale_argument(sqlite3_context *context, sqlite3_value *value, int *ret)
{
	if (sqlite3_value_type(value) == SQLITE_NULL)
		return 0;
	*ret = sqlite3_value_int(value);
	if (sqlite3_value_type(value) == SQLITE_INTEGER && *ret >= 0 && *ret <= DECIMAL_DIGITS)
		return 1;
	function_fail(context, "the scale must be a whole number from 0 to %d", DECIMAL_DIGITS);
	return -1;
}

static void dec_div(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct decimal a, b, quotient = {0};
	int scale;

	(void)count;
	if (arguments(context, values, &a, &b) != 1 || scale_argument(context, values[2], &scale) != 1)
		return;
	if (b.coefficient == 0)
		function_fail(context, "division by zero");
	else
		give_or_fail(context, decimal_div(a, b, scale, &quotient), quotient);
}

static void dec_round_even(sqlite3_context *context, int count, sqlite3_value **values)
{
	(void)count;
	operate(context, values, decimal_round_even);
}

static void dec_round(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct decimal a, rounded = {0};
	int scale;

	(void)count;
	if (argument(context, values[0], &a) == 1 && scale_argument(context, values[1], &scale) == 1)
		give_or_fail(context, decimal_round(a, scale, &rounded), rounded);
}

static void dec_cmp(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct decimal a, b;
	int order;

	(void)count;
	if (arguments(context, values, &a, &b) != 1)
		return;
	order = decimal_compare(a, b);
	sqlite3_result_int(context, (order > 0) - (order < 0));
}

/* In the type of the argument: an integer, a float, or a decimal text. */
static void give_like(sqlite3_context *context, int type, struct decimal value)
{
	char text[DECIMAL_TEXT_BYTES];

	if (type == SQLITE_FLOAT) {
		decimal_print(value, text);
		sqlite3_result_double(context, strtod(text, NULL));
	} else if (type == SQLITE_INTEGER && (int64_t)value.coefficient == value.coefficient) {
		sqlite3_result_int64(context, (int64_t)value.coefficient);
	} else {
		give(context, value);
	}
}

static void exact_round(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct decimal a, rounded = {0};
	int scale = 0, type = sqlite3_value_type(values[0]);

	if (argument(context, values[0], &a) != 1 ||
	    (count == 2 && scale_argument(context, values[1], &scale) != 1))
		return;
	if (a.scale <= scale)
		give_like(context, type, a);
	else if (decimal_round(a, scale, &rounded) == 0)
		give_like(context, type, rounded);
	else
		give_or_fail(context, -1, rounded);
}

static void exact_abs(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct decimal a;

	(void)count;
	if (argument(context, values[0], &a) != 1)
		return;
	a.coefficient = a.coefficient < 0 ? -a.coefficient : a.coefficient;
	give_like(context, sqlite3_value_type(values[0]), a);
}

/* The state of sum, avg and total. */
struct sum {
	struct decimal sum;
	int64_t integers, floats, texts; /* how many of each were added */
	bool failed;
};

/* SQLite aligns an aggregate's memory to eight bytes, a coefficient needs sixteen. `make` false: only if it exists. */
static struct sum *sum_state(sqlite3_context *context, bool make)
{
	uintptr_t memory = (uintptr_t)sqlite3_aggregate_context(context, make ? (int)sizeof(struct sum) + 8 : 0);

	return (struct sum *)((memory + 15) & ~(uintptr_t)15);
}

static void count_type(struct sum *sum, int type, int64_t step)
{
	*(type == SQLITE_INTEGER ? &sum->integers : type == SQLITE_FLOAT ? &sum->floats : &sum->texts) += step;
}

static void sum_change(sqlite3_context *context, sqlite3_value *value, operation *of, int64_t step)
{
	struct sum *sum = sum_state(context, true);
	struct decimal number;
	int found = argument(context, value, &number);

	if (!sum || found == 0)
		return;
	if (found < 0 || of(sum->sum, number, &sum->sum) < 0)
		sum->failed = true;
	else
		count_type(sum, sqlite3_value_type(value), step);
}

static void sum_step(sqlite3_context *context, int count, sqlite3_value **values)
{
	(void)count;
	sum_change(context, values[0], decimal_add, 1);
}

static void sum_inverse(sqlite3_context *context, int count, sqlite3_value **values)
{
	(void)count;
	sum_change(context, values[0], decimal_sub, -1);
}

/* The sum as it stands, or NULL if nothing was added or it has failed (then with the error set). */
static struct sum *sum_of(sqlite3_context *context)
{
	struct sum *sum = sum_state(context, false);

	if (sum && sum->failed) {
		give_or_fail(context, -1, sum->sum);
		return NULL;
	}
	return sum && sum->integers + sum->floats + sum->texts > 0 ? sum : NULL;
}

static int sum_type(const struct sum *sum)
{
	return sum->texts ? SQLITE_TEXT : sum->floats ? SQLITE_FLOAT : SQLITE_INTEGER;
}

static void sum_value(sqlite3_context *context)
{
	const struct sum *sum = sum_of(context);

	if (sum)
		give_like(context, sum_type(sum), sum->sum);
}

static void total_value(sqlite3_context *context)
{
	const struct sum *sum = sum_state(context, false);

	if (!sum || (!sum->failed && sum->integers + sum->floats + sum->texts == 0))
		sqlite3_result_int(context, 0);
	else
		sum_value(context);
}

static void average_value(sqlite3_context *context)
{
	const struct sum *sum = sum_of(context);
	struct decimal count = {0}, average = {0};
	int scale;

	if (!sum)
		return;
	count.coefficient = sum->integers + sum->floats + sum->texts;
	scale = sum->sum.scale > AVERAGE_SCALE ? sum->sum.scale : AVERAGE_SCALE;
	while (decimal_div(sum->sum, count, scale, &average) < 0) {
		if (scale-- == 0) {
			give_or_fail(context, -1, average);
			return;
		}
	}
	give_like(context, sum->floats && !sum->texts ? SQLITE_FLOAT : SQLITE_TEXT, average);
}

const struct function decimal_functions[] = {
	{.name = "dec_add", .arguments = 2, .call = dec_add},
	{.name = "dec_sub", .arguments = 2, .call = dec_sub},
	{.name = "dec_mul", .arguments = 2, .call = dec_mul},
	{.name = "dec_neg", .arguments = 1, .call = dec_neg},
	{.name = "dec_div", .arguments = 3, .call = dec_div},
	{.name = "dec_round", .arguments = 2, .call = dec_round},
	{.name = "dec_round_even", .arguments = 2, .call = dec_round_even},
	{.name = "dec_cmp", .arguments = 2, .call = dec_cmp},
	{.name = "dec_min", .arguments = 2, .call = dec_min},
	{.name = "dec_max", .arguments = 2, .call = dec_max},
	{.name = "round", .arguments = 1, .call = exact_round},
	{.name = "round", .arguments = 2, .call = exact_round},
	{.name = "abs", .arguments = 1, .call = exact_abs},
	{.name = "sum", .arguments = 1, .call = sum_step, .inverse = sum_inverse, .value = sum_value},
	{.name = "total", .arguments = 1, .call = sum_step, .inverse = sum_inverse, .value = total_value},
	{.name = "avg", .arguments = 1, .call = sum_step, .inverse = sum_inverse, .value = average_value},
	{.name = NULL},
};
