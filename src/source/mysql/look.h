/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A second look at the server's log, by a connection of its own, as a guest beside the one that streams. Its decoder passes by all that
 * is of rows and tables.
 */
#ifndef MYSQL_LOOK_H
#define MYSQL_LOOK_H

#include "binlog.h"
#include "conn.h"
#include "stream.h"

struct source_options;

struct my_look {
	const struct source_options *options; /* borrowed */
	const struct my_server *server;       /* borrowed */
	MYSQL *conn;                          /* NULL: it is not open */
	bool checksums;                       /* events have them, until the log says otherwise */
	struct my_stream stream;
	struct my_tables tables;              /* none */
	struct binlog log;
};

void my_look_init(struct my_look *look, const struct source_options *options, const struct my_server *server);
void my_look_done(struct my_look *look);

/* Events come from there on; the decoder stands there. */
int my_look_open(struct my_look *look, struct position from, struct error *err) MUST_CHECK;
void my_look_close(struct my_look *look);

/* The next event, which is waited for. */
int my_look_next(struct my_look *look, struct view *ret, struct error *err) MUST_CHECK;

/* Gives it to the decoder. GAP also if a file of the log is cut short. */
int my_look_pass(struct my_look *look, struct error *err) MUST_CHECK;

#endif
