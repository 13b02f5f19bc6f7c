/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Tables whose rows go to their change topics while changes are streamed: one that somebody asks for (`tailwater
 * snapshot`), and one that the configuration has not named before. A part of the table is read as one moment has it, and
 * kept in memory. What the stream brings from then on, and the part has not seen, strikes out its rows: they are published
 * already as something newer. When the stream has come to where the part was read, what is left of it is what the table
 * has, and goes out in one Kafka transaction.
 *
 * The checkpoint of that transaction has the number of the part. Before it, at a border, the state file says what that part
 * is: so after a crash it is known whether Kafka has it, and nothing is published twice, or left out. Rows that Kafka does
 * not have are read anew.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/memory.h"
#include "pipeline/requests.h"
#include "repeat.h"
#include "state/audit.h"

#define PART_BYTES (8 << 20)
#define WHOLE_BYTES (64 << 20)          /* of a table without a key, whose rows cannot be read in parts */
#define SERVE_ROWS 1024
#define RETRY_US (50 * USEC_PER_MSEC)
#define SLOW_US (100 * USEC_PER_MSEC)   /* a part that took longer lets the stream go on for as long */
#define PATIENCE_US USEC_PER_SEC        /* with a part that has a condition, the first time ... */
#define PATIENCE_MOST_US (10 * USEC_PER_SEC)
#define SLOW_MOST 4                     /* ... and so often more of it, each time for fewer rows */

static void take_next(struct repeat *repeat)
{
	repeat->parts++;
	repeat->rows += repeat->next_rows;
	repeat->published += repeat->next_published;
	wr_clear(&repeat->mark);
	wr_view_bytes(&repeat->mark, wr_view(&repeat->next_mark));
	repeat->next_rows = repeat->next_published = 0;
}

static int end_part(struct pipeline *p, struct repeat *repeat, struct error *err)
{
	take_next(repeat);
	repeat_tell_status(p);
	if (repeat->next_more)
		return repeat_save(p, repeat, err);
	if (repeat->of_first && !repeat->given_up)
		log_info(p->options->name, "what was left of table %s.%s is published: %" PRIu64 " rows", repeat->schema, repeat->name,
			 repeat->published);
	else if (!repeat->of_first)
		log_info(p->options->name, "snapshot %" PRIu64 " of table %s.%s is published: %" PRIu64 " rows", repeat->number,
			 repeat->schema, repeat->name, repeat->published);
	if (repeat_forget(p, repeat, err) < 0)
		return -1;
	repeat_drop_first(p);
	return 0;
}

static bool is_last(const struct pipeline *p, const struct repeat *repeat)
{
	return !repeat->next_more && !repeats_rest(p, repeat);
}

/* Of what was left of the first snapshot: its END went with the last part. */
static int note_published(struct pipeline *p, const struct repeat *repeat, struct error *err)
{
	if (is_last(p, repeat))
		return rest_forget(p, err);
	return rest_add(p, repeat->schema, repeat->name, repeat->next_published, err);
}

/* Kafka has a part that the state file does not know to be published: the checkpoint tells. */
int repeats_adopt(struct pipeline *p, const struct checkpoint *checkpoint, struct error *err)
{
	struct repeat *first = p->repeats;

	if (!first || checkpoint->job != first->number || checkpoint->job_done != first->parts + 1)
		return 0;
	p->applied = p->published;
	first->next_published -= checkpoint->job_refused;
	if (first->of_first && (rest_add_exceptions(p, checkpoint->job_refused, err) < 0 || note_published(p, first, err) < 0))
		return -1;
	return end_part(p, first, err) < 0 ? -1 : state_commit(p, err);
}

/* Parts ---------------------------------------------------------------------------------------- */

/* It is read anew. */
static void throw_away(struct pipeline *p)
{
	part_reset(&p->repeats->part);
	p->repeats->thrown_away++;
	p->repeat_pending = false;
}

/*
 * Values that were not sent because they stayed the same: nobody has them yet if the row was not published. So the row of the part
 * takes over what came, and leaves as the newest state of the row, behind the change.
 */
static bool lacks_values(const struct change *change)
{
	for (unsigned i = 0; change->op == CHANGE_UPDATE && i < change->table->column_count; i++)
		if (change->after.values[i].state == VALUE_UNCHANGED)
			return true;
	return false;
}

