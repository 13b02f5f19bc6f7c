/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Business events: all conditions of an entity are one SQL statement over the scalar fields of the document before and
 * after. A side that is not there is all NULL.
 */
#ifndef CANONICAL_RULES_H
#define CANONICAL_RULES_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/view.h"
#include "base/writer.h"
#include "canonical/mapping.h"
#include "model/avro.h"
#include "model/fault.h"

/* One side; the document counts before the image; neither: all NULL. */
struct rules_side {
	const struct datum *document; /* of entity->type, or NULL */
	struct view image;            /* made by rules_image, or VIEW_NONE */
};

/*
 * *ret_fired has bit i set if entity->events[i] fires. ERROR_RECORD if a condition fails on the data (a division by
 * zero): rules_fire_singly says which.
 */
MUST_CHECK int rules_fire(struct mapping *mapping, const struct entity *entity, struct rules_side old,
			  struct rules_side new, uint64_t *ret_fired, struct error *err);

/*
 * The same, each rule by itself: 1 if a condition failed, with the fault of the first such rule, its texts in the
 * arena;
 * *ret_fired is what the others say.
 */
MUST_CHECK int rules_fire_singly(struct mapping *mapping, const struct entity *entity, struct rules_side old,
				 struct rules_side new, struct arena *arena, uint64_t *ret_fired,
				 struct fault *ret_fault, struct error *err);

/*
 * Whether a document belongs to the history that the first snapshot publishes. A condition that fails on the data leaves out
 * nothing.
 */
MUST_CHECK int rules_history(struct mapping *mapping, const struct entity *entity, const struct datum *document, bool *ret_wanted,
			     struct error *err);

/* What rules could ask of a document that has no payload, since it does not validate: its scalar fields by path. */
void rules_image(const struct entity *entity, const struct datum *document, struct writer *wr);

#endif
