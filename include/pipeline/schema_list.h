/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The schemas that the agent's messages have, without an agent: what it would register, or write to PREFIX.schemas. Made
 * by the code that the pipeline has, from the same options.
 */
#ifndef PIPELINE_SCHEMA_LIST_H
#define PIPELINE_SCHEMA_LIST_H

#include <stddef.h>

#include "base/error.h"
#include "canonical/mapping.h"
#include "pipeline/pipeline.h"
#include "registry/ids.h"
#include "registry/references.h"
#include "schema/contract.h"

/* Of the keys or of the values of a topic; lives as long as the call. */
struct listed_schema {
	const char *topic;
	enum message_part part;
	enum record_format format;
	const char *record;            /* full name; NULL: the type has none */
	const char *subject;
	const struct avro_type *type;  /* of what was told as text, also if the text is no Avro */
	uint64_t fingerprint;          /* of the Avro schema */
	struct schema_text text;       /* text.ptr NULL: the format has no schema */
};

struct listed_from {
	const struct pipeline_options *options;
	const struct table *const *versions; /* of the captured tables */
	size_t version_count;
	const struct mapping *mapping;       /* NULL: none ... */
	struct contract *contract;           /* ... but exceptions may be there without */
};

/*
 * Calls `each` for keys and values of one topic after the other: changes, messages, transactions, exceptions, entities,
 * events; until it returns other than 0, which is then returned. -1 and ERROR_INPUT if a table cannot be published.
 */
MUST_CHECK int schema_list(const struct listed_from *from, int (*each)(void *arg, const struct listed_schema *schema),
			   void *arg, struct error *err);

/* Appends what a reader of one Avro schema may stumble over in the other (schema/evolve.h); nothing if one is none. */
void schema_differences(struct view before, struct view after, struct writer *to);

/* The same against the latest version that a registry has of a subject, with what that refers to. */
MUST_CHECK int schema_latest_differences(const char *subject, struct view schema, registry_asker *ask, void *arg, struct writer *to,
					 struct error *err);

#endif
