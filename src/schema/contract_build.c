/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Reading order of a schema: a name or primitive, a union with null, or an object whose "type" says which of the forms
 * below it has. A namespace is inherited by everything inside, as the specification has it.
 */
#include "contract_build.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define NUMBER_MAX 1000000 /* of precision and scale: nothing larger makes sense */

static int complain(struct builder *b, const struct yaml_node *node, const char *what)
{
	return diag_error(b->diag, node->at, "%s", what);
}

/* The text of a JSON string under a key; NULL if there is none, or after a complaint if it is no string. */
static const char *text_of(struct builder *b, const struct yaml_node *object, const char *key)
{
	const struct yaml_node *node = yaml_get(object, key);

	if (!node)
		return NULL;
	if (node->kind == YAML_SCALAR && !node->plain && strlen(node->text.ptr) == node->text.len)
		return arena_copy(b->arena, node->text).ptr;
	diag_error(b->diag, node->at, "'%s' must be a JSON string", key);
	return NULL;
}

static bool is_name(struct view text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!(c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (i && c >= '0' && c <= '9')))
			return false;
	}
	return text.len > 0;
}

static bool is_full_name(const char *name)
{
	const char *dot;

	for (; (dot = strchr(name, '.')); name = dot + 1)
		if (!is_name((struct view){name, (size_t)(dot - name)}))
			return false;
	return is_name(view_of(name));
}

static const char *space_of(struct builder *b, const char *full_name)
{
	const char *dot = strrchr(full_name, '.');

	return dot ? arena_copy(b->arena, (struct view){full_name, (size_t)(dot - full_name)}).ptr : "";
}

/* The full name of the record or enum that an object declares; NULL after a complaint. */
static const char *declared_name(struct builder *b, const struct yaml_node *object, const char *space)
{
	const char *name = text_of(b, object, "name");
	const char *own_space = text_of(b, object, "namespace");

	if (!name) {
		if (!yaml_get(object, "name"))
			complain(b, object, "this type needs a \"name\"");
		return NULL;
	}
	if (!strchr(name, '.')) {
		space = own_space ? own_space : space;
		if (*space)
			name = arena_printf(b->arena, "%s.%s", space, name).ptr;
	}
	if (is_full_name(name))
		return name;
	diag_error(b->diag, yaml_get(object, "name")->at, "'%s' is no Avro name (letters, digits, _; no digit first)",
		   name);
	return NULL;
}

static bool declares_name(const struct yaml_node *node)
{
	const struct yaml_node *type = yaml_get(node, "type");

	return type && type->kind == YAML_SCALAR && (view_is(type->text, "record") || view_is(type->text, "enum"));
}

static void declare_name(struct builder *b, const struct yaml_node *node, const char *full_name)
{
	const struct yaml_node *first = map_get(&b->declared, view_of(full_name));

	if (first) {
		diag_error(b->diag, node->at, "'%s' is declared a second time; the first is in %s:%u", full_name,
			   first->at.file ? first->at.file->name : "", first->at.line);
		return;
	}

	struct avro_type *type = ARENA_NEW(b->arena, struct avro_type);

	type->name = full_name;
	map_put(b->names, view_of(full_name), type);
	map_put(&b->declared, view_of(full_name), (void *)node);
}

void build_declare(struct builder *b, const struct yaml_node *node, const char *space)
{
	static const char *const inside[] = {"type", "fields", "items", "values"};

	if (node->kind == YAML_SEQUENCE) {
		for (const struct yaml_node *each = node->first; each; each = each->next)
			build_declare(b, each, space);
		return;
	}
	if (node->kind != YAML_MAPPING)
		return;
	if (declares_name(node)) {
		const char *name = declared_name(b, node, space);

		if (!name)
			return;
		declare_name(b, node, name);
		space = space_of(b, name);
	}
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		const struct yaml_node *child = yaml_get(node, inside[i]);

		if (child)
			build_declare(b, child, space);
	}
}

/* A type that stands at a place: a field's, or the items of an array or map. */
struct slot {
	const struct avro_type *type;
	bool nullable;
	bool null_second;
};

static bool is_null_name(const struct yaml_node *node)
{
	return node->kind == YAML_SCALAR && !node->plain && view_is(node->text, "null");
}

