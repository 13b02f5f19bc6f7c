/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * MySQL and MariaDB as a source: its connections and its state, and the table of operations. One connection is for
 * queries, one streams the log, a third reads snapshots and parts. The servers keep no place for us: where to go on is
 * known by the state file alone.
 */
#include <inttypes.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/writer.h"
#include "binlog.h"
#include "catalog.h"
#include "conn.h"
#include "doctor.h"
#include "ending.h"
#include "expiry.h"
#include "history.h"
#include "login.h"
#include "part.h"
#include "place.h"
#include "prove.h"
#include "readers.h"
#include "recall.h"
#include "server.h"
#include "source/source.h"
#include "stream.h"

#define IDLE_GROUPS 1000 /* so many transactions without a row for us are told of as a position that was reached */

struct source {
	struct source_options options;   /* borrowed texts */
	MYSQL *queries;
	MYSQL *dump;
	struct my_server server;
	struct my_charsets charsets;
	struct my_tables tables;
	const struct source_table *wanted; /* borrowed */
	size_t wanted_count;
	struct binlog log;
	struct my_place place;
	struct my_reader reader;
	struct my_history history;
	struct my_shapes shapes;
	struct my_stream stream;
	struct my_recall recall;
	struct my_look look;
	struct position looked_at;       /* in which file of the log it was looked how that ends ... */
	struct position ends, goes_on;   /* ... if it was ended by a crash: at its last whole transaction, and there */
	bool streaming;
	struct position idle;            /* the last that was handed out */
	unsigned idle_groups;
	struct position durable;         /* all before it may be forgotten */
	struct my_expiry expiry;
	struct my_readers readers;       /* of the snapshot */
	struct source_progress expected; /* of its tables */
	const struct my_table *reading;  /* table of the part being read */
	struct my_part part;
	struct source_metrics metrics;
};

static void my_close(struct source *source)
{
	if (!source)
		return;
	my_readers_done(&source->readers);
	my_part_done(&source->part);
	my_recall_done(&source->recall);
	my_look_done(&source->look);
	binlog_done(&source->log);
	my_place_done(&source->place);
	my_history_done(&source->history);
	my_shapes_done(&source->shapes);
	my_tables_done(&source->tables);
	my_charsets_done(&source->charsets);
	if (source->dump)
		mysql_close(source->dump);
	if (source->queries)
		mysql_close(source->queries);
	free(source);
}

static int connect_and_ask(struct source *source, struct error *err)
{
	if (my_connect(&source->options.login, &source->queries, err) < 0)
		return -1;
	if (my_server_ask(source->queries, &source->server, err) < 0)
		return -1;
	source->server.shift = source->place.shift;
	return my_catalog_charsets(source->queries, &source->charsets, err);
}

/* Statements, an empty line, shapes. */
static int take_history(struct source *source, struct view text, struct error *err)
{
	const char *line = text.len ? memmem(text.ptr, text.len, "\n\n", 2) : NULL;
	size_t len = line ? (size_t)(line - text.ptr) + 1 : 0;

	if (!text.len)
		return 0;
	if (my_history_parse(&source->history, (struct view){text.ptr + 1, len ? len - 1 : 0}, err) < 0)
		return -1;
	return my_shapes_parse(&source->shapes, (struct view){text.ptr + len + 1, text.len - len - 1}, err);
}

static int my_open(struct source **ret, const struct source_options *options, struct catalog *catalog, struct error *err)
{
	struct source *source = MEM_NEW(struct source);

	source->options = *options;
	my_reader_init(&source->reader, options, false);
	my_tables_init(&source->tables, catalog, &source->charsets);
	binlog_init(&source->log, &source->tables);
	my_look_init(&source->look, &source->options, &source->server);
	my_recall_init(&source->recall, &source->options, &source->server, &source->tables);
	source->log.history = &source->history;
	source->log.prepared_set = &source->place.prepared;
	source->tables.shapes = &source->shapes;
	source->tables.dates = (uint8_t)options->zero_dates;
	source->shapes.charsets = &source->charsets;
	if (my_place_parse(&source->place, view_of(options->place), err) < 0 ||
	    connect_and_ask(source, err) < 0 || take_history(source, options->history, err) < 0) {
		my_close(source);
		return -1;
	}
	source->tables.rules.mariadb = source->shapes.mariadb = source->server.family == FAMILY_MARIADB;
	*ret = source;
	return 0;
}

static int my_identify(struct source *source, struct source_identity *ret, struct error *err)
{
	*ret = (struct source_identity){.unchecked_text = false};
	if (my_server_check(source->queries, &source->server, err) < 0)
		return -1;
	my_server_name(&source->server, ret->system, sizeof(ret->system));
	snprintf(ret->database, sizeof(ret->database), "%s", source->options.login.database ? source->options.login.database : "");
	snprintf(ret->log_name, sizeof(ret->log_name), "%s", source->server.log_base);
	ret->log_shift = source->server.shift;
	if (my_log_end(source->queries, &source->server, &ret->log_end, err) < 0)
		return -1;
	return my_log_start(source->queries, &source->server, &ret->log_start, err);
}

