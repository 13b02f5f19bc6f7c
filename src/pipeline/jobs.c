/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Inputs and jobs. The mapping pack is an input: the state file keeps its text, so that a replay runs on the pack it
 * was written with. Another pack in the folder takes effect at a border, and makes a job: every document is evaluated
 * again and leaves as an update, without business events. Jobs run before streaming begins, on a mirror that stands
 * still; how far one is stands in state file and checkpoint, so that a crash repeats nothing that was published.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "canonical/pack.h"
#include "rebuild.h"
#include "state/inputs.h"
#include "state/jobs.h"

#define INPUT_PACK "input.pack"
#define INPUT_MESSAGE_LIMIT "input.message_limit"
#define INPUT_HISTORY "input.history_left_out"
#define JOB_EVALUATE "evaluate"
#define SERVE_EVERY 256   /* documents */

static int touch_everything(struct pipeline *p, struct error *err);
static int touch_kept(struct pipeline *p, struct error *err);

/* Which documents a job is for, and what their messages say of it. */
static const struct job_kind {
	const char *name;
	int (*touch)(struct pipeline *p, struct error *err);
	enum document_cause cause;
	bool of_pack;           /* another pack may take its place */
	const char *what;
} job_kinds[] = {
	{JOB_EVALUATE, touch_everything, CAUSE_JOB, true, "every document is evaluated again"},
	{JOB_REPUBLISH, touch_kept, CAUSE_REPLAY, false, "documents are published again"},
	{JOB_RETRY, touch_kept, CAUSE_RETRY, false, "documents that were held back are evaluated again"},
	{JOB_RELOAD, touch_kept, CAUSE_RETRY, false, "documents are compared with a table that was loaded again"},
	{JOB_LOADED, touch_kept, CAUSE_JOB, false, "documents are made with a table that is mirrored now"},
	{JOB_REBUILD, touch_kept, CAUSE_REBUILD, false, "documents are compared with what was published of them"},
};

static const struct job_kind *find_kind(struct view name)
{
	for (size_t i = 0; i < sizeof(job_kinds) / sizeof(job_kinds[0]); i++)
		if (view_is(name, job_kinds[i].name))
			return &job_kinds[i];
	return NULL;
}

static int put_pack(struct pipeline *p, const struct pack *pack, struct error *err)
{
	struct writer text = {0};
	int result;

	pack_write(pack, &text);
	result = input_put(p->db, INPUT_PACK, wr_view(&text), err);
	wr_done(&text);
	return result;
}

static int put_message_limit(struct pipeline *p, struct error *err)
{
	char text[24];

	snprintf(text, sizeof(text), "%zu", p->message_limit);
	return input_put(p->db, INPUT_MESSAGE_LIMIT, view_of(text), err);
}

/* At the end of the first snapshot, in the same commit. */
int inputs_remember(struct pipeline *p, struct error *err)
{
	if (put_message_limit(p, err) < 0 ||
	    input_put(p->db, INPUT_HISTORY, p->history_left_out ? VIEW("yes") : VIEW_NONE, err) < 0)
		return -1;
	return p->pack ? put_pack(p, p->pack, err) : 0;
}

/* No transaction is open, and none has to be replayed. */
static bool between_transactions(const struct pipeline *p)
{
	return p->saved.open.phase == OPEN_NONE && p->published.open.phase == OPEN_NONE &&
	       progress_compare(&p->saved, &p->published) >= 0;
}

/*
 * State file and checkpoint agree, be it inside of a transaction. A job that was cut off may have published more than the
 * file knows.
 */
static bool agree(const struct pipeline *p)
{
	return progress_compare(&p->saved, &p->published) >= 0 &&
	       (p->published.border < p->saved.border || p->published.published == p->saved.published);
}

/* Where another pack may take effect: the documents of a transaction are all of one. */
bool at_border(const struct pipeline *p)
{
	return between_transactions(p) && agree(p);
}

/* At a border, with no job left: which entities are held may change without a word of the log. */
int jobs_quiet(struct pipeline *p, bool *ret, struct error *err)
{
	struct arena arena;
	struct job job;
	int found;

	arena_init(&arena);
	found = job_next(p->db, &arena, &job, err);
	arena_done(&arena);
	*ret = found == 0 && at_border(p);
	return found < 0 ? -1 : 0;
}

