/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The manual pages, in troff with the macros of man(7). */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "config.h"
#include "control/help.h"
#include "control/values.h"

/* Text on lines of its own: what troff would take for itself is escaped. */
static void troff(struct writer *to, const char *text)
{
	for (const char *begin = text; *text; text++) {
		if ((*text == '.' || *text == '\'') && (text == begin || text[-1] == '\n'))
			wr_printf(to, "\\&");
		if (*text == '\\')
			wr_printf(to, "\\e");
		else if (*text == '-')
			wr_printf(to, "\\-");
		else if (*text == '\n')
			wr_printf(to, "\n.sp\n");
		else
			wr_u8(to, (uint8_t)*text);
	}
}

static void paragraph(struct writer *to, const char *text)
{
	troff(to, text);
	wr_printf(to, "\n");
}

static void heading(struct writer *to, const char *text)
{
	wr_printf(to, ".SH %s\n", text);
}

static void begin_page(struct writer *to, const char *name, int section, const char *summary)
{
	wr_printf(to, ".TH %s %d \"\" \"tailwater %s\" \"Tailwater\"\n", name, section, PACKAGE_VERSION);
	heading(to, "NAME");
	troff(to, name);
	wr_printf(to, " \\- ");
	paragraph(to, summary);
}

/* A tagged paragraph: the tag in bold. */
static void tagged(struct writer *to, const char *tag)
{
	wr_printf(to, ".TP\n.B ");
	paragraph(to, tag);
}

/* tailwater(1) -------------------------------------------------------------------------------- */

static void manual_flag(const struct flag *flag, struct writer *to)
{
	wr_printf(to, ".RS\n.TP\n.B ");
	troff(to, flag->name);
	if (flag->argument)
		wr_printf(to, " \\fI%s\\fR", flag->argument);
	wr_printf(to, "\n");
	paragraph(to, flag->help);
	wr_printf(to, ".RE\n");
}

static void manual_verb(const struct verb *verb, struct writer *to)
{
	tagged(to, verb->name);
	if (verb->help)
		paragraph(to, verb->help);
	else
		paragraph(to, verb->summary);
	for (const struct flag *flag = verb->flags; flag->name; flag++)
		manual_flag(flag, to);
}

static void manual_synopsis(struct writer *to)
{
	heading(to, "SYNOPSIS");
	for (size_t i = 0; i < verb_count; i++) {
		struct writer usage = {0};

		help_usage(verbs[i], &usage);
		wr_u8(&usage, 0);
		wr_printf(to, ".B tailwater\n");
		paragraph(to, usage.data);
		wr_printf(to, ".br\n");
		wr_done(&usage);
	}
}

/* What a restart does not mend: one line, to be copied. */
static void manual_prevented(struct writer *to)
{
	struct writer line = {0};

	wr_printf(&line, "RestartPreventExitStatus=%d %d", EXIT_USAGE, EXIT_INTERNAL);
	for (size_t i = STATE_NONE + 1; i < NAMED_STATES; i++)
		wr_printf(&line, " %d", named_states[i].exit_code);
	wr_u8(&line, 0);
	paragraph(to, line.data);
	wr_done(&line);
}

static void manual_exit_codes(struct writer *to)
{
	char tag[60];

	heading(to, "EXIT STATUS");
	for (size_t i = 0; i < exit_code_count; i++) {
		snprintf(tag, sizeof(tag), "%d", exit_codes[i].code);
		tagged(to, tag);
		paragraph(to, exit_codes[i].meaning);
	}
	heading(to, "NAMED STATES");
	paragraph(to, "In a named state the agent stops with the exit code of the state; nothing is skipped or made "
		"anew, and a restart alone does not leave it. The log line says what is missing and what to do. A "
		"service manager should not restart it; in a systemd unit that is");
	manual_prevented(to);
	for (size_t i = STATE_NONE + 1; i < NAMED_STATES; i++) {
		snprintf(tag, sizeof(tag), "%s (%d)", named_states[i].name, named_states[i].exit_code);
		tagged(to, tag);
		paragraph(to, named_states[i].meaning);
	}
}

