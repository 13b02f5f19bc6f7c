/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* A type printed: as a schema text for publication, and as its Parsing Canonical Form. Both write a name out once. */
#include "base/json.h"
#include "base/memory.h"
#include "schema/contract.h"
#include "schema/fingerprint.h"

#include <stdlib.h>
#include <string.h>

struct printer {
	struct writer *to;
	bool canonical;                /* only what the canonical form keeps */
	const struct avro_type **done; /* named types already written out */
	size_t done_count;
};

static void print_type(struct printer *pr, const struct avro_type *type);

static void put(struct printer *pr, const char *text)
{
	wr_view_bytes(pr->to, view_of(text));
}

/* ,"key":"value" unless there is no value */
static void put_text(struct printer *pr, const char *key, const char *value)
{
	if (!value)
		return;
	put(pr, ",\"");
	put(pr, key);
	put(pr, "\":");
	json_text(pr->to, view_of(value));
}

/* True if a name was written out before; otherwise it is now. */
static bool is_done(struct printer *pr, const struct avro_type *type)
{
	for (size_t i = 0; i < pr->done_count; i++)
		if (pr->done[i] == type)
			return true;
	pr->done = mem_resize(pr->done, pr->done_count + 1, sizeof(*pr->done));
	pr->done[pr->done_count++] = type;
	return false;
}

static void print_union(struct printer *pr, const struct avro_type *type, bool nullable, bool null_second)
{
	if (nullable)
		put(pr, null_second ? "[" : "[\"null\",");
	print_type(pr, type);
	if (nullable)
		put(pr, null_second ? ",\"null\"]" : "]");
}

static void print_field(struct printer *pr, const struct avro_field *field)
{
	put(pr, "{\"name\":\"");
	put(pr, field->name);
	put(pr, "\",\"type\":");
	print_union(pr, field->type, field->nullable, field->null_second);
	if (!pr->canonical) {
		put_text(pr, "doc", field->doc);
		if (field->default_json) {
			put(pr, ",\"default\":");
			put(pr, field->default_json);
		}
	}
	put(pr, "}");
}

static void print_fields(struct printer *pr, const struct avro_type *type)
{
	put(pr, ",\"fields\":[");
	for (unsigned i = 0; i < type->field_count; i++) {
		if (i)
			put(pr, ",");
		print_field(pr, &type->fields[i]);
	}
	put(pr, "]");
}

static void print_symbols(struct printer *pr, const struct avro_type *type)
{
	put(pr, ",\"symbols\":[");
	for (unsigned i = 0; i < type->symbol_count; i++) {
		if (i)
			put(pr, ",");
		json_text(pr->to, view_of(type->symbols[i]));
	}
	put(pr, "]");
	if (!pr->canonical && type->default_symbol >= 0)
		put_text(pr, "default", type->symbols[type->default_symbol]);
}

/* name and type stand in the order of the canonical form; for people, the type comes first */
static void print_names(struct printer *pr, const struct avro_type *type)
{
	const char *kind = avro_kind_names[type->kind];
	const char *dot = strrchr(type->name, '.');

	if (pr->canonical) {
		wr_printf(pr->to, "{\"name\":\"%s\",\"type\":\"%s\"", type->name, kind);
		return;
	}
	wr_printf(pr->to, "{\"type\":\"%s\",\"name\":\"%s\"", kind, dot ? dot + 1 : type->name);
	if (dot)
		wr_printf(pr->to, ",\"namespace\":\"%.*s\"", (int)(dot - type->name), type->name);
	put_text(pr, "version", type->version);
	put_text(pr, "doc", type->doc);
}

static void print_named(struct printer *pr, const struct avro_type *type)
{
	if (is_done(pr, type)) {
		wr_printf(pr->to, "\"%s\"", type->name);
		return;
	}
	print_names(pr, type);
	if (type->kind == AVRO_RECORD)
		print_fields(pr, type);
	else
		print_symbols(pr, type);
	put(pr, "}");
}

static void print_logical(struct printer *pr, const struct avro_type *type)
{
	const char *kind = avro_kind_names[type->kind];

	if (pr->canonical || type->logical == AVRO_PLAIN)
		wr_printf(pr->to, "\"%s\"", kind);
	else if (type->logical == AVRO_DECIMAL)
		wr_printf(pr->to, "{\"type\":\"%s\",\"logicalType\":\"decimal\",\"precision\":%d,\"scale\":%d}", kind,
			  type->precision, type->scale);
	else
		wr_printf(pr->to, "{\"type\":\"%s\",\"logicalType\":\"%s\"}", kind,
			  type->logical == AVRO_DATE ? "date" : "timestamp-micros");
}

static void print_type(struct printer *pr, const struct avro_type *type)
{
	bool array = type->kind == AVRO_ARRAY;

	if (type->kind == AVRO_RECORD || type->kind == AVRO_ENUM) {
		print_named(pr, type);
	} else if (array || type->kind == AVRO_MAP) {
		put(pr, array ? "{\"type\":\"array\",\"items\":" : "{\"type\":\"map\",\"values\":");
		print_union(pr, type->items, type->items_nullable, false);
		put(pr, "}");
	} else {
		print_logical(pr, type);
	}
}

static void print(const struct avro_type *type, struct writer *to, bool canonical)
{
	struct printer pr = {.to = to, .canonical = canonical};

	print_type(&pr, type);
	free(pr.done);
}

void contract_print(const struct avro_type *type, struct writer *to)
{
	print(type, to, false);
}

void avro_canonical_form(const struct avro_type *type, struct writer *to)
{
	print(type, to, true);
}