/* The commit time of a job is that of its beginning, kept with it: its messages are the same after a crash. */
static int add_job(struct pipeline *p, const char *kind, uint64_t *ret_number, struct error *err)
{
	char at[24];
	struct job job = {.kind = view_of(kind)};

	snprintf(at, sizeof(at), "%" PRId64, clock_wall());
	job.subject = view_of(at);
	if (job_add(p->db, &job, err) < 0)
		return -1;
	*ret_number = job.number;
	return 0;
}

/* While a state file is built anew, a table is loaded for that, whatever it would be loaded for otherwise. */
static const char *kind_now(const struct pipeline *p, const char *kind)
{
	return p->rebuild && (strcmp(kind, JOB_LOADED) == 0 || strcmp(kind, JOB_RELOAD) == 0) ? JOB_REBUILD : kind;
}

int job_begin(struct pipeline *p, const char *kind, uint64_t *ret_number, struct error *err)
{
	kind = kind_now(p, kind);
	if (touch_spill(p->touch, err) < 0 || add_job(p, kind, ret_number, err) < 0)
		return -1;
	return db_commit(p->db, err);
}

/* True if one is unfinished whose documents were chosen under the stored pack; or if it cannot be told. */
static bool job_needs_pack(struct pipeline *p)
{
	const struct job_kind *kind;
	struct error ignored;
	struct arena arena;
	struct job job;
	int found;

	arena_init(&arena);
	found = job_next(p->db, &arena, &job, &ignored);
	kind = found > 0 ? find_kind(job.kind) : NULL;
	arena_done(&arena);
	return found < 0 || (kind && !kind->of_pack);
}

/* Not committed before it is known that the mirror has what the pack needs: until then there is a way back. */
static int switch_pack(struct pipeline *p, struct error *err)
{
	uint64_t ignored;

	p->pack_switched = true;
	return put_pack(p, p->pack_wanted, err) < 0 ? -1 : add_job(p, JOB_EVALUATE, &ignored, err);
}

/* The choice was a good one: it is committed, before anything is published by it. */
int inputs_settle(struct pipeline *p, struct error *err)
{
	if (!p->pack_switched && !p->limit_switched)
		return p->may_load ? db_commit(p->db, err) : 0; /* which entities are held is a choice, too */
	if (p->pack_switched)
		log_info(p->options->name, "the mapping pack is now %s %s", pack_name(p->pack_wanted),
			 pack_version(p->pack_wanted));
	p->pack_switched = p->limit_switched = false;
	return db_commit(p->db, err);
}

/* The stored pack serves until the border. */
static int keep_stored(struct pipeline *p, struct pack *stored, struct error *err)
{
	if (at_border(p) && !job_needs_pack(p)) {
		pack_free(stored);
		return switch_pack(p, err);
	}
	log_info(p->options->name, "the mapping pack has changed: the new one takes effect when what is under way is "
				   "done");
	pack_free(p->pack_stored);
	p->pack = p->pack_stored = stored;
	p->inputs_pending = true;
	return 0;
}

static int compare_pack(struct pipeline *p, struct view text, struct error *err)
{
	struct pack *stored = pack_read(text, &p->diag);

	if (!stored)
		return error_state(err, STATE_STATE_LOST, "the mapping pack kept in the state file cannot be read");
	if (pack_digest(stored) != pack_digest(p->pack_wanted))
		return keep_stored(p, stored, err);
	pack_free(stored);
	return 0;
}

static int choose_pack(struct pipeline *p, struct error *err)
{
	struct arena arena;
	struct view text;
	int found;

	p->pack = p->pack_wanted;
	if (!p->pack)
		return 0;
	arena_init(&arena);
	found = input_get(p->db, INPUT_PACK, &arena, &text, err);
	if (found > 0 && compare_pack(p, text, err) < 0)
		found = -1;
	arena_done(&arena);
	return found < 0 ? -1 : 0;
}

/* Which messages are too large decides what is published in their place: so a replay goes by what was in force. */
static int choose_message_limit(struct pipeline *p, struct error *err)
{
	struct arena arena;
	struct view text;
	size_t known = 0;
	int found;

	arena_init(&arena);
	found = input_get(p->db, INPUT_MESSAGE_LIMIT, &arena, &text, err);
	if (found > 0)
		known = strtoull(text.ptr, NULL, 10);
	arena_done(&arena);
	p->message_limit = producer_message_limit(p->producer);
	if (found < 0 || known == p->message_limit)
		return found < 0 ? -1 : 0;
	if (found > 0 && !agree(p)) {
		p->message_limit = known;
		p->inputs_pending = p->limit_pending = true;
		return 0;
	}
	p->limit_switched = true;
	return put_message_limit(p, err);
}

