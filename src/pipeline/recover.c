/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Start, and the one recovery path: after a crash, a lost connection or an unknown outcome everything is taken down,
 * the state file goes back to its last commit, and this begins anew. Each function is one step; what it finds stands in
 * `p`.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "canonical/pack.h"
#include "rebuild.h"
#include "state/inputs.h"
#include "state/position.h"

#define SLOT_GRACE_US (10 * USEC_PER_SEC)       /* a predecessor's connection may take that long to be noticed */
#define INIT_SLICE_US (200 * USEC_PER_MSEC)
#define KAFKA_ANSWER_US (30 * USEC_PER_SEC)
#define STEP_MOST_US (300 * USEC_PER_SEC)      /* what one step of the start waits for a server */

static bool stopping(const struct pipeline *p)
{
	return atomic_load_explicit(&p->control->stop, memory_order_relaxed);
}

/* Waits, but not when told to stop. */
static void pause_for(struct pipeline *p, usec_t us)
{
	struct pollfd wait = {.fd = p->control->wake_fd, .events = POLLIN};

	status_alive(p, STEP_MOST_US);
	if (!stopping(p))
		poll(&wait, 1, (int)(us / USEC_PER_MSEC));
}

static void checkpoint_topic_name(const struct pipeline *p, char name[300])
{
	snprintf(name, 300, "%s.checkpoint", p->options->prefix);
}

static int read_checkpoint(struct pipeline *p, struct checkpoint *ret, struct error *err)
{
	struct kafka_options kafka = p->options->kafka;
	char topic[300];
	int found;

	*ret = (struct checkpoint){0};
	checkpoint_topic_name(p, topic);
	kafka.stop = &p->control->stop;
	found = checkpoint_read(&kafka, topic, p->options->name, ret, err);
	return found < 0 ? -1 : 0;
}

/* The last claim is the one that we have written, or that one of which we do not know whether we have. */
static bool is_our_claim(const struct pipeline *p, const struct checkpoint *found)
{
	return strcmp(found->writer, p->writer) == 0 &&
	       (found->claim == p->claim ||
		(found->claim == p->claim_tried && found->written_at == p->claim_tried_at));
}

/* Before anything is touched: is another agent at work? */
static int check_claim(struct pipeline *p, const struct checkpoint *found, struct error *err)
{
	usec_t age = clock_wall() - found->written_at;
	bool ours = strcmp(found->writer, p->writer) == 0;

	if (p->claim && !is_our_claim(p, found)) {
		error_state(err, STATE_FENCED, "another agent has claimed the source (claim %llu, ours was %llu)",
			    (unsigned long long)found->claim, (unsigned long long)p->claim);
		return error_hint(err, "only one agent may run a source; stop one of them, then start the other");
	}
	if (!found->writer[0] || ours || found->released || age > CLAIM_FRESH_US || p->options->take_over)
		return 0;
	error_state(err, STATE_CONFLICT, "another agent, with another state file, wrote the checkpoint of this source %d s ago, and did not "
		    "end in order", (int)(age / USEC_PER_SEC));
	return error_hint(err, "if it runs, stop it; if it was killed, or this state file takes the place of a lost one, start with --take-over, "
			       "or %d s from now", (int)((CLAIM_FRESH_US - age) / USEC_PER_SEC) + 1);
}

static int open_source(struct pipeline *p, const struct checkpoint *checkpoint, struct error *err)
{
	struct source_options options = p->options->source;
	struct arena arena;
	int result;

	arena_init(&arena);
	result = place_remember(p, checkpoint, err) < 0 ? -1 : place_history(p, &arena, &options.history, err);
	options.place = p->place.data;
	options.stop_fd = p->control->wake_fd;
	options.text_needed = &p->text_needed;
	if (result == 0)
		result = p->source_ops->open(&p->source, &options, p->catalog, err);
	arena_done(&arena);
	return result;
}

static int check_slot_free(struct pipeline *p, struct error *err)
{
	usec_t deadline = clock_mono() + SLOT_GRACE_US;

	for (;;) {
		if (p->source_ops->identify(p->source, &p->identity, err) < 0)
			return -1;
		if (!p->identity.slot_active || stopping(p))
			return 0;
		if (clock_mono() > deadline)
			break;
		pause_for(p, 200 * USEC_PER_MSEC);
	}
	error_state(err, STATE_CONFLICT, "the slot '%s' is in use by the server process %d", p->options->source.slot,
		    p->identity.slot_pid);
	return error_hint(err, "another agent streams from it: stop it first");
}

