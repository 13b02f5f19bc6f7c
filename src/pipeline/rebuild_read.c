/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What was published, read back: the last document of each key, the exceptions that are open, and what the schemas mean
 * that records have by their fingerprints. All of it is there: the claim that was just written fenced whoever wrote before.
 */
#include "rebuild.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/memory.h"
#include "canonical/root.h"
#include "encode/datum.h"
#include "publish/reader.h"
#include "registry/topic.h"
#include "state/exceptions.h"
#include "state/inputs.h"

#define READ_SLICE_US (100 * USEC_PER_MSEC)
#define SERVE_EVERY 256
#define STATE_COMMIT_RECORDS 200000
#define TIME_MARGIN_US (60 * USEC_PER_SEC)

struct readback {
	struct pipeline *p;
	const struct entity *const *entities;
	unsigned entity_count;
	struct schema_topic *schemas;
	uint64_t records;
	char open_id[24], open_position[POSITION_TEXT_BYTES]; /* of a transaction whose documents were being published; or "" */
	usec_t open_since;     /* its first document that was found */
	uint64_t foreign;      /* keys that no document of ours can have */
};

typedef int take_record(struct readback *rb, const struct reader_record *record, struct error *err);

static int keep_pace(struct readback *rb, struct error *err)
{
	struct pipeline *p = rb->p;

	if (++rb->records % SERVE_EVERY == 0 && pipeline_serve(p, err) < 0)
		return -1;
	if (atomic_load_explicit(&p->control->stop, memory_order_relaxed))
		return error_set(err, ERROR_TRANSIENT, "stopped while what was published is read back");
	if (rb->records % STATE_COMMIT_RECORDS)
		return 0;
	return db_commit(p->db, err) < 0 ? -1 : db_checkpoint(p->db, err);
}

static int read_all(struct readback *rb, struct topic_reader *reader, take_record *take, struct error *err)
{
	struct reader_record record;
	bool at_end = false;

	while (!at_end) {
		int got = topic_reader_next(reader, READ_SLICE_US, &record, &at_end, err);

		arena_reset(&rb->p->doc_arena);
		if (got > 0)
			failpoint("rebuild-reading");
		if (got < 0 || (got && take(rb, &record, err) < 0) || keep_pace(rb, err) < 0)
			return -1;
	}
	return 0;
}

static int read_topics(struct readback *rb, struct topic *const *topics, size_t count, enum read_from from, take_record *take,
		       struct error *err)
{
	const char **names = MEM_ARRAY(const char *, count + 1);
	struct topic_reader *reader = NULL;
	int result;

	for (size_t i = 0; i < count; i++)
		names[i] = topic_name(topics[i]);
	result = topic_reader_new(&reader, &rb->p->options->kafka, err);
	if (result == 0)
		result = topic_reader_assign(reader, names, count, from, rb->open_since, err);
	if (result == 0)
		result = read_all(rb, reader, take, err);
	topic_reader_free(reader);
	free(names);
	return result;
}

/* Schemas -------------------------------------------------------------------------------------- */

/* What a fingerprint means was noted in the lost file when its schema was published. */
static int take_schema(struct readback *rb, const struct reader_record *record, struct error *err)
{
	char name[60], meaning[20];

	if (!record->key.ptr || !record->value.ptr)
		return 0;
	if (schema_topic_read(rb->schemas, record->key, record->value, err) < 0)
		return err->class == ERROR_RECORD ? 0 : -1;
	snprintf(name, sizeof(name), "schema.%.*s", (int)(record->key.len < 40 ? record->key.len : 40), record->key.ptr);
	snprintf(meaning, sizeof(meaning), "%016" PRIx64, hash_bytes(record->value, 0));
	return input_put(rb->p->db, name, view_of(meaning), err);
}

/* An open transaction -------------------------------------------------------------------------- */

static const struct datum *field(const struct avro_type *type, const struct datum *record, const char *name)
{
	int index = avro_field_index(type, view_of(name));

	return index < 0 || !record->items[index].set ? NULL : &record->items[index];
}

static struct view text_of(const struct avro_type *type, const struct datum *record, const char *name)
{
	const struct datum *found = field(type, record, name);

	return found ? found->text : VIEW_NONE;
}

static const struct avro_type *type_of(const struct avro_type *type, const char *name)
{
	return type->fields[avro_field_index(type, view_of(name))].type;
}

/* How many messages it has is told at its end; the lost file knew of those that are behind it. */
static void count_open(struct readback *rb, const struct avro_type *type, const struct datum *message, usec_t at, struct tally *tally)
{
	const struct datum *header = field(type, message, "header"), *position;
	const struct avro_type *header_type;

	if (!*rb->open_id || !header)
		return;
	header_type = type_of(type, "header");
	position = field(header_type, header, "sourcePosition");
	if (!view_is(text_of(header_type, header, "transactionId"), rb->open_id) || !position ||
	    !view_is(text_of(type_of(header_type, "sourcePosition"), position, "value"), rb->open_position))
		return;
	tally_add(rb->p, tally, 1);
	if (!rb->open_since || at < rb->open_since)
		rb->open_since = at;
}

