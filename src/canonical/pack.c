/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Reading a pack: which files it has, which entity each describes, what an overlay replaces. What the statements in
 * them mean is the compiler's business.
 */
#include "canonical/pack.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "pack_files.h"

#define PACK_FILE "pack.yaml"

struct pack {
	struct yaml_file **files;  /* all, pack.yaml included; owned */
	unsigned file_count;
	struct pack_entity *entities;
	unsigned entity_count;
	struct pack_mask *masks;
	unsigned mask_count;
	const char *name, *version, *system, *owner; /* in the tree of pack.yaml; owner may be NULL */
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_pack_file(const struct yaml_file *file)
{
	return strcmp(base_name(file->source.name), PACK_FILE) == 0;
}

static void add_file(struct pack *pack, struct yaml_file *file)
{
	pack->files = mem_resize(pack->files, pack->file_count + 1, sizeof(*pack->files));
	pack->files[pack->file_count++] = file;
}

static int is_yaml(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".yaml") == 0;
}

static void load_file(struct pack *pack, const char *folder, const char *name, struct diagnostics *diag)
{
	char *path = mem_printf("%s/%s", folder, name);
	struct yaml_file *file = yaml_load(path, diag);

	if (file)
		add_file(pack, file);
	free(path);
}

static void load_folder(struct pack *pack, const char *folder, struct diagnostics *diag)
{
	struct source_file place = {.name = folder};
	struct dirent **entries;
	int count = scandir(folder, &entries, is_yaml, alphasort);

	if (count < 0) {
		diag_error(diag, (struct place){&place, 0, 0}, "cannot read this folder: %s", strerror(errno));
		return;
	}
	for (int i = 0; i < count; i++) {
		load_file(pack, folder, entries[i]->d_name, diag);
		free(entries[i]);
	}
	free(entries);
}

static const struct yaml_node *need_text(const struct yaml_file *file, const char *key, struct diagnostics *diag)
{
	const struct yaml_node *node = yaml_get(file->root, key);

	if (!node) {
		diag_error(diag, (struct place){&file->source, 1, 1}, "'%s' is missing", key);
		return NULL;
	}
	if (node->kind != YAML_SCALAR || yaml_is_null(node)) {
		diag_error(diag, node->at, "'%s' must be a text", key);
		return NULL;
	}
	return node;
}

/* A name that may stand in file names, topics and schema names. */
static bool is_name(struct view text)
{
	if (!text.len || isdigit((unsigned char)text.ptr[0]))
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!isalnum((unsigned char)text.ptr[i]) && text.ptr[i] != '_')
			return false;
	return true;
}

/* A file of the overlay takes the place of the pack's file for the same entity. */
static void add_entity(struct pack *pack, const struct yaml_file *file, unsigned first_of_overlay, unsigned file_index,
		       struct diagnostics *diag)
{
	const struct yaml_node *name = need_text(file, "entity", diag);
	unsigned i = 0;

	if (!name)
		return;
	if (!is_name(name->text)) {
		diag_error(diag, name->at, "'%s' is no name of an entity", name->text.ptr);
		return;
	}
	while (i < pack->entity_count && strcmp(pack->entities[i].name, name->text.ptr) != 0)
		i++;
	if (i == pack->entity_count) {
		pack->entities = mem_resize(pack->entities, i + 1, sizeof(*pack->entities));
		pack->entity_count++;
	} else if (file_index < first_of_overlay) {
		diag_error(diag, name->at, "entity '%s' is in '%s', too", name->text.ptr,
			   pack->entities[i].file->source.name);
		return;
	}
	pack->entities[i] = (struct pack_entity){name->text.ptr, file};
}

