/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Replication slots (PostgreSQL documentation 55.4, "Streaming Replication Protocol", and 54.19). */
#include "slot.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/writer.h"
#include "conn.h"
#include "version.h"

int pg_lsn_parse(const char *text, struct position *ret)
{
	*ret = (struct position){0};
	return *text ? position_parse(view_of(text), ret) : 0;
}

static int identify_system(PGconn *replication, struct source_identity *ret, struct error *err)
{
	PGresult *result = pg_query(replication, err, "IDENTIFY_SYSTEM");

	if (!result)
		return -1;
	snprintf(ret->system, sizeof(ret->system), "%s", pg_value(result, 0, 0));
	ret->timeline = (uint32_t)strtoul(pg_value(result, 0, 1), NULL, 10);
	pg_lsn_parse(pg_value(result, 0, 2), &ret->log_end);
	snprintf(ret->database, sizeof(ret->database), "%s", pg_value(result, 0, 3));
	PQclear(result);
	return 0;
}

/* The history's last line is "parent timeline, switch point, reason". */
static int read_switch_point(PGconn *replication, struct source_identity *ret, struct error *err)
{
	PGresult *result;
	const char *line;
	char lsn[32] = "";

	if (ret->timeline <= 1)
		return 0;
	result = pg_query(replication, err, "TIMELINE_HISTORY %u", ret->timeline);
	if (!result)
		return -1;
	for (line = pg_value(result, 0, 1); line; line = strchr(line, '\n')) {
		line += *line == '\n';
		sscanf(line, "%*u %31s", lsn);
	}
	PQclear(result);
	pg_lsn_parse(lsn, &ret->switch_point);
	return 0;
}

static void take_slot(const PGresult *result, struct source_identity *ret)
{
	ret->slot_exists = true;
	ret->slot_active = *pg_value(result, 0, 0) == 't';
	ret->slot_pid = atoi(pg_value(result, 0, 1));
	pg_lsn_parse(pg_value(result, 0, 2), &ret->confirmed);
	pg_lsn_parse(pg_value(result, 0, 3), &ret->log_start);
	ret->slot_lost = strcmp(pg_value(result, 0, 4), "lost") == 0 || PQgetisnull(result, 0, 3);
	snprintf(ret->slot_reason, sizeof(ret->slot_reason), "%s", pg_value(result, 0, 5));
}

/*
 * A slot that was made for two phases sends transactions when they are prepared, whether or not the client has asked for
 * that. The option of a slot for a failover is not changed by us: whoever made the slot without it may have a reason.
 */
static int check_slot(const PGresult *result, const struct source_options *options, struct error *err)
{
	bool ours = *pg_value(result, 0, 6) == 't', prepared = *pg_value(result, 0, 7) == 't';
	bool failover = *pg_value(result, 0, 8) == 't';

	if (!ours) {
		error_state(err, STATE_MISMATCH, "the slot '%s' is not a pgoutput slot of this database", options->slot);
		return error_hint(err, "choose another name for source.slot");
	}
	if (prepared) {
		error_state(err, STATE_UNSUPPORTED, "the slot '%s' was made with two_phase, so it sends transactions that are not committed",
			    options->slot);
		return error_hint(err, "choose another name for source.slot, or make the slot anew without two_phase");
	}
	if (options->failover && !failover) {
		error_state(err, STATE_UNSUPPORTED, "the slot '%s' was made without failover, but 'source.failover: true' wants it",
			    options->slot);
		return error_hint(err, "run in psql with \"replication=database\": ALTER_REPLICATION_SLOT %s (FAILOVER true);",
				  options->slot);
	}
	return 0;
}

static int read_slot(PGconn *queries, const struct source_options *options, struct source_identity *ret, struct error *err)
{
	int version = PQserverVersion(queries), status = 0;
	const char *params[] = {options->slot};
	char sql[400];
	PGresult *result;

	snprintf(sql, sizeof(sql),
		 "SELECT active, active_pid, confirmed_flush_lsn, restart_lsn, %s, %s, plugin = 'pgoutput' AND database = "
		 "current_database(), %s, %s FROM pg_catalog.pg_replication_slots WHERE slot_name = $1",
		 pg_has(version, PG_SLOT_STATUS) ? "wal_status" : "''",
		 pg_has(version, PG_INVALIDATION_REASON) ? "invalidation_reason" : "''",
		 pg_has(version, PG_TWO_PHASE_SLOTS) ? "two_phase" : "false",
		 pg_has(version, PG_FAILOVER_SLOTS) ? "failover" : "false");
	result = pg_query_params(queries, err, sql, 1, params);
	if (!result)
		return -1;
	if (PQntuples(result) == 1) {
		take_slot(result, ret);
		status = check_slot(result, options, err);
	}
	PQclear(result);
	return status;
}

