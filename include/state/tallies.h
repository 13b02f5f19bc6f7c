/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * How many messages the open transaction has made that a replay does not make again, by topic: what its END record
 * counts. Written with the position when that stands inside of a transaction.
 */
#ifndef STATE_TALLIES_H
#define STATE_TALLIES_H

#include <stdint.h>

#include "base/error.h"
#include "base/view.h"
#include "state/db.h"

/* Forgets all. */
MUST_CHECK int tallies_clear(struct db *db, struct error *err);

/* Adds one; the name is a topic without its prefix, "entity.Invoice", and none has that yet. */
MUST_CHECK int tally_put(struct db *db, struct view name, uint64_t count, struct error *err);

/* Calls `each` for all, in the order in which they were put. */
MUST_CHECK int tallies_each(struct db *db, void (*each)(void *arg, struct view name, uint64_t count), void *arg,
			    struct error *err);

#endif
