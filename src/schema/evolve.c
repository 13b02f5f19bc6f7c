/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Two trees walked side by side. A named type is looked at where it stands first: a row is the type of two fields of
 * its envelope, and is told once.
 */
#include "schema/evolve.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SEEN_MOST 64
#define DIFFERENCES_MOST 8
#define PATH_BYTES 300

struct walk {
	struct writer *to;
	unsigned told;
	const struct avro_type *seen[SEEN_MOST];
	unsigned seen_count;
	char path[PATH_BYTES];
};

static void __attribute__((format(printf, 2, 3))) tell(struct walk *walk, const char *format, ...)
{
	char text[300];
	va_list args;

	if (++walk->told > DIFFERENCES_MOST)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	wr_printf(walk->to, "%s%s %s", walk->told > 1 ? "; " : "", walk->path[0] ? walk->path : "the whole", text);
}

/* "decimal(10,2)", "int", "record a.b.Value" */
static void name_type(const struct avro_type *type, char *to, size_t size)
{
	static const char *const logical_names[] = {[AVRO_DATE] = "date", [AVRO_TIMESTAMP_MICROS] = "timestamp-micros"};

	if (type->logical == AVRO_DECIMAL)
		snprintf(to, size, "decimal(%d,%d)", type->precision, type->scale);
	else if (type->logical != AVRO_PLAIN)
		snprintf(to, size, "%s", logical_names[type->logical]);
	else
		snprintf(to, size, "%s%s%s", avro_kind_names[type->kind], type->name ? " " : "", type->name
			 ? type->name : "");
}

static bool same_kind(const struct avro_type *a, const struct avro_type *b)
{
	if (a->kind != b->kind || a->logical != b->logical || a->precision != b->precision || a->scale != b->scale)
		return false;
	return !a->name || strcmp(a->name, b->name) == 0;
}

static bool seen_before(struct walk *walk, const struct avro_type *type)
{
	for (unsigned i = 0; i < walk->seen_count; i++)
		if (walk->seen[i] == type)
			return true;
	if (walk->seen_count < SEEN_MOST)
		walk->seen[walk->seen_count++] = type;
	return false;
}

static void compare(struct walk *walk, const struct avro_type *before, const struct avro_type *after);

/* Calls the function with the path one name longer. */
static void below(struct walk *walk, const char *name, const struct avro_field *before, const struct avro_field *after,
		  void (*look)(struct walk *walk, const struct avro_field *before, const struct avro_field *after))
{
	size_t len = strlen(walk->path);

	snprintf(walk->path + len, sizeof(walk->path) - len, "%s%s", len ? "." : "", name);
	look(walk, before, after);
	walk->path[len] = '\0';
}

static void look_at_field(struct walk *walk, const struct avro_field *before, const struct avro_field *after)
{
	if (!after) {
		tell(walk, "is gone%s", before->default_json ? "" : ", and had no default");
	} else if (!before) {
		tell(walk, "is new%s", after->default_json ? "" : " and has no default");
	} else {
		if (before->nullable != after->nullable)
			tell(walk, after->nullable ? "may be null now" : "may not be null any more");
		compare(walk, before->type, after->type);
	}
}

static const struct avro_field *field_named(const struct avro_type *type, const char *name)
{
	int index = avro_field_index(type, view_of(name));

	return index < 0 ? NULL : &type->fields[index];
}

static void compare_records(struct walk *walk, const struct avro_type *before, const struct avro_type *after)
{
	for (unsigned i = 0; i < after->field_count; i++)
		below(walk, after->fields[i].name, field_named(before, after->fields[i].name), &after->fields[i],
		      look_at_field);
	for (unsigned i = 0; i < before->field_count; i++)
		if (!field_named(after, before->fields[i].name))
			below(walk, before->fields[i].name, &before->fields[i], NULL, look_at_field);
}

static void compare_symbols(struct walk *walk, const struct avro_type *before, const struct avro_type *after)
{
	for (unsigned i = 0; i < before->symbol_count; i++)
		if (avro_symbol_index(after, view_of(before->symbols[i])) < 0)
			tell(walk, "has no symbol %s any more", before->symbols[i]);
	for (unsigned i = 0; i < after->symbol_count; i++)
		if (avro_symbol_index(before, view_of(after->symbols[i])) < 0)
			tell(walk, "has the new symbol %s", after->symbols[i]);
}

static void compare(struct walk *walk, const struct avro_type *before, const struct avro_type *after)
{
	char was[200], is[200];

	if (!same_kind(before, after)) {
		name_type(before, was, sizeof(was));
		name_type(after, is, sizeof(is));
		tell(walk, "was %s and is %s", was, is);
	} else if (after->kind == AVRO_RECORD && !seen_before(walk, after)) {
		compare_records(walk, before, after);
	} else if (after->kind == AVRO_ENUM && !seen_before(walk, after)) {
		compare_symbols(walk, before, after);
	} else if (after->kind == AVRO_ARRAY || after->kind == AVRO_MAP) {
		compare(walk, before->items, after->items);
	}
}

void avro_differences(const struct avro_type *before, const struct avro_type *after, struct writer *to)
{
	struct walk walk = {.to = to};

	compare(&walk, before, after);
	if (walk.told > DIFFERENCES_MOST)
		wr_printf(to, "; and %u more", walk.told - DIFFERENCES_MOST);
}
