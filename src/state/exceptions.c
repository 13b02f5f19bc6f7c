/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Open exceptions. */
#include "state/exceptions.h"

#include "query.h"

int exception_open(struct db *db, const struct exception *exception, bool *ret_news, struct error *err)
{
	/* The update is left out when it would change nothing, so that the number of changed rows says what is news. */
	static const char sql[] =
		"INSERT INTO _tw_exception(entity, key, place, reason, event_id, position, since) VALUES (?, ?, ?, ?, ?, ?, ?)"
		" ON CONFLICT (entity, key) DO UPDATE SET place = excluded.place, reason = excluded.reason"
		" WHERE place <> excluded.place OR reason <> excluded.reason";
	int before = sqlite3_total_changes(db_handle(db));

	if (query_run(db, sql, err, "tttttti", exception->entity, exception->key,
		      exception->place, exception->reason, exception->event_id, exception->position,
		      (int64_t)exception->since) < 0)
		return -1;
	*ret_news = sqlite3_total_changes(db_handle(db)) != before;
	return 0;
}

static int close_one(struct db *db, sqlite3_stmt *stmt, struct arena *arena, struct view *ret_event_id,
		     struct error *err)
{
	int found = db_step(db, stmt, err);

	if (found == 1) {
		*ret_event_id = arena_copy(arena, query_view(stmt, 0));
		if (db_step(db, stmt, err) < 0)
			return -1;
	}
	return found;
}

int exception_close(struct db *db, struct view entity, struct view key, struct arena *arena, struct view *ret_event_id,
		    struct error *err)
{
	sqlite3_stmt *stmt;
	int found;

	if (db_begin(db, err) < 0 ||
	    query_open(db, "DELETE FROM _tw_exception WHERE entity = ? AND key = ? RETURNING event_id", &stmt, err, "tt",
		       entity, key) < 0)
		return -1;
	found = close_one(db, stmt, arena, ret_event_id, err);
	sqlite3_finalize(stmt);
	return found;
}

int exceptions_each(struct db *db, int (*each)(void *arg, const struct exception *exception), void *arg,
		    struct error *err)
{
	sqlite3_stmt *stmt;
	int found, stop = 0;

	if (query_open(db, "SELECT entity, key, place, reason, event_id, position, since FROM _tw_exception"
			   " ORDER BY entity, key", &stmt, err, "") < 0)
		return -1;
	while (!stop && (found = db_step(db, stmt, err)) == 1) {
		struct exception exception = {
			.entity = query_view(stmt, 0), .key = query_view(stmt, 1), .place = query_view(stmt, 2),
			.reason = query_view(stmt, 3), .event_id = query_view(stmt, 4),
			.position = query_view(stmt, 5), .since = sqlite3_column_int64(stmt, 6),
		};

		stop = each(arg, &exception);
	}
	sqlite3_finalize(stmt);
	return stop ? 0 : found;
}

int exceptions_count(struct db *db, uint64_t *ret, struct error *err)
{
	int64_t count = 0;

	if (query_number(db, "SELECT count(*) FROM _tw_exception", &count, err, "") < 0)
		return -1;
	*ret = (uint64_t)count;
	return 0;
}
