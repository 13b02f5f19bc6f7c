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

int mirror_differs(struct db *db, const struct table *table, bool *ret_differs, char reason[200], struct error *err)
{
	const struct mirror_need need = {.schema = table->schema, .name = table->name};
	struct mirrored mirrored = {.need = &need, .state = MIRROR_WHOLE};

	if (shape_compare(db, table, &mirrored, err) < 0)
		return -1;
	*ret_differs = mirrored.state != MIRROR_WHOLE;
	snprintf(reason, 200, "%s", mirrored.reason);
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
