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
#include <stdio.h>
#include <stdlib.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/memory.h"
#include "run.h"
#include "state/inputs.h"

#define SERVE_ROWS 1024
#define STATE_COMMIT_ROWS 200000            /* so that the file's log stays small while nothing else happens */
#define RETRY_US (50 * USEC_PER_MSEC)
#define TELL_US (30 * USEC_PER_SEC)
#define RECORD "load."

/* Records ------------------------------------------------------------------------------------- */

static char *record_name(const char *schema, const char *name)
{
	return mem_printf(RECORD "%s.%s", schema, name);
}

static int put_record(struct pipeline *p, const char *schema, const char *name, struct view text, struct error *err)
{
	char *record = record_name(schema, name);
	int result = input_put(p->db, record, text, err);

	free(record);
	return result;
}

/* What a load is, as its record's first number. */
enum { KIND_NEW = 1, KIND_WAITS = 2 };

static int kind_of(bool is_new, bool waits)
{
	return (is_new ? KIND_NEW : 0) | (waits ? KIND_WAITS : 0);
}

static int save(struct pipeline *p, const struct load *load, struct error *err)
{
	const struct source_table *table = &p->tables[load->table];
	char shape_at[POSITION_TEXT_BYTES], seen[POSITION_TEXT_BYTES];
	struct writer text = {0};
	int result;

	position_print(load->shape_at, shape_at);
	position_print(load->seen, seen);
	wr_printf(&text, "%d %d %" PRIu64 " %s %s\n", kind_of(load->is_new, load->waits), load->read, load->rows, shape_at, seen);
	result = masking_put_mark(p, wr_view(&load->mark), &text, err);
	if (result == 0)
		result = put_record(p, table->schema, table->name, wr_view(&text), err);
	wr_done(&text);
	return result;
}

static struct position read_position(const struct pipeline *p, const char *text)
{
	struct position position = {0};

	if (position_parse(p->identity.log_end.kind, view_of(text), &position) < 0)
		return (struct position){0};
	return position;
}

static void read_record(struct pipeline *p, struct view record, struct load *load)
{
	char shape_at[POSITION_TEXT_BYTES] = "", seen[POSITION_TEXT_BYTES] = "", line[200];
	const char *end = memchr(record.ptr, '\n', record.len);
	int kind = 0, read = 0;

	snprintf(line, sizeof(line), "%.*s", end ? (int)(end - record.ptr) : 0, record.ptr);
	sscanf(line, "%d %d %" SCNu64 " %63s %63s", &kind, &read, &load->rows, shape_at, seen);
	load->is_new = kind & KIND_NEW;
	load->waits = kind & KIND_WAITS;
	load->read = read;
	load->shape_at = read_position(p, shape_at);
	load->seen = read_position(p, seen);
	if (end)
		masking_get_mark(p, (struct view){end + 1, record.len - (size_t)(end + 1 - record.ptr)}, &load->mark);
}

/* 1 and what is known of it, 0: nothing, -1. */
static int find_record(struct pipeline *p, const char *schema, const char *name, struct load *load, struct error *err)
{
	char *record = record_name(schema, name);
	struct arena arena;
	struct view text;
	int found;

	arena_init(&arena);
	found = input_get(p->db, record, &arena, &text, err);
	if (found > 0)
		read_record(p, text, load);
	arena_done(&arena);
	free(record);
	return found;
}

/* What a load begins with, for a table that goes from the mirror now. */
static int begin_anew(struct pipeline *p, const char *schema, const char *name, bool is_new, bool waits, struct error *err)
{
	struct load before = {0};
	char *text;
	int result = find_record(p, schema, name, &before, err);

	if (result < 0)
		return -1;
	wr_done(&before.mark);
	text = mem_printf("%d 0 0 none none\n", kind_of(is_new || before.is_new, waits || before.waits));
	result = put_record(p, schema, name, view_of(text), err);
	free(text);
	return result < 0 ? -1 : mirror_forget(p->db, schema, name, err);
}

/* What has to be loaded ------------------------------------------------------------------------ */

struct candidate {
	char *schema, *name;
	enum mirror_state state;
	char reason[200];
	bool is_bag;
	bool renumbered;         /* as in struct mirror_difference */
	bool recorded;           /* its load has begun */
	const struct table *now; /* as the catalogue has it */
	struct candidate *next;
};

struct candidates {
	struct pipeline *p;
	size_t listed;
	struct arena arena;
	struct candidate *first, **end;
};

static bool same_name(const struct table *table, const struct candidate *one)
{
	return strcmp(table->name, one->name) == 0 && strcmp(table->schema, one->schema) == 0;
}

