/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The shapes of mirrored tables as the state file remembers them, and what differs. A change of a mirrored column's
 * type, modifier or presence may have changed rows without row events (USING, DEFAULT): then the mirror is stale.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "mirror_plan.h"
#include "query.h"

static int key_place(const unsigned *key, unsigned key_count, unsigned column)
{
	for (unsigned i = 0; i < key_count; i++)
		if (key[i] == column)
			return (int)i;
	return -1;
}

static int save_column(struct db *db, const struct mirror_plan *plan, unsigned i, struct error *err)
{
	const struct mirror_need *need = plan->mirrored->need;
	const struct column *column = &plan->table->columns[plan->columns[i]];

	return query_run(db, "INSERT INTO _tw_column(schema, table_name, name, place, key_place, kind, precision, scale,"
			 " source_type, source_oid, modifier, number) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", err,
			 "sssiiiiisiii", need->schema, need->name, column->name, (int64_t)i,
			 (int64_t)(i < plan->key_count ? (int)i : -1), (int64_t)column->type.kind,
			 (int64_t)column->type.precision, (int64_t)column->type.scale, column->source_type,
			 (int64_t)column->source_oid, (int64_t)column->source_modifier, (int64_t)column->source_number);
}

int shape_save(struct db *db, const struct mirror_plan *plan, enum mirror_state state, struct error *err)
{
	const struct mirror_need *need = plan->mirrored->need;

	if (query_run(db, "INSERT OR REPLACE INTO _tw_table(schema, name, source_id, state, reason)"
		      " VALUES (?, ?, ?, ?, '')", err, "ssii", need->schema, need->name,
		      (int64_t)plan->table->source_id, (int64_t)state) < 0)
		return -1;
	for (unsigned i = 0; i < plan->column_count; i++)
		if (save_column(db, plan, i, err) < 0)
			return -1;
	return 0;
}

int shape_forget(struct db *db, const struct mirror_need *need, struct error *err)
{
	if (query_run(db, "DELETE FROM _tw_column WHERE schema = ? AND table_name = ?", err, "ss", need->schema,
		      need->name) < 0)
		return -1;
	return query_run(db, "DELETE FROM _tw_table WHERE schema = ? AND name = ?", err, "ss", need->schema, need->name);
}

int shape_set_state(struct db *db, const struct mirror_need *need, enum mirror_state state, const char *reason,
		    struct error *err)
{
	return query_run(db, "UPDATE _tw_table SET state = ?, reason = ? WHERE schema = ? AND name = ?", err, "isss",
			 (int64_t)state, reason, need->schema, need->name);
}

int shape_load_state(struct db *db, struct mirrored *mirrored, bool *ret_known, struct error *err)
{
	sqlite3_stmt *stmt;
	int found;

	mirrored->state = MIRROR_LOADING;
	mirrored->reason[0] = '\0';
	if (query_open(db, "SELECT state, reason FROM _tw_table WHERE schema = ? AND name = ?", &stmt, err, "ss",
		       mirrored->need->schema, mirrored->need->name) < 0)
		return -1;
	found = db_step(db, stmt, err);
	if (found == 1) {
		mirrored->state = (enum mirror_state)sqlite3_column_int(stmt, 0);
		snprintf(mirrored->reason, sizeof(mirrored->reason), "%s", (const char *)sqlite3_column_text(stmt, 1));
	}
	sqlite3_finalize(stmt);
	*ret_known = found == 1;
	return found < 0 ? -1 : 0;
}