static int build_union(struct builder *b, const struct yaml_node *node, const char *space, struct slot *ret)
{
	const struct yaml_node *one = node->first;
	const struct yaml_node *two = one ? one->next : NULL;

	if (node->count != 2 || is_null_name(one) == is_null_name(two))
		return complain(b, node, "a union must be [\"null\", T] or [T, \"null\"]");
	ret->nullable = true;
	ret->null_second = is_null_name(two);
	ret->type = build_type(b, ret->null_second ? one : two, space);
	if (ret->type == avro_primitive(AVRO_NULL)) /* by its address: a named type may not be built yet */
		return complain(b, node, "a union must be [\"null\", T] or [T, \"null\"]");
	return ret->type ? 0 : -1;
}

static int build_slot(struct builder *b, const struct yaml_node *node, const char *space, struct slot *ret)
{
	*ret = (struct slot){0};
	if (node->kind == YAML_SEQUENCE)
		return build_union(b, node, space, ret);
	ret->type = build_type(b, node, space);
	return ret->type ? 0 : -1;
}

/* Refuses attributes that nobody would read; another tool's own, with a dot in its name, are let pass. */
static void check_attributes(struct builder *b, const struct yaml_node *object, const char *const *known, size_t count)
{
	if (!b->strict)
		return;
	for (const struct yaml_node *each = object->first; each; each = each->next) {
		bool found = strchr(each->key, '.') != NULL;
		const char *guess;

		for (size_t i = 0; i < count && !found; i++)
			found = !strcmp(known[i], each->key);
		if (found)
			continue;
		guess = diag_did_you_mean(view_of(each->key), known, count);
		diag_error(b->diag, each->key_at, "unknown attribute '%s'%s%s%s", each->key,
			   guess ? "; did you mean '" : "", guess ? guess : "", guess ? "'?" : "");
	}
}

#define CHECK_ATTRIBUTES(b, object, ...) \
	do { \
		static const char *const known_[] = {__VA_ARGS__}; \
		check_attributes(b, object, known_, sizeof(known_) / sizeof(known_[0])); \
	} while (0)

static int whole_number(struct builder *b, const struct yaml_node *object, const char *key, int missing)
{
	const struct yaml_node *node = yaml_get(object, key);
	char *end;
	long value;

	if (!node)
		return missing;
	value = node->kind == YAML_SCALAR && node->plain && node->text.len ? strtol(node->text.ptr, &end, 10) : -1;
	if (value >= 0 && value <= NUMBER_MAX && !*end)
		return (int)value;
	diag_error(b->diag, node->at, "'%s' must be a whole number", key);
	return missing;
}

static int set_decimal(struct builder *b, const struct yaml_node *object, struct avro_type *type)
{
	type->precision = whole_number(b, object, "precision", 0);
	type->scale = whole_number(b, object, "scale", 0);
	if (type->precision >= 1 && type->scale <= type->precision)
		return 0;
	return b->strict ? complain(b, object, "a decimal needs a precision, and a scale not above it") : -1;
}

/* What a "logicalType" may be, and on which type. */
static const struct {
	const char *name;
	enum avro_kind kind;
	enum avro_logical logical;
} logical_types[] = {
	{"decimal", AVRO_BYTES, AVRO_DECIMAL},
	{"date", AVRO_INT, AVRO_DATE},
	{"timestamp-micros", AVRO_LONG, AVRO_TIMESTAMP_MICROS},
};

static const struct avro_type *build_logical(struct builder *b, const struct yaml_node *object, enum avro_kind kind,
					     const char *logical)
{
	for (size_t i = 0; i < sizeof(logical_types) / sizeof(logical_types[0]); i++) {
		struct avro_type type = {.kind = kind, .logical = logical_types[i].logical};

		if (strcmp(logical_types[i].name, logical) || logical_types[i].kind != kind)
			continue;
		if (type.logical == AVRO_DECIMAL && set_decimal(b, object, &type))
			return b->strict ? NULL : avro_primitive(kind);
		return memcpy(arena_alloc(b->arena, sizeof(type)), &type, sizeof(type));
	}
	if (!b->strict)
		return avro_primitive(kind);
	diag_error(b->diag, yaml_get(object, "logicalType")->at,
		   "'%s' is no logical type of %s here (decimal on bytes, date on int, timestamp-micros on long)",
		   logical,
		   avro_kind_names[kind]);
	return NULL;
}

