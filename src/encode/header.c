/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "encode/header.h"

#include <stdlib.h>
#include <string.h>

#include "avro_bytes.h"
#include "base/memory.h"

/* How a member of struct header becomes a value, and of what type. */
enum form { FORM_VIEW, FORM_SYMBOL, FORM_TIME, FORM_NUMBER, FORM_FLAG, FORM_VIEWS, FORM_ENTRIES, FORM_POSITION };

static const enum avro_kind form_kinds[] = {
	[FORM_VIEW] = AVRO_STRING, [FORM_SYMBOL] = AVRO_ENUM,  [FORM_TIME] = AVRO_LONG,   [FORM_NUMBER] = AVRO_LONG,
	[FORM_FLAG] = AVRO_BOOLEAN, [FORM_VIEWS] = AVRO_ARRAY, [FORM_ENTRIES] = AVRO_MAP, [FORM_POSITION] = AVRO_RECORD,
};

struct member {
	const char *name;  /* of the field */
	enum form form;
	size_t offset;
	size_t count;      /* offset of the number of elements */
};

#define MEMBER(name, form, field) {name, form, offsetof(struct header, field), 0}
#define MEMBERS(name, form, field, number) {name, form, offsetof(struct header, field), offsetof(struct header, number)}

static const struct member members[] = {
	MEMBER("eventId", FORM_VIEW, event_id),
	MEMBER("eventType", FORM_VIEW, event_type),
	MEMBER("eventClass", FORM_SYMBOL, event_class),
	MEMBER("operation", FORM_SYMBOL, operation),
	MEMBER("sourceSystem", FORM_VIEW, source_system),
	MEMBER("sourceInstance", FORM_VIEW, source_instance),
	MEMBER("sourcePosition", FORM_POSITION, position_kind),
	MEMBER("transactionId", FORM_VIEW, transaction_id),
	MEMBERS("sourceTables", FORM_VIEWS, source_tables, source_table_count),
	MEMBER("occurredAt", FORM_TIME, occurred_at),
	MEMBER("capturedAt", FORM_TIME, captured_at),
	MEMBER("legalEntity", FORM_VIEW, legal_entity),
	MEMBER("systemOfRecord", FORM_VIEW, system_of_record),
	MEMBERS("correlation", FORM_ENTRIES, correlation, correlation_count),
	MEMBER("causationId", FORM_VIEW, causation_id),
	MEMBER("origin", FORM_VIEW, origin),
	MEMBER("schemaVersion", FORM_VIEW, schema_version),
	MEMBER("mappingVersion", FORM_VIEW, mapping_version),
	MEMBER("ruleVersion", FORM_VIEW, rule_version),
	MEMBER("replay", FORM_FLAG, replay),
	MEMBERS("quality", FORM_VIEWS, quality, quality_count),
};

static const struct member position_members[] = {
	MEMBER("kind", FORM_SYMBOL, position_kind),
	MEMBER("value", FORM_VIEW, position_value),
	MEMBER("ordinal", FORM_NUMBER, position_ordinal),
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define SYMBOLS_MOST 8

/*
 * A field of the contract and the member that it shows; NULL: always null. Symbols once found are known by their
 * address.
 */
struct binding {
	const struct avro_field *field;
	const struct member *member;
	const char *symbols[SYMBOLS_MOST];
	int indexes[SYMBOLS_MOST];
};

struct bindings {
	struct binding *list; /* owned */
	unsigned count;
};

struct header_plan {
	struct bindings header;
	struct bindings position;
};

static const struct member *find_member(const struct member *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(list[i].name, name))
			return &list[i];
	return NULL;
}

static int bind(const struct avro_type *type, const struct member *list, size_t count, struct bindings *ret,
		struct error *err)
{
	ret->list = MEM_ARRAY(struct binding, type->field_count + 1);
	for (unsigned i = 0; i < type->field_count; i++) {
		const struct avro_field *field = &type->fields[i];
		const struct member *member = find_member(list, count, field->name);

		if (!member && !field->nullable)
			return error_set(err, ERROR_INPUT, "%s has the field '%s', which this version cannot fill",
					 type->name, field->name);
		if (member && field->type->kind != form_kinds[member->form])
			return error_set(err, ERROR_INPUT, "%s.%s is of type %s, but must be %s", type->name, field->name,
					 avro_kind_names[field->type->kind], avro_kind_names[form_kinds[member->form]]);
		ret->list[ret->count++] = (struct binding){.field = field, .member = member};
	}
	return 0;
}

static int bind_all(const struct avro_type *type, struct header_plan *plan, struct error *err)
{
	int position;

	if (bind(type, members, COUNT_OF(members), &plan->header, err))
		return -1;
	position = avro_field_index(type, VIEW("sourcePosition"));
	return position < 0 ? 0
			    : bind(type->fields[position].type, position_members, COUNT_OF(position_members),
				   &plan->position, err);
}

struct header_plan *header_plan_new(const struct avro_type *type, struct error *err)
{
	struct header_plan *plan = MEM_NEW(struct header_plan);

	if (!bind_all(type, plan, err))
		return plan;
	header_plan_free(plan);
	return NULL;
}

void header_plan_free(struct header_plan *plan)
{
	if (!plan)
		return;
	free(plan->header.list);
	free(plan->position.list);
	free(plan);
}

#define READ(type, header, offset) (*(type const *)((const char *)(header) + (offset)))

