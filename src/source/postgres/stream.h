/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The streaming end: CopyBoth on a replication connection, keepalives and feedback. It hands out the messages of the
 * plugin, one at a time, and says when everything so far has been seen.
 */
#ifndef POSTGRES_STREAM_H
#define POSTGRES_STREAM_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/view.h"
#include "pace.h"
#include "source/source.h"

enum pg_stream_item {
	STREAM_NOTHING,
	STREAM_MESSAGE,  /* view and wal_start */
	STREAM_POSITION, /* wal_end: all before it has been sent */
};

struct pg_stream {
	PGconn *conn;          /* borrowed */
	struct pace pace;
	char *buffer;          /* of the present message, libpq's */
	struct view message;
	uint64_t wal_start;
	uint64_t wal_end;      /* of the last keepalive */
	uint64_t received;     /* highest position seen */
	uint64_t flushed;      /* confirmed by us */
	usec_t last_sent;      /* monotonic, of our last feedback */
	usec_t interval_us;    /* at least that often */
	bool reply_wanted;
	usec_t asked_since;    /* start of the second in which replies are counted */
	unsigned asked;        /* replies wanted in it */
	uint64_t messages;
	uint64_t bytes;        /* of all messages; with pace.reads the metric of how well reads are paced */
	uint64_t keepalives_sent;
};

/* Sends START_REPLICATION. The publication's name and the options that this server's version has go with it. */
int pg_stream_start(struct pg_stream *stream, PGconn *conn, const struct source_options *options, uint64_t from,
		    bool binary, struct error *err);
void pg_stream_done(struct pg_stream *stream);

/* The next item; never waits, but may nap as pace.h says. */
int pg_stream_next(struct pg_stream *stream, enum pg_stream_item *ret, struct error *err);

/* Feedback if it is due, or wanted by the server. Reads nothing. */
int pg_stream_serve(struct pg_stream *stream, struct error *err);

/* Everything before it is durable with us. Never goes back. */
int pg_stream_confirm(struct pg_stream *stream, uint64_t position, struct error *err);

#endif
