/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Tables of the mirror that are loaded while changes are streamed: those that went STALE, and those that a mapping reads now
 * and did not before. While a table is not whole, the entities that read it are held, and nothing that is published depends
 * on what it has. That makes it a free place: rows are read part by part, each as one moment has it, and put into the table
 * at once; every change that comes by the stream is applied to it, too. A change that a part has seen before does no harm
 * when it is applied again: it is followed by all that came after it. So the table is what the source is when the stream
 * has come to where the last part was read. (A table without a key counts its rows; there, what the part has seen is left
 * out.) Parts, and how far they are, stand in the state file's transaction with the rest: a crash goes back to a moment at
 * which both were right.
 *
 * Only two things change what is published, and both have their place: a table goes STALE at a row of the log, so that a
 * replay comes to the same; and it becomes whole at a border, in one commit with the job that makes up for what was held.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/memory.h"
#include "loads.h"

#define SERVE_ROWS 1024
#define STATE_COMMIT_ROWS 200000            /* so that the file's log stays small while nothing else happens */
#define RETRY_US (50 * USEC_PER_MSEC)
#define TELL_US (30 * USEC_PER_SEC)

static int add(struct pipeline *p, size_t table, struct position at, struct error *err)
{
	struct load load = {.table = table, .is_new = true, .is_bag = p->versions[table]->key_count == 0};

	if (load_find(p, p->tables[table].schema, p->tables[table].name, &load, err) < 0)
		return -1;
	if (load.shape_at.kind == POSITION_NONE)
		load.shape_at = at;
	p->loads = mem_resize(p->loads, p->load_count + 1, sizeof(*p->loads));
	p->loads[p->load_count++] = load;
	return load_save(p, &load, err);
}

/* All tables that are to be loaded, when the mirror is open. */
int loads_open(struct pipeline *p, struct error *err)
{
	struct position at;

	loads_close(p);
	if (!p->may_load)
		return repeats_open(p, err);
	if (p->source_ops->look(p->source, NULL, 0, NULL, &at, err) < 0)
		return -1;
	for (size_t i = 0; i < p->table_count; i++)
		if (mirror_state_of(p->mirror, p->tables[i].schema, p->tables[i].name, NULL) == MIRROR_LOADING &&
		    add(p, i, at, err) < 0)
			return -1;
	if (repeats_open(p, err) < 0)
		return -1;
	p->loads_wanted = p->loads_due || p->load_count || p->repeats || p->newcomer_count;
	return 0;
}

void loads_close(struct pipeline *p)
{
	for (size_t i = 0; i < p->load_count; i++)
		wr_done(&p->loads[i].mark);
	free(p->loads);
	p->loads = NULL;
	p->load_count = 0;
	p->loads_wanted = false;
	p->load_retry_at = p->load_told_at = 0;
	repeats_close(p);
}

/* Every so often: tables that were altered without a row being written since, and rows that went without a word. */
int loads_look(struct pipeline *p, struct error *err)
{
	const struct table **now;
	struct position at;
	bool due;
	int result;

	if (layouts_look(p, &due, err) < 0)
		return -1;
	if (due)
		p->loads_due = p->loads_wanted = true;
	if (!p->need_count)
		return 0;
	now = MEM_ARRAY(const struct table *, p->table_count);
	result = p->source_ops->look(p->source, p->tables, p->table_count, now, &at, err);
	for (size_t i = 0; i < p->table_count && result == 0; i++) {
		enum mirror_state state = mirror_state_of(p->mirror, p->tables[i].schema, p->tables[i].name, NULL);
		struct mirror_difference difference = {0};

		if (!now[i] || state == MIRROR_NONE || now[i] == p->versions[i])
			continue;
		if (state != MIRROR_STALE)
			result = mirror_differs(p->db, now[i], &difference, err);
		if (state == MIRROR_STALE || difference.differs)
			p->loads_due = p->loads_wanted = true;
	}
	free(now);
	return result;
}

/* Changes of tables that are not whole --------------------------------------------------------- */

static struct load *find_load(struct pipeline *p, const struct table *table)
{
	for (size_t i = 0; i < p->load_count; i++)
		if (p->versions[p->loads[i].table]->source_id == table->source_id)
			return &p->loads[i];
	return NULL;
}

/* Where the stream is, rows may come that are older than the table's present shape, and fit it. */
static bool too_early(const struct load *load, struct position at)
{
	return load->waits && position_compare(at, load->shape_at) < 0;
}

/*
 * A table without a key must not be given again what the part that was read has seen, or will see; nor any table what is older
 * than all parts that are read: the row may be gone, with its partition, without a word.
 */
