/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The first snapshot: announced in the checkpoint before the slot is made; all tables, then the documents of all roots;
 * then state file and checkpoint stand at the slot's consistent point, and streaming begins there. A crash before that
 * begins it anew under the next number, with a new slot: an exported snapshot does not survive its connection.
 */
#include "base/failpoint.h"
#include "base/log.h"
#include "run.h"
#include "state/position.h"

/* The mirror is written in pieces of so many rows, so that the write-ahead log stays small. */
#define STATE_COMMIT_ROWS 200000
#define LOCK_WAIT_US (3600 * USEC_PER_SEC) /* an ALTER TABLE of somebody may hold up the first row that long */

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

static int commit_piece(struct pipeline *p, struct error *err)
{
	if (p->batch.open && batch_commit_checkpoint(p, err) < 0)
		return -1;
	if (position_save(p->db, &p->applied, err) < 0 || db_commit(p->db, err) < 0 || db_checkpoint(p->db, err) < 0)
		return -1;
	p->rows_since_state_commit = 0;
	return 0;
}

static int keep_pace(struct pipeline *p, struct error *err)
{
	p->now = clock_mono();
	if (atomic_load_explicit(&p->control->stop, memory_order_relaxed))
		return error_set(err, ERROR_TRANSIENT, "stopped in the snapshot");
	if (p->rows_since_state_commit >= STATE_COMMIT_ROWS)
		return commit_piece(p, err);
	if (p->batch.open && (batch_full(p) || p->now - p->batch.begun_at > USEC_PER_SEC))
		return batch_commit_checkpoint(p, err);
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

static int load_table(struct pipeline *p, const struct table *table, struct error *err)
{
	struct route *route = route_of(p, table);
	struct change change;
	uint64_t rows = 0;
	int got;

	if (p->options->from_now && !route->mirrored)
		return 0;
	status_alive(p, LOCK_WAIT_US);
	if (schemas_settle_route(p, route, err) < 0 || p->source_ops->snapshot_table(p->source, table, err) < 0)
		return -1;
	while ((got = masks_pass(p->masks, &change, p->source_ops->snapshot_next(p->source, &change, err), err)) > 0) {
		change.index = rows;
		if (take_row(p, route, &change, err) < 0)
			return -1;
		if (++rows % 1024 == 0 && keep_pace(p, err) < 0)
			return -1;
		failpoint("in-snapshot");
	}
	if (got < 0)
		return -1;
	log_info(p->options->name, "snapshot: %llu rows of %s.%s", (unsigned long long)rows, table->schema,
		 table->name);
	return route->mirrored ? mirror_loaded(p->mirror, table, err) : 0;
}

static int load_tables(struct pipeline *p, const struct source_snapshot *snapshot, struct error *err)
{
	struct encode_snapshot origin = {.lsn = snapshot->consistent.lsn, .started_at = snapshot->taken_at};

	p->snapshot_at = snapshot->taken_at;
	p->snapshot_position = snapshot->consistent;
	encode_snapshot(p->encoder, &origin);
	for (size_t i = 0; i < p->table_count; i++)
		if (load_table(p, p->versions[i], err) < 0)
			return -1;
	return 0;
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

/* State file first: with "tables done" it waits for the checkpoint to say whether the snapshot is published. */
static int finish(struct pipeline *p, const struct source_snapshot *snapshot, struct error *err)
{
	p->applied.position = snapshot->consistent;
	p->applied.snapshot_phase = SNAPSHOT_TABLES_DONE;
	if (p->batch.open && batch_commit_checkpoint(p, err) < 0)
		return -1;
	if (inputs_remember(p, err) < 0 || state_commit(p, err) < 0)
		return -1;
	failpoint("snapshot-done");
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
	if (drop_first && leftovers_collect(p, err) < 0)
		return -1;
	if (announce(p, err) < 0)
		return -1;
	status_alive(p, p->options->source.slot_timeout_us);
	if (p->source_ops->create_slot(p->source, drop_first, &snapshot, err) < 0)
		return -1;
	failpoint("slot-created");
	log_info(p->options->name, "snapshot %llu begins", (unsigned long long)p->applied.snapshot);
	if (empty_mirror(p, err) < 0 || load_tables(p, &snapshot, err) < 0 || make_documents(p, err) < 0)
		return -1;
	if (leftovers_remove(p, err) < 0)
		return -1;
	if (p->source_ops->snapshot_end(p->source, err) < 0 || finish(p, &snapshot, err) < 0)
		return -1;
	log_info(p->options->name, "snapshot %llu is published", (unsigned long long)p->applied.snapshot);
	return 0;
}
