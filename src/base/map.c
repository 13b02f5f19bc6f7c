/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The map: entries in order of insertion, and an open-addressing table of their numbers. Removal leaves a mark in the
 * entry; marks go when the table is built anew.
 */
#include "base/map.h"

#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/memory.h"

uint64_t hash_bytes(struct view bytes, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes.ptr, bytes.len, seed);
}

void map_done(struct map *map)
{
	free(map->entries);
	free(map->slots);
	*map = (struct map){0};
}

void map_clear(struct map *map)
{
	map->count = map->live = 0;
	if (map->slots)
		memset(map->slots, 0, map->slot_count * sizeof(*map->slots));
}

/* The slot of a key, or the free one where it would go. */
static size_t find_slot(const struct map *map, struct view key, uint64_t hash)
{
	size_t mask = map->slot_count - 1;
	size_t slot = hash & mask;

	while (map->slots[slot]) {
		const struct map_entry *entry = &map->entries[map->slots[slot] - 1];

		if (entry->hash == hash && entry->key.ptr && view_equal(entry->key, key))
			break;
		slot = (slot + 1) & mask;
	}
	return slot;
}

/* Moves the entries together that are not removed. */
static void compact(struct map *map)
{
	size_t kept = 0;

	for (size_t i = 0; i < map->count; i++)
		if (map->entries[i].key.ptr)
			map->entries[kept++] = map->entries[i];
	map->count = kept;
}

/* Drops removed entries and builds a table at most half full. */
static void rebuild(struct map *map)
{
	size_t slot_count = 16;

	while (slot_count < map->live * 4 + 4)
		slot_count *= 2;
	compact(map); /* before there may be less room than there were entries */
	free(map->slots);
	map->slots = mem_new(slot_count, sizeof(*map->slots));
	map->slot_count = slot_count;
	map->entries = mem_resize(map->entries, slot_count / 2, sizeof(*map->entries));
	for (size_t i = 0; i < map->count; i++)
		map->slots[find_slot(map, map->entries[i].key, map->entries[i].hash)] = (uint32_t)i + 1;
}

void *map_get(const struct map *map, struct view key)
{
	if (!map->slot_count)
		return NULL;

	uint32_t number = map->slots[find_slot(map, key, hash_bytes(key, 0))];

	return number ? map->entries[number - 1].value : NULL;
}

void *map_put(struct map *map, struct view key, void *value)
{
	uint64_t hash = hash_bytes(key, 0);
	size_t slot;

	if (map->count + 1 > map->slot_count / 2)
		rebuild(map);
	slot = find_slot(map, key, hash);
	if (map->slots[slot]) {
		struct map_entry *entry = &map->entries[map->slots[slot] - 1];
		void *old = entry->value;

		entry->value = value;
		return old;
	}
	map->entries[map->count] = (struct map_entry){.key = key, .value = value, .hash = hash};
	map->slots[slot] = (uint32_t)++map->count;
	map->live++;
	return NULL;
}

void *map_remove(struct map *map, struct view key)
{
	uint32_t number;
	struct map_entry *entry;

	if (!map->slot_count)
		return NULL;
	number = map->slots[find_slot(map, key, hash_bytes(key, 0))];
	if (!number)
		return NULL;
	entry = &map->entries[number - 1];
	entry->key = VIEW_NONE;
	map->live--;
	return entry->value;
}

struct map_entry *map_next(const struct map *map, const struct map_entry *entry)
{
	size_t i = entry ? (size_t)(entry - map->entries) + 1 : 0;

	while (i < map->count && !map->entries[i].key.ptr)
		i++;
	return i < map->count ? &map->entries[i] : NULL;
}
