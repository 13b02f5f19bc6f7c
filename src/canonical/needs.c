/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The capture list: what the statements of a mapping read, as the mirror wants it. */
#include <stdlib.h>
#include <string.h>

#include "compile.h"

static void need_columns(struct mapping *mapping, const struct captured *captured, struct mirror_need *need)
{
	const char **names = ARENA_ARRAY(&mapping->arena, const char *, captured->table->column_count + 1);

	need->columns = names;
	for (unsigned i = 0; i < captured->table->column_count; i++)
		if (captured->columns[i])
			names[need->column_count++] = captured->table->columns[i].name;
}

/* An index that begins like a longer one is left out. */
static bool is_covered(const struct captured *captured, unsigned i)
{
	for (unsigned j = 0; j < captured->index_count; j++) {
		unsigned same = 0;

		while (captured->indexes[i][same] && captured->indexes[j][same] &&
		       strcmp(captured->indexes[i][same], captured->indexes[j][same]) == 0)
			same++;
		if (!captured->indexes[i][same] && j != i && (captured->indexes[j][same] || j < i))
			return true;
	}
	return false;
}

static void need_indexes(struct mapping *mapping, const struct captured *captured, struct mirror_need *need)
{
	struct mirror_index *indexes = ARENA_ARRAY(&mapping->arena, struct mirror_index, captured->index_count + 1);

	need->indexes = indexes;
	for (unsigned i = 0; i < captured->index_count; i++) {
		struct mirror_index *index = &indexes[need->index_count];

		if (is_covered(captured, i))
			continue;
		index->columns = captured->indexes[i];
		while (index->columns[index->column_count])
			index->column_count++;
		need->index_count++;
	}
}

static int compare_needs(const void *a, const void *b)
{
	const struct mirror_need *x = a, *y = b;
	int order = strcmp(x->schema, y->schema);

	return order ? order : strcmp(x->name, y->name);
}

void needs_collect(struct mapping *mapping)
{
	mapping->needs = ARENA_ARRAY(&mapping->arena, struct mirror_need, mapping->options.table_count + 1);
	for (unsigned i = 0; i < mapping->options.table_count; i++) {
		const struct captured *captured = &mapping->captured[i];
		struct mirror_need *need = &mapping->needs[mapping->need_count];

		if (!captured->used)
			continue;
		need->schema = captured->table->schema;
		need->name = captured->table->name;
		need_columns(mapping, captured, need);
		need_indexes(mapping, captured, need);
		mapping->need_count++;
	}
	qsort(mapping->needs, mapping->need_count, sizeof(*mapping->needs), compare_needs);
}

const struct mirror_need *mapping_needs(const struct mapping *mapping, unsigned *ret_count)
{
	*ret_count = mapping->need_count;
	return mapping->needs;
}

const struct mirror_need *mapping_need(const struct mapping *mapping, const char *schema, const char *table)
{
	for (unsigned i = 0; mapping && i < mapping->need_count; i++)
		if (strcmp(mapping->needs[i].schema, schema) == 0 && strcmp(mapping->needs[i].name, table) == 0)
			return &mapping->needs[i];
	return NULL;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the tables that one of the two lists has, in order. */
static const char *const *list_tables(struct mapping *mapping, const bool *one, const bool *other, unsigned *ret_count)
{
	const char **names = ARENA_ARRAY(&mapping->arena, const char *, mapping->options.table_count + 1);
	unsigned count = 0;

	for (unsigned i = 0; i < mapping->options.table_count; i++)
		if (one[i] || other[i])
			names[count++] = mapping->captured[i].name;
	qsort(names, count, sizeof(*names), compare_names);
	*ret_count = count;
	return names;
}

void needs_name_tables(struct mapping *mapping, struct entity_plan *plan)
{
	struct entity *entity = &plan->entity;

	entity->tables = list_tables(mapping, plan->reads, plan->reads, &entity->table_count);
	entity->depends = list_tables(mapping, plan->reads, plan->touch_reads, &entity->depend_count);
}
