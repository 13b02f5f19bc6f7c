/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* `tailwater help`: topics are verbs, options, and a few names. */
#include <stdio.h>
#include <string.h>

#include "base/diagnostics.h"
#include "base/error.h"
#include "control/help.h"
#include "verbs.h"

static const struct {
	const char *name;
	void (*print)(struct writer *to);
} topics[] = {
	{"options", help_options},
	{"states", help_states},
	{"types", help_types},
	{"sample", help_sample},
};

static const struct {
	const char *name;
	void (*print)(struct writer *to);
} pages[] = {
	{"tailwater.1", manual_program},
	{"tailwater.yaml.5", manual_options},
	{"tailwater.types.5", manual_types},
};

/* The first word of some verbs, a section of options, or the last part of an option's name. */
static bool print_group(const char *name, struct writer *to)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < verb_count; i++) {
		if (strncmp(verbs[i]->name, name, len) != 0 || verbs[i]->name[len] != ' ')
			continue;
		wr_printf(to, "%s", to->len ? "\n" : "");
		help_verb(verbs[i], to);
	}
	for (size_t i = 0; i < option_count; i++) {
		if (!view_is(option_section_of(&option_table[i]), name) && strcmp(option_key(&option_table[i]), name) != 0)
			continue;
		wr_printf(to, "%s", to->len ? "\n" : "");
		help_option(&option_table[i], to);
	}
	return to->len > 0;
}

static bool print_topic(const char *name, struct writer *to)
{
	const struct verb *verb = verb_find(name);
	const struct option *option = option_find(view_of(name));

	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		if (strcmp(topics[i].name, name) == 0) {
			topics[i].print(to);
			return true;
		}
	}
	if (verb)
		help_verb(verb, to);
	else if (option)
		help_option(option, to);
	return verb || option || print_group(name, to);
}

static void complain(const char *name)
{
	const char *known[200], *meant;
	size_t count = 0;

	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
		known[count++] = topics[i].name;
	for (size_t i = 0; i < verb_count; i++)
		known[count++] = verbs[i]->name;
	for (size_t i = 0; i < option_count && count < sizeof(known) / sizeof(known[0]); i++)
		known[count++] = option_table[i].name;
	meant = name ? diag_did_you_mean(view_of(name), known, count) : NULL;
	fprintf(stderr, "tailwater: no help on this; %s%s%s\n", meant ? "did you mean '" : "see ",
		meant ? meant : "'tailwater help' and 'tailwater help options'", meant ? "'?" : "");
}

static bool print_page(const char *name, struct writer *to)
{
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (strcmp(pages[i].name, name) == 0) {
			pages[i].print(to);
			return true;
		}
	}
	return false;
}

static bool print(const struct arguments *args, struct writer *to)
{
	const char *page = argument(args, "--man");

	if (page)
		return print_page(page, to);
	if (args->operand)
		return print_topic(args->operand, to);
	help_overview(to);
	return true;
}

static int run(const struct arguments *args)
{
	struct writer text = {0};
	bool known = print(args, &text);

	fwrite(wr_view(&text).ptr, 1, text.len, stdout);
	wr_done(&text);
	if (known)
		return EXIT_DONE;
	complain(argument(args, "--man") ? NULL : args->operand);
	return EXIT_USAGE;
}

static const struct flag flags[] = {
	{"--man", "PAGE", false, "Print a manual page in troff: tailwater.1, tailwater.yaml.5 or tailwater.types.5."},
	FLAGS_END,
};

const struct verb verb_help = {
	.name = "help",
	.operand = "[TOPIC]",
	.summary = "this; on a verb, an option, or: options, states, types, sample",
	.help = "Help on a verb, on an option of the configuration by its full name, on all options, on the named "
		"states and exit codes (states), on what types of columns become (types), or a configuration file with every option (sample).",
	.flags = flags,
	.run = run,
};