int pg_slot_identify(PGconn *replication, PGconn *queries, const struct source_options *options,
		     struct source_identity *ret, struct error *err)
{
	*ret = (struct source_identity){.keeps_place = true};
	if (identify_system(replication, ret, err) < 0 || read_switch_point(replication, ret, err) < 0)
		return -1;
	return read_slot(queries, options, ret, err);
}

int pg_slot_log_written(PGconn *queries, struct position *ret, struct error *err)
{
	PGresult *result = pg_query(queries, err,
		"SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_receive_lsn() "
		"ELSE pg_catalog.pg_current_wal_insert_lsn() END");

	if (!result)
		return -1;
	pg_lsn_parse(pg_value(result, 0, 0), ret);
	PQclear(result);
	return 0;
}

/* Sessions with an open transaction, and transactions prepared for a commit in two phases; oldest first. */
static void name_blockers(PGconn *queries, struct writer *text)
{
	struct error ignored;
	PGresult *result = pg_query(queries, &ignored,
		"SELECT 'pid ' || pid, datname, usename, coalesce(', application ' || nullif(application_name, ''), "
		"''), state, extract(epoch FROM now() - xact_start)::bigint, xact_start FROM "
		"pg_catalog.pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() UNION ALL "
		"SELECT 'prepared transaction ' || quote_literal(gid), database, owner, '', 'prepared', extract(epoch "
		"FROM now() - prepared)::bigint, prepared FROM pg_catalog.pg_prepared_xacts ORDER BY 7 LIMIT 5");

	for (int i = 0; result && i < PQntuples(result); i++)
		wr_printf(text, "%s%s (database %s, user %s%s; %s for %s s)", i ? ", " : "", pg_value(result, i, 0),
			  pg_value(result, i, 1), pg_value(result, i, 2), pg_value(result, i, 3),
			  pg_value(result, i, 4), pg_value(result, i, 5));
	PQclear(result);
}

static void cancel(PGconn *conn)
{
	PGcancel *request = PQgetCancel(conn);
	char problem[256];

	if (request)
		PQcancel(request, problem, sizeof(problem));
	PQfreeCancel(request);
}

static void drain(PGconn *conn)
{
	PGresult *result;

	while ((result = PQgetResult(conn)))
		PQclear(result);
}

/* Waits until the command's result is there: 1, or 0 at the deadline or when told to stop, or -1. */
static int await_result(PGconn *conn, const struct source_options *options, struct error *err)
{
	usec_t deadline = clock_mono() + options->slot_timeout_us;

	while (PQisBusy(conn)) {
		struct pollfd wait[] = {{.fd = PQsocket(conn), .events = POLLIN},
					{.fd = options->stop_fd, .events = POLLIN}};
		usec_t left = deadline - clock_mono();

		if (left <= 0)
			return 0;
		poll(wait, 2, (int)(left / USEC_PER_MSEC) + 1);
		if (wait[1].revents)
			return 0;
		if (!PQconsumeInput(conn))
			return pg_fail(conn, NULL, err, "creating the replication slot");
	}
	return 1;
}

/* Servers from 14 on say so by themselves; no older one has slots there. */
static bool is_standby(const PGconn *conn)
{
	const char *standby = PQparameterStatus(conn, "in_hot_standby");

	return standby && strcmp(standby, "on") == 0;
}

static int give_up(PGconn *replication, PGconn *queries, const struct source_options *options, usec_t waited,
		   struct error *err)
{
	struct writer names = {0};

	name_blockers(queries, &names);
	cancel(replication);
	drain(replication);
	if (is_standby(queries)) {
		wr_done(&names);
		error_set(err, ERROR_TRANSIENT, "slot '%s' was not made within %d s: a standby waits until the primary logs which "
			  "transactions are open", options->slot, (int)(waited / USEC_PER_SEC));
		return error_hint(err, "run on the primary: SELECT pg_log_standby_snapshot(); what is open there has to end");
	}
	error_set(err, ERROR_TRANSIENT, "slot '%s' was not made within %d s: it waits for open transactions: %.*s",
		  options->slot, (int)(waited / USEC_PER_SEC), (int)names.len, names.len ? names.data : "");
	error_hint(err, "end those transactions, or raise source.slot_timeout");
	wr_done(&names);
	return -1;
}

