/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A decimal number's text taken apart: sign? digits? (point digits?)? exponent?, with at least one digit in all. Views
 * into the text.
 */
#ifndef BASE_NUMBER_TEXT_H
#define BASE_NUMBER_TEXT_H

#include <stdbool.h>

#include "base/view.h"

/* sign, digits before and behind the point, exponent */
struct number_text {
	bool negative;
	struct view whole;
	struct view fraction;
	long exponent;
};

/* 0, or -1 if the text is no number, or has an exponent where none is allowed. */
int number_split(struct view text, bool exponent_allowed, struct number_text *ret);

static inline struct view without_leading_zeros(struct view digits)
{
	while (digits.len && *digits.ptr == '0') {
		digits.ptr++;
		digits.len--;
	}
	return digits;
}

static inline struct view without_trailing_zeros(struct view digits)
{
	while (digits.len && digits.ptr[digits.len - 1] == '0')
		digits.len--;
	return digits;
}

#endif
