/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A snapshot: a transaction that sees the data at one place of the log. MariaDB tells that place by itself
 * (binlog_snapshot_position); MySQL is held still for the moment (FLUSH TABLES WITH READ LOCK).
 */
#ifndef MYSQL_SNAPSHOT_H
#define MYSQL_SNAPSHOT_H

#include "conn.h"
#include "model/position.h"
#include "tables.h"

struct my_place;

struct my_snapshot {
	MYSQL *conn;
	MYSQL_RES *result;      /* of the table being read */
	unsigned long *lengths; /* of the row at hand */
};

int my_snapshot_open(struct my_snapshot *snapshot, const struct source_login *login, struct error *err);

/* Begins the transaction; `ret_at`: it sees all that stands before, and nothing else. `place`: told of that, or NULL. */
int my_snapshot_begin(struct my_snapshot *snapshot, const struct my_server *server, struct position *ret_at, struct my_place *place,
		      struct error *err);
void my_snapshot_done(struct my_snapshot *snapshot);

/* Reads one table, row by row: 1, 0 at its end, -1. What follows FROM and the name may be NULL. */
int my_snapshot_table(struct my_snapshot *snapshot, const struct my_table *table, const char *rest, struct error *err);
int my_snapshot_row(struct my_snapshot *snapshot, char ***ret_texts, unsigned long **ret_lengths, struct error *err);

/* Ends reading before the table's end. */
void my_snapshot_stop(struct my_snapshot *snapshot);

/* The end of the log as the server says it now. */
int my_log_end(MYSQL *conn, const struct my_server *server, struct position *ret, struct error *err);

#endif
