/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The life of one Kafka transaction, and what follows it once in a while: the state commit and the confirmation. The
 * order is the promise: Kafka has it, then the state file has it on disk, then the source may forget it.
 */
#include <stdio.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/map.h"
#include "run.h"
#include "state/position.h"

#define FLUSH_SLICE_US (5 * USEC_PER_MSEC)

/*
 * Once everything is delivered a commit is one round trip. The client (2.0.2) does not match answers to calls: when a call has
 * timed out before the client's own thread got to it, its answer is taken for that of the next one, and a commit may be said
 * to be done that was never begun. So one call is given the time that the source can do without us, and what a second one
 * says is not believed but read back (producer.c).
 */
#define COMMIT_SLICE_US (5 * USEC_PER_SEC)
#define BEHIND_TIMES 6                        /* while the source is ahead of us, a batch lasts so many times as long */
#define GATHER_MOST_US USEC_PER_SEC           /* but no longer for that: a broker that was away took very long */
#define OPEN_TXN_MOST_US (10 * USEC_PER_SEC)  /* a batch in a source transaction that stalls is split after that */

static bool exactly_once(const struct pipeline *p)
{
	return p->options->delivery == DELIVERY_EXACTLY_ONCE;
}

/* Read once in a while, and not for each message: a clock costs as much as encoding a few columns. */
void pipeline_clock(struct pipeline *p)
{
	p->wall = clock_wall();
	status_alive(p, 0);
	encode_clock(p->encoder, p->wall);
}

/* Keepalives for the source, reports from the producer: whatever takes long calls it in between. */
int pipeline_serve(struct pipeline *p, struct error *err)
{
	pipeline_clock(p);
	if (p->source && (p->source_ops->serve(p->source, err) < 0 || retention_look(p, err) < 0))
		return -1;
	if (p->source)
		status_received(p);
	return p->producer ? producer_poll(p->producer, err) : 0;
}

/*
 * The hash has no seed: one that changes from call to call has to prepare itself anew for everything above 240 bytes.
 */
static uint64_t chain(uint64_t before, struct view bytes)
{
	return before * UINT64_C(0x9e3779b97f4a7c15) + hash_bytes(bytes, 0);
}

/* Sequential, over key and value without what was observed. */
static void add_to_digest(struct progress *progress, const struct message *message)
{
	struct view first = {message->value.ptr, message->observed_bytes ? message->observed_at : message->value.len};
	size_t rest_at = (size_t)message->observed_at + message->observed_bytes;

	progress->digest[0] = chain(progress->digest[0], first);
	if (message->observed_bytes && rest_at < message->value.len)
		progress->digest[0] = chain(progress->digest[0],
					    (struct view){message->value.ptr + rest_at, message->value.len - rest_at});
	progress->digest[1] = chain(progress->digest[1] + (message->value.ptr == NULL), message->key);
	progress->published++;
}

static int begin(struct pipeline *p, struct error *err)
{
	if (exactly_once(p) && producer_begin(p->producer, err) < 0)
		return -1;
	p->batch.open = true;
	p->batch.begun_at = p->batch.waiting_since ? p->batch.waiting_since : p->now;
	p->batch.events = p->batch.bytes = 0;
	status_pending(p);
	p->batch.behind = p->source ? p->source_ops->metrics(p->source)->behind : 0;
	return 0;
}

static int send(struct pipeline *p, const struct message *message, struct error *err)
{
	if (!p->batch.open && begin(p, err) < 0)
		return -1;
	if (producer_send(p->producer, message, err) < 0)
		return -1;
	p->batch.events++;
	p->batch.bytes += message->key.len + message->value.len;
	metric_add(&p->metrics->messages, 1);
	return 0;
}

int batch_refuse_size(const struct pipeline *p, const struct message *message, struct error *err)
{
	error_set(err, ERROR_RECORD, "a message of %zu bytes for topic %s is larger than the client's "
				     "message.max.bytes (%zu)",
		  message->key.len + message->value.len, topic_name(message->topic), p->message_limit);
	return error_hint(err, "raise kafka.message.max.bytes here, and max.message.bytes of the topic; or let such "
			       "records go to the exception topic (on_bad_record: exception); nothing was skipped");
}

/* A marker: it is in no digest, and of no replay. */
int batch_mark(struct pipeline *p, const struct message *message, struct error *err)
{
	return send(p, message, err);
}

int batch_emit(struct pipeline *p, const struct message *message, struct error *err)
{
	if (p->txn_unmarked && marker_begin(p, err) < 0)
		return -1;
	add_to_digest(&p->applied, message);
	if (p->leftovers && message->key.ptr &&
	    leftover_strike(p->leftovers, view_of(topic_name(message->topic)), message->key, err) < 0)
		return -1;
	return p->replaying ? 0 : send(p, message, err);
}

