/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* `tailwater completion`: what a shell needs to complete verbs and their options, printed from the table of verbs. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/view.h"
#include "verbs.h"

/* zsh understands bash's completions if told to. */
static const struct {
	const char *shell;
	const char *before;
} shells[] = {
	{"bash", ""},
	{"zsh", "autoload -U +X compinit && compinit -u\nautoload -U +X bashcompinit && bashcompinit\n"},
};

static size_t first_word(const struct verb *verb)
{
	return strcspn(verb->name, " ");
}

static bool same_first_word(const struct verb *a, const struct verb *b)
{
	return first_word(a) == first_word(b) && strncmp(a->name, b->name, first_word(a)) == 0;
}

/* Verbs of two words that begin alike are one word here. */
static void print_first_words(void)
{
	for (size_t i = 0; i < verb_count; i++)
		if (i == 0 || !same_first_word(verbs[i], verbs[i - 1]))
			printf(" %.*s", (int)first_word(verbs[i]), verbs[i]->name);
}

static void print_second_words(const struct verb *verb)
{
	for (size_t i = 0; i < verb_count; i++)
		if (same_first_word(verbs[i], verb))
			printf("%s", verbs[i]->name + first_word(verb));
}

static void print_flags(const struct verb *verb)
{
	for (const struct flag *flag = verb->flags; flag->name; flag++)
		printf(" %s", flag->name);
}

static bool has_second_word(const struct verb *verb)
{
	return verb->name[first_word(verb)] != '\0';
}

/* The shell takes the first line that fits: so the longer of two that begin alike goes before. */
static void print_longer_verbs(void)
{
	for (size_t i = 0; i < verb_count; i++) {
		if (!has_second_word(verbs[i]))
			continue;
		printf("\t'%s '*) words='", verbs[i]->name);
		print_flags(verbs[i]);
		printf("';;\n");
	}
}

/* What may follow a first word: its second words, and its own options. */
static void print_first_verb(size_t i)
{
	const struct verb *verb = verbs[i];

	if (i > 0 && same_first_word(verb, verbs[i - 1]))
		return;
	printf("\t'%.*s '*) words='", (int)first_word(verb), verb->name);
	print_second_words(verb);
	if (!has_second_word(verb))
		print_flags(verb);
	printf("';;\n");
}

static bool takes_file(const struct flag *flag)
{
	return flag->argument && (strcmp(flag->argument, "FILE") == 0 || strcmp(flag->argument, "FOLDER") == 0);
}

static bool is_flag_before(const struct flag *flag, size_t verb)
{
	for (size_t i = 0; i < verb; i++)
		for (const struct flag *other = verbs[i]->flags; other->name; other++)
			if (strcmp(other->name, flag->name) == 0)
				return true;
	return false;
}

/* Options whose value is a file are told by what the table calls the value. */
static void print_files(void)
{
	const char *before = "";

	for (size_t i = 0; i < verb_count; i++)
		for (const struct flag *flag = verbs[i]->flags; flag->name; flag++)
			if (takes_file(flag) && !is_flag_before(flag, i)) {
				printf("%s%s", before, flag->name);
				before = "|";
			}
}

static void print_script(const char *before)
{
	printf("%s_tailwater() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} words\n\tcase ${COMP_WORDS[COMP_CWORD-1]} in\n\t", before);
	print_files();
	printf(")\n\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n\t\treturn;;\n\tesac\n\tlocal line=\"${COMP_WORDS[*]:1:COMP_CWORD-1} \"\n"
	       "\tcase $line in\n");
	print_longer_verbs();
	for (size_t i = 0; i < verb_count; i++)
		print_first_verb(i);
	printf("\t*) words='");
	print_first_words();
	printf("';;\n\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -F _tailwater tailwater\n");
}

static int run(const struct arguments *args)
{
	struct error err = {0};

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (args->operand && strcmp(shells[i].shell, args->operand) == 0) {
			print_script(shells[i].before);
			return EXIT_DONE;
		}
	}
	error_set(&err, ERROR_INPUT, "for which shell: bash or zsh?");
	return verb_fail(&err);
}

static const struct flag flags[] = {
	FLAGS_END,
};

const struct verb verb_completion = {
	.name = "completion",
	.operand = "bash|zsh",
	.summary = "print what completes verbs and options in a shell",
	.help = "Put `source <(tailwater completion bash)` into ~/.bashrc; `make install` puts it where bash finds it by itself.",
	.flags = flags,
	.run = run,
};
