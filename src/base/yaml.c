/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * libyaml's events made into a tree. What configuration files do not need is refused with its place: anchors, aliases,
 * tags, several documents, keys that are not scalars.
 */
#include "base/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/memory.h"

#define DEPTH_MAX 64                    /* deeper nesting is refused: nobody writes it by hand */
#define FILE_BYTES_MAX ((size_t)64 << 20)
#define READ_BYTES 65536

struct parser {
	yaml_parser_t yaml;
	yaml_event_t event;
	struct yaml_file *file;
	struct diagnostics *diag;
	unsigned depth;
};

static struct place place_at(const struct parser *ps, yaml_mark_t mark)
{
	return (struct place){&ps->file->source, (unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

static int refuse(struct parser *ps, const char *what)
{
	return diag_error(ps->diag, place_at(ps, ps->event.start_mark), "%s", what);
}

static int next_event(struct parser *ps)
{
	yaml_event_delete(&ps->event);
	if (yaml_parser_parse(&ps->yaml, &ps->event))
		return 0;
	memset(&ps->event, 0, sizeof(ps->event));
	return diag_error(ps->diag, place_at(ps, ps->yaml.problem_mark), "%s",
			  ps->yaml.problem ? ps->yaml.problem : "this is not YAML");
}

static struct yaml_node *new_node(struct parser *ps, enum yaml_kind kind)
{
	struct yaml_node *node = ARENA_NEW(ps->file->arena, struct yaml_node);

	node->kind = kind;
	node->at = place_at(ps, ps->event.start_mark);
	return node;
}

static struct yaml_node *parse_node(struct parser *ps);

static struct yaml_node *parse_scalar(struct parser *ps)
{
	struct yaml_node *node = new_node(ps, YAML_SCALAR);
	yaml_scalar_style_t style = ps->event.data.scalar.style;
	struct view text = {(const char *)ps->event.data.scalar.value, ps->event.data.scalar.length};

	node->text = arena_copy(ps->file->arena, text);
	node->plain = style == YAML_PLAIN_SCALAR_STYLE;
	node->block = style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE;
	return node;
}

static struct yaml_node *parse_sequence(struct parser *ps)
{
	struct yaml_node *node = new_node(ps, YAML_SEQUENCE);
	struct yaml_node **link = &node->first;

	for (;;) {
		if (next_event(ps) < 0)
			return NULL;
		if (ps->event.type == YAML_SEQUENCE_END_EVENT)
			return node;
		*link = parse_node(ps);
		if (!*link)
			return NULL;
		link = &(*link)->next;
		node->count++;
	}
}

static struct yaml_node *parse_entry(struct parser *ps, const struct yaml_node *mapping)
{
	struct place key_at = place_at(ps, ps->event.start_mark);
	struct yaml_node *node;
	const char *key;

	if (ps->event.type != YAML_SCALAR_EVENT) {
		refuse(ps, "a key must be a plain text");
		return NULL;
	}
	key = arena_copy(ps->file->arena, view_of((const char *)ps->event.data.scalar.value)).ptr;
	if (yaml_get(mapping, key))
		diag_error(ps->diag, key_at, "duplicate key '%s'", key);
	if (next_event(ps) < 0)
		return NULL;
	node = parse_node(ps);
	if (node) {
		node->key = key;
		node->key_at = key_at;
	}
	return node;
}

static struct yaml_node *parse_mapping(struct parser *ps)
{
	struct yaml_node *node = new_node(ps, YAML_MAPPING);
	struct yaml_node **link = &node->first;

	for (;;) {
		if (next_event(ps) < 0)
			return NULL;
		if (ps->event.type == YAML_MAPPING_END_EVENT)
			return node;
		*link = parse_entry(ps, node);
		if (!*link)
			return NULL;
		link = &(*link)->next;
		node->count++;
	}
}

/* The node that the present event begins. */
static struct yaml_node *parse_node(struct parser *ps)
{
	struct yaml_node *node = NULL;

	if (++ps->depth > DEPTH_MAX) {
		refuse(ps, "nested too deeply");
		return NULL;
	}
	switch (ps->event.type) {
	case YAML_SCALAR_EVENT:
		node = parse_scalar(ps);
		break;
	case YAML_SEQUENCE_START_EVENT:
		node = parse_sequence(ps);
		break;
	case YAML_MAPPING_START_EVENT:
		node = parse_mapping(ps);
		break;
	case YAML_ALIAS_EVENT:
		refuse(ps, "aliases are not supported here; write the value out");
		break;
	default:
		refuse(ps, "a value is missing here");
	}
	ps->depth--;
	return node;
}

static int parse_document(struct parser *ps)
{
	do {
		if (next_event(ps) < 0)
			return -1;
		if (ps->event.type == YAML_STREAM_END_EVENT)
			return 0;
	} while (ps->event.type != YAML_DOCUMENT_START_EVENT);
	if (next_event(ps) < 0)
		return -1;
	ps->file->root = parse_node(ps);
	if (!ps->file->root)
		return -1;
	do {
		if (next_event(ps) < 0)
			return -1;
		if (ps->event.type == YAML_DOCUMENT_START_EVENT)
			return refuse(ps, "only one document in a file");
	} while (ps->event.type != YAML_STREAM_END_EVENT);
	return 0;
}

static struct yaml_file *file_new(const char *name, struct view content)
{
	struct yaml_file *file = MEM_NEW(struct yaml_file);

	file->arena = MEM_NEW(struct arena);
	arena_init(file->arena);
	file->source.name = mem_text(view_of(name));
	file->source.content = (struct view){mem_text(content), content.len};
	return file;
}

/* The complaints have copied what they show; nothing points into a file that is freed. */
static struct yaml_file *parse(const char *name, struct view content, struct diagnostics *diag, bool most)
{
	struct parser ps = {.file = file_new(name, content), .diag = diag};
	unsigned errors = diag->errors;
	bool broken;

	if (!yaml_parser_initialize(&ps.yaml))
		abort();
	yaml_parser_set_input_string(&ps.yaml, (const unsigned char *)ps.file->source.content.ptr, content.len);
	broken = parse_document(&ps) < 0;
	yaml_event_delete(&ps.event);
	yaml_parser_delete(&ps.yaml);
	if (!broken && (most || diag->errors == errors))
		return ps.file;
	yaml_file_free(ps.file);
	return NULL;
}

struct yaml_file *yaml_parse(const char *name, struct view content, struct diagnostics *diag)
{
	return parse(name, content, diag, false);
}

struct yaml_file *yaml_parse_most(const char *name, struct view content, struct diagnostics *diag)
{
	return parse(name, content, diag, true);
}

/* Also of a pipe, whose size nobody knows. */
static int read_file(const char *path, struct view *ret)
{
	FILE *stream = fopen(path, "re");
	struct writer text = {0};
	size_t got;

	if (!stream)
		return -1;
	while ((got = fread(wr_reserve(&text, READ_BYTES), 1, READ_BYTES, stream)) > 0 && text.len <= FILE_BYTES_MAX)
		text.len += got;
	if (ferror(stream) || text.len > FILE_BYTES_MAX) {
		errno = ferror(stream) ? errno : EFBIG;
		fclose(stream);
		wr_done(&text);
		return -1;
	}
	fclose(stream);
	*wr_reserve(&text, 1) = '\0';
	*ret = (struct view){text.data, text.len};
	return 0;
}

int yaml_read_text(const char *path, struct view *ret, struct diagnostics *diag)
{
	struct source_file source = {.name = path};

	if (read_file(path, ret) == 0)
		return 0;
	return diag_error(diag, (struct place){&source, 0, 0}, "cannot read this file: %s", strerror(errno));
}

struct yaml_file *yaml_load(const char *path, struct diagnostics *diag)
{
	struct yaml_file *file;
	struct view content;

	if (yaml_read_text(path, &content, diag) < 0)
		return NULL;
	file = yaml_parse(path, content, diag);
	free((char *)content.ptr);
	return file;
}

void yaml_file_free(struct yaml_file *file)
{
	if (!file)
		return;
	arena_done(file->arena);
	free(file->arena);
	free((char *)file->source.name);
	free((char *)file->source.content.ptr);
	free(file);
}

struct yaml_node *yaml_get(const struct yaml_node *node, const char *key)
{
	if (!node || node->kind != YAML_MAPPING)
		return NULL;
	for (struct yaml_node *child = node->first; child; child = child->next)
		if (strcmp(child->key, key) == 0)
			return child;
	return NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
	return !node || (node->kind == YAML_SCALAR && node->plain &&
			 (node->text.len == 0 || view_is(node->text, "~") || view_is(node->text, "null")));
}
