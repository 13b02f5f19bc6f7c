/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * One change, as the source gives it: counted, and then skipped (the state file has it), applied without being
 * published (the checkpoint has it), or both. Which of these is decided by three numbers, set at the begin of its
 * transaction.
 */
#include "base/failpoint.h"
#include "base/log.h"
#include "base/map.h"
#include "run.h"

static bool same_transaction(const struct open_transaction *open, const struct transaction *txn)
{
	return open->phase != OPEN_NONE && position_compare(open->final, txn->final) == 0;
}

/* From here on everything is new: what the replay made must be what the checkpoint says. */
static int finish_replay(struct pipeline *p, struct error *err)
{
	const struct progress *mine = &p->applied, *told = &p->published;

	p->replaying = false;
	if (mine->border != told->border ||
	    (mine->published == told->published && mine->digest[0] == told->digest[0] &&
	     mine->digest[1] == told->digest[1])) {
		log_info(p->options->name, "replay done: %llu messages, the same as published",
			 (unsigned long long)mine->published);
		return 0;
	}
	error_state(err, STATE_REPLAY_DIFFERS,
		    "the replay made %llu messages, but the checkpoint says that %llu (or others) were published",
		    (unsigned long long)mine->published, (unsigned long long)told->published);
	return error_hint(err, "something that influences output was changed after a crash (tables, columns, masking or "
			       "topics of the configuration, the version of the agent, the state file): start once with what "
			       "it was and end that with SIGTERM, then change it; if nothing was changed, keep the "
			       "state file and report it");
}

int change_set_hidden(struct pipeline *p, bool hidden, struct error *err)
{
	return p->replaying && !hidden ? finish_replay(p, err) : 0;
}

/* What of the transaction the state file has (skip), and what the checkpoint has (hidden). */
static int place_transaction(struct pipeline *p, const struct transaction *txn, struct error *err)
{
	const struct open_transaction *saved = &p->saved.open, *published = &p->published.open;
	bool in_saved = same_transaction(saved, txn), in_published = same_transaction(published, txn);

	p->txn_split = in_published;
	p->txn_published = position_compare(txn->final, p->published.position) < 0;
	p->txn_skip = !in_saved ? 0 : saved->phase == OPEN_CHANGES ? saved->done : UINT64_MAX;
	p->txn_skip_documents = in_saved && saved->phase == OPEN_DOCUMENTS ? saved->done : 0;
	p->txn_hidden = !in_published ? 0 : published->phase == OPEN_CHANGES ? published->done : UINT64_MAX;
	p->txn_hidden_documents = in_published && published->phase == OPEN_DOCUMENTS ? published->done : 0;
	if (p->txn_published)
		p->txn_hidden = p->txn_hidden_documents = UINT64_MAX;
	p->txn_unmarked = marker_wanted(p);
	if (!in_saved)
		return 0;
	log_info(p->options->name, "resuming after %llu %s of a split transaction (%llu)",
		 (unsigned long long)saved->done, saved->phase == OPEN_CHANGES ? "changes" : "documents",
		 (unsigned long long)txn->id);
	metric_add(saved->phase == OPEN_CHANGES ? &p->metrics->skips_in_changes : &p->metrics->skips_in_documents, 1);
	return tallies_load(p, err);
}

static int handle_begin(struct pipeline *p, struct change *change, struct error *err)
{
	const struct transaction *txn = change->txn;

	p->txn = txn;
	arena_reset(&p->txn_arena);
	encode_begin(p->encoder, txn);
	event_id_begin(p, txn);
	tallies_begin(p);
	if (place_transaction(p, txn, err) < 0)
		return -1;
	p->applied.open = (struct open_transaction){.phase = OPEN_CHANGES, .final = txn->final, .xid = txn->id};
	return change_set_hidden(p, p->txn_hidden > 0 || p->txn_skip > 0, err);
}

static int handle_origin(struct pipeline *p, struct change *change, struct error *err)
{
	(void)err;
	encode_origin(p->encoder, change->txn);
	return 0;
}

static int handle_table(struct pipeline *p, struct change *change, struct error *err)
{
	p->look_wanted = true;
	return route_table(p, change->table, err) < 0 ? -1 : load_recheck(p, change->table, err);
}

/* Values that the server did not send because they stayed the same: the mirror has them, if it mirrors the column. */
static int complete_unchanged(struct pipeline *p, const struct change *change, struct error *err)
{
	const struct table *table = change->table;
	struct row known;
	bool fetched = false;

	for (unsigned i = 0; i < table->column_count; i++) {
		struct value *value = &change->after.values[i];

		if (value->state != VALUE_UNCHANGED)
			continue;
		if (!fetched) {
			/* What a table has that is being loaded is not the same in a replay. */
			if (mirror_table_state(p->mirror, table) != MIRROR_WHOLE)
				return 0;

			int found = mirror_fetch(p->mirror, table, mirror_old_key(change), &known, err);

			if (found <= 0)
				return found;
			fetched = true;
		}
		if (known.values[i].state == VALUE_PRESENT || known.values[i].state == VALUE_NULL)
			*value = known.values[i];
	}
	return 0;
}

