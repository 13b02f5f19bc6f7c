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

static void write_long(struct writer *to, int64_t value)
{
	to->len = (size_t)(put_long(wr_reserve(to, LONG_BYTES), value) - to->data);
}

static void write_text(struct writer *to, struct view text)
{
	to->len = (size_t)(put_bytes(wr_reserve(to, LONG_BYTES + text.len), text) - to->data);
}

static void write_views(struct writer *to, const struct view *list, unsigned count)
{
	if (count)
		write_long(to, count);
	for (unsigned i = 0; i < count; i++)
		write_text(to, list[i]);
	write_long(to, 0);
}

static void write_entries(struct writer *to, const struct header_entry *list, unsigned count)
{
	if (count)
		write_long(to, count);
	for (unsigned i = 0; i < count; i++) {
		write_text(to, list[i].name);
		write_text(to, list[i].value);
	}
	write_long(to, 0);
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

static int write_symbol(struct writer *to, struct binding *binding, const char *symbol, struct error *err)
{
	unsigned slot = 0;
	int index;

	while (slot < SYMBOLS_MOST && binding->symbols[slot] && binding->symbols[slot] != symbol)
		slot++;
	if (slot < SYMBOLS_MOST && binding->symbols[slot])
		index = binding->indexes[slot];
	else if ((index = look_symbol_up(binding, slot, symbol, err)) < 0)
		return -1;
	write_long(to, index);
	return 0;
}

#define READ(type, header, offset) (*(type const *)((const char *)(header) + (offset)))

/* One header being written. */
struct target {
	const struct header_plan *plan;
	const struct header *header;
	struct writer *to;
	size_t observed_at;
	size_t observed_bytes;
	struct error *err;
};

static int write_bindings(struct target *target, const struct bindings *bindings);

static int write_member(struct target *target, struct binding *binding)
{
	const struct header *header = target->header;
	const struct member *member = binding->member;
	struct writer *to = target->to;
	size_t offset = member->offset;

	switch (member->form) {
	case FORM_VIEW:
		write_text(to, READ(struct view, header, offset));
		return 0;
	case FORM_SYMBOL:
		return write_symbol(to, binding, READ(char *, header, offset), target->err);
	case FORM_TIME:
	case FORM_NUMBER:
		write_long(to, READ(int64_t, header, offset));
		return 0;
	case FORM_FLAG:
		wr_u8(to, READ(bool, header, offset));
		return 0;
	case FORM_VIEWS:
		write_views(to, READ(struct view *, header, offset), READ(unsigned, header, member->count));
		return 0;
	case FORM_ENTRIES:
		write_entries(to, READ(struct header_entry *, header, offset), READ(unsigned, header, member->count));
		return 0;
	case FORM_POSITION:
		return write_bindings(target, &target->plan->position);
	}
	return 0;
}

static bool is_null(const struct binding *binding, const struct header *header)
{
	if (!binding->member)
		return true;
	return binding->member->form == FORM_VIEW && !READ(struct view, header, binding->member->offset).ptr;
}

static int write_binding(struct target *target, struct binding *binding)
{
	const struct avro_field *field = binding->field;
	bool null = is_null(binding, target->header);
	size_t start;

	if (field->nullable)
		wr_u8(target->to, null == field->null_second ? BRANCH_1 : BRANCH_0);
	if (field->nullable && null)
		return 0;
	start = target->to->len;
	if (write_member(target, binding))
		return -1;
	if (binding->member->offset == offsetof(struct header, captured_at)) {
		target->observed_at = start;
		target->observed_bytes = target->to->len - start;
	}
	return 0;
}

static int write_bindings(struct target *target, const struct bindings *bindings)
{
	for (unsigned i = 0; i < bindings->count; i++)
		if (write_binding(target, &bindings->list[i]))
			return -1;
	return 0;
}

int header_write(const struct header_plan *plan, const struct header *header, struct writer *to,
		 uint32_t *ret_observed_at, uint32_t *ret_observed_bytes, struct error *err)
{
	struct target target = {.plan = plan, .header = header, .to = to, .err = err};

	if (write_bindings(&target, &plan->header))
		return -1;
	*ret_observed_at = (uint32_t)target.observed_at;
	*ret_observed_bytes = (uint32_t)target.observed_bytes;
	return 0;
}