/* A change of the stream, while a part waits. */
void repeats_see(struct pipeline *p, const struct change *change)
{
	struct part *part = &p->repeats->part;

	if (change->table->source_id != part->table->source_id || p->source_ops->part_sees(p->source, change->txn))
		return;
	if (change->table != part->table) { /* altered since: it is read anew */
		throw_away(p);
		return;
	}
	if (change->op == CHANGE_TRUNCATE)
		part_strike_all(part);
	if (part->table->key_count && lacks_values(change) &&
	    part_overlay(part, change->before.image != IMAGE_NONE ? change->before.values : NULL, change->after.values))
		return;
	if (change->before.image != IMAGE_NONE)
		part_strike(part, change->before.values);
	if (part->table->key_count && change->after.image != IMAGE_NONE)
		part_strike(part, change->after.values);
}

/* What became of reading; the others are given up, or read again. */
enum reading_end { ROWS_READ = 0, ROWS_TOO_MANY, ROWS_TOO_SLOW, ROWS_STOPPED };

/*
 * Nothing of the stream is taken meanwhile, since a part has to see all that was: so no condition may make it wait for long, and
 * a stop not at all.
 */
static int read_rows(struct pipeline *p, struct part *part, usec_t patience_us, struct error *err)
{
	size_t most = part->table->key_count ? SIZE_MAX : WHOLE_BYTES;
	usec_t until = patience_us ? clock_mono() + patience_us : INT64_MAX;
	struct change change;
	int got;

	while ((got = masks_pass(p->masks, &change, p->source_ops->part_next(p->source, &change, err), err)) > 0) {
		bool idle = change.op == CHANGE_IDLE;

		if (!idle)
			part_keep(part, part->table, &change);
		failpoint("in-repeat");
		if ((idle || part->count % SERVE_ROWS == 0) && pipeline_serve(p, err) < 0)
			return -1;
		if (part->bytes > most)
			return ROWS_TOO_MANY;
		if (pipeline_stopping(p))
			return ROWS_STOPPED;
		if (patience_us && clock_mono() > until)
			return ROWS_TOO_SLOW;
	}
	return got < 0 ? -1 : ROWS_READ;
}

static int take_part(struct pipeline *p, struct repeat *repeat, struct error *err)
{
	struct source_part_end end;

	if (p->source_ops->part_end(p->source, &end, err) < 0)
		return -1;
	repeat->seen = end.seen;
	repeat->next_rows = end.rows;
	repeat->next_more = end.more;
	wr_clear(&repeat->next_mark);
	wr_view_bytes(&repeat->next_mark, end.mark);
	part_index(&repeat->part);
	repeat->part.pending = p->repeat_pending = true;
	failpoint("part-read");
	return 0;
}

static int publish_part(struct pipeline *p, struct repeat *repeat, struct error *err);

/* A part without rows, the last one: the END of the first snapshot may wait for it. */
static int publish_none(struct pipeline *p, struct repeat *repeat, struct error *err)
{
	part_reset(&repeat->part);
	repeat->next_rows = 0;
	repeat->next_more = false;
	wr_clear(&repeat->next_mark);
	return publish_part(p, repeat, err);
}

static int commit(struct pipeline *p, struct error *err)
{
	return (p->batch.open && batch_commit_checkpoint(p, err) < 0) || state_commit(p, err) < 0 ? -1 : 0;
}

/* For `snapshot --list`. */
int repeat_note(struct pipeline *p, const struct repeat *repeat, const char *what, const char *why, struct error *err)
{
	char *action = mem_printf("snapshot %" PRIu64 " of %s.%s", repeat->number, repeat->schema, repeat->name);
	char *facts = mem_printf("%s after %" PRIu64 " rows%s%s", what, repeat->rows, *why ? ": " : "", why);
	struct audit_entry entry = {
		.at = clock_wall(), .action = view_of(action), .who = VIEW("the agent"), .facts = view_of(facts), .assertion = VIEW(""),
	};
	int result = audit_add(p->db, &entry, err);

	free(action);
	free(facts);
	return result;
}

