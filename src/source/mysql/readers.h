/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Several connections that read the tables of one snapshot: one table after the other, large ones in ranges of the first column of their
 * key, if that is a number. Tables that are not InnoDB's know no snapshots: they are held still from before it until they are read, by one
 * more connection, which reads them (others would wait behind those that wait to write).
 *
 *   FREE -> ASKED: a piece was asked for -> READING: its rows come -> FREE
 */
#ifndef MYSQL_READERS_H
#define MYSQL_READERS_H

#include "snapshot.h"

struct source_options;
struct source_progress;
struct table;

enum my_reader_state { READER_FREE, READER_ASKED, READER_READING };

/* One connection. */
struct my_piece_reader {
	enum my_reader_state state;
	size_t table;           /* that it reads */
};

/* What has become of a table. */
struct my_reading {
	const struct my_table *table;
	bool measured;          /* what follows is known */
	int64_t least, step;    /* of the key's first column; a piece is as wide as that */
	unsigned pieces;        /* 1: whole */
	unsigned next;          /* piece to be asked for; `pieces`: none is left */
	unsigned readers;       /* that are at it */
	bool held;              /* still, by `holder` */
	bool told;              /* that it was read */
};

struct my_readers {
	struct my_snapshot *readers;     /* owned, with the state of each ... */
	struct my_piece_reader *states;
	unsigned count, now;
	bool holds;                      /* ... and behind them the one that holds tables */
	struct my_reading *tables;
	size_t table_count;
	size_t next[2];                  /* to be read: of InnoDB's, and of those that are held */
	size_t ended;                    /* tables that were read, and not told of */
	uint64_t rows;
	int stop_fd;
	struct source_table *names;      /* owned; of InnoDB's, and behind them of those that are held; texts are borrowed */
	size_t native_count, foreign_count;
	size_t held;                     /* that are not read yet */
};

/*
 * Begins the transactions: up to as many as the options want; as my_snapshots_begin. The hold's tables are all that will be read, and
 * outlive the snapshot.
 */
int my_readers_begin(struct my_readers *set, const struct source_options *options, const struct my_server *server, const struct my_hold *hold,
		     struct position *ret_at, struct my_place *place, struct error *err);
void my_readers_done(struct my_readers *set);

/* Begins with these tables, which are borrowed. */
void my_readers_read(struct my_readers *set, const struct my_table *const *tables, size_t count);

/* 1 and a row of a table, which lives until the next call; 0: none has come for a while, or a table was read; -1. */
int my_readers_row(struct my_readers *set, size_t *ret_table, char ***ret_texts, unsigned long **ret_lengths, struct error *err) MUST_CHECK;

/* A table that was read, each once. */
bool my_readers_ended(struct my_readers *set, size_t *ret_table);

#endif
