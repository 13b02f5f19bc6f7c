/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The transport of the log: opened at a place, then event after event. This file alone knows how the client library is
 * made to do it; another library has another one.
 */
#ifndef MYSQL_STREAM_H
#define MYSQL_STREAM_H

#include "base/clock.h"
#include "conn.h"

struct my_stream {
	MYSQL *conn;        /* borrowed */
	uint64_t reads;     /* packets */
	uint64_t bytes;
	usec_t heard_at;    /* when the last one came, monotonic */
};

struct my_reader;

/* Asks the server for its log from there on, as that replica; from the beginning of the file if that is behind its first 4 GiB. */
int my_stream_open(struct my_stream *stream, MYSQL *conn, const char *file, uint64_t offset, const struct my_reader *reader,
		   struct error *err);

/* 1 and an event, which lives until the next call; 0: none has come yet; -1, also after a silence of several heartbeats. */
int my_stream_next(struct my_stream *stream, struct view *ret, struct error *err) MUST_CHECK;

/* Behind an error: the log's file ends in the middle of an event. */
bool my_stream_is_cut(const struct my_stream *stream);

/* True if an event, or some of it, can be had without waiting. */
bool my_stream_waits(const struct my_stream *stream);

#endif
