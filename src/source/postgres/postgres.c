/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * PostgreSQL as a source: its connections, what is asked and read beside the stream (streaming.c), and the table of operations. One connection is for queries;
 * one is the walsender's, which makes the slot and then streams; others live as long as a snapshot.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "access.h"
#include "doctor.h"
#include "layout.h"
#include "server.h"
#include "session.h"
#include "slot.h"
#include "types.h"
#include "version.h"

static void pg_close(struct source *source)
{
	if (!source)
		return;
	pg_stream_done(&source->stream);
	pg_snapshot_done(&source->snapshot);
	pg_part_done(&source->part);
	pg_delivered_done(&source->delivered);
	pgoutput_done(&source->pgoutput);
	pg_relations_done(&source->relations);
	pg_catalogue_done(&source->catalogue);
	PQfinish(source->replication);
	PQfinish(source->queries);
	free(source->wanted.versions);
	free(source->reading);
	free(source->files);
	free(source);
}

static int pg_open(struct source **ret, const struct source_options *options, struct catalog *catalog,
		   struct error *err)
{
	struct source *source = MEM_NEW(struct source);

	source->options = *options;
	pg_relations_init(&source->relations, catalog, pg_catalogue_facts(&source->catalogue));
	pgoutput_init(&source->pgoutput, &source->relations);
	if (pg_connect(&options->login, PG_CONN_QUERIES, &source->queries, err) < 0 ||
	    pg_connect(&options->login, PG_CONN_REPLICATION, &source->replication, err) < 0) {
		pg_close(source);
		return -1;
	}
	source->catalogue.conn = source->queries;
	source->catalogue.version = PQserverVersion(source->queries);
	if (source->catalogue.version < PG_OLDEST) {
		error_state(err, STATE_UNSUPPORTED, "PostgreSQL %d is too old: logical replication came with 10",
			    source->catalogue.version / 10000);
		pg_close(source);
		return -1;
	}
	*ret = source;
	return 0;
}

static int pg_identify(struct source *source, struct source_identity *ret, struct error *err)
{
	if (pg_server_check(source->queries, &source->options, err) < 0)
		return -1;
	if (pg_slot_identify(source->replication, source->queries, &source->options, ret, err) < 0)
		return -1;
	ret->unchecked_text = pg_takes_any_text(source->queries);
	return 0;
}

static void pg_doctor(struct source *source, struct findings *findings)
{
	pg_examine(source->queries, &source->options, findings);
}

static int pg_list(struct source *source, struct source_listing **ret, size_t *ret_count, struct error *err)
{
	return pg_catalogue_list(&source->catalogue, source->options.publication, ret, ret_count, err);
}

static int pg_check_names(struct source *source, const char *const *names, size_t count, struct error *err)
{
	return pg_catalogue_check_names(&source->catalogue, source->options.publication, names, count, err);
}

static int check_columns(const struct source_table *wanted, const struct table *version, struct error *err)
{
	for (size_t i = 0; i < wanted->column_count; i++)
		if (table_column(version, wanted->columns[i]) < 0)
			return error_set(err, ERROR_INPUT, "table %s.%s has no column '%s' (or does not publish it)",
					 wanted->schema, wanted->name, wanted->columns[i]);
	return 0;
}

static int capture_one(struct source *source, const struct source_table *wanted, const struct pg_relation *relation,
		       const struct table **ret, struct error *err)
{
	const struct pg_table *table;
	bool is_new;

	if (!relation->oid) {
		error_set(err, ERROR_INPUT, "there is no table %s.%s", wanted->schema, wanted->name);
		return error_hint(err, "correct the name, or take it out of the configuration or mapping");
	}
	pg_relations_capture(&source->relations, wanted->schema, wanted->name);
	if (pg_relations_put(&source->relations, relation, &table, &is_new, err) < 0)
		return -1;
	*ret = table->table;
	return check_columns(wanted, table->table, err);
}

