/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Values that are text, or become text, in Avro; and numbers that are read from text. */
#include <stdlib.h>

#include "avro_bytes.h"
#include "base/datetime.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "base64.h"
#include "field_put.h"

static const char not_utf8[] = "is not UTF-8, which its Avro type must be";

PUT_FUNCTION(put_text)
{
	(void)field, (void)why;
	return put_bytes(to, value->text);
}

PUT_FUNCTION(put_checked_text)
{
	(void)field;
	if (utf8_valid(value->text))
		return put_bytes(to, value->text);
	*why = not_utf8;
	return NULL;
}

/* What is no number has the names that Debezium's mode `string` gives it. */
PUT_FUNCTION(put_decimal_words)
{
	struct view text = value->text;

	(void)field, (void)why;
	if (view_is(text, "NaN"))
		text = VIEW("NAN");
	else if (view_is(text, "Infinity"))
		text = VIEW("POSITIVE_INFINITY");
	else if (view_is(text, "-Infinity"))
		text = VIEW("NEGATIVE_INFINITY");
	return put_bytes(to, text);
}

PUT_FUNCTION(put_decimal_double)
{
	char small[64], *text = value->text.len < sizeof(small) ? small : mem_new(value->text.len + 1, 1);

	(void)field, (void)why;
	memcpy(text, value->text.ptr, value->text.len);
	text[value->text.len] = '\0';
	to = put_double(to, strtod(text, NULL));
	if (text != small)
		free(text);
	return to;
}

/* 10:34:56.789Z; the text is short enough for its length to be one byte. */
PUT_FUNCTION(put_time_zoned)
{
	char text[DATETIME_TEXT_BYTES];
	size_t len = (size_t)time_print(value->integer, text);

	(void)field, (void)why;
	text[len] = 'Z';
	return put_bytes(to, (struct view){text, len + 1});
}

/* The last bit of the text is the lowest of the first byte; there are no more bytes than the highest one needs. */
PUT_FUNCTION(put_bits)
{
	struct view bits = value->text;
	const char *highest = bits.len ? memchr(bits.ptr, '1', bits.len) : NULL;
	size_t count = highest ? (size_t)(bits.ptr + bits.len - highest) : 0, bytes = (count + 7) / 8;

	(void)field, (void)why;
	to = put_long(to, (int64_t)bytes);
	memset(to, 0, bytes);
	for (size_t i = 0; i < count; i++)
		to[i / 8] = (char)(to[i / 8] | (bits.ptr[bits.len - 1 - i] == '1') << i % 8);
	return to + bytes;
}

PUT_FUNCTION(put_base64)
{
	(void)field, (void)why;
	return base64_put(put_long(to, (int64_t)base64_bytes(value->text.len)), value->text);
}

PUT_FUNCTION(put_hex)
{
	static const char digits[] = "0123456789abcdef";

	(void)field, (void)why;
	to = put_long(to, (int64_t)value->text.len * 2);
	for (size_t i = 0; i < value->text.len; i++) {
		*to++ = digits[(unsigned char)value->text.ptr[i] >> 4];
		*to++ = digits[(unsigned char)value->text.ptr[i] & 15];
	}
	return to;
}
