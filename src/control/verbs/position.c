/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* `tailwater position`: how far the state file is, and how far Kafka. Reads both without touching them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/datetime.h"
#include "base/error.h"
#include "control/conf.h"
#include "model/progress.h"
#include "publish/checkpoint.h"
#include "report.h"
#include "site.h"
#include "state/position.h"
#include "verbs.h"

struct report {
	struct progress state;
	bool have_checkpoint;
	struct checkpoint checkpoint;
};

static int read_state(const struct conf *conf, struct report *report, struct error *err)
{
	struct site site = {.options = &conf->pipeline};
	int result = site_open_state(&site, false, err);

	if (result == 0)
		result = position_load(site.db, &report->state, err);
	site_done(&site);
	return result;
}

static int read_kafka(const struct conf *conf, struct report *report, struct error *err)
{
	char topic[300];
	int found;

	snprintf(topic, sizeof(topic), "%s.checkpoint", conf->pipeline.prefix);
	found = checkpoint_read(&conf->pipeline.kafka, topic, conf->pipeline.name, &report->checkpoint, err);
	report->have_checkpoint = found > 0;
	return found < 0 ? -1 : 0;
}

/* For people ---------------------------------------------------------------------------------- */

static void print_progress(const char *name, const struct progress *progress)
{
	char text[POSITION_TEXT_BYTES];

	position_print(progress->position, text);
	printf("%-12s%s\n", name, text);
	if (progress->snapshot)
		printf("  snapshot  %" PRIu64 ", %s\n", progress->snapshot,
		       report_snapshot_phases[progress->snapshot_phase]);
	if (progress->open.phase == OPEN_NONE)
		return;
	position_print(progress->open.final, text);
	printf("  open      transaction %" PRIu64 " at %s: %" PRIu64 " %s done\n", progress->open.xid, text,
	       progress->open.done, report_open_phases[progress->open.phase]);
}

static void print_human(const struct report *report)
{
	char when[DATETIME_TEXT_BYTES];

	print_progress("state file", &report->state);
	if (!report->have_checkpoint) {
		printf("checkpoint  none\n");
		return;
	}
	print_progress("checkpoint", &report->checkpoint.progress);
	timestamp_print(report->checkpoint.written_at, true, when);
	printf("  written   %s by %s, claim %" PRIu64 "\n", when, report->checkpoint.writer, report->checkpoint.claim);
	printf("  source    database %s of system %s, timeline %u\n", report->checkpoint.database,
	       report->checkpoint.system, report->checkpoint.timeline);
}

/* JSON ---------------------------------------------------------------------------------------- */

static void print_json(const struct report *report)
{
	struct writer text = {0};

	wr_printf(&text, "{\"state\":");
	report_progress(&report->state, &text);
	wr_printf(&text, ",\"checkpoint\":");
	if (report->have_checkpoint)
		report_checkpoint(&report->checkpoint, &text);
	else
		wr_printf(&text, "null");
	printf("%.*s}\n", VIEW_ARG(wr_view(&text)));
	wr_done(&text);
}

/* One field ----------------------------------------------------------------------------------- */

static struct position state_position(const struct report *report)
{
	return report->state.position;
}

static struct position checkpoint_position(const struct report *report)
{
	return report->have_checkpoint ? report->checkpoint.progress.position
				       : (struct position){.kind = POSITION_NONE};
}

static const struct field {
	const char *name;
	int (*read)(const struct conf *conf, struct report *report, struct error *err);
	struct position (*position)(const struct report *report);
} fields[] = {
	{"state", read_state, state_position},
	{"checkpoint", read_kafka, checkpoint_position},
};

static int print_field(const struct conf *conf, const char *name, struct error *err)
{
	char text[POSITION_TEXT_BYTES];
	struct report report = {0};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strcmp(fields[i].name, name) != 0)
			continue;
		if (fields[i].read(conf, &report, err) < 0)
			return -1;
		position_print(fields[i].position(&report), text);
		printf("%s\n", text);
		return 0;
	}
	return error_set(err, ERROR_INPUT, "--field is 'state' or 'checkpoint', not '%s'", name);
}

static int print_all(const struct conf *conf, bool json, struct error *err)
{
	struct report report = {0};

	if (read_state(conf, &report, err) < 0)
		return -1;
	if (read_kafka(conf, &report, err) < 0) { /* the one is of use without the other */
		if (!json)
			print_progress("state file", &report.state);
		return -1;
	}
	if (json)
		print_json(&report);
	else
		print_human(&report);
	return 0;
}

static int run(const struct arguments *args)
{
	const char *field = argument(args, "--field");
	struct conf *conf = verb_conf(args);
	struct error err = {0};
	int result;

	if (!conf)
		return EXIT_USAGE;
	result = field ? print_field(conf, field, &err) : print_all(conf, argument(args, "--json") != NULL, &err);
	conf_free(conf);
	return result < 0 ? verb_fail(&err) : EXIT_DONE;
}

static const struct flag flags[] = {
	FLAG_CONFIG,
	{"--json", NULL, false, "One JSON object."},
	{"--field", "NAME", false, "Only one position, for scripts: state (the state file's, no server is asked) or "
	 "checkpoint."},
	FLAGS_END,
};

const struct verb verb_position = {
	.name = "position",
	.summary = "how far the state file and the checkpoint in Kafka are",
	.help = "Prints the position of the state file, which is what the source may be told, and of the checkpoint, "
		"which is how far the source is published. Works beside a running agent and without one.",
	.flags = flags,
	.run = run,
};
