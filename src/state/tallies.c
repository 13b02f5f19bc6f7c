/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Tallies of the open transaction. */
#include "state/tallies.h"

#include "query.h"

int tallies_clear(struct db *db, struct error *err)
{
	return query_run(db, "DELETE FROM _tw_tally", err, "");
}

int tally_put(struct db *db, struct view name, uint64_t count, struct error *err)
{
	return query_run(db, "INSERT INTO _tw_tally(name, count) VALUES (?, ?)", err, "ti", name, (int64_t)count);
}

int tallies_each(struct db *db, void (*each)(void *arg, struct view name, uint64_t count), void *arg, struct error *err)
{
	sqlite3_stmt *stmt;
	int found;

	if (query_open(db, "SELECT name, count FROM _tw_tally ORDER BY place", &stmt, err, "") < 0)
		return -1;
	while ((found = db_step(db, stmt, err)) == 1)
		each(arg, query_view(stmt, 0), (uint64_t)sqlite3_column_int64(stmt, 1));
	sqlite3_finalize(stmt);
	return found;
}
