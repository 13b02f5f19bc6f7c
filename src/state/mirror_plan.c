/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The SQL of mirrored tables: which columns are kept, how the table is made, the statements that run per row. All names
 * are quoted, since a source's names may be anything.
 */
#include "mirror_plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "query.h"

#define PIECE_ROWS 5000

const char *mirror_column_type(struct type type)
{
	switch (type.kind) {
	case TYPE_BOOL:
	case TYPE_INT16:
	case TYPE_INT32:
	case TYPE_INT64:
		return "INTEGER";
	case TYPE_FLOAT32:
	case TYPE_FLOAT64:
		return "REAL";
	case TYPE_DECIMAL:
	case TYPE_DECIMAL_VARIABLE:
		return "TEXT COLLATE DECIMAL";
	case TYPE_BYTES:
		return "BLOB";
	default:
		return "TEXT";
	}
}

/* Of the process, which reads one source: whoever opens a state file or compiles a pack means the same. */
static char usual_schema[400] = "public";

void mirror_set_usual_schema(const char *schema)
{
	snprintf(usual_schema, sizeof(usual_schema), "%s", schema);
}

const char *mirror_usual_schema(void)
{
	return usual_schema;
}

const char *mirror_name(struct arena *arena, const char *schema, const char *name)
{
	if (strcmp(schema, usual_schema) == 0)
		return arena_copy(arena, view_of(name)).ptr;
	return arena_printf(arena, "%s.%s", schema, name).ptr;
}

static unsigned identity_columns(const struct table *table, unsigned *columns)
{
	unsigned count = 0;

	for (unsigned i = 0; i < table->column_count; i++)
		if (table->columns[i].identity)
			columns[count++] = i;
	return count;
}

/*
 * The replica identity; in its usual form it is the primary key. With identity FULL every image is whole, and the
 * primary key, if there is one, does.
 */
int plan_key_columns(const struct table *table, unsigned *columns, unsigned *ret_count)
{
	*ret_count = 0;
	if (table->identity == IDENTITY_NOTHING)
		return -1;
	if (table->identity == IDENTITY_INDEX) {
		*ret_count = identity_columns(table, columns);
		return *ret_count ? 0 : -1;
	}
	memcpy(columns, table->key, sizeof(*columns) * table->key_count);
	*ret_count = table->key_count;
	return table->key_count || table->identity == IDENTITY_FULL ? 0 : -1;
}

static bool is_needed(const struct table *table, const struct mirror_need *need, unsigned column)
{
	for (unsigned i = 0; i < table->key_count; i++)
		if (table->key[i] == column)
			return true;
	for (unsigned i = 0; i < need->column_count; i++)
		if (strcmp(need->columns[i], table->columns[column].name) == 0)
			return true;
	return false;
}

static void choose_columns(struct mirror_plan *plan, const struct mirror_need *need)
{
	const struct table *table = plan->table;
	bool *taken = MEM_ARRAY(bool, table->column_count);

	for (unsigned i = 0; i < plan->key_count; i++)
		taken[plan->columns[i]] = true;
	plan->column_count = plan->key_count;
	for (unsigned i = 0; i < table->column_count; i++)
		if (!taken[i] && is_needed(table, need, i))
			plan->columns[plan->column_count++] = i;
	free(taken);
}

static char *new_name(const struct mirror_need *need)
{
	if (strcmp(need->schema, usual_schema) == 0)
		return mem_text(view_of(need->name));
	return mem_printf("%s.%s", need->schema, need->name);
}

struct mirror_plan *plan_new(const struct table *table, const struct mirror_need *need)
{
	struct mirror_plan *plan = MEM_NEW(struct mirror_plan);

	plan->table = table;
	plan->name = new_name(need);
	plan->columns = MEM_ARRAY(unsigned, table->column_count + 1);
	plan_key_columns(table, plan->columns, &plan->key_count);
	plan->is_bag = plan->key_count == 0;
	choose_columns(plan, need);
	plan->scratch = mem_new(plan->column_count + 1, sizeof(*plan->scratch));
	plan->fetched = MEM_ARRAY(struct value, table->column_count + 1);
	plan->merged = MEM_ARRAY(struct value, table->column_count + 1);
	return plan;
}

void plan_unprepare(struct mirror_plan *plan)
{
	sqlite3_finalize(plan->put);
	sqlite3_finalize(plan->get);
	sqlite3_finalize(plan->remove);
	plan->put = plan->get = plan->remove = NULL;
	plan->ready = false;
}

