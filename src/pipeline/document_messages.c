/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The messages about a document: its key, its header, the entity and its business events. What is sent is decided in
 * documents.c.
 */
#include "canonical/pack.h"
#include "canonical/rules.h"
#include "documents.h"
#include "encode/datum.h"
#include "encode/framing.h"

struct view making_event_id(const struct making *m, const char *rule)
{
	return event_id(m->p, m->cause, m->entity->name, m->key_text, rule);
}

/* Where a document stands that belongs to no transaction. */
static struct view place_apart(struct pipeline *p, enum document_cause cause)
{
	char position[POSITION_TEXT_BYTES];

	position_print(cause == CAUSE_JOB ? p->applied.position : p->snapshot_position, position);
	return arena_copy(&p->doc_arena, view_of(position));
}

static void fill_origin(const struct making *m, struct header *header)
{
	struct pipeline *p = m->p;
	bool snapshot = m->cause != CAUSE_COMMIT; /* or a job: neither belongs to a transaction */

	header->position_value = snapshot ? place_apart(p, m->cause) : p->txn_position;
	header->position_ordinal = (int64_t)p->ordinal++;
	header->transaction_id = snapshot ? VIEW_NONE : p->txn_number;
	header->occurred_at = snapshot ? p->snapshot_at : p->txn->committed_at;
	header->captured_at = p->wall;
	header->origin = snapshot ? VIEW_NONE : p->txn->origin;
}

static void fill_document_facts(const struct making *m, struct header *header)
{
	const struct document *document = &m->document;
	struct arena *arena = &m->p->doc_arena;
	struct header_entry *entries = ARENA_ARRAY(arena, struct header_entry, document->correlation_count);

	for (unsigned i = 0; i < document->correlation_count; i++)
		entries[i] = (struct header_entry){view_of(document->correlation[i].name), document->correlation[i].id};
	header->correlation = entries;
	header->correlation_count = document->correlation_count;
	header->legal_entity = document->legal_entity;
	header->quality = document->quality;
	header->quality_count = document->quality_count;
}

int making_begin_value(const struct making *m, struct header *header, uint64_t schema, struct message *message,
		       struct error *err)
{
	struct pipeline *p = m->p;

	fill_origin(m, header);
	fill_document_facts(m, header);
	wr_clear(&p->value);
	frame_put(wr_reserve(&p->value, FRAME_BYTES), schema);
	p->value.len = FRAME_BYTES;
	return header_write(p->header, header, &p->value, &message->observed_at, &message->observed_bytes, err);
}

/* The key of all messages about the document: its canonical id, framed. */
static struct view make_key(const struct making *m)
{
	struct pipeline *p = m->p;
	struct datum id = {.set = true, .text = m->document.canonical_id};
	struct error impossible;

	wr_clear(&p->key);
	frame_put(wr_reserve(&p->key, FRAME_BYTES), p->string_schema);
	p->key.len = FRAME_BYTES;
	if (datum_write(&avro_string, &id, &p->key, &impossible) < 0)
		p->key.len = FRAME_BYTES;
	return wr_view(&p->key);
}

int making_send_value(const struct making *m, struct topic *topic, struct message *message, struct error *err)
{
	message->topic = topic;
	message->key = make_key(m);
	message->value = wr_view(&m->p->value);
	return batch_emit(m->p, message, err);
}

int making_send_entity(const struct making *m, const char *operation, struct view payload, struct error *err)
{
	struct header header = *m->route->header;
	struct message message = {0};

	header.event_id = m->event_id;
	header.event_type = view_of(m->entity->name);
	header.event_class = "ENTITY";
	header.operation = operation;
	if (making_begin_value(m, &header, m->route->message_schema, &message, err) < 0)
		return -1;
	wr_view_bytes(&m->p->value, payload);
	making_count(&m->p->metrics->documents, m->p);
	tally_add(m->p, &m->route->tally, 1);
	return making_send_value(m, m->route->topic, &message, err);
}

int making_send_tombstone(const struct making *m, struct error *err)
{
	struct message message = {.topic = m->route->topic, .key = make_key(m), .value = VIEW_NONE};

	return batch_emit(m->p, &message, err);
}

int making_send_event(const struct making *m, unsigned event, struct view payload, struct error *err)
{
	const struct entity_event *rule = &m->entity->events[event];
	struct header header = *m->route->header;
	struct message message = {0};

	header.event_id = making_event_id(m, rule->name);
	header.event_type = view_of(rule->name);
	header.event_class = event_class_names[rule->class];
	header.operation = "EVENT";
	header.causation_id = m->event_id;
	header.rule_version = header.mapping_version;
	if (making_begin_value(m, &header, m->route->event_schemas[event], &message, err) < 0)
		return -1;
	wr_view_bytes(&m->p->value, payload);
	making_count(&m->p->metrics->events, m->p);
	tally_add(m->p, &m->route->event_tallies[event], 1);
	return making_send_value(m, m->route->event_topics[event], &message, err);
}
