/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Transactions at a place of the log, and reading in them. */
#include "snapshot.h"

#include <inttypes.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/writer.h"
#include "binlog.h"
#include "place.h"
#include "source/source.h"

#define BEGIN "START TRANSACTION WITH CONSISTENT SNAPSHOT"

static int take_place(const struct my_server *server, const char *file, const char *offset, struct position *ret, struct error *err)
{
	int64_t number = file ? binlog_file_number(view_of(file)) : -1;

	if (number < 0 || !offset)
		return error_set(err, ERROR_TRANSIENT, "the server does not tell its place in the log (is log_bin on?)");
	*ret = binlog_position((uint32_t)(number + server->shift), strtoull(offset, NULL, 10));
	return 0;
}

/* SHOW MASTER STATUS, as it is called from MySQL 8.4 on. */
int my_log_end(MYSQL *conn, const struct my_server *server, struct position *ret, struct error *err)
{
	bool renamed = server->family == FAMILY_MYSQL && server->version >= 80400;
	MYSQL_RES *result = my_query(conn, err, "SHOW %s STATUS", renamed ? "BINARY LOG" : "MASTER");
	MYSQL_ROW row;
	int status;

	if (!result)
		return -1;
	row = mysql_fetch_row(result);
	status = take_place(server, row ? row[0] : NULL, row ? row[1] : NULL, ret, err);
	mysql_free_result(result);
	return status;
}

static int begin_mariadb(MYSQL *conn, const struct my_server *server, struct position *ret_at, struct error *err)
{
	char file[300] = "", offset[32] = "";
	MYSQL_RES *result;
	MYSQL_ROW row;

	if (my_do(conn, err, BEGIN) < 0)
		return -1;
	result = my_query(conn, err, "SHOW STATUS LIKE 'binlog_snapshot_%%'");
	if (!result)
		return -1;
	while ((row = mysql_fetch_row(result))) {
		if (strcasecmp(row[0], "binlog_snapshot_file") == 0)
			snprintf(file, sizeof(file), "%s", row[1]);
		else if (strcasecmp(row[0], "binlog_snapshot_position") == 0)
			snprintf(offset, sizeof(offset), "%s", row[1]);
	}
	mysql_free_result(result);
	return take_place(server, file, offset, ret_at, err);
}

static void write_name(const char *name, struct writer *to)
{
	wr_u8(to, '`');
	for (; *name; name++) {
		if (*name == '`')
			wr_u8(to, '`');
		wr_u8(to, (uint8_t)*name);
	}
	wr_u8(to, '`');
}

static bool is_denied(MYSQL *conn)
{
	unsigned code = mysql_errno(conn);

	return code == ER_SPECIFIC_ACCESS_DENIED_ERROR || code == ER_DBACCESS_DENIED_ERROR || code == ER_TABLEACCESS_DENIED_ERROR ||
	       code == ER_ACCESS_DENIED_ERROR;
}

static int limit_wait(MYSQL *conn, const struct my_hold *hold, struct error *err)
{
	return my_do(conn, err, "SET SESSION lock_wait_timeout = %u", hold->patience_s);
}

/* 1; 0: it is not permitted; -1. */
static int hold_all(MYSQL *conn, const struct my_hold *hold, struct error *err)
{
	if (limit_wait(conn, hold, err) < 0)
		return -1;
	if (my_do(conn, err, "FLUSH TABLES WITH READ LOCK") == 0)
		return 1;
	return is_denied(conn) ? 0 : -1;
}

static int hold_tables(const struct my_hold *hold, struct error *err)
{
	struct writer sql = {0};
	int failed;

	if (limit_wait(hold->conn, hold, err) < 0)
		return -1;
	for (size_t i = 0; i < hold->count; i++) {
		wr_printf(&sql, i ? ", " : "LOCK TABLES ");
		write_name(hold->tables[i].schema, &sql);
		wr_u8(&sql, '.');
		write_name(hold->tables[i].name, &sql);
		wr_printf(&sql, " READ");
	}
	failed = mysql_real_query(hold->conn, sql.data, sql.len);
	wr_done(&sql);
	if (!failed)
		return 1;
	my_fail(hold->conn, err, "LOCK TABLES");
	return is_denied(hold->conn) ? 0 : -1;
}

