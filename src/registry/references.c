/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* A schema is walked as JSON, so that attributes that mean something to others alone stay where they are. */
#include "registry/references.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define REFERENCES_MOST 1000

/* Walking -------------------------------------------------------------------------------------- */

/* What takes the place of a type, or NULL: it stays. `space` is the namespace around it. */
typedef json_t *visitor(void *arg, json_t *type, const char *space);

static bool is_one_of(const json_t *value, const char *const *names)
{
	while (*names && (!json_is_string(value) || strcmp(json_string_value(value), *names) != 0))
		names++;
	return *names != NULL;
}

static bool is_primitive(const json_t *type)
{
	static const char *const names[] = {"null", "boolean", "int", "long", "float", "double", "bytes", "string", NULL};

	return is_one_of(type, names);
}

static bool is_container(const json_t *type)
{
	static const char *const kinds[] = {"array", "map", NULL};

	return is_one_of(json_object_get(type, "type"), kinds);
}

/* It defines a type that has a name. */
static bool is_definition(const json_t *type)
{
	static const char *const kinds[] = {"record", "error", "enum", "fixed", NULL};

	return json_is_object(type) && is_one_of(json_object_get(type, "type"), kinds) &&
	       json_is_string(json_object_get(type, "name"));
}

static const char *name_in(struct arena *arena, const char *name, const char *space)
{
	return strchr(name, '.') || !*space ? arena_copy(arena, view_of(name)).ptr : arena_printf(arena, "%s.%s", space, name).ptr;
}

static const char *full_name(struct arena *arena, const json_t *definition, const char *space)
{
	const json_t *own = json_object_get(definition, "namespace");

	return name_in(arena, json_string_value(json_object_get(definition, "name")), own ? json_string_value(own) : space);
}

static const char *space_of(struct arena *arena, const char *full)
{
	const char *dot = strrchr(full, '.');

	return dot ? arena_copy(arena, (struct view){full, (size_t)(dot - full)}).ptr : "";
}

static void visit_member(json_t *holder, const char *member, const char *space, visitor *visit, void *arg)
{
	json_t *type = json_object_get(holder, member), *other = type ? visit(arg, type, space) : NULL;

	if (other)
		json_object_set_new(holder, member, other);
}

static void visit_list(json_t *list, const char *space, visitor *visit, void *arg)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *other = visit(arg, json_array_get(list, i), space);

		if (other)
			json_array_set_new(list, i, other);
	}
}

/* The types in a type; `space` is that within. */
static void visit_inner(json_t *type, const char *space, visitor *visit, void *arg)
{
	json_t *fields = json_object_get(type, "fields");

	if (json_is_array(type)) {
		visit_list(type, space, visit, arg);
	} else if (is_definition(type)) {
		for (size_t i = 0; i < json_array_size(fields); i++)
			visit_member(json_array_get(fields, i), "type", space, visit, arg);
	} else if (is_container(type)) {
		visit_member(type, "items", space, visit, arg);
		visit_member(type, "values", space, visit, arg);
	} else if (json_is_object(type)) {
		visit_member(type, "type", space, visit, arg);
	}
}

static json_t *load(struct view text)
{
	return text.len ? json_loadb(text.ptr, text.len, JSON_DECODE_ANY, NULL) : NULL;
}

static struct view dump(const json_t *type, struct arena *arena)
{
	char *text = json_dumps(type, JSON_COMPACT | JSON_ENCODE_ANY);
	struct view view = text ? arena_copy(arena, view_of(text)) : VIEW_NONE;

	free(text);
	return view;
}

/* Taking apart --------------------------------------------------------------------------------- */

struct split {
	struct arena *arena;
	const char *space;           /* of the schema's own record */
	struct schema_part *parts;
	size_t count;
	struct schema_part *current; /* what is being walked ... */
	bool broken;                 /* it uses what is defined in what uses it */
};

static const struct schema_part *find_part(const struct schema_part *parts, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (parts[i].name && strcmp(parts[i].name, name) == 0)
			return &parts[i];
	return NULL;
}