static void manual_signals(struct writer *to)
{
	heading(to, "SIGNALS");
	tagged(to, "SIGTERM, SIGINT");
	paragraph(to, "The first one lets `run` finish what is under way with a commit and exit with 0; a second one "
		"ends it at once, which is as safe as a crash.");
	tagged(to, "SIGHUP");
	paragraph(to, "`run` reads its configuration again. Options that say so take their new values; for others the "
		"log says that they need a restart.");
	heading(to, "ENVIRONMENT");
	tagged(to, "CREDENTIALS_DIRECTORY");
	paragraph(to, "Where ${cred:name} in the configuration is looked for; set by systemd.");
	tagged(to, "NOTIFY_SOCKET");
	paragraph(to, "Told READY=1 when streaming begins and STOPPING=1 when it ends; set by systemd for "
		      "Type=notify.");
	heading(to, "SEE ALSO");
	paragraph(to, "tailwater.yaml(5), tailwater.types(5)");
}

void manual_program(struct writer *to)
{
	begin_page(to, "tailwater", 1, "committed changes of a PostgreSQL database as canonical events in Kafka");
	manual_synopsis(to);
	heading(to, "DESCRIPTION");
	paragraph(to, "Tailwater reads the log of a PostgreSQL database and publishes to Kafka what was committed: the "
		"changes of each table, and, by a mapping pack written in SQL, canonical documents and business "
		"events. With the default delivery a read_committed consumer sees every event once, across any crash.");
	heading(to, "VERBS");
	for (size_t i = 0; i < verb_count; i++)
		manual_verb(verbs[i], to);
	manual_exit_codes(to);
	manual_signals(to);
}

/* tailwater.yaml(5) --------------------------------------------------------------------------- */

static void manual_option(const struct option *option, struct writer *to)
{
	struct writer text = {0};

	option_describe(option, &text);
	if (option->required)
		wr_printf(&text, "; required");
	else
		wr_printf(&text, "; default: %s", option->fallback ? option->fallback : option->derived);
	wr_printf(&text, ". ");
	if (option->reloadable)
		wr_printf(&text, "A SIGHUP makes a new value count. ");
	wr_printf(&text, "%s", option->help);
	if (option->example)
		wr_printf(&text, " Example: %s", option->example);
	wr_u8(&text, 0);
	tagged(to, option->name);
	paragraph(to, text.data);
	wr_done(&text);
}

void manual_options(struct writer *to)
{
	begin_page(to, "tailwater.yaml", 5, "configuration of tailwater");
	heading(to, "DESCRIPTION");
	paragraph(to, "A YAML file for each source. Options of a section stand below its name: source.port is written "
		"as port below source. Durations and sizes have a unit: us, ms, s, min, h, d; B, kB, MB, GB (of 1024 "
		"each). A relative path counts from the folder of the file. `tailwater help sample` prints a file with "
		"every option.");
	wr_printf(to, ".PP\n");
	paragraph(to, help_secrets);
	wr_printf(to, ".PP\n");
	paragraph(to, "`tailwater check` says all that is wrong with a file, each with line and column.");
	heading(to, "OPTIONS");
	for (size_t i = 0; i < option_count; i++)
		manual_option(&option_table[i], to);
	heading(to, "SEE ALSO");
	paragraph(to, "tailwater(1), tailwater.types(5)");
}

/* tailwater.types(5) -------------------------------------------------------------------------- */

static void manual_type(const struct help_type *type, struct writer *to)
{
	tagged(to, type->name);
	paragraph(to, type->avro.data);
	if (*type->remark || *type->choices.data)
		wr_printf(to, ".br\n");
	if (*type->remark)
		paragraph(to, type->remark);
	if (*type->choices.data)
		paragraph(to, type->choices.data);
}

void manual_types(struct writer *to)
{
	struct help_type type = {0};

	begin_page(to, "tailwater.types", 5, "what types of columns are in change topics");
	heading(to, "DESCRIPTION");
	paragraph(to, help_types_text);
	for (size_t k = 0; k < help_family_count; k++) {
		char title[100];

		snprintf(title, sizeof(title), "TYPES OF %s", help_families[k].name);
		heading(to, title);
		for (size_t i = 0; help_type(&help_families[k], i, &type); i++)
			manual_type(&type, to);
	}
	help_type_done(&type);
	heading(to, "SEE ALSO");
	paragraph(to, "tailwater(1), tailwater.yaml(5)");
}
