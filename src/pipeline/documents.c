/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The documents of a commit: each touched root is evaluated once, compared with the document kept, and leaves as entity
 * message, business events, or exception. The decision is made from four facts: does it exist, is it valid, was one
 * published before, was it parked.
 */
#include <stdio.h>

#include "base/failpoint.h"
#include "canonical/evaluate.h"
#include "canonical/pack.h"
#include "canonical/rules.h"
#include "encode/datum.h"
#include "encode/framing.h"
#include "encode/header.h"
#include "run.h"
#include "state/exceptions.h"

_Static_assert(ENTITY_EVENTS_MAX + 8 < ORDINALS_OF_A_DOCUMENT, "every message of a document has an ordinal of its own");

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

static struct view make_event_id(const struct making *m, const char *rule)
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

	header->position_kind = "PG_LSN";
	header->position_value = snapshot ? place_apart(p, m->cause) : p->txn_position;
	header->position_ordinal = (int64_t)p->ordinal++;
	header->transaction_id = snapshot ? VIEW_NONE : p->txn_number;
	header->occurred_at = snapshot ? p->snapshot_at : p->txn->committed_at;
	header->captured_at = clock_wall();
	header->origin = snapshot ? VIEW_NONE : p->txn->origin;
}

static void fill_governance(const struct making *m, struct header *header)
{
	struct pipeline *p = m->p;

	header->source_system = view_of(pack_system(p->pack));
	header->source_instance = view_of(p->options->instance);
	header->system_of_record = header->source_system;
	header->schema_version = m->route->schema_version;
	header->mapping_version = view_of(pack_version(p->pack));
}

static void fill_document_facts(const struct making *m, struct header *header)
{
	const struct document *document = &m->document;
	struct arena *arena = &m->p->doc_arena;
	struct header_entry *entries = ARENA_ARRAY(arena, struct header_entry, document->correlation_count);
	struct view *tables = ARENA_ARRAY(arena, struct view, m->entity->table_count);

	for (unsigned i = 0; i < document->correlation_count; i++)
		entries[i] = (struct header_entry){view_of(document->correlation[i].name), document->correlation[i].id};
	for (unsigned i = 0; i < m->entity->table_count; i++)
		tables[i] = view_of(m->entity->tables[i]);
	header->correlation = entries;
	header->correlation_count = document->correlation_count;
	header->source_tables = tables;
	header->source_table_count = m->entity->table_count;
	header->legal_entity = document->legal_entity;
	header->quality = document->quality;
	header->quality_count = document->quality_count;
}

/* Begins a value: frame and header; the payload follows. */
static int begin_value(const struct making *m, struct header *header, uint64_t schema, struct message *message,
		       struct error *err)
{
	struct pipeline *p = m->p;

	fill_origin(m, header);
	fill_governance(m, header);
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

static int send_value(const struct making *m, struct topic *topic, struct message *message, struct error *err)
{
	message->topic = topic;
	message->key = make_key(m);
	message->value = wr_view(&m->p->value);
	return batch_emit(m->p, message, err);
}

static void count(_Atomic uint64_t *counter, const struct pipeline *p)
{
	if (!p->replaying)
		metric_add(counter, 1);
}

static int emit_entity(const struct making *m, const char *operation, struct view payload, struct error *err)
{
	struct header header = {
		.event_id = m->event_id,
		.event_type = view_of(m->entity->name),
		.event_class = "ENTITY",
		.operation = operation,
	};
	struct message message = {0};

	if (begin_value(m, &header, m->route->message_schema, &message, err) < 0)
		return -1;
	wr_view_bytes(&m->p->value, payload);
	count(&m->p->metrics->documents, m->p);
	return send_value(m, m->route->topic, &message, err);
}

static int emit_tombstone(const struct making *m, struct error *err)
{
	struct message message = {.topic = m->route->topic, .key = make_key(m), .value = VIEW_NONE};

	return batch_emit(m->p, &message, err);
}

static int emit_event(const struct making *m, unsigned event, struct view payload, struct error *err)
{
	const struct entity_event *rule = &m->entity->events[event];
	struct header header = {
		.event_id = make_event_id(m, rule->name),
		.event_type = view_of(rule->name),
		.event_class = event_class_names[rule->class],
		.operation = "EVENT",
		.causation_id = m->event_id,
		.rule_version = view_of(pack_version(m->p->pack)),
	};
	struct message message = {0};

	if (begin_value(m, &header, m->route->event_schemas[event], &message, err) < 0)
		return -1;
	wr_view_bytes(&m->p->value, payload);
	count(&m->p->metrics->events, m->p);
	return send_value(m, m->route->event_topics[event], &message, err);
}

/* The kept payload as a tree; nothing if there is none. */
static int read_kept(const struct making *m, struct datum *ret, bool *ret_there, struct error *err)
{
	*ret_there = m->kept.payload.ptr != NULL;
	if (!*ret_there)
		return 0;
	if (avro_read(m->entity->type, m->kept.payload, &m->p->doc_arena, ret, err) == 0)
		return 0;
	error_context(err, "the kept document %s/%.*s", m->entity->name, VIEW_ARG(m->key_text));
	err->class = ERROR_INTERNAL;
	return -1;
}

/* Business events come from commits alone: neither a snapshot nor a job is something that happened. */
static int emit_events(const struct making *m, const struct datum *old, const struct datum *new, struct view payload,
		       struct error *err)
{
	struct rules_side before = {.document = old, .image = m->kept.image}, after = {.document = new};
	uint64_t fired = 0;

