/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Memory by lifetime: everything allocated from an arena is freed together, by reset (which keeps the memory up to a
 * high-water mark) or done. Nothing inside is freed singly.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/view.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* newest first */
	char *next;
	char *end;
	size_t used_bytes;          /* handed out since the last reset */
};

/* An empty arena, which holds no memory yet; all zero is one, too. */
void arena_init(struct arena *arena);

/* Frees everything; the arena is empty then, and can be used again. */
void arena_done(struct arena *arena);

/* Forgets all that was handed out; keeps the newest chunk, unless it is larger than 1 MB. */
void arena_reset(struct arena *arena);

/* What arena_alloc does when there is no room: takes another chunk. Only arena_alloc calls it. */
void *arena_grow(struct arena *arena, size_t size);

/* Memory for size bytes, aligned for any type, not zeroed. */
static inline void *arena_alloc(struct arena *arena, size_t size)
{
	size = (size + 15) & ~(size_t)15;
	if (!arena->next || (size_t)(arena->end - arena->next) < size)
		return arena_grow(arena, size);

	void *ptr = arena->next;

	arena->next += size;
	arena->used_bytes += size;
	return ptr;
}

/* One zeroed object, or `count` of them. */
#define ARENA_NEW(arena, type) ((type *)memset(arena_alloc((arena), sizeof(type)), 0, sizeof(type)))
#define ARENA_ARRAY(arena, type, count) \
	((type *)memset(arena_alloc((arena), sizeof(type) * (count)), 0, sizeof(type) * (count)))

/* A copy of a text, or a text as printf makes it; NUL-terminated behind its length. */
struct view arena_copy(struct arena *arena, struct view text);
struct view arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