static int take_created(PGconn *replication, struct position *ret_start, char snapshot[128], struct error *err)
{
	PGresult *result = PQgetResult(replication);

	if (PQresultStatus(result) != PGRES_TUPLES_OK) {
		pg_fail(replication, result, err, "creating the replication slot");
		PQclear(result);
		drain(replication);
		return -1;
	}
	pg_lsn_parse(pg_value(result, 0, 1), ret_start);
	snprintf(snapshot, 128, "%s", pg_value(result, 0, 2));
	PQclear(result);
	drain(replication);
	return 0;
}

static int create(PGconn *replication, PGconn *queries, const struct source_options *options, const char *sql,
		  struct position *ret_start, char snapshot[128], struct error *err)
{
	usec_t begun = clock_mono();
	int ready;

	if (!PQsendQuery(replication, sql))
		return pg_fail(replication, NULL, err, "creating the replication slot");
	ready = await_result(replication, options, err);
	if (ready < 0)
		return -1;
	if (ready == 0)
		return give_up(replication, queries, options, clock_mono() - begun, err);
	return take_created(replication, ret_start, snapshot, err);
}

int pg_slot_create(PGconn *replication, PGconn *queries, const struct source_options *options,
		   struct position *ret_start, char snapshot[128], struct error *err)
{
	char *quoted = pg_identifier(replication, options->slot);
	char sql[256];

	/* The keyword form is understood by every version from 10 on, but has no word for what came later. */
	snprintf(sql, sizeof(sql), "CREATE_REPLICATION_SLOT %s LOGICAL pgoutput %s", quoted,
		 options->failover ? "(SNAPSHOT 'export', FAILOVER true)" : "EXPORT_SNAPSHOT");
	PQfreemem(quoted);
	return create(replication, queries, options, sql, ret_start, snapshot, err);
}

/* A temporary slot is the session's: the one that streams from it has to make it. */
static int copy(PGconn *replication, const struct source_options *options, const char *name, struct position *ret_start,
		struct error *err)
{
	int version = PQserverVersion(replication);
	char *from, *to;
	PGresult *result;

	if (!pg_has(version, PG_SLOT_COPY)) {
		error_state(err, STATE_UNSUPPORTED, "PostgreSQL %d cannot copy a slot, and so nobody can look at what ours still has to "
			    "send", version / 10000);
		return error_hint(err, "look at what comes from now on; or use PostgreSQL %d or later", pg_since(PG_SLOT_COPY));
	}
	from = PQescapeLiteral(replication, options->slot, strlen(options->slot));
	to = PQescapeLiteral(replication, name, strlen(name));
	result = pg_query(replication, err, "SELECT lsn FROM pg_catalog.pg_copy_logical_replication_slot(%s, %s, true)", from, to);
	PQfreemem(from);
	PQfreemem(to);
	if (!result)
		return -1;
	pg_lsn_parse(pg_value(result, 0, 0), ret_start);
	PQclear(result);
	return 0;
}

int pg_slot_temporary(PGconn *replication, PGconn *queries, const struct source_options *options, const char *name,
		      bool copied, struct position *ret_start, struct error *err)
{
	char sql[256], snapshot[128], *quoted;

	if (copied)
		return copy(replication, options, name, ret_start, err);
	quoted = pg_identifier(replication, name);
	snprintf(sql, sizeof(sql), "CREATE_REPLICATION_SLOT %s TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT", quoted);
	PQfreemem(quoted);
	return create(replication, queries, options, sql, ret_start, snapshot, err);
}

static int query_slot(PGconn *queries, const char *sql, const char *slot, struct error *err)
{
	const char *params[] = {slot};
	PGresult *result = pg_query_params(queries, err, sql, 1, params);

	if (!result)
		return -1;
	PQclear(result);
	return 0;
}

int pg_slot_evict(PGconn *queries, const char *slot, struct error *err)
{
	return query_slot(queries,
			  "SELECT pg_catalog.pg_terminate_backend(active_pid) FROM pg_catalog.pg_replication_slots"
			  " WHERE slot_name = $1 AND active_pid IS NOT NULL",
			  slot, err);
}

int pg_slot_drop(PGconn *queries, const char *slot, struct error *err)
{
	return query_slot(queries, "SELECT pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots"
				   " WHERE slot_name = $1", slot, err);
}
