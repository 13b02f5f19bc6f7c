/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Reading tables as they were at the slot's consistent point: read-only transactions that have all imported the exported
 * snapshot, and COPY of one piece of a table after the other in each. A piece is a range of the table's pages, which servers
 * from 14 on read without looking at the others; before, a table is one piece. Its rows come in the order of their places
 * (ctid), the last field of each. Of a partitioned table each partition is a piece.
 *
 * One thread reads all of them: whichever connection has rows gives them, as long as it has some.
 */
#ifndef POSTGRES_SNAPSHOT_H
#define POSTGRES_SNAPSHOT_H

#include <libpq-fe.h>

#include "base/error.h"
#include "base/view.h"
#include "base/writer.h"
#include "source/source.h"

#define PG_READERS_MOST 16
#define PG_NO_PAGE UINT64_MAX

enum pg_reader_state {
	READER_FREE,
	READER_ASKED,   /* the COPY is sent, its beginning has not come */
	READER_COPYING,
	READER_ENDING,  /* no row follows, the result does */
};

struct pg_reader {
	PGconn *conn;   /* owned */
	char *buffer;   /* of the last row that it gave, libpq's */
	enum pg_reader_state state;
	size_t table;
	uint64_t leaf;  /* of a partitioned table: the piece */
	uint64_t first, end; /* otherwise pages of the piece; UINT64_MAX: to the table's end */
	uint64_t rows;  /* of the piece, so far */
};

/* A partition that has rows. */
struct pg_leaf {
	char *name;         /* owned: as SQL has it */
	uint32_t oid;
	uint64_t pages;
	bool read;          /* to its end */
};

/* A table that is read. */
struct pg_reading {
	const struct table *table;
	bool tree;          /* partitioned, and so read from its partitions, if the role may; otherwise in one piece */
	struct pg_leaf *leaves; /* owned: the largest first */
	uint64_t leaf_count;
	uint64_t pages;     /* when reading began ... */
	bool measured;      /* ... for sure */
	uint64_t file;      /* before the slot was made */
	bool apart;         /* values are stored apart from their rows */
	uint64_t next;      /* the first page, or partition, that no reader has been given; UINT64_MAX: none is left */
	uint64_t step;      /* pages of a piece */
	uint64_t read;      /* pages of pieces that were read to their end */
	uint64_t rows, expected;
	bool has_places;    /* the role may ask where rows are: a right to columns is not one to that */
	unsigned readers;   /* at work on it */
	bool told;          /* its end was */
};

struct pg_snapshot {
	struct pg_reader *readers;   /* owned */
	unsigned reader_count;
	unsigned now;                /* the reader whose turn it is */
	int stop_fd;
	bool encrypted;              /* rows may wait where poll() does not see them */
	struct pg_reading *tables;   /* owned */
	size_t table_count;
	size_t ended;                /* so many have, and were not told */
	size_t next_table;           /* the first one with pages that no reader has been given */
	uint64_t page_bytes;
	char *sight;                 /* owned: what the snapshot sees, as the server writes it */
};

/*
 * Connects so many readers, and has each import the snapshot; fewer, if the server does not let in as many, but one. When it
 * returns, the exporting connection may go on.
 */
int pg_snapshot_begin(struct pg_snapshot *snapshot, const struct source_options *options, const char *name, struct error *err)
	MUST_CHECK;

/* Closes the connections, if there are any. */
void pg_snapshot_done(struct pg_snapshot *snapshot);

/* Begins to read tables. `queries` tells how large they are; `files`, which file each had before the slot was made; `trees`, which are
 * partitioned. */
int pg_snapshot_read(struct pg_snapshot *snapshot, PGconn *queries, const struct table *const *tables, const uint64_t *files,
		     const bool *trees, size_t count, struct error *err) MUST_CHECK;

/* measure.c: sizes and pieces of all tables. */
int pg_snapshot_measure(struct pg_snapshot *snapshot, PGconn *queries, struct error *err) MUST_CHECK;

/*
 * 1 and a row in COPY's text format without its newline, valid until the next call, and its table; 0 when none came for a
 * while, or a table has ended; -1.
 */
int pg_snapshot_row(struct pg_snapshot *snapshot, struct view *ret, size_t *ret_table, struct error *err) MUST_CHECK;

/* A table that was read to its end, each once; false: there is none now. */
bool pg_snapshot_ended(struct pg_snapshot *snapshot, size_t *ret_table);

/* What of a table is to be read by others if this ends here. */
enum table_reading pg_snapshot_rest(const struct pg_snapshot *snapshot, size_t table, struct writer *to);

/* How far it is. */
void pg_snapshot_progress(const struct pg_snapshot *snapshot, struct source_progress *ret);

#endif
