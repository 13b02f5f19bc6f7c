/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * MySQL and MariaDB as a source: its connections and its state, and the table of operations. One connection is for
 * queries, one streams the log, a third reads snapshots and parts. The servers keep no place for us: where to go on is
 * known by the state file alone.
 */
#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "catalog.h"
#include "doctor.h"
#include "login.h"
#include "reading.h"

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

#define MYSQL_OPS \
	.cuts_images = true, .type = my_type_at, .check_parameter = my_check_parameter, .open = my_open, .close = my_close, .identify = my_identify, \
	.examine = my_doctor, .examine_captured = examine_captured, .list = my_list, .capture = my_capture, .check_publication = check_publication, \
	.check_identities = check_publication, \
	.publication_sql = write_nothing, .publication_marks = write_nothing, .check_access = check_access, .grants = write_grants, \
	.evict = evict, .create_slot = begin_snapshot, .snapshot_read = read_tables, .snapshot_next = read_row, \
	.snapshot_ended = table_ended, .snapshot_stands = table_stands, .snapshot_rest = rest_of, \
	.snapshot_progress = tell_progress, \
	.snapshot_end = end_snapshot, .part_begin = begin_part, .part_next = next_of_part, .part_end = end_part, \
	.part_stop = stop_part, .part_sees = part_sees, .settled = settled, .part_check = check_part, .look = look, .layouts = my_layouts, .layout_change = my_layout_change, .start = my_start, \
	.peek = my_peek, .retention = my_retention, .lasts = my_lasts, .wait_fd = my_wait_fd, .next = my_next, .serve = my_serve, .confirm = my_confirm, .follow = my_follow, .place = my_write_place, .history = my_write_history, .metrics = my_metrics

/* Two names of one: the servers tell themselves which they are. */
const struct source_ops mysql_source_ops = {.name = "mysql", MYSQL_OPS};
const struct source_ops mariadb_source_ops = {.name = "mariadb", MYSQL_OPS};
