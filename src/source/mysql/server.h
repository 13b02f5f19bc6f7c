/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What is asked of a server's settings, and what is told to it before it sends its log. */
#ifndef MYSQL_SERVER_H
#define MYSQL_SERVER_H

#include "conn.h"
#include "model/position.h"

struct findings;
struct source_options;
struct source_table;
struct writer;

/* UNSUPPORTED with the statement that mends it, unless the log has all that is needed. */
int my_server_check(MYSQL *conn, const struct my_server *server, struct error *err);

/* The same, and more, for `tailwater doctor`. */
void my_server_examine(MYSQL *conn, const struct my_server *server, struct findings *findings);

/* A name of the server that it keeps: its UUID, or its number and its log's name. */
void my_server_name(const struct my_server *server, char *ret, size_t size);

/* The statements that give a user what is needed for these tables. */
void my_server_grants(const struct my_server *server, const char *user, const struct source_table *tables, size_t count,
		      struct writer *sql);

/* The oldest place that the log can be read from. */
int my_log_start(MYSQL *conn, const struct my_server *server, struct position *ret, struct error *err);

/* The number that we have among the server's replicas. */
uint32_t my_server_reader(const struct source_options *options);

/* Settings of the session that streams; how its events are checked. */
int my_server_prepare(MYSQL *conn, const struct source_options *options, char *ret_checksum, size_t size, struct error *err);

#endif
