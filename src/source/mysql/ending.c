/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* A file's last event says that it was closed, or which one is the next: it is asked for where it would begin, by the file's length. */
#include "ending.h"

#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "events.h"
#include "server.h"

#define HEADER_BYTES 19
#define CHECKSUM_BYTES 4
#define ARTIFICIAL 0x20
#define ENCRYPTION_BYTES 512 /* before what positions count in a file that MySQL keeps encrypted */
#define FIRST_OFFSET 4

struct ended_file {
	bool found;           /* it is there ... */
	bool ended;           /* ... and another one comes behind it ... */
	uint64_t bytes;
	uint32_t next;        /* ... of this number */
	size_t next_name_len;
};

/* From MySQL 8.0.14 on a third column tells it. */
static bool encrypted(MYSQL_RES *result, MYSQL_ROW row)
{
	return mysql_num_fields(result) > 2 && row[2] && strcasecmp(row[2], "yes") == 0;
}

static int list(MYSQL *conn, const struct my_server *server, uint32_t number, struct ended_file *ret, struct error *err)
{
	MYSQL_RES *result = my_query(conn, err, "SHOW BINARY LOGS");
	MYSQL_ROW row;

	*ret = (struct ended_file){.found = false};
	if (!result)
		return -1;
	while (!ret->ended && (row = mysql_fetch_row(result))) {
		int64_t is = binlog_file_number(view_of(row[0])) + server->shift;

		if (is == number) {
			ret->found = true;
			ret->bytes = strtoull(row[1], NULL, 10) - (encrypted(result, row) ? ENCRYPTION_BYTES : 0);
		} else if (ret->found) {
			ret->ended = true;
			ret->next = (uint32_t)is;
			ret->next_name_len = strlen(row[0]);
		}
	}
	mysql_free_result(result);
	return 0;
}

/* Whether the event that begins there ends the file. An error of the server says that none does. */
static bool ends_file(struct my_look *look, uint32_t number, uint64_t at, uint64_t bytes)
{
	struct error ignored;
	struct view event;

	if (my_look_open(look, binlog_position(number, at), &ignored) < 0)
		return false;
	while (my_look_next(look, &event, &ignored) > 0) {
		struct reader rd = reader_of(event);
		uint8_t type;
		uint32_t size, end;

		rd_bytes(&rd, 4);
		type = rd_u8(&rd);
		rd_bytes(&rd, 4);
		size = rd_u32le(&rd);
		end = rd_u32le(&rd);
		if (rd.failed || type == EVENT_HEARTBEAT || type == EVENT_HEARTBEAT_V2)
			return false;
		if (end == (uint32_t)bytes && at + size + CHECKSUM_BYTES >= bytes && at + size <= bytes + CHECKSUM_BYTES && !(rd_u16le(&rd) & ARTIFICIAL))
			return type == EVENT_ROTATE || type == EVENT_STOP;
	}
	return false;
}

/* Of the events that end a file. */
static uint64_t longest_end(const struct ended_file *file)
{
	return HEADER_BYTES + 8 + file->next_name_len + CHECKSUM_BYTES;
}

static bool was_closed(struct my_look *look, uint32_t number, const struct ended_file *file)
{
	const uint64_t rotate = longest_end(file), stop = HEADER_BYTES;
	const uint64_t lengths[] = {rotate, rotate - CHECKSUM_BYTES, stop + CHECKSUM_BYTES, stop};

	if (file->bytes > UINT32_MAX) /* all of it would be read for each */
		return false;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		if (file->bytes >= lengths[i] + FIRST_OFFSET && ends_file(look, number, file->bytes - lengths[i], file->bytes))
			return true;
	return false;
}

/* To the next file, or to where this one is cut off. */
static int find_last(struct my_look *look, struct position from, struct position *ret, bool *ret_cut, struct error *err)
{
	*ret_cut = false;
	if (my_look_open(look, from, err) < 0)
		return -1;
	do {
		*ret = look->log.reached;
		if (my_look_pass(look, err) == 0)
			continue;
		*ret_cut = my_stream_is_cut(&look->stream);
		return *ret_cut ? 0 : -1;
	} while (look->log.file == position_file(from));
	return 0;
}

int my_log_ending(MYSQL *conn, struct my_look *look, struct position from, struct position *ret, struct position *ret_next, struct error *err)
{
	uint32_t number = position_file(from);
	struct ended_file file;
	bool cut;
	int result;

	if (list(conn, look->server, number, &file, err) < 0)
		return -1;
	if (!file.ended || was_closed(look, number, &file)) {
		my_look_close(look);
		return 0;
	}
	result = find_last(look, from, ret, &cut, err);
	my_look_close(look);
	*ret_next = binlog_position(file.next, FIRST_OFFSET);
	if (result == 0 && (cut || file.bytes - position_offset(ret->lsn) > longest_end(&file)))
		result = 1;
	return result;
}
