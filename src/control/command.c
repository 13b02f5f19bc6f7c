/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The command line: which verb, which flags, or one line that says what is wrong with it. */
#include "control/verb.h"

#include <stdio.h>
#include <string.h>

#include "base/diagnostics.h"
#include "base/error.h"
#include "base/log.h"
#include "control/conf.h"
#include "verbs.h"

const struct verb *const verbs[] = {
	&verb_run, &verb_check, &verb_doctor, &verb_grants, &verb_map_check, &verb_map_test, &verb_schema, &verb_tail, &verb_read,
	&verb_exceptions_list, &verb_exceptions_show, &verb_exceptions_retry, &verb_publish, &verb_snapshot, &verb_position,
	&verb_position_adopt, &verb_status,
	&verb_unmask, &verb_completion, &verb_version, &verb_help,
};

const size_t verb_count = sizeof(verbs) / sizeof(verbs[0]);

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < verb_count; i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	return NULL;
}

static const struct flag *find_flag(const struct verb *verb, const char *name, size_t len)
{
	for (const struct flag *flag = verb->flags; flag->name; flag++)
		if (strlen(flag->name) == len && strncmp(flag->name, name, len) == 0)
			return flag;
	return NULL;
}

static int flag_index(const struct arguments *args, const char *name)
{
	const struct flag *flag = find_flag(args->verb, name, strlen(name));

	return flag ? (int)(flag - args->verb->flags) : -1;
}

const char *argument(const struct arguments *args, const char *name)
{
	int i = flag_index(args, name);

	return i >= 0 && args->counts[i] ? args->values[i][args->counts[i] - 1] : NULL;
}

const char *const *argument_list(const struct arguments *args, const char *name, unsigned *ret_count)
{
	int i = flag_index(args, name);

	*ret_count = i >= 0 ? args->counts[i] : 0;
	return i >= 0 ? args->values[i] : NULL;
}

/* Complaints ---------------------------------------------------------------------------------- */

static int complain(const char *what, const char *word, const char *meant)
{
	fprintf(stderr, "tailwater: %s '%s'", what, word);
	if (meant)
		fprintf(stderr, "; did you mean '%s'?\n", meant);
	else
		fprintf(stderr, "; see 'tailwater help'\n");
	return -1;
}

static int unknown_verb(const char *word)
{
	const char *names[32];

	for (size_t i = 0; i < verb_count; i++)
		names[i] = verbs[i]->name;
	for (size_t i = 0; i < verb_count; i++)
		if (strncmp(names[i], word, strlen(word)) == 0 && names[i][strlen(word)] == ' ')
			return complain("unknown verb", word, names[i]);
	return complain("unknown verb", word, diag_did_you_mean(view_of(word), names, verb_count));
}

static int unknown_flag(const struct verb *verb, const char *word)
{
	const char *names[FLAGS_MOST];
	size_t count = 0;

	for (const struct flag *flag = verb->flags; flag->name; flag++)
		names[count++] = flag->name;
	return complain("unknown option", word, diag_did_you_mean(view_of(word), names, count));
}

/* Parsing ------------------------------------------------------------------------------------- */

static int add_value(struct arguments *args, const struct flag *flag, const char *value)
{
	size_t i = (size_t)(flag - args->verb->flags);

	if (args->counts[i] && !flag->repeatable)
		return complain("given twice:", flag->name, NULL);
	if (args->counts[i] == FLAG_VALUES_MOST)
		return complain("given too often:", flag->name, NULL);
	args->values[i][args->counts[i]++] = value;
	return 0;
}

/* --name VALUE or --name=VALUE. Returns how many words were taken, or -1. */
static int take_flag(struct arguments *args, int argc, char **argv)
{
	const char *equals = strchr(argv[0], '=');
	size_t len = equals ? (size_t)(equals - argv[0]) : strlen(argv[0]);
	const struct flag *flag = find_flag(args->verb, argv[0], len);

	if (!flag)
		return unknown_flag(args->verb, argv[0]);
	if (!flag->argument) {
		if (equals)
			return complain("takes no value:", flag->name, NULL);
		return add_value(args, flag, flag->name) < 0 ? -1 : 1;
	}
	if (equals)
		return add_value(args, flag, equals + 1) < 0 ? -1 : 1;
	if (argc < 2)
		return complain("a value is missing behind", flag->name, NULL);
	return add_value(args, flag, argv[1]) < 0 ? -1 : 2;
}

/* The first of the two words of some verbs. */
static bool begins_verb(const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i < verb_count; i++)
		if (strncmp(verbs[i]->name, word, len) == 0 && verbs[i]->name[len] == ' ')
			return true;
	return false;
}

/* "help map check": the name of a verb may be of two words. */
static int take_operand(struct arguments *args, const char *word)
{
	size_t len = strlen(args->operand_text);

	if (!args->verb->operand || (len && !begins_verb(args->operand_text)))
		return complain("unexpected word", word, NULL);
	snprintf(args->operand_text + len, sizeof(args->operand_text) - len, "%s%s", len ? " " : "", word);
	args->operand = args->operand_text;
	return 1;
}

static int take_words(struct arguments *args, int argc, char **argv)
{
	while (argc > 0) {
		int taken = argv[0][0] == '-' && argv[0][1] ? take_flag(args, argc, argv) : take_operand(args, argv[0]);

		if (taken < 0)
			return -1;
		argc -= taken;
		argv += taken;
	}
	return 0;
}

/* A verb of two words counts before one of one word. Returns how many words it has, or -1. */
static int take_verb(const struct verb **ret, int argc, char **argv)
{
	char two[100];

	if (argc > 1) {
		snprintf(two, sizeof(two), "%s %s", argv[0], argv[1]);
		*ret = verb_find(two);
		if (*ret)
			return 2;
	}
	*ret = verb_find(argv[0]);
	if (*ret)
		return 1;
	return unknown_verb(argc > 1 && begins_verb(argv[0]) ? two : argv[0]);
}

/* What everybody tries. */
static const char *usual(const char *word)
{
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return "help";
	return strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0 ? "version" : word;
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

int command_line(int argc, char **argv)
{
	struct arguments args = {.verb = &verb_help};
	int taken;

	if (argc < 2) {
		verb_help.run(&args);
		return EXIT_USAGE;
	}
	argv[1] = (char *)usual(argv[1]);
	taken = take_verb(&args.verb, argc - 1, argv + 1);
	if (taken < 0)
		return EXIT_USAGE;
	if (wants_help(argc - 1 - taken, argv + 1 + taken)) {
		args.operand = args.verb->name;
		args.verb = &verb_help;
	} else if (take_words(&args, argc - 1 - taken, argv + 1 + taken) < 0) {
		return EXIT_USAGE;
	}
	return args.verb->run(&args);
}

struct conf *verb_conf(const struct arguments *args)
{
	const char *path = argument(args, "--config");
	struct diagnostics diag = {0};
	struct conf *conf = conf_load(path ? path : CONFIG_DEFAULT, &diag);

	fwrite(wr_view(&diag.text).ptr, 1, diag.text.len, stderr);
	diag_done(&diag);
	if (conf)
		log_setup(conf->log_format, conf->log_level);
	return conf;
}

int verb_fail(const struct error *err)
{
	bool named = err->class == ERROR_STATE;

	fprintf(stderr, "tailwater: %s%s%s\n", named ? named_states[err->state].name : "", named ? ": " : "",
		err->text);
	if (err->hint[0])
		fprintf(stderr, "  %s\n", err->hint);
	return error_exit_code(err);
}
