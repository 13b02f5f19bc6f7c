/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * `tailwater snapshot`: asks the running agent for the rows of a table once more; or, while none runs, orders a state file
 * that is lost to be built anew.
 */
#include <inttypes.h>
#include <stdio.h>

#include "ask.h"
#include "audits.h"
#include "control/conf.h"
#include "pipeline/rebuild_order.h"
#include "pipeline/snapshot_orders.h"
#include "site.h"
#include "verbs.h"

static int order(const struct arguments *args, const struct conf *conf, struct error *err)
{
	struct writer facts = {0};
	char text[200];
	int result = rebuild_order(&conf->pipeline, audits_who(text), argument(args, "--assert"), &facts, err);

	if (result == 0)
		printf("%.*s by the next start of the agent; start it\n", VIEW_ARG(wr_view(&facts)));
	wr_done(&facts);
	return result;
}

static int print_order(void *arg, const struct snapshot_order *order)
{
	(void)arg;
	printf("snapshot %" PRIu64 " of %s.%s: open, %" PRIu64 " rows so far%s%s%s\n", order->number, order->schema, order->name, order->rows,
	       order->of_first ? "; what was left of the first snapshot" : "", *order->condition ? "; where " : "", order->condition);
	return 0;
}

/* What is open stands last. */
static int list(const struct conf *conf, struct error *err)
{
	struct site site = {.options = &conf->pipeline};
	int result = audits_print(conf, "nothing was built anew, given up or cancelled", err);

	if (result == 0)
		result = site_open_state(&site, false, err);
	if (result == 0)
		result = snapshot_orders_each(site.db, print_order, NULL, err);
	site_done(&site);
	return result;
}

static int run_by_hand(const struct arguments *args)
{
	struct conf *conf = verb_conf(args);
	struct error err = {0};
	int result;

	if (!conf)
		return EXIT_USAGE;
	result = argument(args, "--list") ? list(conf, &err) : order(args, conf, &err);
	conf_free(conf);
	return result < 0 ? verb_fail(&err) : EXIT_DONE;
}

static int run_snapshot(const struct arguments *args)
{
	static const struct asked asked = {
		.request = "snapshot",
		.members = {{"table", "--table"}, {"where", "--where"}},
	};

	static const struct asked cancelled = {
		.request = "snapshot-cancel",
		.members = {{"number", "--cancel"}},
	};

	if (argument(args, "--rebuild") || argument(args, "--list"))
		return run_by_hand(args);
	return ask_agent(args, argument(args, "--cancel") ? &cancelled : &asked);
}

static const struct flag snapshot_flags[] = {
	FLAG_CONFIG,
	{"--table", "TABLE", false, "The table, as in public.invoice."},
	{"--where", "CONDITION", false, "Only rows for which this condition of the server's SQL is true."},
	{"--cancel", "NUMBER", false, "Do not go on with this snapshot; what of it is published stays."},
	{"--rebuild", NULL, false, "While no agent runs: have a state file that is lost (state STATE_LOST) built anew."},
	{"--assert", "TEXT", false, "With --rebuild: what there is to say of it; it is kept in the state file with your name."},
	{"--list", NULL, false, "Snapshots that are open, given up or cancelled; when a state file was built anew, by whom, and what came of it."},
	FLAGS_END,
};

const struct verb verb_snapshot = {
	.name = "snapshot",
	.summary = "have the rows of a table published once more, or a lost state file built anew",
	.help = "Asks the running agent, on its control socket. The rows that the table has go to its change topic with "
		"operation r and source.snapshot incremental, part by part (snapshot.part_rows); changes go on in between, and "
		"no row comes that is older than what was published of it. Nothing is written to the source. The answer is the "
		"snapshot's number; a crash in between repeats nothing. The mirror, documents and events stay as they are. A "
		"table without a key is read in one part of 64 MB at most. A snapshot whose condition the server refuses (a division "
		"by zero, a column that is gone), or takes more than 10 s for however little of the table is asked for, is given up: "
		"the log and --list say why; what was published of it stays, and is right. While such a part is read the stream waits; after it, for as long "
		"as it took, it has its turn. "
		"With --rebuild a state file that is lost, or damaged, is built anew, if topics, checkpoint and slot are there: the "
		"change topics go on where they were, each change once. The agent reads the published documents back from their "
		"topics, loads its mirror, and compares: documents that differ leave as updates (or creations, or deletions) with "
		"`rebuilt` in their header's quality, and with the events of the difference, which is what they have become since; "
		"what happened in between and was undone again raises nothing. Configuration and mapping pack have to be those of "
		"before. The log, and --list, say how many documents were read back, equal, differing, added, gone or held back, and "
		"how many events were raised.",
	.flags = snapshot_flags,
	.run = run_snapshot,
};
