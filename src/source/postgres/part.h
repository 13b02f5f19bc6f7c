/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Reading a part of a table while its changes are streamed. The part is what one snapshot of the server sees; which
 * transactions that are, is told by their numbers, and not by places in the log: a transaction can be read from the log
 * before others see it (it waits for a synchronous standby, or was just flushed), so that a mark between the two would
 * lie. A part is not begun while something that was delivered cannot be seen by it.
 *
 * On a standby snapshots do not know which transactions are open: there what is visible follows the place that replay has
 * reached, before the snapshot was taken and after it.
 */
#ifndef POSTGRES_PART_H
#define POSTGRES_PART_H

#include <libpq-fe.h>

#include "base/writer.h"
#include "facts.h"
#include "source/source.h"

/* Transactions that were delivered and may not be visible yet. */
struct pg_delivered {
	uint32_t *xids;     /* owned */
	unsigned count, capacity;
	struct position last; /* the end of the last one */
};

/* What a snapshot sees. */
struct pg_sight {
	bool standby;
	uint64_t xmin, xmax;
	uint64_t *open;     /* owned: from xmin on, those that it does not see */
	unsigned open_count;
	uint64_t low, high; /* places in the log: all that ended before the one is seen, nothing of what ends behind the other */
};

struct pg_part {
	PGconn *conn;       /* owned, NULL when there is none */
	char *buffer;       /* of the present row, libpq's */
	struct pg_sight sight;
	struct writer last; /* the last row, as the server sent it */
	struct writer mark, bound;
	char *writers;      /* what has to end first: an array of virtual numbers as text, owned; NULL: nothing ... */
	uint64_t fenced;    /* ... for the table with this oid */
	uint64_t rows, most;
	uint64_t bytes, most_bytes;
	bool bounded;       /* it ends at a key that was looked up: `bound` */
	bool begun;         /* the server has begun to answer */
	bool tree;          /* the table is partitioned: it is read with all its partitions */
	bool asked;         /* somebody's condition is in it: what the server says of it is theirs */
};

/* Forgets: a new stream begins. */
void pg_delivered_reset(struct pg_delivered *delivered, struct position from);
void pg_delivered_done(struct pg_delivered *delivered);

/* Notes a commit. `queries` serves to forget what is visible, once in many thousand times. */
int pg_delivered_note(struct pg_delivered *delivered, uint64_t xid, struct position end, PGconn *queries, struct error *err)
	MUST_CHECK;

/* True if all that the transaction did is seen. */
bool pg_sight_sees(const struct pg_sight *sight, const struct transaction *txn);

/* Reads the text of pg_current_snapshot(), or whatever the server calls it: 0, or -1. */
int pg_sight_parse(struct pg_sight *sight, const char *text);
const char *pg_sight_function(const PGconn *conn);

bool pg_is_standby(const PGconn *conn);

bool pg_sight_sees_delivered(const struct pg_sight *sight, const struct pg_delivered *delivered);

/*
 * Begins a read-only transaction whose snapshot sees all that was delivered, and holds the table: 1; or 0 if it has to be
 * tried again later.
 */
int pg_part_open(struct pg_part *part, const struct source_login *login, PGconn *queries, const struct table *table, const struct pg_delivered *delivered, struct error *err) MUST_CHECK;

/* 1 when all that were writing to the table, when it was first asked for, have ended; 0; -1. */
int pg_part_settled(struct pg_part *part, PGconn *queries, uint64_t table, struct error *err) MUST_CHECK;

/* The file, or the files as one number, that have the table's rows: another one after a change that wrote them anew. */
int pg_part_file(PGconn *queries, const struct table *table, uint64_t *ret, struct error *err) MUST_CHECK;

/* The file that the rest of the table is of; `now` if all of it is wanted. */
int pg_part_known_file(const struct source_part *wanted, uint64_t now, uint64_t *ret, struct error *err) MUST_CHECK;

/* Begins to read, and waits for nothing that the condition may do; rows come from pg_part_row, to their end. */
int pg_part_copy(struct pg_part *part, const struct source_part *wanted, struct error *err) MUST_CHECK;

/*
 * 1 and a row in COPY's text format without its newline, valid until the next call, or VIEW_NONE if none came for a while; 0 at
 * the end; -1, with ERROR_INPUT if the server refuses the condition.
 */
int pg_part_row(struct pg_part *part, struct view *ret, struct error *err) MUST_CHECK;

/* After the last row. */
int pg_part_end(struct pg_part *part, const struct table *table, struct source_part_end *ret, struct error *err) MUST_CHECK;

/* ERROR_INPUT unless the condition is one for the table's rows. */
int pg_part_check(PGconn *queries, const struct table *table, const char *condition, struct error *err) MUST_CHECK;

/* Ends the read-only transaction, if one is open; the connection stays. */
void pg_part_stop(struct pg_part *part);
void pg_part_done(struct pg_part *part);

#endif