/* The cluster is remembered: a checkpoint of another cluster means nothing. */
static int check_cluster(struct pipeline *p, struct error *err)
{
	const char *id;
	struct view known;
	struct arena arena;
	int found, result = 0;

	if (producer_cluster_id(p->producer, KAFKA_ANSWER_US, &id, err) < 0)
		return -1;
	arena_init(&arena);
	found = input_get(p->db, "kafka.cluster_id", &arena, &known, err);
	if (found == 0)
		result = input_put(p->db, "kafka.cluster_id", view_of(id), err);
	else if (found > 0 && !view_is(known, id))
		result = error_state(err, STATE_MISMATCH, "this is Kafka cluster '%s', but the state file is of "
							  "'%.*s'", id,
				     VIEW_ARG(known));
	arena_done(&arena);
	return found < 0 ? -1 : result;
}

static int open_producer(struct pipeline *p, struct error *err)
{
	struct producer_options options = {.kafka = p->options->kafka};
	char id[300];

	if (p->options->delivery == DELIVERY_EXACTLY_ONCE) {
		snprintf(id, sizeof(id), "%s.%s", p->options->prefix, p->options->name);
		options.transactional_id = id;
	}
	if (producer_new(&p->producer, &options, err) < 0 || check_cluster(p, err) < 0)
		return -1;
	p->topics = topics_new(p->producer);
	return 0;
}

/* Fences a predecessor; only after that is the checkpoint topic readable to its end. */
static int init_producer(struct pipeline *p, struct error *err)
{
	usec_t deadline = clock_mono() + p->options->commit_timeout_us;
	int done;

	if (p->options->delivery != DELIVERY_EXACTLY_ONCE)
		return 0;
	while ((done = producer_init(p->producer, INIT_SLICE_US, err)) == 0) {
		if (stopping(p) || clock_mono() > deadline)
			return error_set(err, ERROR_TRANSIENT, "Kafka did not initialise transactions in time");
		status_alive(p, 0);
		if (producer_poll(p->producer, err) < 0)
			return -1;
	}
	return done < 0 ? -1 : 0;
}

static int declare(struct pipeline *p, const struct table *version, struct error *err)
{
	bool fits;

	if (mirror_fits(p->mirror, version, &fits, err) < 0)
		return -1;
	return fits ? mirror_declare(p->mirror, version, NULL, err) : 0;
}

static int open_mirror(struct pipeline *p, struct error *err)
{
	if (mirror_open(p->db, p->needs, p->need_count, &p->mirror, err) < 0)
		return -1;
	for (size_t i = 0; i < p->table_count; i++)
		if (declare(p, p->versions[i], err) < 0)
			return -1;
	for (size_t i = 0; i < p->newcomer_count; i++)
		if (declare(p, p->newcomer_versions[i], err) < 0)
			return -1;
	return loads_open(p, err);
}

static int open_mapping(struct pipeline *p, struct error *err)
{
	unsigned entity_count = 0;
	const struct entity *const *entities;

	if (!p->mapping)
		return 0;
	if (mapping_open(p->mapping, p->db, err) < 0 || touch_open(p->mapping, p->mirror, 0, &p->touch, err) < 0 ||
	    documents_open(p->db, &p->documents, err) < 0)
		return -1;
	entities = mapping_entities(p->mapping, &entity_count);
	for (unsigned i = 0; i < entity_count; i++)
		if (documents_slot(p->documents, entities[i]->name, entities[i]->key_is_number,
				   &p->entity_routes[entities[i]->index].documents_slot, err) < 0)
			return -1;
	return 0;
}

static int remember_source(struct pipeline *p, struct error *err)
{
	char timeline[16];

	snprintf(timeline, sizeof(timeline), "%u", p->identity.timeline);
	return input_put(p->db, INPUT_SYSTEM, view_of(p->identity.system), err) < 0 ||
	       input_put(p->db, INPUT_TIMELINE, view_of(timeline), err) < 0 ? -1 : 0;
}

/* A file that has nothing but the order to build it anew counts as one that stands where the lost one stood. */
static void take_order(struct pipeline *p, const struct checkpoint *checkpoint, struct start_facts *facts)
{
	if (!p->rebuild)
		return;
	p->rebuild->begins = !facts->have_state && rebuild_possible(checkpoint);
	if (!p->rebuild->begins)
		return;
	facts->have_state = true;
	facts->state = rebuild_progress(checkpoint, p->identity.confirmed);
	facts->state_system = checkpoint->system;
	facts->state_timeline = checkpoint->timeline;
}

