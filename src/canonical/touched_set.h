/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A set of (entity, key), in memory up to a bound and in a table of the state file beyond it; handed out in order.
 * Private to canonical/.
 */
#ifndef CANONICAL_TOUCHED_SET_H
#define CANONICAL_TOUCHED_SET_H

#include "base/error.h"
#include "state/db.h"
#include "state/key.h"

struct touched_set;

/* The database is borrowed; memory_roots as for touch_open. Close takes NULL and comes before db_close. */
MUST_CHECK int touched_open(struct db *db, unsigned memory_roots, struct touched_set **ret, struct error *err);
void touched_close(struct touched_set *set);

/* Back to what the state file has. */
void touched_forget(struct touched_set *set);

/* These are what canonical/touch.h says of the function of the same name; an entity is its index in the mapping. */
MUST_CHECK int touched_add(struct touched_set *set, unsigned entity, struct root_key key, struct error *err);
MUST_CHECK int touched_spill(struct touched_set *set, struct error *err);
MUST_CHECK int touched_count(struct touched_set *set, uint64_t *ret, struct error *err);
MUST_CHECK int touched_start(struct touched_set *set, uint64_t done, struct error *err);
MUST_CHECK int touched_next(struct touched_set *set, unsigned *ret_entity, struct root_key *ret_key, struct error *err);
MUST_CHECK int touched_clear(struct touched_set *set, struct error *err);

#endif
