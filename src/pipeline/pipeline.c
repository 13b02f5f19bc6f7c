/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The wiring and the one loop: pull changes while there are any, commit what is due, serve the source always, wait.
 * Failure anywhere ends in one place, which decides whether to begin anew (recover.c) or to stop in a named state.
 */
#include "pipeline/pipeline.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/memory.h"
#include "canonical/pack.h"
#include "config.h"
#include "encode/header.h"
#include "run.h"
#include "state/inputs.h"

#define PULL_MOST 512                              /* changes in one turn of the loop */
#define WAIT_MOST_US (500 * USEC_PER_MSEC)         /* keepalives are looked after that often, even if nothing happens */
#define PUBLICATION_CHECK_US (30 * USEC_PER_SEC)
#define WANTED_CHECK_US USEC_PER_SEC               /* when the log says that a table was altered */
#define BACKOFF_FIRST_US (100 * USEC_PER_MSEC)
#define BACKOFF_MOST_US (10 * USEC_PER_SEC)
#define FAILURES_MOST 3
#define ROOM_LOOK_US USEC_PER_SEC

/* Without transactions nothing else bounds what is under way to Kafka. */
static bool held_back(const struct pipeline *p)
{
	return p->options->delivery == DELIVERY_AT_LEAST_ONCE &&
	       producer_outstanding_bytes(p->producer) > p->options->batch_bytes;
}

/*
 * The source is lost, and keeps no place for us: what came from it is brought into the state file, since a server that takes its
 * place can be gone on with from there alone. What fails here is lost with what is taken down, and sent again.
 */
static void keep_what_came(struct pipeline *p, const struct error *err)
{
	struct error ignored;

	if (p->identity.keeps_place || err->class != ERROR_TRANSIENT || p->txn || p->replaying)
		return;
	if ((!p->batch.open || batch_commit_checkpoint(p, &ignored) == 0) && state_lacks(p) && state_commit(p, &ignored) < 0)
		log_error(p->options->name, &ignored);
}

/* Returns the number of changes taken, or -1. */
static int pull(struct pipeline *p, struct error *err)
{
	struct change change;
	int taken = 0, got = 1;

	p->pull_most = PULL_MOST;
	while (taken < p->pull_most && !held_back(p) &&
	       (got = masks_pass(p->masks, &change, p->source_ops->next(p->source, &change, err), err)) > 0) {
		if (change_handle(p, &change, err) < 0)
			return -1;
		taken++;
	}
	if (got < 0)
		keep_what_came(p, err);
	return got < 0 ? -1 : taken;
}

static void wait_for_something(struct pipeline *p)
{
	struct pollfd fds[] = {
		{.fd = p->control->wake_fd, .events = POLLIN},
		{.fd = producer_fd(p->producer), .events = POLLIN},
		{.fd = held_back(p) ? -1 : p->source_ops->wait_fd(p->source), .events = POLLIN},
		{.fd = p->control->mailbox ? p->control->mailbox->fd : -1, .events = POLLIN},
	};
	usec_t left = batch_deadline(p) - clock_mono();
	struct timespec timeout;

	if (left <= 0)
		return;
	if (left > WAIT_MOST_US)
		left = WAIT_MOST_US;
	timeout = (struct timespec){.tv_sec = left / USEC_PER_SEC, .tv_nsec = left % USEC_PER_SEC * 1000};
	ppoll(fds, sizeof(fds) / sizeof(fds[0]), &timeout, NULL);
}

static int check_publication(struct pipeline *p, struct error *err)
{
	if (p->now - p->publication_checked_at < (p->look_wanted ? WANTED_CHECK_US : PUBLICATION_CHECK_US))
		return 0;
	p->publication_checked_at = p->now;
	p->look_wanted = false;
	return publication_check(p, true, err) < 0 ? -1 : loads_look(p, err);
}

