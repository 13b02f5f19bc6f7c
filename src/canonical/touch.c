/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * From changes to touched roots. The old version of a row comes from the mirror before the change is applied, the new
 * one from the change (or from the mirror, where the change does not carry a column that is asked for).
 */
#include "canonical/touch.h"

#include <stdlib.h>

#include "base/memory.h"
#include "compile.h"
#include "function_table.h"
#include "state/cell.h"
#include "touched_set.h"

/* One way from rows of a table version. */
struct touch_step {
	const struct entity_plan *plan;
	const struct touch_rule *rule;
	unsigned *columns;     /* ROOT: the key's, COLUMN: the one, QUERY: by parameter - 1 */
	unsigned column_count;
};

/* What a change of a table version touches; made when first asked for. */
struct touch_table {
	struct touch_step *steps;
	unsigned step_count;
	bool *asked;           /* by column: some step looks at it */
	bool only_key;         /* no step looks beyond the key of the mirror's row */
};

struct touch {
	struct mapping *mapping;
	struct mirror *mirror;
	struct touched_set *set;
	struct touch_table **tables; /* by uid */
	unsigned table_count;
	bool *held;                  /* by entity: nothing is noted */
	struct writer key;           /* of a composite or text key */
	struct error *err;           /* for callbacks */
};

static void forget(void *arg)
{
	struct touch *touch = arg;

	touched_forget(touch->set);
}

int touch_open(struct mapping *mapping, struct mirror *mirror, unsigned memory_roots, struct touch **ret,
	       struct error *err)
{
	struct touch *touch = MEM_NEW(struct touch);

	touch->mapping = mapping;
	touch->mirror = mirror;
	touch->held = MEM_ARRAY(bool, mapping->entity_count + 1);
	if (touched_open(mapping->db, memory_roots, &touch->set, err) < 0) {
		free(touch->held);
		free(touch);
		return -1;
	}
	db_on_rollback(mapping->db, forget, touch);
	*ret = touch;
	return 0;
}

static void table_free(struct touch_table *table)
{
	if (!table)
		return;
	for (unsigned i = 0; i < table->step_count; i++)
		free(table->steps[i].columns);
	free(table->steps);
	free(table->asked);
	free(table);
}

void touch_close(struct touch *touch)
{
	if (!touch)
		return;
	db_off_rollback(touch->mapping->db, touch);
	for (unsigned i = 0; i < touch->table_count; i++)
		table_free(touch->tables[i]);
	free(touch->tables);
	free(touch->held);
	touched_close(touch->set);
	wr_done(&touch->key);
	free(touch);
}

/* Table versions ------------------------------------------------------------------------------- */

static bool same_table(const struct table *a, const struct table *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->schema, b->schema) == 0;
}

/* The names of the columns that a rule looks at. */
static const char *rule_column(const struct touch_rule *rule, unsigned i)
{
	switch (rule->way) {
	case TOUCH_ROOT:
		return i < rule->table->key_count ? rule->table->columns[rule->table->key[i]].name : NULL;
	case TOUCH_COLUMN:
		return i == 0 ? rule->column : NULL;
	default:
		return i < rule->param_count ? rule->params[i] : NULL;
	}
}

/* -1: the version lacks a column; then the mirror is stale, and so is what would be touched. */
static int add_step(struct touch_table *known, const struct table *table, const struct entity_plan *plan,
		    const struct touch_rule *rule)
{
	struct touch_step step = {.plan = plan, .rule = rule};
	const char *name;

	step.columns = MEM_ARRAY(unsigned, rule->param_count + rule->table->key_count + 1);
	for (unsigned i = 0; (name = rule_column(rule, i)); i++) {
		int column = table_column(table, name);

		if (column < 0) {
			free(step.columns);
			return -1;
		}
		step.columns[step.column_count++] = (unsigned)column;
		known->asked[column] = true;
	}
	known->steps = mem_resize(known->steps, known->step_count + 1, sizeof(*known->steps));
	known->steps[known->step_count++] = step;
	return 0;
}

static bool is_identity(const struct table *table, unsigned column)
{
	if (table->identity == IDENTITY_INDEX)
		return table->columns[column].identity;
	for (unsigned i = 0; i < table->key_count; i++)
		if (table->key[i] == column)
			return true;
	return false;
}

static struct touch_table *table_new(struct touch *touch, const struct table *table)
{
	struct touch_table *known = MEM_NEW(struct touch_table);

	known->asked = MEM_ARRAY(bool, table->column_count + 1);
	for (unsigned i = 0; i < touch->mapping->entity_count; i++) {
		const struct entity_plan *plan = &touch->mapping->plans[i];

		for (const struct touch_rule *rule = plan->touches; rule; rule = rule->next)
			if (same_table(rule->table, table))
				add_step(known, table, plan, rule);
	}
	known->only_key = true;
	for (unsigned i = 0; i < table->column_count; i++)
		if (known->asked[i] && !is_identity(table, i))
			known->only_key = false;
	return known;
}