static int give_up(struct pipeline *p, struct repeat *repeat, const char *why, struct error *err)
{
	log_warning(p->options->name, "snapshot %" PRIu64 " of table %s.%s is given up: %s", repeat->number, repeat->schema, repeat->name,
		    why);
	repeat->given_up = true;
	if (repeat->of_first)
		return publish_none(p, repeat, err);
	if (repeat_note(p, repeat, "given up", why, err) < 0 || repeat_forget(p, repeat, err) < 0)
		return -1;
	repeat_drop_first(p);
	return commit(p, err);
}

/* What stood where in it, is not known any more. */
static int begin_anew(struct pipeline *p, struct repeat *repeat, struct error *err)
{
	log_info(p->options->name, "table %s.%s was written anew: all of it is read", repeat->schema, repeat->name);
	*repeat->rest = '\0';
	wr_clear(&repeat->mark);
	return repeat_save(p, repeat, err);
}

/* The more often one was thrown away, or took too long, the less time there is for the next one to be. */
static uint64_t rows_of_part(const struct pipeline *p, const struct repeat *repeat)
{
	unsigned smaller = repeat->thrown_away + (repeat->slow ? 3 * (repeat->slow - 1) : 0);
	uint64_t rows = p->options->part_rows >> (smaller < 32 ? smaller : 32);

	return rows ? rows : 1;
}

/* A part with a condition: longer and longer, for less and less of the table. */
static usec_t patience_of(const struct repeat *repeat)
{
	usec_t patience = PATIENCE_US << repeat->slow;

	return !*repeat->condition ? 0 : patience < PATIENCE_MOST_US ? patience : PATIENCE_MOST_US;
}

/* The stream goes on before it is tried again. */
static int too_slow(struct pipeline *p, struct repeat *repeat, struct error *err)
{
	char why[160];

	if (repeat->slow < SLOW_MOST) {
		repeat->slow++;
		part_reset(&repeat->part);
		return 0;
	}
	snprintf(why, sizeof(why), "its condition takes too long, more than %d s for %" PRIu64 " rows: give one that an index helps",
		 (int)(PATIENCE_MOST_US / USEC_PER_SEC), rows_of_part(p, repeat));
	return give_up(p, repeat, why, err);
}

/* The part is closed. What is asked for may be wrong; the source is well then, and so is the stream. */
static int settle(struct pipeline *p, struct repeat *repeat, int end, struct error *err)
{
	struct error told = *err;

	if (end < 0 && told.class == ERROR_INPUT && *repeat->condition)
		return give_up(p, repeat, told.text, err);
	if (end == ROWS_TOO_MANY)
		return give_up(p, repeat, "it has no key, and too many rows to be kept until they can be published", err);
	if (end == ROWS_TOO_SLOW)
		return too_slow(p, repeat, err);
	if (end == ROWS_STOPPED)
		part_reset(&repeat->part);
	return end < 0 ? -1 : 0;
}

static int read_begun(struct pipeline *p, struct repeat *repeat, struct error *err)
{
	usec_t begun = clock_mono(), took;
	int end = read_rows(p, &repeat->part, patience_of(repeat), err);

	if (end == ROWS_READ)
		end = take_part(p, repeat, err);
	p->source_ops->part_stop(p->source);
	took = clock_mono() - begun;
	if (took > SLOW_US)
		repeat->retry_at = begun + 2 * took;
	return settle(p, repeat, end, err);
}

static int read_part(struct pipeline *p, struct repeat *repeat, struct error *err)
{
	struct source_part wanted = {
		.table = repeat->part.table,
		.condition = *repeat->condition ? repeat->condition : NULL,
		.rest = *repeat->rest ? repeat->rest : NULL,
		.after = repeat->mark.len ? wr_view(&repeat->mark) : VIEW_NONE,
		.rows = rows_of_part(p, repeat),
		.bytes = PART_BYTES,
		.patience_us = patience_of(repeat),
		.near = repeat->slow > 0,
	};
	enum part_answer answer;

	if (wanted.condition && p->batch.open && batch_commit_checkpoint(p, err) < 0) /* it may have to wait for long */
		return -1;
	if (p->source_ops->part_begin(p->source, &wanted, &answer, err) < 0)
		return settle(p, repeat, -1, err);
	if (answer == PART_ANEW)
		return begin_anew(p, repeat, err);
	if (answer != PART_BEGUN) {
		repeat->retry_at = p->now + RETRY_US;
		return 0;
	}
	return read_begun(p, repeat, err);
}

