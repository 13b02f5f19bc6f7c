/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Which documents a transaction touches: from each change to the roots whose documents read the row, by its old version
 * before the change is applied to the mirror and by its new one afterwards. The touched roots are a set, kept in memory
 * up to a bound and in the state file beyond it, and are handed out in the order of (entity, key).
 *
 *	touch_before(change); mirror_apply(change); touch_after(change);  for each row change
 *	touch_spill()                                                     before a state commit inside a transaction
 *	touch_start(n); while (touch_next(&root) == 1) ...; touch_clear() at the commit; n are done already
 */
#ifndef CANONICAL_TOUCH_H
#define CANONICAL_TOUCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "canonical/mapping.h"
#include "model/change.h"
#include "state/key.h"
#include "state/mirror.h"

struct touch;

struct touched {
	const struct entity *entity;
	struct root_key key; /* valid until the next touch_next */
};

/*
 * memory_roots: how many roots are kept in memory; 0: 100,000. The mapping is open, the mirror its own; both are
 * borrowed. Roots that the state file has of an open transaction are there again. Close takes NULL.
 */
MUST_CHECK int touch_open(struct mapping *mapping, struct mirror *mirror, unsigned memory_roots, struct touch **ret,
			  struct error *err);
void touch_close(struct touch *touch);

/* True if changes of this table touch documents (and the two calls below have something to do). */
bool touch_wants(struct touch *touch, const struct table *table);

/* While an entity is held, its roots are not noted: what it reads is not what the source has. */
void touch_hold(struct touch *touch, const struct entity *entity, bool held);

/*
 * Notes the roots that the row of a change belonged to, and belongs to; in this order, the change applied in between.
 */
MUST_CHECK int touch_before(struct touch *touch, const struct change *change, struct error *err);
MUST_CHECK int touch_after(struct touch *touch, const struct change *change, struct error *err);

/* Touches one root, for jobs. */
MUST_CHECK int touch_add(struct touch *touch, const struct entity *entity, struct root_key key, struct error *err);

/* Touches every root of an entity that the mirror has: for a snapshot and for jobs. */
MUST_CHECK int touch_all(struct touch *touch, const struct entity *entity, struct error *err);

/* Moves what is in memory into the state file's transaction. */
MUST_CHECK int touch_spill(struct touch *touch, struct error *err);

/* How many roots are touched. */
MUST_CHECK int touch_count(struct touch *touch, uint64_t *ret, struct error *err);

/* Begins to hand out, after the first `done` ones. No root may be added from here to touch_clear. */
MUST_CHECK int touch_start(struct touch *touch, uint64_t done, struct error *err);

/* 1: the next one, 0: there are no more, -1. The state file may be committed between two calls after touch_spill. */
MUST_CHECK int touch_next(struct touch *touch, struct touched *ret, struct error *err);

/* Forgets all touched roots. */
MUST_CHECK int touch_clear(struct touch *touch, struct error *err);

#endif