static enum start_action decide(struct pipeline *p, const struct checkpoint *checkpoint, struct error *err)
{
	struct start_memory file;
	struct start_facts facts;

	if (start_remember(p->db, &file, err) < 0)
		return START_STOP;
	facts = start_facts_of(p->options, &p->identity, &file, checkpoint);
	take_order(p, checkpoint, &facts);
	if (place_follow(p, &facts, checkpoint, err) < 0)
		return START_STOP;
	p->saved = p->applied = facts.state;
	p->published = facts.checkpoint;
	return start_decide(&facts, err);
}

/* The first transaction: who writes from now on. Its progress is the one found. */
static int write_claim(struct pipeline *p, const struct checkpoint *found, struct error *err)
{
	struct progress applied = p->applied;
	uint64_t before = p->claim;
	bool ours = strcmp(found->writer, p->writer) == 0;
	int result;

	memcpy(p->snapshot_rest, found->rest, sizeof(p->snapshot_rest));
	p->job = found->job;
	p->job_done = found->job_done;
	p->job_refused = found->job_refused;
	metric_add(&p->metrics->claims, 1);
	if (ours)
		metric_add(&p->metrics->reclaims, 1);
	p->claim = found->claim + 1;
	p->applied = p->published;
	result = batch_commit_checkpoint(p, err);
	p->applied = applied;
	p->job = p->job_done = p->job_refused = 0;
	if (result < 0) {
		p->claim_tried = p->claim;
		p->claim_tried_at = p->written_at;
		p->claim = before;
	}
	if (result == 0)
		log_info(p->options->name, "claim %llu of the source%s", (unsigned long long)p->claim,
			 ours ? ", after one of this state file" : "");
	return result;
}

/* Kafka has the end of the snapshot: the state file takes over what it says. */
static int finish_snapshot(struct pipeline *p, struct error *err)
{
	p->applied = p->published;
	return rest_forget(p, err) < 0 ? -1 : state_commit(p, err);
}

static int begin_by(struct pipeline *p, enum start_action action, const struct checkpoint *checkpoint, struct error *err)
{
	switch (action) {
	case START_SNAPSHOT:
		return snapshot_run(p, false, err);
	case START_SNAPSHOT_AGAIN:
		return snapshot_run(p, true, err);
	case START_FINISH_SNAPSHOT:
		return finish_snapshot(p, err);
	case START_RESUME_SNAPSHOT:
		return rest_resume(p, checkpoint, err);
	case START_STREAM:
		return p->rebuild && p->rebuild->begins ? rebuild_begin(p, err) : 0;
	case START_STOP:
		break;
	}
	return 0;
}

/*
 * The hash of an open transaction is over values as they came. If they come in another form now, those that are skipped
 * cannot be compared with it.
 */
static int note_form(struct pipeline *p, struct error *err)
{
	const char *now = p->source_ops->metrics(p->source)->binary ? "binary" : "text";
	char before[16];

	if (input_text(p->db, "source.values", before, sizeof(before), err) < 0)
		return -1;
	p->other_form = *before && strcmp(before, now) != 0;
	if (p->other_form || !*before)
		log_info(p->options->name, "values come in %s form", now);
	return p->other_form || !*before ? input_put(p->db, "source.values", view_of(now), err) : 0;
}

static int start_stream(struct pipeline *p, struct error *err)
{
	char from[POSITION_TEXT_BYTES], published[POSITION_TEXT_BYTES];

	p->replaying = progress_compare(&p->applied, &p->published) < 0;
	status_begin(p);
	if (p->replaying)
		metric_add(&p->metrics->replays, 1);
	position_print(p->saved.position, from);
	position_print(p->published.position, published);
	log_info(p->options->name, "streaming from %s, published to %s%s", from, published,
		 p->replaying ? ", replaying" : "");
	if (p->source_ops->start(p->source, p->saved.position, err) < 0 || place_learned(p, err) < 0)
		return -1;
	return note_form(p, err);
}

static int connect_all(struct pipeline *p, struct checkpoint *checkpoint, struct error *err)
{
	if (read_checkpoint(p, checkpoint, err) < 0 || check_claim(p, checkpoint, err) < 0)
		return -1;
	if (open_source(p, checkpoint, err) < 0 || (!p->options->take_over && check_slot_free(p, err) < 0))
		return -1;
	if (open_producer(p, err) < 0 || init_producer(p, err) < 0)
		return -1;
	/* Only now is it read to its end: another agent may have claimed the source in between. */
	if (read_checkpoint(p, checkpoint, err) < 0 || check_claim(p, checkpoint, err) < 0)
		return -1;
	return p->options->take_over ? p->source_ops->identify(p->source, &p->identity, err) : check_slot_free(p, err);
}

