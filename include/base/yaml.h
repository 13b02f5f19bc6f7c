/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A YAML file as a tree whose nodes know their line and column (parsed with libyaml; one document; no anchors, no
 * tags). JSON is read by the same functions. Duplicate keys are complaints.
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diagnostics.h"
#include "base/view.h"

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
	enum yaml_kind kind;
	struct place at;
	struct view text;         /* of a scalar, NUL-terminated behind its length */
	bool plain;               /* scalar written without quotes or block: 12, true, null keep their meaning */
	bool block;               /* scalar written as a block (| or >): its text starts on the line after `at` */
	const char *key;          /* when the parent is a mapping: the key, NUL-terminated */
	struct place key_at;
	struct yaml_node *first;  /* children, in order */
	struct yaml_node *next;
	size_t count;
};

struct yaml_file {
	struct source_file source; /* name and content, both owned */
	struct yaml_node *root;    /* NULL if the file is empty or wrong */
	struct arena *arena;       /* owned: all nodes and texts */
};

/* Parses a text named `name`. Complaints go to diag; returns NULL then. The tree lives until yaml_file_free. */
struct yaml_file *yaml_parse(const char *name, struct view content, struct diagnostics *diag);

/*
 * The same, but a tree whose only faults are duplicate keys is returned, so that what else is wrong can be found in the
 * same run; the complaint is in diag in any case.
 */
struct yaml_file *yaml_parse_most(const char *name, struct view content, struct diagnostics *diag);

/* Reads a file of text: 0, or -1 and a complaint. The content is NUL-terminated, to be freed with free(). */
int yaml_read_text(const char *path, struct view *ret, struct diagnostics *diag);

/* Reads and parses a file; a file that cannot be read is a complaint, too. */
struct yaml_file *yaml_load(const char *path, struct diagnostics *diag);
void yaml_file_free(struct yaml_file *file); /* libyaml itself exports a yaml_free */

/* The child of a mapping under a key, or NULL (also if node is NULL or no mapping). */
struct yaml_node *yaml_get(const struct yaml_node *node, const char *key);

/* True for a missing node and for a plain null, ~ or nothing. */
bool yaml_is_null(const struct yaml_node *node);

#endif
