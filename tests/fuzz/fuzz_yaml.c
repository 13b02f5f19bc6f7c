/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The YAML loader under any text: every node must have a place in the text, and a text that has an end. */
#include "fuzz.h"

#include "base/yaml.h"

static void check_place(struct place at, const struct yaml_file *file)
{
	MUST(at.file == &file->source && at.line >= 1 && at.column >= 1);
}

static void walk(const struct yaml_node *node, const struct yaml_file *file)
{
	size_t children = 0;

	check_place(node->at, file);
	if (node->kind == YAML_SCALAR)
		MUST(node->text.ptr[node->text.len] == '\0');
	for (const struct yaml_node *child = node->first; child; child = child->next, children++) {
		MUST((child->key != NULL) == (node->kind == YAML_MAPPING));
		if (child->key)
			check_place(child->key_at, file);
		walk(child, file);
	}
	MUST(children == node->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diagnostics diag = {0};
	struct yaml_file *strict = yaml_parse("fuzz", fuzz_view(data, size), &diag);
	struct yaml_file *most = yaml_parse_most("fuzz", fuzz_view(data, size), &diag);

	MUST(strict || diag.errors);
	MUST(most || !strict);
	if (most && most->root)
		walk(most->root, most);
	yaml_file_free(strict);
	yaml_file_free(most);
	diag_done(&diag);
	return 0;
}
