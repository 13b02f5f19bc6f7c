/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Connections to PostgreSQL, and queries on them. Every connection has the same session settings, because they decide
 * how values are printed: snapshot and stream must agree.
 */
#ifndef POSTGRES_CONN_H
#define POSTGRES_CONN_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/view.h"

struct source_login;

enum pg_conn_kind {
	PG_CONN_QUERIES,     /* catalogue look-ups: each statement has a deadline */
	PG_CONN_SNAPSHOT,    /* long reads */
	PG_CONN_REPLICATION,
	PG_CONN_PHYSICAL,    /* of the whole cluster: only tried, to see that it is refused */
};

/* The caller ends it with PQfinish. Errors show the server's words, never the password. */
int pg_connect(const struct source_login *login, enum pg_conn_kind kind, PGconn **ret, struct error *err) MUST_CHECK;

/* ERROR_INPUT if libpq knows no connection keyword of this name. */
int pg_check_keyword(const char *name, const char *value, struct error *err);

/* Runs a statement; NULL on an error. The caller clears the result. */
PGresult *pg_query(PGconn *conn, struct error *err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with text parameters (not on replication connections). */
PGresult *pg_query_params(PGconn *conn, struct error *err, const char *sql, int count, const char *const *params);

/* A statement whose result nobody wants. */
int pg_run(PGconn *conn, struct error *err, const char *sql) MUST_CHECK;

/* Fills err from the connection's last message, with what was being done. */
int pg_fail(PGconn *conn, const PGresult *result, struct error *err, const char *doing);

/* One value as text; "" for NULL. */
const char *pg_value(const PGresult *result, int row, int column);

/* Quoted for SQL; NUL-terminated, freed by PQfreemem. */
char *pg_identifier(PGconn *conn, const char *name);

/* True of a database in SQL_ASCII, which takes any bytes for text, and sends them so. */
bool pg_takes_any_text(const PGconn *conn);

#endif