/* Documents ------------------------------------------------------------------------------------ */

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct view unescape(struct view text, struct arena *arena)
{
	char *to = arena_alloc(arena, text.len + 1), *begin = to;

	for (size_t i = 0; i < text.len; i++) {
		int high = i + 2 < text.len && text.ptr[i] == '%' ? hex(text.ptr[i + 1]) : -1;
		int low = high >= 0 ? hex(text.ptr[i + 2]) : -1;

		*to++ = low >= 0 ? (char)(high << 4 | low) : text.ptr[i];
		i += low >= 0 ? 2 : 0;
	}
	*to = '\0';
	return (struct view){begin, (size_t)(to - begin)};
}

/* The key of the root that has this canonical id, if it is one of ours. */
static bool parse_id(struct readback *rb, const struct entity *entity, struct view id, struct root_key *ret)
{
	const char *slash = memrchr(id.ptr, '/', id.len);
	struct arena *arena = &rb->p->doc_arena;

	if (!slash)
		return false;
	*ret = root_key_parse(entity, unescape((struct view){slash + 1, (size_t)(id.ptr + id.len - slash) - 1}, arena));
	return view_equal(canonical_id(rb->p->mapping, entity, *ret, arena), id);
}

static int no_frame(const struct reader_record *record, struct error *err)
{
	error_state(err, STATE_UNSUPPORTED, "%s, partition %d, offset %" PRId64 ": the record has not the schema that is published now",
		    record->topic, record->partition, record->offset);
	return error_hint(err, "build the state file anew with the schemas, mapping pack and formats with which it was lost");
}

static int read_key(struct readback *rb, const struct encode_schema *schema, const struct reader_record *record, struct view *ret,
		    struct error *err)
{
	struct datum key;
	struct view body;

	if (!record->key.ptr || !frame_matches(&schema->frame, record->key, &body))
		return no_frame(record, err);
	if (avro_read(&avro_string, body, &rb->p->doc_arena, &key, err) < 0)
		return -1;
	*ret = key.text;
	return 0;
}

static int read_document(struct readback *rb, const struct entity *entity, const struct reader_record *record, struct error *err)
{
	struct pipeline *p = rb->p;
	struct entity_route *route = &p->entity_routes[entity->index];
	const struct encode_schema *schema = &route->message;
	int document = avro_field_index(schema->type, VIEW("document"));
	struct datum message;
	struct view body;

	if (!frame_matches(&schema->frame, record->value, &body))
		return no_frame(record, err);
	if (avro_read(schema->type, body, &p->doc_arena, &message, err) < 0)
		return -1;
	count_open(rb, schema->type, &message, record->timestamp, &route->tally);
	wr_clear(&p->payload);
	return datum_write(entity->type, &message.items[document], &p->payload, err);
}

static const struct entity *entity_of_topic(const struct readback *rb, const char *topic)
{
	for (unsigned i = 0; i < rb->entity_count; i++)
		if (strcmp(topic_name(rb->p->entity_routes[rb->entities[i]->index].topic), topic) == 0)
			return rb->entities[i];
	return NULL;
}

static int take_document(struct readback *rb, const struct reader_record *record, struct error *err)
{
	struct pipeline *p = rb->p;
	const struct entity *entity = entity_of_topic(rb, record->topic);
	const struct entity_route *route = entity ? &p->entity_routes[entity->index] : NULL;
	struct kept_document kept = {.parked = false};
	struct root_key key;
	struct view id;

	if (!route)
		return 0;
	if (read_key(rb, &route->key, record, &id, err) < 0)
		return -1;
	if (!parse_id(rb, entity, id, &key)) {
		rb->foreign++;
		return 0;
	}
	if (!record->value.ptr)
		return document_remove(p->documents, route->documents_slot, key, err);
	if (read_document(rb, entity, record, err) < 0)
		return -1;
	kept.payload = wr_view(&p->payload);
	return document_put(p->documents, route->documents_slot, key, &kept, err);
}

/* Business events ------------------------------------------------------------------------------ */

static int take_event_of(struct readback *rb, const struct entity *entity, unsigned event, const struct reader_record *record,
			 struct error *err)
{
	struct entity_route *route = &rb->p->entity_routes[entity->index];
	const struct encode_schema *schema = &route->event_messages[event];
	struct datum message;
	struct view body;

