/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The first snapshot: announced in the checkpoint before the slot is made; the tables of the mirror, then the documents of all
 * roots; then state file and checkpoint stand at the slot's consistent point. A crash before that begins it anew under the
 * next number, with a new slot: an exported snapshot does not survive its connection. The rows of all other tables follow;
 * what a crash leaves of them is read while changes are streamed (rest.c). Streaming begins at the consistent point.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/memory.h"
#include "run.h"
#include "state/position.h"

/* The mirror is written in pieces of so many rows, so that the write-ahead log stays small. */
#define STATE_COMMIT_ROWS 200000
#define PACE_ROWS 1024
#define UNNOTED_MOST 64 /* tables that the checkpoint tells of */
#define PROGRESS_US (100 * USEC_PER_MSEC)
#define PROGRESS_TOLD_US (30 * USEC_PER_SEC)

static int announce(struct pipeline *p, struct error *err)
{
	p->applied = (struct progress){
		.snapshot = (p->published.snapshot > p->saved.snapshot ? p->published.snapshot : p->saved.snapshot) + 1,
		.snapshot_phase = SNAPSHOT_STARTED,
	};
	if (marker_snapshot(p, "BEGIN", clock_wall(), err) < 0)
		return -1;
	return batch_commit_checkpoint(p, err);
}

/* Rows of an attempt that was not finished are dropped first. */
static int empty_mirror(struct pipeline *p, struct error *err)
{
	for (size_t i = 0; i < p->table_count; i++)
		if (route_of(p, p->versions[i])->mirrored && mirror_reload(p->mirror, p->versions[i], err) < 0)
			return -1;
	return 0;
}

/* The tables that are read, and how many rows each has given. */
struct reading {
	const struct table **tables;
	uint64_t *rows;
	bool *noted;            /* the state file counts it as whole */
	size_t count, ended;
	size_t first;           /* all before it are noted */
	size_t unnoted;         /* so many have ended and are not */
	uint64_t all_rows;
};

/*
 * What the checkpoint says, in the transaction of the rows: a line for each table that was begun and is not counted as whole in
 * the state file, with its number, what it has published, and what is left of it.
 */
static void tell_rest(struct pipeline *p)
{
	const struct reading *reading = p->reading;
	struct writer text = {0};

	for (size_t i = reading->first; i < reading->count; i++) {
		size_t start = text.len;
		enum table_reading at;

		wr_printf(&text, "%zu %" PRIu64 " ", i, marker_count(p, reading->tables[i]));
		at = p->source_ops->snapshot_rest(p->source, i, &text);
		wr_u8(&text, '\n');
		if (at == TABLE_NOT_BEGUN || reading->noted[i])
			text.len = start;
	}
	if (text.len < sizeof(p->snapshot_rest))
		snprintf(p->snapshot_rest, sizeof(p->snapshot_rest), "%.*s", (int)text.len, text.len ? text.data : "");
	else
		snprintf(p->snapshot_rest, sizeof(p->snapshot_rest), "!");
	wr_done(&text);
}

static int commit_batch(struct pipeline *p, struct error *err)
{
	if (p->reading)
		tell_rest(p);
	return batch_commit_checkpoint(p, err);
}

/* Kafka has all that was read. */
static int note_ended(struct pipeline *p, struct reading *reading, struct error *err)
{
	struct writer ignored = {0};
	int result = 0;

	for (size_t i = reading->first; i < reading->count && reading->unnoted && result == 0; i++) {
		if (reading->noted[i] || p->source_ops->snapshot_rest(p->source, i, &ignored) != TABLE_READ)
			continue;
		result = rest_note(p, reading->tables[i], marker_count(p, reading->tables[i]), err);
		reading->noted[i] = true;
		reading->unnoted--;
	}
	while (reading->first < reading->count && reading->noted[reading->first])
		reading->first++;
	wr_done(&ignored);
	return result;
}

static int commit_piece(struct pipeline *p, struct error *err)
{
	if (p->batch.open && commit_batch(p, err) < 0)
		return -1;
	if (p->reading && note_ended(p, p->reading, err) < 0)
		return -1;
	if (position_save(p->db, &p->applied, err) < 0 || db_commit(p->db, err) < 0 || db_checkpoint(p->db, err) < 0)
		return -1;
	p->rows_since_state_commit = 0;
	return 0;
}

static void tell_progress(struct pipeline *p)
{
	struct source_progress progress;

	if (p->now - p->progress_at < PROGRESS_US)
		return;
	p->progress_at = p->now;
	p->source_ops->snapshot_progress(p->source, &progress);
	status_reading(p, &progress);
	if (p->now - p->progress_told_at < PROGRESS_TOLD_US)
		return;
	p->progress_told_at = p->now;
	log_info(p->options->name, "first snapshot %llu: %llu of about %llu rows are read, %llu of %llu MB, %llu of %llu tables",
		 (unsigned long long)p->applied.snapshot, (unsigned long long)progress.rows, (unsigned long long)progress.expected_rows,
		 (unsigned long long)(progress.bytes / 1000000), (unsigned long long)(progress.expected_bytes / 1000000),
		 (unsigned long long)progress.tables_done, (unsigned long long)progress.tables);
}

