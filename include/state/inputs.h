/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Named texts of the state file: who the source is ("source.system_id", "kafka.cluster_id"), and the inputs, which
 * influence what is published and are not in the log ("input.pack", "input.mapping_version", ...). Inputs change only
 * at a border, in one commit with the position.
 */
#ifndef STATE_INPUTS_H
#define STATE_INPUTS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/view.h"
#include "state/db.h"

/* 1 and the value (in the arena), or 0 if there is none, or -1. */
MUST_CHECK int input_get(struct db *db, const char *name, struct arena *arena, struct view *ret, struct error *err);

/* The value as a text, cut to the size; "" if there is none. */
MUST_CHECK int input_text(struct db *db, const char *name, char *ret, size_t size, struct error *err);

/* Sets a value; VIEW_NONE removes it. */
MUST_CHECK int input_put(struct db *db, const char *name, struct view value, struct error *err);

/* Calls `each` for all names that begin with prefix, in order of names, until it returns other than 0. */
MUST_CHECK int input_each(struct db *db, const char *prefix,
			  int (*each)(void *arg, struct view name, struct view value), void *arg, struct error *err);

#endif
