/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The table is made with its first row: few state files ever have one. */
#include "state/audit.h"

#include "query.h"

#define TABLE "_tw_audit"

int audit_add(struct db *db, const struct audit_entry *entry, struct error *err)
{
	if (query_run(db, "CREATE TABLE IF NOT EXISTS " TABLE "(number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL,"
		      " action TEXT NOT NULL, who TEXT NOT NULL, facts TEXT NOT NULL, assertion TEXT NOT NULL)", err, "") < 0)
		return -1;
	return query_run(db, "INSERT INTO " TABLE "(at, action, who, facts, assertion) VALUES (?, ?, ?, ?, ?)", err, "itttt", (int64_t)entry->at,
			 entry->action, entry->who, entry->facts, entry->assertion);
}

static int table_there(struct db *db, struct error *err)
{
	int64_t count = 0;

	if (query_number(db, "SELECT count(*) FROM sqlite_master WHERE name = '" TABLE "'", &count, err, "") < 0)
		return -1;
	return count > 0;
}

int audit_each(struct db *db, int (*each)(void *arg, const struct audit_entry *entry), void *arg, struct error *err)
{
	int found = table_there(db, err), stop = 0;
	sqlite3_stmt *stmt;

	if (found <= 0)
		return found;
	if (query_open(db, "SELECT at, action, who, facts, assertion FROM " TABLE " ORDER BY number", &stmt, err, "") < 0)
		return -1;
	while (!stop && (found = db_step(db, stmt, err)) == 1) {
		struct audit_entry entry = {sqlite3_column_int64(stmt, 0), query_view(stmt, 1), query_view(stmt, 2), query_view(stmt, 3),
					    query_view(stmt, 4)};

		stop = each(arg, &entry);
	}
	sqlite3_finalize(stmt);
	return stop ? 0 : found;
}