/*
 * The row as it was, of a table that is mirrored whole: the log has it only under identity FULL. A column that the mirror
 * has not been given yet leaves the image as the log has it.
 */
static int complete_before(struct pipeline *p, struct change *change, struct error *err)
{
	const struct table *table = change->table;
	struct row known;
	int found;

	if (change->before.image == IMAGE_FULL || (change->op != CHANGE_UPDATE && change->op != CHANGE_DELETE) ||
	    mirror_table_state(p->mirror, table) != MIRROR_WHOLE)
		return 0;
	found = mirror_fetch(p->mirror, table, mirror_old_key(change), &known, err);
	if (found <= 0)
		return found;
	for (unsigned i = 0; i < table->column_count; i++)
		if (known.values[i].state == VALUE_ABSENT)
			return 0;
	change->before = (struct row){IMAGE_FULL, known.values};
	return 0;
}

/* A log that leaves out whatever did not change: without the mirror, the row cannot be told as it is. */
static int refuse_lacking(const struct change *change, struct error *err)
{
	const struct table *table = change->table;

	for (unsigned i = 0; i < table->column_count; i++) {
		if (change->after.values[i].state != VALUE_UNCHANGED)
			continue;
		error_state(err, STATE_UNSUPPORTED, "the log has a row of %s.%s without its column %s, which did not change", table->schema,
			    table->name, table->columns[i].name);
		return error_hint(err, "keep the table whole in the state file (tables.mirror); or let no session set binlog_row_image to "
				  "anything but FULL, and begin anew behind it");
	}
	return 0;
}

/* Before their first use in this process, so that a reader of everything has met them. */
static int publish_schemas(struct pipeline *p, const struct encode_plan *plan, bool *published, struct error *err)
{
	if (*published || p->replaying)
		return 0;
	*published = true;
	if (batch_publish_schema(p, &plan->key, err) < 0)
		return -1;
	return batch_publish_schema(p, &plan->value, err);
}

static int publish_part(struct pipeline *p, struct encode_plan *plan, const struct change *change, unsigned part,
			struct error *err)
{
	struct message message;

	if (encode_part(p->encoder, plan, change, part, &p->key, &p->value, &message, err) < 0)
		return err->class == ERROR_RECORD ? change_refused(p, change, part, FAULT_ENCODING, err) : -1;
	if (message_format(p, &plan->key, &plan->value, &message, err) < 0)
		return -1;
	if (!batch_too_large(p, message.key.len + message.value.len))
		return batch_emit(p, &message, err);
	batch_refuse_size(p, &message, err);
	return change_refused(p, change, part, FAULT_TOO_LARGE, err);
}

int change_publish(struct pipeline *p, const struct change *change, struct error *err)
{
	struct route *route = change->table ? route_of(p, change->table) : &p->message_route;
	struct encode_plan *plan = route->plan;
	unsigned parts = encode_parts(p->encoder, plan, change);

	if (publish_schemas(p, plan, &route->schemas_published, err) < 0)
		return -1;
	for (unsigned part = 0; part < parts; part++)
		if (publish_part(p, plan, change, part, err) < 0)
			return -1;
	return 0;
}

int change_apply(struct pipeline *p, const struct change *change, struct error *err)
{
	const struct route *route = route_of(p, change->table);

	if (route->unfit)
		return load_settle(p, change, err);
	if (p->load_count && load_has(p, change))
		return 0;
	if (route->touches && touch_before(p->touch, change, err) < 0)
		return -1;
	if (mirror_apply(p->mirror, change, err) < 0)
		return -1;
	return route->touches ? touch_after(p->touch, change, err) : 0;
}

static int skip_change(struct pipeline *p, const struct change *change, struct error *err)
{
	const struct open_transaction *saved = &p->saved.open;
	struct route *route = change->table ? route_of(p, change->table) : &p->message_route;

	if (route->plan) {
		encode_parts(p->encoder, route->plan, change);
		p->txn_unmarked = false;
	}
	metric_add(&p->metrics->skipped_changes, 1);
	failpoint("skipped");
	if (saved->phase != OPEN_CHANGES || p->applied.open.done != saved->done || p->other_form ||
	    p->applied.open.hash == saved->hash)
		return 0;
	error_state(err, STATE_REPLAY_DIFFERS, "the server sends the transaction %llu otherwise than before",
		    (unsigned long long)p->txn->id);
	return error_hint(err, "the publication or its columns were changed while the transaction was being published; "
			       "begin anew with a snapshot");
}

