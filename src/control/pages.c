/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The pages of a running agent; the table stands at the end. */
#include "control/pages.h"

#include <inttypes.h>
#include <string.h>

#include "base/datetime.h"
#include "base/json.h"
#include "config.h"
#include "control/metrics.h"
#include "control/options.h"
#include "control/values.h"
#include "progress.h"
#include "report.h"

#define OK 200
#define UNAVAILABLE 503

void page_facts_take(const struct pages *pages, struct page_facts *ret)
{
	ret->pages = pages;
	ret->now = clock_wall();
	pipeline_status_read(pages->status, &ret->view);
}

static const struct conf *conf_of(const struct page_facts *facts)
{
	return atomic_load_explicit(&facts->pages->conf, memory_order_acquire);
}

/* Positions ----------------------------------------------------------------------------------- */

static struct position at_end(const struct pipeline_view *view)
{
	return view->source_end;
}

static struct position at_received(const struct pipeline_view *view)
{
	return view->received;
}

static struct position at_published(const struct pipeline_view *view)
{
	return view->published;
}

static struct position at_saved(const struct pipeline_view *view)
{
	return view->saved;
}

static struct position at_confirmed(const struct pipeline_view *view)
{
	return view->confirmed;
}


static const struct {
	const char *name;
	struct position (*get)(const struct pipeline_view *view);
} places[] = {
	{"sourceEnd", at_end}, {"received", at_received}, {"published", at_published}, {"saved", at_saved},
	{"confirmed", at_confirmed},
};

#define PLACES (sizeof(places) / sizeof(places[0]))

/* Health -------------------------------------------------------------------------------------- */

static unsigned print_health(const struct page_facts *facts, struct writer *to)
{
	wr_printf(to, "%s\n", facts->view.alive ? "alive" : "the pipeline's thread hangs");
	return facts->view.alive ? OK : UNAVAILABLE;
}

static unsigned ready_code(const struct page_facts *facts)
{
	return pipeline_view_ready(&facts->view) ? OK : UNAVAILABLE;
}

static bool failed(const struct pipeline_view *view)
{
	return view->failure.class != ERROR_NONE;
}

static unsigned print_readiness(const struct page_facts *facts, struct writer *to)
{
	const struct pipeline_view *view = &facts->view;

	wr_printf(to, "%s\n", pipeline_view_state(view));
	if (failed(view) && (view->phase == PHASE_RECOVERING || view->phase == PHASE_DISK_FULL || view->phase == PHASE_ENDED))
		wr_printf(to, "%s\n", view->failure.text);
	return ready_code(facts);
}

/* Metrics ------------------------------------------------------------------------------------- */

static double seconds(usec_t time)
{
	return (double)time / (double)USEC_PER_SEC;
}

static void sample(struct writer *to, const char *name, const char *help, double value, int decimals)
{
	metrics_gauge(to, name, help);
	wr_printf(to, "tailwater_%s %.*f\n", name, decimals, value);
}

/* One sample for each state there is: how many there are depends on nothing outside of the program. */
static void print_states(const struct pipeline_view *view, struct writer *to)
{
	metrics_gauge(to, "phase", "1 for what the agent is doing now, 0 for what else it could.");
	for (size_t i = 0; i < PIPELINE_PHASES; i++)
		wr_printf(to, "tailwater_phase{phase=\"%s\"} %d\n", pipeline_phase_names[i], view->phase == i);
}

static void print_positions(const struct pipeline_view *view, struct writer *to)
{
	metrics_gauge(to, "position_bytes", "Positions in the source's log, in bytes since its beginning.");
	for (size_t i = 0; i < PLACES; i++)
		wr_printf(to, "tailwater_position_bytes{of=\"%s\"} %" PRIu64 "\n", places[i].name,
			  places[i].get(view).lsn);
}

/* The name of a source is of letters, digits, dots, '_' and '-': nothing has to be escaped. */
static void print_build(const struct page_facts *facts, struct writer *to)
{
	metrics_gauge(to, "build_info", "Always 1; the version and the name of the source are labels.");
	wr_printf(to, "tailwater_build_info{version=\"%s\",source=\"%s\"} 1\n", PACKAGE_VERSION,
		  conf_of(facts)->pipeline.name);
}