static void export_metrics(struct pipeline *p)
{
	const struct source_metrics *source = p->source_ops->metrics(p->source);

	atomic_store_explicit(&p->metrics->reads, source->reads, memory_order_relaxed);
	atomic_store_explicit(&p->metrics->read_bytes, source->read_bytes, memory_order_relaxed);
}

/* What is read again counts at once; what belongs to a connection, with the next one. */
static void take_options(struct pipeline *p)
{
	const struct pipeline_options *next;
	struct error err;

	if (!atomic_load_explicit(&p->control->next_options, memory_order_relaxed))
		return;
	next = atomic_exchange(&p->control->next_options, NULL);
	p->options = next;
	p->retention_at = p->exceeded_told_at = 0; /* against another limit */
	p->reconnect |= atomic_exchange(&p->control->reconnect, false);
	if (schemas_reopen(p, &err) < 0)
		log_error(p->options->name, &err);
}

static bool reconnect_due(const struct pipeline *p)
{
	return p->reconnect && !p->batch.open && !p->txn && !p->replaying;
}

static int turn(struct pipeline *p, struct error *err)
{
	int taken;

	take_options(p);
	p->now = clock_mono();
	pipeline_clock(p);
	taken = pull(p, err);
	if (taken < 0)
		return -1;
	if (taken > 0)
		p->now = clock_mono();
	else if (!p->batch.open)
		p->batch.waiting_since = 0;
	if (batch_commit_if_due(p, err) < 0 || pipeline_serve(p, err) < 0 || check_publication(p, err) < 0 ||
	    requests_serve(p, err) < 0 || (p->loads_wanted && loads_step(p, err) < 0))
		return -1;
	export_metrics(p);
	status_turn(p, taken == 0);
	status_look(p);
	if (reconnect_due(p))
		return error_set(err, ERROR_TRANSIENT, "the properties of Kafka were read again");
	if (inputs_due(p))
		return error_set(err, ERROR_TRANSIENT, "a new mapping pack or message limit can take effect");
	if (taken == 0 && !loads_busy(p))
		wait_for_something(p);
	return 0;
}

/*
 * What is under way is committed with the mark that nobody writes any more, the state file too, and the source is told.
 */
static int drain(struct pipeline *p, struct error *err)
{
	if (p->replaying)
		return 0;
	p->releasing = true;
	if (progress_compare(&p->applied, &p->saved) < 0)
		p->applied = p->saved; /* the end came while changes were skipped that the file has */
	if (batch_commit_checkpoint(p, err) < 0)
		return -1;
	if ((state_lacks(p) || schemas_unsaved(p)) && state_commit(p, err) < 0)
		return -1;
	if (p->source_ops->confirm(p->source, p->saved.position, err) < 0)
		return -1;
	status_turn(p, true);
	status_confirmed(p, p->saved.position);
	return 0;
}

static int run_until_stopped(struct pipeline *p, struct error *err)
{
	status_phase(p, PHASE_STREAMING);
	if (p->control->on_ready)
		p->control->on_ready(p->control->arg);
	while (!pipeline_stopping(p))
		if (turn(p, err) < 0)
			return -1;
	status_phase(p, PHASE_STOPPING);
	return drain(p, err);
}

static bool lasting(const struct error *err)
{
	return err->class == ERROR_STATE || err->class == ERROR_INPUT || err->class == ERROR_INTERNAL;
}

/* A record that fails again and again without progress in between stops the pipeline: nothing is skipped. */
static void count_failure(struct pipeline *p, struct error *err)
{
	char position[POSITION_TEXT_BYTES];
	struct error told = *err;

	if (progress_compare(&p->failed_at, &p->published) != 0)
		p->failures = 0;
	p->failed_at = p->published;
	p->failures += err->class == ERROR_RECORD;
	if (err->class != ERROR_RECORD || p->failures < FAILURES_MOST)
		return;
	position_print(p->published.position, position);
	error_state(err, STATE_BLOCKED, "%s (%d times, after position %s)", told.text, FAILURES_MOST, position);
	error_hint(err, "%s", told.hint[0] ? told.hint : "correct the row at the source, or exclude the table or "
								 "column; nothing was skipped");
}

