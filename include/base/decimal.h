/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Exact decimals of up to 38 digits, and the order of plain decimal texts of any length. "Plain" means: optional sign,
 * digits, optional point and digits, at least one digit; no exponent. Nothing here ever rounds unless asked to.
 */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

#define DECIMAL_DIGITS 38        /* most digits of a coefficient */
#define DECIMAL_TEXT_BYTES 84    /* enough for decimal_print of any struct decimal */

/* coefficient / 10^scale; |coefficient| < 10^38; scale 0 to 38. */
struct decimal {
	__int128 coefficient;
	int scale;
};

/*
 * All return 0, or -1 if the result has no exact form of 38 digits (parse: also if the text is no plain decimal);
 * *ret is set only on success. Exponents (1e3, from floats' shortest texts) are accepted by parse.
 */
int decimal_parse(struct view text, struct decimal *ret);
int decimal_add(struct decimal a, struct decimal b, struct decimal *ret);
int decimal_sub(struct decimal a, struct decimal b, struct decimal *ret);
int decimal_mul(struct decimal a, struct decimal b, struct decimal *ret);

/* Rounded half away from zero, as SQL does, to `scale` digits behind the point; div by zero is -1. */
int decimal_div(struct decimal a, struct decimal b, int scale, struct decimal *ret);
int decimal_round(struct decimal a, int scale, struct decimal *ret);

/* The nearest multiple of a step (0.01, 0.05), halves to the even multiple, as bankers do; a step of 0 changes nothing. */
int decimal_round_even(struct decimal a, struct decimal step, struct decimal *ret);

/*
 * The same value with exactly `scale` digits: -1 if that would drop a digit other than 0 or needs more than 38 digits.
 */
int decimal_rescale(struct decimal a, int scale, struct decimal *ret);

/* True if a coefficient has no more than `precision` digits, from 0 to 38. */
bool decimal_fits(__int128 coefficient, int precision);

/* <0, 0, >0 by value: 1.0 equals 1.00. */
int decimal_compare(struct decimal a, struct decimal b);

/* Prints with exactly a.scale digits behind the point; returns the length (no NUL counted, one is written). */
int decimal_print(struct decimal a, char text[DECIMAL_TEXT_BYTES]);

/*
 * By value for plain decimal texts of any length; what is not one (NaN, Infinity, other text) is ordered: -Infinity,
 * numbers, Infinity, NaN, other text by bytes. A total order.
 */
int decimal_compare_text(struct view a, struct view b);

/*
 * The double's shortest text that reads back as the same double, as a plain decimal if it is finite; returns the
 * length.
 */
int decimal_print_double(double value, char text[350]);

#endif
