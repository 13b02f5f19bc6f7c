/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A bounds-checked reader over bytes from the world. Its error is sticky: a message is decoded straight through, field
 * by field, and checked once at the end; a read after a failure yields zero or an empty view. The bytes are borrowed.
 */
#ifndef BASE_READER_H
#define BASE_READER_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/view.h"

struct reader {
	const char *start;
	const char *pos;
	const char *end;
	bool failed; /* something was read that is not there */
};

/* A reader of all of the bytes, at their begin. */
static inline struct reader reader_of(struct view bytes)
{
	return (struct reader){.start = bytes.ptr, .pos = bytes.ptr, .end = bytes.ptr + bytes.len};
}

/* How many bytes are left; 0 after a failure. */
static inline size_t rd_left(const struct reader *rd)
{
	return (size_t)(rd->end - rd->pos);
}

/* Where the reader stands, for messages. */
static inline size_t rd_offset(const struct reader *rd)
{
	return (size_t)(rd->pos - rd->start);
}

/* The next len bytes, or NULL after setting the error. */
static inline const char *rd_take(struct reader *rd, size_t len)
{
	const char *ptr = rd->pos;

	if (rd->failed || rd_left(rd) < len) {
		rd->failed = true;
		rd->pos = rd->end;
		return NULL;
	}
	rd->pos += len;
	return ptr;
}

/* The next number, by width in bits and byte order. */
static inline uint8_t rd_u8(struct reader *rd)
{
	const char *ptr = rd_take(rd, 1);

	return ptr ? (uint8_t)*ptr : 0;
}

static inline uint16_t rd_u16be(struct reader *rd)
{
	uint16_t value = 0;
	const char *ptr = rd_take(rd, sizeof(value));

	if (ptr)
		memcpy(&value, ptr, sizeof(value));
	return be16toh(value);
}

static inline uint32_t rd_u32be(struct reader *rd)
{
	uint32_t value = 0;
	const char *ptr = rd_take(rd, sizeof(value));

	if (ptr)
		memcpy(&value, ptr, sizeof(value));
	return be32toh(value);
}

static inline uint64_t rd_u64be(struct reader *rd)
{
	uint64_t value = 0;
	const char *ptr = rd_take(rd, sizeof(value));

	if (ptr)
		memcpy(&value, ptr, sizeof(value));
	return be64toh(value);
}

static inline uint16_t rd_u16le(struct reader *rd)
{
	uint16_t value = 0;
	const char *ptr = rd_take(rd, sizeof(value));

	if (ptr)
		memcpy(&value, ptr, sizeof(value));
	return le16toh(value);
}

static inline uint32_t rd_u32le(struct reader *rd)
{
	uint32_t value = 0;
	const char *ptr = rd_take(rd, sizeof(value));

	if (ptr)
		memcpy(&value, ptr, sizeof(value));
	return le32toh(value);
}

/* Of up to eight bytes. */
static inline uint64_t rd_uint_le(struct reader *rd, size_t len)
{
	uint64_t value = 0;
	const char *ptr = rd_take(rd, len);

	if (ptr)
		memcpy(&value, ptr, len);
	return le64toh(value);
}

static inline uint64_t rd_uint_be(struct reader *rd, size_t len)
{
	uint64_t value = 0;
	const char *ptr = rd_take(rd, len);

	if (ptr)
		memcpy((char *)&value + sizeof(value) - len, ptr, len);
	return be64toh(value);
}

/* The next len bytes, as a view into the reader's. */
static inline struct view rd_bytes(struct reader *rd, size_t len)
{
	const char *ptr = rd_take(rd, len);

	return ptr ? (struct view){ptr, len} : (struct view){"", 0};
}

/* A NUL-terminated text, without its NUL; ptr[len] is the NUL. */
static inline struct view rd_cstr(struct reader *rd)
{
	const char *nul = rd->failed ? NULL : memchr(rd->pos, 0, rd_left(rd));

	if (!nul) {
		rd->failed = true;
		rd->pos = rd->end;
		return (struct view){"", 0};
	}

	struct view text = {rd->pos, (size_t)(nul - rd->pos)};

	rd->pos = nul + 1;
	return text;
}

/* True when everything was there and nothing is left over: trailing bytes are an error, too. */
static inline bool rd_complete(const struct reader *rd)
{
	return !rd->failed && rd->pos == rd->end;
}

#endif