/* The checkpoint keeps it for who has lost the state file. */
static int recall_history(struct pipeline *p, const struct checkpoint *checkpoint, struct error *err)
{
	struct arena arena;
	struct view text;
	int found;

	arena_init(&arena);
	found = input_get(p->db, INPUT_HISTORY, &arena, &text, err);
	arena_done(&arena);
	p->history_left_out = found > 0 || checkpoint->history_left_out;
	return found < 0 ? -1 : 0;
}

/* What is in force: what is configured now, unless something is under way that began with something else. */
int inputs_choose(struct pipeline *p, const struct checkpoint *checkpoint, struct error *err)
{
	p->inputs_pending = p->limit_pending = p->pack_switched = p->limit_switched = false;
	return recall_history(p, checkpoint, err) < 0 || choose_message_limit(p, err) < 0 ? -1 : choose_pack(p, err);
}

/*
 * True when the loop should begin anew, because what is wanted can take effect. Not while the checkpoint is inside of a
 * transaction of which the source has sent nothing yet: the next start would find the same again.
 */
bool inputs_due(const struct pipeline *p)
{
	if (!p->inputs_pending || p->replaying || p->batch.open || progress_compare(&p->applied, &p->saved) != 0)
		return false;
	return p->limit_pending ? agree(p) : !p->txn && between_transactions(p);
}

/*
 * Everything is published, so that the state file can agree with the checkpoint: it does so at once, since what comes next
 * may be what is refused under the present limit, and then nothing would ever change.
 */
int inputs_meet(struct pipeline *p, struct error *err)
{
	if (!p->inputs_pending || p->batch.open || progress_compare(&p->applied, &p->published) != 0 ||
	    progress_compare(&p->applied, &p->saved) == 0)
		return 0;
	return change_set_hidden(p, false, err) < 0 ? -1 : state_commit(p, err);
}

static int commit_progress(struct pipeline *p, struct error *err)
{
	if (p->batch.open && batch_commit_checkpoint(p, err) < 0)
		return -1;
	if (job_progress(p->db, p->job, p->job_done, err) < 0 || rebuild_save(p, err) < 0)
		return -1;
	return state_commit(p, err);
}

static int keep_pace(struct pipeline *p, struct error *err)
{
	p->now = clock_mono();
	status_job(p);
	if (atomic_load_explicit(&p->control->stop, memory_order_relaxed))
		return error_set(err, ERROR_TRANSIENT, "stopped in a job");
	if (!p->replaying && p->now - p->state_committed_at >= p->options->confirm_interval_us)
		return commit_progress(p, err);
	if (batch_full(p) && batch_commit_checkpoint(p, err) < 0)
		return -1;
	return p->job_done % SERVE_EVERY == 0 ? pipeline_serve(p, err) : 0;
}

static bool depends_on(const struct entity *entity, const char *table)
{
	for (unsigned i = 0; i < entity->depend_count; i++)
		if (strcmp(entity->depends[i], table) == 0)
			return true;
	return false;
}

#define KEYS_AT_ONCE 1000

struct kept_keys {
	struct pipeline *p;
	const struct entity *entity;
	struct arena arena;
	struct root_key last;
	unsigned count;
	bool failed;
	struct error *err;
};

static int touch_kept_key(void *arg, struct root_key key)
{
	struct kept_keys *keys = arg;

	keys->failed = touch_add(keys->p->touch, keys->entity, key, keys->err) < 0;
	keys->last = key;
	if (!key.is_number)
		keys->last.text = arena_copy(&keys->arena, key.text);
	keys->count++;
	return keys->failed;
}

