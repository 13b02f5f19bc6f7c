/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What other threads may know of the pipeline, written here and nowhere else. */
#include "pipeline/status.h"

#include "run.h"
#include "state/exceptions.h"

#define ALIVE_US (60 * USEC_PER_SEC)         /* one turn never takes as long */
#define KAFKA_SILENT_US (5 * USEC_PER_SEC)   /* an answer that takes longer is a sign that something is wrong */
#define KAFKA_PROBE_US USEC_PER_SEC
#define EXCEPTIONS_US (10 * USEC_PER_SEC)
#define UNTOLD_US (30 * USEC_PER_SEC)        /* the source is asked for its log's end every ten seconds, and answers */
#define KAFKA_PROBE_SLICE_US (100 * USEC_PER_MSEC)

const char *const pipeline_phase_names[PIPELINE_PHASES] = {
	[PHASE_STARTING] = "STARTING", [PHASE_SNAPSHOT] = "SNAPSHOT", [PHASE_STREAMING] = "STREAMING",
	[PHASE_RECOVERING] = "RECOVERING", [PHASE_DISK_FULL] = "DISK_FULL",
	[PHASE_STOPPING] = "STOPPING", [PHASE_ENDED] = "ENDED",
};

/* Writing ------------------------------------------------------------------------------------- */

static void share(struct shared_position *to, struct position position)
{
	atomic_store_explicit(&to->lsn, position.lsn, memory_order_release);
	atomic_store_explicit(&to->kind, (int)position.kind, memory_order_release);
}

static void put(_Atomic uint64_t *to, uint64_t value)
{
	atomic_store_explicit(to, value, memory_order_relaxed);
}

void status_phase(struct pipeline *p, enum pipeline_phase phase)
{
	atomic_store(&p->status->phase, (int)phase);
	status_alive(p, 0);
}

/* The thread lives; what it does now may take that long, and some time more. */
void status_alive(struct pipeline *p, usec_t may_take)
{
	atomic_store_explicit(&p->status->alive_until, clock_mono() + may_take + ALIVE_US, memory_order_relaxed);
}

void status_failed(struct pipeline *p, const struct error *err)
{
	pthread_mutex_lock(&p->status->lock);
	p->status->failure = *err;
	p->status->failed_at = clock_wall();
	pthread_mutex_unlock(&p->status->lock);
}

void status_confirmed(struct pipeline *p, struct position position)
{
	p->confirmed = position;
	share(&p->status->confirmed, position);
}

/* What a batch begins with is the oldest that is not published; a claim or a job does not make what waits any younger. */
void status_pending(struct pipeline *p)
{
	if (p->txn || !atomic_load_explicit(&p->status->pending_since, memory_order_relaxed))
		atomic_store_explicit(&p->status->pending_since, p->txn ? p->txn->committed_at : p->wall, memory_order_relaxed);
}

void status_kafka_asked(struct pipeline *p)
{
	if (!atomic_load_explicit(&p->status->kafka_asked_at, memory_order_relaxed))
		atomic_store_explicit(&p->status->kafka_asked_at, clock_mono(), memory_order_relaxed);
}

void status_kafka_answered(struct pipeline *p)
{
	atomic_store_explicit(&p->status->kafka_asked_at, 0, memory_order_relaxed);
}

/*
 * What has nothing to publish is published: a position may move on with no message to tell of. What comes next does not
 * make that undone, although the checkpoint stands before it.
 */
static struct position published_to(const struct pipeline *p)
{
	const struct shared_position *told = &p->status->published;
	struct position before = {.kind = (enum position_kind)atomic_load_explicit(&told->kind, memory_order_relaxed),
				  .lsn = atomic_load_explicit(&told->lsn, memory_order_relaxed)};
	struct position now = p->batch.open || p->replaying ? p->published.position : p->applied.position;

	return position_compare(now, before) < 0 ? before : now;
}

