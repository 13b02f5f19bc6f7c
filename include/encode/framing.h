/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What stands before a value and says which schema it has. Two forms:
 *
 *	single object   C3 01, the schema's fingerprint in 8 bytes least significant first (Avro specification 1.11)
 *	confluent       00, the schema's id in a registry in 4 bytes most significant first
 *
 * A frame is made once for each schema, and then only copied.
 */
#ifndef ENCODE_FRAMING_H
#define ENCODE_FRAMING_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "base/view.h"

#define FRAME_MOST 16      /* bytes that frame_put may touch */
#define FRAME_SINGLE_BYTES 10
#define FRAME_CONFLUENT_BYTES 5

enum framing { FRAMING_NONE, FRAMING_SINGLE_OBJECT, FRAMING_CONFLUENT };

struct frame {
	char bytes[FRAME_MOST];
	size_t len;
};

static inline struct frame frame_single_object(uint64_t fingerprint)
{
	struct frame frame = {.bytes = {(char)0xc3, 1}, .len = FRAME_SINGLE_BYTES};

	fingerprint = htole64(fingerprint);
	memcpy(frame.bytes + 2, &fingerprint, sizeof(fingerprint));
	return frame;
}

static inline struct frame frame_confluent(int32_t id)
{
	struct frame frame = {.len = FRAME_CONFLUENT_BYTES};
	uint32_t bytes = htobe32((uint32_t)id);

	memcpy(frame.bytes + 1, &bytes, sizeof(bytes));
	return frame;
}

/* Writes the frame, and maybe more up to FRAME_MOST; returns what follows it. */
static inline char *frame_put(char *to, const struct frame *frame)
{
	memcpy(to, frame->bytes, FRAME_MOST);
	return to + frame->len;
}

/* True if the message begins with this frame; the body is a view into the message. */
static inline bool frame_matches(const struct frame *frame, struct view message, struct view *ret_body)
{
	if (message.len < frame->len || memcmp(message.ptr, frame->bytes, frame->len))
		return false;
	*ret_body = (struct view){message.ptr + frame->len, message.len - frame->len};
	return true;
}

/* Takes a framed message apart: the fingerprint, or the id; FRAMING_NONE if it is not framed. */
static inline enum framing frame_split(struct view message, uint64_t *ret_number, struct view *ret_body)
{
	uint32_t id;

	if (message.len >= FRAME_SINGLE_BYTES && memcmp(message.ptr, "\xc3\x01", 2) == 0) {
		memcpy(ret_number, message.ptr + 2, sizeof(*ret_number));
		*ret_number = le64toh(*ret_number);
		*ret_body = (struct view){message.ptr + FRAME_SINGLE_BYTES, message.len - FRAME_SINGLE_BYTES};
		return FRAMING_SINGLE_OBJECT;
	}
	if (message.len < FRAME_CONFLUENT_BYTES || message.ptr[0] != 0)
		return FRAMING_NONE;
	memcpy(&id, message.ptr + 1, sizeof(id));
	*ret_number = be32toh(id);
	*ret_body = (struct view){message.ptr + FRAME_CONFLUENT_BYTES, message.len - FRAME_CONFLUENT_BYTES};
	return FRAMING_CONFLUENT;
}

#endif
