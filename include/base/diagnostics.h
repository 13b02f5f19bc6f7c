/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Complaints about files that users write (configuration, mapping packs, schemas): each has file, line and column,
 * shows the line with a caret, and all of one run are collected. What stands behind a key that names a secret is never
 * shown.
 */
#ifndef BASE_DIAGNOSTICS_H
#define BASE_DIAGNOSTICS_H

#include "base/view.h"
#include "base/writer.h"

/* A text with a name; both borrowed. */
struct source_file {
	const char *name;
	struct view content;
};

/* A place in a file; line and column count from 1, 0 = unknown. */
struct place {
	const struct source_file *file; /* may be NULL */
	unsigned line;
	unsigned column;
};

/* All zero: no complaints yet. */
struct diagnostics {
	struct writer text; /* what to print, complete lines */
	unsigned errors;
	unsigned warnings;
};

/* Frees the text. */
void diag_done(struct diagnostics *diag);

/*
 * "file:line:column: error: message", the source line, a caret. Returns -1 for convenience. A message may go on with
 * "; remedy".
 */
int diag_error(struct diagnostics *diag, struct place at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void diag_warning(struct diagnostics *diag, struct place at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * True for the name of an option or property whose value is a secret by the look of it: password,
 * sasl.oauthbearer.secret ...
 */
bool diag_names_secret(struct view name);

/* The candidate that the misspelt word probably means (small edit distance), or NULL. */
const char *diag_did_you_mean(struct view word, const char *const *candidates, size_t count);

#endif