	if (!record->value.ptr || !frame_matches(&schema->frame, record->value, &body))
		return 0;
	if (avro_read(schema->type, body, &rb->p->doc_arena, &message, err) < 0)
		return -1;
	count_open(rb, schema->type, &message, record->timestamp, &route->event_tallies[event]);
	return 0;
}

static int take_event(struct readback *rb, const struct reader_record *record, struct error *err)
{
	for (unsigned i = 0; i < rb->entity_count; i++)
		for (unsigned j = 0; j < rb->entities[i]->event_count; j++)
			if (strcmp(topic_name(rb->p->entity_routes[rb->entities[i]->index].event_topics[j]), record->topic) == 0)
				return take_event_of(rb, rb->entities[i], j, record, err);
	return 0;
}

/*
 * They left in the same batches as the documents that were found, so none is much older than the first of these; older it can be:
 * records get their time when the client takes them, and it takes those of one topic together.
 */
static int count_events(struct readback *rb, struct error *err)
{
	struct topic **topics;
	size_t count = 0;
	int result;

	if (!rb->open_since)
		return 0;
	rb->open_since -= TIME_MARGIN_US;
	for (unsigned i = 0; i < rb->entity_count; i++)
		count += rb->entities[i]->event_count;
	topics = MEM_ARRAY(struct topic *, count + 1);
	count = 0;
	for (unsigned i = 0; i < rb->entity_count; i++)
		for (unsigned j = 0; j < rb->entities[i]->event_count; j++)
			topics[count++] = rb->p->entity_routes[rb->entities[i]->index].event_topics[j];
	result = read_topics(rb, topics, count, READ_TIME, take_event, err);
	free(topics);
	return result;
}

/* Exceptions ----------------------------------------------------------------------------------- */

static struct view symbol_of(const struct avro_type *type, const struct datum *record, const char *name)
{
	const struct datum *found = field(type, record, name);
	int index = avro_field_index(type, view_of(name));

	return found ? view_of(type->fields[index].type->symbols[found->integer]) : VIEW_NONE;
}

static enum fault_reason reason_of(struct view name)
{
	for (int i = 0; i < FAULT_REASONS; i++)
		if (view_is(name, fault_reason_names[i]))
			return (enum fault_reason)i;
	return FAULT_UNKNOWN;
}

/* The id of the exception is that of its document, and "exception". */
static struct view document_event(struct view id)
{
	const char *slash = id.ptr ? memrchr(id.ptr, '/', id.len) : NULL;

	return slash ? (struct view){id.ptr, (size_t)(slash - id.ptr)} : id;
}

static int keep_exception(struct readback *rb, const struct datum *record, struct view entity, struct view key, struct error *err)
{
	const struct avro_type *type = rb->p->exception_type;
	const struct datum *opened = field(type, record, "openedAt"), *header = field(type, record, "header");
	struct exception exception = {
		.entity = entity,
		.key = key,
		.fault = {
			.reason = reason_of(symbol_of(type, record, "reason")),
			.message = text_of(type, record, "message"),
			.path = text_of(type, record, "path"),
			.value = text_of(type, record, "value"),
			.place = text_of(type, record, "place"),
			.rule = text_of(type, record, "rule"),
		},
		.owner = text_of(type, record, "owner"),
		.event_id = header ? document_event(text_of(type_of(type, "header"), header, "eventId")) : VIEW_NONE,
		.position = VIEW("0/0"),
		.since = opened ? opened->integer : 0,
	};
	bool news;
	usec_t since;

	if (!exception.fault.path.ptr)
		exception.fault.path = VIEW("");
	return exception_open(rb->p->db, &exception, &news, &since, err);
}

static int take_exception(struct readback *rb, const struct reader_record *record, struct error *err)
{
	struct pipeline *p = rb->p;
	struct exception ignored;
	const struct entity *entity = NULL;
	char key_text[ROOT_KEY_BYTES];
	struct datum exception;
	struct root_key key;
	struct view body, id, text;

	if (!record->value.ptr || !frame_matches(&p->exception_message.frame, record->value, &body))
		return 0;
	if (avro_read(p->exception_type, body, &p->doc_arena, &exception, err) < 0)
		return -1;
	count_open(rb, p->exception_type, &exception, record->timestamp, &p->exception_tally);
	id = text_of(p->exception_type, &exception, "entity");
	for (unsigned i = 0; i < rb->entity_count; i++)
		if (id.ptr && view_is(id, rb->entities[i]->name))
			entity = rb->entities[i];
	id = text_of(p->exception_type, &exception, "canonicalId");
	if (!entity || !id.ptr || !parse_id(rb, entity, id, &key))
		return 0;
	text = root_key_text(key, key_text);
	if (view_is(symbol_of(p->exception_type, &exception, "status"), "OPEN"))
		return keep_exception(rb, &exception, view_of(entity->name), text, err);
	return exception_close(p->db, view_of(entity->name), text, &p->doc_arena, &ignored, err) < 0 ? -1 : 0;
}

