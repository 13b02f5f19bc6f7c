/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What the server says of the log that our slot keeps. How much room its disk has, SQL does not tell; it is looked at if
 * the server runs on this machine and the role may know where its data are.
 */
#include "retention.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "conn.h"
#include "slot.h"
#include "version.h"

static enum log_state state_named(const char *name)
{
	for (int state = LOG_RESERVED; state < LOG_STATES; state++)
		if (strcmp(name, log_state_names[state]) == 0)
			return (enum log_state)state;
	return LOG_UNKNOWN;
}

static uint64_t number(const PGresult *result, int column)
{
	long long value = strtoll(pg_value(result, 0, column), NULL, 10);

	return value > 0 ? (uint64_t)value : 0;
}

static bool is_local(const PGconn *conn)
{
	const char *host = PQhost(conn), *address = PQhostaddr(conn);

	return (host && *host == '/') || (address && (strcmp(address, "127.0.0.1") == 0 || strcmp(address, "::1") == 0));
}

static uint64_t free_bytes(const PGconn *conn, const char *directory)
{
	struct statvfs room;

	if (!*directory || !is_local(conn) || statvfs(directory, &room) < 0)
		return UINT64_MAX;
	return (uint64_t)room.f_bavail * room.f_frsize;
}

static void take(const PGconn *conn, const PGresult *result, struct source_retention *ret)
{
	*ret = (struct source_retention){.state = state_named(pg_value(result, 0, 2)), .safe_bytes = UINT64_MAX,
					 .expires_s = UINT64_MAX};
	pg_lsn_parse(pg_value(result, 0, 0), &ret->log_end);
	ret->kept_bytes = number(result, 1);
	if (ret->state == LOG_LOST)
		ret->safe_bytes = 0;
	else if (!PQgetisnull(result, 0, 3))
		ret->safe_bytes = number(result, 3);
	ret->disk_free_bytes = free_bytes(conn, pg_value(result, 0, 4));
}

int pg_retention(PGconn *conn, const char *slot, struct source_retention *ret, struct error *err)
{
	bool told = pg_has(PQserverVersion(conn), PG_SLOT_STATUS);
	const char *params[] = {slot};
	char sql[700];
	PGresult *result;

	snprintf(sql, sizeof(sql),
		 "SELECT l.place, pg_catalog.pg_wal_lsn_diff(l.place, s.restart_lsn)::int8, %s, %s, (SELECT setting FROM "
		 "pg_catalog.pg_settings WHERE name = 'data_directory') FROM (SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN "
		 "pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_flush_lsn() END AS place) l LEFT JOIN "
		 "pg_catalog.pg_replication_slots s ON s.slot_name = $1",
		 told ? "s.wal_status" : "NULL", told ? "s.safe_wal_size" : "NULL");
	result = pg_query_params(conn, err, sql, 1, params);
	if (!result)
		return -1;
	take(conn, result, ret);
	PQclear(result);
	return 0;
}
