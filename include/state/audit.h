/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What an operator has answered for by hand, with who and when: kept for ever, and never read by the pipeline. */
#ifndef STATE_AUDIT_H
#define STATE_AUDIT_H

#include "base/clock.h"
#include "base/error.h"
#include "base/view.h"
#include "state/db.h"

struct audit_entry {
	usec_t at;             /* wall */
	struct view action;    /* "position adopt" */
	struct view who;
	struct view facts;     /* what was, and what is since then */
	struct view assertion; /* in the operator's words */
};

/* Adds one, in the open transaction. */
MUST_CHECK int audit_add(struct db *db, const struct audit_entry *entry, struct error *err);

/* All, in their order, until `each` returns other than 0. */
MUST_CHECK int audit_each(struct db *db, int (*each)(void *arg, const struct audit_entry *entry), void *arg, struct error *err);

#endif
