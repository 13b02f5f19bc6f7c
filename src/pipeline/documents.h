/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A document in the making: what documents.c decides about, and what the files beside it make messages of. Private to
 * pipeline/.
 */
#ifndef PIPELINE_DOCUMENTS_H
#define PIPELINE_DOCUMENTS_H

#include "canonical/evaluate.h"
#include "encode/header.h"
#include "run.h"

/* One document being handled; all texts in the document arena. */
struct making {
	struct pipeline *p;
	const struct entity *entity;
	struct entity_route *route;
	enum document_cause cause;
	struct document document;
	struct kept_document kept;
	bool was_kept;          /* a row stands in the state file */
	struct view key_text;   /* of the root */
	struct view event_id;   /* of the entity message */
	struct view payload;    /* encoded document, if valid */
};

/* document_messages.c */

/* The event id of the entity message (rule NULL), or of another message about the document. */
struct view making_event_id(const struct making *m, const char *rule);

/*
 * Begins a value in p->value: frame and header, which begins as a copy of the route's; the caller says what kind of message it
 * is, and writes the payload behind.
 */
int making_begin_value(const struct making *m, struct header *header, uint64_t schema, struct message *message,
		       struct error *err);

/* Sends what stands in p->value, under the document's key. */
int making_send_value(const struct making *m, struct topic *topic, struct message *message, struct error *err);
int making_send_entity(const struct making *m, const char *operation, struct view payload, struct error *err);
int making_send_tombstone(const struct making *m, struct error *err);
int making_send_event(const struct making *m, unsigned event, struct view payload, struct error *err);

/* Counts a message, unless it was published before. */
static inline void making_count(_Atomic uint64_t *counter, const struct pipeline *p)
{
	if (!p->replaying)
		metric_add(counter, 1);
}

/* document_exceptions.c */

/* Commit time of what is being handled; of a snapshot or job, when it was taken. */
usec_t making_time(const struct making *m);

/* An exception that stands since opened_at, or stood until now. */
int making_send_exception(const struct making *m, bool open, const struct fault *fault, usec_t opened_at, struct error *err);

#endif
