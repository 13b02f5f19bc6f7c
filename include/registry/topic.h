/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Schemas without a registry: a compacted topic <prefix>.schemas in the same Kafka cluster, key = the schema's
 * fingerprint as 16 hex digits, value = its text. Whoever reads a message in single-object encoding finds its schema by
 * the fingerprint in the frame. A schema is published before the first message that needs it, in the same transaction.
 */
#ifndef REGISTRY_TOPIC_H
#define REGISTRY_TOPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/view.h"
#include "model/avro.h"
#include "model/message.h"

#define SCHEMA_KEY_BYTES 16

struct schema_topic;

/* `topic` is where messages go: the pipeline's, borrowed; NULL for one who only reads. Free takes NULL. */
struct schema_topic *schema_topic_new(struct topic *topic);
void schema_topic_free(struct schema_topic *schemas);

/*
 * Says which schema a message is about to use. Returns true if that must be published first, and fills the message,
 * which borrows the text and lives until the next call.
 */
bool schema_topic_need(struct schema_topic *schemas, uint64_t fingerprint, struct view text, struct message *out);

/*
 * A schema is remembered as published once its Kafka transaction is committed (or its record acknowledged); an abort
 * forgets those published since the last commit, so that they are published again.
 */
void schema_topic_committed(struct schema_topic *schemas);
void schema_topic_aborted(struct schema_topic *schemas);

/*
 * Takes in a record of the topic, as it was read back: ERROR_RECORD if it is none, or does not have the fingerprint it
 * says.
 */
MUST_CHECK int schema_topic_read(struct schema_topic *schemas, struct view key, struct view value, struct error *err);

/* The type of a schema that was read, or NULL. */
const struct avro_type *schema_topic_find(const struct schema_topic *schemas, uint64_t fingerprint);

#endif
