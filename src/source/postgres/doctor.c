/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What is examined is a table of queries. Each gives rows of severity, evidence and remedy (or NULL); no row: nothing to
 * say. They may look at `given`: the names of slot and publication, and our clock.
 */
#include "doctor.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "conn.h"
#include "version.h"

#define GIVEN "WITH given AS (SELECT $1::text AS slot, $2::text AS publication, $3::float8 AS clock) "

/* How much of the log a slot keeps. */
#define KEPT \
	"pg_size_pretty(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()" \
	" ELSE pg_current_wal_lsn() END, s.restart_lsn))"

static const struct examination {
	const char *code;
	int feature; /* enum pg_feature that it takes, or ALWAYS */
	const char *sql;
} examinations[] = {
#define ALWAYS (-1)
	{"P101", ALWAYS,
	 "SELECT 'ok', format('PostgreSQL %s, %s, database %s', current_setting('server_version'),"
	 " CASE WHEN pg_is_in_recovery() THEN 'a standby' ELSE 'a primary' END, current_database()), NULL"},
	{"P102", ALWAYS,
	 "SELECT CASE WHEN setting = 'logical' THEN 'ok' ELSE 'failure' END, 'wal_level is ' || setting,"
	 " 'ALTER SYSTEM SET wal_level = ''logical''; and restart the server' FROM pg_settings WHERE name = 'wal_level'"},
	{"P103", ALWAYS,
	 "SELECT CASE WHEN used < most OR ours THEN 'ok' ELSE 'failure' END, format('%s of %s replication slots are used',"
	 " used, most), 'ALTER SYSTEM SET max_replication_slots = ' || most + 5 || '; and restart the server'"
	 " FROM (SELECT count(slot_name) AS used, current_setting('max_replication_slots')::int AS most,"
	 " coalesce(bool_or(slot_name = given.slot), false) AS ours FROM given LEFT JOIN pg_replication_slots ON true) a"},
	{"P105", ALWAYS,
	 "SELECT CASE WHEN s.slot_name IS NULL THEN 'ok' WHEN s.plugin IS DISTINCT FROM 'pgoutput' OR"
	 " s.database IS DISTINCT FROM current_database() THEN 'failure' WHEN NOT s.active THEN 'warning' ELSE 'ok' END,"
	 " CASE WHEN s.slot_name IS NULL THEN format('the slot ''%s'' does not exist: the first start makes it', given.slot)"
	 " WHEN s.slot_type = 'physical' THEN format('the slot ''%s'' is a physical one, as standbys and backups have: nothing can be"
	 " decoded from it', s.slot_name)"
	 " WHEN s.plugin IS DISTINCT FROM 'pgoutput' OR s.database IS DISTINCT FROM current_database()"
	 " THEN format('the slot ''%s'' is of plugin %s in database %s', s.slot_name, s.plugin, s.database)"
	 " ELSE format('the slot ''%s'' is %s, and keeps %s of the log', s.slot_name,"
	 " CASE WHEN s.active THEN 'in use' ELSE 'not in use' END, " KEPT ") END,"
	 " CASE WHEN s.plugin IS DISTINCT FROM 'pgoutput' OR s.database IS DISTINCT FROM current_database()"
	 " THEN 'give source.slot another name; this slot is somebody else''s' ELSE 'start the agent, or drop the slot if it is not needed any more' END"
	 " FROM given LEFT JOIN pg_replication_slots s ON s.slot_name = given.slot"},
	{"P106", PG_SLOT_STATUS,
	 "SELECT CASE s.wal_status WHEN 'lost' THEN 'failure' WHEN 'unreserved' THEN 'warning' ELSE 'ok' END,"
	 " format('the log that the slot needs is %s%s', s.wal_status, '; ' || pg_size_pretty(s.safe_wal_size)"
	 " || ' more may be written before it is lost'), CASE s.wal_status WHEN 'lost'"
	 " THEN 'changes are gone: a new snapshot is needed' ELSE 'start the agent now, or raise max_slot_wal_keep_size' END"
	 " FROM given JOIN pg_replication_slots s ON s.slot_name = given.slot AND s.plugin = 'pgoutput' AND s.wal_status IS NOT NULL"},
	{"P107", PG_SLOT_STATUS,
	 "SELECT CASE WHEN setting::bigint < 0 THEN 'warning' ELSE 'ok' END, CASE WHEN setting::bigint < 0"
	 " THEN 'max_slot_wal_keep_size is unlimited: while the agent is away, the log may fill the disk'"
	 " ELSE 'the log of an absent agent is kept up to ' || pg_size_pretty(setting::bigint * 1024 * 1024) END,"
	 " 'ALTER SYSTEM SET max_slot_wal_keep_size = ''30GB''; SELECT pg_reload_conf(); with less than what is free for pg_wal'"
	 " FROM pg_settings WHERE name = 'max_slot_wal_keep_size'"},
	{"P121", PG_LOG_STATISTICS,
	 "SELECT CASE WHEN room / rate < 14400 AND since < now() - interval '10 minutes' THEN 'warning' ELSE 'ok' END, format('the log grows by %s an hour, on average since"
	 " %s: a slot that is not read is lost after about %s hours', pg_size_pretty((rate * 3600)::bigint), date_trunc('second',"
	 " since), round((room / rate / 3600)::numeric, 1)), 'ALTER SYSTEM SET max_slot_wal_keep_size = ''30GB''; SELECT"
	 " pg_reload_conf(); so that the agent may be away for longer' FROM (SELECT coalesce(s.safe_wal_size, nullif(k.setting::bigint,"
	 " -1) * 1024 * 1024)::float8 AS room, greatest(w.wal_bytes::float8, 1) / greatest(extract(epoch FROM now() -"
	 " w.stats_reset)::float8, 1) AS rate, w.stats_reset AS since FROM given LEFT JOIN pg_replication_slots s ON s.slot_name ="
	 " given.slot CROSS JOIN pg_stat_wal w CROSS JOIN pg_settings k WHERE k.name = 'max_slot_wal_keep_size') a WHERE room > 0"},
	{"P108", ALWAYS,
	 "SELECT 'warning', 'a slot that is not used for ' || setting || coalesce(unit, '') || ' is invalidated',"
	 " 'ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf(); or more than your longest outage'"
	 " FROM pg_settings WHERE name = 'idle_replication_slot_timeout' AND setting <> '0'"},
	{"P109", ALWAYS,
	 "SELECT 'warning', format('a transaction of process %s is open for %s: making a slot waits for it, and the log is"
	 " kept from its begin', pid, date_trunc('second', now() - xact_start)), format('end it: SELECT"
	 " pg_terminate_backend(%s);', pid) FROM pg_stat_activity WHERE now() - xact_start > interval '10 minutes'"
	 " AND backend_xid IS NOT NULL ORDER BY xact_start LIMIT 3"},
	{"P110", ALWAYS,
	 "SELECT 'warning', format('the prepared transaction ''%s'' waits for %s: making a slot waits for it', gid,"
	 " date_trunc('second', now() - prepared)), format('COMMIT PREPARED or ROLLBACK PREPARED %L', gid)"
	 " FROM pg_prepared_xacts WHERE now() - prepared > interval '10 minutes' ORDER BY prepared LIMIT 3"},
	{"P111", ALWAYS,
	 "SELECT CASE WHEN rolsuper THEN 'warning' WHEN rolreplication THEN 'ok' ELSE 'failure' END, format('the role %s %s',"
	 " rolname, CASE WHEN rolsuper THEN 'is a superuser: more than is needed' WHEN rolreplication"
	 " THEN 'may replicate, and is no superuser' ELSE 'may not replicate' END), CASE WHEN rolsuper"
	 " THEN 'give the agent a role of its own: `tailwater grants` prints the statements'"
	 " ELSE format('ALTER ROLE %I REPLICATION;', rolname) END FROM pg_roles WHERE rolname = current_user"},
	{"P112", ALWAYS,
	 "SELECT 'warning', format('the role %s may change %s published tables, %s among them: more than is needed',"
	 " current_user, count(*), min(name)), format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON %s FROM %I;',"
	 " string_agg(name, ', '), current_user) FROM (SELECT format('%I.%I', n.nspname, c.relname) AS name FROM given"
	 " JOIN pg_publication_tables t ON t.pubname = given.publication JOIN pg_namespace n ON n.nspname = t.schemaname"
	 " JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename"
	 " WHERE has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')"
	 " AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)) a HAVING count(*) > 0"},
	{"P113", ALWAYS,
	 "SELECT 'warning', format('the publication %I is FOR ALL TABLES: a table without a key that somebody makes tomorrow"
	 " can be neither updated nor deleted from', pubname), 'a publication of the needed tables only: `tailwater grants`"
	 " prints the statement' FROM given JOIN pg_publication p ON p.pubname = given.publication WHERE p.puballtables"},
	{"P114", ALWAYS,
	 "SELECT 'failure', format('table %s is published without a replica identity: the application''s own UPDATE and DELETE"
	 " fail on it', c.oid::regclass), format('give it a primary key, or ALTER TABLE %s REPLICA IDENTITY FULL;',"
	 " c.oid::regclass) FROM given JOIN pg_publication p ON p.pubname = given.publication AND (p.pubupdate OR p.pubdelete)"
	 " JOIN pg_publication_tables t ON t.pubname = p.pubname JOIN pg_namespace n ON n.nspname = t.schemaname"
	 " JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename"
	 " LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary"
	 " WHERE c.relreplident = 'n' OR (c.relreplident = 'd' AND i.indexrelid IS NULL)"},
	{"P122", PG_ROOT_PUBLISHED,
	 "SELECT 'failure', format('partition %s of table %s, which is published as one, has no replica identity: the application''s own"
	 " UPDATE and DELETE fail on it', c.oid::regclass, k.oid::regclass), format('give it a primary key, or ALTER TABLE %s REPLICA"
	 " IDENTITY FULL;', c.oid::regclass) FROM given JOIN pg_publication p ON p.pubname = given.publication AND (p.pubupdate OR p.pubdelete)"
	 " JOIN pg_publication_tables t ON t.pubname = p.pubname JOIN pg_namespace n ON n.nspname = t.schemaname"
	 " JOIN pg_class k ON k.relnamespace = n.oid AND k.relname = t.tablename AND k.relkind = 'p' CROSS JOIN LATERAL"
	 " pg_partition_tree(k.oid) m JOIN pg_class c ON c.oid = m.relid AND m.isleaf"
	 " LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND i.indimmediate"
	 " WHERE c.relreplident = 'n' OR (c.relreplident = 'd' AND i.indexrelid IS NULL)"},
	{"P115", ALWAYS,
	 "SELECT CASE WHEN s.ssl OR inet_client_addr() IS NULL OR inet_client_addr() <<= '127.0.0.0/8' OR"
	 " host(inet_client_addr()) = '::1' THEN 'ok' ELSE 'warning' END, CASE WHEN s.ssl THEN 'the connection is encrypted: '"
	 " || s.version ELSE 'the connection is not encrypted' END, 'source.sslmode: verify-full'"
	 " FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()"},
	{"P116", ALWAYS,
	 "SELECT CASE WHEN off < 5 THEN 'ok' ELSE 'warning' END, format('the clocks of server and agent are %s s apart',"
	 " round(off::numeric, 1)), 'let both follow a time server: times of events and ages of locks go by them' FROM (SELECT"
	 " abs(extract(epoch FROM clock_timestamp())::float8 - given.clock) AS off FROM given) a"},
	{"P117", ALWAYS,
	 "SELECT 'warning', 'fsync is off: after a crash the server may lack what has been published',"
	 " 'ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf();' WHERE current_setting('fsync') = 'off'"},
	{"P118", ALWAYS,
	 "SELECT 'warning', format('wal_sender_timeout is %s ms: a short pause ends the stream', setting),"
	 " 'ALTER SYSTEM SET wal_sender_timeout = ''60s''; SELECT pg_reload_conf();' FROM pg_settings"
	 " WHERE name = 'wal_sender_timeout' AND setting::int BETWEEN 1 AND 9999"},
	{"P119", ALWAYS,
	 "SELECT 'warning', 'the database is in SQL_ASCII: texts that are not UTF-8 become exceptions or stop the agent',"
	 " 'see on_bad_record' WHERE getdatabaseencoding() = 'SQL_ASCII'"},
};