static size_t views_room(const struct view *list, unsigned count)
{
	size_t room = 0;

	for (unsigned i = 0; i < count; i++)
		room += LONG_BYTES + list[i].len;
	return room;
}

static size_t entries_room(const struct header_entry *list, unsigned count)
{
	size_t room = 0;

	for (unsigned i = 0; i < count; i++)
		room += 2 * LONG_BYTES + list[i].name.len + list[i].value.len;
	return room;
}

/* As many bytes as a header may take: it is written without asking again. */
static size_t header_room(const struct header_plan *plan, const struct header *header)
{
	size_t room = (plan->header.count + plan->position.count) * (1 + 2 * LONG_BYTES);

	for (size_t i = 0; i < COUNT_OF(members); i++)
		if (members[i].form == FORM_VIEW)
			room += READ(struct view, header, members[i].offset).len;
	return room + views_room(header->source_tables, header->source_table_count) +
	       views_room(header->quality, header->quality_count) +
	       entries_room(header->correlation, header->correlation_count) + header->position_value.len;
}

static char *put_views(char *to, const struct view *list, unsigned count)
{
	if (count)
		to = put_long(to, count);
	for (unsigned i = 0; i < count; i++)
		to = put_bytes(to, list[i]);
	return put_long(to, 0);
}

static char *put_entries(char *to, const struct header_entry *list, unsigned count)
{
	if (count)
		to = put_long(to, count);
	for (unsigned i = 0; i < count; i++)
		to = put_bytes(put_bytes(to, list[i].name), list[i].value);
	return put_long(to, 0);
}

static int look_symbol_up(struct binding *binding, unsigned slot, const char *symbol, struct error *err)
{
	const struct avro_field *field = binding->field;
	int index = symbol ? avro_symbol_index(field->type, view_of(symbol)) : field->type->default_symbol;

	if (index < 0)
		return error_set(err, ERROR_INTERNAL, "the header's %s has no symbol '%s'", field->name, symbol ? symbol : "");
	if (symbol && slot < SYMBOLS_MOST) {
		binding->symbols[slot] = symbol;
		binding->indexes[slot] = index;
	}
	return index;
}

/* One header being written. */
struct target {
	const struct header_plan *plan;
	const struct header *header;
	char *observed;
	size_t observed_bytes;
	struct error *err;
};

static char *put_symbol(char *to, struct target *target, struct binding *binding, const char *symbol)
{
	unsigned slot = 0;
	int index;

	while (slot < SYMBOLS_MOST && binding->symbols[slot] && binding->symbols[slot] != symbol)
		slot++;
	if (slot < SYMBOLS_MOST && binding->symbols[slot])
		index = binding->indexes[slot];
	else if ((index = look_symbol_up(binding, slot, symbol, target->err)) < 0)
		return NULL;
	return put_long(to, index);
}

static char *put_bindings(char *to, struct target *target, const struct bindings *bindings);

static char *put_member(char *to, struct target *target, struct binding *binding)
{
	const struct header *header = target->header;
	const struct member *member = binding->member;
	size_t offset = member->offset;

	switch (member->form) {
	case FORM_VIEW:
		return put_bytes(to, READ(struct view, header, offset));
	case FORM_SYMBOL:
		return put_symbol(to, target, binding, READ(char *, header, offset));
	case FORM_TIME:
	case FORM_NUMBER:
		return put_long(to, READ(int64_t, header, offset));
	case FORM_FLAG:
		*to = (char)READ(bool, header, offset);
		return to + 1;
	case FORM_VIEWS:
		return put_views(to, READ(struct view *, header, offset), READ(unsigned, header, member->count));
	case FORM_ENTRIES:
		return put_entries(to, READ(struct header_entry *, header, offset),
				   READ(unsigned, header, member->count));
	case FORM_POSITION:
		return put_bindings(to, target, &target->plan->position);
	}
	return to;
}

static bool is_null(const struct binding *binding, const struct header *header)
{
	if (!binding->member)
		return true;
	return binding->member->form == FORM_VIEW && !READ(struct view, header, binding->member->offset).ptr;
}

static char *put_binding(char *to, struct target *target, struct binding *binding)
{
	const struct avro_field *field = binding->field;
	bool null = is_null(binding, target->header);
	char *start;

	if (field->nullable)
		*to++ = null == field->null_second ? BRANCH_1 : BRANCH_0;
	if (field->nullable && null)
		return to;
	start = to;
	to = put_member(to, target, binding);
	if (binding->member->offset == offsetof(struct header, captured_at)) {
		target->observed = start;
		target->observed_bytes = (size_t)(to - start);
	}
	return to;
}

/* NULL: a symbol is not the contract's. */
static char *put_bindings(char *to, struct target *target, const struct bindings *bindings)
{
	for (unsigned i = 0; i < bindings->count && to; i++)
		to = put_binding(to, target, &bindings->list[i]);
	return to;
}

int header_write(const struct header_plan *plan, const struct header *header, struct writer *to,
		 uint32_t *ret_observed_at, uint32_t *ret_observed_bytes, struct error *err)
{
	struct target target = {.plan = plan, .header = header, .err = err};
	char *start = wr_reserve(to, header_room(plan, header));
	char *end = put_bindings(start, &target, &plan->header);

	if (!end)
		return -1;
	*ret_observed_at = target.observed ? (uint32_t)(target.observed - to->data) : 0;
	*ret_observed_bytes = (uint32_t)target.observed_bytes;
	to->len += (size_t)(end - start);
	return 0;
}
