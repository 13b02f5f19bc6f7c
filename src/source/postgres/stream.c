/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Streaming replication messages (PostgreSQL documentation 55.4):
 *
 *   from the server  w  u64 start, u64 end, i64 time, payload        XLogData
 *                    k  u64 end, i64 time, u8 reply wanted           primary keepalive
 *   to the server    r  u64 written, u64 flushed, u64 applied, i64 time, u8 reply wanted
 *
 * Only `flushed` moves the slot. The headers' positions of w are no positions to go on from (they are 0/0 for some
 * messages); those come from commits and keepalives.
 */
#include "stream.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/reader.h"
#include "conn.h"
#include "version.h"

#define PG_EPOCH_US (INT64_C(946684800) * USEC_PER_SEC)
#define FEEDBACK_BYTES 34
#define FEEDBACK_MOST_US (10 * USEC_PER_SEC)

/*
 * A server that shuts down asks for a reply again and again until everything is confirmed; in normal life it asks once
 * in half its timeout. When we cannot confirm (Kafka is away), ending the connection lets the server stop.
 */
#define SHUTDOWN_ASKS 200
#define SHUTDOWN_WINDOW_US (3 * USEC_PER_SEC)

static int feedback_interval(PGconn *conn, usec_t *ret, struct error *err)
{
	PGresult *result = pg_query(conn, err, "SHOW wal_sender_timeout");
	const char *text;
	char *unit;
	usec_t timeout;

	if (!result)
		return -1;
	text = pg_value(result, 0, 0);
	timeout = strtol(text, &unit, 10) * (strcmp(unit, "ms") == 0 ? USEC_PER_MSEC :
					     strcmp(unit, "min") == 0 ? 60 * USEC_PER_SEC :
					     strcmp(unit, "h") == 0 ? 3600 * USEC_PER_SEC : USEC_PER_SEC);
	PQclear(result);
	*ret = timeout > 0 && timeout / 3 < FEEDBACK_MOST_US ? timeout / 3 : FEEDBACK_MOST_US;
	return 0;
}

/* Doubles what needs doubling inside of a quoted text. */
static void quote_into(char *to, size_t size, const char *from, char quote)
{
	size_t len = 0;

	for (; *from && len + 3 < size; from++) {
		if (*from == quote)
			to[len++] = quote;
		to[len++] = *from;
	}
	to[len] = '\0';
}

int pg_stream_start(struct pg_stream *stream, PGconn *conn, const struct source_options *options, uint64_t from,
		    bool binary, struct error *err)
{
	char inner[200], names[420];
	char *quoted;
	PGresult *result;

	*stream = (struct pg_stream){.conn = conn, .received = from, .flushed = from, .last_sent = clock_mono()};
	if (feedback_interval(conn, &stream->interval_us, err) < 0)
		return -1;
	quote_into(inner, sizeof(inner), options->publication, '"');
	quote_into(names, sizeof(names), inner, '\'');
	quoted = pg_identifier(conn, options->slot);
	result = pg_query(conn, err,
			  "START_REPLICATION SLOT %s LOGICAL %X/%X (proto_version '1', publication_names '\"%s\"'%s%s%s)",
			  quoted,
			  (unsigned)(from >> 32), (unsigned)from, names,
			  pg_has(PQserverVersion(conn), PG_LOGICAL_MESSAGES) ? ", messages 'true'" : "",
			  options->local_only ? ", origin 'none'" : "", binary ? ", binary 'true'" : "");
	PQfreemem(quoted);
	if (!result)
		return -1;
	PQclear(result);
	pace_begin(&stream->pace, PQsocket(conn));
	return 0;
}

void pg_stream_done(struct pg_stream *stream)
{
	PQfreemem(stream->buffer);
	stream->buffer = NULL;
}

static int end_of_stream(struct pg_stream *stream, struct error *err)
{
	PGresult *result = PQgetResult(stream->conn);

	pg_fail(stream->conn, result, err, "streaming");
	PQclear(result);
	return -1;
}

