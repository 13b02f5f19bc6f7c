/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A configuration file read against the option table: the tree is walked once, each value is read by its type, what is
 * not there gets its default, and what only several options together can get wrong is checked last. What the result
 * means for the pipeline is bind.c's.
 */
#include "control/conf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/yaml.h"
#include "bind.h"
#include "control/options.h"
#include "control/values.h"

struct loader {
	struct conf *conf;
	struct diagnostics *diag;
	struct yaml_file *file;
	struct value_reader reader; /* into conf->settings */
	struct value_reader shower; /* into conf->shown */
	bool given[OPTIONS_MOST];
};

static size_t index_of(const struct option *option)
{
	return (size_t)(option - option_table);
}

static void set(struct loader *ld, const struct option *option, const struct yaml_node *node)
{
	ld->given[index_of(option)] = true;
	if (value_read(&ld->reader, option, node) == 0)
		value_read(&ld->shower, option, node);
}

/* Unknown keys -------------------------------------------------------------------------------- */

/* Candidates are the sections (section NULL), or the full names of a section's options. */
static const char *nearest(const char *section, struct view key)
{
	const char *names[OPTIONS_MOST];
	size_t count = 0;

	for (size_t i = 0; !section && i < option_section_count; i++)
		names[count++] = option_sections[i].name;
	for (size_t i = 0; section && i < option_count; i++)
		if (view_is(option_section_of(&option_table[i]), section))
			names[count++] = option_key(&option_table[i]);
	return diag_did_you_mean(key, names, count);
}

/* An option of this key in whatever section. */
static const struct option *elsewhere(const char *key)
{
	for (size_t i = 0; i < option_count; i++)
		if (strcmp(option_key(&option_table[i]), key) == 0 || strcmp(option_table[i].name, key) == 0)
			return &option_table[i];
	return NULL;
}

static void refuse_key(struct loader *ld, const char *section, const struct yaml_node *node)
{
	const char *meant = nearest(section, view_of(node->key));
	const struct option *other = meant ? NULL : elsewhere(node->key);
	const char *dot = section ? "." : "";

	if (!section)
		section = "";
	if (meant)
		diag_error(ld->diag, node->key_at, "unknown option '%s%s%s'; did you mean '%s%s%s'?", section, dot,
			   node->key, section, dot, meant);
	else if (other)
		diag_error(ld->diag, node->key_at, "unknown option '%s%s%s'; '%s' stands below '%.*s:'", section, dot,
			   node->key, option_key(other), VIEW_ARG(option_section_of(other)));
	else
		diag_error(ld->diag, node->key_at, "unknown option '%s%s%s'", section, dot, node->key);
}

/* The walk ------------------------------------------------------------------------------------ */

static void read_section(struct loader *ld, const struct option_section *section, const struct yaml_node *node)
{
	char name[200];

	if (yaml_is_null(node))
		return;
	if (node->kind != YAML_MAPPING) {
		diag_error(ld->diag, node->at, "'%s' is a section: its options stand below it, each on a line",
			   section->name);
		return;
	}
	for (const struct yaml_node *child = node->first; child; child = child->next) {
		const struct option *option;

		snprintf(name, sizeof(name), "%s.%s", section->name, child->key);
		option = option_find(view_of(name));
		if (option)
			set(ld, option, child);
		else
			refuse_key(ld, section->name, child);
	}
}

static const struct option_section *find_section(const char *name)
{
	for (size_t i = 0; i < option_section_count; i++)
		if (strcmp(option_sections[i].name, name) == 0)
			return &option_sections[i];
	return NULL;
}

static void read_root(struct loader *ld, const struct yaml_node *root)
{
	if (root && root->kind != YAML_MAPPING) {
		diag_error(ld->diag, root->at, "a configuration is made of sections, such as 'source:' and 'kafka:'");
		return;
	}
	for (const struct yaml_node *child = root ? root->first : NULL; child; child = child->next) {
		const struct option_section *section = find_section(child->key);
		const struct option *option = option_find(view_of(child->key));

		if (option && section)
			set(ld, option, child);
		else if (section)
			read_section(ld, section, child);
		else
			refuse_key(ld, NULL, child);
	}
}

