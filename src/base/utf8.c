/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "base/utf8.h"

#include <stdint.h>

size_t utf8_length(struct view text)
{
	static const struct {
		unsigned char first, last;   /* of the first byte */
		unsigned char low, high;     /* of the second */
		size_t len;
	} forms[] = {
		{0x00, 0x7f, 0x80, 0xbf, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	const unsigned char *byte = (const unsigned char *)text.ptr;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (byte[0] < forms[i].first || byte[0] > forms[i].last)
			continue;
		if (text.len < forms[i].len ||
		    (forms[i].len > 1 && (byte[1] < forms[i].low || byte[1] > forms[i].high)))
			return 0;
		for (size_t k = 2; k < forms[i].len; k++)
			if ((byte[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

bool utf8_valid(struct view text)
{
	while (text.len) {
		uint64_t eight;
		size_t len;

		/* Most texts have no byte beyond ASCII. */
		if (text.len >= sizeof(eight) && (memcpy(&eight, text.ptr, sizeof(eight)), !(eight & UINT64_C(0x8080808080808080))))
			len = sizeof(eight);
		else
			len = utf8_length(text);
		if (!len)
			return false;
		text.ptr += len;
		text.len -= len;
	}
	return true;
}