bool load_has(struct pipeline *p, const struct change *change)
{
	const struct load *load = find_load(p, change->table);

	if (load && too_early(load, change->txn->final))
		return true;
	return load && load->is_bag && (!load->read || p->source_ops->part_sees(p->source, change->txn));
}

/*
 * A row of a version that has no place in the mirrored table. If it was written before the table's present shape was, the
 * parts that are read have seen it; otherwise the table is not what the source has from here on.
 */
int load_settle(struct pipeline *p, const struct change *change, struct error *err)
{
	const struct table *table = change->table;
	const struct load *load = find_load(p, table);
	enum mirror_state state = mirror_state_of(p->mirror, table->schema, table->name, NULL);
	const char *reason;

	if (state == MIRROR_STALE ||
	    (load && state == MIRROR_LOADING && position_compare(change->txn->final, load->shape_at) <= 0))
		return 0;
	if (mirror_declare(p->mirror, table, &state, err) < 0)
		return -1;
	mirror_state_of(p->mirror, table->schema, table->name, &reason);
	log_warning(p->options->name, "table %s.%s is STALE: %s: what was in it may have changed without row events; its entities "
		    "are held until it is loaded again", table->schema, table->name, reason);
	routes_hold(p);
	p->loads_due = p->loads_wanted = true;
	return 0;
}

/* Kafka has everything, and the state file says so. */
static int meet(struct pipeline *p, struct error *err)
{
	if (p->batch.open && batch_commit_checkpoint(p, err) < 0)
		return -1;
	return state_commit(p, err);
}

static int become_stale(struct pipeline *p, const struct table *table, const char *reason, struct error *err)
{
	enum mirror_state state;

	if (p->batch.open && batch_commit_checkpoint(p, err) < 0)
		return -1;
	if (mirror_set_stale(p->db, table->schema, table->name, reason, err) < 0 ||
	    mirror_declare(p->mirror, table, &state, err) < 0 || state_commit(p, err) < 0)
		return -1;
	log_warning(p->options->name, "table %s.%s is STALE: %s: what was in it may have changed without row events; its entities "
		    "are held until it is loaded again", table->schema, table->name, reason);
	failpoint("stale");
	routes_hold(p);
	return 0;
}

/*
 * The log tells of a table that was altered, but not that a column is another one of the same name and type: that is seen by
 * the catalogue, which is that of now, and was another when this place of the log was first read, or will be when it is read
 * again. So the table becomes STALE together with a state commit: a replay begins behind it. A replay of what is before it
 * sees nothing; what the catalogue says by then is settled at the border after it.
 */
int load_recheck(struct pipeline *p, const struct table *table, struct error *err)
{
	enum mirror_state state = p->mirror ? mirror_state_of(p->mirror, table->schema, table->name, NULL) : MIRROR_NONE;
	struct mirror_difference difference;

	if ((state != MIRROR_WHOLE && state != MIRROR_LOADING) || p->replaying || p->applied.open.done < p->txn_skip)
		return 0;
	if (mirror_differs(p->db, table, &difference, err) < 0)
		return -1;
	if (!difference.renumbered)
		return 0;
	p->loads_due = p->loads_wanted = true;
	return state == MIRROR_LOADING ? 0 : become_stale(p, table, difference.reason, err);
}

/* Loading -------------------------------------------------------------------------------------- */

static int begin_again(struct pipeline *p, struct error *err)
{
	if (meet(p, err) < 0)
		return -1;
	return error_set(err, ERROR_TRANSIENT, "a table has changed that the mapping reads");
}

static int read_rows(struct pipeline *p, struct load *load, struct error *err)
{
	struct change change;
	uint64_t rows = 0;
	int got;

	while ((got = masks_pass(p->masks, &change, p->source_ops->part_next(p->source, &change, err), err)) > 0) {
		bool idle = change.op == CHANGE_IDLE;

		if (!idle && mirror_apply(p->mirror, &change, err) < 0)
			return -1;
		failpoint("in-load");
		rows += !idle;
		if ((idle || rows % SERVE_ROWS == 0) && pipeline_serve(p, err) < 0)
			return -1;
	}
	load->rows += rows;
	p->rows_since_state_commit += rows;
	metric_add(&p->metrics->loaded_rows, rows);
	return got;
}

static int end_part(struct pipeline *p, struct load *load, struct error *err)
{
	struct source_part_end end;

	if (p->source_ops->part_end(p->source, &end, err) < 0)
		return -1;
	load->read = !end.more;
	if (position_compare(end.seen, load->seen) > 0)
		load->seen = end.seen;
	wr_clear(&load->mark);
	wr_view_bytes(&load->mark, end.mark);
	failpoint("part-loaded");
	return load_save(p, load, err);
}

