/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What a document hangs on: the root's key as canonical id and by column, and its row in the mirror. */
#ifndef CANONICAL_ROOT_H
#define CANONICAL_ROOT_H

#include "base/arena.h"
#include "base/error.h"
#include "base/writer.h"
#include "canonical/mapping.h"
#include "model/avro.h"
#include "state/key.h"

/* <instance>/<Entity>/<key>, percent-encoded, in the arena. */
struct view canonical_id(struct mapping *mapping, const struct entity *entity, struct root_key key,
			 struct arena *arena);

/* One part of such an id. */
void id_write_segment(struct writer *wr, struct view segment);

/* A map: the key's columns and their texts. */
struct datum root_keys(const struct entity *entity, struct root_key key, struct arena *arena);

/*
 * The row as the mirror has it, as a map of columns to texts or null; not set if there is none. Long texts are cut, and
 * columns beyond a few hundred kilobytes left out: it is for people to look at.
 */
MUST_CHECK int root_image(struct mapping *mapping, const struct entity *entity, struct root_key key,
			  struct arena *arena, struct datum *ret, struct error *err);

#endif
