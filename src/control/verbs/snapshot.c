/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * `tailwater snapshot`: asks the running agent for the rows of a table once more; or, while none runs, orders a state file
 * that is lost to be built anew.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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
		printf("%.*s\n", VIEW_ARG(wr_view(&facts)));
	wr_done(&facts);
	return result;
}

static int print_order(void *arg, const struct snapshot_order *order)
{
	++*(unsigned *)arg;
	printf("snapshot %" PRIu64 " of %s.%s: open, %" PRIu64 " rows so far%s%s%s\n", order->number, order->schema, order->name, order->rows,
	       order->of_first ? "; what was left of the first snapshot" : "", *order->condition ? "; where " : "", order->condition);
	return 0;
}

/* What is open stands last. */
static int list(const struct conf *conf, struct error *err)
{
	struct site site = {.options = &conf->pipeline};
	struct writer rebuild = {0};
	unsigned count = 0;
	int result = audits_print(conf, "snapshot", &count, err);

	if (result == 0)
		result = site_open_state(&site, false, err);
	if (result == 0)
		result = rebuild_tell(site.db, &rebuild, err);
	printf("%.*s", VIEW_ARG(wr_view(&rebuild)));
	if (result == 0)
		result = snapshot_orders_each(site.db, print_order, &count, err);
	if (result == 0 && !count && !rebuild.len)
		printf("no snapshot is open, none was given up or cancelled, and no state file was built anew; what was published stands in the "
		       "agent's log\n");
	site_done(&site);
	wr_done(&rebuild);
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

static void tell_order(const struct arguments *args, const struct answer *answer)
{
	uint64_t number = 0;

	answer_number(answer, "snapshot", &number);
	printf("snapshot %" PRIu64 " of %s is ordered; `tailwater snapshot --list` says how far it is, the log when it is published, and "
	       "--cancel %" PRIu64 " takes it back\n", number, argument(args, "--table"), number);
}

static void tell_cancel(const struct arguments *args, const struct answer *answer)
{
	uint64_t number = 0;

	(void)args;
	answer_number(answer, "cancelled", &number);
	printf("snapshot %" PRIu64 " is cancelled; what of it was published stays\n", number);
}

static int ask_for_rows(const struct arguments *args)
{
	const struct asked asked = {
		.request = "snapshot",
		.members = {{"table", view_of(argument(args, "--table")), false}, {"where", view_of(argument(args, "--where")), false}},
		.tell = tell_order,
	};

	return ask_agent(args, &asked);
}

static int ask_to_cancel(const struct arguments *args)
{
	const char *number = argument(args, "--cancel");
	const struct asked asked = {
		.request = "snapshot-cancel", .members = {{"number", view_of(number), false}}, .tell = tell_cancel,
	};

	if (!*number || number[strspn(number, "0123456789")])
		return ask_refuse("--cancel takes the number of a snapshot", "`tailwater snapshot --list` has those that are open");
	return ask_agent(args, &asked);
}

/* What it is asked for: one of these, and what may stand with it. */
static const struct {
	const char *flag, *with[3];
	int (*run)(const struct arguments *args);
} ways[] = {
	{"--table", {"--where", "--json"}, ask_for_rows},
	{"--cancel", {"--json"}, ask_to_cancel},
	{"--list", {NULL}, run_by_hand},
	{"--rebuild", {"--assert"}, run_by_hand},
};

#define WAYS (sizeof(ways) / sizeof(ways[0]))
#define WAYS_HINT "--table TABLE, with or without --where CONDITION, for its rows once more; --list; --cancel NUMBER; or --rebuild, if the " \
		  "state file is lost"

static bool goes_with(size_t way, const char *flag)
{
	for (size_t i = 0; i < sizeof(ways[way].with) / sizeof(ways[way].with[0]) && ways[way].with[i]; i++)
		if (strcmp(ways[way].with[i], flag) == 0)
			return true;
	return strcmp(ways[way].flag, flag) == 0 || strcmp(flag, "--config") == 0;
}

/* The first flag that has no place beside that way, or NULL. */
static const char *misplaced(const struct arguments *args, size_t way)
{
	for (const struct flag *flag = args->verb->flags; flag->name; flag++)
		if (argument(args, flag->name) && !goes_with(way, flag->name))
			return flag->name;
	return NULL;
}

static int run_snapshot(const struct arguments *args)
{
	const char *wrong;
	char text[100];
	size_t way = 0;

	while (way < WAYS && !argument(args, ways[way].flag))
		way++;
	if (way == WAYS)
		return ask_refuse("a snapshot of what? `tailwater snapshot` takes --table TABLE, --list, --cancel NUMBER or --rebuild", WAYS_HINT);
	wrong = misplaced(args, way);
	if (!wrong)
		return ways[way].run(args);
	snprintf(text, sizeof(text), "%s does not go with %s", wrong, ways[way].flag);
	return ask_refuse(text, WAYS_HINT);
}

static const struct flag snapshot_flags[] = {
	FLAG_CONFIG,
	{"--table", "TABLE", false, "The table, as in public.invoice."},
	{"--where", "CONDITION", false, "Only rows for which this condition of the server's SQL is true."},
	{"--cancel", "NUMBER", false, "Do not go on with this snapshot; what of it is published stays."},
	{"--rebuild", NULL, false, "While no agent runs: have a state file that is lost (state STATE_LOST) built anew."},
	{"--assert", "TEXT", false, "With --rebuild, and not needed: what there is to say of it, kept in the state file with your name."},
	{"--list", NULL, false, "Snapshots that are open, given up or cancelled; a state file that is being built anew, or when that was done, by "
	 "whom, and what came of it."},
	FLAG_ANSWER_JSON,
	FLAGS_END,
};

const struct verb verb_snapshot = {
	.name = "snapshot",
	.summary = "have the rows of a table published once more, or a lost state file built anew",
	.help = "With --table it asks the running agent, on its control socket: the rows that the table has go to its change topic with "
		"operation r and source.snapshot incremental, part by part (snapshot.part_rows); changes go on in between, and "
		"no row comes that is older than what was published of it. Nothing is written to the source. The answer has the "
		"snapshot's number; a crash in between repeats nothing. The mirror, documents and events stay as they are. A "
		"table without a key is read in one part of 64 MB at most.\nA snapshot whose condition the server refuses (a division "
		"by zero, a column that is gone), or takes more than 10 s for however little of the table is asked for, is given up: "
		"the log and --list say why; what was published of it stays, and is right. While such a part is read the stream waits; after it, for as long "
		"as it took, it has its turn."
		"\nWith --rebuild a state file that is lost, or damaged, is built anew, if topics, checkpoint and slot are there: the "
		"change topics go on where they were, each change once. The agent reads the published documents back from their "
		"topics, loads its mirror, and compares: documents that differ leave as updates (or creations, or deletions) with "
		"`rebuilt` in their header's quality, and with the events of the difference, which is what they have become since; "
		"what happened in between and was undone again raises nothing. Configuration and mapping pack have to be those of "
		"before. Without --assert nothing is kept but your name.\nWithin a minute of the end of the agent that had the lost file, "
		"if it was killed, the start says CONFLICT: it cannot tell whether that agent still runs. If it does not, start with "
		"`run --take-over`, or a minute later.\nThe log, and --list while it is under way and after, say how many documents were read back, equal, differing, added, gone or held back, and "
		"how many events were raised.",
	.flags = snapshot_flags,
	.run = run_snapshot,
};
