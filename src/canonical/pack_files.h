/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What the compiler sees of a pack: its parsed files. Private to canonical/. */
#ifndef CANONICAL_PACK_FILES_H
#define CANONICAL_PACK_FILES_H

#include "base/yaml.h"
#include "canonical/pack.h"

struct pack_entity {
	const char *name;             /* of the entity, as the file says; owned by its tree */
	const struct yaml_file *file;
};

/* The entities in order of names. */
const struct pack_entity *pack_entities(const struct pack *pack, unsigned *ret_count);

/*
 * The place of byte `offset` of a scalar's text in its file, whatever its style: the characters that are not blanks are
 * the same in both, in the same order.
 */
struct place text_place(const struct yaml_node *node, size_t offset);

#endif