static void print_bound(struct writer *to, const char *name, const char *help, uint64_t value)
{
	if (value != UINT64_MAX) {
		sample(to, name, help, (double)value, 0);
		return;
	}
	metrics_gauge(to, name, help);
	wr_printf(to, "tailwater_%s +Inf\n", name);
}

/* Of what is said about the log's end; before the source has said anything, since the start. */
static double age_of_end(const struct page_facts *facts)
{
	return seconds(facts->view.end_age_us >= 0 ? facts->view.end_age_us : facts->now - facts->pages->started_at);
}

static void print_retention(const struct pipeline_view *view, struct writer *to)
{
	sample(to, "retained_wal_bytes", "Log that the source keeps for the slot, as of some seconds ago.", (double)view->kept_bytes, 0);
	sample(to, "retained_wal_exceeded", "1 while that is more than source.max_retained_wal.", view->log_exceeded, 0);
	sample(to, "log_bytes_per_second", "How fast the source has written its log in the last minutes.",
	       view->log_rate == UINT64_MAX ? 0 : (double)view->log_rate, 0);
	print_bound(to, "log_room_bytes", "Log that the source may still write before it gives up what the slot needs; +Inf: no limit is "
		    "known.", view->room_bytes);
	print_bound(to, "log_loss_seconds", "When that is at this rate, or the server removes it by its age, if nothing more is confirmed; +Inf: never, or not known.",
		    view->seconds_to_loss);
}

/* Of a snapshot: 0 each while none is read. One sample for all tables, however many there are. */
static void print_reading(const struct pipeline_view *view, struct writer *to)
{
	struct source_progress none = {0};
	const struct source_progress *progress = view->reading.under_way ? &view->reading.progress : &none;

	sample(to, "snapshot_tables", "Tables that the snapshot under way reads.", (double)progress->tables, 0);
	sample(to, "snapshot_tables_read", "... of these, those that were read.", (double)progress->tables_done, 0);
	sample(to, "snapshot_expected_rows", "Rows that they have, as the source estimates.", (double)progress->expected_rows, 0);
	sample(to, "snapshot_rows_read", "... of these, those that were read.", (double)progress->rows, 0);
	sample(to, "snapshot_expected_bytes", "Bytes that they have at the source.", (double)progress->expected_bytes, 0);
	sample(to, "snapshot_bytes_read", "... of these, those that were read.", (double)progress->bytes, 0);
}

static unsigned print_metrics(const struct page_facts *facts, struct writer *to)
{
	const struct pipeline_view *view = &facts->view;

	print_build(facts, to);
	print_states(view, to);
	sample(to, "start_time_seconds", "When the agent was started, in seconds since 1970.",
	       seconds(facts->pages->started_at), 3);
	sample(to, "alive", "1 while the pipeline's thread is heard of.", view->alive, 0);
	sample(to, "ready", "1 while the source is streamed and Kafka answers.", pipeline_view_ready(view), 0);
	sample(to, "kafka_answers", "1 unless Kafka is away or owes an answer for long.", view->kafka_answers, 0);
	sample(to, "lag_bytes", "Log that the source had written when it last told of its end, and that is not published.",
	       (double)view->lag_bytes, 0);
	sample(to, "lag_seconds", "Age of the oldest transaction received that is not published; if there is none, but the source has "
	       "more, or has said nothing for 30 s: since when it is not known that all is published; otherwise 0.",
	       seconds(view->lag_us), 3);
	sample(to, "source_end_age_seconds", "Since when the source has not told where its log ends: it is asked every 10 s.",
	       age_of_end(facts), 3);
	sample(to, "unconfirmed_bytes", "Log that the source has written and that was not confirmed to it.",
	       (double)position_distance(view->confirmed, view->source_end), 0);
	print_retention(view, to);
	print_reading(view, to);
	sample(to, "exceptions_open", "Documents and records that are held back, as of some seconds ago.", (double)view->exceptions_open, 0);
	sample(to, "mirror_tables_stale", "Mirrored tables that are not what the source has: their entities are held.",
	       (double)view->tables_stale, 0);
	sample(to, "mirror_tables_loading", "Mirrored tables that are being loaded: their entities are held meanwhile.",
	       (double)view->tables_loading, 0);
	sample(to, "last_failure_timestamp_seconds", "When something last failed, in seconds since 1970; 0: never.",
	       seconds(view->failed_at), 3);
	sample(to, "claim", "The number of the claim that the agent has written to Kafka.", (double)view->claim, 0);
	print_positions(view, to);
	metrics_counters(facts->pages->metrics, to);
	return OK;
}

