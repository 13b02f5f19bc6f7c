/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The format of the state file: what its tables are, as the list of what made them, so that it has one description; and how a
 * file of an earlier one comes to it.
 */
#include "db_format.h"

#include <sqlite3.h>
#include <stdio.h>

#include "query.h"

#define APPLICATION_ID 0x54577374           /* "TWst" */

/* Migration i leads from format i to i + 1; the last one's result is the present format. */
static const char *const migrations[] = {
	"CREATE TABLE _tw_position("
	" one INTEGER PRIMARY KEY CHECK (one = 1), kind INTEGER, lsn INTEGER,"
	" open_phase INTEGER, open_kind INTEGER, open_lsn INTEGER, open_xid INTEGER, open_done INTEGER, open_hash INTEGER,"
	" border INTEGER, published INTEGER, digest0 INTEGER, digest1 INTEGER, snapshot INTEGER, snapshot_phase INTEGER);"
	"CREATE TABLE _tw_input(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE _tw_topic(name TEXT PRIMARY KEY, partitions INTEGER, end_offset INTEGER) WITHOUT ROWID;"
	"CREATE TABLE _tw_job(number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, subject TEXT, done INTEGER);"
	"CREATE TABLE _tw_exception(entity TEXT, key TEXT, place TEXT, reason TEXT, event_id TEXT, position TEXT,"
	" since INTEGER, PRIMARY KEY (entity, key)) WITHOUT ROWID;"
	"CREATE TABLE _tw_table(schema TEXT, name TEXT, source_id INTEGER, state INTEGER, reason TEXT,"
	" PRIMARY KEY (schema, name)) WITHOUT ROWID;"
	"CREATE TABLE _tw_column(schema TEXT, table_name TEXT, name TEXT, place INTEGER, key_place INTEGER, kind INTEGER,"
	" precision INTEGER, scale INTEGER, source_type TEXT, source_oid INTEGER, modifier INTEGER,"
	" PRIMARY KEY (schema, table_name, name)) WITHOUT ROWID;"
	"CREATE TABLE _tw_touched(entity INTEGER, key, PRIMARY KEY (entity, key)) WITHOUT ROWID;",
	"ALTER TABLE _tw_position ADD COLUMN base_known INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE _tw_position ADD COLUMN base_published INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE _tw_position ADD COLUMN base_digest0 INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE _tw_position ADD COLUMN base_digest1 INTEGER NOT NULL DEFAULT 0;",

	/*
	 * Exceptions say more: what was called place is the path, what was called reason the message. Tallies are new.
	 */
	"ALTER TABLE _tw_exception RENAME COLUMN place TO path;"
	"ALTER TABLE _tw_exception RENAME COLUMN reason TO message;"
	"ALTER TABLE _tw_exception ADD COLUMN reason TEXT NOT NULL DEFAULT 'UNKNOWN';"
	"ALTER TABLE _tw_exception ADD COLUMN value TEXT;"
	"ALTER TABLE _tw_exception ADD COLUMN place TEXT;"
	"ALTER TABLE _tw_exception ADD COLUMN rule TEXT;"
	"ALTER TABLE _tw_exception ADD COLUMN owner TEXT;"
	"CREATE TABLE _tw_tally(place INTEGER PRIMARY KEY, name TEXT NOT NULL, count INTEGER NOT NULL);",

	/* A column that is dropped and added again has another number. 0: not known. */
	"ALTER TABLE _tw_column ADD COLUMN number INTEGER NOT NULL DEFAULT 0;",
};

#define FORMAT ((int)(sizeof(migrations) / sizeof(migrations[0])))

static int migrate(struct db *db, int64_t format, struct error *err)
{
	char sql[100];

	if (db_run(db, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	for (int64_t i = format; i < FORMAT; i++)
		if (db_run(db, migrations[i], err) < 0)
			return -1;
	snprintf(sql, sizeof(sql), "PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION_ID, FORMAT);
	if (db_run(db, sql, err) < 0)
		return -1;
	return db_run(db, "COMMIT", err);
}

int format_settle(struct db *db, const char *path, bool *ret_new, struct error *err)
{
	int64_t id = 0, format = 0, tables = 0;

	if (query_number(db, "PRAGMA application_id", &id, err, "") < 0 ||
	    query_number(db, "PRAGMA user_version", &format, err, "") < 0 ||
	    query_number(db, "SELECT count(*) FROM sqlite_schema", &tables, err, "") < 0)
		return -1;
	if (id != APPLICATION_ID && (id != 0 || format != 0 || tables != 0)) {
		error_set(err, ERROR_INPUT, "'%s' is an SQLite database, but not a state file of tailwater", path);
		return error_hint(err, "name another file as the state file");
	}
	if (format < 0 || format > FORMAT) {
		error_set(err, ERROR_INPUT, "state file '%s' has format %lld, this version knows formats up to %d",
			  path, (long long)format, FORMAT);
		return error_hint(err, "run the version of tailwater that wrote it, or a newer one");
	}
	*ret_new = id == 0;
	return format == FORMAT ? 0 : migrate(db, format, err);
}

bool format_is_present(int64_t application, int64_t format)
{
	return application == APPLICATION_ID && format == FORMAT;
}
