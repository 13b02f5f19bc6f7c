/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The one table of options. Parsing, `tailwater help options`, the manual page tailwater.yaml(5), the sample file and
 * the print of a running configuration all come from it.
 */
#ifndef CONTROL_OPTIONS_H
#define CONTROL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"
#include "base/writer.h"
#include "control/conf.h"

enum option_type {
	OPTION_TEXT,
	OPTION_PATH,     /* a text; a relative one counts from the folder of the configuration file */
	OPTION_INTEGER,
	OPTION_BOOLEAN,
	OPTION_CHOICE,
	OPTION_DURATION, /* in the file with a unit, here in microseconds */
	OPTION_SIZE,     /* in the file with a unit, here in bytes */
	OPTION_LIST,     /* of texts */
	OPTION_MAP,      /* of texts */
};

/* What a text must look like. */
struct option_form {
	bool (*fits)(struct view text);
	const char *noun; /* "a name of 1 to 63 letters ..." */
};

struct option {
	const char *name;             /* with a dot between section and key */
	enum option_type type;
	size_t offset;                /* of the member of struct settings */
	bool required;
	bool reloadable;              /* a SIGHUP makes a new value count */
	bool secret;                  /* never shown */
	const char *fallback;         /* the default as a file would say it, or NULL */
	const char *derived;          /* in words: what the default is made from, or NULL */
	int64_t least, most;          /* numbers */
	const char *word;             /* a word that may stand instead of a number or path, ... */
	int64_t word_value;           /* ... and the number it means */
	const char *const *choices;   /* ends with NULL */
	const struct option_form *form;
	const char *example;          /* for the sample file, if there is no fallback or another value says more */
	bool sampled;                 /* stands in the sample file without a comment sign */
	const char *help;             /* sentences */
};

struct option_section {
	const char *name;
	const char *help;
};

#define OPTIONS_MOST 128 /* for who notes something of each */

extern const struct option option_table[];
extern const size_t option_count;
extern const struct option_section option_sections[]; /* in the order of the table */
extern const size_t option_section_count;

/* By its full name, or NULL. */
const struct option *option_find(struct view name);

/* The part before the dot; the whole name of an option without section. */
struct view option_section_of(const struct option *option);

/* The part after the dot. */
const char *option_key(const struct option *option);

static inline void *option_member(const struct option *option, struct settings *settings)
{
	return (char *)settings + option->offset;
}

/* What a value must be: "a duration from 1s to 1d", "text or json". */
void option_describe(const struct option *option, struct writer *to);

#endif
