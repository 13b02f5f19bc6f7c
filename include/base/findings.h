/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What an examination found: for each thing looked at how it is, the evidence, and what to do about it. */
#ifndef BASE_FINDINGS_H
#define BASE_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum severity { FINDING_OK, FINDING_WARNING, FINDING_FAILURE, SEVERITIES };

extern const char *const severity_names[SEVERITIES];

struct finding {
	enum severity severity;
	const char *code; /* literal: one for each thing that is looked at, the same from version to version */
	const char *part; /* literal: what it belongs to */
	char *text;
	char *fix;        /* "": nothing to do */
};

/* All zero: none. */
struct findings {
	struct finding *list; /* owned, with the texts */
	size_t count;
	const char *part;     /* of those that are added from now on */
};

/* Adds one; `fix` is copied, NULL stands for "". */
void findings_add(struct findings *findings, enum severity severity, const char *code, const char *fix,
		  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Adds a failure; the error's hint is the fix. */
void findings_error(struct findings *findings, const char *code, const struct error *err);

/* How many there are of one severity. */
size_t findings_count(const struct findings *findings, enum severity severity);

/* Frees all; the list is empty then. */
void findings_done(struct findings *findings);

#endif
