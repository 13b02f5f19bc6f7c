/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The log as it comes: where it is begun, what of it is passed by, what its place is called, and how long it lasts. */
#include <string.h>

#include "base/log.h"
#include "base/writer.h"
#include "ending.h"
#include "prove.h"
#include "reading.h"

#define IDLE_GROUPS 1000 /* so many transactions without a row for us are told of as a position that was reached */

static int prepare_dump(struct source *source, bool *ret_checksums, struct error *err)
{
	char algorithm[32];

	if (source->dump)
		mysql_close(source->dump);
	source->dump = NULL;
	if (my_connect(&source->options.login, &source->dump, err) < 0)
		return -1;
	if (my_reader_check(source->queries, &source->server, &source->reader, err) < 0 ||
	    my_server_prepare(source->dump, &source->reader, algorithm, sizeof(algorithm), err) < 0)
		return -1;
	*ret_checksums = strcmp(algorithm, "CRC32") == 0;
	return 0;
}

/* What is not known of it can be asked for where all is read, or of a server that can tell it for any place. */
static int know_place(struct source *source, struct position from, struct error *err)
{
	struct position end;

	if (source->place.done.count)
		return my_place_check(source->queries, &source->server, &source->place, err);
	if (my_log_end(source->queries, &source->server, &end, err) < 0)
		return -1;
	if (source->server.family == FAMILY_MYSQL && position_compare(from, end) != 0)
		return 0;
	return my_place_ask(source->queries, &source->server, &source->place, from, err);
}

/* Where the log does not tell of them. */
static int know_shapes(struct source *source, struct position from, struct error *err)
{
	int tells = my_log_tells_shapes(source->queries, err);

	if (tells < 0)
		return -1;
	my_shapes_start(&source->shapes, from);
	source->shapes.follows = !tells;
	if (tells)
		return 0;
	return my_shapes_learn(source->queries, &source->look, &source->shapes, source->wanted, source->wanted_count, from, false, err);
}

static int open_stream(struct source *source, struct position from, struct error *err)
{
	char file[300];

	my_server_file(&source->server, from, file, sizeof(file));
	return my_stream_open(&source->stream, source->dump, file, position_offset(from.lsn), &source->reader, err);
}

/* Of each file once: before anything of it is handed out that may never have been committed. */
static int look_at_ending(struct source *source, struct error *err)
{
	int crashed;

	source->looked_at = source->log.reached;
	source->ends = (struct position){POSITION_NONE, 0};
	crashed = my_log_ending(source->queries, &source->look, source->log.reached, &source->ends, &source->goes_on, err);
	if (crashed <= 0)
		source->ends = (struct position){POSITION_NONE, 0};
	return crashed < 0 ? -1 : 0;
}

/* What is behind the last whole transaction of a file that a crash has ended was never committed. */
static int leave_file(struct source *source, struct error *err)
{
	char ends[POSITION_TEXT_BYTES];
	bool checksums;

	position_print(source->ends, ends);
	log_info(source->options.name, "the server crashed: what its log has behind %s was never committed, the next file is gone on with", ends);
	if (prepare_dump(source, &checksums, err) < 0)
		return -1;
	binlog_restart(&source->log, source->goes_on, checksums);
	return open_stream(source, source->goes_on, err) < 0 ? -1 : look_at_ending(source, err);
}

static int mind_ending(struct source *source, struct error *err)
{
	if (source->log.grouped)
		return 0;
	if (position_file(source->looked_at) != source->log.file && look_at_ending(source, err) < 0)
		return -1;
	if (source->ends.kind == POSITION_NONE || position_compare(source->log.reached, source->ends) < 0)
		return 0;
	return leave_file(source, err);
}

int my_start(struct source *source, struct position from, struct error *err)
{
	bool checksums;

	if (prepare_dump(source, &checksums, err) < 0)
		return -1;
	if (know_place(source, from, err) < 0 || know_shapes(source, from, err) < 0)
		return -1;
	binlog_restart(&source->log, from, checksums);
	my_prepared_forget(&source->place.prepared, from);
	source->log.shift = source->place.shift;
	source->log.repeats = source->place.until;
	source->log.done = source->server.gtids && source->place.done.count ? &source->place.done : NULL;
	if (open_stream(source, from, err) < 0 || look_at_ending(source, err) < 0)
		return -1;
	source->streaming = true;
	source->idle = source->durable = from;
	source->idle_groups = 0;
	return 0;
}

int my_peek(struct source *source, enum source_peek from, struct position position, struct position *ret_start, struct error *err)
{
	*ret_start = position;
	my_reader_init(&source->reader, &source->options, true);
	if (from == PEEK_NOW && my_log_end(source->queries, &source->server, ret_start, err) < 0)
		return -1;
	if (from == PEEK_SLOT && my_log_start(source->queries, &source->server, ret_start, err) < 0)
		return -1;
	return my_start(source, *ret_start, err);
}