static void read_masks(struct pack *pack, const struct yaml_node *node, struct diagnostics *diag)
{
	if (!node)
		return;
	if (node->kind != YAML_MAPPING) {
		diag_error(diag, node->at, "'masks' must be a mapping of columns to classes");
		return;
	}
	free(pack->masks);
	pack->masks = MEM_ARRAY(struct pack_mask, node->count + 1);
	pack->mask_count = 0;
	for (const struct yaml_node *what = node->first; what; what = what->next) {
		if (what->kind != YAML_SCALAR || yaml_is_null(what))
			diag_error(diag, what->at, "the class of '%s' must be a text", what->key);
		else
			pack->masks[pack->mask_count++] = (struct pack_mask){what->key, what->text.ptr};
	}
}

static void read_head(struct pack *pack, const struct yaml_file *file, struct diagnostics *diag)
{
	const struct yaml_node *name = need_text(file, "name", diag);
	const struct yaml_node *version = need_text(file, "version", diag);
	const struct yaml_node *system = need_text(file, "system", diag);
	const struct yaml_node *owner = yaml_get(file->root, "owner") ? need_text(file, "owner", diag) : NULL;

	pack->name = name ? name->text.ptr : "";
	pack->version = version ? version->text.ptr : "";
	pack->system = system ? system->text.ptr : "";
	pack->owner = owner ? owner->text.ptr : NULL;
	read_masks(pack, yaml_get(file->root, "masks"), diag);
}

static int compare_entities(const void *a, const void *b)
{
	return strcmp(((const struct pack_entity *)a)->name, ((const struct pack_entity *)b)->name);
}

static void read_files(struct pack *pack, const char *folder, unsigned first_of_overlay, struct diagnostics *diag)
{
	for (unsigned i = 0; i < pack->file_count; i++) {
		struct yaml_file *file = pack->files[i];

		if (!file->root || file->root->kind != YAML_MAPPING)
			diag_error(diag, (struct place){&file->source, 1, 1}, "this file is no mapping of keys to values");
		else if (is_pack_file(file))
			read_head(pack, file, diag);
		else
			add_entity(pack, file, first_of_overlay, i, diag);
	}
	if (!pack->name) {
		struct source_file place = {.name = folder};

		diag_error(diag, (struct place){&place, 0, 0}, "there is no " PACK_FILE " in this folder");
	}
	if (pack->entity_count)
		qsort(pack->entities, pack->entity_count, sizeof(*pack->entities), compare_entities);
}

struct pack *pack_load(const char *folder, const char *overlay, struct diagnostics *diag)
{
	struct pack *pack = MEM_NEW(struct pack);
	unsigned errors = diag->errors, first_of_overlay;

	load_folder(pack, folder, diag);
	first_of_overlay = pack->file_count;
	if (overlay)
		load_folder(pack, overlay, diag);
	if (diag->errors == errors)
		read_files(pack, folder, first_of_overlay, diag);
	if (diag->errors == errors)
		return pack;
	pack_free(pack);
	return NULL;
}

void pack_free(struct pack *pack)
{
	if (!pack)
		return;
	for (unsigned i = 0; i < pack->file_count; i++)
		yaml_file_free(pack->files[i]);
	free(pack->files);
	free(pack->entities);
	free(pack->masks);
	free(pack);
}

static bool is_used(const struct pack *pack, const struct yaml_file *file)
{
	if (is_pack_file(file))
		return true;
	for (unsigned i = 0; i < pack->entity_count; i++)
		if (pack->entities[i].file == file)
			return true;
	return false;
}

/*
 * Each file in use: "<name> <length>\n", the content, "\n". Of names the folder is left out, so that a pack is the same
 * wherever it lies; files that an overlay has replaced are left out, too.
 */
void pack_write(const struct pack *pack, struct writer *wr)
{
	for (unsigned i = 0; i < pack->file_count; i++) {
		const struct source_file *source = &pack->files[i]->source;

		if (!is_used(pack, pack->files[i]))
			continue;
		wr_printf(wr, "%s %zu\n", base_name(source->name), source->content.len);
		wr_view_bytes(wr, source->content);
		wr_u8(wr, '\n');
	}
}