/* STALE stays what it is: loading the table again cures both. */
static void differ(struct mirrored *mirrored, enum mirror_state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void differ(struct mirrored *mirrored, enum mirror_state state, const char *format, ...)
{
	va_list args;

	if (mirrored->state == MIRROR_STALE)
		return;
	mirrored->state = state;
	va_start(args, format);
	vsnprintf(mirrored->reason, sizeof(mirrored->reason), format, args);
	va_end(args);
}

/* Columns of _tw_column as compare_column selects them. */
enum { C_NAME, C_KEY_PLACE, C_KIND, C_PRECISION, C_SCALE, C_SOURCE_TYPE, C_OID, C_MODIFIER };

static bool same_type(sqlite3_stmt *stmt, const struct column *column)
{
	return sqlite3_column_int(stmt, C_KIND) == (int)column->type.kind &&
	       sqlite3_column_int(stmt, C_PRECISION) == column->type.precision &&
	       sqlite3_column_int(stmt, C_SCALE) == column->type.scale &&
	       sqlite3_column_int64(stmt, C_OID) == (int64_t)column->source_oid &&
	       sqlite3_column_int(stmt, C_MODIFIER) == column->source_modifier;
}

static void compare_column(sqlite3_stmt *stmt, const struct table *table, const unsigned *key, unsigned key_count,
			   struct mirrored *mirrored)
{
	const char *name = (const char *)sqlite3_column_text(stmt, C_NAME);
	int i = table_column(table, name);

	if (i < 0)
		differ(mirrored, MIRROR_STALE, "column '%s' (%s) is gone", name,
		       (const char *)sqlite3_column_text(stmt, C_SOURCE_TYPE));
	else if (!same_type(stmt, &table->columns[i]))
		differ(mirrored, MIRROR_STALE, "column '%s' was %s and is %s now", name,
		       (const char *)sqlite3_column_text(stmt, C_SOURCE_TYPE), table->columns[i].source_type);
	else if (key_place(key, key_count, (unsigned)i) != sqlite3_column_int(stmt, C_KEY_PLACE))
		differ(mirrored, MIRROR_STALE, "column '%s' has another place in the replica identity", name);
}

static int compare_source(struct db *db, const struct table *table, struct mirrored *mirrored, struct error *err)
{
	int64_t source_id = 0;

	if (query_number(db, "SELECT source_id FROM _tw_table WHERE schema = ? AND name = ?", &source_id, err, "ss",
			 mirrored->need->schema, mirrored->need->name) < 0)
		return -1;
	if ((uint64_t)source_id != table->source_id)
		differ(mirrored, MIRROR_STALE, "the table was dropped and made anew");
	return 0;
}

static int compare_stored(struct db *db, const struct table *table, struct mirrored *mirrored, struct error *err)
{
	unsigned *key = MEM_ARRAY(unsigned, table->column_count + 1), key_count;
	sqlite3_stmt *stmt;
	int found;

	plan_key_columns(table, key, &key_count);
	if (query_open(db, "SELECT name, key_place, kind, precision, scale, source_type, source_oid, modifier"
			   " FROM _tw_column WHERE schema = ? AND table_name = ? ORDER BY place", &stmt, err, "ss",
		       mirrored->need->schema, mirrored->need->name) < 0) {
		free(key);
		return -1;
	}
	while ((found = db_step(db, stmt, err)) == 1)
		compare_column(stmt, table, key, key_count, mirrored);
	sqlite3_finalize(stmt);
	free(key);
	return found;
}

static int compare_needed(struct db *db, struct mirrored *mirrored, const char *column, struct error *err)
{
	int64_t one;
	int found = query_number(db, "SELECT 1 FROM _tw_column WHERE schema = ? AND table_name = ? AND name = ?", &one,
				 err, "sss", mirrored->need->schema, mirrored->need->name, column);

	if (found == 0)
		differ(mirrored, MIRROR_INCOMPLETE, "column '%s' is needed now and was not kept", column);
	return found < 0 ? -1 : 0;
}

int shape_compare(struct db *db, const struct table *table, struct mirrored *mirrored, struct error *err)
{
	if (compare_source(db, table, mirrored, err) < 0 || compare_stored(db, table, mirrored, err) < 0)
		return -1;
	for (unsigned i = 0; i < mirrored->need->column_count; i++)
		if (compare_needed(db, mirrored, mirrored->need->columns[i], err) < 0)
			return -1;
	return 0;
}