static const struct avro_type *build_primitive(struct builder *b, const struct yaml_node *object, enum avro_kind kind)
{
	const char *logical = text_of(b, object, "logicalType");

	CHECK_ATTRIBUTES(b, object, "type", "logicalType", "precision", "scale");
	/* Kafka Connect's dates and times are shown as the numbers that they are, as their relatives without a logical type. */
	if (logical && kind != AVRO_BYTES && yaml_get(object, "connect.name"))
		return avro_primitive(kind);
	return logical ? build_logical(b, object, kind, logical) : avro_primitive(kind);
}

static const struct avro_type *build_items(struct builder *b, const struct yaml_node *object, const char *space,
					   enum avro_kind kind, const char *key)
{
	const struct yaml_node *items = yaml_get(object, key);
	struct avro_type *type = ARENA_NEW(b->arena, struct avro_type);
	struct slot slot;

	if (!items) {
		diag_error(b->diag, object->at, "this %s needs \"%s\"", avro_kind_names[kind], key);
		return NULL;
	}
	if (build_slot(b, items, space, &slot))
		return NULL;
	if (slot.null_second) {
		complain(b, items, "items that may be null must be [\"null\", T]");
		return NULL;
	}
	type->kind = kind;
	type->items = slot.type;
	type->items_nullable = slot.nullable;
	return type;
}

static int build_field(struct builder *b, const struct yaml_node *node, const char *space, struct avro_field *field)
{
	const struct yaml_node *type = yaml_get(node, "type");
	struct slot slot;

	if (node->kind != YAML_MAPPING || !type)
		return complain(b, node, "a field is an object with \"name\" and \"type\"");
	CHECK_ATTRIBUTES(b, node, "name", "type", "doc", "default");
	field->name = text_of(b, node, "name");
	if (!field->name || !is_name(view_of(field->name)))
		return diag_error(b->diag, node->at, "'%s' is no Avro name (letters, digits, _; no digit first)",
				  field->name ? field->name : "");
	field->doc = text_of(b, node, "doc");
	if (build_slot(b, type, space, &slot))
		return -1;
	field->type = slot.type;
	field->nullable = slot.nullable;
	field->null_second = slot.null_second;
	return 0;
}

/* A default is looked at when all types are filled in: its own may stand in a later file. */
static void note_default(struct builder *b, const struct yaml_node *node, struct avro_field *field)
{
	struct pending_default *pending;

	if (!node)
		return;
	pending = ARENA_NEW(b->arena, struct pending_default);
	pending->node = node;
	pending->field = field;
	*b->pending_end = pending;
	b->pending_end = &pending->next;
}

static int build_fields(struct builder *b, const struct yaml_node *object, struct avro_type *type)
{
	const struct yaml_node *fields = yaml_get(object, "fields");
	int rc = 0;

	if (!fields || fields->kind != YAML_SEQUENCE)
		return complain(b, fields ? fields : object, "a record needs a list of \"fields\"");
	type->fields = ARENA_ARRAY(b->arena, struct avro_field, fields->count);
	for (const struct yaml_node *each = fields->first; each; each = each->next) {
		struct avro_field field = {0};

		if (build_field(b, each, space_of(b, type->name), &field)) {
			rc = -1;
		} else if (avro_field_index(type, view_of(field.name)) >= 0) {
			rc = diag_error(b->diag, each->at, "duplicate field '%s'", field.name);
		} else {
			type->fields[type->field_count] = field;
			note_default(b, yaml_get(each, "default"), &type->fields[type->field_count++]);
		}
	}
	return rc;
}

static int build_record(struct builder *b, const struct yaml_node *object, struct avro_type *type)
{
	CHECK_ATTRIBUTES(b, object, "type", "name", "namespace", "version", "doc", "fields");
	type->kind = AVRO_RECORD;
	type->version = text_of(b, object, "version");
	return build_fields(b, object, type);
}