/* A session begins, perhaps with another server, whose log has other positions. */
void status_begin(struct pipeline *p)
{
	struct position published = p->published.position, saved = p->saved.position;

	share(&p->status->published, position_compare(saved, published) > 0 ? saved : published);
}

/* Also while a commit is waited for, which may take long. */
void status_received(struct pipeline *p)
{
	share(&p->status->received, p->source_ops->metrics(p->source)->received);
}

/* Whenever a table of the mirror may have changed its state. */
void status_mirror(struct pipeline *p)
{
	uint64_t loading = 0, stale = 0;

	for (unsigned i = 0; p->mirror && i < p->need_count; i++) {
		enum mirror_state state = mirror_state_of(p->mirror, p->needs[i].schema, p->needs[i].name, NULL);

		stale += state == MIRROR_STALE;
		loading += state == MIRROR_LOADING;
	}
	atomic_store_explicit(&p->status->tables_loading, loading, memory_order_relaxed);
	atomic_store_explicit(&p->status->tables_stale, stale, memory_order_relaxed);
}

/* Snapshots that are asked for and not finished: how many, which one is under way, and its rows so far. */
void status_orders(struct pipeline *p, uint64_t open, uint64_t number, uint64_t rows)
{
	put(&p->status->orders, open);
	put(&p->status->order, number);
	put(&p->status->order_rows, rows);
}

/*
 * Nothing waits. That tells something only once we are where the log ended when the session began: what was not published
 * before it has not become younger by a new connection. And of what the source has written since it last told of its log's
 * end, nobody knows.
 */
static void settle_lag(struct pipeline *p)
{
	struct pipeline_status *status = p->status;
	struct position end = {.kind = atomic_load_explicit(&status->source_end.kind, memory_order_relaxed),
			       .lsn = atomic_load_explicit(&status->source_end.lsn, memory_order_relaxed)};

	if (position_compare(p->applied.position, p->identity.log_end) < 0)
		return;
	atomic_store_explicit(&status->pending_since, 0, memory_order_relaxed);
	if (position_compare(p->applied.position, end) >= 0)
		atomic_store_explicit(&status->current_at, status->end_told_at, memory_order_relaxed);
}

/* After each turn of the loop; `idle`: nothing waits. */
void status_turn(struct pipeline *p, bool idle)
{
	status_received(p);
	share(&p->status->published, published_to(p));
	share(&p->status->saved, p->saved.position);
	atomic_store_explicit(&p->status->claim, p->claim, memory_order_relaxed);
	atomic_store_explicit(&p->status->snapshot, p->applied.snapshot, memory_order_relaxed);
	put(&p->status->open_done, p->txn ? p->applied.open.done : 0);
	put(&p->status->open_xid, p->txn ? p->txn->id : 0);
	if (idle && !p->batch.open && !p->txn && !p->replaying)
		settle_lag(p);
	status_alive(p, 0);
}

/* A client without a broker does not say when it has one again, unless it is asked for something. */
static void look_at_kafka(struct pipeline *p)
{
	bool down = producer_down(p->producer);

	if (down && p->now - p->kafka_probed_at > KAFKA_PROBE_US) {
		p->kafka_probed_at = p->now;
		down = !producer_probe(p->producer, KAFKA_PROBE_SLICE_US);
	}
	atomic_store_explicit(&p->status->kafka_down, down, memory_order_relaxed);
}

/* Those that wait for somebody: counted seldom, since there may be many. */
static void look_at_exceptions(struct pipeline *p)
{
	struct error ignored;
	uint64_t count;

	if (p->exceptions_at && p->now - p->exceptions_at < EXCEPTIONS_US)
		return;
	p->exceptions_at = p->now;
	if (exceptions_count(p->db, &count, &ignored) == 0)
		put(&p->status->exceptions_open, count);
}

void status_look(struct pipeline *p)
{
	look_at_kafka(p);
	look_at_exceptions(p);
}

void status_job(struct pipeline *p)
{
	put(&p->status->job, p->job);
	put(&p->status->job_done, p->job_done);
}

