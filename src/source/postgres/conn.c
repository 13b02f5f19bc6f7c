/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Connecting with fixed session settings; queries that turn a server's complaint into one sentence. */
#include "conn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/diagnostics.h"
#include "base/memory.h"
#include "source/source.h"
#include "version.h"

/*
 * The walsender and COPY run the types' output functions with the session's settings, so these are part of the format
 * we decode. row_security=off makes a policy that would hide rows an error.
 */
#define SESSION_SETTINGS \
	"-c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC -c extra_float_digits=3 -c bytea_output=hex " \
	"-c client_encoding=UTF8 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c row_security=off " \
	"-c default_transaction_read_only=on "

/* Where rows come from. Queries keep lc_monetary as the database has it: what its amounts of money mean is asked there. */
#define VALUE_SETTINGS "-c lc_monetary=C -c statement_timeout=0"

static const char *const kind_settings[] = {
	[PG_CONN_QUERIES] = SESSION_SETTINGS "-c statement_timeout=30000",
	[PG_CONN_SNAPSHOT] = SESSION_SETTINGS VALUE_SETTINGS,
	[PG_CONN_REPLICATION] = SESSION_SETTINGS VALUE_SETTINGS,
	[PG_CONN_PHYSICAL] = "",
};

#define PARAMS_MAX 64

struct params {
	const char *keys[PARAMS_MAX];
	const char *values[PARAMS_MAX];
	int count;
};

static void set(struct params *params, const char *key, const char *value)
{
	for (int i = 0; i < params->count; i++) {
		if (strcmp(params->keys[i], key) == 0) {
			params->values[i] = value;
			return;
		}
	}
	if (params->count < PARAMS_MAX - 1) {
		params->keys[params->count] = key;
		params->values[params->count++] = value;
	}
}

/* What the user gave wins over these. */
static const char *const defaults[][2] = {
	{"connect_timeout", "10"},
	{"keepalives_idle", "20"},
	{"keepalives_interval", "5"},
	{"keepalives_count", "4"},
	{"tcp_user_timeout", "60000"},
	{"fallback_application_name", "tailwater"},
};

/* Who goes where; what is not given is NULL, and left to libpq. `options` are added to ours. */
static void take_login(const struct source_login *login, const char *port, struct params *params, const char **options)
{
	const char *const own[][2] = {
		{"host", login->host}, {"port", port}, {"dbname", login->database}, {"user", login->user}, {"password", login->password},
	};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (own[i][1])
			set(params, own[i][0], own[i][1]);
	for (size_t i = 0; i < login->parameter_count; i++) {
		if (strcmp(login->parameters[i].name, "options") == 0)
			*options = login->parameters[i].value;
		else
			set(params, login->parameters[i].name, login->parameters[i].value);
	}
}

static int first_line(const char *message, char *line, size_t size)
{
	size_t len = strcspn(message, "\n");

	if (len >= size)
		len = size - 1;
	memcpy(line, message, len);
	line[len] = '\0';
	return (int)len;
}

int pg_fail(PGconn *conn, const PGresult *result, struct error *err, const char *doing)
{
	const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	const char *detail = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL) : NULL;
	char line[400];

	first_line(primary ? primary : PQerrorMessage(conn), line, sizeof(line));
	return error_set(err, ERROR_TRANSIENT, "%s: %s%s%.200s", doing, *line ? line : "connection lost",
			 detail ? "; " : "", detail ? detail : "");
}

int pg_check_keyword(const char *name, const char *value, struct error *err)
{
	PQconninfoOption *known = PQconndefaults();
	const char *names[PARAMS_MAX], *meant;
	size_t count = 0;
	bool found = false;

	(void)value; /* libpq looks at it when it connects */
	for (const PQconninfoOption *option = known; option && option->keyword && count < PARAMS_MAX; option++) {
		names[count++] = option->keyword;
		found |= strcmp(option->keyword, name) == 0;
	}
	meant = found ? NULL : diag_did_you_mean(view_of(name), names, count);
	if (!found)
		error_set(err, ERROR_INPUT, "libpq has no keyword '%s'%s%s%s", name, meant ? "; did you mean '" : "",
			  meant ? meant : "", meant ? "'?" : "");
	PQconninfoFree(known);
	return found ? 0 : -1;
}

static void ignore_notice(void *context, const PGresult *notice)
{
	(void)context;
	(void)notice;
}

bool pg_takes_any_text(const PGconn *conn)
{
	const char *encoding = PQparameterStatus(conn, "server_encoding");

	return encoding && strcmp(encoding, "SQL_ASCII") == 0;
}

/*
 * For a client in UTF-8 the server fails at the first row of such a database that is not, and again whenever it is asked:
 * rows are taken as they are, and checked by those who publish them.
 */
static int take_any_text(PGconn *conn, enum pg_conn_kind kind, struct error *err)
{
	if (kind == PG_CONN_QUERIES || kind == PG_CONN_PHYSICAL || !pg_takes_any_text(conn) || PQsetClientEncoding(conn, "SQL_ASCII") == 0)
		return 0;
	return pg_fail(conn, NULL, err, "setting the client's encoding");
}

/*
 * Limits that a role or database may have, and that would end what takes long or waits. Those that every server knows are among
 * the settings above.
 */