void plan_free(struct mirror_plan *plan)
{
	if (!plan)
		return;
	plan_unprepare(plan);
	wr_done(&plan->bytes);
	free(plan->merged);
	free(plan->fetched);
	free(plan->scratch);
	free(plan->columns);
	free(plan->name);
	free(plan);
}

static void write_name(struct writer *wr, const char *name)
{
	wr_u8(wr, '"');
	for (; *name; name++) {
		if (*name == '"')
			wr_u8(wr, '"');
		wr_u8(wr, (uint8_t)*name);
	}
	wr_u8(wr, '"');
}

static const char *column_name(const struct mirror_plan *plan, unsigned i)
{
	return plan->table->columns[plan->columns[i]].name;
}

/* The names of mirrored columns from..to, each followed by `between` but the last; `after` stands behind each name. */
static void write_columns(struct writer *wr, const struct mirror_plan *plan, unsigned from, unsigned to,
			  const char *after, const char *between)
{
	for (unsigned i = from; i < to; i++) {
		write_name(wr, column_name(plan, i));
		wr_printf(wr, "%s%s", after, i + 1 < to ? between : "");
	}
}

static int prepare_written(struct db *db, struct writer *sql, sqlite3_stmt **ret, struct error *err)
{
	int result;

	wr_u8(sql, '\0');
	result = db_prepare(db, sql->data, ret, err);
	wr_done(sql);
	return result;
}

static int run_written(struct db *db, struct writer *sql, struct error *err)
{
	int result;

	wr_u8(sql, '\0');
	result = query_run(db, sql->data, err, "");
	wr_done(sql);
	return result;
}

static void write_key_order(struct writer *wr, const struct mirror_plan *plan)
{
	if (plan->is_bag)
		wr_printf(wr, "_tw_hash, _tw_number");
	else
		write_columns(wr, plan, 0, plan->key_count, "", ", ");
}

/* A single integer key is the rowid itself: the fastest form. Everything else is a table without rowid. */
static bool has_integer_key(const struct mirror_plan *plan)
{
	return plan->key_count == 1 &&
	       strcmp(mirror_column_type(plan->table->columns[plan->columns[0]].type), "INTEGER") == 0;
}

int plan_create_table(const struct mirror_plan *plan, struct db *db, struct error *err)
{
	struct writer sql = {0};

	wr_printf(&sql, "CREATE TABLE ");
	write_name(&sql, plan->name);
	wr_printf(&sql, "(%s", plan->is_bag ? "_tw_hash BLOB, _tw_number INTEGER, " : "");
	for (unsigned i = 0; i < plan->column_count; i++) {
		write_name(&sql, column_name(plan, i));
		wr_printf(&sql, " %s%s, ", mirror_column_type(plan->table->columns[plan->columns[i]].type),
			  has_integer_key(plan) && i == 0 ? " PRIMARY KEY" : "");
	}
	if (has_integer_key(plan)) {
		sql.len -= 2;
		wr_printf(&sql, ")");
	} else {
		wr_printf(&sql, "PRIMARY KEY (");
		write_key_order(&sql, plan);
		wr_printf(&sql, ")) WITHOUT ROWID");
	}
	return run_written(db, &sql, err);
}

static void write_index_name(struct writer *wr, const struct mirror_plan *plan, const struct mirror_index *index)
{
	struct writer name = {0};

	wr_printf(&name, "_tw_index %s", plan->name);
	for (unsigned i = 0; i < index->column_count; i++)
		wr_printf(&name, " %s", index->columns[i]);
	wr_u8(&name, '\0');
	write_name(wr, name.data);
	wr_done(&name);
}

static int create_index(const struct mirror_plan *plan, struct db *db, const struct mirror_index *index,
			struct error *err)
{
	struct writer sql = {0};

	wr_printf(&sql, "CREATE INDEX IF NOT EXISTS ");
	write_index_name(&sql, plan, index);
	wr_printf(&sql, " ON ");
	write_name(&sql, plan->name);
	for (unsigned i = 0; i < index->column_count; i++) {
		wr_printf(&sql, i ? ", " : "(");
		write_name(&sql, index->columns[i]);
	}
	wr_printf(&sql, ")");
	return run_written(db, &sql, err);
}

/*
 * The primary key, where the mirror's key is another index. It is not unique here: a deferred constraint lets two rows
 * share a value for a moment, and a unique index would drop one of them.
 */
static int create_primary_index(const struct mirror_plan *plan, struct db *db, struct error *err)
{
	const struct table *table = plan->table;
	const char **names = MEM_ARRAY(const char *, table->key_count);
	struct mirror_index index = {names, table->key_count};
	int result;

	for (unsigned i = 0; i < table->key_count; i++)
		names[i] = table->columns[table->key[i]].name;
	result = create_index(plan, db, &index, err);
	free(names);
	return result;
}

