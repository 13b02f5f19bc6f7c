/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Rows of a transaction in two phases (XA), when its commit has come: they were passed by where it was prepared. Small ones are kept in
 * memory for a while, so that the usual case costs nothing; otherwise the log is read there once more, by another connection.
 */
#ifndef MYSQL_RECALL_H
#define MYSQL_RECALL_H

#include "base/writer.h"
#include "binlog.h"
#include "conn.h"
#include "look.h"

#define RECALL_KEPT 32

struct source_options;

/* Events of a group, each behind its length of four bytes. */
struct my_kept_group {
	struct position at;     /* where it begins; NONE: nothing is kept */
	bool checksums;
	bool too_large;
	struct writer events;
};

struct my_recall {
	struct my_look look;                  /* at what is not kept */
	struct my_kept_group kept[RECALL_KEPT];
	unsigned next;                        /* of them, to be replaced */
	bool active;
	const struct my_kept_group *group;    /* what is read; NULL: the log */
	struct reader rest;                   /* of it */
	struct binlog log;                    /* the second look */
	struct map_rules rules;               /* of the first one */
	bool had_rows;
};

/* Borrows them all. */
void my_recall_init(struct my_recall *recall, const struct source_options *options, const struct my_server *server, struct my_tables *tables);
void my_recall_done(struct my_recall *recall);

/* An event that the log was just given: kept if it is of a group that is prepared. */
void my_recall_keep(struct my_recall *recall, const struct binlog *log, struct view event);

/*
 * While log->recalled is set: 1 and the next change of the open group, the last one from binlog_settle; 0 if there is none now; -1. GAP
 * if the rows are not in the server's log any more.
 */
int my_recall_next(struct my_recall *recall, struct binlog *log, MYSQL *queries, struct change *ret, struct error *err) MUST_CHECK;

/* Where its next change comes from, for poll(); -1: it need not be waited for. */
int my_recall_fd(const struct my_recall *recall);

#endif
