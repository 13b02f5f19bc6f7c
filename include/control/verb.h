/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What the program can be asked to do: one constant table entry for each verb, in a file of its own. The command line
 * is parsed by what the entry says, and the help and the manual page tailwater(1) are printed from it.
 */
#ifndef CONTROL_VERB_H
#define CONTROL_VERB_H

#include <stdbool.h>
#include <stddef.h>

#define FLAGS_MOST 8
#define FLAG_VALUES_MOST 64

struct flag {
	const char *name;     /* "--config" */
	const char *argument; /* "FILE"; NULL: a switch */
	bool repeatable;
	const char *help;
};

struct arguments;

struct verb {
	const char *name;          /* "run", "map check" */
	const char *operand;       /* what may follow, for the usage: "[TOPIC]"; NULL: nothing */
	const char *summary;       /* half a sentence */
	const char *help;          /* sentences, with a line feed between paragraphs; may be NULL */
	const struct flag *flags;  /* ends with a row without name */
	int (*run)(const struct arguments *args); /* returns the exit code */
};

/* A parsed command line; values are borrowed from argv. */
struct arguments {
	const struct verb *verb;
	const char *operand;                           /* NULL: none; words that stand together are one */
	char operand_text[4096];
	const char *values[FLAGS_MOST][FLAG_VALUES_MOST]; /* by index of the flag; a switch has its own name */
	unsigned counts[FLAGS_MOST];
};

extern const struct verb *const verbs[];
extern const size_t verb_count;

/* By name, or NULL. */
const struct verb *verb_find(const char *name);

/* The last value of a flag, or NULL; a switch is asked for like this, too. */
const char *argument(const struct arguments *args, const char *flag);

/* All values of a repeatable flag. */
const char *const *argument_list(const struct arguments *args, const char *flag, unsigned *ret_count);

/* Parses, runs, returns the exit code. */
int command_line(int argc, char **argv);

/* The flag that every verb with a configuration has. */
#define CONFIG_DEFAULT SYSCONFDIR "/tailwater/tailwater.yaml"
#define FLAG_CONFIG {"--config", "FILE", false, "The configuration file; " CONFIG_DEFAULT " if not given."}
#define FLAGS_END {NULL, NULL, false, NULL}

struct conf;

/* Loads what --config says and sets the log up; complaints go to standard error. NULL if there were errors. */
struct conf *verb_conf(const struct arguments *args);

struct error;

/* Says on standard error what went wrong; returns the exit code. */
int verb_fail(const struct error *err);

#endif
