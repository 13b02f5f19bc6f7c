/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "expiry.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "binlog.h"
#include "events.h"
#include "server.h"
#include "snapshot.h"
#include "source/source.h"
#include "stream.h"

#define NEVER UINT64_MAX
#define DAY_S 86400
#define BEGINNING 4        /* behind the magic number of a file */
#define PATIENCE_US (5 * USEC_PER_SEC)
#define FORMAT_DESCRIPTION 15
#define TYPE_AT 4          /* in an event: behind its time */

/* Servers have one of the first two, or both, of which the seconds count unless they are none. */
static int ask_age(MYSQL *conn, uint64_t *ret_seconds, int64_t *ret_now, struct error *err)
{
	char seconds[32], days[32], purges[16], now[32];

	if (my_variable(conn, "binlog_expire_logs_seconds", seconds, sizeof(seconds), err) < 0 ||
	    my_variable(conn, "expire_logs_days", days, sizeof(days), err) < 0 ||
	    my_variable(conn, "binlog_expire_logs_auto_purge", purges, sizeof(purges), err) < 0 ||
	    my_value(conn, now, sizeof(now), err, "SELECT UNIX_TIMESTAMP()") < 0)
		return -1;
	*ret_now = strtoll(now, NULL, 10);
	*ret_seconds = strtoull(seconds, NULL, 10);
	if (!*ret_seconds) /* MariaDB: of a day, too */
		*ret_seconds = (uint64_t)(strtod(days, NULL) * DAY_S);
	if (!*ret_seconds || strcmp(purges, "OFF") == 0)
		*ret_seconds = NEVER;
	return 0;
}

/* The first event that is in the file, other than what is said before it; its time is when the file was begun. */
static int read_beginning(MYSQL *conn, const char *file, const struct my_reader *reader, int64_t *ret, struct error *err)
{
	usec_t until = clock_mono() + PATIENCE_US;
	struct my_stream stream;
	struct view event;
	int came = 0;

	if (my_stream_open(&stream, conn, file, BEGINNING, reader, err) < 0)
		return -1;
	while (came >= 0 && clock_mono() < until) {
		struct pollfd wait = {.fd = mysql_get_socket(conn), .events = POLLIN};

		came = my_stream_next(&stream, &event, err);
		if (came == 0)
			poll(&wait, 1, 100);
		if (came <= 0 || event.len <= TYPE_AT || (uint8_t)event.ptr[TYPE_AT] != FORMAT_DESCRIPTION)
			continue;
		*ret = (uint8_t)event.ptr[0] | (int64_t)(uint8_t)event.ptr[1] << 8 | (int64_t)(uint8_t)event.ptr[2] << 16 |
		       (int64_t)(uint8_t)event.ptr[3] << 24;
		return 0;
	}
	return came < 0 ? -1 : error_set(err, ERROR_TRANSIENT, "the server does not send its log's file %s", file);
}

/* By a connection of its own: one that streams can do nothing else. */
static int ask_beginning(const struct source_options *options, const char *file, int64_t *ret, struct error *err)
{
	struct my_reader reader;
	char algorithm[32];
	MYSQL *conn;
	int status;

	my_reader_init(&reader, options, true);
	if (my_connect(&options->login, &conn, err) < 0)
		return -1;
	status = my_server_prepare(conn, &reader, algorithm, sizeof(algorithm), err);
	if (status == 0)
		status = read_beginning(conn, file, &reader, ret, err);
	mysql_close(conn);
	return status;
}

/* The name of the file behind the one of that number: 1; 0 if that one is not there, or there is none behind it. */
static int find_next(MYSQL *conn, int64_t number, char *ret, size_t size, struct error *err)
{
	MYSQL_RES *result = my_query(conn, err, "SHOW BINARY LOGS");
	bool there = false;
	int found = 0;
	MYSQL_ROW row;

	if (!result)
		return -1;
	while (!found && (row = mysql_fetch_row(result))) {
		if (there)
			found = snprintf(ret, size, "%s", row[0]) > 0;
		there |= binlog_file_number(view_of(row[0])) == number;
	}
	mysql_free_result(result);
	return found;
}

static int ask_end(struct my_expiry *expiry, MYSQL *conn, const struct my_server *server, const struct source_options *options,
		   uint32_t file, struct error *err)
{
	char name[300];
	int found;

	if (expiry->file == file && expiry->ended_at)
		return 1;
	*expiry = (struct my_expiry){.file = file};
	found = find_next(conn, (int64_t)file - server->shift, name, sizeof(name), err);
	return found <= 0 ? found : ask_beginning(options, name, &expiry->ended_at, err) < 0 ? -1 : 1;
}

int my_expiry_ask(struct my_expiry *expiry, MYSQL *conn, const struct my_server *server, const struct source_options *options,
		  struct position at, uint64_t *ret_seconds, struct error *err)
{
	struct position end;
	int64_t now, gone_at;
	uint64_t age;
	int known;

	*ret_seconds = NEVER;
	if (at.kind != POSITION_BINLOG)
		return 0;
	if (ask_age(conn, &age, &now, err) < 0 || my_log_end(conn, server, &end, err) < 0)
		return -1;
	if (age == NEVER)
		return 0;
	*ret_seconds = age;
	if (position_file(at) >= position_file(end))
		return 0;
	known = ask_end(expiry, conn, server, options, position_file(at), err);
	if (known < 0)
		return -1;
	gone_at = known ? expiry->ended_at + (int64_t)age : 0;
	*ret_seconds = gone_at > now ? (uint64_t)(gone_at - now) : 0;
	return 0;
}
