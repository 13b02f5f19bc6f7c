/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Ids by "<subject> <hash of the text>". */
#include "registry/ids.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/memory.h"

struct known_id {
	const char *name;
	int32_t id;
	bool kept;
};

struct schema_ids {
	struct arena arena;
	struct map known; /* name -> struct known_id */
	size_t unkept;
};

static char *topic_subject(const char *topic, enum message_part part)
{
	return mem_printf("%s-%s", topic, part == PART_KEY ? "key" : "value");
}

char *subject_name(enum subject_strategy strategy, const char *topic, enum message_part part, const char *record)
{
	if (strategy == SUBJECT_TOPIC || !record)
		return topic_subject(topic, part);
	return strategy == SUBJECT_RECORD ? mem_printf("%s", record) : mem_printf("%s-%s", topic, record);
}

struct schema_ids *schema_ids_new(void)
{
	struct schema_ids *ids = MEM_NEW(struct schema_ids);

	arena_init(&ids->arena);
	return ids;
}

void schema_ids_free(struct schema_ids *ids)
{
	if (!ids)
		return;
	map_done(&ids->known);
	arena_done(&ids->arena);
	free(ids);
}

static char *name_of(const char *subject, struct view text)
{
	return mem_printf("%s %016" PRIx64, subject, hash_bytes(text, 0));
}

int32_t schema_ids_find(const struct schema_ids *ids, const char *subject, struct view text)
{
	char *name = name_of(subject, text);
	const struct known_id *known = map_get(&ids->known, view_of(name));

	free(name);
	return known ? known->id : 0;
}

static struct known_id *add(struct schema_ids *ids, struct view name, int32_t id)
{
	struct known_id *known = ARENA_NEW(&ids->arena, struct known_id);

	known->name = arena_copy(&ids->arena, name).ptr;
	known->id = id;
	map_put(&ids->known, view_of(known->name), known);
	return known;
}

void schema_ids_put(struct schema_ids *ids, const char *subject, struct view text, int32_t id)
{
	char *name = name_of(subject, text);

	add(ids, view_of(name), id);
	ids->unkept++;
	free(name);
}

/* No subject of a registry has a blank in it. */
static char *version_of(const char *subject)
{
	return mem_printf("version %s", subject);
}

int32_t schema_ids_find_version(const struct schema_ids *ids, const char *subject, struct view text)
{
	char *name = version_of(subject);
	int32_t version = schema_ids_find(ids, name, text);

	free(name);
	return version;
}

void schema_ids_put_version(struct schema_ids *ids, const char *subject, struct view text, int32_t version)
{
	char *name = version_of(subject);

	schema_ids_put(ids, name, text, version);
	free(name);
}

bool schema_ids_load(struct schema_ids *ids, struct view name, struct view value)
{
	char text[16], *end;
	long id;

	snprintf(text, sizeof(text), "%.*s", VIEW_ARG(value));
	id = strtol(text, &end, 10);
	if (*end || id < 1 || id > INT32_MAX)
		return false;
	add(ids, name, (int32_t)id)->kept = true;
	return true;
}

int schema_ids_save(const struct schema_ids *ids, schema_ids_keep *keep, void *arg, struct error *err)
{
	char value[16];

	for (struct map_entry *entry = NULL; ids->unkept && (entry = map_next(&ids->known, entry));) {
		const struct known_id *known = entry->value;

		snprintf(value, sizeof(value), "%" PRId32, known->id);
		if (!known->kept && keep(arg, known->name, value, err) < 0)
			return -1;
	}
	return 0;
}

void schema_ids_kept(struct schema_ids *ids)
{
	for (struct map_entry *entry = NULL; ids->unkept && (entry = map_next(&ids->known, entry));)
		((struct known_id *)entry->value)->kept = true;
	ids->unkept = 0;
}

bool schema_ids_unkept(const struct schema_ids *ids)
{
	return ids->unkept > 0;
}
