/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Open exceptions. */
#include "state/exceptions.h"

#include "query.h"

#define COLUMNS "entity, key, reason, message, path, value, place, rule, owner, event_id, position, since"

static enum fault_reason reason_of(struct view name)
{
	for (int i = 0; i < FAULT_REASONS; i++)
		if (view_is(name, fault_reason_names[i]))
			return (enum fault_reason)i;
	return FAULT_UNKNOWN;
}

/* The row at which a statement over COLUMNS stands. */
static struct exception read_row(sqlite3_stmt *stmt)
{
	return (struct exception){
		.entity = query_view(stmt, 0),
		.key = query_view(stmt, 1),
		.fault = {
			.reason = reason_of(query_view(stmt, 2)),
			.message = query_view(stmt, 3),
			.path = query_view(stmt, 4),
			.value = query_view(stmt, 5),
			.place = query_view(stmt, 6),
			.rule = query_view(stmt, 7),
		},
		.owner = query_view(stmt, 8),
		.event_id = query_view(stmt, 9),
		.position = query_view(stmt, 10),
		.since = sqlite3_column_int64(stmt, 11),
	};
}

int exception_open(struct db *db, const struct exception *exception, bool *ret_news, usec_t *ret_since,
		   struct error *err)
{
	/* The update is left out when it would change nothing, so that the number of changed rows says what is news. */
	static const char sql[] =
		"INSERT INTO _tw_exception(" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
		" ON CONFLICT (entity, key) DO UPDATE SET (reason, message, path, value, place, rule, owner) ="
		" (excluded.reason, excluded.message, excluded.path, excluded.value, excluded.place, excluded.rule,"
		" excluded.owner)"
		" WHERE (reason, message, path, rule) IS NOT"
		" (excluded.reason, excluded.message, excluded.path, excluded.rule)";
	const struct fault *fault = &exception->fault;
	int before = sqlite3_total_changes(db_handle(db));
	int64_t since = 0;

	if (query_run(db, sql, err, "ttstttttttti", exception->entity, exception->key, fault_reason_names[fault->reason],
		      fault->message, fault->path, fault->value, fault->place, fault->rule, exception->owner,
		      exception->event_id, exception->position, (int64_t)exception->since) < 0)
		return -1;
	*ret_news = sqlite3_total_changes(db_handle(db)) != before;
	if (query_number(db, "SELECT since FROM _tw_exception WHERE entity = ? AND key = ?", &since, err, "tt",
			 exception->entity, exception->key) < 0)
		return -1;
	*ret_since = since;
	return 0;
}

static void keep(struct arena *arena, struct view *view)
{
	if (view->ptr)
		*view = arena_copy(arena, *view);
}

static struct exception copy_exception(struct arena *arena, struct exception exception)
{
	struct fault *fault = &exception.fault;
	struct view *const views[] = {
		&exception.entity, &exception.key,  &fault->message,   &fault->path,        &fault->value,
		&fault->place,     &fault->rule,    &exception.owner,  &exception.event_id, &exception.position,
	};

	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		keep(arena, views[i]);
	return exception;
}

static int close_one(struct db *db, sqlite3_stmt *stmt, struct arena *arena, struct exception *ret, struct error *err)
{
	int found = db_step(db, stmt, err);

	if (found == 1) {
		*ret = copy_exception(arena, read_row(stmt));
		if (db_step(db, stmt, err) < 0)
			return -1;
	}
	return found;
}

int exception_close(struct db *db, struct view entity, struct view key, struct arena *arena, struct exception *ret,
		    struct error *err)
{
	sqlite3_stmt *stmt;
	int found;

	if (db_begin(db, err) < 0 ||
	    query_open(db, "DELETE FROM _tw_exception WHERE entity = ? AND key = ? RETURNING " COLUMNS, &stmt, err, "tt",
		       entity, key) < 0)
		return -1;
	found = close_one(db, stmt, arena, ret, err);
	sqlite3_finalize(stmt);
	return found;
}

int exceptions_each(struct db *db, int (*each)(void *arg, const struct exception *exception), void *arg,
		    struct error *err)
{
	sqlite3_stmt *stmt;
	int found, stop = 0;

	if (query_open(db, "SELECT " COLUMNS " FROM _tw_exception ORDER BY entity, key", &stmt, err, "") < 0)
		return -1;
	while (!stop && (found = db_step(db, stmt, err)) == 1) {
		struct exception exception = read_row(stmt);

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

int exceptions_clear(struct db *db, struct error *err)
{
	return query_run(db, "DELETE FROM _tw_exception", err, "");
}
