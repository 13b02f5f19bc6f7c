/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The mirrored tables as the state file has them: what a mapping can be compiled against when no server is at hand.
 * Only the columns that are mirrored are known.
 */
#ifndef STATE_SHAPES_H
#define STATE_SHAPES_H

#include "base/error.h"
#include "model/table.h"
#include "state/db.h"

struct catalog;

/* In order of names. The versions go into the catalogue; the array is freed with free(). */
MUST_CHECK int shapes_load(struct db *db, struct catalog *catalog, const struct table ***ret, unsigned *ret_count,
			   struct error *err);

#endif