static void my_doctor(struct source *source, struct findings *findings)
{
	my_server_examine(source->queries, &source->server, findings);
}

static void examine_captured(struct source *source, struct findings *findings)
{
	my_doctor_tables(source->queries, &source->server, source->wanted, source->wanted_count, findings);
}

static int my_list(struct source *source, struct source_listing **ret, size_t *ret_count, struct error *err)
{
	return my_catalog_list(source->queries, ret, ret_count, err);
}

static int check_columns(const struct source_table *wanted, const struct table *version, struct error *err)
{
	for (size_t i = 0; i < wanted->column_count; i++)
		if (table_column(version, wanted->columns[i]) < 0)
			return error_set(err, ERROR_INPUT, "table %s.%s has no column '%s'", wanted->schema, wanted->name, wanted->columns[i]);
	return 0;
}

static int capture_one(struct source *source, const struct source_table *wanted, const struct table **ret, struct arena *arena,
		       struct error *err)
{
	const struct my_table *table;
	struct my_shape shape;
	int found = my_catalog_shape(source->queries, &source->charsets, wanted->schema, wanted->name, arena, &shape, err);

	if (found < 0)
		return -1;
	if (!found) {
		error_set(err, ERROR_INPUT, "there is no table %s.%s", wanted->schema, wanted->name);
		return error_hint(err, "correct the name, or take it out of the configuration or mapping");
	}
	if (my_tables_capture(&source->tables, &shape, &table, err) < 0)
		return -1;
	*ret = table->table;
	return check_columns(wanted, table->table, err);
}

static int my_capture(struct source *source, const struct source_table *tables, size_t count, const struct table **ret_versions,
		      struct error *err)
{
	struct arena arena;
	int result = 0;

	source->wanted = tables;
	source->wanted_count = count;
	my_tables_capture_none(&source->tables);
	arena_init(&arena);
	for (size_t i = 0; i < count && result == 0; i++) {
		result = capture_one(source, &tables[i], &ret_versions[i], &arena, err);
		arena_reset(&arena);
	}
	arena_done(&arena);
	return result;
}

/* The log has all tables: there is nothing that would have to be published. */
static int check_publication(struct source *source, struct error *err)
{
	(void)source;
	(void)err;
	return 0;
}

static int write_nothing(struct source *source, struct writer *sql, struct error *err)
{
	(void)source;
	(void)sql;
	(void)err;
	return 0;
}

static int check_access(struct source *source, struct writer *sql, struct error *err)
{
	size_t denied = 0;

	for (size_t i = 0; i < source->wanted_count; i++) {
		const struct source_table *table = &source->wanted[i];
		MYSQL_RES *result = my_query(source->queries, err, "SELECT 1 FROM `%s`.`%s` LIMIT 0", table->schema, table->name);

		mysql_free_result(result);
		if (!result && mysql_errno(source->queries) != ER_TABLEACCESS_DENIED_ERROR)
			return -1;
		if (!result && !denied++)
			error_state(err, STATE_UNSUPPORTED, "the user may not read %s.%s", table->schema, table->name);
		if (!result)
			wr_printf(sql, "GRANT SELECT ON `%s`.`%s` TO '%s'@'%%';\n", table->schema, table->name, source->options.login.user);
	}
	return denied ? error_hint(err, "see `tailwater grants`") : 0;
}

static int write_grants(struct source *source, const char *role, bool missing, struct writer *sql, struct error *err)
{
	(void)missing;
	(void)err;
	my_server_grants(&source->server, role ? role : source->options.login.user, source->wanted, source->wanted_count, sql);
	return 0;
}

static int evict(struct source *source, struct error *err)
{
	(void)source;
	(void)err;
	return 0;
}

static const struct my_table *find_named(struct source *source, const struct table *table)
{
	return my_tables_named(&source->tables, view_of(table->schema), view_of(table->name));
}

/* The first snapshot --------------------------------------------------------------------------- */

static int begin_snapshot(struct source *source, bool drop_first, struct source_snapshot *ret, struct error *err)
{
	const struct my_hold hold = {.conn = source->queries, .tables = source->wanted, .count = source->wanted_count, .patience_s = 5};

	(void)drop_first;
	my_readers_done(&source->readers);
	my_place_done(&source->place);
	source->server.shift = 0;
	if (my_readers_begin(&source->readers, &source->options, &source->server, &hold, &ret->consistent, &source->place, err) < 0)
		return -1;
	ret->taken_at = clock_wall();
	ret->readers = source->readers.count;
	return 0;
}

