/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The decoder of the binary log: events in, changes out. It opens no socket and asks nobody: what the log does not say
 * is not known here.
 */
#ifndef MYSQL_BINLOG_H
#define MYSQL_BINLOG_H

#include "base/arena.h"
#include "gtid.h"
#include "inflate.h"
#include "model/change.h"
#include "prepared.h"
#include "tables.h"

struct my_history;
struct statement;

struct binlog_event {
	uint32_t time;       /* seconds since 1970 */
	uint8_t type;
	uint32_t server_id;
	uint32_t size;       /* with header and checksum */
	uint32_t end;        /* in its file, modulo 4 GiB; 0: it is not in a file */
	uint16_t flags;
	struct view body;    /* without the checksum */
};

/* Where events of rows stand. */
struct rows_event {
	struct reader rd;
	const struct my_table *table;   /* NULL: there are none */
	enum change_op op;
	struct view present[2];  /* which columns the images have: the only one or the old one, the new one */
	bool whole[2];           /* ... and that they have all */
	bool parts;              /* documents of new images may be told by what changed in them */
	uint32_t number;         /* of the next row */
	uint64_t seed;           /* of the hashes of its rows */
};

struct binlog {
	struct my_tables *tables;       /* borrowed */
	struct my_history *history;     /* borrowed; NULL: nobody wants to know what statements did to tables */
	bool checksums;                 /* events end with one */
	int64_t shift;                  /* added to the numbers of the server's files (place.h) */
	uint32_t file;                  /* number of the log's file ... */
	uint64_t at;                    /* ... where the last event ended in it ... */
	uint64_t event_at;              /* ... and where it began */
	bool grouped;                   /* a group of events is open ... */
	bool multi;                     /* ... which does not end with its first statement */
	bool prepared;                  /* ... and which another one will commit, or roll back */
	bool repeated;                  /* ... and which is done: what it has is left out */
	bool has_rows;                  /* ... and which has rows for us, although none were handed out */
	bool outcome;                   /* ... and tells what became of another one */
	struct view xid;                /* of the transaction in two phases that is prepared, or that it is about */
	bool recalled;                  /* it is committed with it: its rows stand in the log from there on */
	struct position recalled_from;  /* NONE: it is not known where */
	struct my_prepared_set *prepared_set; /* borrowed: those between their phases; NULL: nobody wants to know */
	bool recalling;                 /* a second look at the rows of one that is committed: they are handed out */
	bool quiet;                     /* nothing of rows and tables is looked at ... */
	struct view wanted;             /* ... and of what is in two phases, only this one (may be VIEW_NONE): all that came of it */
	bool undecided;                 /* the group's statement alters a table in two phases, and is not the one that does it */
	void (*seen)(void *by, const struct statement *statement); /* NULL: nobody wants to see statements of other kinds */
	void *seen_by;
	bool skipping;                  /* up to where reading begins, since the server could not be asked for that place */
	struct gtid gtid;               /* ... and its name, if it has one */
	bool begun;                     /* its begin was handed out */
	bool closing;                   /* it ends with the event at hand */
	struct position reached;        /* the end of the last group */
	struct gtid_set *done;          /* borrowed: groups that ended; NULL: nobody wants to know */
	struct position repeats;        /* before it, groups may come that are done */
	struct transaction txn;         /* the open one, or the last */
	uint64_t index;                 /* of the next change in the transaction */
	uint64_t ignored;               /* events that may be, of types not known */
	struct rows_event rows;
	uint32_t first_row;             /* number of the first row of an event: 0 but for those inside of a payload */
	struct payload payload;
	struct writer inflated;         /* rows or statement of the event at hand */
	struct arena txn_arena;         /* texts of the transaction */
	struct arena arena;             /* of the change: reset at each one */
	struct value *before;           /* owned, column_capacity each */
	struct value *after;
	unsigned column_capacity;
};

void binlog_init(struct binlog *log, struct my_tables *tables);
void binlog_done(struct binlog *log);

/*
 * A new stream begins, at that place, or at the beginning of its file if that is behind the first 4 GiB (stream.h); the first event
 * says whether there are checksums only if it has one.
 */
void binlog_restart(struct binlog *log, struct position from, bool checksums);

/* A place in the log as a position: the number of the file, and the offset in it. */
struct position binlog_position(uint32_t file, uint64_t at);

/* The number that a file's name ends with, or -1. */
int64_t binlog_file_number(struct view name);

/*
 * Decodes one event. 1 and a change, 0 if it says nothing to the caller, -1. The change's views point into the event and live
 * until the next call.
 */
int binlog_decode(struct binlog *log, struct view event, struct change *ret, struct error *err) MUST_CHECK;

/* An event can hold many changes: 1 and the next one, 0 if there is no more, -1. */
int binlog_more(struct binlog *log, struct change *ret, struct error *err) MUST_CHECK;

/*
 * When `recalled` is set, the open group has committed a transaction whose rows are to be handed out now, by whoever reads them anew;
 * then this gives its commit, or the place behind it if there were none.
 */
int binlog_settle(struct binlog *log, bool had_rows, struct change *ret);

/* A row of a result as a change, by the text of each column (NULL: null). */
int binlog_result_row(struct binlog *log, const struct my_table *table, char *const *texts, const unsigned long *lengths,
		      struct change *ret, struct error *err) MUST_CHECK;

#endif
