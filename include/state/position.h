/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The position S of the state file, and all that must stand or fall with it: the progress inside an open transaction,
 * what was published since the last border, and how far a snapshot is. One row, written with every state commit.
 */
#ifndef STATE_POSITION_H
#define STATE_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "model/progress.h"
#include "state/db.h"

/* A file without a position gives one with position.kind POSITION_NONE. */
MUST_CHECK int position_load(struct db *db, struct progress *ret, struct error *err);

/* Writes it in the open transaction: with the next db_commit it counts. */
MUST_CHECK int position_save(struct db *db, const struct progress *state, struct error *err);

#endif