static int read_tables(struct source *source, const struct table *const *tables, size_t count, struct error *err)
{
	const struct my_table **found = MEM_ARRAY(const struct my_table *, count + 1);

	for (size_t i = 0; i < count; i++)
		found[i] = find_named(source, tables[i]);
	my_readers_read(&source->readers, found, count);
	free(found);
	source->expected = (struct source_progress){.tables = count};
	return my_catalog_expected(source->queries, tables, count, &source->expected, err);
}

static int read_row(struct source *source, struct change *ret, size_t *ret_table, struct error *err)
{
	unsigned long *lengths;
	char **texts;
	int got = my_readers_row(&source->readers, ret_table, &texts, &lengths, err);

	return got <= 0 ? got : binlog_result_row(&source->log, source->readers.tables[*ret_table].table, texts, lengths, ret, err);
}

static bool table_ended(struct source *source, size_t *ret_table)
{
	return my_readers_ended(&source->readers, ret_table);
}

static int table_stands(struct source *source, size_t table, struct error *err)
{
	(void)source;
	(void)table;
	(void)err;
	return 1;
}

/* One that was begun is read again from its beginning. */
static enum table_reading rest_of(struct source *source, size_t table, struct writer *to)
{
	(void)to;
	return source->readers.tables[table].told ? TABLE_READ : source->readers.tables[table].next ? TABLE_BEGUN : TABLE_NOT_BEGUN;
}

/* The server tells of bytes for tables only. */
static void tell_progress(struct source *source, struct source_progress *ret)
{
	uint64_t rows = source->readers.rows;

	*ret = source->expected;
	for (size_t i = 0; i < source->readers.table_count; i++)
		ret->tables_done += source->readers.tables[i].told;
	ret->rows = rows;
	ret->bytes = rows < ret->expected_rows ? (uint64_t)((double)ret->expected_bytes * (double)rows / (double)ret->expected_rows) : ret->expected_bytes;
}

static int end_snapshot(struct source *source, struct error *err)
{
	(void)err;
	my_readers_done(&source->readers);
	return 0;
}

/* Parts ---------------------------------------------------------------------------------------- */

static int look_at(struct source *source, const char *schema, const char *name, const struct my_table **ret, struct error *err)
{
	struct my_shape shape;
	struct arena arena;
	int found;

	*ret = NULL;
	arena_init(&arena);
	found = my_catalog_shape(source->queries, &source->charsets, schema, name, &arena, &shape, err);
	if (found > 0)
		found = my_tables_look(&source->tables, &shape, ret, err);
	arena_done(&arena);
	return found < 0 ? -1 : 0;
}

static int begin_part(struct source *source, const struct source_part *wanted, enum part_answer *ret, struct error *err)
{
	const struct source_table table = {.schema = wanted->table->schema, .name = wanted->table->name};
	const struct my_hold hold = {.conn = source->queries, .tables = &table, .count = 1, .tables_first = true, .patience_s = 1};
	int begun = my_part_begin(&source->part, &source->options.login, &source->server, &hold, source->log.reached, err);
	const struct my_table *now;

	*ret = PART_LATER;
	if (begun <= 0)
		return begun;
	if (look_at(source, wanted->table->schema, wanted->table->name, &now, err) < 0)
		return -1;
	*ret = now && now->table == wanted->table ? PART_BEGUN : PART_CHANGED;
	source->reading = now;
	return *ret == PART_BEGUN ? my_part_select(&source->part, now, wanted, err) : 0;
}

static int next_of_part(struct source *source, struct change *ret, struct error *err)
{
	unsigned long *lengths;
	char **texts;
	int got = my_part_row(&source->part, source->reading, &texts, &lengths, err);

	return got <= 0 ? got : binlog_result_row(&source->log, source->reading, texts, lengths, ret, err);
}

static int end_part(struct source *source, struct source_part_end *ret, struct error *err)
{
	return my_part_end(&source->part, ret, err);
}

static void stop_part(struct source *source)
{
	my_part_stop(&source->part);
}

static bool part_sees(struct source *source, const struct transaction *txn)
{
	return position_compare(txn->final, source->part.at) < 0;
}

/* What is not committed is not in the log, and what is in the log is seen by the next part. */
static int settled(struct source *source, uint64_t table, struct error *err)
{
	(void)source;
	(void)table;
	(void)err;
	return 1;
}

static int check_part(struct source *source, const struct table *table, const char *condition, struct error *err)
{
	MYSQL_RES *result = my_query(source->queries, err, "EXPLAIN SELECT 1 FROM `%s`.`%s` WHERE (%s\n)", table->schema, table->name,
				     condition);

	if (!result && mysql_errno(source->queries) < 2000)
		error_set(err, ERROR_INPUT, "the server refuses the condition '%.300s': %.300s", condition, mysql_error(source->queries));
	mysql_free_result(result);
	return result ? 0 : -1;
}