/* Documents whose roots are gone: of them, the mirror does not tell any more. */
static int touch_documents(struct pipeline *p, const struct entity *entity, struct error *err)
{
	struct kept_keys keys = {.p = p, .entity = entity, .err = err};
	unsigned slot = p->entity_routes[entity->index].documents_slot;
	bool first = true;
	int result;

	do {
		struct root_key after = keys.last;

		keys.count = 0;
		result = document_keys(p->documents, slot, first ? NULL : &after, KEYS_AT_ONCE, touch_kept_key, &keys, err);
		first = false;
	} while (result == 0 && !keys.failed && keys.count == KEYS_AT_ONCE);
	arena_done(&keys.arena);
	return result < 0 || keys.failed ? -1 : 0;
}

/* All documents that read a table (as mappings name it), and are not held for another one; those that are gone, too. */
int job_touch(struct pipeline *p, const char *table, struct error *err)
{
	unsigned count;
	const struct entity *const *entities = mapping_entities(p->mapping, &count);

	if (touch_clear(p->touch, err) < 0)
		return -1;
	for (unsigned i = 0; i < count; i++)
		if (depends_on(entities[i], table) && !p->entity_routes[entities[i]->index].held &&
		    (touch_all(p->touch, entities[i], err) < 0 || touch_documents(p, entities[i], err) < 0))
			return -1;
	return 0;
}

static int touch_everything(struct pipeline *p, struct error *err)
{
	unsigned count;
	const struct entity *const *entities = mapping_entities(p->mapping, &count);

	if (touch_clear(p->touch, err) < 0)
		return -1;
	for (unsigned i = 0; i < count; i++)
		if (touch_all(p->touch, entities[i], err) < 0)
			return -1;
	return touch_spill(p->touch, err);
}

/* They were touched when the job was made, and stand in the state file until it is done. */
static int touch_kept(struct pipeline *p, struct error *err)
{
	return touch_spill(p->touch, err);
}

static int evaluate_all(struct pipeline *p, const struct job_kind *kind, uint64_t published, struct error *err)
{
	struct touched root;
	int got;

	if (kind->touch(p, err) < 0 || touch_start(p->touch, p->job_done, err) < 0)
		return -1;
	p->replaying = p->job_done < published;
	while ((got = touch_next(p->touch, &root, err)) > 0) {
		p->ordinal = p->job_done++ * ORDINALS_OF_A_DOCUMENT;
		if (change_set_hidden(p, p->job_done <= published, err) < 0 ||
		    document_make(p, &root, kind->cause, err) < 0 || keep_pace(p, err) < 0)
			return -1;
		failpoint("in-job");
	}
	if (got < 0 || change_set_hidden(p, false, err) < 0)
		return -1;
	return touch_clear(p->touch, err);
}

static int run_job(struct pipeline *p, const struct job *job, const struct checkpoint *checkpoint, struct error *err)
{
	uint64_t published = checkpoint->job == job->number ? checkpoint->job_done : 0;
	const struct job_kind *kind = find_kind(job->kind);

	if (!kind)
		return error_state(err, STATE_STATE_LOST, "the state file has a job '%.*s', which this program does not know",
				   VIEW_ARG(job->kind));
	log_info(p->options->name, "job %llu: %s", (unsigned long long)job->number, kind->what);
	p->job = job->number;
	p->job_done = job->done;
	p->snapshot_at = strtoll(job->subject.ptr, NULL, 10);
	if (evaluate_all(p, kind, published, err) < 0 || commit_progress(p, err) < 0 ||
	    job_finish(p->db, job->number, err) < 0)
		return -1;
	log_info(p->options->name, "job %llu: done, %llu document%s", (unsigned long long)job->number,
		 (unsigned long long)p->job_done, p->job_done == 1 ? "" : "s");
	p->job = p->job_done = 0;
	p->exceptions_at = 0; /* there may be fewer */
	status_job(p);
	return state_commit(p, err);
}

static int run_all(struct pipeline *p, const struct checkpoint *checkpoint, struct error *err)
{
	struct arena arena;
	struct job job;
	int found = 1;

	arena_init(&arena);
	while (found > 0 && (found = job_next(p->db, &arena, &job, err)) > 0)
		if (run_job(p, &job, checkpoint, err) < 0)
			found = -1;
	arena_done(&arena);
	return found;
}

/* Whatever is left to do, before streaming begins or at a border; not while a replay has to come first. */
int jobs_run(struct pipeline *p, const struct checkpoint *checkpoint, struct error *err)
{
	if (p->mapping && between_transactions(p) && run_all(p, checkpoint, err) < 0)
		return -1;
	return rebuild_look(p, err);
}