/* What is not there --------------------------------------------------------------------------- */

static const struct yaml_node *find_node(const struct loader *ld, const struct option *option)
{
	struct view section = option_section_of(option);
	const struct yaml_node *node;
	char text[100];

	snprintf(text, sizeof(text), "%.*s", VIEW_ARG(section));
	node = yaml_get(ld->file->root, text);
	return section.len < strlen(option->name) ? yaml_get(node, option_key(option)) : node;
}

struct place loader_place(const struct loader *ld, const char *name)
{
	const struct option *option = option_find(view_of(name));
	const struct yaml_node *node = find_node(ld, option);
	char section[100];

	snprintf(section, sizeof(section), "%.*s", VIEW_ARG(option_section_of(option)));
	if (!node)
		node = yaml_get(ld->file->root, section);
	return node ? node->key_at : (struct place){&ld->file->source, 0, 0};
}

struct place loader_entry_place(const struct loader *ld, const char *name, const char *entry)
{
	const struct yaml_node *node = yaml_get(find_node(ld, option_find(view_of(name))), entry);

	return node ? node->key_at : loader_place(ld, name);
}

/* The default goes the same way as a value of the file. */
static void set_default(struct loader *ld, const struct option *option)
{
	struct yaml_file *file = yaml_parse(option->name, view_of(option->fallback), ld->diag);

	if (file)
		set(ld, option, file->root);
	yaml_file_free(file);
}

static void complete(struct loader *ld)
{
	for (size_t i = 0; i < option_count; i++) {
		if (ld->given[i])
			continue;
		if (option_table[i].required)
			diag_error(ld->diag, loader_place(ld, option_table[i].name), "'%s' is required",
				   option_table[i].name);
		else if (option_table[i].fallback)
			set_default(ld, &option_table[i]);
	}
}

/* Loading ------------------------------------------------------------------------------------- */

static void begin(struct loader *ld, const char *path)
{
	const char *slash = strrchr(path, '/');

	arena_init(&ld->conf->arena);
	ld->reader = (struct value_reader){
		.diag = ld->diag,
		.arena = &ld->conf->arena,
		.folder = {path, slash ? (size_t)(slash + 1 - path) : 0},
		.settings = &ld->conf->settings,
	};
	ld->shower = ld->reader;
	ld->shower.settings = &ld->conf->shown;
	ld->shower.as_written = true;
}

struct conf *conf_parse(const char *path, struct view content, struct diagnostics *diag)
{
	struct loader ld = {.diag = diag, .conf = MEM_NEW(struct conf)};
	unsigned errors = diag->errors;

	begin(&ld, path);
	ld.file = yaml_parse_most(path, content, diag);
	if (ld.file) {
		read_root(&ld, ld.file->root);
		complete(&ld);
		bind_derive(ld.conf);
		bind_check(ld.conf, &ld, diag);
	}
	if (diag->errors == errors) {
		bind_pipeline(ld.conf);
		bind_places(ld.conf, &ld);
	}
	yaml_file_free(ld.file);
	if (diag->errors == errors)
		return ld.conf;
	conf_free(ld.conf);
	return NULL;
}

struct conf *conf_load(const char *path, struct diagnostics *diag)
{
	struct conf *conf;
	struct view content;

	if (yaml_read_text(path, &content, diag) < 0)
		return NULL;
	conf = conf_parse(path, content, diag);
	explicit_bzero((char *)content.ptr, content.len);
	free((char *)content.ptr);
	return conf;
}

const char *conf_control(const struct conf *conf)
{
	const char *path = conf->settings.control_socket;

	return strcmp(path, option_find(VIEW("control.socket"))->word) == 0 ? NULL : path;
}

void conf_merge(struct conf *now, const struct conf *running)
{
	bind_merge(now, running);
}

void conf_free(struct conf *conf)
{
	if (!conf)
		return;
	arena_done(&conf->arena);
	free(conf);
}
