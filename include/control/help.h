/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Help, sample file and manual pages, all printed from the tables of verbs, options and named states. */
#ifndef CONTROL_HELP_H
#define CONTROL_HELP_H

#include <stdbool.h>

#include "base/writer.h"
#include "control/options.h"
#include "control/verb.h"

/*
 * Texts for the terminal, appended: all verbs; a verb with its flags; an option; all options; named states; types of
 * columns; a sample file.
 */
void help_overview(struct writer *to);
void help_verb(const struct verb *verb, struct writer *to);
void help_option(const struct option *option, struct writer *to);
void help_options(struct writer *to);
void help_states(struct writer *to);
void help_types(struct writer *to);
void help_sample(struct writer *to);

/* "usage: tailwater read [--config FILE] ..." without the first two words. */
void help_usage(const struct verb *verb, struct writer *to);

/* troff with the macros of man(7): tailwater(1), tailwater.yaml(5) and tailwater.types(5). */
void manual_program(struct writer *to);
void manual_options(struct writer *to);
void manual_types(struct writer *to);

/* A type of the source: a row of help and manual. */
struct help_type {
	const char *name;
	const char *remark;   /* or "" */
	struct writer avro;    /* NUL-terminated, as usual ... */
	struct writer choices; /* ... and what options make of it: sentences, or "" */
};

/* Servers of one table of types. */
struct help_family {
	const char *name, *source; /* the source by its name in the configuration */
};

extern const struct help_family help_families[];
extern const size_t help_family_count;

/* The number-th from 0; false: there are no more. */
bool help_type(const struct help_family *family, size_t number, struct help_type *ret);
void help_type_done(struct help_type *type);

/* Exit codes that are no named states. */
struct exit_code {
	int code;
	const char *meaning;
};

extern const struct exit_code exit_codes[];
extern const size_t exit_code_count;

/* What stands before the types. */
extern const char help_types_text[];

/* What secrets look like in a configuration: sentences, for help, manual and sample. */
extern const char help_secrets[];

#endif