static int note_known(void *arg, const struct mirror_known *known, struct error *err)
{
	struct candidates *all = arg;
	struct candidate *one = ARENA_NEW(&all->arena, struct candidate);

	(void)err;
	*one = (struct candidate){.state = known->state, .is_bag = known->is_bag};
	one->schema = (char *)arena_copy(&all->arena, view_of(known->schema)).ptr;
	one->name = (char *)arena_copy(&all->arena, view_of(known->name)).ptr;
	snprintf(one->reason, sizeof(one->reason), "%s", known->reason);
	for (size_t i = 0; i < all->listed && !one->now; i++)
		if (same_name(all->p->versions[i], one))
			one->now = all->p->versions[i];
	*all->end = one;
	all->end = &one->next;
	return 0;
}

/*
 * A table that is whole, but not what the catalogue has, is stale; while a replay is due it is not yet: the log will come to
 * that.
 */
static int look_again(struct pipeline *p, struct candidate *one, bool quiet, bool *ret_load, struct error *err)
{
	struct mirror_difference now;

	*ret_load = one->state == MIRROR_STALE;
	if (mirror_differs(p->db, one->now, &now, err) < 0)
		return -1;
	one->renumbered = now.renumbered;
	if (one->state == MIRROR_LOADING)
		*ret_load = now.differs || one->is_bag;
	if (one->state != MIRROR_WHOLE || !now.differs)
		return mirror_learn_numbers(p->db, one->now, err);
	*ret_load = quiet;
	p->loads_due |= !quiet;
	snprintf(one->reason, sizeof(one->reason), "%s", now.reason);
	return 0;
}

/* Of the tables as they are remembered, with one as it is now. 1: the mapping takes them; 0 and its first complaint; -1. */
static int try_mapping(struct candidates *all, const struct candidate *one, char complaint[300], struct error *err)
{
	const struct table *const *remembered, **tables;
	struct diagnostics diag = {0};
	struct mapping *mapping;
	struct arena arena;
	unsigned count;

	if (!all->p->pack)
		return 1;
	arena_init(&arena);
	if (mirror_remember(all->p->db, all->p->versions, (unsigned)all->listed, &arena, &remembered, &count, err) < 0) {
		arena_done(&arena);
		return -1;
	}
	tables = ARENA_ARRAY(&arena, const struct table *, count);
	for (unsigned i = 0; i < count; i++)
		tables[i] = same_name(remembered[i], one) ? one->now : remembered[i];
	mapping = routes_try_mapping(all->p, tables, count, &diag);
	wr_u8(&diag.text, '\0');
	snprintf(complaint, 300, "%.*s", (int)strcspn(diag.text.data, "\n"), diag.text.data);
	mapping_free(mapping);
	diag_done(&diag);
	arena_done(&arena);
	return mapping != NULL;
}

/* A mapping that does not take the table as it is now holds its entities, and says why. */
static int settle_candidate(struct candidates *all, struct candidate *one, struct error *err)
{
	struct pipeline *p = all->p;
	struct load known = {0};
	char complaint[300];
	int taken = try_mapping(all, one, complaint, err), found = find_record(p, one->schema, one->name, &known, err);

	wr_done(&known.mark);
	if (taken < 0 || found < 0)
		return -1;
	one->recorded = found > 0;
	if (taken && one->state == MIRROR_LOADING) {
		log_info(p->options->name, "table %s.%s is loaded from its beginning", one->schema, one->name);
		return begin_anew(p, one->schema, one->name, !one->recorded, one->renumbered, err);
	}
	if (taken) {
		log_warning(p->options->name, "table %s.%s is STALE: %s; it is loaded again, its entities are held meanwhile",
			    one->schema, one->name, one->reason);
		return begin_anew(p, one->schema, one->name, false, one->renumbered, err);
	}
	log_warning(p->options->name, "table %s.%s is STALE: %s; its entities are held, because the mapping does not take it as it "
		    "is: %s", one->schema, one->name, one->reason, complaint);
	return mirror_set_stale(p->db, one->schema, one->name, one->reason, err);
}

static int prepare(struct candidates *all, struct error *err)
{
	struct pipeline *p = all->p;
	bool quiet, load;

	if (jobs_quiet(p, &quiet, err) < 0 || mirror_each_known(p->db, note_known, all, err) < 0)
		return -1;
	for (struct candidate *one = all->first; one; one = one->next) {
		if (!one->now)
			continue;
		if (look_again(p, one, quiet, &load, err) < 0 || (load && settle_candidate(all, one, err) < 0))
			return -1;
	}
	return 0;
}