static int pg_capture(struct source *source, const struct source_table *tables, size_t count,
		      const struct table **ret_versions, struct error *err)
{
	struct pg_relation *relations;
	struct arena arena;
	int result;

	free(source->wanted.versions);
	source->wanted = (struct pg_wanted){tables, MEM_ARRAY(const struct table *, count), count, &source->catalogue};
	pg_relations_capture_none(&source->relations);
	arena_init(&arena);
	result = pg_catalogue_relations(&source->catalogue, tables, count, source->options.publication, &arena, &relations, err);
	for (size_t i = 0; i < count && result == 0; i++) {
		result = capture_one(source, &tables[i], &relations[i], &source->wanted.versions[i], err);
		ret_versions[i] = source->wanted.versions[i];
	}
	arena_done(&arena);
	return result;
}

static int pg_check_publication(struct source *source, struct error *err)
{
	return pg_publication_check(source->queries, source->options.publication, &source->wanted, err);
}

static int pg_check_identities(struct source *source, struct error *err)
{
	return pg_publication_identities(source->queries, source->options.publication, &source->wanted, err);
}

static int pg_publication_statement(struct source *source, struct writer *sql, struct error *err)
{
	return pg_publication_sql(source->queries, source->options.publication, &source->wanted, sql, err);
}

static int pg_marks(struct source *source, struct writer *marks, struct error *err)
{
	return pg_publication_marks(source->queries, source->options.publication, &source->wanted, marks, err);
}

static int pg_grants(struct source *source, const char *role, bool missing, struct writer *sql, struct error *err)
{
	if (pg_access_grants(source->queries, &source->wanted, role ? role : PQuser(source->queries), missing, sql, err) < 0 ||
	    pg_publication_sql(source->queries, source->options.publication, &source->wanted, sql, err) < 0)
		return -1;
	if (!missing)
		wr_printf(sql, "-- The password: \\password in psql. In pg_hba.conf name the database, not `replication`, which would\n"
			  "-- permit a copy of the whole cluster: hostssl <database> <role> <address>/32 scram-sha-256\n");
	return 0;
}

static int pg_check_access(struct source *source, struct writer *sql, struct error *err)
{
	return pg_access_check(source->queries, &source->wanted, sql, err);
}

static int pg_evict(struct source *source, struct error *err)
{
	return pg_slot_evict(source->queries, source->options.slot, err);
}

/* A snapshot that was taken before an ALTER TABLE wrote a table anew finds it empty. So it is remembered what the file was. */
static int remember_files(struct source *source, struct error *err)
{
	const char **layouts = MEM_ARRAY(const char *, source->wanted.count);
	struct arena arena;
	int result;

	arena_init(&arena);
	free(source->files);
	source->files = MEM_ARRAY(uint64_t, source->wanted.count);
	result = pg_layouts(source->queries, source->wanted.versions, source->wanted.count, &arena, layouts, err);
	for (size_t i = 0; i < source->wanted.count && result == 0; i++)
		source->files[i] = pg_layout_file(layouts[i]);
	arena_done(&arena);
	free(layouts);
	return result;
}

static int pg_create_slot(struct source *source, bool drop_first, struct source_snapshot *ret, struct error *err)
{
	struct writer sql = {0};
	char name[128];
	int denied = pg_check_access(source, &sql, err);

	wr_done(&sql);
	if (denied < 0)
		return -1;
	if (drop_first && pg_slot_drop(source->queries, source->options.slot, err) < 0)
		return -1;
	if (remember_files(source, err) < 0)
		return -1;
	if (pg_slot_create(source->replication, source->queries, &source->options, &ret->consistent, name, err) < 0)
		return -1;
	ret->taken_at = clock_wall();
	pg_snapshot_done(&source->snapshot);
	if (pg_snapshot_begin(&source->snapshot, &source->options, name, err) < 0)
		return -1;
	ret->readers = source->snapshot.reader_count;
	return 0;
}

static uint64_t file_before(const struct source *source, const struct table *table)
{
	for (size_t i = 0; i < source->wanted.count; i++)
		if (source->wanted.versions[i] == table)
			return source->files[i];
	return 0;
}

static int pg_read_tables(struct source *source, const struct table *const *tables, size_t count, struct error *err)
{
	uint64_t *files = MEM_ARRAY(uint64_t, count);
	bool *trees = MEM_ARRAY(bool, count);
	int result;

	free(source->reading);
	source->reading = MEM_ARRAY(const struct pg_table *, count);
	for (size_t i = 0; i < count; i++) {
		source->reading[i] = pg_relations_find(&source->relations, (uint32_t)tables[i]->source_id);
		files[i] = file_before(source, tables[i]);
		trees[i] = pg_catalogue_is_tree(&source->catalogue, tables[i]->source_id);
	}
	result = pg_snapshot_read(&source->snapshot, source->queries, tables, files, trees, count, err);
	free(files);
	free(trees);
	return result;
}

