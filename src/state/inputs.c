/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Named texts. */
#include "state/inputs.h"

#include <stdio.h>

#include "query.h"

int input_get(struct db *db, const char *name, struct arena *arena, struct view *ret, struct error *err)
{
	sqlite3_stmt *stmt;
	int found;

	if (query_open(db, "SELECT value FROM _tw_input WHERE name = ?", &stmt, err, "s", name) < 0)
		return -1;
	found = db_step(db, stmt, err);
	if (found == 1)
		*ret = arena_copy(arena, query_view(stmt, 0));
	sqlite3_finalize(stmt);
	return found;
}

int input_text(struct db *db, const char *name, char *ret, size_t size, struct error *err)
{
	struct arena arena;
	struct view text = VIEW_NONE;
	int found;

	arena_init(&arena);
	found = input_get(db, name, &arena, &text, err);
	snprintf(ret, size, "%.*s", found > 0 ? (int)text.len : 0, found > 0 ? text.ptr : "");
	arena_done(&arena);
	return found < 0 ? -1 : 0;
}

int input_put(struct db *db, const char *name, struct view value, struct error *err)
{
	if (!value.ptr)
		return query_run(db, "DELETE FROM _tw_input WHERE name = ?", err, "s", name);
	return query_run(db, "INSERT OR REPLACE INTO _tw_input(name, value) VALUES (?, ?)", err, "sb", name, value);
}

int input_each(struct db *db, const char *prefix, int (*each)(void *arg, struct view name, struct view value),
	       void *arg, struct error *err)
{
	sqlite3_stmt *stmt;
	int found, stop = 0;

	if (query_open(db, "SELECT name, value FROM _tw_input WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name",
		       &stmt, err, "s", prefix) < 0)
		return -1;
	while (!stop && (found = db_step(db, stmt, err)) == 1)
		stop = each(arg, query_view(stmt, 0), query_view(stmt, 1));
	sqlite3_finalize(stmt);
	return stop ? 0 : found;
}