/*
 * A run that got on, or lasted, was a good one: what fails at once again and again is left alone for longer and longer.
 */
static void back_off(struct pipeline *p, bool progressed, usec_t lasted)
{
	struct pollfd wait = {.fd = p->control->wake_fd, .events = POLLIN};

	if (progressed || lasted > BACKOFF_MOST_US)
		p->backoff_us = 0;
	p->backoff_us = p->backoff_us ? p->backoff_us * 2 : BACKOFF_FIRST_US;
	if (p->backoff_us > BACKOFF_MOST_US)
		p->backoff_us = BACKOFF_MOST_US;
	status_alive(p, p->backoff_us);
	if (!pipeline_stopping(p))
		poll(&wait, 1, (int)(p->backoff_us / USEC_PER_MSEC));
}

/*
 * Until the disk of the state file takes something again. Nothing is published meanwhile: it would have to be applied
 * once more, and the source keeps it.
 */
static void await_room(struct pipeline *p)
{
	struct pollfd wait = {.fd = p->control->wake_fd, .events = POLLIN};

	status_phase(p, PHASE_DISK_FULL);
	while (!pipeline_stopping(p) && !db_has_room(p->db)) {
		status_alive(p, ROOM_LOOK_US);
		poll(&wait, 1, (int)(ROOM_LOOK_US / USEC_PER_MSEC));
	}
	if (!pipeline_stopping(p))
		log_info(p->options->name, "the disk of the state file has room");
}

/* One run, from connecting to its end. What can be tried again is of any other class than those that last. */
static int run_once(struct pipeline *p, struct error *err)
{
	int result;

	error_clear(err);
	result = recover_start(p, err) < 0 ? -1 : run_until_stopped(p, err);
	if (result == 0 || lasting(err))
		return result;
	blame_message(p, err);
	count_failure(p, err);
	return -1;
}

/* What is to be done is said once, as long as it is the same. */
static void warn_of(struct pipeline *p, const struct error *err)
{
	bool known = !*err->hint || strcmp(err->hint, p->hint_told) == 0;

	log_warning(p->options->name, "%s; connecting again%s%s", err->text, known ? "" : " HINT: ", known ? "" : err->hint);
	if (*err->hint)
		snprintf(p->hint_told, sizeof(p->hint_told), "%s", err->hint);
}

static int run_with_recovery(struct pipeline *p, struct error *err)
{
	for (;;) {
		usec_t begun = clock_mono();
		struct progress before = p->published;

		take_options(p);
		p->reconnect = false;
		if (run_once(p, err) == 0)
			return 0;
		if (lasting(err))
			return -1;
		status_failed(p, err);
		status_phase(p, err->class == ERROR_NO_ROOM ? PHASE_DISK_FULL : PHASE_RECOVERING);
		recover_teardown(p);
		status_kafka_answered(p);
		if (pipeline_stopping(p))
			return 0;
		warn_of(p, err);
		metric_add(&p->metrics->recoveries, 1);
		retention_tell_loss(p, clock_mono());
		if (err->class == ERROR_NO_ROOM)
			await_room(p);
		back_off(p, progress_compare(&before, &p->published) != 0, clock_mono() - begun);
	}
}

/* The name of this state file as a writer, made with the file. */
static int identify_writer(struct pipeline *p, struct error *err)
{
	struct view known;
	struct arena arena;
	int found;

	arena_init(&arena);
	found = input_get(p->db, "writer", &arena, &known, err);
	if (found > 0) {
		snprintf(p->writer, sizeof(p->writer), "%.*s", VIEW_ARG(known));
	} else if (found == 0) {
		int fd = open("/proc/sys/kernel/random/uuid", O_RDONLY | O_CLOEXEC);

		if (fd < 0 || read(fd, p->writer, sizeof(p->writer) - 1) < (ssize_t)sizeof(p->writer) - 1)
			found = error_set(err, ERROR_INTERNAL, "no random identity can be had from the system");
		if (fd >= 0)
			close(fd);
		if (found == 0 &&
		    (input_put(p->db, "writer", view_of(p->writer), err) < 0 || db_commit(p->db, err) < 0))
			found = -1;
	}
	arena_done(&arena);
	return found < 0 ? -1 : 0;
}

