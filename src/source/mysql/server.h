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

/* The file of a position, by its name. */
void my_server_file(const struct my_server *server, struct position at, char *ret, size_t size);

/* What we are among the server's replicas: two with one number throw each other out. */
struct my_reader {
	uint32_t number;
	char uuid[40];
	char host[61];           /* "tailwater-erp", as SHOW REPLICAS has it */
};

/* The agent of the source, always the same; a guest beside it is another one each time. */
void my_reader_init(struct my_reader *reader, const struct source_options *options, bool guest);

/* CONFLICT if the number is the server's, or that of a replica which is not ours. */
int my_reader_check(MYSQL *conn, const struct my_server *server, const struct my_reader *reader, struct error *err) MUST_CHECK;

/* Settings of the session that streams; how its events are checked. */
int my_server_prepare(MYSQL *conn, const struct my_reader *reader, char *ret_checksum, size_t size, struct error *err);

#endif