/* Something that a part would have to see has to end first. */
static void wait_for_others(struct pipeline *p, const struct load *load)
{
	p->load_retry_at = p->now + RETRY_US;
	if (!p->load_told_at) {
		p->load_told_at = p->now;
	} else if (p->now - p->load_told_at > TELL_US) {
		p->load_told_at = p->now;
		log_info(p->options->name, "table %s.%s is not loaded yet: transactions that write to it, or hold it, have to end first",
			 p->tables[load->table].schema, p->tables[load->table].name);
	}
}

static int read_part(struct pipeline *p, struct load *load, struct error *err)
{
	struct source_part part = {
		.table = p->versions[load->table],
		.after = load->mark.len ? wr_view(&load->mark) : VIEW_NONE,
		.rows = p->options->part_rows,
	};
	enum part_answer answer;
	int result = p->source_ops->part_begin(p->source, &part, &answer, err);

	if (result < 0)
		return -1;
	if (answer == PART_LATER)
		wait_for_others(p, load);
	if (answer == PART_CHANGED)
		p->loads_due = true;
	if (answer != PART_BEGUN)
		return 0;
	p->load_told_at = 0;
	status_alive(p, 0);
	result = read_rows(p, load, err);
	if (result == 0)
		result = end_part(p, load, err);
	p->source_ops->part_stop(p->source);
	return result;
}

static void drop_first(struct pipeline *p)
{
	wr_done(&p->loads[0].mark);
	memmove(p->loads, p->loads + 1, --p->load_count * sizeof(*p->loads));
	p->loads_wanted = p->loads_due || p->load_count || p->repeats || p->newcomer_count;
}

/* In the commit that makes the table whole: the documents that read it, to be made. */
static int add_job(struct pipeline *p, const struct source_table *table, bool is_new, struct error *err)
{
	struct arena arena;
	uint64_t ignored;
	int result;

	if (!p->mapping)
		return db_commit(p->db, err);
	arena_init(&arena);
	result = job_touch(p, mirror_name(&arena, table->schema, table->name), err);
	arena_done(&arena);
	return result < 0 ? -1 : job_begin(p, is_new ? JOB_LOADED : JOB_RELOAD, &ignored, err);
}

/* The border: the table is whole, and what was held is made up for. */
static int finish(struct pipeline *p, const struct load *load, struct error *err)
{
	static const struct checkpoint none;
	const struct source_table *table = &p->tables[load->table];

	if (meet(p, err) < 0)
		return -1;
	log_info(p->options->name, "table %s.%s is loaded: %" PRIu64 " rows", table->schema, table->name, load->rows);
	if (mirror_loaded(p->mirror, p->versions[load->table], err) < 0 ||
	    load_put(p, table->schema, table->name, VIEW_NONE, err) < 0)
		return -1;
	routes_hold(p);
	if (add_job(p, table, load->is_new, err) < 0)
		return -1;
	failpoint("table-loaded");
	drop_first(p);
	return jobs_run(p, &none, err);
}

/* Whether there is more to be done without waiting for anything. */
bool loads_busy(const struct pipeline *p)
{
	const struct load *load = p->loads;

	if (p->txn || p->replaying || p->newcomer_count || retention_pauses(p))
		return false;
	if (!p->load_count || p->repeat_pending)
		return repeats_busy(p);
	if (load->read)
		return position_compare(p->applied.position, load->seen) >= 0;
	return p->now >= p->load_retry_at && !too_early(load, p->applied.position);
}

static int step(struct pipeline *p, struct error *err)
{
	struct load *load = p->loads;

	if (p->rows_since_state_commit >= STATE_COMMIT_ROWS && meet(p, err) < 0)
		return -1;
	if (!load->read)
		return p->now < p->load_retry_at || retention_pauses(p) || too_early(load, p->applied.position) ? 0 : read_part(p, load, err);
	return position_compare(p->applied.position, load->seen) < 0 ? 0 : finish(p, load, err);
}

/* A piece of it, between two transactions of the stream. */
int loads_step(struct pipeline *p, struct error *err)
{
	if (p->txn || p->replaying)
		return 0;
	if (p->loads_due)
		return begin_again(p, err);
	if (p->newcomer_count && !p->repeat_pending)
		return newcomers_step(p, err);
	if (p->load_count && !p->repeat_pending)
		return step(p, err);
	if (p->repeats)
		return repeats_step(p, err);
	p->loads_wanted = false;
	return 0;
}