static const struct touch_table *find_table(struct touch *touch, const struct table *table)
{
	if (table->uid >= touch->table_count) {
		unsigned count = table->uid + 16;

		touch->tables = mem_resize(touch->tables, count, sizeof(struct touch_table *));
		memset(touch->tables + touch->table_count, 0,
		       sizeof(struct touch_table *) * (count - touch->table_count));
		touch->table_count = count;
	}
	if (!touch->tables[table->uid])
		touch->tables[table->uid] = table_new(touch, table);
	return touch->tables[table->uid];
}

bool touch_wants(struct touch *touch, const struct table *table)
{
	return find_table(touch, table)->step_count > 0;
}

void touch_hold(struct touch *touch, const struct entity *entity, bool held)
{
	touch->held[entity->index] = held;
}

/* Rows to roots -------------------------------------------------------------------------------- */

int touch_add(struct touch *touch, const struct entity *entity, struct root_key key, struct error *err)
{
	return touched_add(touch->set, entity->index, key, err);
}

/* A root key from values of a row; null parts touch nothing. */
static int add_values(struct touch *touch, const struct entity_plan *plan, const struct table *table,
		      const struct touch_step *step, const struct value *values, struct error *err)
{
	char scratch[DATETIME_TEXT_BYTES];
	struct root_key key = {0};

	wr_clear(&touch->key);
	for (unsigned i = 0; i < step->column_count; i++) {
		const struct value *value = &values[step->columns[i]];
		struct type type = table->columns[step->columns[i]].type;

		if (value->state != VALUE_PRESENT)
			return 0;
		if (plan->entity.key_is_number && type_form(type) == FORM_INTEGER) {
			key.is_number = true;
			key.number = value->integer;
			break;
		}
		if (i)
			wr_u8(&touch->key, ',');
		if (step->column_count > 1)
			key_write_part(&touch->key, cell_text(type, value, scratch));
		else
			wr_view_bytes(&touch->key, cell_text(type, value, scratch));
	}
	key.text = wr_view(&touch->key);
	return touch_add(touch, &plan->entity, key, err);
}

static struct view column_view(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return (struct view){text, (size_t)sqlite3_column_bytes(stmt, column)};
}

/* A root key from the result of a touch query. */
static int add_result(struct touch *touch, const struct entity_plan *plan, sqlite3_stmt *stmt, struct error *err)
{
	int count = sqlite3_column_count(stmt);
	struct root_key key = {0};

	wr_clear(&touch->key);
	for (int i = 0; i < count; i++) {
		if (sqlite3_column_type(stmt, i) == SQLITE_NULL)
			return 0;
		if (plan->entity.key_is_number) {
			key.is_number = true;
			key.number = sqlite3_column_int64(stmt, i);
			break;
		}
		if (i)
			wr_u8(&touch->key, ',');
		if (count > 1)
			key_write_part(&touch->key, column_view(stmt, i));
		else
			wr_view_bytes(&touch->key, column_view(stmt, i));
	}
	key.text = wr_view(&touch->key);
	return touch_add(touch, &plan->entity, key, err);
}

#define QUERY_PARAMS 16

static int run_query(struct touch *touch, const struct table *table, const struct touch_step *step,
		     const struct value *values, struct error *err)
{
	char scratch[QUERY_PARAMS][DATETIME_TEXT_BYTES];
	sqlite3_stmt *stmt = step->rule->statement.stmt;
	int found;

	for (unsigned i = 0; i < step->column_count && i < QUERY_PARAMS; i++) {
		unsigned column = step->columns[i];

		if (values[column].state != VALUE_PRESENT)
			return 0;
		cell_bind(stmt, (int)i + 1, table->columns[column].type, &values[column], scratch[i]);
	}
	while ((found = db_step(touch->mapping->db, stmt, err)) == 1) {
		if (add_result(touch, step->plan, stmt, err) < 0) {
			sqlite3_reset(stmt);
			return -1;
		}
	}
	return found;
}

static int touch_row(struct touch *touch, const struct table *table, const struct value *values, struct error *err)
{
	const struct touch_table *known = find_table(touch, table);

	for (unsigned i = 0; i < known->step_count; i++) {
		const struct touch_step *step = &known->steps[i];
		int result;

		if (touch->held[step->plan->entity.index])
			continue;
		if (step->rule->way == TOUCH_QUERY)
			result = run_query(touch, table, step, values, err);
		else
			result = add_values(touch, step->plan, table, step, values, err);
		if (result < 0)
			return -1;
	}
	return 0;
}

/* Changes -------------------------------------------------------------------------------------- */