static json_t *refer(struct split *split, const char *name)
{
	struct schema_part *part = split->current;

	for (size_t i = 0; i < part->reference_count; i++)
		if (strcmp(part->references[i].name, name) == 0)
			return json_string(name);
	part->references = mem_resize(part->references, part->reference_count + 1, sizeof(*part->references));
	part->references[part->reference_count++] = (struct schema_reference){.name = name, .subject = name};
	return json_string(name);
}

static void add_part(struct split *split, struct schema_part *part, const json_t *type)
{
	struct schema_reference *grown = part->references;

	part->text = dump(type, split->arena);
	part->references = ARENA_ARRAY(split->arena, struct schema_reference, part->reference_count + 1);
	if (grown)
		memcpy(part->references, grown, part->reference_count * sizeof(*grown));
	free(grown);
	split->parts = mem_resize(split->parts, split->count + 1, sizeof(*split->parts));
	split->parts[split->count++] = *part;
}

static json_t *split_type(void *arg, json_t *type, const char *space);

static json_t *split_definition(struct split *split, json_t *type, const char *space)
{
	const char *name = full_name(split->arena, type, space), *own = space_of(split->arena, name);
	struct schema_part part = {.name = name}, *outer = split->current;

	if (!outer->name && strcmp(own, split->space) == 0) {
		visit_inner(type, own, split_type, split);
		return NULL;
	}
	split->broken |= !*own; /* without a namespace its name would be another one where it is used */
	split->current = &part;
	visit_inner(type, own, split_type, split);
	json_object_set_new(type, "namespace", json_string(own));
	add_part(split, &part, type);
	split->current = outer;
	return refer(split, name);
}

static json_t *split_type(void *arg, json_t *type, const char *space)
{
	struct split *split = arg;
	const char *name;

	if (is_definition(type))
		return split_definition(split, type, space);
	if (!json_is_string(type) || is_primitive(type)) {
		visit_inner(type, space, split_type, split);
		return NULL;
	}
	name = name_in(split->arena, json_string_value(type), space);
	if (find_part(split->parts, split->count, name))
		return refer(split, name);
	split->broken |= split->current->name && strcmp(split->current->name, name) != 0;
	return NULL;
}

static void split_whole(struct split *split, json_t *type)
{
	struct schema_part whole = {0};

	split->current = &whole;
	if (is_definition(type)) {
		split->space = space_of(split->arena, full_name(split->arena, type, ""));
		split_definition(split, type, "");
	}
	add_part(split, &whole, type);
}

size_t schema_split(struct view text, struct arena *arena, struct schema_part **ret)
{
	struct split split = {.arena = arena};
	json_t *type = load(text);
	size_t count = 1;

	if (type)
		split_whole(&split, type);
	json_decref(type);
	if (split.count > 1 && !split.broken)
		count = split.count;
	*ret = ARENA_ARRAY(arena, struct schema_part, count);
	if (count > 1)
		memcpy(*ret, split.parts, count * sizeof(**ret));
	else
		(*ret)->text = text;
	free(split.parts);
	return count;
}

void schema_set_version(struct schema_part *parts, size_t count, const char *name, int32_t version)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < parts[i].reference_count; j++)
			if (strcmp(parts[i].references[j].name, name) == 0)
				parts[i].references[j].version = version;
}

struct schema_text schema_of_part(const struct schema_part *part)
{
	return (struct schema_text){.text = part->text, .references = part->references, .reference_count = part->reference_count};
}

/* Putting together ----------------------------------------------------------------------------- */

struct joining {
	struct arena *arena;
	const struct schema_part *parts;
	size_t count;
	bool *used;
};

