/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* `tailwater snapshot`: asks the running agent for the rows of a table once more. */
#include "ask.h"
#include "verbs.h"

static int run_snapshot(const struct arguments *args)
{
	static const struct asked asked = {
		.request = "snapshot",
		.members = {{"table", "--table"}, {"where", "--where"}},
	};

	return ask_agent(args, &asked);
}

static const struct flag snapshot_flags[] = {
	FLAG_CONFIG,
	{"--table", "TABLE", false, "The table, as in public.invoice."},
	{"--where", "CONDITION", false, "Only rows for which this condition of the server's SQL is true."},
	FLAGS_END,
};

const struct verb verb_snapshot = {
	.name = "snapshot",
	.summary = "have the rows of a table published once more while changes are streamed",
	.help = "Asks the running agent, on its control socket. The rows that the table has go to its change topic with "
		"operation r and source.snapshot incremental, part by part (snapshot.part_rows); changes go on in between, and "
		"no row comes that is older than what was published of it. Nothing is written to the source. The answer is the "
		"snapshot's number; a crash in between repeats nothing. The mirror, documents and events stay as they are. A "
		"table without a key is read in one part of 64 MB at most.",
	.flags = snapshot_flags,
	.run = run_snapshot,
};