struct parking {
	struct readback *rb;
	int result;
	struct error *err;
};

/* Opened by a snapshot: its events were never to be raised for what was so by then. */
static bool of_snapshot(const struct readback *rb, struct view event_id)
{
	char begin[300];
	int len = snprintf(begin, sizeof(begin), "%s/snapshot-", rb->p->options->name);

	return event_id.ptr && event_id.len > (size_t)len && memcmp(event_id.ptr, begin, (size_t)len) == 0;
}

static int park(void *arg, const struct exception *exception)
{
	struct parking *parking = arg;
	struct pipeline *p = parking->rb->p;
	struct kept_document kept = {.parked = false};
	const struct entity *entity;
	struct root_key key;
	unsigned slot;

	arena_reset(&p->doc_arena);
	entity = mapping_entity(p->mapping, arena_printf(&p->doc_arena, "%.*s%c", VIEW_ARG(exception->entity), '\0').ptr);
	if (!entity)
		return 0;
	key = root_key_parse(entity, arena_printf(&p->doc_arena, "%.*s", VIEW_ARG(exception->key)));
	slot = p->entity_routes[entity->index].documents_slot;
	parking->result = document_get(p->documents, slot, key, &kept, parking->err);
	if (parking->result < 0)
		return 1;
	kept.parked = true;
	kept.payload = kept.payload.ptr ? arena_copy(&p->doc_arena, kept.payload) : VIEW_NONE;
	kept.image = !kept.payload.ptr && of_snapshot(parking->rb, exception->event_id) ? REBUILD_IMAGE : VIEW_NONE;
	parking->result = document_put(p->documents, slot, key, &kept, parking->err);
	return parking->result < 0;
}

static int park_all(struct readback *rb, struct error *err)
{
	struct parking parking = {.rb = rb, .err = err};

	if (exceptions_each(rb->p->db, park, &parking, err) < 0)
		return -1;
	return parking.result < 0 ? -1 : 0;
}

/* All together --------------------------------------------------------------------------------- */

static int clear_all(struct readback *rb, struct error *err)
{
	for (unsigned i = 0; i < rb->entity_count; i++)
		if (documents_clear(rb->p->documents, rb->p->entity_routes[rb->entities[i]->index].documents_slot, err) < 0)
			return -1;
	return exceptions_clear(rb->p->db, err);
}

static int read_documents(struct readback *rb, struct error *err)
{
	struct topic **topics = MEM_ARRAY(struct topic *, rb->entity_count + 1);
	int result = clear_all(rb, err);

	for (unsigned i = 0; i < rb->entity_count; i++)
		topics[i] = rb->p->entity_routes[rb->entities[i]->index].topic;
	if (result == 0)
		result = read_topics(rb, topics, rb->entity_count, READ_BEGINNING, take_document, err);
	free(topics);
	if (result == 0 && rb->p->exception_topic)
		result = read_topics(rb, &rb->p->exception_topic, 1, READ_BEGINNING, take_exception, err);
	return result < 0 ? -1 : count_events(rb, err);
}

/* Before the parked ones are noted, of which some were never valid. */
static int count_all(struct readback *rb, struct error *err)
{
	for (unsigned i = 0; i < rb->entity_count; i++) {
		uint64_t kept, parked;

		if (document_count(rb->p->documents, rb->p->entity_routes[rb->entities[i]->index].documents_slot, &kept, &parked, err) < 0)
			return -1;
		rebuild_note(rb->p, rb->entities[i]->name, REBUILT_READ, kept);
	}
	if (rb->foreign)
		log_warning(rb->p->options->name, "%" PRIu64 " records of documents have keys that are not of this instance or mapping: they "
			    "are left alone", rb->foreign);
	return 0;
}

int rebuild_read_back(struct pipeline *p, struct error *err)
{
	struct readback rb = {.p = p, .schemas = schema_topic_new(NULL)};
	int result = 0;

	status_alive(p, 0);
	tallies_begin(p);
	if (p->applied.open.phase == OPEN_DOCUMENTS) {
		snprintf(rb.open_id, sizeof(rb.open_id), "%" PRIu64, p->applied.open.xid);
		position_print(p->applied.open.final, rb.open_position);
	}
	if (p->mapping)
		rb.entities = mapping_entities(p->mapping, &rb.entity_count);
	if (p->schemas_topic)
		result = read_topics(&rb, &p->schemas_topic, 1, READ_BEGINNING, take_schema, err);
	if (result == 0 && rb.entity_count)
		result = read_documents(&rb, err);
	if (result == 0 && rb.entity_count && count_all(&rb, err) < 0)
		result = -1;
	if (result == 0 && rb.entity_count)
		result = park_all(&rb, err);
	schema_topic_free(rb.schemas);
	return result;
}