static const struct {
	enum pg_feature feature;
	const char *sql;
} limits[] = {
	{PG_IDLE_LIMIT, "SET idle_session_timeout = 0"},
	{PG_TRANSACTION_LIMIT, "SET transaction_timeout = 0"},
};

static int lift_limits(PGconn *conn, enum pg_conn_kind kind, struct error *err)
{
	if (kind == PG_CONN_PHYSICAL) /* which takes no SQL, and is asked for nothing */
		return 0;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		PGresult *result;

		if (!pg_has(PQserverVersion(conn), limits[i].feature))
			continue;
		result = pg_query(conn, err, "%s", limits[i].sql);
		PQclear(result);
		if (!result)
			return -1;
	}
	return 0;
}

/* What the server says of a login that it refuses, and what is to be done. A server that speaks another language gets the last. */
#define START_WAL "`tailwater grants --missing --as ADMIN --role NAME` prints the statement that lets the role replicate"

static const struct {
	const char *said, *also;
	const char *hint;
} refusals[] = {
	{"no password supplied", "", "set source.password, as in ${file:/path}, or name a passfile in source.parameters"},
	{"password authentication failed", "", "source.user and source.password are not what the server has"},
	{"role \"", "does not exist", "correct source.user, or make the role: `tailwater grants --as ADMIN --role NAME` prints the statements"},
	{"is not permitted to log in", "", "let the role log in: `tailwater grants --missing --as ADMIN --role NAME` prints the statement"},
	{"database \"", "does not exist", "correct source.dbname"},
	{"permission denied for database", "", "`tailwater grants --missing --as ADMIN --role NAME` prints the statement that permits it"},
	{"start walsender", "", START_WAL},
	{"start WAL sender", "", START_WAL},
	{"no pg_hba.conf entry", "", "add a line for source.user, source.dbname and this machine to the server's pg_hba.conf, and reload it"},
	{"authentication failed", "", "correct source.user, source.password or source.parameters to what pg_hba.conf of the server asks for"},
};

static void hint_at_login(PGconn *conn, struct error *err)
{
	const char *said = PQerrorMessage(conn);

	if (PQconnectionNeedsPassword(conn)) {
		error_hint(err, "%s", refusals[0].hint);
		return;
	}
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]) && strstr(said, "FATAL"); i++)
		if (strstr(said, refusals[i].said) && strstr(said, refusals[i].also)) {
			error_hint(err, "%s", refusals[i].hint);
			return;
		}
	if (PQconnectionUsedPassword(conn))
		error_hint(err, "the server asked for the password, and did not let us in: see source.user and source.password");
}

int pg_connect(const struct source_login *login, enum pg_conn_kind kind, PGconn **ret, struct error *err)
{
	struct params params = {.count = 0};
	const char *user_options = "";
	char *options, port[16];
	PGconn *conn;

	snprintf(port, sizeof(port), "%d", login->port);
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		set(&params, defaults[i][0], defaults[i][1]);
	take_login(login, port, &params, &user_options);
	options = mem_printf("%s %s", user_options, kind_settings[kind]);
	set(&params, "options", options);
	if (kind == PG_CONN_REPLICATION || kind == PG_CONN_PHYSICAL)
		set(&params, "replication", kind == PG_CONN_PHYSICAL ? "true" : "database");
	conn = PQconnectdbParams(params.keys, params.values, 0);
	free(options);
	if (PQstatus(conn) != CONNECTION_OK) {
		pg_fail(conn, NULL, err, "connecting to PostgreSQL");
		hint_at_login(conn, err);
		PQfinish(conn);
		return -1;
	}
	if (take_any_text(conn, kind, err) < 0 || lift_limits(conn, kind, err) < 0) {
		PQfinish(conn);
		return -1;
	}
	PQsetNoticeReceiver(conn, ignore_notice, NULL);
	*ret = conn;
	return 0;
}

static PGresult *checked(PGconn *conn, PGresult *result, struct error *err, const char *sql)
{
	ExecStatusType status = PQresultStatus(result);
	char doing[100];

	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_COPY_OUT ||
	    status == PGRES_COPY_BOTH)
		return result;
	first_line(sql, doing, sizeof(doing));
	pg_fail(conn, result, err, doing);
	PQclear(result);
	return NULL;
}

PGresult *pg_query(PGconn *conn, struct error *err, const char *format, ...)
{
	PGresult *result;
	va_list args;
	char *sql;

	va_start(args, format);
	if (vasprintf(&sql, format, args) < 0)
		abort();
	va_end(args);
	result = checked(conn, PQexec(conn, sql), err, sql);
	free(sql);
	return result;
}

PGresult *pg_query_params(PGconn *conn, struct error *err, const char *sql, int count, const char *const *params)
{
	return checked(conn, PQexecParams(conn, sql, count, NULL, params, NULL, NULL, 0), err, sql);
}

int pg_run(PGconn *conn, struct error *err, const char *sql)
{
	PGresult *result = pg_query(conn, err, "%s", sql);

	PQclear(result);
	return result ? 0 : -1;
}

const char *pg_value(const PGresult *result, int row, int column)
{
	return PQgetisnull(result, row, column) ? "" : PQgetvalue(result, row, column);
}

char *pg_identifier(PGconn *conn, const char *name)
{
	char *quoted = PQescapeIdentifier(conn, name, strlen(name));

	if (!quoted)
		abort();
	return quoted;
}
