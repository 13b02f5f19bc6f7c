/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Keys that an unfinished snapshot left in topics: noted before the next attempt, struck out as the attempt publishes
 * them; what remains was deleted at the source in between. A temporary table: it need not outlive the attempt.
 */
#ifndef STATE_LEFTOVERS_H
#define STATE_LEFTOVERS_H

#include "base/error.h"
#include "base/view.h"
#include "state/db.h"

struct leftovers;

/* An empty list beside the state file, which is borrowed; close takes NULL and comes before db_close. */
MUST_CHECK int leftovers_open(struct db *db, struct leftovers **ret, struct error *err);
void leftovers_close(struct leftovers *leftovers);

/* Notes a key as it stands in a topic (its bytes, framed); once is enough. */
MUST_CHECK int leftover_note(struct leftovers *leftovers, struct view topic, struct view key, struct error *err);

/* Strikes it out; nothing happens if it was not noted. */
MUST_CHECK int leftover_strike(struct leftovers *leftovers, struct view topic, struct view key, struct error *err);

/* Calls `each` for all that remain, in order of topic and key, until it returns other than 0, which is returned. */
MUST_CHECK int leftovers_each(struct leftovers *leftovers,
			      int (*each)(void *arg, struct view topic, struct view key, struct error *err), void *arg,
			      struct error *err);

#endif
