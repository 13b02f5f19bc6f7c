/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A document in the making: what documents.c decides about, and what the files beside it make messages of. Private to
 * pipeline/.
 */
#ifndef PIPELINE_DOCUMENTS_H
#define PIPELINE_DOCUMENTS_H

#include "canonical/evaluate.h"
#include "messages.h"

/* One document being handled; all texts in the document arena. */
struct making {
	struct pipeline *p;
	const struct entity *entity;
	struct entity_route *route;
	enum document_cause cause;
	struct document document;
	struct kept_document kept;
	bool left_out;          /* of the history that the first snapshot publishes */
	bool was_kept;          /* a row stands in the state file */
	struct view key_text;   /* of the root */
	struct view event_id;   /* of the entity message */
	struct view payload;    /* encoded document, if valid */
};

/* document_messages.c */

/* The event id of the entity message (rule NULL), or of another message about the document. */
struct view making_event_id(const struct making *m, const char *rule);

/* Fills in the rest of a header, which begins as a copy of the route's; each call is another message. */
void making_fill_header(const struct making *m, struct header *header);

/* The size of the largest of the messages that are to be sent about it, or a lower bound where there is room enough. */
int making_measure(const struct making *m, const char *operation, uint64_t fired, size_t *ret_bytes, struct error *err);
int making_send_entity(const struct making *m, const char *operation, struct view payload, struct error *err);
int making_send_tombstone(const struct making *m, struct error *err);
int making_send_event(const struct making *m, unsigned event, struct view payload, struct error *err);

/* document_exceptions.c */

/* An exception that stands since opened_at, or stood until now. */
int making_send_exception(const struct making *m, bool open, const struct fault *fault, usec_t opened_at,
			  struct error *err);

#endif
