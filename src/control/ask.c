/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "ask.h"

#include <stdio.h>

#include "base/json.h"
#include "control/conf.h"
#include "control/control.h"

/* A switch stands as its own name in the arguments. */
static void write_member(const char *member, const char *value, const char *flag, struct writer *to)
{
	wr_printf(to, "%s\"%s\":", to->len > 1 ? "," : "", member);
	if (value == flag || strcmp(value, flag) == 0)
		wr_printf(to, "true");
	else
		json_text(to, view_of(value));
}

static void write_request(const struct arguments *args, const struct asked *asked, struct writer *to)
{
	wr_u8(to, '{');
	for (size_t i = 0; asked->members[i].member; i++) {
		const char *value = argument(args, asked->members[i].flag);

		if (value)
			write_member(asked->members[i].member, value, asked->members[i].flag, to);
	}
	wr_u8(to, '}');
}

static int ask(const struct arguments *args, const struct asked *asked, const char *path, struct error *err)
{
	struct writer request = {0}, answer = {0};
	int result;

	if (!path) {
		error_set(err, ERROR_INPUT, "the agent cannot be asked: 'control.socket' is off");
		return error_hint(err, "set it and start the agent again");
	}
	write_request(args, asked, &request);
	result = control_ask(path, asked->request, wr_view(&request), &answer, err);
	if (result == 0)
		printf("%.*s", VIEW_ARG(wr_view(&answer)));
	else if (result > 0)
		result = error_set(err, ERROR_TRANSIENT, "no agent is running: nobody listens on %s", path);
	wr_done(&request);
	wr_done(&answer);
	return result;
}

int ask_agent(const struct arguments *args, const struct asked *asked)
{
	struct conf *conf = verb_conf(args);
	struct error err = {0};
	int result;

	if (!conf)
		return EXIT_USAGE;
	result = ask(args, asked, conf_control(conf), &err);
	conf_free(conf);
	return result < 0 ? verb_fail(&err) : EXIT_DONE;
}