static bool key_is_primary(const struct mirror_plan *plan)
{
	const struct table *table = plan->table;

	return plan->key_count == table->key_count &&
	       memcmp(plan->columns, table->key, sizeof(*plan->columns) * plan->key_count) == 0;
}

int plan_create_indexes(const struct mirror_plan *plan, struct db *db, struct error *err)
{
	const struct mirror_need *need = plan->mirrored->need;

	if (plan->table->key_count && !key_is_primary(plan) && create_primary_index(plan, db, err) < 0)
		return -1;
	for (unsigned i = 0; i < need->index_count; i++)
		if (create_index(plan, db, &need->indexes[i], err) < 0)
			return -1;
	return 0;
}

static int prepare_put(struct mirror_plan *plan, struct db *db, struct error *err)
{
	struct writer sql = {0};

	wr_printf(&sql, "INSERT OR REPLACE INTO ");
	write_name(&sql, plan->name);
	wr_printf(&sql, "(");
	write_columns(&sql, plan, 0, plan->column_count, "", ", ");
	wr_printf(&sql, "%s) VALUES (", plan->is_bag ? ", _tw_hash, _tw_number" : "");
	for (unsigned i = 0; i < plan->column_count; i++)
		wr_printf(&sql, "%s?%u", i ? ", " : "", i + 1);
	if (plan->is_bag) {
		wr_printf(&sql, ", ?%u, (SELECT coalesce(max(_tw_number) + 1, 0) FROM ", plan->column_count + 1);
		write_name(&sql, plan->name);
		wr_printf(&sql, " WHERE _tw_hash = ?%u)", plan->column_count + 1);
	}
	wr_printf(&sql, ")");
	return prepare_written(db, &sql, &plan->put, err);
}

static void write_key_condition(struct writer *wr, const struct mirror_plan *plan)
{
	wr_printf(wr, " WHERE ");
	write_columns(wr, plan, 0, plan->key_count, " = ?", " AND ");
}

static int prepare_get(struct mirror_plan *plan, struct db *db, struct error *err)
{
	struct writer sql = {0};

	wr_printf(&sql, "SELECT ");
	write_columns(&sql, plan, 0, plan->column_count, "", ", ");
	wr_printf(&sql, " FROM ");
	write_name(&sql, plan->name);
	write_key_condition(&sql, plan);
	return prepare_written(db, &sql, &plan->get, err);
}

/* Of equal rows of a bag, the last one goes. */
static int prepare_remove(struct mirror_plan *plan, struct db *db, struct error *err)
{
	struct writer sql = {0};

	wr_printf(&sql, "DELETE FROM ");
	write_name(&sql, plan->name);
	if (plan->is_bag) {
		wr_printf(&sql, " WHERE _tw_hash = ?1 AND _tw_number = (SELECT max(_tw_number) FROM ");
		write_name(&sql, plan->name);
		wr_printf(&sql, " WHERE _tw_hash = ?1)");
	} else {
		write_key_condition(&sql, plan);
	}
	return prepare_written(db, &sql, &plan->remove, err);
}

int plan_prepare(struct mirror_plan *plan, struct db *db, struct error *err)
{
	if (prepare_put(plan, db, err) < 0 || prepare_remove(plan, db, err) < 0)
		return -1;
	if (!plan->is_bag && prepare_get(plan, db, err) < 0)
		return -1;
	plan->ready = true;
	return 0;
}

int plan_prepare_piece(const struct mirror_plan *plan, struct db *db, sqlite3_stmt **ret, struct error *err)
{
	struct writer sql = {0};

	wr_printf(&sql, "DELETE FROM ");
	write_name(&sql, plan->name);
	wr_printf(&sql, " WHERE (");
	write_key_order(&sql, plan);
	wr_printf(&sql, ") IN (SELECT ");
	write_key_order(&sql, plan);
	wr_printf(&sql, " FROM ");
	write_name(&sql, plan->name);
	wr_printf(&sql, " LIMIT %d)", PIECE_ROWS);
	return prepare_written(db, &sql, ret, err);
}

int plan_prepare_walk(const struct mirror_plan *plan, struct db *db, sqlite3_stmt **ret, struct error *err)
{
	struct writer sql = {0};

	wr_printf(&sql, "SELECT ");
	write_columns(&sql, plan, 0, plan->column_count, "", ", ");
	wr_printf(&sql, " FROM ");
	write_name(&sql, plan->name);
	wr_printf(&sql, " ORDER BY ");
	write_key_order(&sql, plan);
	return prepare_written(db, &sql, ret, err);
}