int batch_publish_schema(struct pipeline *p, const struct encode_schema *schema, struct error *err)
{
	struct view id = arena_copy(&p->schema_arena, (struct view){(const char *)&schema->fingerprint,
								    sizeof(schema->fingerprint)});
	char name[17];
	struct message message;

	if (p->replaying || !p->schemas_topic || !schema->text.ptr || !schema->frame.len ||
	    map_get(&p->schemas_published, id))
		return 0;
	snprintf(name, sizeof(name), "%016llx", (unsigned long long)schema->fingerprint);
	message = (struct message){.topic = p->schemas_topic, .key = view_of(name), .value = schema->text};
	map_put(&p->schemas_published, id, p);
	return send(p, &message, err);
}

bool batch_full(const struct pipeline *p)
{
	if (!p->batch.open)
		return false;
	if (!exactly_once(p))
		return p->batch.events >= p->options->confirm_rows;
	return p->batch.events >= p->options->batch_events || p->batch.bytes >= p->options->batch_bytes;
}

/*
 * While more waits in the socket than one read takes, what arrives is late anyway: the batch may rather become full,
 * since each Kafka transaction costs the client and the broker some milliseconds of work.
 */
static bool is_behind(const struct pipeline *p)
{
	return p->source && p->source_ops->metrics(p->source)->behind > p->batch.behind;
}

/*
 * Age and time of a batch count from when its first change may have arrived: what came during a commit has waited already.
 * The commit itself is to be two thirds of the time at most.
 */
static usec_t batch_time(const struct pipeline *p)
{
	usec_t times = is_behind(p) ? BEHIND_TIMES : 1;
	usec_t least = (p->batch.commit_took_us + p->batch.commit_took_us / 2) * times;
	usec_t gathered = exactly_once(p) ? p->options->batch_time_us * times : p->options->confirm_interval_us;
	usec_t time = gathered > least ? gathered : least;
	usec_t most = gathered > GATHER_MOST_US ? gathered : GATHER_MOST_US;

	return time < most ? time : most;
}

/*
 * Whether something is done that the state file has not. What is skipped of a transaction that it has a part of is
 * counted from the transaction's begin: until that part is over, the file is ahead of the count, and must not fall back
 * to it.
 */
bool state_lacks(const struct pipeline *p)
{
	return progress_compare(&p->applied, &p->saved) > 0;
}

/* When something has to be done although nothing arrives; INT64_MAX: never. */
usec_t batch_deadline(const struct pipeline *p)
{
	if (p->batch.open)
		return p->batch.begun_at + (p->txn ? OPEN_TXN_MOST_US : batch_time(p));
	if (!p->replaying && state_lacks(p))
		return p->state_committed_at + p->options->confirm_interval_us;
	return INT64_MAX;
}

static int ambiguous(struct pipeline *p, struct error *err)
{
	metric_add(&p->metrics->ambiguous_commits, 1);
	error_context(err, "the outcome of a Kafka commit is unknown and will be read back");
	return -1;
}

static int late(const struct pipeline *p, const char *what, struct error *err)
{
	return error_set(err, ERROR_TRANSIENT, "Kafka has not %s for %d s", what,
			 (int)(p->options->commit_timeout_us / USEC_PER_SEC));
}

static int await_flush(struct pipeline *p, struct error *err)
{
	usec_t deadline = clock_mono() + p->options->commit_timeout_us;
	int done;

	while ((done = producer_flush(p->producer, FLUSH_SLICE_US, err)) == 0) {
		if (pipeline_serve(p, err) < 0)
			return -1;
		if (clock_mono() > deadline)
			return late(p, "acknowledged", err);
	}
	return done < 0 ? -1 : 0;
}

/* Never an abort after a commit was asked for: only the same call again, until the deadline. */
static int await_commit(struct pipeline *p, struct error *err)
{
	usec_t deadline = clock_mono() + p->options->commit_timeout_us;
	int done;

	failpoint_soon("during-commit");
	while ((done = producer_commit(p->producer, COMMIT_SLICE_US, NULL, err)) == 0) {
		if (pipeline_serve(p, err) < 0)
			return ambiguous(p, err);
		if (clock_mono() > deadline) {
			late(p, "answered a commit", err);
			return ambiguous(p, err);
		}
	}
	return done < 0 ? ambiguous(p, err) : 0;
}

static void fill_checkpoint(const struct pipeline *p, struct checkpoint *ret)
{
	*ret = (struct checkpoint){
		.claim = p->claim,
		.written_at = clock_wall(),
		.timeline = p->identity.timeline,
		.progress = p->applied,
		.job = p->job,
		.job_done = p->job_done,
		.job_refused = p->job_refused,
		.released = p->releasing,
		.history_left_out = p->history_left_out,
	};
	if (p->applied.snapshot_phase == SNAPSHOT_ROWS)
		memcpy(ret->rest, p->snapshot_rest, sizeof(ret->rest));
	if (p->place.len < sizeof(ret->place))
		snprintf(ret->place, sizeof(ret->place), "%.*s", VIEW_ARG(wr_view(&p->place)));
	snprintf(ret->writer, sizeof(ret->writer), "%s", p->writer);
	snprintf(ret->system, sizeof(ret->system), "%s", p->identity.system);
	snprintf(ret->database, sizeof(ret->database), "%s", p->identity.database);
}

