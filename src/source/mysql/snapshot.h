/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A snapshot: a transaction that sees the data at one place of the log. MariaDB tells that place by itself
 * (binlog_snapshot_position); MySQL is held still for the moment: all of it (FLUSH TABLES WITH READ LOCK), or the tables that are
 * read (LOCK TABLES), by which whoever changed them has committed.
 */
#ifndef MYSQL_SNAPSHOT_H
#define MYSQL_SNAPSHOT_H

#include "conn.h"
#include "hold.h"
#include "model/position.h"
#include "tables.h"

struct my_place;
struct writer;

struct my_snapshot {
	MYSQL *conn;
	MYSQL_RES *result;      /* of the table being read */
	unsigned long *lengths; /* of the row at hand */
};

int my_snapshot_open(struct my_snapshot *snapshot, const struct source_login *login, struct error *err);

/* Begins the transaction; `ret_at`: it sees all that stands before, and nothing else. `place`: told of that, or NULL. */
int my_snapshot_begin(struct my_snapshot *snapshot, const struct my_server *server, const struct my_hold *hold, struct position *ret_at,
		      struct my_place *place, struct error *err);

/*
 * The same for several, which see the same, so that `count` may be less afterwards: on MariaDB they are begun until they do, or, if the
 * server is too busy for that, while the tables are held still.
 */
int my_snapshots_begin(struct my_snapshot *readers, unsigned *count, const struct my_server *server, const struct my_hold *hold,
		       struct position *ret_at, struct my_place *place, struct error *err);

/* True if the last thing that failed there was the wait for a lock. */
bool my_snapshot_waited(const struct my_snapshot *snapshot, const struct my_hold *hold);

void my_snapshot_done(struct my_snapshot *snapshot);

/* Its name, with the database's. */
void my_snapshot_write_table(const struct my_table *table, struct writer *to);

/* The statement that selects a table's columns; what follows FROM and the name may be NULL. */
void my_snapshot_select(const struct my_table *table, const char *rest, struct writer *to);

/* Reads one table, row by row: 1, 0 at its end, -1. What follows FROM and the name may be NULL. */
int my_snapshot_table(struct my_snapshot *snapshot, const struct my_table *table, const char *rest, struct error *err);
int my_snapshot_row(struct my_snapshot *snapshot, char ***ret_texts, unsigned long **ret_lengths, struct error *err);

/* Ends reading before the table's end. */
void my_snapshot_stop(struct my_snapshot *snapshot);

/* The end of the log as the server says it now. */
int my_log_end(MYSQL *conn, const struct my_server *server, struct position *ret, struct error *err);

#endif
