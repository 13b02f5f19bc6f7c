/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Jobs; AUTOINCREMENT keeps a number from being used twice. */
#include "state/jobs.h"

#include "query.h"

int job_add(struct db *db, struct job *job, struct error *err)
{
	if (query_run(db, "INSERT INTO _tw_job(kind, subject, done) VALUES (?, ?, ?)", err, "tti", job->kind,
		      job->subject, (int64_t)job->done) < 0)
		return -1;
	job->number = (uint64_t)sqlite3_last_insert_rowid(db_handle(db));
	return 0;
}

int jobs_begin_at(struct db *db, uint64_t number, struct error *err)
{
	if (query_run(db, "DELETE FROM sqlite_sequence WHERE name = '_tw_job'", err, "") < 0)
		return -1;
	return query_run(db, "INSERT INTO sqlite_sequence(name, seq) VALUES ('_tw_job', ?)", err, "i", (int64_t)number);
}

int job_progress(struct db *db, uint64_t number, uint64_t done, struct error *err)
{
	return query_run(db, "UPDATE _tw_job SET done = ? WHERE number = ?", err, "ii", (int64_t)done, (int64_t)number);
}

int job_finish(struct db *db, uint64_t number, struct error *err)
{
	return query_run(db, "DELETE FROM _tw_job WHERE number = ?", err, "i", (int64_t)number);
}

int job_next(struct db *db, struct arena *arena, struct job *ret, struct error *err)
{
	sqlite3_stmt *stmt;
	int found;

	if (query_open(db, "SELECT number, kind, subject, done FROM _tw_job ORDER BY number LIMIT 1", &stmt, err, "") < 0)
		return -1;
	found = db_step(db, stmt, err);
	if (found == 1) {
		ret->number = (uint64_t)sqlite3_column_int64(stmt, 0);
		ret->kind = arena_copy(arena, query_view(stmt, 1));
		ret->subject = arena_copy(arena, query_view(stmt, 2));
		ret->done = (uint64_t)sqlite3_column_int64(stmt, 3);
	}
	sqlite3_finalize(stmt);
	return found;
}
