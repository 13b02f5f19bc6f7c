/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Parts of tables: COPY of some rows in order of the key. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "conn.h"
#include "part.h"
#include "pgoutput.h"
#include "rest.h"

#define LOOKED_AT 10   /* times as many rows as a part may have are looked at for it */
#define WAIT_MS 100
#define MARGIN_US USEC_PER_SEC

static void write_key(PGconn *conn, const struct table *table, struct writer *sql)
{
	for (unsigned i = 0; i < table->key_count; i++) {
		char *name = pg_identifier(conn, table->columns[table->key[i]].name);

		wr_printf(sql, "%s%s", i ? ", " : "", name);
		PQfreemem(name);
	}
}

/* The mark: the key's texts, each ended by a NUL. */
static void write_compared(PGconn *conn, const struct table *table, const char *operator, struct view mark, struct writer *sql)
{
	const char *text = mark.ptr;

	wr_printf(sql, " (");
	write_key(conn, table, sql);
	wr_printf(sql, ") %s (", operator);
	for (unsigned i = 0; i < table->key_count; i++, text += strlen(text) + 1) {
		char *literal = PQescapeLiteral(conn, text, strlen(text));

		wr_printf(sql, "%s%s", i ? ", " : "", literal);
		PQfreemem(literal);
	}
	wr_printf(sql, ")");
}

static void write_columns(PGconn *conn, const struct table *table, struct writer *sql)
{
	for (unsigned i = 0; i < table->column_count; i++) {
		char *column = pg_identifier(conn, table->columns[i].name);

		wr_printf(sql, "%s%s", i ? ", " : "", column);
		PQfreemem(column);
	}
}

static void write_table(PGconn *conn, const struct table *table, bool tree, struct writer *sql)
{
	char *schema = pg_identifier(conn, table->schema), *name = pg_identifier(conn, table->name);

	wr_printf(sql, " FROM %s%s.%s", tree ? "" : "ONLY ", schema, name);
	PQfreemem(schema);
	PQfreemem(name);
}

int pg_part_known_file(const struct source_part *wanted, uint64_t now, uint64_t *ret, struct error *err)
{
	struct pg_rest rest;

	*ret = now;
	if (!wanted->rest)
		return 0;
	if (pg_rest_parse(wanted->rest, &rest, err) < 0)
		return -1;
	*ret = rest.file;
	pg_rest_done(&rest);
	return 0;
}

/*
 * A condition may leave out so many rows that the next ones are far away: the key up to which to look is asked for first, so that the
 * stream need not wait for long.
 */
static int look_bound_up(struct pg_part *part, const struct source_part *wanted, struct error *err)
{
	struct writer sql = {0};
	PGresult *result;

	wr_printf(&sql, "SELECT ");
	write_key(part->conn, wanted->table, &sql);
	write_table(part->conn, wanted->table, part->tree, &sql);
	if (wanted->after.ptr) {
		wr_printf(&sql, " WHERE");
		write_compared(part->conn, wanted->table, ">", wanted->after, &sql);
	}
	wr_printf(&sql, " ORDER BY ");
	write_key(part->conn, wanted->table, &sql);
	wr_printf(&sql, " LIMIT 1 OFFSET %" PRIu64, wanted->rows * LOOKED_AT);
	wr_u8(&sql, 0);
	result = pg_query(part->conn, err, "%s", sql.data);
	wr_done(&sql);
	if (!result)
		return -1;
	part->bounded = PQntuples(result) == 1;
	wr_clear(&part->bound);
	for (unsigned i = 0; part->bounded && i < wanted->table->key_count; i++) {
		wr_view_bytes(&part->bound, view_of(pg_value(result, 0, (int)i)));
		wr_u8(&part->bound, '\0');
	}
	PQclear(result);
	return 0;
}

static int write_conditions(struct pg_part *part, const struct source_part *wanted, struct writer *sql, struct error *err)
{
	const char *word = " WHERE";
	struct pg_rest rest;

	if (wanted->table->key_count && wanted->after.ptr) {
		wr_printf(sql, "%s", word);
		write_compared(part->conn, wanted->table, ">", wanted->after, sql);
		word = " AND";
	}
	if (part->bounded) {
		wr_printf(sql, "%s", word);
		write_compared(part->conn, wanted->table, "<=", wr_view(&part->bound), sql);
		word = " AND";
	}
	if (wanted->condition) { /* a comment in it ends with its line */
		wr_printf(sql, "%s (%s\n)", word, wanted->condition);
		word = " AND";
	}
	if (!wanted->rest)
		return 0;
	if (pg_rest_parse(wanted->rest, &rest, err) < 0)
		return -1;
	wr_printf(sql, "%s (", word);
	pg_rest_condition(&rest, sql);
	wr_u8(sql, ')');
	pg_rest_done(&rest);
	return 0;
}

