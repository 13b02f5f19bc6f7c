/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * `tailwater position adopt`: a planned move of the source, by an operator who answers for it. What was said, by whom and
 * when stays in the state file.
 */
#include <stdio.h>

#include "audits.h"
#include "control/conf.h"
#include "pipeline/adopt.h"
#include "verbs.h"

static int adopt(const struct conf *conf, const char *assertion, struct error *err)
{
	struct writer facts = {0};
	char text[200];
	int result;

	if (!assertion || !*assertion) {
		error_set(err, ERROR_INPUT, "say with --assert what you answer for");
		return error_hint(err, "for instance --assert 'nothing was written between the end of the agent and the making of the slot: "
				       "pg_upgrade from 15 to 17'");
	}
	result = position_adopt(&conf->pipeline, audits_who(text), assertion, &facts, err);
	if (result == 0)
		printf("adopted %.*s; start the agent\n", VIEW_ARG(wr_view(&facts)));
	wr_done(&facts);
	return result;
}

static int list(const struct conf *conf, struct error *err)
{
	unsigned count = 0;
	int result = audits_print(conf, "position adopt", &count, err);

	if (result == 0 && !count)
		printf("nothing was ever adopted\n");
	return result;
}

static int run(const struct arguments *args)
{
	struct conf *conf = verb_conf(args);
	struct error err = {0};
	int result;

	if (!conf)
		return EXIT_USAGE;
	result = argument(args, "--list") ? list(conf, &err) : adopt(conf, argument(args, "--assert"), &err);
	conf_free(conf);
	return result < 0 ? verb_fail(&err) : EXIT_DONE;
}

static const struct flag flags[] = {
	FLAG_CONFIG,
	{"--assert", "TEXT", false, "What you answer for, in your words: it is kept in the state file with your name."},
	{"--list", NULL, false, "What was adopted, when, by whom, and what was answered for."},
	FLAGS_END,
};

const struct verb verb_position_adopt = {
	.name = "position adopt",
	.summary = "go on from a new slot after a planned move of the source",
	.help = "After pg_upgrade, or a promotion without a failover slot: stop the applications, wait until the agent has published all, "
		"end it with SIGTERM, move, make the publication and the slot on the new server before anything is written there, and "
		"run this with the new server in the configuration. It checks what can be checked, that all was published, that the "
		"slot is there, and that its position is behind ours. That nothing was written in between you answer for. Then start "
		"the agent: no snapshot is taken.",
	.flags = flags,
	.run = run,
};
