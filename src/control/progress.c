/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Bytes are of tables as the source stores them, and known; rows are an estimate of the source's. */
#include "progress.h"

#include <inttypes.h>

#define BAR_CELLS 20
#define MB 1e6

static uint64_t percent(const struct source_progress *progress)
{
	if (progress->tables_done == progress->tables)
		return 100;
	if (progress->expected_bytes == 0)
		return 0;
	return progress->bytes >= progress->expected_bytes ? 99 : progress->bytes * 100 / progress->expected_bytes;
}

/* At the pace so far; UINT64_MAX: nobody can tell yet. */
static uint64_t seconds_left(const struct reading_view *reading)
{
	const struct source_progress *progress = &reading->progress;

	if (reading->for_us < USEC_PER_SEC || progress->bytes == 0)
		return UINT64_MAX;
	if (progress->bytes >= progress->expected_bytes)
		return 0;
	return (uint64_t)((double)reading->for_us / (double)progress->bytes * (double)(progress->expected_bytes - progress->bytes) /
			  (double)USEC_PER_SEC);
}

void progress_words(const struct reading_view *reading, struct writer *to)
{
	const struct source_progress *progress = &reading->progress;
	uint64_t left = seconds_left(reading);

	wr_printf(to, "%" PRIu64 " %%, ", percent(progress));
	if (left != UINT64_MAX && progress->tables_done < progress->tables)
		wr_printf(to, "%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 " left, ", left / 3600, left / 60 % 60, left % 60);
	wr_printf(to, "%.0f of %.0f MB, %" PRIu64 " of %" PRIu64 " tables, %" PRIu64, (double)progress->bytes / MB,
		  (double)progress->expected_bytes / MB, progress->tables_done, progress->tables, progress->rows);
	if (progress->expected_rows)
		wr_printf(to, " of about %" PRIu64, progress->expected_rows);
	wr_printf(to, " rows");
}

void progress_json(const struct reading_view *reading, struct writer *to)
{
	const struct source_progress *progress = &reading->progress;
	uint64_t left = seconds_left(reading);

	if (!reading->under_way) {
		wr_printf(to, "null");
		return;
	}
	wr_printf(to, "{\"tables\":%" PRIu64 ",\"tablesDone\":%" PRIu64 ",\"rows\":%" PRIu64 ",\"expectedRows\":%" PRIu64 ",\"bytes\":%" PRIu64
		  ",\"expectedBytes\":%" PRIu64 ",\"seconds\":%.3f,\"secondsLeft\":", progress->tables, progress->tables_done,
		  progress->rows, progress->expected_rows, progress->bytes, progress->expected_bytes,
		  (double)reading->for_us / (double)USEC_PER_SEC);
	if (left == UINT64_MAX)
		wr_printf(to, "null}");
	else
		wr_printf(to, "%" PRIu64 "}", left);
}

void progress_bar(const struct pipeline_view *view, unsigned width, struct writer *to)
{
	uint64_t filled = percent(&view->reading.progress) * BAR_CELLS / 100;
	size_t start = to->len;

	wr_printf(to, "snapshot %" PRIu64 " [", view->snapshot);
	for (unsigned i = 0; i < BAR_CELLS; i++)
		wr_u8(to, i < filled ? '#' : '.');
	wr_printf(to, "] ");
	progress_words(&view->reading, to);
	if (to->len - start >= width)
		to->len = start + (width ? width - 1 : 0);
}
