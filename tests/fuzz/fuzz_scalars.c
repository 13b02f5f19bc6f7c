/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Single values as text: decimals, dates, times, intervals. The first byte says which, the rest is the text. What is
 * parsed must be printed, and parsed again, as the same value; results stay within what their headers promise.
 */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "base/datetime.h"
#include "base/decimal.h"
#include "base/json.h"

static bool same(struct decimal a, struct decimal b)
{
	return a.coefficient == b.coefficient && a.scale == b.scale;
}

static void check_decimal(struct decimal value)
{
	char text[DECIMAL_TEXT_BYTES];
	int len = decimal_print(value, text);
	struct decimal again;

	MUST(value.scale >= 0 && value.scale <= DECIMAL_DIGITS);
	MUST(len > 0 && len < DECIMAL_TEXT_BYTES && text[len] == '\0');
	MUST(decimal_parse((struct view){text, (size_t)len}, &again) == 0 && same(value, again));
}

static void try_decimal(struct view text)
{
	struct decimal value, rounded;

	if (decimal_parse(text, &value) < 0)
		return;
	check_decimal(value);
	for (int scale = 0; scale <= DECIMAL_DIGITS; scale++) {
		if (decimal_round(value, scale, &rounded) == 0)
			check_decimal(rounded);
		if (decimal_rescale(value, scale, &rounded) == 0) {
			check_decimal(rounded);
			MUST(decimal_compare(value, rounded) == 0);
		}
	}
}

/* Two numbers, with a blank between them. */
static void split(struct view text, struct view *left, struct view *right)
{
	const char *blank = text.len ? memchr(text.ptr, ' ', text.len) : NULL;

	*left = (struct view){text.ptr, blank ? (size_t)(blank - text.ptr) : text.len};
	*right = blank ? (struct view){blank + 1, text.len - left->len - 1} : *left;
}

static void try_arithmetic(struct view text)
{
	struct view left, right;
	struct decimal a, b, result;

	split(text, &left, &right);
	MUST(decimal_compare_text(left, right) == -decimal_compare_text(right, left));
	if (decimal_parse(left, &a) < 0 || decimal_parse(right, &b) < 0)
		return;
	MUST(decimal_compare(a, b) == -decimal_compare(b, a));
	if (decimal_add(a, b, &result) == 0)
		check_decimal(result);
	if (decimal_sub(a, b, &result) == 0)
		check_decimal(result);
	if (decimal_mul(a, b, &result) == 0)
		check_decimal(result);
	for (int scale = 0; scale <= DECIMAL_DIGITS; scale++)
		if (decimal_div(a, b, scale, &result) == 0)
			check_decimal(result);
}

static void try_double(struct view bytes)
{
	char text[350];
	double value;

	if (bytes.len != sizeof(value))
		return;
	memcpy(&value, bytes.ptr, sizeof(value));
	MUST((size_t)decimal_print_double(value, text) == strlen(text));
	if (isfinite(value))
		MUST(strtod(text, NULL) == value);
}

static void try_date(struct view text)
{
	char printed[DATETIME_TEXT_BYTES];
	int64_t value, again;

	if (date_parse(text, &value) < 0)
		return;
	MUST((size_t)date_print(value, printed) == strlen(printed));
	MUST(date_parse(view_of(printed), &again) == 0 && again == value);
}

static void try_time(struct view text)
{
	char printed[DATETIME_TEXT_BYTES];
	int64_t value, again;

	if (time_parse(text, &value) < 0)
		return;
	MUST((size_t)time_print(value, printed) == strlen(printed));
	MUST(time_parse(view_of(printed), &again) == 0 && again == value);
}

static void check_timestamp(struct view text, bool zoned)
{
	char printed[DATETIME_TEXT_BYTES];
	int64_t value, again;

	if (timestamp_parse(text, zoned, &value) < 0)
		return;
	MUST((size_t)timestamp_print(value, zoned, printed) == strlen(printed));
	MUST(timestamp_parse(view_of(printed), zoned, &again) == 0 && again == value);
}

static void try_timestamp(struct view text)
{
	check_timestamp(text, false);
	check_timestamp(text, true);
}

static void try_interval(struct view text)
{
	int64_t value;

	(void)!interval_parse(text, &value);
}

static void try_time_zoned(struct view text)
{
	int64_t value;

	MUST(time_zoned_parse(text, &value) < 0 || (value >= 0 && value <= INT64_C(86400000000)));
}

static void try_json(struct view text)
{
	struct writer json = {0}, shown = {0};

	json_text(&json, text);
	MUST(!memchr(json.data, '\n', json.len));
	json_indent(&shown, wr_view(&json));
	wr_done(&json);
	wr_done(&shown);
}

static void (*const tries[])(struct view text) = {
	try_decimal, try_arithmetic, try_double, try_date, try_time, try_timestamp, try_interval, try_json, try_time_zoned,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t which = size ? (size_t)(data[0] - '0') : SIZE_MAX;

	if (which < sizeof(tries) / sizeof(tries[0]))
		tries[which](fuzz_view(data + 1, size - 1));
	return 0;
}
