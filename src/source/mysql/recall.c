/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The decoder is the same: a second one, which hands out what the first has passed by. */
#include "recall.h"

#include <string.h>

#include "base/log.h"
#include "server.h"
#include "source/source.h"

#define KEPT_BYTES (128 * 1024) /* of one group */
#define LEAST_OFFSET 4
#define SEARCH_US (60 * USEC_PER_SEC)

void my_recall_init(struct my_recall *recall, const struct source_options *options, const struct my_server *server, struct my_tables *tables)
{
	*recall = (struct my_recall){.active = false};
	my_look_init(&recall->look, options, server);
	binlog_init(&recall->log, tables);
	recall->log.recalling = true;
}

static void stop(struct my_recall *recall)
{
	my_look_close(&recall->look);
	recall->active = false;
}

void my_recall_done(struct my_recall *recall)
{
	my_look_done(&recall->look);
	binlog_done(&recall->log);
	for (size_t i = 0; i < RECALL_KEPT; i++)
		wr_done(&recall->kept[i].events);
}

/* What is kept -------------------------------------------------------------------------------- */

static struct my_kept_group *find_kept(struct my_recall *recall, struct position at)
{
	for (size_t i = 0; i < RECALL_KEPT; i++)
		if (recall->kept[i].at.kind != POSITION_NONE && position_compare(recall->kept[i].at, at) == 0)
			return &recall->kept[i];
	return NULL;
}

static struct my_kept_group *begin_keeping(struct my_recall *recall, const struct binlog *log)
{
	struct my_kept_group *group = &recall->kept[recall->next];

	recall->next = (recall->next + 1) % RECALL_KEPT;
	group->at = log->txn.final;
	group->checksums = log->checksums;
	group->too_large = false;
	wr_clear(&group->events);
	return group;
}

static void put(struct my_kept_group *group, struct view event)
{
	uint32_t len = (uint32_t)event.len;

	group->too_large |= group->events.len + event.len > KEPT_BYTES;
	if (group->too_large)
		return;
	wr_bytes(&group->events, &len, sizeof(len));
	wr_view_bytes(&group->events, event);
}

void my_recall_keep(struct my_recall *recall, const struct binlog *log, struct view event)
{
	struct my_kept_group *group;

	if (!log->prepared || recall->active)
		return;
	group = find_kept(recall, log->txn.final);
	if (!group)
		group = begin_keeping(recall, log);
	put(group, event);
}

/* The log again ------------------------------------------------------------------------------- */

static int too_long(const struct binlog *log, struct error *err)
{
	error_state(err, STATE_UNSUPPORTED, "a transaction in two phases is committed (XA COMMIT %.*s) that was prepared before the reading began; where that "
		    "stands in the log was not found within %d s", VIEW_ARG(log->xid), (int)(SEARCH_US / USEC_PER_SEC));
	return error_hint(err, "begin anew with a snapshot while no transaction is prepared (XA RECOVER)");
}

/* All of a file but what is behind the group at hand. */
static int look_through(struct my_look *look, const struct binlog *log, uint32_t file, usec_t until, struct error *err)
{
	if (my_look_open(look, binlog_position(file, LEAST_OFFSET), err) < 0)
		return -1;
	while (look->log.file == file && position_compare(look->log.reached, log->txn.final) < 0) {
		if (my_look_pass(look, err) < 0)
			return my_stream_is_cut(&look->stream) ? 0 : -1;
		if (clock_mono() > until)
			return too_long(log, err);
	}
	return 0;
}

static int not_found(const struct binlog *log, struct error *err)
{
	error_state(err, STATE_GAP, "a transaction in two phases is committed (XA COMMIT %.*s), and the server's log does not have its first phase "
		    "any more", VIEW_ARG(log->xid));
	return error_hint(err, "begin anew with a snapshot");
}

