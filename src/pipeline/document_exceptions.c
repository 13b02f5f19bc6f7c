/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Exception messages: a document that could not be made or does not validate, and that this is over.
 */
#include "documents.h"
#include "encode/datum.h"

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

int making_send_exception(const struct making *m, bool open, struct view reason, struct view place, struct error *err)
{
	struct pipeline *p = m->p;
	usec_t at = m->cause == CAUSE_COMMIT ? p->txn->committed_at : p->snapshot_at;
	struct datum record = exception_body(m, open, at, reason, place);
	struct header header = {
		.event_id = making_event_id(m, open ? "exception" : "exception-closed"),
		.event_type = VIEW("Exception"),
		.event_class = "OPERATIONAL",
		.operation = "EVENT",
	};
	struct message message = {0};

	if (making_begin_value(m, &header, p->exception_schema, &message, err) < 0 || write_exception_body(m, &record, err) < 0)
		return -1;
	making_count(&p->metrics->exceptions, p);
	return making_send_value(m, p->exception_topic, &message, err);
}