/* NULL: none is under way. */
void status_reading(struct pipeline *p, const struct source_progress *progress)
{
	struct shared_progress *shared = &p->status->reading;

	if (!progress) {
		shared->begun_at = 0;
		return;
	}
	put(&shared->tables, progress->tables);
	put(&shared->tables_done, progress->tables_done);
	put(&shared->rows, progress->rows);
	put(&shared->expected_rows, progress->expected_rows);
	put(&shared->bytes, progress->bytes);
	put(&shared->expected_bytes, progress->expected_bytes);
	if (!shared->begun_at)
		shared->begun_at = p->now;
	atomic_store_explicit(&p->status->snapshot, p->applied.snapshot, memory_order_relaxed);
}

void status_source_end(struct pipeline *p, struct position end)
{
	share(&p->status->source_end, end);
	atomic_store_explicit(&p->status->end_told_at, clock_mono(), memory_order_relaxed);
}

/* Reading ------------------------------------------------------------------------------------- */

void pipeline_status_init(struct pipeline_status *status)
{
	*status = (struct pipeline_status){0};
	pthread_mutex_init(&status->lock, NULL);
	atomic_store(&status->alive_until, clock_mono() + ALIVE_US);
	atomic_store(&status->current_at, clock_mono());
	status->safe_bytes = status->disk_free_bytes = status->log_rate = status->expires_s = UINT64_MAX;
}

void pipeline_status_done(struct pipeline_status *status)
{
	pthread_mutex_destroy(&status->lock);
}

static struct position shared(const struct shared_position *from)
{
	struct position position = {.kind = (enum position_kind)atomic_load_explicit(&from->kind, memory_order_acquire)};

	position.lsn = atomic_load_explicit(&from->lsn, memory_order_acquire);
	return position;
}

bool pipeline_status_alive(const struct pipeline_status *status)
{
	return clock_mono() < atomic_load_explicit(&status->alive_until, memory_order_relaxed);
}

static bool kafka_answers(const struct pipeline_status *status)
{
	usec_t asked_at = atomic_load_explicit(&status->kafka_asked_at, memory_order_relaxed);

	return !atomic_load_explicit(&status->kafka_down, memory_order_relaxed) &&
	       (!asked_at || clock_mono() - asked_at < KAFKA_SILENT_US);
}

/*
 * Of what has arrived and is not published, the age is known. Where nothing has, but the source has more, or has said nothing
 * for long: since when we do not know any more that all is published.
 */
static usec_t lag_of(const struct pipeline_status *status)
{
	usec_t since = atomic_load_explicit(&status->pending_since, memory_order_relaxed), now = clock_wall();
	usec_t unknown = clock_mono() - atomic_load_explicit(&status->current_at, memory_order_relaxed);

	if (since)
		return now > since ? now - since : 0;
	return unknown > UNTOLD_US ? unknown : 0;
}

static usec_t end_age_of(const struct pipeline_status *status)
{
	usec_t told_at = atomic_load_explicit(&status->end_told_at, memory_order_relaxed), now = clock_mono();

	return !told_at ? -1 : now > told_at ? now - told_at : 0;
}

/* Positions that stand behind others are read first: so they are in order, whatever happens meanwhile. */
static void read_positions(const struct pipeline_status *status, struct pipeline_view *ret)
{
	struct position end;

	ret->confirmed = shared(&status->confirmed);
	ret->saved = shared(&status->saved);
	ret->published = shared(&status->published);
	ret->received = shared(&status->received);
	end = shared(&status->source_end);
	ret->source_end = position_compare(end, ret->received) > 0 ? end : ret->received;
	ret->lag_bytes = position_distance(ret->published, ret->source_end);
}