static int pg_read_row(struct source *source, struct change *ret, size_t *ret_table, struct error *err)
{
	struct view line;
	int got = pg_snapshot_row(&source->snapshot, &line, ret_table, err);

	return got <= 0 ? got : pgoutput_copy_row(&source->pgoutput, source->reading[*ret_table], line, ret, err);
}

static bool pg_table_ended(struct source *source, size_t *ret_table)
{
	return pg_snapshot_ended(&source->snapshot, ret_table);
}

/* The table is held since its first row was read: it is what it was then. */
static int pg_table_stands(struct source *source, size_t number, struct error *err)
{
	const struct pg_reading *reading = &source->snapshot.tables[number];
	uint64_t now;

	if (pg_part_file(source->queries, reading->table, &now, err) < 0)
		return -1;
	return now == reading->file;
}

static enum table_reading pg_rest_of(struct source *source, size_t table, struct writer *to)
{
	return pg_snapshot_rest(&source->snapshot, table, to);
}

static void pg_read_so_far(struct source *source, struct source_progress *ret)
{
	pg_snapshot_progress(&source->snapshot, ret);
}

static int pg_end_snapshot(struct source *source, struct error *err)
{
	(void)err;
	pg_snapshot_done(&source->snapshot);
	return 0;
}

/* Parts --------------------------------------------------------------------------------------- */

static int look_at(struct source *source, const struct source_table *tables, size_t count, const struct pg_table **ret,
		      struct error *err)
{
	struct pg_relation *relations;
	struct arena arena;
	int result;

	arena_init(&arena);
	result = pg_catalogue_relations(&source->catalogue, tables, count, source->options.publication, &arena, &relations, err);
	for (size_t i = 0; i < count && result == 0; i++) {
		ret[i] = NULL;
		if (relations[i].oid)
			result = pg_relations_look(&source->relations, &relations[i], &ret[i], err);
	}
	arena_done(&arena);
	return result;
}

/*
 * An ALTER TABLE that writes the rows anew is not for snapshots taken before it: these find the new file empty. So the file
 * must be the same before the snapshot was taken and when the table is held.
 */
static int open_part(struct source *source, const struct source_part *wanted, bool *ret_anew, struct error *err)
{
	uint64_t before, now, known;
	int opened;

	if (pg_part_file(source->queries, wanted->table, &before, err) < 0 || pg_part_known_file(wanted, before, &known, err) < 0)
		return -1;
	*ret_anew = known != before;
	if (*ret_anew)
		return 0;
	source->part.tree = pg_catalogue_is_tree(&source->catalogue, wanted->table->source_id);
	opened = pg_part_open(&source->part, &source->options.login, source->queries, wanted->table,
			      &source->delivered, err);
	if (opened <= 0)
		return opened;
	if (pg_part_file(source->queries, wanted->table, &now, err) < 0)
		return -1;
	return before == now;
}

static int begin_part(struct source *source, const struct source_part *wanted, enum part_answer *ret, struct error *err)
{
	const struct source_table name = {.schema = wanted->table->schema, .name = wanted->table->name};
	bool anew;
	int opened = open_part(source, wanted, &anew, err);

	*ret = opened == 0 && anew ? PART_ANEW : PART_LATER;
	if (opened <= 0)
		return opened;
	if (look_at(source, &name, 1, &source->part_table, err) < 0)
		return -1;
	*ret = source->part_table && source->part_table->table == wanted->table ? PART_BEGUN : PART_CHANGED;
	return *ret == PART_BEGUN ? pg_part_copy(&source->part, wanted, err) : 0;
}

static int pg_begin_part(struct source *source, const struct source_part *wanted, enum part_answer *ret, struct error *err)
{
	int result = begin_part(source, wanted, ret, err);

	if (result < 0 || *ret != PART_BEGUN)
		pg_part_stop(&source->part);
	return result;
}

