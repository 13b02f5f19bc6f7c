/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Connections to MySQL and MariaDB, and queries on them. Every connection has the same session settings, because they
 * decide how values are printed: snapshot and stream must agree.
 */
#ifndef MYSQL_CONN_H
#define MYSQL_CONN_H

#include <mysql.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/view.h"

struct source_login;

enum my_family { FAMILY_MYSQL, FAMILY_MARIADB };

/* What a connected server is. */
struct my_server {
	enum my_family family;
	unsigned long version; /* 101119: 10.11.19 */
	uint32_t server_id;
	char uuid[40];         /* MySQL from 5.6; otherwise empty */
	char log_base[256];    /* base name of the log's files: "mysql-bin" */
	bool gtids;            /* transactions have them */
	int64_t shift;         /* positions number the log's files by so much more (place.h) */
	bool full_metadata;    /* table maps say all of a table's shape */
};

/* The caller ends it with mysql_close. Errors show the server's words, never the password. */
int my_connect(const struct source_login *login, MYSQL **ret, struct error *err) MUST_CHECK;

/* True if something that has arrived waits in the library, or in TLS: the socket does not tell of it. */
bool my_has_input(MYSQL *conn);

/* Runs a statement; a result that is to be freed by mysql_free_result, or NULL on an error. */
MYSQL_RES *my_query(MYSQL *conn, struct error *err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A statement without a result. */
int my_do(MYSQL *conn, struct error *err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Fills err from the connection's last error, with what was being done. */
int my_fail(MYSQL *conn, struct error *err, const char *doing);

/* The first value of the first row as text into ret ("" for NULL or no row): 1, 0 if there is none, -1. */
int my_value(MYSQL *conn, char *ret, size_t size, struct error *err, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* A variable of the server; empty if it does not have it. */
int my_variable(MYSQL *conn, const char *name, char *ret, size_t size, struct error *err);

/* Asks the server what it is. */
int my_server_ask(MYSQL *conn, struct my_server *ret, struct error *err) MUST_CHECK;

#endif
