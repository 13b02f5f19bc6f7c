/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* `tailwater status`: what the running agent says about itself; or, if none runs, what its state file has. */
#include <stdio.h>

#include "base/writer.h"
#include "control/conf.h"
#include "control/http.h"
#include "model/progress.h"
#include "report.h"
#include "site.h"
#include "state/position.h"
#include "verbs.h"

#define CODE_OK 200

/* Loopback if it answers there, otherwise the control socket; NULL: neither. */
static const char *asked_at(const struct conf *conf)
{
	return conf->settings.http_listen ? conf->settings.http_listen : conf_control(conf);
}

static int load_state(const struct conf *conf, struct progress *ret, struct error *err)
{
	struct site site = {.options = &conf->pipeline};
	int result = site_open_state(&site, false, err);

	if (result == 0)
		result = position_load(site.db, ret, err);
	site_done(&site);
	return result;
}

static void print_stopped(const struct conf *conf, const struct progress *progress, bool json)
{
	struct writer text = {0};
	char position[POSITION_TEXT_BYTES];

	position_print(progress->position, position);
	if (json) {
		wr_printf(&text, "{\"source\":\"%s\",\"state\":\"NOT_RUNNING\",\"ready\":false,\"stateFile\":", conf->pipeline.name);
		report_progress(progress, &text);
		wr_u8(&text, '}');
	} else {
		wr_printf(&text, "%-12snot running: nobody listens on %s\n%-12s%s\n%-12sthe agent's log says why it ended, `tailwater check "
			  "--connect` whether it would start", conf->pipeline.name, asked_at(conf), "state file", position, "");
	}
	printf("%.*s\n", VIEW_ARG(wr_view(&text)));
	wr_done(&text);
}

/* Nothing runs: that is no success, whatever the file has. */
static int tell_stopped(const struct conf *conf, bool json, struct error *err)
{
	struct progress progress;

	if (load_state(conf, &progress, err) < 0) {
		printf("%-12snot running: nobody listens on %s\n", conf->pipeline.name, asked_at(conf));
		return verb_fail(err);
	}
	print_stopped(conf, &progress, json);
	return EXIT_FAILED;
}

/* The JSON has another code than the screen: that comes from /readyz. */
static int ask(const struct conf *conf, bool json, struct error *err)
{
	struct writer text = {0}, ready = {0};
	int code = http_get(asked_at(conf), json ? "/api/status" : "/status", &text, err);

	if (code > 0) {
		printf("%.*s", VIEW_ARG(wr_view(&text)));
		if (json)
			code = http_get(asked_at(conf), "/readyz", &ready, err);
	}
	wr_done(&text);
	wr_done(&ready);
	return code;
}

static int tell(const struct conf *conf, bool json)
{
	struct error err = {0};
	int code;

	if (!asked_at(conf)) {
		error_set(&err, ERROR_INPUT, "the agent cannot be asked: both 'control.socket' and 'http.listen' are off");
		error_hint(&err, "set one of them and start the agent again; 'tailwater position' works without");
		return verb_fail(&err);
	}
	code = ask(conf, json, &err);
	if (code < 0)
		return verb_fail(&err);
	if (code == 0)
		return tell_stopped(conf, json, &err);
	return code == CODE_OK ? EXIT_DONE : EXIT_FAILED;
}

static int run(const struct arguments *args)
{
	struct conf *conf = verb_conf(args);
	int code;

	if (!conf)
		return EXIT_USAGE;
	code = tell(conf, argument(args, "--json") != NULL);
	conf_free(conf);
	return code;
}

static const struct flag flags[] = {
	FLAG_CONFIG,
	{"--json", NULL, false, "One JSON object."},
	FLAGS_END,
};

const struct verb verb_status = {
	.name = "status",
	.summary = "how the running agent is, on one screen",
	.help = "Asks the agent where 'http.listen' says, or on its control socket, and prints its state, positions, lag, counters and last error. "
		"The exit code is 0 if it streams and Kafka answers, and 1 if not, or if no agent runs: then the "
		"state file's position is printed.",
	.flags = flags,
	.run = run,
};
