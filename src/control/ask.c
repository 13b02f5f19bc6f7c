/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "ask.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/yaml.h"
#include "control/conf.h"
#include "control/control.h"

struct answer {
	const struct yaml_node *root;
};

bool answer_number(const struct answer *answer, const char *member, uint64_t *ret)
{
	const struct yaml_node *node = yaml_get(answer->root, member);

	if (yaml_is_null(node))
		return false;
	*ret = strtoull(node->text.ptr, NULL, 10);
	return true;
}

static void write_request(const struct asked *asked, struct writer *to)
{
	wr_u8(to, '{');
	for (size_t i = 0; i < REQUEST_FIELDS_MOST && asked->members[i].member; i++) {
		if (!asked->members[i].on && !asked->members[i].value.ptr)
			continue;
		wr_printf(to, "%s\"%s\":", to->len > 1 ? "," : "", asked->members[i].member);
		if (asked->members[i].on)
			wr_printf(to, "true");
		else
			json_text(to, asked->members[i].value);
	}
	wr_u8(to, '}');
}

static void tell(const struct arguments *args, const struct asked *asked, struct view text)
{
	struct diagnostics diag = {0};
	struct yaml_file *file = argument(args, "--json") ? NULL : yaml_parse("answer", text, &diag);

	if (file)
		asked->tell(args, &(struct answer){.root = file->root});
	else
		printf("%.*s", VIEW_ARG(text));
	yaml_file_free(file);
	diag_done(&diag);
}

static int ask(const struct arguments *args, const struct asked *asked, const char *path, struct error *err)
{
	struct writer request = {0}, answer = {0};
	int result;

	if (!path) {
		error_set(err, ERROR_INPUT, "the agent cannot be asked: 'control.socket' is off");
		return error_hint(err, "set it and start the agent again");
	}
	write_request(asked, &request);
	result = control_ask(path, asked->request, wr_view(&request), &answer, err);
	if (result == 0) {
		tell(args, asked, wr_view(&answer));
	} else if (result > 0) {
		error_set(err, ERROR_TRANSIENT, "no agent is running: nobody listens on %s", path);
		result = error_hint(err, "start it with `tailwater run` and this configuration; what it does is asked of it while it runs");
	}
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

int ask_refuse(const char *what, const char *hint)
{
	struct error err;

	error_set(&err, ERROR_INPUT, "%s", what);
	error_hint(&err, "%s", hint);
	return verb_fail(&err);
}
