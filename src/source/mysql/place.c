/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Where to go on in the log of another server: in the newest file before which nothing is missing to us, from its beginning. What
 * of that file is done is told by its transactions' names.
 */
#include "place.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/writer.h"
#include "binlog.h"
#include "server.h"
#include "snapshot.h"

#define FIRST_OFFSET 4 /* behind the magic number of a file */

void my_place_done(struct my_place *place)
{
	gtid_set_done(&place->done);
	my_prepared_done(&place->prepared);
	*place = (struct my_place){.shift = 0};
}

int my_place_parse(struct my_place *place, struct view text, struct error *err)
{
	struct view shift = view_take(&text, ' '), until = view_take(&text, ' '), done = view_take(&text, ' ');
	char number[24];

	my_place_done(place);
	if (!shift.len)
		return 0;
	snprintf(number, sizeof(number), "%.*s", VIEW_ARG(view_cut(shift, sizeof(number) - 1)));
	place->shift = strtoll(number, NULL, 10);
	if (!view_is(until, "none") && position_parse(until, &place->until) < 0)
		return error_set(err, ERROR_INPUT, "the state file has a place in the log that cannot be read: %.*s", VIEW_ARG(until));
	if (gtid_set_parse(&place->done, done, err) < 0)
		return -1;
	return my_prepared_parse(&place->prepared, text, err);
}

void my_place_print(const struct my_place *place, struct writer *to)
{
	struct writer set = {0};
	char until[POSITION_TEXT_BYTES];

	position_print(place->until, until);
	gtid_set_print(&place->done, &set);
	wr_printf(to, "%" PRId64 " %s ", place->shift, until);
	wr_view_bytes(to, wr_view(&set));
	my_prepared_print(&place->prepared, to);
	wr_done(&set);
}

/* What one row of one column says, however long. */
static int ask_set(MYSQL *conn, struct gtid_set *set, struct error *err, const char *query)
{
	MYSQL_RES *result = my_query(conn, err, "%s", query);
	MYSQL_ROW row;
	int status;

	if (!result)
		return -1;
	row = mysql_fetch_row(result);
	status = gtid_set_parse(set, view_of(row && row[0] ? row[0] : ""), err);
	mysql_free_result(result);
	return status;
}

static int ask_executed(MYSQL *conn, const struct my_server *server, struct gtid_set *set, struct error *err)
{
	return ask_set(conn, set, err, server->family == FAMILY_MARIADB ? "SELECT @@GLOBAL.gtid_binlog_pos" : "SELECT @@GLOBAL.gtid_executed");
}

/* MariaDB can tell it for any position between transactions, MySQL for its log's end. */
int my_place_ask(MYSQL *conn, const struct my_server *server, struct my_place *place, struct position at, struct error *err)
{
	char query[600];

	if (!server->gtids)
		return 0;
	if (server->family == FAMILY_MYSQL)
		return ask_executed(conn, server, &place->done, err);
	snprintf(query, sizeof(query), "SELECT BINLOG_GTID_POS('%s.%06" PRId64 "', %" PRIu64 ")", server->log_base,
		 position_file(at) - server->shift, position_offset(at.lsn));
	return ask_set(conn, &place->done, err, query);
}

int my_place_check(MYSQL *conn, const struct my_server *server, const struct my_place *place, struct error *err)
{
	struct gtid_set executed = {0};
	struct writer missing = {0};
	int status = server->gtids ? ask_executed(conn, server, &executed, err) : 0;

	if (status == 0 && server->gtids && !gtid_set_covers(&executed, &place->done, &missing)) {
		status = error_state(err, STATE_DIVERGED, "the server does not have transactions any more that were published: %.*s",
				     VIEW_ARG(view_cut(wr_view(&missing), 300)));
		error_hint(err, "its log was reset, or it was restored from a backup: begin anew with a snapshot");
	}
	gtid_set_done(&executed);
	wr_done(&missing);
	return status;
}

/* Another server ------------------------------------------------------------------------------- */

static int lacks(MYSQL *conn, const struct my_server *server, const struct my_place *place, struct error *err)
{
	struct gtid_set executed = {0};
	struct writer missing = {0};
	int status = ask_executed(conn, server, &executed, err);

	if (status == 0 && !gtid_set_covers(&executed, &place->done, &missing)) {
		status = error_state(err, STATE_MISMATCH, "the server is another one than that of the state file, and does not have "
				     "transactions that were published: %.*s", VIEW_ARG(view_cut(wr_view(&missing), 300)));
		error_hint(err, "if it is a replica that is behind, wait; one whose log does not have what it replicates (log_slave_updates) "
			   "cannot be read; if it was promoted without them, consumers hold events that the source does not have: begin anew "
			   "with a snapshot");
	}
	gtid_set_done(&executed);
	wr_done(&missing);
	return status;
}

