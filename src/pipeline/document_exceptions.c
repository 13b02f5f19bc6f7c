/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Exception messages: a document that could not be made or does not validate, and that this is over.
 */
#include "canonical/root.h"
#include "documents.h"
#include "encode/datum.h"

/* A record in the making, filled field by field; one that the contract does not have is left out. */
struct filling {
	const struct avro_type *type;
	struct datum record;
};

/* Required fields begin as empty, others as null. */
static struct filling fill(const struct avro_type *type, struct arena *arena)
{
	struct filling filling = {type, {.set = true, .count = type->field_count}};

	filling.record.items = ARENA_ARRAY(arena, struct datum, type->field_count);
	for (unsigned i = 0; i < type->field_count; i++)
		filling.record.items[i].set = !type->fields[i].nullable;
	return filling;
}

static void set(struct filling *filling, const char *field, struct datum value)
{
	int index = avro_field_index(filling->type, view_of(field));

	if (index >= 0)
		filling->record.items[index] = value;
}

static void set_text(struct filling *filling, const char *field, struct view text)
{
	int index = avro_field_index(filling->type, view_of(field));

	if (index >= 0 && (text.ptr || filling->type->fields[index].nullable))
		set(filling, field, (struct datum){.set = text.ptr != NULL, .text = text});
}

static void set_symbol(struct filling *filling, const char *field, const char *symbol)
{
	int index = avro_field_index(filling->type, view_of(field));
	int number = index < 0 ? -1 : avro_symbol_index(filling->type->fields[index].type, view_of(symbol));

	if (number >= 0)
		set(filling, field, (struct datum){.set = true, .integer = number});
}

static void set_time(struct filling *filling, const char *field, usec_t time)
{
	set(filling, field, (struct datum){.set = true, .integer = time});
}

static void set_fault(struct filling *filling, const struct fault *fault)
{
	set_symbol(filling, "reason", fault_reason_names[fault->reason]);
	set_text(filling, "message", fault->message);
	set_text(filling, "path", fault->path.len ? fault->path : VIEW_NONE); /* of the document itself: none */
	set_text(filling, "value", fault->value);
	set_text(filling, "place", fault->place);
	set_text(filling, "rule", fault->rule);
}

/* The root's row after the commit, from the mirror. */
static int set_image(const struct making *m, struct filling *filling, struct error *err)
{
	int index = avro_field_index(filling->type, VIEW("rowImages"));
	struct filling image;
	struct datum row;

	if (index < 0)
		return 0;
	if (root_image(m->p->mapping, m->entity, m->document.key, &m->p->doc_arena, &row, err) < 0)
		return -1;
	if (!row.set)
		return 0;
	image = fill(filling->type->fields[index].type->items, &m->p->doc_arena);
	set_text(&image, "table", view_of(m->entity->root));
	set(&image, "after", row);
	filling->record.items[index].items = ARENA_NEW(&m->p->doc_arena, struct datum);
	filling->record.items[index].items[0] = image.record;
	filling->record.items[index].count = 1;
	return 0;
}

/* An exception's fields but the header, which comes first and is written by itself. */
static struct filling exception_body(const struct making *m, bool open, const struct fault *fault, usec_t opened_at)
{
	struct filling filling = fill(m->p->exception_type, &m->p->doc_arena);

	set_text(&filling, "canonicalId", m->document.canonical_id);
	set_text(&filling, "entity", view_of(m->entity->name));
	set_symbol(&filling, "status", open ? "OPEN" : "CLOSED");
	set_fault(&filling, fault);
	set_text(&filling, "table", view_of(m->entity->root));
	set(&filling, "sourceKeys", root_keys(m->entity, m->document.key, &m->p->doc_arena));
	set_text(&filling, "owner", view_of(m->entity->owner));
	set_time(&filling, "openedAt", opened_at);
	if (!open)
		set_time(&filling, "closedAt", making_time(m));
	return filling;
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

usec_t making_time(const struct making *m)
{
	return m->cause == CAUSE_COMMIT ? m->p->txn->committed_at : m->p->snapshot_at;
}

int making_send_exception(const struct making *m, bool open, const struct fault *fault, usec_t opened_at, struct error *err)
{
	struct pipeline *p = m->p;
	struct filling filling = exception_body(m, open, fault, opened_at);
	struct header header = *m->route->header;
	struct message message = {0};

	header.event_id = making_event_id(m, open ? "exception" : "exception-closed");
	header.event_type = VIEW("Exception");
	header.event_class = "OPERATIONAL";
	header.operation = "EVENT";
	if (open && set_image(m, &filling, err) < 0)
		return -1;
	if (making_begin_value(m, &header, p->exception_schema, &message, err) < 0 ||
	    write_exception_body(m, &filling.record, err) < 0)
		return -1;
	making_count(&p->metrics->exceptions, p);
	tally_add(p, &p->exception_tally, 1);
	return making_send_value(m, p->exception_topic, &message, err);
}