static int limit_time(struct pg_part *part, usec_t patience_us, struct error *err)
{
	PGresult *result = pg_query(part->conn, err, "SET LOCAL statement_timeout = %lld",
				    (long long)((patience_us + MARGIN_US) / USEC_PER_MSEC));

	PQclear(result);
	return result ? 0 : -1;
}

static int send(struct pg_part *part, struct error *err, const char *sql)
{
	part->begun = false;
	return PQsendQuery(part->conn, sql) ? 0 : pg_fail(part->conn, NULL, err, "reading a part of a table");
}

int pg_part_copy(struct pg_part *part, const struct source_part *wanted, struct error *err)
{
	const struct table *table = wanted->table;
	struct writer sql = {0};
	int result;

	part->bounded = false;
	part->asked = wanted->condition != NULL;
	if ((wanted->rest || (wanted->near && table->key_count)) && look_bound_up(part, wanted, err) < 0)
		return -1;
	if (wanted->patience_us && limit_time(part, wanted->patience_us, err) < 0)
		return -1;
	wr_printf(&sql, "COPY (SELECT ");
	write_columns(part->conn, table, &sql);
	write_table(part->conn, table, part->tree, &sql);
	result = write_conditions(part, wanted, &sql, err);
	if (table->key_count) {
		wr_printf(&sql, " ORDER BY ");
		write_key(part->conn, table, &sql);
		if (!wanted->rest)
			wr_printf(&sql, " LIMIT %" PRIu64, wanted->rows);
	}
	wr_printf(&sql, ") TO STDOUT");
	wr_u8(&sql, 0);
	part->rows = part->bytes = 0;
	part->most_bytes = table->key_count && wanted->bytes ? wanted->bytes : UINT64_MAX;
	part->most = table->key_count && !wanted->rest ? wanted->rows : UINT64_MAX;
	if (result == 0)
		result = send(part, err, sql.data);
	wr_done(&sql);
	return result;
}

/* Of masked columns, too, what a value is must not be told: a message quotes it. */
static void leave_values_out(const char *code, const char *message, char *ret, size_t size)
{
	size_t len = strncmp(code, "42", 2) == 0 ? strlen(message) : strcspn(message, "\"\n");

	snprintf(ret, size, "%.*s", (int)len, message);
	for (len = strlen(ret); len && (ret[len - 1] == ' ' || ret[len - 1] == ':');)
		ret[--len] = '\0';
}

/*
 * Whatever the server says of a statement with somebody's condition in it is about that, as long as the session stands, and it
 * is not a standby that has to go on with its log (class 40).
 */
static int fail(struct pg_part *part, const PGresult *result, struct error *err)
{
	const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE), *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	char told[300];

	if (!part->asked || !code || !severity || !message || strcmp(severity, "ERROR") != 0 || strncmp(code, "40", 2) == 0)
		return pg_fail(part->conn, result, err, "reading a part of a table");
	leave_values_out(code, message, told, sizeof(told));
	return error_set(err, ERROR_INPUT, "the server refuses its condition: %s (SQLSTATE %s)", told, code);
}

static int finish_copy(struct pg_part *part, struct error *err)
{
	PGresult *result;
	int status = 0;

	while ((result = PQgetResult(part->conn))) {
		if (PQresultStatus(result) != PGRES_COMMAND_OK && status == 0)
			status = fail(part, result, err);
		PQclear(result);
	}
	return status;
}

/* 1: there is something; 0: not yet; -1. */
static int await_server(struct pg_part *part, struct error *err)
{
	struct pollfd wait = {.fd = PQsocket(part->conn), .events = POLLIN};

	if (poll(&wait, 1, WAIT_MS) <= 0)
		return 0;
	return PQconsumeInput(part->conn) ? 1 : pg_fail(part->conn, NULL, err, "reading a part of a table");
}

/* The server says that it copies when it has the first rows, or none. 1; 0: not yet; -1. */
static int await_copy(struct pg_part *part, struct error *err)
{
	PGresult *result;
	int got = 1;

	while (PQisBusy(part->conn) && (got = await_server(part, err)) > 0)
		;
	if (got <= 0)
		return got;
	result = PQgetResult(part->conn);
	part->begun = PQresultStatus(result) == PGRES_COPY_OUT;
	got = part->begun ? 1 : fail(part, result, err);
	PQclear(result);
	while (!part->begun && (result = PQgetResult(part->conn)))
		PQclear(result);
	return got;
}

