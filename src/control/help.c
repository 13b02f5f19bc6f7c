/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Texts for terminals, filled to a width, and the sample file. */
#include "control/help.h"

#include "base/error.h"
#include "config.h"
#include "control/values.h"

#define WIDTH 96

const struct exit_code exit_codes[] = {
	{EXIT_DONE, "done; a `run` that was told to stop has committed all that it had"},
	{EXIT_FAILED, "a server could not be reached, or something was found to be wrong"},
	{EXIT_USAGE, "the command line, the configuration or the mapping is wrong"},
	{EXIT_INTERNAL, "an invariant of the program is broken: please report it"},
};

const size_t exit_code_count = sizeof(exit_codes) / sizeof(exit_codes[0]);

const char help_secrets[] =
	"Any text may contain ${file:/path}, ${cred:name} (a file in systemd's $CREDENTIALS_DIRECTORY) or ${env:NAME}, "
	"which stand for a secret: it is read at start, without the newline at its end, and never shown. A plain ${ is "
	"written $${.";

/* Text filled to the width, every line behind `indent`; a paragraph of it ends with a line feed. */
static void fill(struct writer *to, const char *indent, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t len = strcspn(text, " \n");

		if (column && column + 1 + len > WIDTH - strlen(indent)) {
			wr_printf(to, "\n");
			column = 0;
		}
		wr_printf(to, "%s%.*s", column ? " " : indent, (int)len, text);
		column += len + (column > 0);
		text += len + strspn(text + len, " ");
		if (*text == '\n') {
			wr_printf(to, "\n\n");
			column = 0;
			text++;
		}
	}
	wr_printf(to, "\n");
}

/* Verbs --------------------------------------------------------------------------------------- */

void help_usage(const struct verb *verb, struct writer *to)
{
	wr_printf(to, "%s", verb->name);
	for (const struct flag *flag = verb->flags; flag->name; flag++)
		wr_printf(to, " [%s%s%s]%s", flag->name, flag->argument ? " " : "",
			  flag->argument ? flag->argument : "", flag->repeatable ? "..." : "");
	if (verb->operand)
		wr_printf(to, " %s", verb->operand);
}

void help_verb(const struct verb *verb, struct writer *to)
{
	wr_printf(to, "usage: tailwater ");
	help_usage(verb, to);
	wr_printf(to, "\n\n");
	if (verb->help)
		fill(to, "", verb->help);
	for (const struct flag *flag = verb->flags; flag->name; flag++) {
		wr_printf(to, "\n  %s%s%s\n", flag->name, flag->argument ? " " : "",
			  flag->argument ? flag->argument : "");
		fill(to, "      ", flag->help);
	}
}

void help_overview(struct writer *to)
{
	wr_printf(to, "tailwater " PACKAGE_VERSION ": committed changes of a PostgreSQL database as canonical events "
		"in Kafka\n\nusage: tailwater VERB [OPTION...]\n\n");
	for (size_t i = 0; i < verb_count; i++)
		wr_printf(to, "  %-16s  %s\n", verbs[i]->name, verbs[i]->summary);
	wr_printf(to, "\nMore: tailwater help VERB, help options, help OPTION, help states, help types, help sample.\n");
}

/* Options ------------------------------------------------------------------------------------- */

void help_option(const struct option *option, struct writer *to)
{
	struct writer line = {0};

	wr_printf(to, "%s\n", option->name);
	option_describe(option, &line);
	if (option->required)
		wr_printf(&line, "; required");
	else
		wr_printf(&line, "; default: %s", option->fallback ? option->fallback : option->derived);
	if (option->reloadable)
		wr_printf(&line, "; a SIGHUP makes a new value count");
	if (option->secret)
		wr_printf(&line, "; secret");
	wr_u8(&line, 0);
	fill(to, "    ", line.data);
	fill(to, "    ", option->help);
	wr_done(&line);
}

