/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Values of options: read from a node of the file into a member of struct settings, and printed back. One row for each
 * type of option. A complaint names the option and what it must be, and never shows a secret.
 */
#ifndef CONTROL_VALUES_H
#define CONTROL_VALUES_H

#include "base/arena.h"
#include "base/diagnostics.h"
#include "base/writer.h"
#include "base/yaml.h"
#include "control/options.h"

struct value_reader {
	struct diagnostics *diag;
	struct arena *arena;      /* texts go here */
	struct view folder;       /* of the configuration file; "" or with a slash at its end */
	struct settings *settings;
	bool as_written;          /* keep references to secrets as they are, for showing */
};

/* True if an option has the same value in both: also of a secret, of which only the value behind a reference has changed. */
bool option_same(const struct option *option, const struct settings *a, const struct settings *b);

/* Takes the value over; texts are not copied. */
void option_copy(const struct option *option, const struct settings *from, struct settings *to);

/* Reads a value; a complaint goes to diag. */
int value_read(struct value_reader *reader, const struct option *option, const struct yaml_node *node);

/* Appends the value as a file would say it, on one line. A secret is "***". */
void value_print(const struct option *option, const struct settings *settings, struct writer *to);

/* The same as JSON. */
void value_print_json(const struct option *option, const struct settings *settings, struct writer *to);

#endif
