/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Topics that were ever written. */
#include "state/topics.h"

#include "query.h"

int topic_remember(struct db *db, const struct known_topic *topic, struct error *err)
{
	return query_run(db, "INSERT OR REPLACE INTO _tw_topic(name, partitions, end_offset) VALUES (?, ?, ?)", err,
			 "tii", topic->name, (int64_t)topic->partitions, topic->end_offset);
}

int topics_each(struct db *db, int (*each)(void *arg, const struct known_topic *topic), void *arg, struct error *err)
{
	sqlite3_stmt *stmt;
	int found, stop = 0;

	if (query_open(db, "SELECT name, partitions, end_offset FROM _tw_topic ORDER BY name", &stmt, err, "") < 0)
		return -1;
	while (!stop && (found = db_step(db, stmt, err)) == 1) {
		struct known_topic topic = {query_view(stmt, 0), sqlite3_column_int(stmt, 1),
					    sqlite3_column_int64(stmt, 2)};

		stop = each(arg, &topic);
	}
	sqlite3_finalize(stmt);
	return stop ? 0 : found;
}
