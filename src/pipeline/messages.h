/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What all canonical messages have in common: key, header, and the form of exceptions. Private to pipeline/. */
#ifndef PIPELINE_MESSAGES_H
#define PIPELINE_MESSAGES_H

#include "encode/header.h"
#include "model/fault.h"
#include "run.h"

/* messages.c */

/* Place and time, of what happens now. */
void header_fill(struct pipeline *p, enum document_cause cause, struct header *header);

/* Commit time of what is being handled; of a snapshot or job, when it was taken. */
usec_t occurred_at(const struct pipeline *p, enum document_cause cause);

/* Begins a value in p->value: frame and header; the payload is written behind. */
int message_begin(struct pipeline *p, const struct header *header, const struct encode_schema *schema,
		  struct message *message, struct error *err);

/* Ends the message whose value stands in p->value: its key is the id. It is then measured and sent. */
int message_finish(struct pipeline *p, const struct encode_schema *key, const struct encode_schema *value,
		   struct view id, struct message *message, struct error *err);

/* The key of all messages about something: its id, framed. */
struct view message_key(struct pipeline *p, const struct encode_schema *schema, struct view id);

/* Counts a message, unless it was published before. */
static inline void count_message(_Atomic uint64_t *counter, const struct pipeline *p)
{
	if (!p->replaying)
		metric_add(counter, 1);
}

/* exceptions.c */

/* What an exception is about. */
struct exception_about {
	struct view id;        /* also the message's key */
	struct view entity;
	struct view table;
	struct view owner;
	struct datum keys;     /* maps of columns to texts; one that is not set: there is none */
	struct datum before, after;
};

/* An exception that stands since opened_at, or stood until now. The header has what header_fill does not fill. */
int exception_send(struct pipeline *p, enum document_cause cause, struct header *header,
		   const struct exception_about *about, bool open, const struct fault *fault, usec_t opened_at,
		   struct error *err);

#endif
