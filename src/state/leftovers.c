/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The temporary table of leftovers, and its three statements. */
#include "state/leftovers.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "base/memory.h"

struct leftovers {
	struct db *db;
	sqlite3_stmt *note, *strike, *list;
};

static const char create_sql[] =
	"DROP TABLE IF EXISTS temp._tw_leftover;"
	"CREATE TEMP TABLE _tw_leftover (topic TEXT, key BLOB, PRIMARY KEY (topic, key)) WITHOUT ROWID";

int leftovers_open(struct db *db, struct leftovers **ret, struct error *err)
{
	struct leftovers *left = MEM_NEW(struct leftovers);

	left->db = db;
	if (db_run(db, create_sql, err) < 0 ||
	    db_prepare(db, "INSERT OR IGNORE INTO temp._tw_leftover VALUES (?, ?)", &left->note, err) < 0 ||
	    db_prepare(db, "DELETE FROM temp._tw_leftover WHERE topic = ? AND key = ?", &left->strike, err) < 0 ||
	    db_prepare(db, "SELECT topic, key FROM temp._tw_leftover ORDER BY topic, key", &left->list, err) < 0) {
		leftovers_close(left);
		return -1;
	}
	*ret = left;
	return 0;
}

void leftovers_close(struct leftovers *leftovers)
{
	if (!leftovers)
		return;
	sqlite3_finalize(leftovers->note);
	sqlite3_finalize(leftovers->strike);
	sqlite3_finalize(leftovers->list);
	free(leftovers);
}

static int run(struct leftovers *leftovers, sqlite3_stmt *stmt, struct view topic, struct view key, struct error *err)
{
	sqlite3_bind_text(stmt, 1, topic.ptr, (int)topic.len, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 2, key.ptr, (int)key.len, SQLITE_STATIC);
	return db_step(leftovers->db, stmt, err);
}

int leftover_note(struct leftovers *leftovers, struct view topic, struct view key, struct error *err)
{
	return run(leftovers, leftovers->note, topic, key, err);
}

int leftover_strike(struct leftovers *leftovers, struct view topic, struct view key, struct error *err)
{
	return run(leftovers, leftovers->strike, topic, key, err);
}

int leftovers_each(struct leftovers *leftovers,
		   int (*each)(void *arg, struct view topic, struct view key, struct error *err), void *arg,
		   struct error *err)
{
	int result = 0, got;

	while (result == 0 && (got = db_step(leftovers->db, leftovers->list, err)) != 0) {
		if (got < 0)
			return -1;
		result = each(arg,
			      (struct view){(const char *)sqlite3_column_text(leftovers->list, 0),
					    (size_t)sqlite3_column_bytes(leftovers->list, 0)},
			      (struct view){sqlite3_column_blob(leftovers->list, 1),
					    (size_t)sqlite3_column_bytes(leftovers->list, 1)}, err);
	}
	sqlite3_reset(leftovers->list);
	return result;
}