/* It was prepared before we began to read: the newest file that has it, from the one at hand back. One of its name that is done is not it. */
static int search(struct my_recall *recall, struct binlog *log, MYSQL *queries, struct position *ret, struct error *err)
{
	struct my_prepared_set seen = {0};
	usec_t until = clock_mono() + SEARCH_US;
	const struct my_prepared *found = NULL;
	struct position start;
	int result = my_log_start(queries, recall->look.server, &start, err);

	recall->look.log.prepared_set = &seen;
	recall->look.log.wanted = log->xid;
	for (uint32_t file = log->file; result == 0 && !found && file >= position_file(start); file--) {
		result = look_through(&recall->look, log, file, until, err);
		found = my_prepared_find(&seen, log->xid);
	}
	recall->look.log.prepared_set = NULL;
	recall->look.log.wanted = VIEW_NONE;
	if (found && found->settled.kind == POSITION_NONE && result == 0)
		*ret = found->at;
	else if (result == 0)
		result = not_found(log, err);
	my_prepared_done(&seen);
	return result;
}

/* Both ---------------------------------------------------------------------------------------- */

static int read_again(struct my_recall *recall, const struct binlog *log, struct error *err)
{
	char place[POSITION_TEXT_BYTES];

	position_print(log->recalled_from, place);
	log_info(recall->look.options->name, "the rows of XA %.*s are read again from %s", VIEW_ARG(log->xid), place);
	return my_look_open(&recall->look, log->recalled_from, err);
}

static int begin(struct my_recall *recall, struct binlog *log, MYSQL *queries, struct error *err)
{
	struct position from = log->recalled_from;
	struct my_kept_group *group;

	recall->rules = log->tables->rules;
	recall->had_rows = false;
	if (from.kind == POSITION_NONE && search(recall, log, queries, &from, err) < 0)
		return -1;
	log->recalled_from = from;
	group = find_kept(recall, from);
	recall->group = group && !group->too_large ? group : NULL;
	if (recall->group)
		recall->rest = reader_of(wr_view(&group->events));
	else if (read_again(recall, log, err) < 0)
		return -1;
	binlog_restart(&recall->log, from, recall->group ? group->checksums : recall->look.checksums);
	recall->log.shift = log->shift;
	recall->active = true;
	return 0;
}

static int next_event(struct my_recall *recall, struct view *ret, struct error *err)
{
	uint32_t len;

	if (!recall->group)
		return my_stream_next(&recall->look.stream, ret, err);
	if (!rd_left(&recall->rest))
		return error_set(err, ERROR_INTERNAL, "a group that was kept has no end");
	memcpy(&len, rd_bytes(&recall->rest, sizeof(len)).ptr, sizeof(len));
	*ret = rd_bytes(&recall->rest, len);
	return 1;
}

static int end(struct my_recall *recall, struct binlog *log, struct change *ret, struct error *err)
{
	if (!recall->log.xid.len || strncasecmp(recall->log.xid.ptr, log->xid.ptr, log->xid.len) != 0 || recall->log.xid.len != log->xid.len) {
		error_state(err, STATE_DIVERGED, "the server's log has another transaction where XA %.*s was prepared", VIEW_ARG(log->xid));
		return error_hint(err, "its log was reset: begin anew with a snapshot");
	}
	stop(recall);
	my_tables_forget(log->tables);
	log->tables->rules = recall->rules;
	return binlog_settle(log, recall->had_rows, ret);
}

/* Changes of the second look, as of the transaction that the log is at. */
static int take(struct my_recall *recall, struct binlog *log, struct change *ret)
{
	if (ret->op == CHANGE_COMMIT)
		return 0;
	ret->txn = &log->txn;
	recall->had_rows = true;
	return 1;
}

int my_recall_next(struct my_recall *recall, struct binlog *log, MYSQL *queries, struct change *ret, struct error *err)
{
	struct view event;
	int got, came;

	if (!recall->active && begin(recall, log, queries, err) < 0)
		return -1;
	got = binlog_more(&recall->log, ret, err);
	while (!got) {
		came = next_event(recall, &event, err);
		if (came <= 0)
			return came < 0 && err->state == STATE_GAP ? not_found(log, err) : came;
		got = binlog_decode(&recall->log, event, ret, err);
		if (!got && !recall->log.grouped && position_compare(recall->log.reached, log->recalled_from) > 0)
			return end(recall, log, ret, err);
	}
	if (got < 0)
		return -1;
	return take(recall, log, ret) ? 1 : end(recall, log, ret, err);
}

int my_recall_fd(const struct my_recall *recall)
{
	return recall->active && recall->look.conn ? (int)mysql_get_socket(recall->look.conn) : -1;
}
