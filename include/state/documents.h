/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The last published document of each root, so that an unchanged one is not published again and rules have their `old`.
 */
#ifndef STATE_DOCUMENTS_H
#define STATE_DOCUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/view.h"
#include "state/db.h"
#include "state/key.h"

struct documents;

struct kept_document {
	bool parked;         /* the present version did not validate; payload is what came before it */
	struct view payload; /* bytes of the last valid document; VIEW_NONE: there never was one */
	struct view image;   /* what rules see of a document that was parked at the snapshot; otherwise VIEW_NONE */
};

/* Opens the kept documents of a state file, which is borrowed; close takes NULL and comes before db_close. */
MUST_CHECK int documents_open(struct db *db, struct documents **ret, struct error *err);
void documents_close(struct documents *documents);

/* The slot of an entity, made at the first use; is_number: its keys are numbers (struct root_key). */
MUST_CHECK int documents_slot(struct documents *documents, const char *entity, bool is_number, unsigned *ret_slot,
			      struct error *err);

/* 1 and the document (views until the next call for this slot), 0 if none is kept, -1. */
MUST_CHECK int document_get(struct documents *documents, unsigned slot, struct root_key key, struct kept_document *ret,
			    struct error *err);

/* Keeps a document in place of the one before; its bytes are copied. */
MUST_CHECK int document_put(struct documents *documents, unsigned slot, struct root_key key,
			    const struct kept_document *document, struct error *err);

/* Forgets it; nothing happens if none is kept. */
MUST_CHECK int document_remove(struct documents *documents, unsigned slot, struct root_key key, struct error *err);

/* Forgets all of a slot. */
MUST_CHECK int documents_clear(struct documents *documents, unsigned slot, struct error *err);

/*
 * The first `limit` keys after `after` (NULL: from the beginning), in order: for jobs. Calls `each` with every one; it
 * may read and write documents of other slots, and of this one after it has returned.
 */
MUST_CHECK int document_keys(struct documents *documents, unsigned slot, const struct root_key *after, unsigned limit,
			     int (*each)(void *arg, struct root_key key), void *arg, struct error *err);

/* How many are kept in a slot, and how many of these are parked. */
MUST_CHECK int document_count(struct documents *documents, unsigned slot, uint64_t *ret_kept, uint64_t *ret_parked,
			      struct error *err);

#endif