static int build_symbols(struct builder *b, const struct yaml_node *symbols, struct avro_type *type)
{
	int rc = 0;

	type->symbols = ARENA_ARRAY(b->arena, const char *, symbols->count);
	for (const struct yaml_node *each = symbols->first; each; each = each->next) {
		if (each->kind != YAML_SCALAR || each->plain || !is_name(each->text))
			rc = complain(b, each, "a symbol is a string of letters, digits, _; no digit first");
		else if (avro_symbol_index(type, each->text) >= 0)
			rc = diag_error(b->diag, each->at, "duplicate symbol '%s'", each->text.ptr);
		else
			type->symbols[type->symbol_count++] = arena_copy(b->arena, each->text).ptr;
	}
	return rc;
}

static int build_enum(struct builder *b, const struct yaml_node *object, struct avro_type *type)
{
	const struct yaml_node *symbols = yaml_get(object, "symbols");
	const struct yaml_node *preset = yaml_get(object, "default");

	CHECK_ATTRIBUTES(b, object, "type", "name", "namespace", "doc", "symbols", "default");
	type->kind = AVRO_ENUM;
	type->default_symbol = -1;
	if (!symbols || symbols->kind != YAML_SEQUENCE || !symbols->count)
		return complain(b, symbols ? symbols : object, "an enum needs a list of \"symbols\"");
	if (build_symbols(b, symbols, type))
		return -1;
	if (!preset)
		return 0;
	if (preset->kind == YAML_SCALAR)
		type->default_symbol = avro_symbol_index(type, preset->text);
	return type->default_symbol < 0 ? complain(b, preset, "the default is none of the symbols") : 0;
}

/* Fills in the type that was declared for this object. */
static const struct avro_type *build_named(struct builder *b, const struct yaml_node *object, const char *space,
					   bool record)
{
	const char *name = declared_name(b, object, space);
	struct avro_type *type = name ? map_get(b->names, view_of(name)) : NULL;

	if (!type)
		return NULL;
	type->doc = text_of(b, object, "doc");
	return (record ? build_record(b, object, type) : build_enum(b, object, type)) ? NULL : type;
}

static bool primitive_kind(struct view name, enum avro_kind *ret)
{
	for (int kind = AVRO_NULL; kind <= AVRO_STRING; kind++) {
		if (!view_is(name, avro_kind_names[kind]))
			continue;
		*ret = (enum avro_kind)kind;
		return true;
	}
	return false;
}

static const struct avro_type *build_reference(struct builder *b, const struct yaml_node *node, const char *space)
{
	const struct avro_type *type = NULL;
	enum avro_kind kind;

	if (!node->plain && primitive_kind(node->text, &kind))
		return avro_primitive(kind);
	if (!node->plain && *space && !memchr(node->text.ptr, '.', node->text.len))
		type = map_get(b->names, arena_printf(b->arena, "%s.%s", space, node->text.ptr));
	else if (!node->plain)
		type = map_get(b->names, node->text);
	if (!type)
		diag_error(b->diag, node->at, "there is no type '%s'", node->text.ptr);
	return type;
}

static const struct avro_type *build_object(struct builder *b, const struct yaml_node *node, const char *space)
{
	const struct yaml_node *form = yaml_get(node, "type");
	enum avro_kind kind;

	if (!form) {
		complain(b, node, "a schema object needs a \"type\"");
		return NULL;
	}
	if (form->kind != YAML_SCALAR)
		return build_type(b, form, space);
	if (!text_of(b, node, "type"))
		return NULL;
	if (declares_name(node))
		return build_named(b, node, space, view_is(form->text, "record"));
	if (view_is(form->text, "array"))
		return build_items(b, node, space, AVRO_ARRAY, "items");
	if (view_is(form->text, "map"))
		return build_items(b, node, space, AVRO_MAP, "values");
	if (primitive_kind(form->text, &kind))
		return build_primitive(b, node, kind);
	return build_reference(b, form, space);
}

const struct avro_type *build_type(struct builder *b, const struct yaml_node *node, const char *space)
{
	if (node->kind == YAML_SCALAR)
		return build_reference(b, node, space);
	if (node->kind == YAML_MAPPING)
		return build_object(b, node, space);
	complain(b, node, "a union can stand only where a field or an item has its type");
	return NULL;
}
