/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The table of counters. */
#include "control/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The name in JSON is the member's; that of an exposition says more where it has to. */
#define METRIC(member, help) {#member, #member, offsetof(struct pipeline_metrics, member), help}
#define METRIC_NAMED(member, shown, help) {#member, shown, offsetof(struct pipeline_metrics, member), help}

static const struct {
	const char *name;
	const char *shown; /* without prefix and _total */
	size_t offset;
	const char *help;
} metric_table[] = {
	METRIC(changes, "Row changes published."),
	METRIC(transactions, "Source transactions published."),
	METRIC(documents, "Messages to entity topics."),
	METRIC(events, "Business events published."),
	METRIC(exceptions, "Messages to the exception topic."),
	METRIC(messages, "All messages handed to Kafka."),
	METRIC(kafka_commits, "Kafka commits."),
	METRIC(state_commits, "Commits of the state file."),
	METRIC(split_batches, "Kafka commits inside of a source transaction."),
	METRIC(recoveries, "Times that all was taken down and connected again."),
	METRIC(replayed_changes, "Changes applied again and not published, since the state file was behind the checkpoint."),
	METRIC(skipped_changes, "Changes of an open transaction that the state file had already."),
	METRIC(replays, "Starts with the state file behind the checkpoint."),
	METRIC(skips_in_changes, "Starts inside of the changes of a split transaction."),
	METRIC(skips_in_documents, "Starts inside of the documents of a split transaction."),
	METRIC(ambiguous_commits, "Kafka commits whose outcome had to be read back."),
	METRIC(claims, "Claims of the source that were written."),
	METRIC(reclaims, "Claims that followed one of the same state file."),
	METRIC(snapshot_rows, "Rows read by snapshots."),
	METRIC(loaded_rows, "Rows read into the mirror while changes were streamed."),
	METRIC(registry_requests, "Requests to the schema registry."),
	METRIC(registry_retries, "Requests to the schema registry that failed and were made again."),
	METRIC_NAMED(read_bytes, "source_read_bytes", "Bytes read from the source's log."),
	METRIC_NAMED(reads, "source_reads", "Reads of the source's connection."),
};

#define METRIC_COUNT (sizeof(metric_table) / sizeof(metric_table[0]))

_Static_assert(METRIC_COUNT * sizeof(uint64_t) == sizeof(struct pipeline_metrics), "every counter has its row");

static uint64_t value(const struct pipeline_metrics *metrics, size_t i)
{
	const _Atomic uint64_t *counter = (const void *)((const char *)metrics + metric_table[i].offset);

	return atomic_load_explicit(counter, memory_order_relaxed);
}

void metrics_json(const struct pipeline_metrics *metrics, struct writer *to)
{
	for (size_t i = 0; i < METRIC_COUNT; i++)
		wr_printf(to, "%s\"%s\":%" PRIu64, i ? "," : "{", metric_table[i].name, value(metrics, i));
	wr_printf(to, "}\n");
}

static void family(struct writer *to, const char *name, const char *suffix, const char *type, const char *help)
{
	wr_printf(to, "# HELP tailwater_%s%s %s\n# TYPE tailwater_%s%s %s\n", name, suffix, help, name, suffix, type);
}

void metrics_gauge(struct writer *to, const char *name, const char *help)
{
	family(to, name, "", "gauge", help);
}

void metrics_counters(const struct pipeline_metrics *metrics, struct writer *to)
{
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		family(to, metric_table[i].shown, "_total", "counter", metric_table[i].help);
		wr_printf(to, "tailwater_%s_total %" PRIu64 "\n", metric_table[i].shown, value(metrics, i));
	}
}

void metrics_words(const struct pipeline_metrics *metrics, struct writer *to)
{
	size_t start = to->len;

	for (size_t i = 0; i < METRIC_COUNT; i++)
		if (value(metrics, i))
			wr_printf(to, "%s%s %" PRIu64, to->len > start ? ", " : "", metric_table[i].name,
				  value(metrics, i));
	if (to->len == start)
		wr_printf(to, "nothing done");
}

static int write_text(const char *path, struct view text)
{
	FILE *file = fopen(path, "we");
	bool written;

	if (!file)
		return -1;
	written = fwrite(text.ptr, 1, text.len, file) == text.len;
	return fclose(file) == 0 && written ? 0 : -1;
}

int metrics_write_file(const struct pipeline_metrics *metrics, const char *path, struct error *err)
{
	char *temporary = mem_printf("%s.new", path);
	struct writer text = {0};
	int result;

	metrics_json(metrics, &text);
	result = write_text(temporary, wr_view(&text));
	if (result == 0)
		result = rename(temporary, path);
	if (result < 0)
		error_set(err, ERROR_INPUT, "cannot write the metrics to '%s': %s", path, strerror(errno));
	wr_done(&text);
	free(temporary);
	return result;
}