	if (m->cause != CAUSE_COMMIT || !m->entity->event_count)
		return 0;
	if (rules_fire(m->p->mapping, m->entity, before, after, &fired, err) < 0)
		return -1;
	for (unsigned i = 0; i < m->entity->event_count; i++)
		if (fired & (UINT64_C(1) << i) && emit_event(m, i, payload, err) < 0)
			return -1;
	return 0;
}

static void set_text(struct datum *record, const struct avro_type *type, const char *field, struct view text)
{
	int index = avro_field_index(type, view_of(field));

	if (index >= 0)
		record->items[index] = (struct datum){.set = text.ptr != NULL, .text = text};
}

static void set_symbol(struct datum *record, const struct avro_type *type, const char *field, const char *symbol)
{
	int index = avro_field_index(type, view_of(field));
	int number = index < 0 ? -1 : avro_symbol_index(type->fields[index].type, view_of(symbol));

	if (number >= 0)
		record->items[index] = (struct datum){.set = true, .integer = number};
}

static void set_time(struct datum *record, const struct avro_type *type, const char *field, usec_t time)
{
	int index = avro_field_index(type, view_of(field));

	if (index >= 0)
		record->items[index] = (struct datum){.set = true, .integer = time};
}

/* An exception's fields but the header, which comes first and is written by itself. */
static struct datum exception_body(const struct making *m, bool open, usec_t at, struct view message, struct view place)
{
	const struct avro_type *type = m->p->exception_type;
	struct datum record = {.set = true, .items = ARENA_ARRAY(&m->p->doc_arena, struct datum, type->field_count)};