int my_retention(struct source *source, struct source_retention *ret, struct error *err)
{
	*ret = (struct source_retention){.state = LOG_UNKNOWN, .safe_bytes = UINT64_MAX, .disk_free_bytes = UINT64_MAX};
	if (my_log_end(source->queries, &source->server, &ret->log_end, err) < 0)
		return -1;
	return my_expiry_ask(&source->expiry, source->queries, &source->server, &source->options, source->durable, &ret->expires_s, err);
}

int my_lasts(struct source *source, struct position at, struct view place, uint64_t *ret_seconds, struct error *err)
{
	if (my_place_parse(&source->place, place, err) < 0)
		return -1;
	source->server.shift = source->place.shift;
	return my_expiry_ask(&source->expiry, source->queries, &source->server, &source->options, at, ret_seconds, err);
}

int my_wait_fd(struct source *source)
{
	int recall = my_recall_fd(&source->recall);

	return recall >= 0 ? recall : source->streaming ? (int)mysql_get_socket(source->dump) : -1;
}

/* Behind a transaction without a row for us: told once nothing else is there to tell, or after many of them. */
static int take_position(struct source *source, struct change *ret)
{
	if (source->log.grouped || position_compare(source->log.reached, source->idle) <= 0)
		return 0;
	source->idle = source->log.reached;
	source->idle_groups = 0;
	*ret = (struct change){.op = CHANGE_IDLE, .position = source->idle};
	return 1;
}

/* What a statement did could not be followed: if it is the last one of its table, the catalogue has what came of it. */
static int learn_again(struct source *source, struct error *err)
{
	return my_shapes_learn(source->queries, &source->look, &source->shapes, source->wanted, source->wanted_count, source->log.reached, true,
			       err);
}

static int take_event(struct source *source, struct view event, struct change *ret, struct error *err)
{
	bool was_grouped = source->log.grouped;
	int got = binlog_decode(&source->log, event, ret, err);

	if (got >= 0 && source->log.prepared && (was_grouped || source->log.grouped))
		my_recall_keep(&source->recall, &source->log, event);
	if (got == 0 && !source->log.grouped && source->shapes.lost && learn_again(source, err) < 0)
		return -1;
	if (got == 0 && !source->log.grouped && position_compare(source->log.reached, source->idle) > 0 &&
	    ++source->idle_groups >= IDLE_GROUPS)
		return take_position(source, ret);
	return got;
}

/* What is in the log where we are, or elsewhere in it if it belongs here. */
static int next_there(struct source *source, struct change *ret, struct error *err)
{
	if (source->log.recalled)
		return my_recall_next(&source->recall, &source->log, source->queries, ret, err);
	return binlog_more(&source->log, ret, err);
}

int my_next(struct source *source, struct change *ret, struct error *err)
{
	int got = next_there(source, ret, err), came;
	struct view event;

	while (!got && !source->log.recalled) {
		if (mind_ending(source, err) < 0)
			return -1;
		came = my_stream_next(&source->stream, &event, err);
		if (came < 0)
			return -1;
		if (!came)
			return take_position(source, ret);
		got = take_event(source, event, ret, err);
		if (!got && source->log.recalled)
			got = next_there(source, ret, err);
	}
	if (got > 0 && (ret->op == CHANGE_COMMIT || ret->op == CHANGE_IDLE)) {
		source->idle = ret->position;
		source->idle_groups = 0;
	}
	return got;
}

int my_serve(struct source *source, struct error *err)
{
	(void)source;
	(void)err;
	return 0;
}

int my_confirm(struct source *source, struct position durable, struct error *err)
{
	(void)err;
	source->durable = durable;
	my_shapes_forget(&source->shapes, durable);
	return 0;
}

int my_follow(struct source *source, struct position from, struct position *ret, struct error *err)
{
	return my_place_follow(source->queries, &source->server, &source->place, from, ret, err);
}

void my_write_place(struct source *source, struct writer *to)
{
	my_place_print(&source->place, to);
}

/* Of the log's statements: rows that row events do not tell of. */
int my_layouts(struct source *source, const struct table *const *tables, size_t count, struct arena *arena, const char **ret,
		   struct error *err)
{
	(void)err;
	for (size_t i = 0; i < count; i++)
		ret[i] = my_history_of(&source->history, tables[i]->schema, tables[i]->name, arena);
	return 0;
}

int my_layout_change(struct source *source, const char *before, const char *now, const char **ret_reason, struct error *err)
{
	(void)source;
	(void)err;
	*ret_reason = my_history_change(before, now);
	return 0;
}

bool my_write_history(struct source *source, struct writer *to)
{
	bool changed = source->history.changed || source->shapes.changed;

	if (!changed)
		return false;
	wr_u8(to, '\n');
	my_history_print(&source->history, to);
	wr_u8(to, '\n');
	my_shapes_print(&source->shapes, to);
	return true;
}

const struct source_metrics *my_metrics(struct source *source)
{
	source->metrics = (struct source_metrics){
		.binary = true,
		.reads = source->stream.reads,
		.read_bytes = source->stream.bytes,
		.messages = source->stream.reads,
		.received = binlog_position(source->log.file, source->log.at),
	};
	return &source->metrics;
}