static int gone(const struct gtid_set *before, const struct my_place *place, struct error *err)
{
	struct writer missing = {0};

	gtid_set_covers(&place->done, before, &missing);
	error_state(err, STATE_GAP, "the server is another one than that of the state file, and has removed from its log what comes next: %.*s",
		    VIEW_ARG(view_cut(wr_view(&missing), 300)));
	wr_done(&missing);
	return error_hint(err, "go to a server that still has it; or begin anew with a snapshot");
}

/* A file begins with the transactions of all files before it: "uuid:1-5", "[0-1-5]". */
static int ask_before(MYSQL *conn, const char *file, struct gtid_set *before, struct error *err)
{
	MYSQL_RES *result = my_query(conn, err, "SHOW BINLOG EVENTS IN '%s' LIMIT 4", file);
	int status = 0;
	MYSQL_ROW row;

	if (!result)
		return -1;
	gtid_set_done(before);
	while (status == 0 && (row = mysql_fetch_row(result))) {
		struct view text = view_of(row[5] ? row[5] : "");

		if (strcmp(row[2], "Previous_gtids") != 0 && strcmp(row[2], "Gtid_list") != 0)
			continue;
		if (text.len >= 2 && text.ptr[0] == '[')
			text = (struct view){text.ptr + 1, text.len - 2};
		status = gtid_set_parse(before, text, err);
	}
	mysql_free_result(result);
	return status;
}

/* The names of the log's files, the oldest first. */
static int list_files(MYSQL *conn, MYSQL_RES **ret, struct error *err)
{
	*ret = my_query(conn, err, "SHOW BINARY LOGS");
	return *ret ? 0 : -1;
}

static int find_file(MYSQL *conn, const struct my_place *place, MYSQL_RES *files, int64_t *ret, struct error *err)
{
	struct gtid_set before = {0};
	struct writer missing = {0};
	int found = 0;

	for (my_ulonglong i = mysql_num_rows(files); i > 0 && found == 0; i--) {
		MYSQL_ROW row;

		mysql_data_seek(files, i - 1);
		row = mysql_fetch_row(files);
		if (ask_before(conn, row[0], &before, err) < 0)
			found = -1;
		else if (gtid_set_covers(&place->done, &before, &missing) && (*ret = binlog_file_number(view_of(row[0]))) >= 0)
			found = 1;
		wr_clear(&missing);
	}
	if (found == 0)
		found = gone(&before, place, err);
	wr_done(&missing);
	gtid_set_done(&before);
	return found < 0 ? -1 : 0;
}

/* All files are there whose beginnings are known, but MySQL may know of more that it has done without them. */
static int check_purged(MYSQL *conn, const struct my_server *server, const struct my_place *place, struct error *err)
{
	struct gtid_set purged = {0};
	struct writer missing = {0};
	int status = 0;

	if (server->family == FAMILY_MYSQL)
		status = ask_set(conn, &purged, err, "SELECT @@GLOBAL.gtid_purged");
	if (status == 0 && !gtid_set_covers(&place->done, &purged, &missing))
		status = gone(&purged, place, err);
	wr_done(&missing);
	gtid_set_done(&purged);
	return status;
}

int my_place_follow(MYSQL *conn, struct my_server *server, struct my_place *place, struct position from, struct position *ret,
		    struct error *err)
{
	MYSQL_RES *files;
	int64_t number = 0;
	int status;

	if (!server->gtids || !place->done.count)
		return 0;
	if (lacks(conn, server, place, err) < 0 || check_purged(conn, server, place, err) < 0 || list_files(conn, &files, err) < 0)
		return -1;
	status = find_file(conn, place, files, &number, err);
	mysql_free_result(files);
	if (status < 0)
		return -1;
	my_prepared_done(&place->prepared); /* they stand elsewhere in its log */
	server->shift = place->shift = (int64_t)position_file(from) + 1 - number;
	*ret = binlog_position(position_file(from) + 1, FIRST_OFFSET);
	return my_log_end(conn, server, &place->until, err) < 0 ? -1 : 1;
}
