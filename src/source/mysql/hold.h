/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Holding a server, or tables of it, still. Whoever waits for a lock makes others wait: therefore not for long. */
#ifndef MYSQL_HOLD_H
#define MYSQL_HOLD_H

#include "conn.h"

struct source_table;
struct writer;

/* The way that is not permitted gives way to the other one. */
struct my_hold {
	MYSQL *conn;                    /* of another session than the transaction's: holds the tables */
	const struct source_table *tables;
	size_t count;
	bool tables_first;
	unsigned patience_s;
};

/* Everything, by `conn`, or the tables: the session that holds it, until it says UNLOCK TABLES, or NULL. */
MYSQL *my_hold_still(MYSQL *conn, const struct my_hold *hold, struct error *err);

/* The tables: 1; 0: it is not permitted; -1. */
int my_hold_tables(const struct my_hold *hold, struct error *err);

/* True if what failed last there is not permitted. */
bool my_is_denied(MYSQL *conn);

/* `name`, as an identifier. */
void my_write_name(const char *name, struct writer *to);

#endif