static enum severity severity_named(const char *name)
{
	enum severity severity = FINDING_OK;

	while (severity < FINDING_FAILURE && strcmp(name, severity_names[severity]) != 0)
		severity++;
	return severity;
}

static void take_rows(const PGresult *result, const char *code, struct findings *findings)
{
	for (int i = 0; i < PQntuples(result); i++) {
		enum severity severity = severity_named(pg_value(result, i, 0));

		findings_add(findings, severity, code, severity == FINDING_OK ? "" : pg_value(result, i, 2), "%s",
			     pg_value(result, i, 1));
	}
}

static void examine(PGconn *conn, const struct examination *examination, const char *const params[3],
		    struct findings *findings)
{
	char *sql = mem_printf("%s%s", GIVEN, examination->sql);
	struct error err = {0};
	PGresult *result = pg_query_params(conn, &err, sql, 3, params);

	free(sql);
	if (result)
		take_rows(result, examination->code, findings);
	else
		findings_error(findings, examination->code, &err);
	PQclear(result);
}

/* A role that may do this can copy the whole cluster; logical replication does not need the line that permits it. */
static void examine_physical(const struct source_options *options, struct findings *findings)
{
	PGconn *conn;
	struct error err = {0};

	if (pg_connect(&options->login, PG_CONN_PHYSICAL, &conn, &err) < 0) {
		findings_add(findings, FINDING_OK, "P120", NULL, "a copy of the whole cluster is refused to the role");
		return;
	}
	PQfinish(conn);
	findings_add(findings, FINDING_WARNING, "P120",
		     "in pg_hba.conf, name the database instead of `replication` in the line for this role",
		     "the role may copy the whole cluster: pg_hba.conf lets it open a physical replication connection");
}

void pg_examine(PGconn *conn, const struct source_options *options, struct findings *findings)
{
	char clock[32];
	const char *params[] = {options->slot, options->publication, clock};

	for (size_t i = 0; i < sizeof(examinations) / sizeof(examinations[0]); i++) {
		const struct examination *examination = &examinations[i];

		if (examination->feature != ALWAYS &&
		    !pg_has(PQserverVersion(conn), (enum pg_feature)examination->feature))
			continue;
		snprintf(clock, sizeof(clock), "%.3f", (double)clock_wall() / USEC_PER_SEC);
		examine(conn, examination, params, findings);
	}
	examine_physical(options, findings);
}