/* The session that holds it, or NULL. */
static MYSQL *hold_still(MYSQL *conn, const struct my_hold *hold, struct error *err)
{
	for (unsigned i = 0; i < 2; i++) {
		bool few = (i == 0) == hold->tables_first;
		int held = few ? hold_tables(hold, err) : hold_all(conn, hold, err);

		if (held)
			return held < 0 ? NULL : few ? hold->conn : conn;
	}
	error_state(err, STATE_UNSUPPORTED, "the user may not hold the server still for the moment of a snapshot, nor its tables");
	error_hint(err, "grant RELOAD, or LOCK TABLES: see `tailwater grants`");
	return NULL;
}

/* The transaction begins before the lock ends. */
static int begin_mysql(MYSQL *conn, const struct my_server *server, const struct my_hold *hold, struct position *ret_at, struct my_place *place,
		       struct error *err)
{
	MYSQL *holder = hold_still(conn, hold, err);
	struct error ignored;
	int status;

	if (!holder)
		return -1;
	status = my_do(conn, err, BEGIN) < 0 ? -1 : my_log_end(conn, server, ret_at, err);
	if (status == 0 && place)
		status = my_place_ask(conn, server, place, *ret_at, err);
	if (my_do(holder, status < 0 ? &ignored : err, "UNLOCK TABLES") < 0)
		return -1;
	return status;
}

bool my_snapshot_waited(const struct my_snapshot *snapshot, const struct my_hold *hold)
{
	return (snapshot->conn && mysql_errno(snapshot->conn) == ER_LOCK_WAIT_TIMEOUT) || mysql_errno(hold->conn) == ER_LOCK_WAIT_TIMEOUT;
}

int my_snapshot_open(struct my_snapshot *snapshot, const struct source_login *login, struct error *err)
{
	if (my_connect(login, &snapshot->conn, err) < 0)
		return -1;
	if (my_do(snapshot->conn, err, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ") == 0)
		return 0;
	my_snapshot_done(snapshot);
	return -1;
}

int my_snapshot_begin(struct my_snapshot *snapshot, const struct my_server *server, const struct my_hold *hold, struct position *ret_at,
		      struct my_place *place, struct error *err)
{
	if (server->family == FAMILY_MYSQL)
		return begin_mysql(snapshot->conn, server, hold, ret_at, place, err);
	if (begin_mariadb(snapshot->conn, server, ret_at, err) < 0)
		return -1;
	return place ? my_place_ask(snapshot->conn, server, place, *ret_at, err) : 0;
}

void my_snapshot_done(struct my_snapshot *snapshot)
{
	my_snapshot_stop(snapshot);
	if (snapshot->conn)
		mysql_close(snapshot->conn);
	*snapshot = (struct my_snapshot){0};
}

/* A row that is not fetched stands in the way of the next statement: the rest is read and dropped by the library. */
void my_snapshot_stop(struct my_snapshot *snapshot)
{
	mysql_free_result(snapshot->result);
	snapshot->result = NULL;
}

static void write_select(const struct my_table *table, const char *rest, struct writer *to)
{
	for (unsigned i = 0; i < table->table->column_count; i++) {
		const char *behind = my_column_select(&table->columns[i]);

		wr_printf(to, i ? ", " : "SELECT /*!40001 SQL_NO_CACHE */ ");
		write_name(table->columns[i].name, to);
		wr_printf(to, "%s", behind ? behind : "");
	}
	wr_printf(to, " FROM ");
	write_name(table->table->schema, to);
	wr_u8(to, '.');
	write_name(table->table->name, to);
	wr_printf(to, " %s", rest ? rest : "");
}

int my_snapshot_table(struct my_snapshot *snapshot, const struct my_table *table, const char *rest, struct error *err)
{
	struct writer sql = {0};
	int failed;

	my_snapshot_stop(snapshot);
	write_select(table, rest, &sql);
	failed = mysql_real_query(snapshot->conn, sql.data, sql.len);
	wr_done(&sql);
	snapshot->result = failed ? NULL : mysql_use_result(snapshot->conn);
	return snapshot->result ? 0 : my_fail(snapshot->conn, err, "reading the snapshot");
}

int my_snapshot_row(struct my_snapshot *snapshot, char ***ret_texts, unsigned long **ret_lengths, struct error *err)
{
	MYSQL_ROW row = mysql_fetch_row(snapshot->result);

	if (!row)
		return mysql_errno(snapshot->conn) ? my_fail(snapshot->conn, err, "reading the snapshot") : 0;
	*ret_texts = row;
	*ret_lengths = mysql_fetch_lengths(snapshot->result);
	return 1;
}
