/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A hash map from bytes to pointers. Keys are borrowed: they live at least as long as their entry. Values are the
 * caller's. Iteration is in order of insertion as long as nothing is removed.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

struct map_entry {
	struct view key; /* borrowed; ptr NULL: removed */
	void *value;
	uint64_t hash;
};

/* All zero: an empty map. */
struct map {
	struct map_entry *entries; /* in order of insertion */
	size_t count;              /* entries in use, removed ones included */
	size_t live;
	uint32_t *slots;           /* index into entries + 1, 0 = free */
	size_t slot_count;         /* a power of two, or 0 */
};

/* Frees the table, neither keys nor values; the map is empty then, and can be used again. */
void map_done(struct map *map);

/* Forgets all entries and keeps the memory of the table. */
void map_clear(struct map *map);

/* The value of a key, or NULL. A key's ptr is never NULL. */
void *map_get(const struct map *map, struct view key);

/* Sets the value of a key; returns the one it had, or NULL. */
void *map_put(struct map *map, struct view key, void *value);

/* Removes a key; returns the value it had, or NULL. */
void *map_remove(struct map *map, struct view key);

/* The entry after this one (NULL: the first), or NULL: for (struct map_entry *e = NULL; (e = map_next(map, e)); ) */
struct map_entry *map_next(const struct map *map, const struct map_entry *entry);

/*
 * The hash used here (XXH3), for others that need a good 64-bit hash of bytes. It stays the same: state files depend on
 * it.
 */
uint64_t hash_bytes(struct view bytes, uint64_t seed);

#endif