/*
 * The predecessor's session on the slot is ended only after our claim: when it comes back, it finds that and stops
 * FENCED. What it has confirmed until then decides once more.
 */
static enum start_action take_slot_over(struct pipeline *p, const struct checkpoint *checkpoint, struct error *err)
{
	struct error problem;

	if (p->source_ops->evict(p->source, &problem) < 0)
		log_warning(p->options->name, "%s", problem.text);
	if (check_slot_free(p, err) < 0)
		return START_STOP;
	return decide(p, checkpoint, err);
}

int recover_start(struct pipeline *p, struct error *err)
{
	struct checkpoint checkpoint;
	enum start_action action;

	pipeline_clock(p);
	status_alive(p, STEP_MOST_US);
	if (connect_all(p, &checkpoint, err) < 0)
		return -1;
	status_alive(p, STEP_MOST_US);
	status_confirmed(p, p->identity.confirmed);
	status_source_end(p, p->identity.log_end);
	encoder_check_text(p->encoder, p->identity.unchecked_text);
	if (rebuild_open(p, checkpoint.history_left_out, err) < 0)
		return -1;
	action = decide(p, &checkpoint, err);
	encoder_log_name(p->encoder, p->identity.log_name, p->identity.log_shift);
	p->may_load = action == START_STREAM || action == START_FINISH_SNAPSHOT || action == START_RESUME_SNAPSHOT;
	if (action == START_STOP || inputs_choose(p, &checkpoint, err) < 0 || masking_choose(p, err) < 0)
		return -1;
	if (routes_capture(p, err) < 0 ||
	    publication_check(p, p->may_load, err) < 0 || publication_check_identities(p, action == START_SNAPSHOT, err) < 0)
		return -1;
	if (newcomers_open(p, err) < 0)
		return -1;
	if (masking_tell(p, action == START_SNAPSHOT, err) < 0)
		return -1;
	if (routes_open_topics(p, err) < 0 || open_mirror(p, err) < 0 || open_mapping(p, err) < 0 || inputs_settle(p, err) < 0)
		return -1;
	if (schemas_settle(p, err) < 0 || remember_source(p, err) < 0 || write_claim(p, &checkpoint, err) < 0)
		return -1;
	if (p->options->take_over && p->identity.slot_active && take_slot_over(p, &checkpoint, err) == START_STOP)
		return -1;
	for (size_t i = 0; i < p->table_count; i++)
		if (route_table(p, p->versions[i], err) < 0)
			return -1;
	if (input_put(p->db, INPUT_ADOPTED_FROM, VIEW_NONE, err) < 0) /* the claim tells of the present server */
		return -1;
	p->now = p->state_committed_at = p->publication_checked_at = clock_mono();
	p->retention_at = p->kafka_probed_at = 0;
	status_alive(p, STEP_MOST_US);
	if (begin_by(p, action, &checkpoint, err) < 0 || repeats_adopt(p, &checkpoint, err) < 0 || jobs_run(p, &checkpoint, err) < 0)
		return -1;
	return start_stream(p, err);
}

void recover_teardown(struct pipeline *p)
{
	struct error ignored;

	p->source_ops->close(p->source);
	p->source = NULL;
	loads_close(p);
	newcomers_close(p);
	rebuild_close(p);
	routes_free(p);
	topics_free(p->topics);
	p->topics = NULL;
	producer_free(p->producer);
	p->producer = NULL;
	documents_close(p->documents);
	p->documents = NULL;
	leftovers_close(p->leftovers);
	p->leftovers = NULL;
	touch_close(p->touch);
	p->touch = NULL;
	mapping_free(p->mapping);
	p->mapping = NULL;
	mirror_close(p->mirror);
	p->mirror = NULL;
	/* What fails here shows itself at the next start. */
	if (p->db && db_rollback(p->db, &ignored) < 0)
		log_error(p->options->name, &ignored);
	map_done(&p->schemas_published);
	arena_reset(&p->schema_arena);
	p->batch = (struct batch){0};
	p->txn = NULL;
	p->txn_unmarked = p->replaying = false;
	tallies_begin(p); /* those in the list are gone with the routes */
}
