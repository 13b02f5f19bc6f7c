/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Streaming once more; nothing of it is handed out. */
#include "look.h"

#include <poll.h>

#include "base/memory.h"
#include "server.h"
#include "source/source.h"

#define WAIT_MS 1000

void my_look_init(struct my_look *look, const struct source_options *options, const struct my_server *server)
{
	*look = (struct my_look){.options = options, .server = server};
	my_tables_init(&look->tables, NULL, NULL);
	binlog_init(&look->log, &look->tables);
	look->log.quiet = true;
}

void my_look_close(struct my_look *look)
{
	if (look->conn)
		mysql_close(look->conn);
	look->conn = NULL;
}

void my_look_done(struct my_look *look)
{
	my_look_close(look);
	binlog_done(&look->log);
	my_tables_done(&look->tables);
}

int my_look_open(struct my_look *look, struct position from, struct error *err)
{
	struct my_reader guest;
	char algorithm[32], file[300];

	my_look_close(look);
	my_reader_init(&guest, look->options, true);
	if (my_connect(&look->options->login, &look->conn, err) < 0 ||
	    my_server_prepare(look->conn, &guest, algorithm, sizeof(algorithm), err) < 0)
		return -1;
	look->checksums = strcmp(algorithm, "CRC32") == 0;
	my_server_file(look->server, from, file, sizeof(file));
	binlog_restart(&look->log, from, look->checksums);
	look->log.shift = look->server->shift;
	return my_stream_open(&look->stream, look->conn, file, position_offset(from.lsn), &guest, err);
}

int my_look_next(struct my_look *look, struct view *ret, struct error *err)
{
	int came;

	while ((came = my_stream_next(&look->stream, ret, err)) == 0) {
		struct pollfd wait = {.fd = mysql_get_socket(look->conn), .events = POLLIN};

		poll(&wait, 1, WAIT_MS);
	}
	return came;
}

int my_look_pass(struct my_look *look, struct error *err)
{
	struct view event;
	struct change none;

	if (my_look_next(look, &event, err) < 0)
		return -1;
	return binlog_decode(&look->log, event, &none, err) < 0 ? -1 : 0;
}
