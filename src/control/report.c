/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "report.h"

#include <inttypes.h>

#include "base/datetime.h"
#include "base/json.h"

const char *const report_open_phases[] = {
	[OPEN_NONE] = "none", [OPEN_CHANGES] = "changes", [OPEN_DOCUMENTS] = "documents",
};

const char *const report_snapshot_phases[] = {
	[SNAPSHOT_NONE] = "none", [SNAPSHOT_STARTED] = "started", [SNAPSHOT_TABLES_DONE] = "tables done",
	[SNAPSHOT_FINISHED] = "finished", [SNAPSHOT_ROWS] = "rows",
};

void report_time(usec_t time, struct writer *to)
{
	char text[DATETIME_TEXT_BYTES], *space;

	timestamp_print(time, false, text);
	space = strchr(text, ' ');
	if (space)
		*space = 'T';
	wr_printf(to, "\"%sZ\"", text);
}

static void write_position(struct position position, struct writer *to)
{
	char text[POSITION_TEXT_BYTES];

	position_print(position, text);
	wr_printf(to, "\"%s\"", text);
}

static void write_open(const struct open_transaction *open, struct writer *to)
{
	if (open->phase == OPEN_NONE) {
		wr_printf(to, "null");
		return;
	}
	wr_printf(to, "{\"phase\":\"%s\",\"final\":", report_open_phases[open->phase]);
	write_position(open->final, to);
	wr_printf(to, ",\"xid\":%" PRIu64 ",\"done\":%" PRIu64 "}", open->xid, open->done);
}

void report_progress(const struct progress *progress, struct writer *to)
{
	wr_printf(to, "{\"position\":");
	write_position(progress->position, to);
	wr_printf(to, ",\"snapshot\":%" PRIu64 ",\"snapshotPhase\":\"%s\",\"border\":%" PRIu64 ",\"open\":",
		  progress->snapshot, report_snapshot_phases[progress->snapshot_phase], progress->border);
	write_open(&progress->open, to);
	wr_u8(to, '}');
}

void report_checkpoint(const struct checkpoint *checkpoint, struct writer *to)
{
	wr_printf(to, "{\"progress\":");
	report_progress(&checkpoint->progress, to);
	wr_printf(to, ",\"writer\":\"%s\",\"claim\":%" PRIu64 ",\"writtenAt\":", checkpoint->writer, checkpoint->claim);
	report_time(checkpoint->written_at, to);
	wr_printf(to, ",\"system\":\"%s\",\"database\":", checkpoint->system);
	json_text(to, view_of(checkpoint->database));
	wr_printf(to, ",\"timeline\":%u}", checkpoint->timeline);
}
