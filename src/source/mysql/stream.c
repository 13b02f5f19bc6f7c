/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The dump by MariaDB Connector/C. Its own functions for it do not know the events of newer servers, so the command is
 * sent through the library's table of methods and the answer is read packet by packet (MySQL client/server protocol,
 * COM_BINLOG_DUMP): a byte 0 and an event; 0xff and an error; 0xfe alone: the end.
 */
#include "stream.h"

#include <mysqld_error.h>
#include <poll.h>

#include "base/writer.h"
#include "server.h"

#define SILENCE_US (30 * USEC_PER_SEC) /* six heartbeats (server.c) */
#define DUMP 18 /* COM_BINLOG_DUMP */
#define REGISTER 21 /* COM_REGISTER_SLAVE */
#define LEAST_OFFSET 4 /* behind the magic number of a file */

static void put_le(struct writer *to, uint64_t value, size_t bytes)
{
	value = htole64(value);
	wr_bytes(to, &value, bytes);
}

static void put_text(struct writer *to, const char *text)
{
	put_le(to, strlen(text), 1);
	wr_bytes(to, text, strlen(text));
}

/* So that SHOW REPLICAS tells a DBA who reads (MySQL client/server protocol, COM_REGISTER_SLAVE). */
static int register_reader(MYSQL *conn, const struct my_reader *reader, struct error *err)
{
	struct writer command = {0};
	int failed;

	put_le(&command, reader->number, 4);
	put_text(&command, reader->host);
	put_text(&command, "");
	put_text(&command, "");
	put_le(&command, 0, 2); /* port */
	put_le(&command, 0, 8); /* rank, and the number of the source */
	failed = conn->methods->db_command(conn, REGISTER, command.data, command.len, 0, NULL);
	wr_done(&command);
	return failed ? my_fail(conn, err, "registering as a replica") : 0;
}

int my_stream_open(struct my_stream *stream, MYSQL *conn, const char *file, uint64_t offset, const struct my_reader *reader,
		   struct error *err)
{
	struct writer command = {0};
	int failed;

	*stream = (struct my_stream){.conn = conn, .heard_at = clock_mono()};
	if (register_reader(conn, reader, err) < 0)
		return -1;
	put_le(&command, offset < LEAST_OFFSET || offset > UINT32_MAX ? LEAST_OFFSET : offset, 4);
	put_le(&command, 0, 2);
	put_le(&command, reader->number, 4);
	wr_bytes(&command, file, strlen(file));
	failed = conn->methods->db_command(conn, DUMP, command.data, command.len, 1, NULL);
	wr_done(&command);
	return failed ? my_fail(conn, err, "asking for the log") : 0;
}

bool my_stream_waits(const struct my_stream *stream)
{
	struct pollfd wait = {.fd = mysql_get_socket(stream->conn), .events = POLLIN};

	return my_has_input(stream->conn) || poll(&wait, 1, 0) != 0;
}

bool my_stream_is_cut(const struct my_stream *stream)
{
	return strstr(mysql_error(stream->conn), "truncated in the middle of event") != NULL;
}

/* Errors of the stream that no reconnection mends. */
static const struct {
	const char *words;
	enum named_state state;
	const char *hint;
} lasting[] = {
	{"Could not find first log file", STATE_GAP, "the log needed was removed: a new snapshot is needed"},
	{"purged", STATE_GAP, "the log needed was removed: a new snapshot is needed"},
	{"impossible position", STATE_DIVERGED, "the server's log was reset, or is another one: a new snapshot is needed"},
	{"server_uuid/server_id", STATE_CONFLICT, "another reader has the same number: set source.server_id to one of its own"},
	{"same server_id", STATE_CONFLICT, "another reader has the same number: set source.server_id to one of its own"},
};

static int explain(struct my_stream *stream, struct error *err)
{
	const char *message = mysql_error(stream->conn);

	for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++) {
		if (!strstr(message, lasting[i].words))
			continue;
		error_state(err, lasting[i].state, "the server: %s", message);
		return error_hint(err, "%s", lasting[i].hint);
	}
	return my_fail(stream->conn, err, "streaming");
}

/* A server whose machine is gone says nothing, and neither does the network. */
static int check_silence(const struct my_stream *stream, struct error *err)
{
	if (clock_mono() - stream->heard_at < SILENCE_US)
		return 0;
	return error_set(err, ERROR_TRANSIENT, "the server has not said anything for %d s, not even a heartbeat", (int)(SILENCE_US / USEC_PER_SEC));
}

int my_stream_next(struct my_stream *stream, struct view *ret, struct error *err)
{
	unsigned long len;
	const char *packet;

	if (!my_stream_waits(stream))
		return check_silence(stream, err);
	len = mysql_net_read_packet(stream->conn);
	packet = (const char *)stream->conn->net.read_pos;
	if (len == packet_error)
		return explain(stream, err);
	if (!len || packet[0] != 0)
		return error_set(err, ERROR_TRANSIENT, "the server has ended the stream");
	stream->heard_at = clock_mono();
	stream->reads++;
	stream->bytes += len;
	*ret = (struct view){packet + 1, len - 1};
	return 1;
}
