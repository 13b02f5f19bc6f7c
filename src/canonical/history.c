/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Which documents the first snapshot publishes: conditions of the configuration, written as rules are. */
#include "compile.h"

static const struct history_rule *find_history(const struct mapping *mapping, const char *entity)
{
	for (size_t i = 0; i < mapping->options.history_count; i++)
		if (strcmp(mapping->options.history[i].entity, entity) == 0)
			return &mapping->options.history[i];
	return NULL;
}

/* A condition of the configuration, as a text of its own: its name is the place of the option. */
static struct yaml_node *history_node(struct mapping *mapping, const struct history_rule *history)
{
	struct yaml_node *node = ARENA_NEW(&mapping->arena, struct yaml_node);
	struct source_file *file = ARENA_NEW(&mapping->arena, struct source_file);

	file->name = arena_printf(&mapping->arena, "%s%ssnapshot.documents.%s%c", history->place ? history->place : "",
				  history->place ? ": " : "", history->entity, '\0').ptr;
	file->content = arena_copy(&mapping->arena, view_of(history->condition));
	*node = (struct yaml_node){.kind = YAML_SCALAR, .at = {file, 1, 1}, .text = file->content, .plain = true};
	return node;
}

static bool has_entity(const struct mapping *mapping, const char *name)
{
	for (unsigned i = 0; i < mapping->entity_count; i++)
		if (mapping->plans[i].entity.name && strcmp(mapping->plans[i].entity.name, name) == 0)
			return true;
	return false;
}

void history_compile(struct mapping *mapping)
{
	for (size_t i = 0; i < mapping->options.history_count; i++)
		if (!has_entity(mapping, mapping->options.history[i].entity))
			diag_error(mapping->diag, history_node(mapping, &mapping->options.history[i])->at,
				   "the mapping has no entity '%s'", mapping->options.history[i].entity);
	for (unsigned i = 0; i < mapping->entity_count; i++) {
		const struct entity *entity = &mapping->plans[i].entity;
		const struct history_rule *history = entity->type ? find_history(mapping, entity->name) : NULL;

		if (history)
			rules_compile_history(mapping, &mapping->plans[i], history_node(mapping, history));
	}
}