static int pg_next_of_part(struct source *source, struct change *ret, struct error *err)
{
	struct view line;
	int got = pg_part_row(&source->part, &line, err);

	*ret = (struct change){.op = CHANGE_IDLE};
	return got <= 0 || !line.ptr ? got : pgoutput_copy_row(&source->pgoutput, source->part_table, line, ret, err);
}

static int pg_end_part(struct source *source, struct source_part_end *ret, struct error *err)
{
	return pg_part_end(&source->part, source->part_table->table, ret, err);
}

static void pg_stop_part(struct source *source)
{
	pg_part_stop(&source->part);
}

static bool pg_part_sees(struct source *source, const struct transaction *txn)
{
	return pg_sight_sees(&source->part.sight, txn);
}

static int pg_settled(struct source *source, uint64_t table, struct error *err)
{
	return pg_part_settled(&source->part, source->queries, table, err);
}

static int pg_check_part(struct source *source, const struct table *table, const char *condition, struct error *err)
{
	return pg_part_check(source->queries, table, condition, err);
}

static int pg_look(struct source *source, const struct source_table *tables, size_t count, const struct table **ret_versions,
		   struct position *ret_at, struct error *err)
{
	const struct pg_table **found = MEM_ARRAY(const struct pg_table *, count);
	int result = count ? look_at(source, tables, count, found, err) : 0;

	for (size_t i = 0; i < count && result == 0; i++)
		ret_versions[i] = found[i] ? found[i]->table : NULL;
	free(found);
	return result < 0 ? -1 : pg_slot_log_written(source->queries, ret_at, err);
}

static int pg_table_layouts(struct source *source, const struct table *const *tables, size_t count, struct arena *arena, const char **ret,
			    struct error *err)
{
	return pg_layouts(source->queries, tables, count, arena, ret, err);
}

static int pg_table_changed(struct source *source, const char *before, const char *now, const char **ret_reason, struct error *err)
{
	return pg_layout_change(source->queries, before, now, ret_reason, err);
}

/* What there is to say of tables is said by check_access and check_publication. */
static void examine_nothing(struct source *source, struct findings *findings)
{
	(void)source;
	(void)findings;
}

/* Slots and timelines tell where to go on. */
static int follow_nobody(struct source *source, struct position from, struct position *ret, struct error *err)
{
	(void)source;
	(void)from;
	(void)ret;
	(void)err;
	return 0;
}

static void no_place(struct source *source, struct writer *to)
{
	(void)source;
	(void)to;
}

const struct source_ops postgres_source_ops = {
	.name = "postgresql",
	.type = pg_type_at,
	.check_parameter = pg_check_keyword,
	.open = pg_open,
	.close = pg_close,
	.identify = pg_identify,
	.examine = pg_doctor,
	.examine_captured = examine_nothing,
	.list = pg_list,
	.check_names = pg_check_names,
	.capture = pg_capture,
	.check_publication = pg_check_publication,
	.check_identities = pg_check_identities,
	.publication_sql = pg_publication_statement,
	.publication_marks = pg_marks,
	.check_access = pg_check_access,
	.grants = pg_grants,
	.evict = pg_evict,
	.create_slot = pg_create_slot,
	.snapshot_read = pg_read_tables,
	.snapshot_next = pg_read_row,
	.snapshot_ended = pg_table_ended,
	.snapshot_stands = pg_table_stands,
	.snapshot_rest = pg_rest_of,
	.snapshot_progress = pg_read_so_far,
	.snapshot_end = pg_end_snapshot,
	.part_begin = pg_begin_part,
	.part_next = pg_next_of_part,
	.part_end = pg_end_part,
	.part_stop = pg_stop_part,
	.part_sees = pg_part_sees,
	.settled = pg_settled,
	.part_check = pg_check_part,
	.look = pg_look,
	.layouts = pg_table_layouts,
	.layout_change = pg_table_changed,
	.start = pg_start,
	.peek = pg_peek,
	.retention = pg_kept,
	.wait_fd = pg_wait_fd,
	.next = pg_next,
	.serve = pg_serve,
	.confirm = pg_confirm,
	.follow = follow_nobody,
	.place = no_place,
	.metrics = pg_metrics,
};
