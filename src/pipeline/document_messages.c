/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The messages about a document: its key, its header, the entity and its business events. What is sent is decided in
 * documents.c.
 */
#include "canonical/rules.h"
#include "documents.h"

#define HEADER_ROOM (16 << 10) /* a header is smaller than this */
#define OTHER_FORMAT_TIMES 64  /* names take more room than values */

struct view making_event_id(const struct making *m, const char *rule)
{
	return event_id(m->p, m->cause, m->entity->name, m->key_text, rule);
}

/* Beside what the document says of itself, in its order. */
static const struct view *add_rebuilt(const struct making *m, unsigned *count)
{
	static const struct view rebuilt = {"rebuilt", 7};
	const struct document *document = &m->document;
	struct view *all = ARENA_ARRAY(&m->p->doc_arena, struct view, document->quality_count + 1);
	unsigned i = 0, added = 0;

	for (; i < document->quality_count && view_compare(document->quality[i], rebuilt) < 0; i++)
		all[i] = document->quality[i];
	if (i == document->quality_count || !view_equal(document->quality[i], rebuilt))
		all[i + added++] = rebuilt;
	for (; i < document->quality_count; i++)
		all[i + added] = document->quality[i];
	*count = document->quality_count + added;
	return all;
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
	if (m->cause == CAUSE_REBUILD)
		header->quality = add_rebuilt(m, &header->quality_count);
}

void making_fill_header(const struct making *m, struct header *header)
{
	header->position_ordinal = (int64_t)m->p->ordinal++;
	fill_document_facts(m, header);
}

static int begin_value(const struct making *m, struct header *header, const struct encode_schema *schema,
		       struct message *message, struct error *err)
{
	making_fill_header(m, header);
	header_fill(m->p, m->cause, header);
	return message_begin(m->p, header, schema, message, err);
}

static struct header entity_header(const struct making *m, const char *operation)
{
	struct header header = *m->route->header;

	header.event_id = m->event_id;
	header.event_type = view_of(m->entity->name);
	header.event_class = "ENTITY";
	header.operation = operation;
	header.replay = m->cause == CAUSE_REPLAY;
	return header;
}

/* What stands in p->value goes to a topic. */
static int send(const struct making *m, struct topic *topic, const struct encode_schema *key,
		const struct encode_schema *value, struct message *message, struct error *err)
{
	message->topic = topic;
	if (message_finish(m->p, key, value, m->document.canonical_id, message, err) < 0)
		return -1;
	return batch_emit(m->p, message, err);
}

int making_send_entity(const struct making *m, const char *operation, struct view payload, struct error *err)
{
	struct header header = entity_header(m, operation);
	struct message message = {0};

	if (m->left_out)
		return 0;
	if (begin_value(m, &header, &m->route->message, &message, err) < 0)
		return -1;
	wr_view_bytes(&m->p->value, payload);
	count_message(&m->p->metrics->documents, m->p);
	tally_add(m->p, &m->route->tally, 1);
	return send(m, m->route->topic, &m->route->key, &m->route->message, &message, err);
}

int making_send_tombstone(const struct making *m, struct error *err)
{
	struct message message = {
		.topic = m->route->topic,
		.key = message_key(m->p, &m->route->key, m->document.canonical_id),
		.value = VIEW_NONE,
	};

	if (message_format(m->p, &m->route->key, &m->route->message, &message, err) < 0)
		return -1;
	return batch_emit(m->p, &message, err);
}

static struct header event_header(const struct making *m, unsigned event)
{
	const struct entity_event *rule = &m->entity->events[event];
	struct header header = *m->route->header;

	header.event_id = making_event_id(m, rule->name);
	header.event_type = view_of(rule->name);
	header.event_class = event_class_names[rule->class];
	header.operation = "EVENT";
	header.causation_id = m->event_id;
	header.rule_version = header.mapping_version;
	return header;
}

int making_send_event(const struct making *m, unsigned event, struct view payload, struct error *err)
{
	struct header header = event_header(m, event);
	struct message message = {0};

	if (begin_value(m, &header, &m->route->event_messages[event], &message, err) < 0)
		return -1;
	wr_view_bytes(&m->p->value, payload);
	count_message(&m->p->metrics->events, m->p);
	tally_add(m->p, &m->route->event_tallies[event], 1);
	return send(m, m->route->event_topics[event], &m->route->event_keys[event], &m->route->event_messages[event],
		    &message, err);
}

/* The bytes of a message with this header, which is written for that. */
static int measure(const struct making *m, struct header header, size_t *most, struct error *err)
{
	struct message message = {0};
	size_t bytes;

	if (begin_value(m, &header, &m->route->message, &message, err) < 0)
		return -1;
	wr_view_bytes(&m->p->value, m->payload);
	if (message_finish(m->p, &m->route->key, &m->route->message, m->document.canonical_id, &message, err) < 0)
		return -1;
	bytes = message.value.len + message.key.len;
	*most = bytes > *most ? bytes : *most;
	return 0;
}

/* Written only where it is a near thing. */
int making_measure(const struct making *m, const char *operation, uint64_t fired, size_t *ret_bytes, struct error *err)
{
	uint64_t ordinal = m->p->ordinal;
	size_t most = m->payload.len;
	size_t times = m->p->options->value_format == FORMAT_AVRO ? 1 : OTHER_FORMAT_TIMES;
	int result = 0;

	if (batch_too_large(m->p, m->payload.len * times + HEADER_ROOM + 2 * m->route->message.prefix.len)) {
		result = measure(m, entity_header(m, operation), &most, err);
		for (unsigned i = 0; result == 0 && i < m->entity->event_count; i++)
			if (fired & (UINT64_C(1) << i))
				result = measure(m, event_header(m, i), &most, err);
		m->p->ordinal = ordinal;
	}
	*ret_bytes = most;
	return result;
}