static int load_mapping_files(struct pipeline *p, struct error *err)
{
	if (!p->options->pack && !p->options->bad_record_exception)
		return 0;
	p->contract = contract_load(p->options->schemas, &p->diag);
	if (p->contract && p->options->pack)
		p->pack_wanted = pack_load(p->options->pack, p->options->overlay, &p->diag);
	if (!p->contract || (p->options->pack && !p->pack_wanted))
		return routes_complain(p, "the mapping pack or the schemas are wrong", err);
	return contracts_bind(p, err);
}

struct encode_options pipeline_encode_options(const struct pipeline_options *options)
{
	return (struct encode_options){
		.prefix = options->prefix,
		.source_name = options->name,
		.connector = options->source_type,
		.database = options->database,
		.version = PACKAGE_VERSION,
		.documents = options->pack != NULL || options->bad_record_exception,
		.envelope = options->envelope,
		.forms = options->forms,
		.wanted = routes_column_wanted,
		.wanted_arg = options,
	};
}

static int setup(struct pipeline *p, struct error *err)
{
	struct db_options db = {.cache_bytes = p->options->state_cache_bytes};
	struct encode_options encode = pipeline_encode_options(p->options);

	p->source_ops = source_find(p->options->source_type);
	if (!p->source_ops)
		return error_set(err, ERROR_INPUT, "no source of type '%s'", p->options->source_type);
	if (load_mapping_files(p, err) < 0 || db_open(p->options->state_path, &db, &p->db, err) < 0)
		return -1;
	tallies_begin(p);
	p->catalog = catalog_new();
	p->encoder = encoder_new(&encode);
	return schemas_open(p, err) < 0 ? -1 : identify_writer(p, err);
}

static void other_format_done(struct other_format *format)
{
	wr_done(&format->key);
	wr_done(&format->value);
}

static void cleanup(struct pipeline *p)
{
	if (p->source_ops)
		recover_teardown(p);
	schemas_close(p);
	layouts_free(p);
	map_done(&p->layouts_known);
	arena_done(&p->layout_arena);
	encoder_free(p->encoder);
	catalog_free(p->catalog);
	masks_free(p->masks);
	db_close(p->db);
	pack_free(p->pack_wanted);
	pack_free(p->pack_stored);
	header_plan_free(p->header);
	contract_free(p->contract);
	free(p->listing);
	free(p->tables);
	free(p->versions);
	wr_done(&p->key);
	wr_done(&p->value);
	wr_done(&p->payload);
	wr_done(&p->scratch);
	wr_done(&p->place);
	wr_done(&p->marker_key);
	wr_done(&p->marker_value);
	other_format_done(&p->formatted);
	other_format_done(&p->marker_formatted);
	arena_done(&p->txn_arena);
	arena_done(&p->doc_arena);
	arena_done(&p->schema_arena);
	arena_done(&p->contract_arena);
	arena_done(&p->route_arena);
	arena_done(&p->mapping_arena);
	diag_done(&p->diag);
}

int pipeline_run(const struct pipeline_options *options, struct pipeline_control *control,
		 struct pipeline_metrics *metrics, struct error *err)
{
	struct pipeline p = {.options = options, .control = control, .status = control->status,
			     .metrics = metrics};
	int result = setup(&p, err);

	if (result == 0)
		result = run_with_recovery(&p, err);
	if (result < 0)
		status_failed(&p, err);
	status_phase(&p, PHASE_ENDED);
	cleanup(&p);
	return result;
}