static int send_feedback(struct pg_stream *stream, struct error *err)
{
	char message[FEEDBACK_BYTES] = "r";
	uint64_t fields[] = {
		htobe64(stream->received), /* written */
		htobe64(stream->flushed),
		htobe64(stream->flushed),  /* applied */
		htobe64((uint64_t)(clock_wall() - PG_EPOCH_US)),
	};

	memcpy(message + 1, fields, sizeof(fields));
	if (PQputCopyData(stream->conn, message, FEEDBACK_BYTES) <= 0 || PQflush(stream->conn) < 0)
		return pg_fail(stream->conn, NULL, err, "sending feedback");
	stream->last_sent = clock_mono();
	stream->reply_wanted = false;
	stream->keepalives_sent++;
	return 0;
}

int pg_stream_serve(struct pg_stream *stream, struct error *err)
{
	if (!stream->reply_wanted && clock_mono() - stream->last_sent < stream->interval_us)
		return 0;
	return send_feedback(stream, err);
}

int pg_stream_confirm(struct pg_stream *stream, uint64_t position, struct error *err)
{
	if (position <= stream->flushed)
		return 0;
	stream->flushed = position;
	if (stream->received < position)
		stream->received = position;
	return send_feedback(stream, err);
}

static int note_asked(struct pg_stream *stream, struct error *err)
{
	usec_t now = clock_mono();

	stream->reply_wanted = true;
	if (now - stream->asked_since > SHUTDOWN_WINDOW_US) {
		stream->asked_since = now;
		stream->asked = 0;
	}
	if (++stream->asked < SHUTDOWN_ASKS || now - stream->asked_since < SHUTDOWN_WINDOW_US / 2)
		return 0;
	return error_set(err, ERROR_TRANSIENT, "the server is shutting down");
}

static int take_keepalive(struct pg_stream *stream, struct reader *rd, enum pg_stream_item *ret, struct error *err)
{
	stream->wal_end = rd_u64be(rd);
	rd_u64be(rd);
	if (rd_u8(rd) && note_asked(stream, err) < 0)
		return -1;
	if (!rd_complete(rd))
		return error_set(err, ERROR_TRANSIENT, "a garbled keepalive message");
	if (stream->wal_end > stream->received)
		stream->received = stream->wal_end;
	*ret = STREAM_POSITION;
	return pg_stream_serve(stream, err);
}

static int take_data(struct pg_stream *stream, struct reader *rd, enum pg_stream_item *ret, struct error *err)
{
	stream->wal_start = rd_u64be(rd);
	rd_u64be(rd);
	rd_u64be(rd);
	stream->message = rd_bytes(rd, rd_left(rd));
	if (rd->failed)
		return error_set(err, ERROR_TRANSIENT, "a garbled XLogData message");
	if (stream->wal_start > stream->received)
		stream->received = stream->wal_start;
	stream->messages++;
	*ret = STREAM_MESSAGE;
	return 0;
}

/* One CopyData message: >0 its length, 0 none whole yet, -1. */
static int take_copy_data(struct pg_stream *stream, struct error *err)
{
	int len;

	PQfreemem(stream->buffer);
	stream->buffer = NULL;
	len = PQgetCopyData(stream->conn, &stream->buffer, 1);
	stream->bytes += len > 0 ? (uint64_t)len : 0;
	return len < 0 ? end_of_stream(stream, err) : len;
}

/* Nothing waits in the kernel, but the end of the connection may. */
static bool nothing_to_read(PGconn *conn)
{
	struct pollfd wait = {.fd = PQsocket(conn), .events = POLLIN};

	return poll(&wait, 1, 0) == 0;
}

int pg_stream_next(struct pg_stream *stream, enum pg_stream_item *ret, struct error *err)
{
	int len = take_copy_data(stream, err);
	struct reader rd;

	*ret = STREAM_NOTHING;
	while (len == 0) {
		if (pace_wait(&stream->pace, PQsocket(stream->conn)) == 0 && nothing_to_read(stream->conn))
			break;
		if (!PQconsumeInput(stream->conn))
			return pg_fail(stream->conn, NULL, err, "streaming");
		len = take_copy_data(stream, err);
	}
	if (len <= 0)
		return len;
	rd = reader_of((struct view){stream->buffer, (size_t)len});
	switch (rd_u8(&rd)) {
	case 'w':
		return take_data(stream, &rd, ret, err);
	case 'k':
		return take_keepalive(stream, &rd, ret, err);
	default:
		return error_set(err, ERROR_TRANSIENT, "an unknown message of type 0x%02x in the stream",
				 (unsigned char)stream->buffer[0]);
	}
}