void help_options(struct writer *to)
{
	for (size_t i = 0; i < option_count; i++) {
		if (i)
			wr_printf(to, "\n");
		help_option(&option_table[i], to);
	}
	wr_printf(to, "\n");
	fill(to, "", help_secrets);
}

void help_states(struct writer *to)
{
	wr_printf(to, "Exit codes\n\n");
	for (size_t i = 0; i < exit_code_count; i++)
		wr_printf(to, "  %2d                       %s\n", exit_codes[i].code, exit_codes[i].meaning);
	wr_printf(to, "\nNamed states: the agent stops, skips nothing, and a restart alone does not leave the state. "
		"The log line says what to do.\n\n");
	for (size_t i = STATE_NONE + 1; i < NAMED_STATES; i++)
		wr_printf(to, "  %2d  %-19s  %s\n", named_states[i].exit_code, named_states[i].name,
			  named_states[i].meaning);
}

static void print_type(const struct help_type *type, struct writer *to)
{
	wr_printf(to, "\n  %-28s  %s\n", type->name, type->avro.data);
	if (*type->remark)
		fill(to, "      ", type->remark);
	if (*type->choices.data)
		fill(to, "      ", type->choices.data);
}

void help_types(struct writer *to)
{
	struct help_type type = {0};

	fill(to, "", help_types_text);
	for (size_t k = 0; k < help_family_count; k++) {
		wr_printf(to, "\nTypes of %s\n", help_families[k].name);
		for (size_t i = 0; help_type(&help_families[k], i, &type); i++)
			print_type(&type, to);
	}
	help_type_done(&type);
}

/* The sample file ----------------------------------------------------------------------------- */

static const char *sample_value(const struct option *option)
{
	return option->sampled || !option->fallback || option->type == OPTION_LIST ? option->example : option->fallback;
}

/* An entry of a map stands on a line of its own below it. */
static void sample_map(const struct option *option, const char *indent, const char *sign, struct writer *to)
{
	size_t len = strlen(option->example);

	wr_printf(to, "%s%s%s:\n", indent, sign, option_key(option));
	wr_printf(to, "%s%s  %.*s\n", indent, sign, (int)len - 2, option->example + 1);
}

static void sample_option(const struct option *option, struct writer *to)
{
	bool in_section = strchr(option->name, '.') != NULL;
	const char *indent = in_section ? "  " : "", *comment = in_section ? "  # " : "# ";
	const char *sign = option->required || option->sampled ? "" : "#";
	struct writer line = {0};

	wr_printf(&line, "%s", option->help);
	if (option->required)
		wr_printf(&line, " Required.");
	else
		wr_printf(&line, " Default: %s.", option->fallback ? option->fallback : option->derived);
	wr_u8(&line, 0);
	fill(to, comment, line.data);
	if (option->type == OPTION_MAP)
		sample_map(option, indent, sign, to);
	else
		wr_printf(to, "%s%s%s: %s\n", indent, sign, option_key(option), sample_value(option));
	wr_done(&line);
}

static bool has_active(const struct option_section *section)
{
	for (size_t i = 0; i < option_count; i++)
		if (view_is(option_section_of(&option_table[i]), section->name) &&
		    (option_table[i].required || option_table[i].sampled))
			return true;
	return false;
}

static void sample_section(const struct option_section *section, struct writer *to)
{
	bool is_option = option_find(view_of(section->name)) != NULL;

	wr_printf(to, "\n");
	if (!is_option) {
		wr_printf(to, "# %s\n", section->help);
		wr_printf(to, "%s:%s\n", section->name, has_active(section) ? "" : " # nothing but defaults");
	}
	for (size_t i = 0; i < option_count; i++)
		if (view_is(option_section_of(&option_table[i]), section->name))
			sample_option(&option_table[i], to);
}

void help_sample(struct writer *to)
{
	wr_printf(to, "# The configuration of Tailwater for one source. Made by `tailwater help sample`; see "
		"tailwater.yaml(5).\n#\n");
	fill(to, "# ", help_secrets);
	for (size_t i = 0; i < option_section_count; i++)
		sample_section(&option_sections[i], to);
}
