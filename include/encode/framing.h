/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Avro single-object encoding (specification 1.11): C3 01, the schema's fingerprint in 8 bytes least significant first,
 * then the value.
 */
#ifndef ENCODE_FRAMING_H
#define ENCODE_FRAMING_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "base/view.h"

#define FRAME_BYTES 10

/* Writes the frame's ten bytes; returns what follows. */
static inline char *frame_put(char *to, uint64_t fingerprint)
{
	fingerprint = htole64(fingerprint);
	to[0] = (char)0xc3;
	to[1] = 1;
	memcpy(to + 2, &fingerprint, sizeof(fingerprint));
	return to + FRAME_BYTES;
}

/* Takes a framed message apart; -1 if it is none. The body is a view into the message. */
static inline int frame_split(struct view message, uint64_t *ret_fingerprint, struct view *ret_body)
{
	if (message.len < FRAME_BYTES || memcmp(message.ptr, "\xc3\x01", 2))
		return -1;
	memcpy(ret_fingerprint, message.ptr + 2, sizeof(*ret_fingerprint));
	*ret_fingerprint = le64toh(*ret_fingerprint);
	*ret_body = (struct view){message.ptr + FRAME_BYTES, message.len - FRAME_BYTES};
	return 0;
}

#endif
