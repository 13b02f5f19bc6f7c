/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The encoder's inside, shared by plan.c (names) and envelope.c (the present transaction). */
#ifndef ENCODE_ENCODER_H
#define ENCODE_ENCODER_H

#include "base/arena.h"
#include "base/map.h"
#include "base/writer.h"
#include "encode/plan.h"

/* A table, of all its versions: how many of its changes the present transaction has. */
struct encode_collection {
	const char *name; /* schema.table */
	uint64_t source_id;
	uint64_t epoch;   /* of the counts */
	uint64_t count;
	uint64_t moved;   /* of them changes of the key, which are two events */
	uint64_t last;    /* index of the change counted last */
	struct encode_collection *next; /* in order of the transaction's first change to each */
};

#define CLOCK_BYTES 40      /* three times a branch and a long, and more, to be copied at once */
#define SEQUENCE_BYTES 64   /* ["18446744073709551615","18446744073709551615"] and its length */

/* The source block's parts that are the same for all records of a transaction or snapshot, as they are written. */
struct encode_source {
	uint64_t epoch;                /* which transaction it is, for what plans prepare with it */
	bool in_transaction;
	int64_t ts_ms;
	struct writer head;            /* version to db, and the branch of sequence; binary logs: to snapshot */
	char sequence[SEQUENCE_BYTES]; /* up to the change's own LSN */
	unsigned sequence_len;
	struct writer times;           /* ts_us, ts_ns */
	struct writer txid;            /* txId, and the branch of lsn */
	struct writer file;            /* binary logs: server_id, gtid, file */
	struct writer tail;            /* xmin to origin_lsn (binary logs: thread, query), then the envelope's transaction.id with its branch */
};

struct encoder {
	struct encode_options options; /* its texts are in the arena */
	struct arena arena;
	bool check_text;
	bool binlog;                   /* sources are told of as those of MySQL: by file, offset and row */
	int64_t log_shift;
	char log_name[256];
	struct map topics;             /* topic name -> schema.table */
	struct map collections;        /* source id -> struct encode_collection */
	struct encode_plan messages;
	struct encode_collection message_collection;
	struct encode_plan markers;

	uint64_t epoch;                /* counts transactions and snapshots */
	struct encode_source now;
	char transaction_id[64];
	struct encode_collection *counted;  /* those that have changes in it */
	struct encode_collection **counted_end;
	struct encode_source apart;    /* of messages that belong to no transaction */
	uint64_t snapshot_lsn;         /* of rows of a snapshot that carry none */
	char clock[CLOCK_BYTES];       /* ts_ms, ts_us, ts_ns of the envelope, each with its branch */
	unsigned clock_len;
	unsigned clock_ms_len;         /* of ts_ms alone */
};

/* transaction.c: fills what describes sources and the clock, for a new encoder; and frees it. */
void encoder_prepare(struct encoder *enc);
void encoder_release(struct encoder *enc);

#endif