static int look(struct source *source, const struct source_table *tables, size_t count, const struct table **ret_versions,
		struct position *ret_at, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct my_table *found;

		if (look_at(source, tables[i].schema, tables[i].name, &found, err) < 0)
			return -1;
		ret_versions[i] = found ? found->table : NULL;
	}
	return my_log_end(source->queries, &source->server, ret_at, err);
}

/* The stream ----------------------------------------------------------------------------------- */

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

static int start(struct source *source, struct position from, struct error *err)
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

static int peek(struct source *source, enum source_peek from, struct position position, struct position *ret_start, struct error *err)
{
	*ret_start = position;
	my_reader_init(&source->reader, &source->options, true);
	if (from == PEEK_NOW && my_log_end(source->queries, &source->server, ret_start, err) < 0)
		return -1;
	if (from == PEEK_SLOT && my_log_start(source->queries, &source->server, ret_start, err) < 0)
		return -1;
	return start(source, *ret_start, err);
}

static int retention(struct source *source, struct source_retention *ret, struct error *err)
{
	*ret = (struct source_retention){.state = LOG_UNKNOWN, .safe_bytes = UINT64_MAX, .disk_free_bytes = UINT64_MAX};
	if (my_log_end(source->queries, &source->server, &ret->log_end, err) < 0)
		return -1;
	return my_expiry_ask(&source->expiry, source->queries, &source->server, &source->options, source->durable, &ret->expires_s, err);
}

static int lasts(struct source *source, struct position at, struct view place, uint64_t *ret_seconds, struct error *err)
{
	if (my_place_parse(&source->place, place, err) < 0)
		return -1;
	source->server.shift = source->place.shift;
	return my_expiry_ask(&source->expiry, source->queries, &source->server, &source->options, at, ret_seconds, err);
}

static int wait_fd(struct source *source)
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

static int next(struct source *source, struct change *ret, struct error *err)
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

static int serve(struct source *source, struct error *err)
{
	(void)source;
	(void)err;
	return 0;
}

static int confirm(struct source *source, struct position durable, struct error *err)
{
	(void)err;
	source->durable = durable;
	my_shapes_forget(&source->shapes, durable);
	return 0;
}

static int follow(struct source *source, struct position from, struct position *ret, struct error *err)
{
	return my_place_follow(source->queries, &source->server, &source->place, from, ret, err);
}

static void place(struct source *source, struct writer *to)
{
	my_place_print(&source->place, to);
}

/* Of the log's statements: rows that row events do not tell of. */
static int layouts(struct source *source, const struct table *const *tables, size_t count, struct arena *arena, const char **ret,
		   struct error *err)
{
	(void)err;
	for (size_t i = 0; i < count; i++)
		ret[i] = my_history_of(&source->history, tables[i]->schema, tables[i]->name, arena);
	return 0;
}

static int layout_change(struct source *source, const char *before, const char *now, const char **ret_reason, struct error *err)
{
	(void)source;
	(void)err;
	*ret_reason = my_history_change(before, now);
	return 0;
}

static bool history(struct source *source, struct writer *to)
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

static const struct source_metrics *metrics(struct source *source)
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

#define MYSQL_OPS \
	.cuts_images = true, .type = my_type_at, .check_parameter = my_check_parameter, .open = my_open, .close = my_close, .identify = my_identify, \
	.examine = my_doctor, .examine_captured = examine_captured, .list = my_list, .capture = my_capture, .check_publication = check_publication, \
	.check_identities = check_publication, \
	.publication_sql = write_nothing, .publication_marks = write_nothing, .check_access = check_access, .grants = write_grants, \
	.evict = evict, .create_slot = begin_snapshot, .snapshot_read = read_tables, .snapshot_next = read_row, \
	.snapshot_ended = table_ended, .snapshot_stands = table_stands, .snapshot_rest = rest_of, \
	.snapshot_progress = tell_progress, \
	.snapshot_end = end_snapshot, .part_begin = begin_part, .part_next = next_of_part, .part_end = end_part, \
	.part_stop = stop_part, .part_sees = part_sees, .settled = settled, .part_check = check_part, .look = look, .layouts = layouts, .layout_change = layout_change, .start = start, \
	.peek = peek, .retention = retention, .lasts = lasts, .wait_fd = wait_fd, .next = next, .serve = serve, .confirm = confirm, .follow = follow, .place = place, .history = history, .metrics = metrics

/* Two names of one: the servers tell themselves which they are. */
const struct source_ops mysql_source_ops = {.name = "mysql", MYSQL_OPS};
const struct source_ops mariadb_source_ops = {.name = "mariadb", MYSQL_OPS};