static json_t *join_type(void *arg, json_t *type, const char *space)
{
	struct joining *joining = arg;
	const struct schema_part *part;
	const char *name;
	json_t *other;

	if (!json_is_string(type) || is_primitive(type)) {
		visit_inner(type, is_definition(type) ? space_of(joining->arena, full_name(joining->arena, type, space)) : space,
			    join_type, joining);
		return NULL;
	}
	name = name_in(joining->arena, json_string_value(type), space);
	part = find_part(joining->parts, joining->count, name);
	if (!part || joining->used[part - joining->parts])
		return NULL;
	joining->used[part - joining->parts] = true;
	other = load(part->text);
	if (!is_definition(other)) {
		json_decref(other);
		return NULL;
	}
	json_object_set_new(other, "namespace", json_string(space_of(joining->arena, name)));
	visit_inner(other, space_of(joining->arena, name), join_type, joining);
	return other;
}

struct view schema_join(const struct schema_part *parts, size_t count, struct arena *arena)
{
	struct joining joining = {.arena = arena, .parts = parts, .count = count - 1};
	json_t *type = load(parts[count - 1].text);
	struct view text;

	if (!type)
		return VIEW_NONE;
	joining.used = ARENA_ARRAY(arena, bool, count);
	join_type(&joining, type, "");
	text = dump(type, arena);
	json_decref(type);
	return text;
}

/* Out of a registry ---------------------------------------------------------------------------- */

struct schema_text schema_copy(const struct schema_text *schema, struct arena *arena)
{
	struct schema_text copy = *schema;
	struct schema_reference *references = ARENA_ARRAY(arena, struct schema_reference, schema->reference_count + 1);

	copy.text = arena_copy(arena, schema->text);
	copy.references = references;
	for (size_t i = 0; i < schema->reference_count; i++)
		references[i] = (struct schema_reference){
			.name = arena_copy(arena, view_of(schema->references[i].name)).ptr,
			.subject = arena_copy(arena, view_of(schema->references[i].subject)).ptr,
			.version = schema->references[i].version,
		};
	return copy;
}

struct gathering {
	registry_asker *ask;
	void *ask_arg;
	struct arena *arena;
	struct schema_part *parts;
	size_t count;
};

static int gather_one(struct gathering *all, const struct schema_reference *reference, struct schema_text *ret, struct error *err)
{
	struct registry_request request = {.question = REGISTRY_VERSION, .subject = reference->subject, .id = reference->version};
	struct registry_answer answer = {0};

	if (all->count >= REFERENCES_MOST)
		return error_set(err, ERROR_RECORD, "the schema refers to more than %d others", REFERENCES_MOST);
	if (all->ask(all->ask_arg, &request, &answer, err) < 0)
		return -1;
	if (!answer.found)
		return error_set(err, ERROR_RECORD, "the schema registry does not have version %d of subject %s, which a schema refers to",
				 reference->version, reference->subject);
	*ret = schema_copy(&answer.schema, all->arena);
	all->parts = mem_resize(all->parts, all->count + 1, sizeof(*all->parts));
	all->parts[all->count++] = (struct schema_part){.name = reference->name, .text = ret->text};
	return 0;
}

/* What is gathered is looked through for what it refers to, in turn. */
static int gather(struct gathering *all, const struct schema_text *schema, struct error *err)
{
	for (size_t i = 0; i < schema->reference_count; i++) {
		struct schema_text found;

		if (find_part(all->parts, all->count, schema->references[i].name))
			continue;
		if (gather_one(all, &schema->references[i], &found, err) < 0 || gather(all, &found, err) < 0)
			return -1;
	}
	return 0;
}

int schema_whole(const struct schema_text *schema, registry_asker *ask, void *arg, struct arena *arena, struct view *ret,
		 struct error *err)
{
	struct gathering all = {.ask = ask, .ask_arg = arg, .arena = arena};
	int result = 0;

	*ret = schema->text;
	if (!schema->reference_count || schema->format != SCHEMA_AVRO)
		return 0;
	result = gather(&all, schema, err);
	if (result == 0) {
		all.parts = mem_resize(all.parts, all.count + 1, sizeof(*all.parts));
		all.parts[all.count] = (struct schema_part){.text = schema->text};
		*ret = schema_join(all.parts, all.count + 1, arena);
	}
	free(all.parts);
	return result;
}
