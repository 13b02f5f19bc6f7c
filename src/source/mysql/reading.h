/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* A source of this kind: its connections and its state (mysql.c), and how its log is read (streaming.c): the operations of source.h. */
#ifndef MYSQL_READING_H
#define MYSQL_READING_H

#include "binlog.h"
#include "conn.h"
#include "expiry.h"
#include "history.h"
#include "look.h"
#include "part.h"
#include "place.h"
#include "readers.h"
#include "recall.h"
#include "server.h"
#include "shapes.h"
#include "source/source.h"
#include "stream.h"

struct source {
	struct source_options options;   /* borrowed texts */
	MYSQL *queries;
	MYSQL *dump;
	struct my_server server;
	struct my_charsets charsets;
	struct my_tables tables;
	const struct source_table *wanted; /* borrowed */
	size_t wanted_count;
	struct binlog log;
	struct my_place place;
	struct my_reader reader;
	struct my_history history;
	struct my_shapes shapes;
	struct my_stream stream;
	struct my_recall recall;
	struct my_look look;
	struct position looked_at;       /* in which file of the log it was looked how that ends ... */
	struct position ends, goes_on;   /* ... if it was ended by a crash: at its last whole transaction, and there */
	bool streaming;
	struct position idle;            /* the last that was handed out */
	unsigned idle_groups;
	struct position durable;         /* all before it may be forgotten */
	struct my_expiry expiry;
	struct my_readers readers;       /* of the snapshot */
	struct source_progress expected; /* of its tables */
	const struct my_table *reading;  /* table of the part being read */
	struct my_part part;
	struct source_metrics metrics;
};

int my_start(struct source *source, struct position from, struct error *err) MUST_CHECK;
int my_peek(struct source *source, enum source_peek from, struct position position, struct position *ret_start, struct error *err) MUST_CHECK;
int my_retention(struct source *source, struct source_retention *ret, struct error *err) MUST_CHECK;
int my_lasts(struct source *source, struct position at, struct view place, uint64_t *ret_seconds, struct error *err) MUST_CHECK;
int my_wait_fd(struct source *source);
int my_next(struct source *source, struct change *ret, struct error *err) MUST_CHECK;
int my_serve(struct source *source, struct error *err) MUST_CHECK;
int my_confirm(struct source *source, struct position durable, struct error *err) MUST_CHECK;
int my_follow(struct source *source, struct position from, struct position *ret, struct error *err) MUST_CHECK;
void my_write_place(struct source *source, struct writer *to);
int my_layouts(struct source *source, const struct table *const *tables, size_t count, struct arena *arena, const char **ret,
		   struct error *err) MUST_CHECK;
int my_layout_change(struct source *source, const char *before, const char *now, const char **ret_reason, struct error *err) MUST_CHECK;
bool my_write_history(struct source *source, struct writer *to);
const struct source_metrics *my_metrics(struct source *source);

#endif
