/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A contract's life: files found and parsed, names declared across all of them, then types built. The files' trees are
 * gone when loading ends; what the types need has been copied.
 */
#include "schema/contract.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/yaml.h"
#include "contract_build.h"

#define FOLDER_DEPTH_MAX 8 /* schemas are not nested deeper; ends a circle of symbolic links */

struct contract {
	struct arena arena;
	struct map names;             /* full name -> struct avro_type */
	const struct avro_type *root; /* of a single text */
};

/* The files of one load, in the order of their paths. */
struct file_list {
	struct yaml_file **files;
	size_t count;
};

static struct contract *contract_new(void)
{
	struct contract *contract = MEM_NEW(struct contract);

	arena_init(&contract->arena);
	return contract;
}

void contract_free(struct contract *contract)
{
	if (!contract)
		return;
	map_done(&contract->names);
	arena_done(&contract->arena);
	free(contract);
}

static void add_file(struct file_list *list, const char *path, struct diagnostics *diag)
{
	struct yaml_file *file = yaml_load(path, diag);

	if (!file)
		return;
	list->files = mem_resize(list->files, list->count + 1, sizeof(struct yaml_file *));
	list->files[list->count++] = file;
}

static bool has_ending(const char *name, const char *ending)
{
	size_t len = strlen(name), end = strlen(ending);

	return len > end && !strcmp(name + len - end, ending);
}

static void add_folder(struct file_list *list, const char *folder, int depth, struct diagnostics *diag)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);

	if (count < 0) {
		if (depth == 0 || errno != ENOTDIR)
			diag_error(diag, (struct place){0}, "cannot read the folder '%s': %s", folder, strerror(errno));
		return;
	}
	for (int i = 0; i < count; i++) {
		char *path = mem_printf("%s/%s", folder, entries[i]->d_name);

		if (has_ending(path, ".avsc"))
			add_file(list, path, diag);
		else if (entries[i]->d_name[0] != '.' && !strchr(entries[i]->d_name, '.') && depth < FOLDER_DEPTH_MAX)
			add_folder(list, path, depth + 1, diag);
		free(path);
		free(entries[i]);
	}
	free(entries);
}

static void free_files(struct file_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		yaml_file_free(list->files[i]);
	free(list->files);
}

/* Builds all types of the files; the root is the last file's. */
static void build(struct contract *contract, const struct file_list *list, bool strict, struct diagnostics *diag)
{
	struct builder b = {.arena = &contract->arena, .names = &contract->names, .diag = diag, .strict = strict};

	unsigned errors = diag->errors;

	b.pending_end = &b.pending;
	for (size_t i = 0; i < list->count; i++) {
		if (list->files[i]->root)
			build_declare(&b, list->files[i]->root, "");
		else
			diag_error(diag, (struct place){&list->files[i]->source, 1, 1}, "there is no schema in this "
											"file");
	}
	bool named = diag->errors == errors;

	/* without its names, a schema would be full of complaints that are none of its own */
	for (size_t i = 0; named && i < list->count; i++)
		contract->root = build_type(&b, list->files[i]->root, "");
	build_defaults(&b);
	map_done(&b.declared);
}

static struct contract *finish(struct contract *contract, struct file_list *list, bool strict, unsigned errors,
			       struct diagnostics *diag)
{
	if (diag->errors == errors)
		build(contract, list, strict, diag);
	free_files(list);
	if (diag->errors == errors)
		return contract;
	contract_free(contract);
	return NULL;
}

struct contract *contract_load(const char *folder, struct diagnostics *diag)
{
	unsigned errors = diag->errors;
	struct file_list list = {0};

	add_folder(&list, folder, 0, diag);
	if (!list.count && diag->errors == errors)
		diag_error(diag, (struct place){0}, "there is no *.avsc file in '%s'", folder);
	return finish(contract_new(), &list, true, errors, diag);
}

struct contract *contract_parse_text(const char *name, struct view json, struct diagnostics *diag)
{
	unsigned errors = diag->errors;
	struct yaml_file *file = yaml_parse(name, json, diag);
	struct file_list list = {0};

	if (!file)
		return NULL;
	list.files = MEM_ARRAY(struct yaml_file *, 1);
	list.files[list.count++] = file;
	return finish(contract_new(), &list, false, errors, diag);
}

const struct avro_type *contract_root(const struct contract *contract)
{
	return contract->root;
}

const struct avro_type *contract_find(const struct contract *contract, const char *full_name)
{
	return map_get(&contract->names, view_of(full_name));
}

const struct avro_type *contract_find_in(const struct contract *contract, const char *prefix, const char *name)
{
	char *full_name = mem_printf("%s%s", prefix, name);
	const struct avro_type *type = contract_find(contract, full_name);

	free(full_name);
	return type;
}

const struct avro_type *contract_entity_message(struct contract *contract, const char *entity)
{
	const struct avro_type *known = contract_find_in(contract, CONTRACT_ENTITY, entity);
	const struct avro_type *header = contract_find(contract, CONTRACT_HEADER);
	const struct avro_type *document = contract_find_in(contract, CONTRACT_DOCUMENT, entity);
	struct avro_type *type;

	if (known || !header || !document)
		return known;
	type = ARENA_NEW(&contract->arena, struct avro_type);
	type->kind = AVRO_RECORD;
	type->name = arena_printf(&contract->arena, CONTRACT_ENTITY "%s", entity).ptr;
	type->doc = arena_printf(&contract->arena, "The state of one %s after a commit of the source.", entity).ptr;
	type->fields = ARENA_ARRAY(&contract->arena, struct avro_field, 2);
	type->field_count = 2;
	type->fields[0] = (struct avro_field){.name = "header", .type = header};
	type->fields[1] = (struct avro_field){.name = "document", .type = document};
	map_put(&contract->names, view_of(type->name), type);
	return type;
}
