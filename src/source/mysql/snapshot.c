/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Transactions at a place of the log, and reading in them. */
#include "snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/writer.h"
#include "binlog.h"
#include "hold.h"
#include "place.h"
#include "source/source.h"

#define TRIES 20 /* to begin transactions that see the same */
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

/* At once, so that on a server that is not busy all of them see the same. */
static int begin_each(const struct my_snapshot *readers, unsigned count, struct error *err)
{
	for (unsigned i = 0; i < count; i++)
		if (mysql_send_query(readers[i].conn, BEGIN, strlen(BEGIN)))
			return my_fail(readers[i].conn, err, BEGIN);
	for (unsigned i = 0; i < count; i++)
		if (mysql_read_query_result(readers[i].conn))
			return my_fail(readers[i].conn, err, BEGIN);
	return 0;
}

/* MariaDB tells what place in its log a transaction sees. */
static int ask_sight(MYSQL *conn, const struct my_server *server, struct position *ret_at, struct error *err)
{
	char file[300] = "", offset[32] = "";
	MYSQL_RES *result = my_query(conn, err, "SHOW STATUS LIKE 'binlog_snapshot_%%'");
	MYSQL_ROW row;

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

/* Which of them see what the first one does: these come first, and are counted. */
static int sort_equal(struct my_snapshot *readers, unsigned count, const struct my_server *server, unsigned *ret_equal, struct position *ret_at,
		      struct error *err)
{
	*ret_equal = 0;
	for (unsigned i = 0; i < count; i++) {
		struct my_snapshot reader = readers[i];
		struct position at;

		if (ask_sight(reader.conn, server, &at, err) < 0)
			return -1;
		if (i == 0)
			*ret_at = at;
		if (position_compare(at, *ret_at) != 0)
			continue;
		readers[i] = readers[*ret_equal];
		readers[(*ret_equal)++] = reader;
	}
	return 0;
}

/*
 * While the tables are held still all see the same of them, wherever in the log each is. Who may not hold them, or waits for it in
 * vain, reads with those that see the same.
 */
static int begin_held(struct my_snapshot *readers, unsigned count, const struct my_server *server, const struct my_hold *hold,
		      unsigned *ret_equal, struct position *ret_at, struct error *err)
{
	struct error ignored;
	MYSQL *holder = my_hold_still(readers[0].conn, hold, &ignored);
	int status;

	if (!holder)
		return 0;
	status = begin_each(readers, count, err) < 0 ? -1 : ask_sight(readers[0].conn, server, ret_at, err);
	*ret_equal = count;
	if (my_do(holder, status < 0 ? &ignored : err, "UNLOCK TABLES") < 0)
		return -1;
	return status;
}

static int begin_mariadb(struct my_snapshot *readers, unsigned *count, const struct my_server *server, const struct my_hold *hold,
			 struct position *ret_at, struct error *err)
{
	unsigned equal = 0;

	for (unsigned i = 0; i < TRIES && equal < *count; i++)
		if (begin_each(readers, *count, err) < 0 || sort_equal(readers, *count, server, &equal, ret_at, err) < 0)
			return -1;
	if (equal < *count && begin_held(readers, *count, server, hold, &equal, ret_at, err) < 0)
		return -1;
	while (*count > equal)
		my_snapshot_done(&readers[--*count]);
	return 0;
}

/* The transactions begin before the lock ends. */
static int begin_mysql(struct my_snapshot *readers, unsigned count, const struct my_server *server, const struct my_hold *hold,
		       struct position *ret_at, struct my_place *place, struct error *err)
{
	MYSQL *conn = readers[0].conn, *holder = my_hold_still(conn, hold, err);
	struct error ignored;
	int status;

	if (!holder)
		return -1;
	status = begin_each(readers, count, err) < 0 ? -1 : my_log_end(conn, server, ret_at, err);
	if (status == 0 && place)
		status = my_place_ask(conn, server, place, *ret_at, err);
	if (my_do(holder, status < 0 ? &ignored : err, "UNLOCK TABLES") < 0)
		return -1;
	return status;
}

#define ER_LOCK_WAIT_TIMEOUT 1205

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

int my_snapshots_begin(struct my_snapshot *readers, unsigned *count, const struct my_server *server, const struct my_hold *hold,
		       struct position *ret_at, struct my_place *place, struct error *err)
{
	if (server->family == FAMILY_MYSQL)
		return begin_mysql(readers, *count, server, hold, ret_at, place, err);
	if (begin_mariadb(readers, count, server, hold, ret_at, err) < 0)
		return -1;
	return place ? my_place_ask(readers[0].conn, server, place, *ret_at, err) : 0;
}

int my_snapshot_begin(struct my_snapshot *snapshot, const struct my_server *server, const struct my_hold *hold, struct position *ret_at,
		      struct my_place *place, struct error *err)
{
	unsigned one = 1;

	return my_snapshots_begin(snapshot, &one, server, hold, ret_at, place, err);
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

void my_snapshot_write_table(const struct my_table *table, struct writer *to)
{
	my_write_name(table->table->schema, to);
	wr_u8(to, '.');
	my_write_name(table->table->name, to);
}

void my_snapshot_select(const struct my_table *table, const char *rest, struct writer *to)
{
	for (unsigned i = 0; i < table->table->column_count; i++) {
		const char *behind = my_column_select(&table->columns[i]);

		wr_printf(to, i ? ", " : "SELECT /*!40001 SQL_NO_CACHE */ ");
		my_write_name(table->columns[i].name, to);
		wr_printf(to, "%s", behind ? behind : "");
	}
	wr_printf(to, " FROM ");
	my_snapshot_write_table(table, to);
	wr_printf(to, " %s", rest ? rest : "");
}

int my_snapshot_table(struct my_snapshot *snapshot, const struct my_table *table, const char *rest, struct error *err)
{
	struct writer sql = {0};
	int failed;

	my_snapshot_stop(snapshot);
	my_snapshot_select(table, rest, &sql);
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