/* Before the mapping is compiled: against what is loaded again as it is now. */
int loads_prepare(struct pipeline *p, size_t listed, struct error *err)
{
	struct candidates all = {.p = p, .listed = listed};
	int result;

	p->loads_due = false;
	if (!p->may_load)
		return 0;
	arena_init(&all.arena);
	all.end = &all.first;
	result = prepare(&all, err);
	arena_done(&all.arena);
	return result;
}

/* What is kept of it serves until there is a border. */
static int keep_narrow(struct pipeline *p, struct mirror_need *need, struct error *err)
{
	const char **columns = ARENA_ARRAY(&p->mapping_arena, const char *, need->column_count + 1);
	struct mirror_need one = *need;
	unsigned count = 0;

	one.column_count = 1;
	for (unsigned i = 0; i < need->column_count; i++) {
		bool lacks;

		one.columns = &need->columns[i];
		if (mirror_lacks(p->db, &one, &lacks, err) < 0)
			return -1;
		if (!lacks)
			columns[count++] = need->columns[i];
	}
	need->columns = columns;
	need->column_count = count;
	p->loads_due = true;
	return 0;
}

/*
 * Columns are needed that are not kept, by another mapping, or of a table that is mirrored whole: it is loaded again, at a
 * border.
 */
int loads_widen(struct pipeline *p, struct error *err)
{
	bool quiet, lacks;

	if (!p->may_load)
		return 0;
	if (jobs_quiet(p, &quiet, err) < 0)
		return -1;
	for (unsigned i = 0; i < p->need_count; i++) {
		struct mirror_need *need = &p->needs[i];

		if (mirror_lacks(p->db, need, &lacks, err) < 0)
			return -1;
		if (!lacks)
			continue;
		if (!quiet && !p->pack_switched) {
			if (keep_narrow(p, need, err) < 0)
				return -1;
			continue;
		}
		log_info(p->options->name, "more columns of table %s.%s are needed than were kept: it is loaded again", need->schema,
			 need->name);
		if (begin_anew(p, need->schema, need->name, true, false, err) < 0)
			return -1;
	}
	return 0;
}

static int add(struct pipeline *p, size_t table, struct position at, struct error *err)
{
	struct load load = {.table = table, .is_new = true, .is_bag = p->versions[table]->key_count == 0};

	if (find_record(p, p->tables[table].schema, p->tables[table].name, &load, err) < 0)
		return -1;
	if (load.shape_at.kind == POSITION_NONE)
		load.shape_at = at;
	p->loads = mem_resize(p->loads, p->load_count + 1, sizeof(*p->loads));
	p->loads[p->load_count++] = load;
	return save(p, &load, err);
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

/* Every so often: tables that were altered without a row being written since. */
int loads_look(struct pipeline *p, struct error *err)
{
	const struct table **now;
	struct position at;
	int result;

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

/* A table without a key must not be given again what the part that was read has seen, or will see. */
bool load_has(struct pipeline *p, const struct change *change)
{
	const struct load *load = find_load(p, change->table);

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
		if (mirror_apply(p->mirror, &change, err) < 0)
			return -1;
		failpoint("in-load");
		if (++rows % SERVE_ROWS == 0 && pipeline_serve(p, err) < 0)
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
	return save(p, load, err);
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
	    put_record(p, table->schema, table->name, VIEW_NONE, err) < 0)
		return -1;
	routes_hold(p);
	if (add_job(p, table, load->is_new, err) < 0)
		return -1;
	failpoint("table-loaded");
	drop_first(p);
	return jobs_run(p, &none, err);
}

/* Where the stream is, rows may come that are older than the table's present shape, and fit it. */
static bool too_early(const struct pipeline *p, const struct load *load)
{
	return load->waits && position_compare(p->applied.position, load->shape_at) < 0;
}

/* Whether there is more to be done without waiting for anything. */
bool loads_busy(const struct pipeline *p)
{
	if (p->newcomer_count || retention_pauses(p))
		return false;
	if (p->load_count)
		return !p->loads[0].read && p->now >= p->load_retry_at && !too_early(p, &p->loads[0]);
	return repeats_busy(p);
}

static int step(struct pipeline *p, struct error *err)
{
	struct load *load = p->loads;

	if (p->rows_since_state_commit >= STATE_COMMIT_ROWS && meet(p, err) < 0)
		return -1;
	if (!load->read)
		return p->now < p->load_retry_at || retention_pauses(p) || too_early(p, load) ? 0 : read_part(p, load, err);
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
