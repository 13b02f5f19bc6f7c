/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Exception messages: something could not be made, does not validate or cannot be published, and that this is over.
 * They are written field by field, as the contract has them. One that would be too large goes without the rows.
 */
#include "messages.h"

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

/* One image of a row, if there is any. */
static void set_images(struct pipeline *p, struct filling *filling, const struct exception_about *about)
{
	int index = avro_field_index(filling->type, VIEW("rowImages"));
	struct filling image;

	if (index < 0 || (!about->before.set && !about->after.set))
		return;
	image = fill(filling->type->fields[index].type->items, &p->doc_arena);
	set_text(&image, "table", about->table);
	set(&image, "before", about->before);
	set(&image, "after", about->after);
	filling->record.items[index].items = ARENA_NEW(&p->doc_arena, struct datum);
	filling->record.items[index].items[0] = image.record;
	filling->record.items[index].count = 1;
}

/* All fields but the header, which comes first and is written by itself. */
static struct filling fill_body(struct pipeline *p, enum document_cause cause, const struct exception_about *about,
				bool open, const struct fault *fault, usec_t opened_at)
{
	struct filling filling = fill(p->exception_type, &p->doc_arena);

	set_text(&filling, "canonicalId", about->id);
	set_text(&filling, "entity", about->entity);
	set_symbol(&filling, "status", open ? "OPEN" : "CLOSED");
	set_fault(&filling, fault);
	set_text(&filling, "table", about->table);
	if (about->keys.set)
		set(&filling, "sourceKeys", about->keys);
	set_text(&filling, "owner", about->owner);
	set_time(&filling, "openedAt", opened_at);
	if (!open)
		set_time(&filling, "closedAt", occurred_at(p, cause));
	return filling;
}

static int write_body(struct pipeline *p, const struct datum *record, struct error *err)
{
	const struct avro_type *type = p->exception_type;

	for (unsigned i = 1; i < type->field_count; i++) {
		struct datum field = record->items[i];
		const struct avro_field *of = &type->fields[i];
		struct avro_type single = {.kind = AVRO_RECORD, .name = type->name, .fields = (struct avro_field *)of,
					   .field_count = 1};
		struct datum wrapped = {.set = true, .items = &field, .count = 1};

		if (datum_write(&single, &wrapped, &p->value, err) < 0)
			return -1;
	}
	return 0;
}

static int write_exception(struct pipeline *p, const struct header *header, const struct filling *filling,
			   struct view id, struct message *message, struct error *err)
{
	if (message_begin(p, header, &p->exception_message, message, err) < 0 ||
	    write_body(p, &filling->record, err) < 0)
		return -1;
	return message_finish(p, &p->exception_key, &p->exception_message, id, message, err);
}

/* The topic may be made without a mapping, so its schemas are published here. */
static int publish_schemas(struct pipeline *p, struct error *err)
{
	if (batch_publish_schema(p, &p->exception_key, err) < 0)
		return -1;
	return batch_publish_schema(p, &p->exception_message, err);
}

int exception_send(struct pipeline *p, enum document_cause cause, struct header *header,
		   const struct exception_about *about, bool open, const struct fault *fault, usec_t opened_at,
		   struct error *err)
{
	struct filling filling = fill_body(p, cause, about, open, fault, opened_at);
	struct filling whole = filling;
	struct message message = {.topic = p->exception_topic};

	if (publish_schemas(p, err) < 0)
		return -1;
	header->event_type = VIEW("Exception");
	header->event_class = "OPERATIONAL";
	header->operation = "EVENT";
	header_fill(p, cause, header);
	whole.record.items = ARENA_ARRAY(&p->doc_arena, struct datum, filling.record.count);
	memcpy(whole.record.items, filling.record.items, sizeof(struct datum) * filling.record.count);
	set_images(p, &whole, about);
	if (write_exception(p, header, &whole, about->id, &message, err) < 0)
		return -1;
	if (batch_too_large(p, message.key.len + message.value.len) &&
	    write_exception(p, header, &filling, about->id, &message, err) < 0)
		return -1;
	count_message(&p->metrics->exceptions, p);
	tally_add(p, &p->exception_tally, 1);
	return batch_emit(p, &message, err);
}
