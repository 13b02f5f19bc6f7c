/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The decoder of pgoutput, protocol version 1: bytes in, changes out. It opens no socket and asks nobody but the facts
 * for what the log does not say.
 */
#ifndef POSTGRES_PGOUTPUT_H
#define POSTGRES_PGOUTPUT_H

#include "base/arena.h"
#include "model/change.h"
#include "relation.h"

struct pgoutput {
	struct pg_relations *relations; /* borrowed */
	struct transaction txn;         /* the open one, or the last */
	bool in_transaction;
	bool binary;                    /* the server was asked for values in binary form ... */
	const struct column *text_only; /* ... and this one cannot be read so: the error says it */
	uint64_t index;                 /* of the next change in the transaction */
	struct arena txn_arena;         /* texts of the transaction */
	struct arena arena;             /* of the change: reset at each decode */
	struct value *before;           /* owned, column_capacity each */
	struct value *after;
	unsigned column_capacity;
	struct view truncated;          /* relation oids of a truncate, not yet handed out */
	uint64_t truncated_hash;
};

/* The relations are borrowed. Done frees what the decoder has made; changes it gave are void then. */
void pgoutput_init(struct pgoutput *pg, struct pg_relations *relations);
void pgoutput_done(struct pgoutput *pg);

/* Forgets an open transaction: a new stream begins. */
void pgoutput_restart(struct pgoutput *pg);

/*
 * Decodes one message (of an XLogData with that start). 1 and a change, 0 if it says nothing to the caller, -1 with an
 * error that names table and column. The change's views point into the message and live until the next call.
 */
int pgoutput_decode(struct pgoutput *pg, struct view message, uint64_t wal_start, struct change *ret,
		    struct error *err) MUST_CHECK;

/* A message can hold several changes (TRUNCATE a, b): 1 and the next one, 0 if there is no more. */
int pgoutput_more(struct pgoutput *pg, struct change *ret);

/* Room for the values of so many columns. */
void pgoutput_reserve(struct pgoutput *pg, unsigned count);

/* copy_rows.c */

/* A row's values from a row of COPY text format (without its newline), in the order of the table's columns. */
int pgoutput_copy_row(struct pgoutput *pg, const struct pg_table *table, struct view line, struct change *ret,
		      struct error *err) MUST_CHECK;

/* One field of such a row, unescaped (into the arena if need be). */
struct view pgoutput_copy_field(struct arena *arena, struct view line, unsigned number);

#endif
