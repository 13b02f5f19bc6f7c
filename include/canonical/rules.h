/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Business events: all conditions of an entity are one SQL statement over the scalar fields of the document before and
 * after. A side that is not there is all NULL.
 */
#ifndef CANONICAL_RULES_H
#define CANONICAL_RULES_H

#include <stdint.h>

#include "base/error.h"
#include "base/view.h"
#include "base/writer.h"
#include "canonical/mapping.h"
#include "model/avro.h"

/* One side; the document counts before the image; neither: all NULL. */
struct rules_side {
	const struct datum *document; /* of entity->type, or NULL */
	struct view image;            /* made by rules_image, or VIEW_NONE */
};

/* *ret_fired has bit i set if entity->events[i] fires. */
MUST_CHECK int rules_fire(struct mapping *mapping, const struct entity *entity, struct rules_side old,
			  struct rules_side new, uint64_t *ret_fired, struct error *err);

/* What rules could ask of a document that has no payload, since it does not validate: its scalar fields by path. */
void rules_image(const struct entity *entity, const struct datum *document, struct writer *wr);

#endif