static int process_change(struct pipeline *p, struct change *change, struct error *err)
{
	const struct route *route = route_of(p, change->table);

	if (route->mirrored && change->op == CHANGE_UPDATE && complete_unchanged(p, change, err) < 0)
		return -1;
	if (route->whole && complete_before(p, change, err) < 0)
		return -1;
	if (change->lacks_values && route->plan && refuse_lacking(change, err) < 0)
		return -1;
	if (route->plan && change_publish(p, change, err) < 0)
		return -1;
	if (route->mirrored && change_apply(p, change, err) < 0)
		return -1;
	if (p->repeat_pending)
		repeats_see(p, change);
	p->rows_since_state_commit++;
	metric_add(p->replaying ? &p->metrics->replayed_changes : &p->metrics->changes, 1);
	return 0;
}

/* What has a number in its transaction: skipped, hidden or processed. */
static int handle_numbered(struct pipeline *p, struct change *change,
			   int (*process)(struct pipeline *p, struct change *change, struct error *err),
			   struct error *err)
{
	struct open_transaction *open = &p->applied.open;

	open->hash = open->hash * UINT64_C(0x9e3779b97f4a7c15) + change->hash;
	open->done = change->index + 1;
	if (change->index < p->txn_skip)
		return skip_change(p, change, err);
	if (change_set_hidden(p, change->index < p->txn_hidden, err) < 0 || process(p, change, err) < 0)
		return -1;
	if (batch_full(p) && batch_commit(p, err) < 0)
		return -1;
	return inputs_meet(p, err);
}

/* Before the change is counted as done: a registry may take its time, and what is before it is committed meanwhile. */
static int handle_row(struct pipeline *p, struct change *change, struct error *err)
{
	if (schemas_settle_route(p, route_of(p, change->table), err) < 0)
		return -1;
	return handle_numbered(p, change, process_change, err);
}

static int process_message(struct pipeline *p, struct change *change, struct error *err)
{
	return change_publish(p, change, err);
}

/* A logical message outside of a transaction has no place in the order of commits, and is not published. */
static int handle_message(struct pipeline *p, struct change *change, struct error *err)
{
	if (!change->transactional)
		return 0;
	if (schemas_settle_route(p, &p->message_route, err) < 0)
		return -1;
	return handle_numbered(p, change, process_message, err);
}

/* No transaction is open: what waits for that can be done. */
static int between(struct pipeline *p, struct error *err)
{
	return inputs_meet(p, err) < 0 ? -1 : requests_serve(p, err);
}

static int handle_commit(struct pipeline *p, struct change *change, struct error *err)
{
	p->applied.open.phase = OPEN_DOCUMENTS;
	p->applied.open.done = 0;
	if (p->touch && documents_publish_touched(p, CAUSE_COMMIT, err) < 0)
		return -1;
	if (marker_end(p, err) < 0)
		return -1;
	p->txn_unmarked = false;
	p->applied.open = (struct open_transaction){.phase = OPEN_NONE};
	p->applied.position = change->position;
	p->txn = NULL;
	metric_add(&p->metrics->transactions, 1);
	if (p->loads_wanted)
		p->pull_most = 0;
	if (change_set_hidden(p, progress_compare(&p->applied, &p->published) < 0, err) < 0)
		return -1;
	if (batch_full(p) && batch_commit_if_due(p, err) < 0)
		return -1;
	return between(p, err);
}

static int handle_idle(struct pipeline *p, struct change *change, struct error *err)
{
	p->applied.position = change->position;
	if (change_set_hidden(p, position_compare(change->position, p->published.position) < 0, err) < 0)
		return -1;
	return between(p, err);
}

static int (*const handlers[])(struct pipeline *p, struct change *change, struct error *err) = {
	[CHANGE_BEGIN] = handle_begin,
	[CHANGE_ORIGIN] = handle_origin,
	[CHANGE_TABLE] = handle_table,
	[CHANGE_INSERT] = handle_row,
	[CHANGE_UPDATE] = handle_row,
	[CHANGE_DELETE] = handle_row,
	[CHANGE_READ] = handle_row,
	[CHANGE_TRUNCATE] = handle_row,
	[CHANGE_MESSAGE] = handle_message,
	[CHANGE_COMMIT] = handle_commit,
	[CHANGE_IDLE] = handle_idle,
};

int change_handle(struct pipeline *p, struct change *change, struct error *err)
{
	return handlers[change->op](p, change, err);
}
