/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A growing buffer to write bytes into. A writer is reused for message after message: it keeps its memory up to a
 * high-water mark and gives an outlier back (wr_clear). Whoever fills it reserves once and then writes unchecked.
 */
#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/view.h"

/* All zero: an empty writer. */
struct writer {
	char *data; /* owned */
	size_t len;
	size_t capacity;
};

#define WRITER_KEEP_BYTES ((size_t)1 << 20) /* an outlier larger than this is given back by wr_clear */

/* What wr_reserve does when there is no room; only it calls this. */
void wr_grow(struct writer *wr, size_t more);

/* Empties it; keeps the memory, unless there is more than WRITER_KEEP_BYTES. */
void wr_clear(struct writer *wr);

/* Frees the memory; the writer is empty then, and can be used again. */
void wr_done(struct writer *wr);

/* Appends a text as printf makes it, without a NUL. */
void wr_printf(struct writer *wr, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for at least `more` bytes behind the present ones; returns where they go. Who writes there adds to len. */
static inline char *wr_reserve(struct writer *wr, size_t more)
{
	if (wr->capacity - wr->len < more)
		wr_grow(wr, more);
	return wr->data + wr->len;
}

/* What is written so far; valid until more is. Never VIEW_NONE. */
static inline struct view wr_view(const struct writer *wr)
{
	return (struct view){wr->data ? wr->data : "", wr->len};
}

/* These append: bytes, one byte, a number of 64 bits in big-endian or little-endian order. */
static inline void wr_bytes(struct writer *wr, const void *bytes, size_t len)
{
	if (len)
		memcpy(wr_reserve(wr, len), bytes, len);
	wr->len += len;
}

static inline void wr_view_bytes(struct writer *wr, struct view bytes)
{
	wr_bytes(wr, bytes.ptr, bytes.len);
}

static inline void wr_u8(struct writer *wr, uint8_t value)
{
	*wr_reserve(wr, 1) = (char)value;
	wr->len++;
}

static inline void wr_u64be(struct writer *wr, uint64_t value)
{
	value = htobe64(value);
	wr_bytes(wr, &value, sizeof(value));
}

static inline void wr_u64le(struct writer *wr, uint64_t value)
{
	value = htole64(value);
	wr_bytes(wr, &value, sizeof(value));
}

#endif
