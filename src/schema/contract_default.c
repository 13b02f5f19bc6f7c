/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Defaults of fields: checked against the field's type (a union's default is one of its first branch), and kept as JSON
 * text in one spelling, so that a printed schema is always the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "contract_build.h"

static bool fits(const struct yaml_node *node, const struct avro_type *type);

/* A JSON number: what YAML takes for one besides (.5, 1_000, 0x1) is not. */
static bool is_number(const struct yaml_node *node, bool whole)
{
	const char *pos = node->text.ptr;
	size_t digits;

	if (node->kind != YAML_SCALAR || !node->plain)
		return false;
	pos += *pos == '-';
	digits = strspn(pos, "0123456789");
	if (!digits || (digits > 1 && *pos == '0'))
		return false;
	if (whole)
		return !pos[digits];
	pos += digits;
	if (*pos == '.') {
		digits = strspn(pos + 1, "0123456789");
		if (!digits)
			return false;
		pos += 1 + digits;
	}
	if (*pos == 'e' || *pos == 'E') {
		pos++;
		pos += *pos == '-' || *pos == '+';
		digits = strspn(pos, "0123456789");
		if (!digits)
			return false;
		pos += digits;
	}
	return !*pos;
}

static bool fits_whole(const struct yaml_node *node, int64_t least, int64_t most)
{
	long long value;

	if (!is_number(node, true) || node->text.len > 20)
		return false;
	errno = 0;
	value = strtoll(node->text.ptr, NULL, 10);
	return !errno && value >= least && value <= most;
}

static bool fits_boolean(const struct yaml_node *node)
{
	return node->kind == YAML_SCALAR && node->plain &&
	       (view_is(node->text, "true") || view_is(node->text, "false"));
}

static bool fits_text(const struct yaml_node *node)
{
	return node->kind == YAML_SCALAR && !node->plain;
}

static bool fits_items(const struct yaml_node *node, const struct avro_type *type, enum yaml_kind kind)
{
	if (node->kind != kind)
		return false;
	for (const struct yaml_node *each = node->first; each; each = each->next)
		if (type->items_nullable ? !yaml_is_null(each) : !fits(each, type->items))
			return false;
	return true;
}

static bool fits_record(const struct yaml_node *node, const struct avro_type *type)
{
	size_t found = 0;

	if (node->kind != YAML_MAPPING)
		return false;
	for (unsigned i = 0; i < type->field_count; i++) {
		const struct avro_field *field = &type->fields[i];
		const struct yaml_node *value = yaml_get(node, field->name);

		if (!value)
			return false;
		if (field->nullable && !field->null_second ? !yaml_is_null(value) : !fits(value, field->type))
			return false;
		found++;
	}
	return found == node->count;
}

static bool fits(const struct yaml_node *node, const struct avro_type *type)
{
	switch (type->kind) {
	case AVRO_NULL:
		return yaml_is_null(node);
	case AVRO_BOOLEAN:
		return fits_boolean(node);
	case AVRO_INT:
		return fits_whole(node, INT32_MIN, INT32_MAX);
	case AVRO_LONG:
		return fits_whole(node, INT64_MIN, INT64_MAX);
	case AVRO_FLOAT:
	case AVRO_DOUBLE:
		return is_number(node, false);
	case AVRO_BYTES:
	case AVRO_STRING:
		return fits_text(node);
	case AVRO_ENUM:
		return fits_text(node) && avro_symbol_index(type, node->text) >= 0;
	case AVRO_ARRAY:
		return fits_items(node, type, YAML_SEQUENCE);
	case AVRO_MAP:
		return fits_items(node, type, YAML_MAPPING);
	case AVRO_RECORD:
		return fits_record(node, type);
	}
	return false;
}

static void write_json(struct writer *wr, const struct yaml_node *node)
{
	const char *between = "";

	if (node->kind == YAML_SCALAR) {
		if (node->plain)
			wr_view_bytes(wr, node->text.len ? node->text : VIEW("null"));
		else
			json_text(wr, node->text);
		return;
	}
	wr_u8(wr, node->kind == YAML_MAPPING ? '{' : '[');
	for (const struct yaml_node *each = node->first; each; each = each->next) {
		wr_view_bytes(wr, view_of(between));
		between = ",";
		if (node->kind == YAML_MAPPING) {
			json_text(wr, view_of(each->key));
			wr_u8(wr, ':');
		}
		write_json(wr, each);
	}
	wr_u8(wr, node->kind == YAML_MAPPING ? '}' : ']');
}

static bool fits_field(const struct yaml_node *node, const struct avro_field *field)
{
	return field->nullable && !field->null_second ? yaml_is_null(node) : fits(node, field->type);
}

void build_defaults(struct builder *b)
{
	for (struct pending_default *pending = b->pending; pending; pending = pending->next) {
		struct avro_field *field = pending->field;
		struct writer wr = {0};

		if (!fits_field(pending->node, field)) {
			diag_error(b->diag, pending->node->at, "the default of '%s' is no %s", field->name,
				   field->nullable && !field->null_second ? "null, as the first branch of its union is"
									  : avro_kind_names[field->type->kind]);
			continue;
		}
		write_json(&wr, pending->node);
		field->default_json = arena_copy(b->arena, wr_view(&wr)).ptr;
		wr_done(&wr);
	}
}