/* Takes one file off the front of the text; -1 if there is none. */
static int next_file(struct view *text, char name[256], struct view *content)
{
	const char *newline = text->len ? memchr(text->ptr, '\n', text->len) : NULL;
	size_t head = newline ? (size_t)(newline + 1 - text->ptr) : 0;
	char line[300];

	if (!head || head > sizeof(line))
		return -1;
	memcpy(line, text->ptr, head - 1);
	line[head - 1] = '\0';
	if (sscanf(line, "%255s %zu", name, &content->len) != 2 || content->len >= text->len - head)
		return -1;
	content->ptr = text->ptr + head;
	text->ptr += head + content->len + 1;
	text->len -= head + content->len + 1;
	return 0;
}

struct pack *pack_read(struct view text, struct diagnostics *diag)
{
	struct pack *pack = MEM_NEW(struct pack);
	unsigned errors = diag->errors;
	struct view content;
	char name[256];

	while (text.len && diag->errors == errors) {
		struct yaml_file *file = NULL;

		if (next_file(&text, name, &content) < 0)
			diag_error(diag, (struct place){0}, "the pack in the state file is damaged");
		else
			file = yaml_parse(name, content, diag);
		if (file)
			add_file(pack, file);
	}
	if (diag->errors == errors)
		read_files(pack, "the pack in the state file", 0, diag);
	if (diag->errors == errors)
		return pack;
	pack_free(pack);
	return NULL;
}

const char *pack_name(const struct pack *pack)
{
	return pack->name;
}

const char *pack_version(const struct pack *pack)
{
	return pack->version;
}

const char *pack_system(const struct pack *pack)
{
	return pack->system;
}

const char *pack_owner(const struct pack *pack)
{
	return pack->owner;
}

const struct pack_mask *pack_masks(const struct pack *pack, unsigned *ret_count)
{
	*ret_count = pack->mask_count;
	return pack->masks;
}

uint64_t pack_digest(const struct pack *pack)
{
	struct writer text = {0};
	uint64_t digest;

	pack_write(pack, &text);
	digest = hash_bytes(wr_view(&text), 0);
	wr_done(&text);
	return digest;
}

const struct pack_entity *pack_entities(const struct pack *pack, unsigned *ret_count)
{
	*ret_count = pack->entity_count;
	return pack->entities;
}

/* Where the text of a scalar begins in its file. */
static const char *text_start(const struct yaml_node *node, struct view content)
{
	const char *at = content.ptr, *end = content.ptr + content.len;

	for (unsigned line = 1; line < node->at.line && at < end; at++)
		line += *at == '\n';
	at += node->at.column - 1;
	if (at > end)
		return end;
	if (node->block)
		while (at < end && *at++ != '\n')
			;
	else if (!node->plain && at < end)
		at++;
	return at;
}

static bool is_solid(char c)
{
	return c != ' ' && c != '\n' && c != '\t' && c != '\r';
}

static struct place place_of(const struct source_file *file, const char *at)
{
	struct place place = {file, 1, 1};

	for (const char *c = file->content.ptr; c < at; c++) {
		place.column++;
		if (*c == '\n') {
			place.line++;
			place.column = 1;
		}
	}
	return place;
}

struct place text_place(const struct yaml_node *node, size_t offset)
{
	const struct source_file *file = node->at.file;
	const char *at, *end;
	bool escapes;
	size_t solid = 0;

	if (!file || !node->at.line)
		return node->at;
	at = text_start(node, file->content);
	end = file->content.ptr + file->content.len;
	escapes = !node->block && !node->plain && at > file->content.ptr && at[-1] == '"';
	for (size_t i = 0; i < offset && i < node->text.len; i++)
		solid += is_solid(node->text.ptr[i]);
	for (; at < end; at++) {
		if (!is_solid(*at))
			continue;
		if (escapes && *at == '\\')
			at++;
		if (solid-- == 0)
			break;
	}
	return place_of(file, at < end ? at : end);
}
