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

void arena_init(struct arena *arena);
void arena_done(struct arena *arena);

/* Forgets all that was handed out; keeps one chunk of at most keep_bytes. */
void arena_reset(struct arena *arena);

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

#define ARENA_NEW(arena, type) ((type *)memset(arena_alloc((arena), sizeof(type)), 0, sizeof(type)))
#define ARENA_ARRAY(arena, type, count) \
	((type *)memset(arena_alloc((arena), sizeof(type) * (count)), 0, sizeof(type) * (count)))

/* Copies; the copy is NUL-terminated behind its length. */
struct view arena_copy(struct arena *arena, struct view text);
struct view arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