static uint64_t number(const _Atomic uint64_t *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

/* While the source tells nothing, its log may grow on as it did: the time goes by. */
static uint64_t left_of(uint64_t seconds, usec_t age)
{
	uint64_t gone = age > 0 ? (uint64_t)(age / USEC_PER_SEC) : 0;

	return seconds == UINT64_MAX ? UINT64_MAX : seconds > gone ? seconds - gone : 0;
}

/* The nearest of the ends counts: the server's limit, that of its disk, and that of its log's age. */
static void read_retention(const struct pipeline_status *status, struct pipeline_view *ret)
{
	uint64_t safe = number(&status->safe_bytes), disk = number(&status->disk_free_bytes);
	uint64_t by_age = left_of(number(&status->expires_s), ret->end_age_us);

	ret->kept_bytes = number(&status->kept_bytes);
	ret->room_bytes = safe < disk ? safe : disk;
	ret->log_rate = number(&status->log_rate);
	ret->seconds_to_loss = ret->room_bytes == UINT64_MAX || ret->log_rate == UINT64_MAX || !ret->log_rate
				       ? UINT64_MAX : left_of(ret->room_bytes / ret->log_rate, ret->end_age_us);
	ret->removed_by_age = by_age < ret->seconds_to_loss;
	if (ret->removed_by_age)
		ret->seconds_to_loss = by_age;
	ret->log_state = (enum log_state)atomic_load_explicit(&status->log_state, memory_order_relaxed);
	ret->log_exceeded = atomic_load_explicit(&status->log_exceeded, memory_order_relaxed);
	ret->log_looked_at = atomic_load_explicit(&status->log_looked_at, memory_order_relaxed);
}

static void read_reading(const struct pipeline_status *status, struct reading_view *ret)
{
	const struct shared_progress *shared = &status->reading;
	usec_t begun_at = shared->begun_at, now = clock_mono();

	*ret = (struct reading_view){
		.under_way = begun_at != 0,
		.for_us = now > begun_at ? now - begun_at : 0,
		.progress = {
			.tables = number(&shared->tables), .tables_done = number(&shared->tables_done),
			.rows = number(&shared->rows), .expected_rows = number(&shared->expected_rows),
			.bytes = number(&shared->bytes), .expected_bytes = number(&shared->expected_bytes),
		},
	};
}

void pipeline_status_read(struct pipeline_status *status, struct pipeline_view *ret)
{
	*ret = (struct pipeline_view){
		.phase = (enum pipeline_phase)atomic_load(&status->phase),
		.alive = pipeline_status_alive(status),
		.kafka_answers = kafka_answers(status),
		.claim = atomic_load_explicit(&status->claim, memory_order_relaxed),
		.tables_loading = atomic_load_explicit(&status->tables_loading, memory_order_relaxed),
		.tables_stale = atomic_load_explicit(&status->tables_stale, memory_order_relaxed),
		.snapshot = atomic_load_explicit(&status->snapshot, memory_order_relaxed),
		.lag_us = lag_of(status),
		.end_age_us = end_age_of(status),
	};
	read_positions(status, ret);
	read_retention(status, ret);
	read_reading(status, &ret->reading);
	ret->open_xid = number(&status->open_xid);
	ret->open_done = number(&status->open_done);
	ret->job = number(&status->job);
	ret->job_done = number(&status->job_done);
	ret->exceptions_open = number(&status->exceptions_open);
	ret->orders = number(&status->orders);
	ret->order = number(&status->order);
	ret->order_rows = number(&status->order_rows);
	pthread_mutex_lock(&status->lock);
	ret->failure = status->failure;
	ret->failed_at = status->failed_at;
	pthread_mutex_unlock(&status->lock);
}

bool pipeline_view_ready(const struct pipeline_view *view)
{
	return view->phase == PHASE_STREAMING && view->alive && view->kafka_answers;
}

const char *pipeline_view_state(const struct pipeline_view *view)
{
	if (view->phase == PHASE_ENDED && view->failure.class == ERROR_STATE)
		return named_states[view->failure.state].name;
	if (!view->alive && view->phase != PHASE_ENDED)
		return "HANGING";
	if (!view->kafka_answers && view->phase == PHASE_STREAMING)
		return "KAFKA_AWAY";
	return pipeline_phase_names[view->phase];
}
