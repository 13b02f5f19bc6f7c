/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Bytes as Base64 with its padding (RFC 4648, section 4). */
#ifndef ENCODE_BASE64_H
#define ENCODE_BASE64_H

#include <stdint.h>

#include "base/view.h"

static inline size_t base64_bytes(size_t bytes)
{
	return (bytes + 2) / 3 * 4;
}

/* Writes base64_bytes; returns what follows them. */
static inline char *base64_put(char *to, struct view bytes)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		uint32_t group = (uint32_t)(unsigned char)bytes.ptr[i] << 16;

		if (left > 1)
			group |= (uint32_t)(unsigned char)bytes.ptr[i + 1] << 8;
		if (left > 2)
			group |= (unsigned char)bytes.ptr[i + 2];
		for (size_t k = 0; k < 4; k++)
			*to++ = k <= left ? letters[group >> (18 - 6 * k) & 63] : '=';
	}
	return to;
}

#endif
