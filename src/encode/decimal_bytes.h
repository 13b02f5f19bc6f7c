/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Decimals as Avro has them: the unscaled value in two's complement, most significant byte first, in as few bytes as
 * hold it (as java.math.BigInteger writes it). Reading and writing of the form stand side by side here.
 */
#ifndef ENCODE_DECIMAL_BYTES_H
#define ENCODE_DECIMAL_BYTES_H

#include <endian.h>
#include <stdint.h>

#include "avro_bytes.h"
#include "base/view.h"
#include "base/writer.h"

#define DECIMAL64_BYTES 16  /* length, and eight bytes written at once */
#define DECIMAL128_BYTES 24

/* Length and bytes of a value. */
static inline char *put_decimal64(char *to, int64_t value)
{
	int bytes = (64 - __builtin_clrsbll(value) + 7) / 8;
	uint64_t raised = htobe64((uint64_t)value << (64 - 8 * bytes));

	*to++ = (char)(bytes * 2);
	memcpy(to, &raised, sizeof(raised));
	return to + bytes;
}

/* The same for any coefficient: DECIMAL128_BYTES at most. */
char *put_decimal128(char *to, __int128 value);

/*
 * Length and bytes of a plain decimal text of any length, at a scale; NULL if it has digits behind that scale, more
 * digits than the precision, or is no plain decimal. Needs text.len + scale + 24 bytes at most, half of that as a rule.
 */
char *put_decimal_text(char *to, struct view text, int precision, int scale);

/* The value of up to 16 bytes; -1 if there are more (or none). */
int decimal128_of_bytes(struct view bytes, __int128 *ret);

/* Bytes of any length as a plain decimal text at a scale. */
void decimal_text_of_bytes(struct view bytes, int scale, struct writer *to);

#endif
