/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * `tailwater exceptions list` and `show`: the documents that are held back now, and why, as the state file has them. Its
 * last commit counts, which a running agent makes at least every confirm.interval. `retry` asks the running agent.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/datetime.h"
#include "base/json.h"
#include "control/conf.h"
#include "ask.h"
#include "report.h"
#include "site.h"
#include "state/exceptions.h"
#include "verbs.h"

/* Which ones are wanted; NULL: whichever. */
struct wanted {
	const char *entity;
	const char *owner;
	const char *id;     /* Entity/key */
	void (*print)(const struct exception *exception);
	unsigned count;
};

/* How each member is called, in JSON and for people. */
static const struct {
	const char *name;
	size_t offset;
} members[] = {
	{"path", offsetof(struct exception, fault.path)},   {"value", offsetof(struct exception, fault.value)},
	{"message", offsetof(struct exception, fault.message)}, {"place", offsetof(struct exception, fault.place)},
	{"rule", offsetof(struct exception, fault.rule)},   {"owner", offsetof(struct exception, owner)},
	{"position", offsetof(struct exception, position)}, {"eventId", offsetof(struct exception, event_id)},
};

#define MEMBER_COUNT (sizeof(members) / sizeof(members[0]))

static struct view member(const struct exception *exception, size_t i)
{
	return *(const struct view *)((const char *)exception + members[i].offset);
}

static const char *since(const struct exception *exception, char text[DATETIME_TEXT_BYTES])
{
	timestamp_print(exception->since, true, text);
	return text;
}

static void print_line(const struct exception *exception)
{
	char text[DATETIME_TEXT_BYTES];

	printf("%s  %.*s/%.*s  %s%s%.*s: %.*s%s%.*s%s\n", since(exception, text), VIEW_ARG(exception->entity),
	       VIEW_ARG(exception->key), fault_reason_names[exception->fault.reason], exception->fault.path.len ? " " : "",
	       VIEW_ARG(exception->fault.path), VIEW_ARG(exception->fault.message), exception->owner.len ? " (" : "",
	       VIEW_ARG(exception->owner), exception->owner.len ? ")" : "");
}

static void print_whole(const struct exception *exception)
{
	char text[DATETIME_TEXT_BYTES];

	printf("%.*s/%.*s\n  %-9s %s\n  %-9s %s\n", VIEW_ARG(exception->entity), VIEW_ARG(exception->key), "since",
	       since(exception, text), "reason", fault_reason_names[exception->fault.reason]);
	for (size_t i = 0; i < MEMBER_COUNT; i++)
		if (member(exception, i).len)
			printf("  %-9s %.*s\n", members[i].name, VIEW_ARG(member(exception, i)));
}

static void print_json(const struct exception *exception)
{
	struct writer text = {0};

	wr_printf(&text, "{\"entity\":");
	json_text(&text, exception->entity);
	wr_printf(&text, ",\"key\":");
	json_text(&text, exception->key);
	wr_printf(&text, ",\"since\":");
	report_time(exception->since, &text);
	wr_printf(&text, ",\"reason\":\"%s\"", fault_reason_names[exception->fault.reason]);
	for (size_t i = 0; i < MEMBER_COUNT; i++) {
		struct view value = member(exception, i);

		wr_printf(&text, ",\"%s\":", members[i].name);
		if (value.ptr)
			json_text(&text, value);
		else
			wr_printf(&text, "null");
	}
	printf("%.*s}\n", VIEW_ARG(wr_view(&text)));
	wr_done(&text);
}

static bool is_id(const struct exception *exception, const char *id)
{
	size_t entity = exception->entity.len;

	return strncmp(id, exception->entity.ptr, entity) == 0 && id[entity] == '/' &&
	       view_is(exception->key, id + entity + 1);
}

static int take(void *arg, const struct exception *exception)
{
	struct wanted *wanted = arg;

	if ((wanted->entity && !view_is(exception->entity, wanted->entity)) ||
	    (wanted->owner && !view_is(exception->owner, wanted->owner)) || (wanted->id && !is_id(exception, wanted->id)))
		return 0;
	wanted->print(exception);
	wanted->count++;
	return 0;
}

static int each(const struct arguments *args, struct wanted *wanted)
{
	struct conf *conf = verb_conf(args);
	struct site site = {.options = conf ? &conf->pipeline : NULL};
	struct error err = {0};
	int result;

	if (!conf)
		return EXIT_USAGE;
	result = site_open_state(&site, false, &err);
	if (result == 0)
		result = exceptions_each(site.db, take, wanted, &err);
	site_done(&site);
	conf_free(conf);
	return result < 0 ? verb_fail(&err) : EXIT_DONE;
}

static int run_list(const struct arguments *args)
{
	struct wanted wanted = {
		.entity = argument(args, "--entity"),
		.owner = argument(args, "--owner"),
		.print = argument(args, "--json") ? print_json : print_line,
	};
	int code = each(args, &wanted);

	if (code == EXIT_DONE && !argument(args, "--json"))
		printf("%u open\n", wanted.count);
	return code;
}

