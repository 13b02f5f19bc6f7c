/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "schema/fingerprint.h"

#include <stdbool.h>

/* The specification's EMPTY, which is also the polynomial: x^64 + ... with its bits reversed. */
#define RABIN_EMPTY UINT64_C(0xc15d213aa4d7a795)

static const uint64_t *rabin_table(void)
{
	static _Thread_local uint64_t table[256];
	static _Thread_local bool ready;

	if (ready)
		return table;
	for (unsigned i = 0; i < 256; i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] >> 1 ^ (RABIN_EMPTY & -(table[i] & 1));
	}
	ready = true;
	return table;
}

uint64_t avro_rabin(struct view bytes)
{
	const uint64_t *table = rabin_table();
	uint64_t print = RABIN_EMPTY;

	for (size_t i = 0; i < bytes.len; i++)
		print = print >> 8 ^ table[(print ^ (unsigned char)bytes.ptr[i]) & 0xff];
	return print;
}

uint64_t avro_fingerprint(const struct avro_type *type)
{
	struct writer form = {0};
	uint64_t print;

	avro_canonical_form(type, &form);
	print = avro_rabin(wr_view(&form));
	wr_done(&form);
	return print;
}
