/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The `touched_by` of an entity: for each table, a column that holds the root key, a query that gives root keys, or a
 * list of these. The root table touches by its own key.
 */
#include <ctype.h>
#include <stdlib.h>

#include "compile.h"

static struct touch_rule *add_rule(struct mapping *mapping, struct entity_plan *plan, enum touch_way way,
				   const struct table *table)
{
	struct touch_rule *rule = ARENA_NEW(&mapping->arena, struct touch_rule), **link = &plan->touches;

	rule->way = way;
	rule->table = table;
	while (*link)
		link = &(*link)->next;
	*link = rule;
	return rule;
}

static bool is_query(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return strncasecmp(text, "select", 6) == 0 || strncasecmp(text, "with", 4) == 0;
}

static void unknown_column(struct mapping *mapping, const struct table *table, const struct yaml_node *node)
{
	const char **names = ARENA_ARRAY(&mapping->arena, const char *, table->column_count + 1), *guess;

	for (unsigned i = 0; i < table->column_count; i++)
		names[i] = table->columns[i].name;
	guess = diag_did_you_mean(node->text, names, table->column_count);
	diag_error(mapping->diag, node->at, "table '%s' has no column '%s'%s%s%s", table->name, node->text.ptr,
		   guess ? "; did you mean '" : "", guess ? guess : "", guess ? "'?" : "");
}

static void add_column(struct mapping *mapping, struct entity_plan *plan, struct captured *captured,
		       const struct yaml_node *node)
{
	int column = table_column(captured->table, node->text.ptr);
	struct touch_rule *rule;

	if (column < 0) {
		unknown_column(mapping, captured->table, node);
		return;
	}
	if (plan->root && plan->root->key_count != 1) {
		diag_error(mapping->diag, node->at, "the key of '%s' has %u columns; use a query that gives them all",
			   plan->entity.root, plan->root->key_count);
		return;
	}
	captured->columns[column] = true;
	captured->used = true;
	rule = add_rule(mapping, plan, TOUCH_COLUMN, captured->table);
	rule->column = node->text.ptr;
}

/* The parameters are columns of the touched row. */
static void plan_params(struct mapping *mapping, struct touch_rule *rule, struct captured *captured, sqlite3_stmt *stmt)
{
	rule->param_count = (unsigned)sqlite3_bind_parameter_count(stmt);
	rule->params = ARENA_ARRAY(&mapping->arena, const char *, rule->param_count + 1);
	for (unsigned i = 0; i < rule->param_count; i++) {
		const char *name = sqlite3_bind_parameter_name(stmt, (int)i + 1);
		int column = name ? table_column(captured->table, name + 1) : -1;

		if (column < 0) {
			diag_error(mapping->diag, statement_place(&rule->statement, name ? name : "?"),
				   "parameter '%s' is no column of table '%s', whose row touches", name ? name : "?",
				   captured->name);
			continue;
		}
		captured->columns[column] = true;
		rule->params[i] = captured->table->columns[column].name;
	}
	if (!rule->param_count)
		diag_error(mapping->diag, rule->statement.node->at,
			   "a touch query names the touched row, by parameters like ':id'; this one touches all alike");
}

static void check_key_columns(struct mapping *mapping, const struct entity_plan *plan, const struct touch_rule *rule,
			      sqlite3_stmt *stmt)
{
	if (plan->root && (unsigned)sqlite3_column_count(stmt) != plan->root->key_count)
		diag_error(mapping->diag, rule->statement.node->at,
			   "a touch query gives the key of '%s', which has %u column%s; this one gives %d",
			   plan->entity.root, plan->root->key_count, plan->root->key_count == 1 ? "" : "s",
			   sqlite3_column_count(stmt));
}

static void add_query(struct mapping *mapping, struct entity_plan *plan, struct captured *captured,
		      const struct yaml_node *node)
{
	struct touch_rule *rule = add_rule(mapping, plan, TOUCH_QUERY, captured->table);
	struct capture capture = {.mapping = mapping, .reads = plan->touch_reads, .tables_allowed = true};
	unsigned errors = mapping->diag->errors;
	sqlite3_stmt *stmt;

	captured->used = true;
	rule->statement = (struct statement){.sql = node->text.ptr, .node = node};
	stmt = capture_prepare(&capture, &rule->statement, "a touch query");
	if (!stmt)
		return;
	plan_params(mapping, rule, captured, stmt);
	check_key_columns(mapping, plan, rule, stmt);
	sqlite3_finalize(stmt);
	if (mapping->diag->errors == errors && flow_check(mapping, &rule->statement, NULL, 0) == 0)
		indexes_find(mapping, &rule->statement, "this query");
}

static void add_way(struct mapping *mapping, struct entity_plan *plan, struct captured *captured,
		    const struct yaml_node *node)
{
	if (!node_text(mapping, node, "a way from a table to the root"))
		return;
	if (is_query(node->text.ptr))
		add_query(mapping, plan, captured, node);
	else
		add_column(mapping, plan, captured, node);
}

static void add_table(struct mapping *mapping, struct entity_plan *plan, const struct yaml_node *node)
{
	struct captured *captured = capture_find(mapping, node->key);

	if (!captured || !captured->columns) {
		if (mapping->options.tables_known)
			diag_error(mapping->diag, node->key_at, "there is no table '%s' in the source%s", node->key,
				   captured ? " with a key" : "");
		return;
	}
	plan->listed[captured - mapping->captured] = true;
	plan->touch_reads[captured - mapping->captured] = true;
	if (node->kind != YAML_SEQUENCE) {
		add_way(mapping, plan, captured, node);
		return;
	}
	for (const struct yaml_node *way = node->first; way; way = way->next)
		add_way(mapping, plan, captured, way);
}

void touch_compile(struct mapping *mapping, struct entity_plan *plan)
{
	const struct yaml_node *tables = yaml_get(plan->file->root, "touched_by");

	if (plan->root)
		add_rule(mapping, plan, TOUCH_ROOT, plan->root);
	if (yaml_is_null(tables))
		return;
	if (tables->kind != YAML_MAPPING) {
		diag_error(mapping->diag, tables->at, "'touched_by' is a mapping of tables to columns or queries");
		return;
	}
	for (const struct yaml_node *table = tables->first; table; table = table->next)
		add_table(mapping, plan, table);
}
