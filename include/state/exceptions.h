/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The exceptions that are open: documents that could not be made or did not validate. One for each document; it closes
 * itself when the document validates or is gone.
 */
#ifndef STATE_EXCEPTIONS_H
#define STATE_EXCEPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/view.h"
#include "model/fault.h"
#include "state/db.h"

struct exception {
	struct view entity;
	struct view key;      /* root_key_text */
	struct fault fault;
	struct view owner;    /* who mends it, or VIEW_NONE */
	struct view event_id; /* of the document that did not validate first */
	struct view position; /* since when, as text */
	usec_t since;         /* commit time of that transaction */
};

/*
 * Records an exception. *ret_news says whether anybody has to be told: it was not open, or the fault is another one now
 * (event_id, position and since stay those of the first time; *ret_since is that time).
 */
MUST_CHECK int exception_open(struct db *db, const struct exception *exception, bool *ret_news, usec_t *ret_since,
			      struct error *err);

/* Closes it: 1 and the exception, in the arena, if it was open, 0 if not, -1. */
MUST_CHECK int exception_close(struct db *db, struct view entity, struct view key, struct arena *arena,
			       struct exception *ret, struct error *err);

/* Forgets all of them. */
MUST_CHECK int exceptions_clear(struct db *db, struct error *err);

/* All open ones in order of (entity, key), until `each` returns other than 0. */
MUST_CHECK int exceptions_each(struct db *db, int (*each)(void *arg, const struct exception *exception), void *arg,
			       struct error *err);

/* How many are open. */
MUST_CHECK int exceptions_count(struct db *db, uint64_t *ret, struct error *err);

#endif
