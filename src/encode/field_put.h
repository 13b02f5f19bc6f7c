/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The functions that write values, for the table of forms. */
#ifndef ENCODE_FIELD_PUT_H
#define ENCODE_FIELD_PUT_H

#include "field.h"

#define PUT_FUNCTION(name) \
	char *name(char *to, struct encode_field *field, const struct value *value, const char **why)

/* field.c: numbers and times */
PUT_FUNCTION(put_boolean);
PUT_FUNCTION(put_integer);
PUT_FUNCTION(put_microseconds);
PUT_FUNCTION(put_float32);
PUT_FUNCTION(put_float64);
PUT_FUNCTION(put_decimal);
PUT_FUNCTION(put_decimal_variable);
PUT_FUNCTION(put_point);
PUT_FUNCTION(put_date);
PUT_FUNCTION(put_milliseconds);
PUT_FUNCTION(put_zoned);

#define ZONED_BYTES 48
#define POINT_WKB_BYTES 21 /* order, type, x and y */
#define POINT_BYTES (2 * DOUBLE_BYTES + 2 + POINT_WKB_BYTES + 1)

/* field_array.c */
PUT_FUNCTION(put_array);

/* field_text.c: texts, as they are and in other writings */
PUT_FUNCTION(put_text);
PUT_FUNCTION(put_checked_text);
PUT_FUNCTION(put_decimal_words);
PUT_FUNCTION(put_decimal_double);
PUT_FUNCTION(put_time_zoned);
PUT_FUNCTION(put_bits);
PUT_FUNCTION(put_base64);
PUT_FUNCTION(put_hex);

#endif
