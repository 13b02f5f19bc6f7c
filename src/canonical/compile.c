/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The compiler: entity by entity, all complaints of a run together. A part that has failed is left out, so that the
 * others still say what is wrong with them; the mapping itself is given out only if nothing was.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/writer.h"
#include "canonical/root.h"
#include "compile.h"

const char *const event_class_names[] = {"ENTITY", "OPERATIONAL", "FINANCIAL"};

static const char *const entity_keys[] = {"entity", "root", "touched_by", "reference", "document", "nested", "required",
					  "owner", "events"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void check_keys(struct mapping *mapping, const struct yaml_node *root)
{
	for (const struct yaml_node *node = root->first; node; node = node->next) {
		bool known = false;
		const char *guess;

		for (size_t i = 0; i < COUNT(entity_keys); i++)
			known = known || strcmp(entity_keys[i], node->key) == 0;
		if (known)
			continue;
		guess = diag_did_you_mean(view_of(node->key), entity_keys, COUNT(entity_keys));
		diag_error(mapping->diag, node->key_at, "unknown key '%s'%s%s%s", node->key,
			   guess ? "; did you mean '" : "", guess ? guess : "", guess ? "'?" : "");
	}
}

static const struct yaml_node *need_node(struct mapping *mapping, const struct entity_plan *plan, const char *key)
{
	const struct yaml_node *node = yaml_get(plan->file->root, key);

	if (!node)
		diag_error(mapping->diag, yaml_get(plan->file->root, "entity")->at, "'%s' is missing in entity '%s'", key,
			   plan->entity.name);
	else if (!node_text(mapping, node, key))
		node = NULL;
	return node;
}

static bool is_number_kind(struct type type)
{
	return type.kind == TYPE_INT16 || type.kind == TYPE_INT32 || type.kind == TYPE_INT64;
}

static void compile_root(struct mapping *mapping, struct entity_plan *plan)
{
	const struct yaml_node *node = need_node(mapping, plan, "root");
	struct captured *captured;

	if (!node)
		return;
	plan->entity.root = node->text.ptr;
	captured = capture_find(mapping, node->text.ptr);
	if (!captured) {
		if (mapping->options.tables_known)
			diag_error(mapping->diag, node->at, "there is no table '%s' in the source", node->text.ptr);
		return;
	}
	if (!captured->columns || !captured->table->key_count) {
		diag_error(mapping->diag, node->at, "root '%s' has no primary key to name documents by", node->text.ptr);
		return;
	}
	plan->root = captured->table;
	plan->image.sql = root_image_sql(&mapping->arena, captured->name, captured->table);
	captured->used = true;
	for (unsigned i = 0; i < captured->table->key_count; i++)
		captured->columns[captured->table->key[i]] = true;
	plan->listed[captured - mapping->captured] = true;
	plan->reads[captured - mapping->captured] = true;
	plan->entity.key_is_number = captured->table->key_count == 1 &&
				     is_number_kind(captured->table->columns[captured->table->key[0]].type);
}

/* Of the entity, or else of the whole pack. */
static void compile_owner(struct mapping *mapping, struct entity_plan *plan)
{
	const struct yaml_node *node = yaml_get(plan->file->root, "owner");

	plan->entity.owner = node ? node_text(mapping, node, "'owner'") : pack_owner(mapping->options.pack);
}

static void compile_reference(struct mapping *mapping, struct entity_plan *plan)
{
	const struct yaml_node *list = yaml_get(plan->file->root, "reference");

	if (yaml_is_null(list))
		return;
	if (list->kind != YAML_SEQUENCE) {
		diag_error(mapping->diag, list->at, "'reference' is a list of tables");
		return;
	}
	for (const struct yaml_node *node = list->first; node; node = node->next) {
		struct captured *captured;

		if (!node_text(mapping, node, "a table"))
			continue;
		captured = capture_find(mapping, node->text.ptr);
		if (captured)
			plan->listed[captured - mapping->captured] = true;
		else if (mapping->options.tables_known)
			diag_error(mapping->diag, node->at, "there is no table '%s' in the source", node->text.ptr);
	}
}

/* A parameter is a helper column of a row further up, or else a column of the root's key. */
static int plan_param(struct mapping *mapping, const struct entity_plan *plan, struct row_plan *row, const char *name,
		      struct param_plan *param)
{
	for (const struct row_plan *up = row->parent; up; up = up->parent) {
		for (unsigned i = 0; i < up->column_count; i++) {
			if (up->columns[i].target != TARGET_HELPER || strcmp(up->columns[i].name, name) != 0)
				continue;
			param->row = up;
			param->column = i;
			return 0;
		}
	}
	if (!plan->root)
		return -1; /* that has been said */
	for (unsigned i = 0; i < plan->root->key_count; i++) {
		param->column = i;
		if (strcmp(plan->root->columns[plan->root->key[i]].name, name) == 0)
			return 0;
	}
	return diag_error(mapping->diag, statement_place(&row->statement, name),
			  "parameter ':%s' is neither a key column of '%s'%s", name, plan->entity.root,
			  row->parent ? " nor a helper column ('_...') of a row above" : " nor anything else known here");
}

static void plan_params(struct mapping *mapping, const struct entity_plan *plan, struct row_plan *row,
			sqlite3_stmt *stmt)
{
	row->param_count = (unsigned)sqlite3_bind_parameter_count(stmt);
	row->params = ARENA_ARRAY(&mapping->arena, struct param_plan, row->param_count + 1);
	for (unsigned i = 0; i < row->param_count; i++) {
		const char *name = sqlite3_bind_parameter_name(stmt, (int)i + 1);

		row->params[i].parameter = (int)i + 1;
		if (name)
			plan_param(mapping, plan, row, name + 1, &row->params[i]);
		else
			diag_error(mapping->diag, row->statement.node->at, "parameters have names here, like ':id'");
	}
}

static int compile_query(struct mapping *mapping, struct entity_plan *plan, struct row_plan *row, const char *what)
{
	struct capture capture = {.mapping = mapping, .reads = plan->reads, .tables_allowed = true};
	sqlite3_stmt *stmt = capture_prepare(&capture, &row->statement, what);
	unsigned errors = mapping->diag->errors;

	if (!stmt)
		return -1;
	plan->masked |= capture.masked;
	columns_compile(mapping, plan, row, stmt);
	plan_params(mapping, plan, row, stmt);
	if (!row->parent && row->param_count == 0)
		diag_error(mapping->diag, row->statement.node->at,
			   "the document query does not ask for one root row; add WHERE ... = :%s",
			   plan->root ? plan->root->columns[plan->root->key[0]].name : "id");
	if (mapping->diag->errors == errors)
		indexes_find(mapping, &row->statement, what);
	sqlite3_finalize(stmt);
	return mapping->diag->errors == errors ? 0 : -1;
}

static struct row_plan *find_child(struct row_plan *row, const char *path, size_t len)
{
	for (struct row_plan *child = row->children; child; child = child->next)
		if (strlen(child->path) == len && strncmp(child->path, path, len) == 0)
			return child;
	return NULL;
}

/*
 * The row in which a nested path begins: "lines.taxes" is an array in rows of "lines". The rest of the path is *path.
 */
static struct row_plan *find_parent(struct row_plan *row, const char **path)
{
	for (const char *dot = *path; (dot = strchr(dot, '.')); dot++) {
		struct row_plan *child = find_child(row, *path, (size_t)(dot - *path));

		if (child) {
			*path = dot + 1;
			return find_parent(child, path);
		}
	}
	return row;
}

static struct row_plan *add_child(struct mapping *mapping, struct row_plan *parent, const char *path,
				  const struct yaml_node *node, const struct avro_field *field, unsigned slot)
{
	struct row_plan *child = ARENA_NEW(&mapping->arena, struct row_plan), **link = &parent->children;

	*child = (struct row_plan){
		.statement = {.sql = node->text.ptr, .node = node}, .parent = parent, .path = path,
		.type = field->type->items, .slot = slot,
	};
	parent->fed[slot] = true;
	while (*link)
		link = &(*link)->next;
	*link = child;
	return child;
}

static void compile_nested(struct mapping *mapping, struct entity_plan *plan, const struct yaml_node *node)
{
	const char *path = node->key, *rest;
	struct row_plan *parent = find_parent(plan->document, &path);
	const struct avro_field *field;
	int slot;

	if (!node_text(mapping, node, "a nested query"))
		return;
	if (!parent->record_count) {
		diag_error(mapping->diag, node->key_at, "rows of '%s' are no records", parent->path);
		return;
	}
	slot = columns_slot(mapping, parent, path, node->key_at, &field, &rest);
	if (slot < 0)
		return;
	if (field->type->kind != AVRO_ARRAY || *rest)
		diag_error(mapping->diag, node->key_at, "'%s' is no array", node->key);
	else
		compile_query(mapping, plan, add_child(mapping, parent, path, node, field, (unsigned)slot),
			      "this query");
}

static unsigned depth_of(const char *path)
{
	unsigned depth = 0;

	for (; *path; path++)
		depth += *path == '.';
	return depth;
}

/* Outer arrays before those inside them, in whatever order the file has them. */
static void compile_all_nested(struct mapping *mapping, struct entity_plan *plan)
{
	const struct yaml_node *nested = yaml_get(plan->file->root, "nested");
	unsigned deepest = 0;

	if (yaml_is_null(nested))
		return;
	if (nested->kind != YAML_MAPPING) {
		diag_error(mapping->diag, nested->at, "'nested' is a mapping of arrays to queries");
		return;
	}
	for (const struct yaml_node *node = nested->first; node; node = node->next)
		deepest = depth_of(node->key) > deepest ? depth_of(node->key) : deepest;
	for (unsigned depth = 0; depth <= deepest; depth++)
		for (const struct yaml_node *node = nested->first; node; node = node->next)
			if (depth_of(node->key) == depth)
				compile_nested(mapping, plan, node);
}

static void complete(struct mapping *mapping, struct row_plan *row)
{
	columns_complete(mapping, row);
	for (struct row_plan *child = row->children; child; child = child->next)
		complete(mapping, child);
}

static void compile_required(struct mapping *mapping, struct entity_plan *plan)
{
	const struct yaml_node *list = yaml_get(plan->file->root, "required");
	struct row_plan *row = plan->document;

	if (yaml_is_null(list))
		return;
	if (list->kind != YAML_SEQUENCE) {
		diag_error(mapping->diag, list->at, "'required' is a list of fields");
		return;
	}
	for (const struct yaml_node *node = list->first; node; node = node->next) {
		const struct avro_field *field;
		const char *rest;
		int slot;

		if (!node_text(mapping, node, "a field"))
			continue;
		if (strcmp(node->text.ptr, "legalEntity") == 0 &&
		    avro_field_index(row->type, node->text) < 0) {
			plan->needs_legal_entity = true;
			continue;
		}
		slot = columns_slot(mapping, row, node->text.ptr, node->at, &field, &rest);
		if (slot < 0)
			continue;
		if (!row->fed[slot])
			diag_error(mapping->diag, node->at, "required field '%s' has no column", node->text.ptr);
		row->needed[slot] = true;
	}
}

static void check_listed(struct mapping *mapping, struct entity_plan *plan)
{
	struct place at = yaml_get(plan->file->root, "document")->key_at;

	for (unsigned i = 0; plan->root && i < mapping->options.table_count; i++)
		if (plan->reads[i] && !plan->listed[i])
			diag_error(mapping->diag, at,
				   "table '%s' is read, but stands neither in 'touched_by' nor in 'reference'",
				   mapping->captured[i].name);
}

static void warn_unread(struct mapping *mapping, struct entity_plan *plan, const char *key)
{
	const struct yaml_node *list = yaml_get(plan->file->root, key);

	for (const struct yaml_node *node = list ? list->first : NULL; node; node = node->next) {
		const char *name = list->kind == YAML_MAPPING ? node->key : node->text.ptr;
		struct captured *captured = capture_find(mapping, name);

		if (captured && !plan->reads[captured - mapping->captured])
			diag_warning(mapping->diag, list->kind == YAML_MAPPING ? node->key_at : node->at,
				     "table '%s' stands in '%s', but no document reads it", name, key);
	}
}

static int slot_of(const struct row_plan *row, const char *name)
{
	return avro_field_index(row->type, view_of(name));
}

static struct view id_prefix(struct mapping *mapping, const char *entity)
{
	struct writer prefix = {0};
	struct view copy;

	id_write_segment(&prefix, view_of(mapping->options.instance));
	wr_u8(&prefix, '/');
	id_write_segment(&prefix, view_of(entity));
	wr_u8(&prefix, '/');
	copy = arena_copy(&mapping->arena, wr_view(&prefix));
	wr_done(&prefix);
	return copy;
}

static void finish_document(struct mapping *mapping, struct entity_plan *plan)
{
	struct row_plan *row = plan->document;
	int keys = slot_of(row, "sourceKeys");

	plan->id_prefix = id_prefix(mapping, plan->entity.name);
	plan->canonical_id_slot = slot_of(row, "canonicalId");
	plan->source_keys_slot = keys >= 0 && !row->fed[keys] && row->type->fields[keys].type->kind == AVRO_MAP ? keys : -1;
	columns_seal(mapping, row);
}

static void compile_document(struct mapping *mapping, struct entity_plan *plan)
{
	const struct yaml_node *node = need_node(mapping, plan, "document");
	unsigned errors = mapping->diag->errors;

	if (!node)
		return;
	plan->document = ARENA_NEW(&mapping->arena, struct row_plan);
	plan->document->statement = (struct statement){.sql = node->text.ptr, .node = node};
	plan->document->type = plan->entity.type;
	plan->document->path = "";
	if (compile_query(mapping, plan, plan->document, "the document query") == 0 || plan->document->record_count) {
		compile_all_nested(mapping, plan);
		compile_required(mapping, plan);
	}
	if (mapping->diag->errors == errors && plan->document->record_count) {
		complete(mapping, plan->document);
		check_listed(mapping, plan);
		needs_name_tables(mapping, plan);
		warn_unread(mapping, plan, "touched_by");
		warn_unread(mapping, plan, "reference");
	}
	if (mapping->diag->errors == errors && plan->document->record_count)
		finish_document(mapping, plan);
}

static void compile_entity(struct mapping *mapping, struct entity_plan *plan, const struct pack_entity *source)
{
	const struct yaml_node *name = yaml_get(source->file->root, "entity");

	plan->file = source->file;
	plan->entity.name = source->name;
	plan->entity.plan = plan;
	plan->reads = ARENA_ARRAY(&mapping->arena, bool, mapping->options.table_count + 1);
	plan->touch_reads = ARENA_ARRAY(&mapping->arena, bool, mapping->options.table_count + 1);
	plan->listed = ARENA_ARRAY(&mapping->arena, bool, mapping->options.table_count + 1);
	check_keys(mapping, source->file->root);
	plan->entity.type = contract_find_in(mapping->options.contract, CONTRACT_DOCUMENT, source->name);
	if (!plan->entity.type) {
		diag_error(mapping->diag, name->at, "there is no schema " CONTRACT_DOCUMENT "%s", source->name);
		return;
	}
	compile_root(mapping, plan);
	compile_owner(mapping, plan);
	compile_reference(mapping, plan);
	touch_compile(mapping, plan);
	compile_document(mapping, plan);
	rules_compile(mapping, plan);
}

static void compile_entities(struct mapping *mapping)
{
	unsigned count;
	const struct pack_entity *sources = pack_entities(mapping->options.pack, &count);

	mapping->plans = ARENA_ARRAY(&mapping->arena, struct entity_plan, count + 1);
	mapping->entities = ARENA_ARRAY(&mapping->arena, const struct entity *, count + 1);
	mapping->entity_count = count;
	for (unsigned i = 0; i < count; i++) {
		mapping->plans[i].entity.index = i;
		mapping->entities[i] = &mapping->plans[i].entity;
		compile_entity(mapping, &mapping->plans[i], &sources[i]);
	}
}

struct mapping *mapping_compile(const struct mapping_options *options, struct diagnostics *diag)
{
	struct mapping *mapping = MEM_NEW(struct mapping);
	unsigned errors = diag->errors;

	mapping->options = *options;
	mapping->diag = diag;
	arena_init(&mapping->arena);
	if (capture_open(mapping) == 0) {
		compile_entities(mapping);
		history_compile(mapping);
		needs_collect(mapping);
	}
	db_close(mapping->scratch);
	mapping->scratch = NULL;
	mapping->diag = NULL;
	if (diag->errors == errors)
		return mapping;
	mapping_free(mapping);
	return NULL;
}

const struct entity *const *mapping_entities(const struct mapping *mapping, unsigned *ret_count)
{
	*ret_count = mapping->entity_count;
	return mapping->entities;
}

const struct entity *mapping_entity(const struct mapping *mapping, const char *name)
{
	for (unsigned i = 0; i < mapping->entity_count; i++)
		if (strcmp(mapping->entities[i]->name, name) == 0)
			return mapping->entities[i];
	return NULL;
}