/* The length of a row, or what PQgetCopyData gives in its place: 0 if there is none yet. */
static int get_row(struct pg_part *part, struct error *err)
{
	int len, got = 1;

	while (!(len = PQgetCopyData(part->conn, &part->buffer, 1)) && (got = await_server(part, err)) > 0)
		;
	return got < 0 ? -2 : len;
}

int pg_part_row(struct pg_part *part, struct view *ret, struct error *err)
{
	int len, begun;

	PQfreemem(part->buffer);
	part->buffer = NULL;
	*ret = VIEW_NONE;
	if (part->bytes > part->most_bytes)
		return 0;
	begun = part->begun ? 1 : await_copy(part, err);
	if (begun <= 0)
		return begun < 0 ? -1 : 1;
	len = get_row(part, err);
	if (len == 0)
		return 1;
	if (len == -1)
		return finish_copy(part, err);
	if (len < 0)
		return pg_fail(part->conn, NULL, err, "reading a part of a table");
	*ret = (struct view){part->buffer, (size_t)len - (part->buffer[len - 1] == '\n')};
	part->bytes += (uint64_t)len;
	if (++part->rows == part->most || part->bytes > part->most_bytes) {
		wr_clear(&part->last);
		wr_view_bytes(&part->last, *ret);
	}
	return 1;
}

static void write_mark(struct pg_part *part, const struct table *table)
{
	struct arena arena;

	arena_init(&arena);
	wr_clear(&part->mark);
	for (unsigned i = 0; i < table->key_count; i++) {
		wr_view_bytes(&part->mark, pgoutput_copy_field(&arena, wr_view(&part->last), table->key[i]));
		wr_u8(&part->mark, '\0');
	}
	arena_done(&arena);
}

/* With a commit: what reading has tidied up on the way is in the log, and a server at rest flushes it only then. */
int pg_part_end(struct pg_part *part, const struct table *table, struct source_part_end *ret, struct error *err)
{
	bool cut = part->bytes > part->most_bytes, at_row = cut || part->rows == part->most;

	if (cut)
		pg_part_stop(part);
	else if (pg_run(part->conn, err, "COMMIT") < 0)
		return -1;
	*ret = (struct source_part_end){
		.seen = {POSITION_PG_LSN, part->sight.high},
		.rows = part->rows,
		.more = at_row || part->bounded,
		.mark = VIEW_NONE,
	};
	if (at_row) {
		write_mark(part, table);
		ret->mark = wr_view(&part->mark);
	} else if (ret->more) {
		ret->mark = wr_view(&part->bound);
	}
	return 0;
}

/* Characters, as the server counts them. */
static size_t characters(struct view text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += (text.ptr[i] & 0xc0) != 0x80;
	return count;
}

/* What the server said of the condition, and where in it; `ahead`: what stands before it in the statement. */
static int refuse_condition(const PGresult *result, struct view ahead, const char *condition, struct error *err)
{
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
	const char *place = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
	size_t at = place ? strtoul(place, NULL, 10) : 0, before = characters(ahead), len = characters(view_of(condition));
	char where[60] = "";

	if (at > before && at <= before + len)
		snprintf(where, sizeof(where), " (at character %zu of it)", at - before);
	else if (at > before)
		snprintf(where, sizeof(where), " (at its end)");
	error_set(err, ERROR_INPUT, "the server refuses the condition '%.300s': %s%s", condition, message ? message : "it says not why", where);
	return hint ? error_hint(err, "%s", hint) : -1;
}

/* In the extended protocol one statement is one statement, whatever the condition has. */
int pg_part_check(PGconn *queries, const struct table *table, const char *condition, struct error *err)
{
	struct writer sql = {0};
	PGresult *result;
	size_t ahead;
	int failed = 0;

	wr_printf(&sql, "EXPLAIN SELECT 1");
	write_table(queries, table, false, &sql);
	wr_printf(&sql, " WHERE (");
	ahead = sql.len;
	wr_printf(&sql, "%s\n)", condition);
	wr_u8(&sql, 0);
	result = PQexecParams(queries, sql.data, 0, NULL, NULL, NULL, NULL, 0);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		failed = PQstatus(queries) == CONNECTION_OK ? refuse_condition(result, (struct view){sql.data, ahead}, condition, err)
							    : pg_fail(queries, result, err, "checking a condition");
	wr_done(&sql);
	PQclear(result);
	return failed;
}