#define LIST_HINT "`tailwater exceptions list` has those that are open, each with its ENTITY/KEY"

static int run_show(const struct arguments *args)
{
	struct wanted wanted = {.id = args->operand, .print = argument(args, "--json") ? print_json : print_whole};
	struct error err = {0};
	int code;

	if (!wanted.id) {
		error_set(&err, ERROR_INPUT, "which one? `tailwater exceptions show` takes ENTITY/KEY, as in Invoice/42");
		error_hint(&err, LIST_HINT);
		return verb_fail(&err);
	}
	code = each(args, &wanted);
	if (code != EXIT_DONE || wanted.count)
		return code;
	error_set(&err, ERROR_INPUT, "no exception of %s is open: there is no such document, or it is not held back", wanted.id);
	error_hint(&err, LIST_HINT);
	return verb_fail(&err);
}

#define FLAG_JSON {"--json", NULL, false, "A JSON object on a line for each."}

static const struct flag list_flags[] = {
	FLAG_CONFIG,
	{"--entity", "NAME", false, "Only those of this entity."},
	{"--owner", "NAME", false, "Only those that this owner mends."},
	FLAG_JSON,
	FLAGS_END,
};

const struct verb verb_exceptions_list = {
	.name = "exceptions list",
	.summary = "list the documents that are held back, and why",
	.help = "One line for each document that could not be made or does not validate: since when, which, the reason with the "
		"field, and who mends it. An exception closes itself when a later commit or a mended mapping makes the document valid.",
	.flags = list_flags,
	.run = run_list,
};

static const struct flag show_flags[] = {
	FLAG_CONFIG,
	FLAG_JSON,
	FLAGS_END,
};

const struct verb verb_exceptions_show = {
	.name = "exceptions show",
	.operand = "ENTITY/KEY",
	.summary = "show all that is known of one of them",
	.help = "Reason, field, value, line of the mapping, rule, owner, and the transaction that it began with.",
	.flags = show_flags,
	.run = run_show,
};

/* Retry --------------------------------------------------------------------------------------- */

static void tell_retry(const struct arguments *args, const struct answer *answer)
{
	uint64_t job, documents = 0;

	(void)args;
	answer_number(answer, "documents", &documents);
	if (answer_number(answer, "job", &job))
		printf("job %" PRIu64 ": %" PRIu64 " document%s evaluated again; the log says when that is done, and `tailwater exceptions list` "
		       "which are still held back\n", job, documents, documents == 1 ? " is" : "s are");
	else
		printf("no exception is open: nothing is evaluated\n");
}

#define RETRY_HINT "ENTITY/KEY (or --entity NAME --key KEY) for one, --entity NAME for those of an entity, --all for all; `tailwater exceptions " \
		   "list` has those that are open"

static int run_retry(const struct arguments *args)
{
	const char *id = args->operand, *slash = id ? strchr(id, '/') : NULL;
	bool all = argument(args, "--all"), flags = argument(args, "--entity") || argument(args, "--key");
	const struct asked asked = {
		.request = "exceptions-retry",
		.members = {
			{"entity", id ? (struct view){id, slash ? (size_t)(slash - id) : 0} : view_of(argument(args, "--entity")), false},
			{"key", slash ? view_of(slash + 1) : view_of(argument(args, "--key")), false},
			{"all", VIEW_NONE, all},
		},
		.tell = tell_retry,
	};

	if (id && !slash)
		return ask_refuse("`tailwater exceptions retry` takes ENTITY/KEY, as in Invoice/42", RETRY_HINT);
	if ((id != NULL) + all + flags != 1)
		return ask_refuse(id || all || flags ? "say only one of ENTITY/KEY, --entity and --all" : "which ones are to be evaluated again?",
				  RETRY_HINT);
	if (flags && !argument(args, "--entity"))
		return ask_refuse("--key stands with --entity", RETRY_HINT);
	return ask_agent(args, &asked);
}

static const struct flag retry_flags[] = {
	FLAG_CONFIG,
	{"--entity", "NAME", false, "Those of this entity."},
	{"--key", "KEY", false, "Only the one with this key, as `exceptions list` has it behind the slash."},
	{"--all", NULL, false, "All that are open."},
	FLAG_ANSWER_JSON,
	FLAGS_END,
};

const struct verb verb_exceptions_retry = {
	.name = "exceptions retry",
	.operand = "[ENTITY/KEY]",
	.summary = "have documents that are held back evaluated again",
	.help = "Asks the running agent, on its control socket. What validates now is published, with the business events that "
		"were held back with it, and its exception is closed; what does not stays as it is. The answer has the number "
		"of a job, and how many documents it is for; a crash in between repeats nothing. It is needed only where nothing else has "
		"changed that the agent sees: a row of a table that the pack has under `reference`, for instance.",
	.flags = retry_flags,
	.run = run_retry,
};
