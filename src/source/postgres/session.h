/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* A source's connections and state, which postgres.c and streaming.c share. */
#ifndef POSTGRES_SESSION_H
#define POSTGRES_SESSION_H

#include "conn.h"
#include "facts.h"
#include "part.h"
#include "pgoutput.h"
#include "publication.h"
#include "snapshot.h"
#include "source/source.h"
#include "stream.h"

struct source {
	struct source_options options;  /* borrowed texts */
	PGconn *queries;
	PGconn *replication;
	struct pg_catalogue catalogue;
	struct pg_relations relations;
	struct pgoutput pgoutput;
	struct pg_wanted wanted;
	struct pg_snapshot snapshot;
	uint64_t *files;                /* owned: of the wanted tables, before the slot was made */
	const struct pg_table **reading; /* owned: tables of the snapshot that are read */
	struct pg_part part;
	const struct pg_table *part_table;
	struct pg_delivered delivered;
	struct pg_stream stream;
	bool streaming;
	char peek_slot[64];
	bool publication_skipped;       /* the server warned that it publishes nothing */
	usec_t queries_watched_at;
	uint64_t idle;                  /* last position handed out without a commit */
	struct source_metrics metrics;
};

/* streaming.c: operations, as in struct source_ops */
int pg_start(struct source *source, struct position from, struct error *err);
int pg_peek(struct source *source, enum source_peek from, struct position position, struct position *ret_start,
		   struct error *err);
int pg_kept(struct source *source, struct source_retention *ret, struct error *err);
int pg_wait_fd(struct source *source);
int pg_next(struct source *source, struct change *ret, struct error *err);
int pg_serve(struct source *source, struct error *err);
int pg_confirm(struct source *source, struct position durable, struct error *err);
const struct source_metrics *pg_metrics(struct source *source);

#endif
