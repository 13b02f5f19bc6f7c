/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Versions by fingerprint, current versions by source id; all memory is one arena. */
#include "schema/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/memory.h"

struct catalog {
	struct arena arena;
	struct map versions; /* fingerprint -> struct table */
	struct map current;  /* source id -> struct table; keys point into the table first seen */
	void (*shape)(const void *arg, struct table *draft);
	const void *shape_arg;
};

struct catalog *catalog_new(void)
{
	return MEM_NEW(struct catalog);
}

void catalog_free(struct catalog *catalog)
{
	if (!catalog)
		return;
	map_done(&catalog->versions);
	map_done(&catalog->current);
	arena_done(&catalog->arena);
	free(catalog);
}

static struct view key_of(const uint64_t *number)
{
	return (struct view){(const char *)number, sizeof(*number)};
}

static const char *copy_text(struct arena *arena, const char *text)
{
	return arena_copy(arena, view_of(text)).ptr;
}

void catalog_mask(struct catalog *catalog, void (*shape)(const void *arg, struct table *draft), const void *arg)
{
	catalog->shape = shape;
	catalog->shape_arg = arg;
}

static struct table *copy_table(struct arena *arena, const struct table *draft)
{
	struct table *table = ARENA_NEW(arena, struct table);

	*table = *draft;
	table->schema = copy_text(arena, draft->schema);
	table->name = copy_text(arena, draft->name);
	table->columns = ARENA_ARRAY(arena, struct column, draft->column_count);
	for (unsigned i = 0; i < draft->column_count; i++) {
		table->columns[i] = draft->columns[i];
		table->columns[i].name = copy_text(arena, draft->columns[i].name);
		table->columns[i].source_type = copy_text(arena, draft->columns[i].source_type);
		if (draft->columns[i].labels)
			table->columns[i].labels = copy_text(arena, draft->columns[i].labels);
	}
	table->key = ARENA_ARRAY(arena, unsigned, draft->key_count);
	for (unsigned i = 0; i < draft->key_count; i++)
		table->key[i] = draft->key[i];
	return table;
}

static struct table *find_version(struct catalog *catalog, const struct table *draft)
{
	struct table sealed = *draft;
	struct table *table;

	table_seal(&sealed);
	table = map_get(&catalog->versions, key_of(&sealed.fingerprint));
	if (!table) {
		table = copy_table(&catalog->arena, &sealed);
		table->uid = (uint32_t)catalog->versions.live;
		map_put(&catalog->versions, key_of(&table->fingerprint), table);
	}
	return table;
}

static struct table *version_of(struct catalog *catalog, const struct table *draft)
{
	struct table shaped = *draft;
	struct table *table;

	if (!catalog->shape)
		return find_version(catalog, draft);
	shaped.columns = MEM_ARRAY(struct column, draft->column_count + 1);
	memcpy(shaped.columns, draft->columns, sizeof(*draft->columns) * draft->column_count);
	catalog->shape(catalog->shape_arg, &shaped);
	table = find_version(catalog, &shaped);
	free(shaped.columns);
	return table;
}

const struct table *catalog_version(struct catalog *catalog, const struct table *draft)
{
	return version_of(catalog, draft);
}

const struct table *catalog_put(struct catalog *catalog, const struct table *draft, bool *ret_new)
{
	struct table *table = version_of(catalog, draft), *before;

	before = map_put(&catalog->current, key_of(&table->source_id), table);
	*ret_new = before != table;
	return table;
}

const struct table *catalog_current(const struct catalog *catalog, uint64_t source_id)
{
	return map_get(&catalog->current, key_of(&source_id));
}

unsigned catalog_versions(const struct catalog *catalog)
{
	return (unsigned)catalog->versions.live;
}
