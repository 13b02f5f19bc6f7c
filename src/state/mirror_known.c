/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The mirrored tables of a file without a mirror: before a mapping is compiled it is seen which have to be loaded again. */
#include <stdio.h>
#include <stdlib.h>

#include "mirror_plan.h"
#include "query.h"

int mirror_each_known(struct db *db, int (*each)(void *arg, const struct mirror_known *known, struct error *err), void *arg,
		      struct error *err)
{
	sqlite3_stmt *stmt;
	int found, result = 0;

	if (query_open(db, "SELECT schema, name, state, reason, NOT EXISTS (SELECT 1 FROM _tw_column c WHERE c.schema = t.schema"
			   " AND c.table_name = t.name AND c.key_place >= 0) FROM _tw_table t ORDER BY schema, name", &stmt, err, "") < 0)
		return -1;
	while (result == 0 && (found = db_step(db, stmt, err)) == 1) {
		struct mirror_known known = {
			.schema = (const char *)sqlite3_column_text(stmt, 0),
			.name = (const char *)sqlite3_column_text(stmt, 1),
			.state = (enum mirror_state)sqlite3_column_int(stmt, 2),
			.reason = (const char *)sqlite3_column_text(stmt, 3),
			.is_bag = sqlite3_column_int(stmt, 4) != 0,
		};

		result = each(arg, &known, err);
	}
	sqlite3_finalize(stmt);
	return result ? result : found;
}

static void compare_number(const struct table *table, const char *name, int number, struct mirror_difference *ret)
{
	int i = table_column(table, name);

	if (i < 0 || !table->columns[i].source_number || table->columns[i].source_number == number)
		return;
	if (!ret->differs)
		snprintf(ret->reason, sizeof(ret->reason), "column '%s' was dropped and added again", name);
	ret->differs = ret->renumbered = true;
}

int mirror_differs(struct db *db, const struct table *table, struct mirror_difference *ret, struct error *err)
{
	const struct mirror_need need = {.schema = table->schema, .name = table->name};
	struct mirrored mirrored = {.need = &need, .state = MIRROR_WHOLE};
	sqlite3_stmt *stmt;
	int found;

	if (shape_compare(db, table, &mirrored, err) < 0 ||
	    query_open(db, "SELECT name, number FROM _tw_column WHERE schema = ? AND table_name = ? AND number <> 0", &stmt, err, "ss",
		       table->schema, table->name) < 0)
		return -1;
	*ret = (struct mirror_difference){.differs = mirrored.state != MIRROR_WHOLE};
	snprintf(ret->reason, sizeof(ret->reason), "%s", mirrored.reason);
	while ((found = db_step(db, stmt, err)) == 1)
		compare_number(table, (const char *)sqlite3_column_text(stmt, 0), sqlite3_column_int(stmt, 1), ret);
	sqlite3_finalize(stmt);
	return found;
}

int mirror_learn_numbers(struct db *db, const struct table *table, struct error *err)
{
	int64_t unknown = 0;

	if (query_number(db, "SELECT count(*) FROM _tw_column WHERE schema = ? AND table_name = ? AND number = 0", &unknown, err,
			 "ss", table->schema, table->name) < 0)
		return -1;
	for (unsigned i = 0; unknown && i < table->column_count; i++)
		if (query_run(db, "UPDATE _tw_column SET number = ? WHERE schema = ? AND table_name = ? AND name = ? AND number = 0",
			      err, "isss", (int64_t)table->columns[i].source_number, table->schema, table->name,
			      table->columns[i].name) < 0)
			return -1;
	return 0;
}

int mirror_lacks(struct db *db, const struct mirror_need *need, bool *ret_lacks, struct error *err)
{
	*ret_lacks = false;
	for (unsigned i = 0; i < need->column_count && !*ret_lacks; i++) {
		int64_t count = 0;

		if (query_number(db, "SELECT count(*) FROM _tw_table t WHERE schema = ?1 AND name = ?2 AND NOT EXISTS (SELECT 1"
				     " FROM _tw_column c WHERE c.schema = ?1 AND c.table_name = ?2 AND c.name = ?3)", &count, err,
				 "sss", need->schema, need->name, need->columns[i]) < 0)
			return -1;
		*ret_lacks = count > 0;
	}
	return 0;
}

int mirror_set_stale(struct db *db, const char *schema, const char *name, const char *reason, struct error *err)
{
	const struct mirror_need need = {.schema = schema, .name = name};

	return shape_set_state(db, &need, MIRROR_STALE, reason, err);
}

int mirror_forget(struct db *db, const char *schema, const char *name, struct error *err)
{
	const struct mirror_need need = {.schema = schema, .name = name};
	struct arena arena;
	char *sql;
	int result = shape_forget(db, &need, err);

	if (result < 0)
		return -1;
	arena_init(&arena);
	sql = sqlite3_mprintf("DROP TABLE IF EXISTS \"%w\"", mirror_name(&arena, schema, name));
	result = query_run(db, sql, err, "");
	sqlite3_free(sql);
	arena_done(&arena);
	return result;
}
