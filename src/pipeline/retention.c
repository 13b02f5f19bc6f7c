/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * How much of the source's log our slot keeps, how fast the log grows, and when it would be lost if nothing more were
 * confirmed: looked at every ten seconds, whatever the pipeline does. Nothing is ever dropped for it; what is done when a
 * limit is exceeded is the user's choice.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "run.h"

#define LOOK_US (10 * USEC_PER_SEC)
#define TELL_US (600 * USEC_PER_SEC)
#define RATE_LEAST_US (5 * USEC_PER_SEC)  /* what less time shows is no rate */
#define SOON_S 3600

/* The growth of the log over the last minutes. */
static uint64_t rate_of(struct log_samples *samples, uint64_t lsn, usec_t now)
{
	unsigned oldest = samples->count < LOG_SAMPLES ? 0 : samples->next;
	usec_t time;
	uint64_t rate = UINT64_MAX;

	if (samples->count) {
		time = now - samples->at[oldest];
		if (time >= RATE_LEAST_US && lsn >= samples->lsn[oldest])
			rate = (uint64_t)((double)(lsn - samples->lsn[oldest]) * 1e6 / (double)time);
	}
	samples->at[samples->next] = now;
	samples->lsn[samples->next] = lsn;
	samples->next = (samples->next + 1) % LOG_SAMPLES;
	samples->count += samples->count < LOG_SAMPLES;
	return rate;
}

/* Another server's log, or the same one put back, begins anew. */
static void forget_if_behind(struct log_samples *samples, uint64_t lsn)
{
	unsigned last = (samples->next + LOG_SAMPLES - 1) % LOG_SAMPLES;

	if (samples->count && lsn < samples->lsn[last])
		samples->count = samples->next = 0;
}

static void share(struct pipeline *p, const struct source_retention *retention, usec_t now)
{
	struct pipeline_status *status = p->status;

	forget_if_behind(&p->log_samples, retention->log_end.lsn);
	if (retention->log_end.kind != POSITION_BINLOG) /* whose files have numbers that are no bytes */
		atomic_store_explicit(&status->log_rate, rate_of(&p->log_samples, retention->log_end.lsn, now), memory_order_relaxed);
	atomic_store_explicit(&status->kept_bytes, retention->kept_bytes, memory_order_relaxed);
	atomic_store_explicit(&status->safe_bytes, retention->safe_bytes, memory_order_relaxed);
	atomic_store_explicit(&status->disk_free_bytes, retention->disk_free_bytes, memory_order_relaxed);
	atomic_store_explicit(&status->expires_s, retention->expires_s, memory_order_relaxed);
	atomic_store_explicit(&status->log_state, (int)retention->state, memory_order_relaxed);
	atomic_store_explicit(&status->log_looked_at, true, memory_order_relaxed);
	status_source_end(p, retention->log_end);
}

/* Once when it begins, and then from time to time. */
static bool to_be_told(usec_t *told_at, bool is_so, usec_t now)
{
	if (!is_so) {
		*told_at = 0;
		return false;
	}
	if (*told_at && now - *told_at < TELL_US)
		return false;
	*told_at = now;
	return true;
}

/* "1500 MB" */
static const char *megabytes(uint64_t bytes, char text[32])
{
	snprintf(text, 32, bytes < 10000000000 ? "%.0f MB" : "%.1f GB", (double)bytes / (bytes < 10000000000 ? 1e6 : 1e9));
	return text;
}

/* Also while the source is away: the time that was left goes by. */
void retention_tell_loss(struct pipeline *p, usec_t now)
{
	struct pipeline_view view;
	char kept[32];

	pipeline_status_read(p->status, &view);
	if (!to_be_told(&p->loss_told_at, view.seconds_to_loss < SOON_S || view.log_state >= LOG_UNRESERVED, now))
		return;
	if (view.removed_by_age)
		log_warning(p->options->name, "the server removes its log by its age, and what comes next in about %" PRIu64 " minutes, unless more is "
			    "confirmed", view.seconds_to_loss / 60);
	else
		log_warning(p->options->name, "the server keeps %s of its log for the slot '%s' (%s), and will give it up in about %" PRIu64
			    " minutes at the present rate, unless more is confirmed", megabytes(view.kept_bytes, kept),
			    p->options->source.slot, log_state_names[view.log_state],
			    view.log_state >= LOG_UNRESERVED ? 0 : view.seconds_to_loss / 60);
}

static int exceeded(struct pipeline *p, uint64_t kept_bytes, usec_t now, struct error *err)
{
	const struct pipeline_options *options = p->options;
	char kept[32], most[32];
	bool is_so = options->retained_most && kept_bytes > options->retained_most;

	atomic_store_explicit(&p->status->log_exceeded, is_so, memory_order_relaxed);
	if (is_so && options->on_exceed == EXCEED_STOP) {
		error_state(err, STATE_WAL_LIMIT, "the slot '%s' keeps %s of the server's log, more than source.max_retained_wal (%s)",
			    options->source.slot, megabytes(kept_bytes, kept), megabytes(options->retained_most, most));
		return error_hint(err, "raise source.max_retained_wal and start the agent, which then catches up; or drop the slot, which "
				       "frees the log and takes a new snapshot: SELECT pg_drop_replication_slot('%s');",
				  options->source.slot);
	}
	if (to_be_told(&p->exceeded_told_at, is_so, now))
		log_warning(options->name, "the slot '%s' keeps %s of the server's log, more than source.max_retained_wal (%s)%s",
			    options->source.slot, megabytes(kept_bytes, kept), megabytes(options->retained_most, most),
			    options->on_exceed == EXCEED_PAUSE ? "; tables that are being loaded again wait" : "");
	return 0;
}

bool retention_pauses(const struct pipeline *p)
{
	return p->options->on_exceed != EXCEED_WARN &&
	       atomic_load_explicit(&p->status->log_exceeded, memory_order_relaxed);
}

/* Good to know, and no more: a session that is lost shows itself elsewhere. */
int retention_look(struct pipeline *p, struct error *err)
{
	struct source_retention retention;
	usec_t now = clock_mono();
	struct error ignored;

	if (p->retention_at && now - p->retention_at < LOOK_US)
		return 0;
	p->retention_at = now;
	if (p->source_ops->retention(p->source, &retention, &ignored) < 0)
		return 0;
	share(p, &retention, now);
	retention_tell_loss(p, now);
	return exceeded(p, retention.kept_bytes, now, err);
}
