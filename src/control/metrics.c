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

#define METRIC(member) {#member, offsetof(struct pipeline_metrics, member)}

static const struct {
	const char *name;
	size_t offset;
} metric_table[] = {
	METRIC(changes), METRIC(transactions), METRIC(documents), METRIC(events), METRIC(exceptions), METRIC(messages),
	METRIC(kafka_commits), METRIC(state_commits), METRIC(split_batches), METRIC(recoveries),
	METRIC(replayed_changes),
	METRIC(skipped_changes), METRIC(replays), METRIC(skips_in_changes), METRIC(skips_in_documents),
	METRIC(ambiguous_commits), METRIC(claims), METRIC(reclaims), METRIC(snapshot_rows),
	METRIC(registry_requests), METRIC(registry_retries), METRIC(read_bytes), METRIC(reads),
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
