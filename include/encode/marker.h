/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Records of the topic <prefix>.transaction: where a transaction begins and ends, and how many events it has, in the
 * form of Debezium's transaction metadata. Key {id}, value {status, id, event_count, data_collections, ts_ms}. Events
 * are records with a value: a change of a key is two, a tombstone is none. Where documents are published, one field
 * more stands at the end, a list like data_collections for the topics of entities, business events and exceptions.
 */
#ifndef ENCODE_MARKER_H
#define ENCODE_MARKER_H

#include <stddef.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/writer.h"
#include "encode/plan.h"
#include "model/message.h"

struct event_count {
	struct view collection; /* "public.invoice", "message", "entity.Invoice" */
	uint64_t events;
};

struct marker {
	const char *status;     /* "BEGIN", "END" */
	struct view id;
	usec_t at;
	bool counted;           /* of an END: the two lists */
	const struct event_count *tables;
	size_t table_count;
	const struct event_count *documents;
	size_t document_count;
};

/* The plan for these records; owned by the encoder. */
struct encode_plan *encoder_markers(struct encoder *enc);

/* Into the two writers, which are cleared before; the message lives as long as their bytes. */
void encode_marker(struct encoder *enc, const struct marker *marker, struct writer *key, struct writer *value,
		   struct message *out);

/* The id of the present transaction, as its records have it. */
struct view encode_transaction_id(const struct encoder *enc);

/* The events of the present transaction or snapshot so far, of the tables that have any, in order of appearance. */
size_t encode_counts(const struct encoder *enc, struct arena *arena, struct event_count **ret);

/* How counts name what a plan publishes: "public.invoice", "message". */
struct view encode_collection_name(const struct encoder *enc, const struct encode_plan *plan);

/* True if there is any. */
bool encode_counted(const struct encoder *enc);

/* Those of one table: 0 if it has none. */
uint64_t encode_count(const struct encoder *enc, const struct encode_plan *plan);

#endif