static int send_checkpoint(struct pipeline *p, struct error *err)
{
	struct checkpoint checkpoint;
	struct message message;

	place_note(p);
	fill_checkpoint(p, &checkpoint);
	p->written_at = checkpoint.written_at;
	wr_clear(&p->value);
	checkpoint_encode(&checkpoint, p->options->name, &p->value);
	message = (struct message){
		.topic = p->checkpoint_topic, .key = view_of(p->options->name), .value = wr_view(&p->value)};
	return send(p, &message, err);
}

static int commit_exactly_once(struct pipeline *p, struct error *err)
{
	failpoint("after-produce");
	if (send_checkpoint(p, err) < 0)
		return -1;
	failpoint("before-commit");
	if (await_flush(p, err) < 0)
		return -1;
	failpoint("flushed");
	return await_commit(p, err);
}

/* A document is never recorded as published that Kafka does not have: first everything, then the checkpoint. */
static int commit_at_least_once(struct pipeline *p, struct error *err)
{
	failpoint("after-produce");
	if (await_flush(p, err) < 0 || send_checkpoint(p, err) < 0)
		return -1;
	failpoint("before-commit");
	return await_flush(p, err);
}

/* Commits with the present progress in the checkpoint, whether a batch is open or not. */
int batch_commit_checkpoint(struct pipeline *p, struct error *err)
{
	usec_t begun = clock_mono();
	int result;

	status_kafka_asked(p);
	result = exactly_once(p) ? commit_exactly_once(p, err) : commit_at_least_once(p, err);
	if (result < 0)
		return -1;
	status_kafka_answered(p);
	p->published = p->applied;
	p->batch.open = false;
	p->txn_split = p->txn != NULL;
	p->now = clock_mono();
	p->batch.commit_took_us = p->now - begun;
	p->batch.waiting_since = begun;
	metric_add(&p->metrics->kafka_commits, 1);
	failpoint("after-commit");
	return 0;
}

int batch_commit(struct pipeline *p, struct error *err)
{
	if (p->batch.open && batch_commit_checkpoint(p, err) < 0)
		return -1;
	if (p->applied.open.phase != OPEN_NONE && p->txn) {
		metric_add(&p->metrics->split_batches, 1);
		failpoint(p->applied.open.phase == OPEN_CHANGES ? "split-changes" : "split-documents");
	}
	return state_commit_if_due(p, err);
}

int batch_commit_if_due(struct pipeline *p, struct error *err)
{
	usec_t age = p->now - p->batch.begun_at;

	if (!p->batch.open)
		return state_commit_if_due(p, err);
	if (batch_full(p) || (age >= batch_time(p) && (!p->txn || age >= OPEN_TXN_MOST_US)))
		return batch_commit(p, err);
	return 0;
}

/*
 * A border: state file and checkpoint agree from here on. What is published from now on counts from zero, so that a
 * replay from this file can be compared with what the checkpoint will say; what was published up to here is noted, so
 * that a start sees whether the checkpoint it finds is the one that this file was committed upon.
 */
void progress_border(struct progress *applied, const struct progress *published)
{
	if (applied->border == published->border) {
		applied->base_known = true;
		applied->base_published = applied->published;
		memcpy(applied->base_digest, applied->digest, sizeof(applied->digest));
	}
	applied->border = published->border + 1;
	applied->published = applied->digest[0] = applied->digest[1] = 0;
}

int state_commit(struct pipeline *p, struct error *err)
{
	if (p->touch && p->txn && touch_spill(p->touch, err) < 0)
		return -1;
	progress_border(&p->applied, &p->published);
	failpoint("before-state-commit");
	if (position_save(p->db, &p->applied, err) < 0 || place_save(p, err) < 0 || tallies_save(p, err) < 0 || routes_remember_ends(p, err) < 0 ||
	    schemas_save(p, err) < 0 || db_commit(p->db, err) < 0)
		return -1;
	schemas_saved(p);
	p->saved = p->applied;
	p->state_committed_at = p->now = clock_mono();
	p->rows_since_state_commit = 0;
	metric_add(&p->metrics->state_commits, 1);
	failpoint("after-state-commit");
	if (p->txn)
		failpoint(p->applied.open.phase == OPEN_CHANGES ? "state-in-changes" : "state-in-documents");
	return db_checkpoint(p->db, err);
}

/* Whoever committed the state file: what it has is told to the source, which may hear nothing else for a long time. */
static int confirm_saved(struct pipeline *p, struct error *err)
{
	if (p->replaying || position_compare(p->saved.position, p->confirmed) <= 0)
		return 0;
	failpoint("before-confirm");
	if (p->source_ops->confirm(p->source, p->saved.position, err) < 0)
		return -1;
	status_confirmed(p, p->saved.position);
	return 0;
}

int state_commit_if_due(struct pipeline *p, struct error *err)
{
	bool due = p->now - p->state_committed_at >= p->options->confirm_interval_us ||
		   p->rows_since_state_commit >= p->options->confirm_rows;

	if (due && !p->replaying && !p->batch.open && state_lacks(p) && state_commit(p, err) < 0)
		return -1;
	return confirm_saved(p, err);
}