/* The shape that the table has by now; the stream may not have come there yet. */
static int begin_part(struct pipeline *p, struct repeat *repeat, struct error *err)
{
	struct source_table table = {.schema = repeat->schema, .name = repeat->name};
	const struct table *now;
	struct position at;

	if (p->source_ops->look(p->source, &table, 1, &now, &at, err) < 0)
		return -1;
	if (!now || !pipeline_publishes(p->options, now->schema, now->name))
		return give_up(p, repeat, "it is gone, or has no change topic any more", err);
	part_reset(&repeat->part);
	repeat->part.table = now;
	return read_part(p, repeat, err);
}

static int publish_rows(struct pipeline *p, struct repeat *repeat, struct error *err)
{
	struct encode_snapshot origin = {.lsn = repeat->seen.lsn, .started_at = clock_wall(), .marker = "incremental"};
	const struct part *part = &repeat->part;
	uint64_t index = repeat->rows;

	encode_snapshot(p->encoder, &origin);
	p->snapshot_at = origin.started_at;
	p->snapshot_position = repeat->seen;
	for (size_t i = 0; i < part->count; i++) {
		struct change change = {.op = CHANGE_READ, .table = part->table, .index = index++,
					.after = {IMAGE_FULL, part->rows[i].values}};

		if (part->rows[i].struck)
			continue;
		if (change_publish(p, &change, err) < 0)
			return -1;
		metric_add(&p->metrics->snapshot_rows, 1);
		if (i % SERVE_ROWS == 0 && pipeline_serve(p, err) < 0)
			return -1;
	}
	return 0;
}

/* What was left of the first snapshot: with its last part goes the END. */
static int publish_end(struct pipeline *p, const struct repeat *repeat, struct error *err)
{
	if (!repeat->of_first)
		return 0;
	if (rest_add(p, repeat->schema, repeat->name, repeat->next_published, err) < 0)
		return -1;
	return is_last(p, repeat) ? rest_publish_end(p, err) : 0;
}

/* Rows that became exceptions. What was given up before any of it was read has no shape. */
static uint64_t count_refused(struct pipeline *p, const struct repeat *repeat)
{
	return repeat->part.table ? marker_refused(p, repeat->part.table) : 0;
}

/* At the place where nothing is under way. */
static int publish_part(struct pipeline *p, struct repeat *repeat, struct error *err)
{
	uint64_t refused;

	repeat->next_published = part_count(&repeat->part);
	if (repeat_save(p, repeat, err) < 0)
		return -1;
	if (commit(p, err) < 0)
		return -1;
	failpoint("part-due");
	refused = count_refused(p, repeat);
	if (publish_rows(p, repeat, err) < 0)
		return -1;
	refused = count_refused(p, repeat) - refused;
	repeat->next_published -= refused;
	if (repeat->of_first && rest_add_exceptions(p, refused, err) < 0)
		return -1;
	if (publish_end(p, repeat, err) < 0)
		return -1;
	p->job = repeat->number;
	p->job_done = repeat->parts + 1;
	p->job_refused = refused;
	if (batch_commit_checkpoint(p, err) < 0)
		return -1;
	failpoint("part-published");
	part_reset(&repeat->part);
	repeat->thrown_away = 0;
	p->repeat_pending = false;
	if (end_part(p, repeat, err) < 0 || state_commit(p, err) < 0)
		return -1;
	p->job = p->job_done = p->job_refused = 0;
	return 0;
}

bool repeats_busy(const struct pipeline *p)
{
	const struct repeat *repeat = p->repeats;

	if (!repeat)
		return false;
	return repeat->part.pending ? position_compare(p->applied.position, repeat->seen) >= 0 : p->now >= repeat->retry_at;
}

/* Between two transactions of the stream. A part that waits goes before all others, since it is told by the last one read. */
int repeats_step(struct pipeline *p, struct error *err)
{
	struct repeat *repeat = p->repeats;

	if (!repeat->part.pending)
		return p->now < repeat->retry_at || retention_pauses(p) ? 0 : begin_part(p, repeat, err);
	if (position_compare(p->applied.position, repeat->seen) < 0)
		return 0;
	if (route_table(p, repeat->part.table, err) < 0 || schemas_settle_route(p, route_of(p, repeat->part.table), err) < 0)
		return -1;
	return publish_part(p, repeat, err);
}