static bool is_carried(const struct touch_table *known, const struct table *table, const struct value *values)
{
	for (unsigned i = 0; i < table->column_count; i++)
		if (known->asked[i] && values[i].state != VALUE_PRESENT && values[i].state != VALUE_NULL)
			return false;
	return true;
}

static bool is_kept(const struct touch *touch, const struct table *table)
{
	enum mirror_state state = mirror_table_state(touch->mirror, table);

	return state == MIRROR_WHOLE || state == MIRROR_LOADING;
}

/* The row as `values` identify it, from themselves if they say enough, or from the mirror. */
static int touch_version(struct touch *touch, const struct touch_table *known, const struct table *table,
			 const struct value *values, struct error *err)
{
	struct row row;
	int found;

	if (is_carried(known, table, values))
		return touch_row(touch, table, values, err);
	found = mirror_fetch(touch->mirror, table, values, &row, err);
	return found == 1 ? touch_row(touch, table, row.values, err) : found;
}

static int touch_walked(void *arg, const struct row *row, struct error *err)
{
	const struct {
		struct touch *touch;
		const struct table *table;
	} *walk = arg;

	return touch_row(walk->touch, walk->table, row->values, err);
}

static int touch_table_rows(struct touch *touch, const struct table *table, struct error *err)
{
	struct {
		struct touch *touch;
		const struct table *table;
	} walk = {touch, table};

	return mirror_each_row(touch->mirror, table, touch_walked, &walk, err);
}

/*
 * An update whose before image is missing has kept its key, so where only the key is asked for, the new version says it
 * all.
 */
int touch_before(struct touch *touch, const struct change *change, struct error *err)
{
	const struct touch_table *known;

	if (change->op != CHANGE_UPDATE && change->op != CHANGE_DELETE && change->op != CHANGE_TRUNCATE)
		return 0;
	known = find_table(touch, change->table);
	if (!known->step_count || !is_kept(touch, change->table))
		return 0;
	if (change->op == CHANGE_TRUNCATE)
		return touch_table_rows(touch, change->table, err);
	if (change->op == CHANGE_UPDATE && change->before.image == IMAGE_NONE && known->only_key)
		return 0;
	if (change->before.image == IMAGE_NONE) {
		struct row row;
		int found = mirror_fetch(touch->mirror, change->table, change->after.values, &row, err);

		return found == 1 ? touch_row(touch, change->table, row.values, err) : found;
	}
	return touch_version(touch, known, change->table, change->before.values, err);
}

int touch_after(struct touch *touch, const struct change *change, struct error *err)
{
	const struct touch_table *known;

	if (change->op != CHANGE_INSERT && change->op != CHANGE_UPDATE && change->op != CHANGE_READ)
		return 0;
	known = find_table(touch, change->table);
	if (!known->step_count || !is_kept(touch, change->table))
		return 0;
	return touch_version(touch, known, change->table, change->after.values, err);
}

static int add_root(struct touch *touch, const struct entity_plan *plan, sqlite3_stmt *stmt, struct error *err)
{
	int found, result = 0;

	while (result == 0 && (found = db_step(touch->mapping->db, stmt, err)) == 1)
		result = add_result(touch, plan, stmt, err);
	return result < 0 ? -1 : found;
}

int touch_all(struct touch *touch, const struct entity *entity, struct error *err)
{
	const struct entity_plan *plan = entity->plan;
	const struct table *root = plan->root;
	struct writer sql = {0};
	sqlite3_stmt *stmt;
	int result;

	for (unsigned i = 0; i < root->key_count; i++) {
		char *name = sqlite3_mprintf("%s\"%w\"", i ? ", " : "SELECT ", root->columns[root->key[i]].name);

		wr_printf(&sql, "%s", name);
		sqlite3_free(name);
	}
	wr_printf(&sql, " FROM \"%s\"", entity->root);
	wr_u8(&sql, '\0');
	result = db_prepare(touch->mapping->db, sql.data, &stmt, err);
	wr_done(&sql);
	if (result < 0)
		return -1;
	result = add_root(touch, plan, stmt, err);
	sqlite3_finalize(stmt);
	return result;
}

/* Handing out ---------------------------------------------------------------------------------- */

int touch_spill(struct touch *touch, struct error *err)
{
	return touched_spill(touch->set, err);
}

int touch_count(struct touch *touch, uint64_t *ret, struct error *err)
{
	return touched_count(touch->set, ret, err);
}

int touch_start(struct touch *touch, uint64_t done, struct error *err)
{
	return touched_start(touch->set, done, err);
}

int touch_next(struct touch *touch, struct touched *ret, struct error *err)
{
	unsigned entity;
	int found = touched_next(touch->set, &entity, &ret->key, err);

	if (found == 1)
		ret->entity = touch->mapping->entities[entity];
	return found;
}

int touch_clear(struct touch *touch, struct error *err)
{
	return touched_clear(touch->set, err);
}
