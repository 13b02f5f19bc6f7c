/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Arenas: a list of chunks, the newest being filled. A reset keeps the largest chunk that is not an outlier. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

#define FIRST_CHUNK_BYTES ((size_t)4096)
#define KEEP_BYTES ((size_t)1 << 20)

struct arena_chunk {
	struct arena_chunk *older;
	size_t size; /* bytes behind this header */
	_Alignas(16) char bytes[];
};

void arena_init(struct arena *arena)
{
	memset(arena, 0, sizeof(*arena));
}

static void free_chunks(struct arena_chunk *chunk)
{
	while (chunk) {
		struct arena_chunk *older = chunk->older;

		free(chunk);
		chunk = older;
	}
}

void arena_done(struct arena *arena)
{
	free_chunks(arena->chunks);
	arena_init(arena);
}

static void use_chunk(struct arena *arena, struct arena_chunk *chunk)
{
	arena->chunks = chunk;
	arena->next = chunk->bytes;
	arena->end = chunk->bytes + chunk->size;
}

void arena_reset(struct arena *arena)
{
	struct arena_chunk *newest = arena->chunks;

	arena->used_bytes = 0;
	if (!newest)
		return;
	free_chunks(newest->older);
	newest->older = NULL;
	if (newest->size > KEEP_BYTES)
		arena_done(arena);
	else
		use_chunk(arena, newest);
}

/* A chunk twice as large as the last one, so that after a few resets one chunk serves. */
void *arena_grow(struct arena *arena, size_t size)
{
	size_t chunk_size = arena->chunks ? arena->chunks->size * 2 : FIRST_CHUNK_BYTES;
	struct arena_chunk *chunk;

	if (chunk_size > KEEP_BYTES)
		chunk_size = KEEP_BYTES;
	if (chunk_size < size)
		chunk_size = size;
	chunk = mem_resize(NULL, 1, sizeof(*chunk) + chunk_size);
	chunk->older = arena->chunks;
	chunk->size = chunk_size;
	use_chunk(arena, chunk);
	arena->next += size;
	arena->used_bytes += size;
	return chunk->bytes;
}

struct view arena_copy(struct arena *arena, struct view text)
{
	char *copy = arena_alloc(arena, text.len + 1);

	if (text.len)
		memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return (struct view){copy, text.len};
}

struct view arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	int len;
	char *text;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = arena_alloc(arena, (size_t)len + 1);
	va_start(args, format);
	vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return (struct view){text, (size_t)len};
}