	record.count = type->field_count;
	for (unsigned i = 0; i < type->field_count; i++)
		record.items[i].set = !type->fields[i].nullable;
	set_text(&record, type, "canonicalId", m->document.canonical_id);
	set_text(&record, type, "entity", view_of(m->entity->name));
	set_symbol(&record, type, "status", open ? "OPEN" : "CLOSED");
	set_text(&record, type, "message", message);
	set_text(&record, type, "path", place);
	set_text(&record, type, "table", view_of(m->entity->root));
	set_time(&record, type, "openedAt", at);
	if (!open)
		set_time(&record, type, "closedAt", at);
	return record;
}

static int write_exception_body(const struct making *m, const struct datum *record, struct error *err)
{
	const struct avro_type *type = m->p->exception_type;

	for (unsigned i = 1; i < type->field_count; i++) {
		struct datum field = record->items[i];
		const struct avro_field *of = &type->fields[i];
		struct avro_type single = {.kind = AVRO_RECORD, .name = type->name, .fields = (struct avro_field *)of,
					   .field_count = 1};
		struct datum wrapped = {.set = true, .items = &field, .count = 1};

		if (datum_write(&single, &wrapped, &m->p->value, err) < 0)
			return -1;
	}
	return 0;
}

static int emit_exception(const struct making *m, bool open, struct view reason, struct view place, struct error *err)
{
	struct pipeline *p = m->p;
	usec_t at = m->cause == CAUSE_COMMIT ? p->txn->committed_at : p->snapshot_at;
	struct datum record = exception_body(m, open, at, reason, place);
	struct header header = {
		.event_id = make_event_id(m, open ? "exception" : "exception-closed"),
		.event_type = VIEW("Exception"),
		.event_class = "OPERATIONAL",
		.operation = "EVENT",
	};
	struct message message = {0};

	if (begin_value(m, &header, p->exception_schema, &message, err) < 0 || write_exception_body(m, &record, err) < 0)
		return -1;
	count(&p->metrics->exceptions, p);
	return send_value(m, p->exception_topic, &message, err);
}

static int close_exception(const struct making *m, struct error *err)
{
	struct view event_id;
	int was_open;

	if (!m->was_kept || !m->kept.parked)
		return 0;
	was_open = exception_close(m->p->db, view_of(m->entity->name), m->key_text, &m->p->doc_arena, &event_id, err);
	return was_open <= 0 ? was_open : emit_exception(m, false, VIEW("the document validates again, or is gone"), VIEW_NONE, err);
}

/* What was published goes with its last valid content, marked as deleted, and then a tombstone. */
static int emit_deletion(const struct making *m, struct datum *old, struct error *err)
{
	int deleted = avro_field_index(m->entity->type, VIEW("deleted"));
	struct writer *scratch = &m->p->scratch;
	struct datum before = deleted < 0 ? (struct datum){0} : old->items[deleted];
	int written;

	if (deleted >= 0)
		old->items[deleted] = (struct datum){.set = true, .integer = 1};
	wr_clear(scratch);
	written = datum_write(m->entity->type, old, scratch, err);
	if (deleted >= 0)
		old->items[deleted] = before; /* the rules see it as it was */
	if (written < 0)
		return -1;
	if (emit_entity(m, "DELETE", wr_view(scratch), err) < 0 || emit_events(m, old, NULL, wr_view(scratch), err) < 0)
		return -1;
	return emit_tombstone(m, err);
}

static int handle_gone(const struct making *m, struct error *err)
{
	struct datum old;
	bool there;

	if (!m->was_kept)
		return 0;
	if (close_exception(m, err) < 0 || read_kept(m, &old, &there, err) < 0)
		return -1;
	if (there && emit_deletion(m, &old, err) < 0)
		return -1;
	return document_remove(m->p->documents, m->route->documents_slot, m->document.key, err);
}

static int handle_valid(const struct making *m, struct error *err)
{
	struct pipeline *p = m->p;
	struct kept_document now = {.payload = m->payload};
	bool same = m->kept.payload.ptr && view_equal(m->kept.payload, m->payload);
	struct datum old;
	bool there;

	if (same && !m->kept.parked && m->cause == CAUSE_COMMIT)
		return 0;
	if (close_exception(m, err) < 0 || read_kept(m, &old, &there, err) < 0)
		return -1;
	if (!same || m->cause != CAUSE_COMMIT) {
		const char *operation = m->cause == CAUSE_SNAPSHOT ? "SNAPSHOT" : there ? "UPDATE" : "CREATE";

		if (emit_entity(m, operation, m->payload, err) < 0 ||
		    emit_events(m, there ? &old : NULL, &m->document.datum, m->payload, err) < 0)
			return -1;
	}
	return document_put(p->documents, m->route->documents_slot, m->document.key, &now, err);
}

static int handle_invalid(const struct making *m, struct error *err)
{
	struct pipeline *p = m->p;
	char position[POSITION_TEXT_BYTES];
	struct kept_document now = {.parked = true, .payload = m->kept.payload, .image = m->kept.image};
	struct exception exception = {
		.entity = view_of(m->entity->name),
		.key = m->key_text,
		.place = m->document.place,
		.reason = m->document.reason,
		.event_id = m->event_id,
		.since = m->cause == CAUSE_COMMIT ? p->txn->committed_at : p->snapshot_at,
	};
	bool news = false;

	position_print(p->txn ? p->txn->final : p->applied.position, position);
	exception.position = view_of(position);
	if (exception_open(p->db, &exception, &news, err) < 0)
		return -1;
	if (news && emit_exception(m, true, m->document.reason, m->document.place, err) < 0)
		return -1;
	if (m->cause == CAUSE_SNAPSHOT) {
		wr_clear(&p->scratch);
		rules_image(m->entity, &m->document.datum, &p->scratch);
		now.image = wr_view(&p->scratch);
	} else if (m->was_kept && m->kept.parked) {
		return 0;
	} else {
		/* The views of what was kept do not outlive the put. */
		now.payload = now.payload.ptr ? arena_copy(&p->doc_arena, now.payload) : VIEW_NONE;
		now.image = now.image.ptr ? arena_copy(&p->doc_arena, now.image) : VIEW_NONE;
	}
	return document_put(p->documents, m->route->documents_slot, m->document.key, &now, err);
}

/* A document that is valid by its mapping may still not be encodable: that is an exception, too. */
static void encode_payload(struct making *m)
{
	struct writer *payload = &m->p->payload;
	struct error err;

	wr_clear(payload);
	if (datum_write(m->entity->type, &m->document.datum, payload, &err) == 0) {
		m->payload = wr_view(payload);
		return;
	}
	m->document.valid = false;
	m->document.reason = arena_copy(&m->p->doc_arena, view_of(err.text));
	m->document.place = VIEW("");
}

static int publish_schemas(struct pipeline *p, const struct entity_route *route, const struct entity *entity,
			   struct error *err)
{
	if (p->replaying || route->schemas_published)
		return 0;
	if (batch_publish_schema(p, p->string_schema, VIEW("\"string\""), err) < 0 ||
	    batch_publish_schema(p, p->exception_schema, p->exception_schema_text, err) < 0 ||
	    batch_publish_schema(p, route->message_schema, route->message_schema_text, err) < 0)
		return -1;
	for (unsigned i = 0; i < entity->event_count; i++)
		if (batch_publish_schema(p, route->event_schemas[i], route->event_schema_texts[i], err) < 0)
			return -1;
	return 0;
}

static int handle_document(struct making *m, struct error *err)
{
	bool gone = !m->document.exists || m->document.deleted;

	if (!gone && m->document.valid)
		encode_payload(m);
	if (publish_schemas(m->p, m->route, m->entity, err) < 0)
		return -1;
	m->route->schemas_published = !m->p->replaying;
	if (gone)
		return handle_gone(m, err);
	return m->document.valid ? handle_valid(m, err) : handle_invalid(m, err);
}

int document_make(struct pipeline *p, const struct touched *root, enum document_cause cause, struct error *err)
{
	struct making m = {
		.p = p,
		.entity = root->entity,
		.route = &p->entity_routes[root->entity->index],
		.cause = cause,
	};
	char key[ROOT_KEY_BYTES];
	int kept;

	arena_reset(&p->doc_arena);
	p->rows_since_state_commit++;
	if (m.route->held)
		return 0;
	if (evaluate(p->mapping, root->entity, root->key, &p->doc_arena, &m.document, err) < 0)
		return -1;
	kept = document_get(p->documents, m.route->documents_slot, root->key, &m.kept, err);
	if (kept < 0)
		return -1;
	m.was_kept = kept > 0;
	m.key_text = arena_copy(&p->doc_arena, root_key_text(root->key, key));
	m.event_id = make_event_id(&m, NULL);
	m.document.key = root->key;
	return handle_document(&m, err);
}

/* Between two documents: what keeps memory and the source's patience bounded. */
static int keep_pace(struct pipeline *p, uint64_t done, enum document_cause cause, struct error *err)
{
	if (batch_full(p)) {
		if (cause == CAUSE_SNAPSHOT ? batch_commit_checkpoint(p, err) < 0 : batch_commit(p, err) < 0)
			return -1;
	}
	return done % 256 == 0 ? pipeline_serve(p, err) : 0;
}

int documents_publish_touched(struct pipeline *p, enum document_cause cause, struct error *err)
{
	uint64_t done = cause == CAUSE_COMMIT ? p->txn_skip_documents : 0;
	struct touched root;
	int got;

	if (touch_start(p->touch, done, err) < 0)
		return -1;
	while ((got = touch_next(p->touch, &root, err)) > 0) {
		p->ordinal = done++ * ORDINALS_OF_A_DOCUMENT;
		if (cause == CAUSE_COMMIT) {
			p->applied.open.done = done;
			if (change_set_hidden(p, done <= p->txn_hidden_documents, err) < 0)
				return -1;
		}
		if (document_make(p, &root, cause, err) < 0 || keep_pace(p, done, cause, err) < 0)
			return -1;
	}
	p->txn_skip_documents = 0;
	return got < 0 ? -1 : touch_clear(p->touch, err);
}
