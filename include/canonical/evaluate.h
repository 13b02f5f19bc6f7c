/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Makes a canonical document: runs the entity's statements over the mirror for one root, puts each result column where
 * the plan says, and checks it against the contract. Nothing is rounded or guessed: what does not fit makes the
 * document invalid, with the reason and the place.
 */
#ifndef CANONICAL_EVALUATE_H
#define CANONICAL_EVALUATE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "canonical/mapping.h"
#include "model/avro.h"
#include "model/fault.h"
#include "state/key.h"

struct correlation {
	const char *name;
	struct view id;
};

/* A document. All its views and nodes are in the caller's arena. */
struct document {
	const struct entity *entity;
	struct root_key key;
	struct view canonical_id;
	bool exists;                     /* false: the query returned no row; nothing below is set then */
	bool deleted;                    /* soft delete: a document with `deleted` true */
	struct datum datum;              /* of entity->type; if invalid: what could be made, the rest null */

	struct view legal_entity;        /* for the header; VIEW_NONE: none */
	struct correlation *correlation; /* in the order of the mapping's columns; null ones are left out */
	unsigned correlation_count;
	struct view *quality;            /* flags, sorted, each once */
	unsigned quality_count;

	bool valid;
	struct fault fault;              /* invalid: the first one */
};

/* Fails only if the database does; a statement that fails on the data (a sum too large) gives an invalid document. */
MUST_CHECK int evaluate(struct mapping *mapping, const struct entity *entity, struct root_key key, struct arena *arena,
			struct document *ret, struct error *err);

#endif