static int keep_pace(struct pipeline *p, struct error *err)
{
	p->now = clock_mono();
	if (atomic_load_explicit(&p->control->stop, memory_order_relaxed))
		return error_set(err, ERROR_TRANSIENT, "stopped in the snapshot");
	tell_progress(p);
	if (p->rows_since_state_commit >= STATE_COMMIT_ROWS)
		return commit_piece(p, err);
	if (p->batch.open && (batch_full(p) || p->now - p->batch.begun_at > USEC_PER_SEC))
		return commit_batch(p, err);
	return pipeline_serve(p, err);
}

static int take_row(struct pipeline *p, const struct route *route, struct change *change, struct error *err)
{
	if (route->plan && !p->options->from_now && change_publish(p, change, err) < 0)
		return -1;
	if (route->mirrored && mirror_apply(p->mirror, change, err) < 0)
		return -1;
	p->rows_since_state_commit++;
	metric_add(&p->metrics->snapshot_rows, 1);
	return 0;
}

static int take_one(struct pipeline *p, struct reading *reading, struct change *change, size_t table, struct error *err)
{
	change->index = reading->rows[table]++;
	if (take_row(p, route_of(p, reading->tables[table]), change, err) < 0)
		return -1;
	if (++reading->all_rows % PACE_ROWS == 0 && keep_pace(p, err) < 0)
		return -1;
	failpoint("in-snapshot");
	return 0;
}

/*
 * What the snapshot could not see of a table, because it was written anew, is read while changes are streamed: nothing of this
 * table is published yet that would say that it is whole.
 */
static int check_stands(struct pipeline *p, const struct table *table, size_t number, struct error *err)
{
	int stands = p->source_ops->snapshot_stands(p->source, number, err);

	if (stands != 0)
		return stands < 0 ? -1 : 0;
	return error_set(err, ERROR_TRANSIENT, "table %s.%s was written anew before it was read: it is read while changes are streamed",
			 table->schema, table->name);
}

/* No row is there: tables that have ended are done with, and what is due is done while others are waited for. */
static int take_ends(struct pipeline *p, struct reading *reading, struct error *err)
{
	size_t ended;

	while (p->source_ops->snapshot_ended(p->source, &ended)) {
		const struct table *table = reading->tables[ended];

		reading->ended++;
		reading->unnoted++;
		log_info(p->options->name, "first snapshot: %llu rows of %s.%s", (unsigned long long)reading->rows[ended], table->schema,
			 table->name);
		if (p->reading && check_stands(p, table, ended, err) < 0)
			return -1;
		if (route_of(p, table)->mirrored && mirror_loaded(p->mirror, table, err) < 0)
			return -1;
	}
	return p->reading && reading->unnoted >= UNNOTED_MOST ? commit_piece(p, err) : keep_pace(p, err);
}

static int read_rows(struct pipeline *p, struct reading *reading, struct error *err)
{
	struct change change;
	size_t table;

	if (p->source_ops->snapshot_read(p->source, reading->tables, reading->count, err) < 0)
		return -1;
	p->progress_at = 0;
	p->progress_told_at = p->now = clock_mono();
	while (reading->ended < reading->count) {
		int got = masks_pass(p->masks, &change, p->source_ops->snapshot_next(p->source, &change, &table, err), err);

		if (got < 0 || (got ? take_one(p, reading, &change, table, err) : take_ends(p, reading, err)) < 0)
			return -1;
	}
	return 0;
}

/*
 * Rows that no mapping needs come last: when they are read, all that has to be as of the snapshot is there. Without a key they
 * could not be read while changes are streamed, should this end.
 */
static bool can_wait(struct pipeline *p, const struct table *table)
{
	const struct route *route = route_of(p, table);

	return !p->options->from_now && route->plan && !route->mirrored && table->key_count > 0;
}

/* All that something is done with: a registry has their schemas before their first row. */
static int choose_tables(struct pipeline *p, bool waiting, struct reading *reading, struct error *err)
{
	for (size_t i = 0; i < p->table_count; i++) {
		struct route *route = route_of(p, p->versions[i]);

		if (can_wait(p, p->versions[i]) != waiting || (p->options->from_now && !route->mirrored))
			continue;
		if (schemas_settle_route(p, route, err) < 0)
			return -1;
		reading->tables[reading->count++] = p->versions[i];
	}
	return 0;
}

