/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Avro schemas that use others by name. A type that several schemas have (the source block of change records, the header and
 * the amounts of documents) is registered once, under its full name as subject, and the others refer to it; so it has one
 * place and one history in the registry. To a reader it makes no difference.
 */
#ifndef REGISTRY_REFERENCES_H
#define REGISTRY_REFERENCES_H

#include "base/arena.h"
#include "registry/client.h"

struct schema_part {
	const char *name;                    /* full name, and subject; NULL: the schema itself */
	struct view text;
	struct schema_reference *references; /* their versions are 0 until the caller knows them */
	size_t reference_count;
};

/*
 * Takes a schema apart: every named type in another namespace than the schema's own record is a part, before those that use
 * it; the schema itself is the last. One that cannot be taken apart, or has no such type, is the only part, as it is.
 */
size_t schema_split(struct view text, struct arena *arena, struct schema_part **ret);

/* Of a part that is registered: in all that refer to it. */
void schema_set_version(struct schema_part *parts, size_t count, const char *name, int32_t version);

/* One of the parts, as it is sent. */
struct schema_text schema_of_part(const struct schema_part *part);

/* Puts the first `count` parts together to one text again: that of the last. NULL if it is no schema. */
struct view schema_join(const struct schema_part *parts, size_t count, struct arena *arena);

typedef int registry_asker(void *arg, const struct registry_request *request, struct registry_answer *ret, struct error *err);

/*
 * A schema from a registry as one text, with all that it refers to; ERROR_RECORD if that is not there. An answer's texts
 * may end with the next question: `schema` must not be one.
 */
MUST_CHECK int schema_whole(const struct schema_text *schema, registry_asker *ask, void *arg, struct arena *arena,
			    struct view *ret, struct error *err);

/* A copy that lives as the arena. */
struct schema_text schema_copy(const struct schema_text *schema, struct arena *arena);

#endif