/* Status -------------------------------------------------------------------------------------- */

static void print_places(const struct pipeline_view *view, struct writer *to)
{
	char text[POSITION_TEXT_BYTES];

	for (size_t i = 0; i < PLACES; i++) {
		struct position position = places[i].get(view);

		position_print(position, text);
		wr_printf(to, position.kind == POSITION_NONE ? "%s\"%s\":null" : "%s\"%s\":\"%s\"", i ? "," : "",
			  places[i].name, text);
	}
}

static void print_failure(const struct pipeline_view *view, struct writer *to)
{
	if (!failed(view)) {
		wr_printf(to, "null");
		return;
	}
	wr_printf(to, "{\"at\":");
	report_time(view->failed_at, to);
	wr_printf(to, ",\"state\":");
	if (view->failure.class == ERROR_STATE)
		json_text(to, view_of(named_states[view->failure.state].name));
	else
		wr_printf(to, "null");
	wr_printf(to, ",\"text\":");
	json_text(to, view_of(view->failure.text));
	wr_printf(to, ",\"hint\":");
	json_text(to, view_of(view->failure.hint));
	wr_u8(to, '}');
}

static uint64_t count(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void print_number(struct writer *to, const char *name, uint64_t value)
{
	wr_printf(to, value == UINT64_MAX ? ",\"%s\":null" : ",\"%s\":%" PRIu64, name, value);
}

static void print_retention_json(const struct pipeline_view *view, const struct conf *conf, struct writer *to)
{
	uint64_t most = conf->pipeline.retained_most;

	wr_printf(to, ",\"retention\":{\"state\":\"%s\"", log_state_names[view->log_state]);
	print_number(to, "bytes", view->log_looked_at ? view->kept_bytes : UINT64_MAX);
	print_number(to, "limitBytes", most ? most : UINT64_MAX);
	wr_printf(to, ",\"exceeded\":%s", view->log_exceeded ? "true" : "false");
	print_number(to, "roomBytes", view->room_bytes);
	print_number(to, "logBytesPerSecond", view->log_rate);
	print_number(to, "secondsToLoss", view->seconds_to_loss);
	wr_u8(to, '}');
}

static void print_under_way(const struct pipeline_view *view, struct writer *to)
{
	wr_printf(to, ",\"exceptionsOpen\":%" PRIu64 ",\"openTransaction\":", view->exceptions_open);
	if (view->open_xid)
		wr_printf(to, "{\"xid\":%" PRIu64 ",\"changes\":%" PRIu64 "}", view->open_xid, view->open_done);
	else
		wr_printf(to, "null");
	wr_printf(to, ",\"job\":");
	if (view->job)
		wr_printf(to, "{\"number\":%" PRIu64 ",\"done\":%" PRIu64 "}", view->job, view->job_done);
	else
		wr_printf(to, "null");
}

static unsigned print_status_json(const struct page_facts *facts, struct writer *to)
{
	const struct pipeline_view *view = &facts->view;
	const struct pipeline_metrics *metrics = facts->pages->metrics;

	wr_printf(to, "{\"version\":\"%s\",\"source\":\"%s\",\"startedAt\":", PACKAGE_VERSION,
		  conf_of(facts)->pipeline.name);
	report_time(facts->pages->started_at, to);
	wr_printf(to, ",\"at\":");
	report_time(facts->now, to);
	wr_printf(to, ",\"state\":\"%s\",\"ready\":%s,\"alive\":%s,\"kafkaAnswers\":%s,\"positions\":{",
		  pipeline_view_state(view), pipeline_view_ready(view) ? "true" : "false", view->alive ? "true" : "false",
		  view->kafka_answers ? "true" : "false");
	print_places(view, to);
	wr_printf(to, "},\"lag\":{\"bytes\":%" PRIu64 ",\"seconds\":%.3f,\"unconfirmedBytes\":%" PRIu64 ",\"sourceEndAgeSeconds\":",
		  view->lag_bytes, seconds(view->lag_us), position_distance(view->confirmed, view->source_end));
	if (view->end_age_us < 0)
		wr_printf(to, "null}");
	else
		wr_printf(to, "%.3f}", seconds(view->end_age_us));
	print_retention_json(view, conf_of(facts), to);
	wr_printf(to, ",\"snapshot\":%" PRIu64 ",\"claim\":%" PRIu64 ",\"claims\":%" PRIu64 ",\"batches\":%" PRIu64, view->snapshot,
		  view->claim, count(&metrics->claims), count(&metrics->kafka_commits));
	print_under_way(view, to);
	wr_printf(to, ",\"reading\":");
	progress_json(&view->reading, to);
	wr_printf(to, ",\"snapshots\":{\"open\":%" PRIu64 ",\"number\":%" PRIu64 ",\"rows\":%" PRIu64 "}", view->orders, view->order,
		  view->order_rows);
	wr_printf(to, ",\"tables\":{\"loading\":%" PRIu64 ",\"stale\":%" PRIu64 "}", view->tables_loading, view->tables_stale);
	wr_printf(to, ",\"lastError\":");
	print_failure(view, to);
	wr_printf(to, ",\"counters\":");
	metrics_json(metrics, to);
	wr_printf(to, "}\n");
	return OK;
}

static void print_lag(const struct pipeline_view *view, struct writer *to)
{
	wr_printf(to, "lag         %.1f s, %" PRIu64 " bytes; %" PRIu64 " bytes not confirmed", seconds(view->lag_us),
		  view->lag_bytes, position_distance(view->confirmed, view->source_end));
	if (view->end_age_us < 0)
		wr_printf(to, " (the source has not been asked yet)\n");
	else
		wr_printf(to, " (bytes as of %.0f s ago)\n", seconds(view->end_age_us));
	for (size_t i = 0; i < PLACES; i++) {
		char text[POSITION_TEXT_BYTES];

		position_print(places[i].get(view), text);
		wr_printf(to, "%-12s%s\n", places[i].name, text);
	}
}

/* "2 days 3 h", "3 h 15 min", "12 min": the two largest units; what is a year ahead nobody knows. */
static void print_span(uint64_t seconds, struct writer *to)
{
	uint64_t days = seconds / 86400, hours = seconds / 3600 % 24, minutes = seconds / 60 % 60;

	if (days > 365)
		wr_printf(to, "more than a year");
	else if (days)
		wr_printf(to, "%" PRIu64 " day%s %" PRIu64 " h", days, days == 1 ? "" : "s", hours);
	else if (hours)
		wr_printf(to, "%" PRIu64 " h %" PRIu64 " min", hours, minutes);
	else if (minutes)
		wr_printf(to, "%" PRIu64 " min", minutes);
	else
		wr_printf(to, "%" PRIu64 " s", seconds);
}

/* A server that knows no slots. */
static void print_age(const struct pipeline_view *view, struct writer *to)
{
	if (view->seconds_to_loss == UINT64_MAX)
		return;
	wr_printf(to, "log loss    in ");
	print_span(view->seconds_to_loss, to);
	wr_printf(to, ", when the server removes by its age what is not confirmed by then\n");
}

/* Only a slot keeps the log for us. */
static void print_kept(const struct page_facts *facts, struct writer *to)
{
	const struct pipeline_view *view = &facts->view;

	if (strcmp(conf_of(facts)->pipeline.source_type, "postgresql") != 0) {
		print_age(view, to);
		return;
	}
	if (!view->log_looked_at) {
		wr_printf(to, "log         the source has not told yet how much it keeps\n");
		return;
	}
	wr_printf(to, "log         %.1f MB kept for the slot", (double)view->kept_bytes / 1e6);
	if (view->log_state != LOG_UNKNOWN)
		wr_printf(to, " (%s)", log_state_names[view->log_state]);
	wr_printf(to, "%s", view->log_exceeded ? ", more than source.max_retained_wal" : "");
	if (view->log_rate != UINT64_MAX)
		wr_printf(to, ", %.2f MB/s are written", (double)view->log_rate / 1e6);
	wr_u8(to, '\n');
	wr_printf(to, "log loss    ");
	if (view->seconds_to_loss != UINT64_MAX) {
		wr_printf(to, "in ");
		print_span(view->seconds_to_loss, to);
		wr_printf(to, " at this rate, if nothing more is confirmed (%.1f GB of room)\n", (double)view->room_bytes / 1e9);
	} else if (view->room_bytes != UINT64_MAX) {
		wr_printf(to, "after %.1f GB more; %s\n", (double)view->room_bytes / 1e9,
			  view->log_rate == UINT64_MAX ? "when that is, is known in some seconds" : "nothing is written at present");
	} else {
		wr_printf(to, "no limit is known: %s, and the server's disk cannot be seen from here\n",
			  view->log_state == LOG_UNKNOWN ? "the server tells none (from 13 on it does, of a slot that it has)"
							 : "max_slot_wal_keep_size is not set");
	}
}

static void print_last_failure(const struct pipeline_view *view, struct writer *to)
{
	char when[DATETIME_TEXT_BYTES];

	if (!failed(view))
		return;
	timestamp_print(view->failed_at, true, when);
	wr_printf(to, "last error  %s: %s\n", when, view->failure.text);
	if (*view->failure.hint)
		wr_printf(to, "            %s\n", view->failure.hint);
}

/* The code says whether all is well, so that who prints it need not read it. */
static unsigned print_screen(const struct page_facts *facts, struct writer *to)
{
	const struct pipeline_view *view = &facts->view;
	const struct pipeline_metrics *metrics = facts->pages->metrics;
	char started[DATETIME_TEXT_BYTES];

	timestamp_print(facts->pages->started_at, true, started);
	wr_printf(to, "%-12s%s, tailwater %s, since %s\n", conf_of(facts)->pipeline.name, pipeline_view_state(view),
		  PACKAGE_VERSION, started);
	print_lag(view, to);
	print_kept(facts, to);
	if (view->tables_loading || view->tables_stale)
		wr_printf(to, "mirror      tables STALE: %" PRIu64 ", being loaded: %" PRIu64 "; their entities are held\n", view->tables_stale,
			  view->tables_loading);
	if (view->orders)
		wr_printf(to, "orders      snapshots of tables: %" PRIu64 " open; %" PRIu64 " is under way, rows so far: %" PRIu64 " "
			  "(tailwater snapshot --list)\n", view->orders, view->order, view->order_rows);
	if (view->reading.under_way) {
		wr_printf(to, "snapshot    ");
		progress_words(&view->reading, to);
		wr_u8(to, '\n');
	}
	wr_printf(to, "batches     %" PRIu64 ", state commits %" PRIu64 ", claim %" PRIu64 ", first snapshot %" PRIu64 "\n",
		  count(&metrics->kafka_commits), count(&metrics->state_commits), view->claim, view->snapshot);
	wr_printf(to, "exceptions  %" PRIu64 " open\n", view->exceptions_open);
	if (view->open_xid)
		wr_printf(to, "receiving   transaction %" PRIu64 ", %" PRIu64 " changes so far\n", view->open_xid, view->open_done);
	if (view->job)
		wr_printf(to, "job         %" PRIu64 ", documents so far: %" PRIu64 "\n", view->job, view->job_done);
	wr_printf(to, "counted     ");
	metrics_words(metrics, to);
	wr_u8(to, '\n');
	print_last_failure(view, to);
	return ready_code(facts);
}

/* Configuration ------------------------------------------------------------------------------- */

static unsigned print_configuration(const struct page_facts *facts, struct writer *to)
{
	const struct conf *conf = conf_of(facts);

	for (size_t i = 0; i < option_count; i++) {
		wr_printf(to, "%s\"%s\":", i ? "," : "{", option_table[i].name);
		value_print_json(&option_table[i], &conf->shown, to);
	}
	wr_printf(to, "}\n");
	return OK;
}

/* The table ----------------------------------------------------------------------------------- */

#define PLAIN "text/plain; charset=utf-8"
#define JSON "application/json"

static const struct page pages[] = {
	{"/healthz", PLAIN, print_health},
	{"/readyz", PLAIN, print_readiness},
	{"/metrics", "text/plain; version=0.0.4; charset=utf-8", print_metrics},
	{"/status", PLAIN, print_screen},
	{"/api/status", JSON, print_status_json},
	{"/api/config", JSON, print_configuration},
};

const struct page *page_list(size_t *ret_count)
{
	*ret_count = sizeof(pages) / sizeof(pages[0]);
	return pages;
}

const struct page *page_find(const char *path)
{
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (strcmp(pages[i].path, path) == 0)
			return &pages[i];
	return NULL;
}