static struct reading reading_new(const struct pipeline *p)
{
	return (struct reading){
		.tables = MEM_ARRAY(const struct table *, p->table_count),
		.rows = MEM_ARRAY(uint64_t, p->table_count),
		.noted = MEM_ARRAY(bool, p->table_count),
	};
}

static void reading_done(struct reading *reading)
{
	free(reading->tables);
	free(reading->rows);
	free(reading->noted);
}

static int load_tables(struct pipeline *p, const struct source_snapshot *snapshot, struct error *err)
{
	struct encode_snapshot origin = {.lsn = snapshot->consistent.lsn, .started_at = snapshot->taken_at};
	struct reading reading = reading_new(p);
	int result;

	p->snapshot_at = snapshot->taken_at;
	p->snapshot_position = snapshot->consistent;
	encode_snapshot(p->encoder, &origin);
	result = choose_tables(p, false, &reading, err);
	if (result == 0)
		result = read_rows(p, &reading, err);
	status_reading(p, NULL);
	reading_done(&reading);
	return result;
}

static int make_documents(struct pipeline *p, struct error *err)
{
	unsigned count;
	const struct entity *const *entities;

	if (!p->touch)
		return 0;
	routes_hold(p);
	entities = mapping_entities(p->mapping, &count);
	for (unsigned i = 0; i < count; i++)
		if (touch_all(p->touch, entities[i], err) < 0)
			return -1;
	return documents_publish_touched(p, CAUSE_SNAPSHOT, err);
}

/* State file first: with "tables done" it waits for the checkpoint to say what comes after is published. */
static int settle_tables(struct pipeline *p, const struct source_snapshot *snapshot, struct error *err)
{
	p->applied.position = snapshot->consistent;
	p->applied.snapshot_phase = SNAPSHOT_TABLES_DONE;
	if (p->batch.open && batch_commit_checkpoint(p, err) < 0)
		return -1;
	if (inputs_remember(p, err) < 0 || state_commit(p, err) < 0)
		return -1;
	failpoint("snapshot-done");
	return 0;
}

/* From here on the snapshot can be broken off without beginning anew. */
static int read_waiting(struct pipeline *p, struct reading *reading, const struct source_snapshot *snapshot, struct error *err)
{
	int result;

	if (rest_begin(p, reading->tables, reading->count, snapshot->taken_at, err) < 0 || settle_tables(p, snapshot, err) < 0)
		return -1;
	p->applied.snapshot_phase = SNAPSHOT_ROWS;
	*p->snapshot_rest = '\0';
	if (batch_commit_checkpoint(p, err) < 0 || state_commit(p, err) < 0)
		return -1;
	failpoint("snapshot-rows");
	p->reading = reading;
	result = read_rows(p, reading, err);
	p->reading = NULL;
	status_reading(p, NULL);
	return result < 0 ? -1 : rest_forget(p, err);
}

static int load_waiting(struct pipeline *p, const struct source_snapshot *snapshot, struct error *err)
{
	struct reading reading = reading_new(p);
	int result = choose_tables(p, true, &reading, err);

	if (result == 0)
		result = reading.count ? read_waiting(p, &reading, snapshot, err) : settle_tables(p, snapshot, err);
	reading_done(&reading);
	return result;
}

static int finish(struct pipeline *p, const struct source_snapshot *snapshot, struct error *err)
{
	p->applied.snapshot_phase = SNAPSHOT_FINISHED;
	if (marker_snapshot(p, "END", snapshot->taken_at, err) < 0 || batch_commit_checkpoint(p, err) < 0)
		return -1;
	failpoint("snapshot-published");
	return state_commit(p, err);
}

int snapshot_run(struct pipeline *p, bool drop_first, struct error *err)
{
	struct source_snapshot snapshot;

	status_phase(p, PHASE_SNAPSHOT);
	p->history_left_out = p->options->from_now || p->options->history_count;
	if (drop_first && leftovers_collect(p, err) < 0)
		return -1;
	if (announce(p, err) < 0)
		return -1;
	status_alive(p, p->options->source.slot_timeout_us);
	if (p->source_ops->create_slot(p->source, drop_first, &snapshot, err) < 0)
		return -1;
	failpoint("slot-created");
	log_info(p->options->name, "first snapshot %llu begins, read by %u connections", (unsigned long long)p->applied.snapshot,
		 snapshot.readers);
	if (empty_mirror(p, err) < 0 || load_tables(p, &snapshot, err) < 0 || make_documents(p, err) < 0)
		return -1;
	if (leftovers_remove(p, err) < 0 || load_waiting(p, &snapshot, err) < 0)
		return -1;
	if (p->source_ops->snapshot_end(p->source, err) < 0 || finish(p, &snapshot, err) < 0)
		return -1;
	log_info(p->options->name, "first snapshot %llu is published", (unsigned long long)p->applied.snapshot);
	return 0;
}
