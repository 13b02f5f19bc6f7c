/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Which column has which mask, and what that makes of its values. */
#include "mask/mask.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/memory.h"
#include "secret.h"
#include "state/cell.h"

#define SHOWN_CHARACTERS 4
#define SHOWN_OF_AT_LEAST 8 /* of fewer characters four would be too many */

const struct mask_class mask_classes[] = {
	{"account", MASK_LAST4, "numbers of bank accounts and cards"},
	{"address", MASK_DROP, "where a person lives"},
	{"birth", MASK_DROP, "days of birth"},
	{"email", MASK_TOKEN, "e-mail addresses"},
	{"identity", MASK_TOKEN, "numbers that a state gives to a person"},
	{"name", MASK_TOKEN, "names of persons"},
	{"note", MASK_DROP, "free text, which may say anything"},
	{"phone", MASK_LAST4, "telephone numbers"},
	{"rate", MASK_DROP, "what a person costs or earns"},
};

const size_t mask_class_count = sizeof(mask_classes) / sizeof(mask_classes[0]);

/* A rule with what it comes to. */
struct rule {
	char *columns;
	enum mask_method method;
	bool any_schema;      /* the pattern has no schema */
};

struct masks {
	struct rule *rules;   /* the first that fits decides */
	size_t count;
	struct secret *secret; /* NULL: no rule needs one */
	char source_types[MASK_METHODS][40];
	struct arena arena;   /* the masked values of one change */
};

int mask_method_find(const char *name)
{
	for (int i = 0; i < MASK_METHODS; i++)
		if (strcmp(mask_method_names[i], name) == 0)
			return i;
	return -1;
}

const struct mask_class *mask_class_find(const char *name)
{
	for (size_t i = 0; i < mask_class_count; i++)
		if (strcmp(mask_classes[i].name, name) == 0)
			return &mask_classes[i];
	return NULL;
}

/* Rules ---------------------------------------------------------------------------------------- */

static int no_method(const char *what, const char *name, struct error *err)
{
	error_set(err, ERROR_INPUT, "masking of %s: there is no method or class '%s'", what, name);
	return error_hint(err, "methods: keep, drop, last4, token, encrypt; the manual lists the classes under masking.classes");
}

/* What the configuration makes of a class, or its own method. */
static int method_of_class(const struct mask_options *options, const struct mask_class *class, struct error *err)
{
	for (size_t i = 0; i < options->class_count; i++) {
		const struct mask_rule *rule = &options->classes[i];
		int method = mask_method_find(rule->what);

		if (strcmp(rule->columns, class->name) != 0)
			continue;
		return method < 0 ? no_method(rule->columns, rule->what, err) : method;
	}
	return (int)class->method;
}

static int method_of(const struct mask_options *options, const struct mask_rule *rule, struct error *err)
{
	const struct mask_class *class = mask_class_find(rule->what);
	int method = mask_method_find(rule->what);

	if (class)
		return method_of_class(options, class, err);
	return method < 0 ? no_method(rule->columns, rule->what, err) : method;
}

static unsigned count_dots(const char *text)
{
	unsigned dots = 0;

	for (; *text; text++)
		dots += *text == '.';
	return dots;
}

static int needs_key(const struct mask_options *options, const struct mask_rule *rule, struct error *err)
{
	if (!options->key)
		error_set(err, ERROR_INPUT, "masking of %s (%s) needs a key, and there is no masking.key", rule->columns,
			  rule->what);
	else
		error_set(err, ERROR_INPUT, "masking.key is too short: it must have %d characters or more",
			  MASK_KEY_BYTES_LEAST);
	return error_hint(err, "run: (umask 077; openssl rand -base64 32 >FILE), and set masking.key: ${file:FILE}; "
			       "or choose drop or last4 under masking.columns or masking.classes");
}

static int add_rules(struct masks *masks, const struct mask_options *options, const struct mask_rule *rules, size_t count,
		     bool *keyed, struct error *err)
{
	bool has_key = options->key && strlen(options->key) >= MASK_KEY_BYTES_LEAST;

	for (size_t i = 0; i < count; i++) {
		int method = method_of(options, &rules[i], err);

		if (method < 0)
			return -1;
		if ((method == MASK_TOKEN || method == MASK_ENCRYPT) && !has_key)
			return needs_key(options, &rules[i], err);
		*keyed |= method == MASK_TOKEN || method == MASK_ENCRYPT;
		masks->rules[masks->count++] = (struct rule){
			.columns = mem_printf("%s", rules[i].columns),
			.method = (enum mask_method)method,
			.any_schema = count_dots(rules[i].columns) < 2,
		};
	}
	return 0;
}

/* "token (key 1f2e3d4c)", as a column's type is told: another key makes another version of the table. */
static void name_types(struct masks *masks)
{
	for (int i = 0; i < MASK_METHODS; i++) {
		bool keyed = masks->secret && (i == MASK_TOKEN || i == MASK_ENCRYPT);

		snprintf(masks->source_types[i], sizeof(masks->source_types[i]), "masked by %s%s%s%s", mask_method_names[i],
			 keyed ? " (key " : "", keyed ? secret_name(masks->secret) : "", keyed ? ")" : "");
	}
}

int masks_new(struct masks **ret, const struct mask_options *options, struct error *err)
{
	struct masks *masks = MEM_NEW(struct masks);
	bool keyed = false;

	arena_init(&masks->arena);
	masks->rules = MEM_ARRAY(struct rule, options->site_count + options->pack_count + 1);
	if (add_rules(masks, options, options->site, options->site_count, &keyed, err) < 0 ||
	    add_rules(masks, options, options->pack, options->pack_count, &keyed, err) < 0 ||
	    (keyed && secret_new(&masks->secret, view_of(options->key), err) < 0)) {
		masks_free(masks);
		return -1;
	}
	name_types(masks);
	*ret = masks;
	return 0;
}

void masks_free(struct masks *masks)
{
	if (!masks)
		return;
	for (size_t i = 0; i < masks->count; i++)
		free(masks->rules[i].columns);
	free(masks->rules);
	secret_free(masks->secret);
	arena_done(&masks->arena);
	free(masks);
}

bool masks_any(const struct masks *masks)
{
	return masks->count > 0;
}

/* Shapes --------------------------------------------------------------------------------------- */

static bool fits(const char *pattern, bool any_schema, const struct table *table, const struct column *column)
{
	char name[400];

	snprintf(name, sizeof(name), "%s%s%s.%s", any_schema ? "" : table->schema, any_schema ? "" : ".", table->name,
		 column->name);
	return fnmatch(pattern, name, 0) == 0;
}

static enum mask_method find_method(const struct masks *masks, const struct table *table, const struct column *column)
{
	for (size_t i = 0; i < masks->count; i++)
		if (fits(masks->rules[i].columns, masks->rules[i].any_schema, table, column))
			return masks->rules[i].method;
	return MASK_KEEP;
}

/*
 * A column whose mask, key or true type changes is another column to whoever compares versions by type and modifier.
 */
static int32_t true_shape(const struct column *column, const char *masked_by)
{
	uint64_t hash = hash_bytes(view_of(masked_by), 0);

	hash = hash_bytes((struct view){(const char *)&column->source_oid, sizeof(column->source_oid)}, hash);
	hash = hash_bytes((struct view){(const char *)&column->source_modifier, sizeof(column->source_modifier)}, hash);
	hash = hash_bytes((struct view){(const char *)&column->type.kind, sizeof(column->type.kind)}, hash);
	return (int32_t)(hash & INT32_MAX);
}

static void shape_column(const struct masks *masks, struct column *column, enum mask_method method)
{
	column->source_modifier = true_shape(column, masks->source_types[method]);
	column->source_oid = 0;
	column->source_type = masks->source_types[method];
	column->unmasked = column->type;
	column->mask = method;
	if (method == MASK_DROP)
		return;
	column->type = (struct type){.kind = TYPE_TEXT};
	column->element = (struct type){0};
	column->element_from_text = NULL;
	column->labels = NULL;
}

void masks_shape(const void *arg, struct table *draft)
{
	const struct masks *masks = arg;

	for (unsigned i = 0; i < draft->column_count; i++) {
		enum mask_method method = find_method(masks, draft, &draft->columns[i]);

		if (method == MASK_KEEP)
			continue;
		shape_column(masks, &draft->columns[i], method);
		draft->masked = true;
	}
}

int masks_check(const struct table *table, struct error *err)
{
	for (unsigned i = 0; i < table->key_count; i++) {
		const struct column *column = &table->columns[table->key[i]];

		if (column->mask != MASK_DROP && column->mask != MASK_LAST4)
			continue;
		error_set(err, ERROR_INPUT, "column %s.%s.%s belongs to the key: masked by %s, different rows would be the same",
			  table->schema, table->name, column->name, mask_method_names[column->mask]);
		return error_hint(err, "choose token or encrypt for it under masking.columns");
	}
	return 0;
}

/* Values --------------------------------------------------------------------------------------- */

/* Where the last four characters begin; the end of the text if there are too few. */
static size_t last_characters(struct view text)
{
	size_t at = text.len;
	unsigned shown = 0, all = 0;

	for (size_t i = 0; i < text.len; i++)
		all += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
	if (all < SHOWN_OF_AT_LEAST)
		return text.len;
	while (at && shown < SHOWN_CHARACTERS)
		shown += ((unsigned char)text.ptr[--at] & 0xc0) != 0x80;
	return at;
}

static int mask_last4(struct masks *masks, const struct column *column, struct view text, struct view *ret)
{
	size_t from = column->unmasked.kind == TYPE_BYTES ? text.len : last_characters(text);

	*ret = arena_printf(&masks->arena, "****%.*s", (int)(text.len - from), text.ptr + from);
	return 0;
}

static int mask_text(struct masks *masks, const struct column *column, struct view text, struct view *ret,
		     struct error *err)
{
	switch (column->mask) {
	case MASK_LAST4:
		return mask_last4(masks, column, text, ret);
	case MASK_TOKEN:
		return secret_token(masks->secret, text, &masks->arena, ret, err);
	default:
		return secret_encrypt(masks->secret, text, &masks->arena, ret, err);
	}
}

static int mask_value(struct masks *masks, const struct column *column, struct value *value, struct error *err)
{
	char scratch[DATETIME_TEXT_BYTES];
	struct view masked;

	if (column->mask == MASK_DROP) {
		*value = (struct value){.state = value->state == VALUE_ABSENT ? VALUE_ABSENT : VALUE_NULL};
		return 0;
	}
	if (value->state != VALUE_PRESENT)
		return 0;
	if (mask_text(masks, column, cell_text(column->unmasked, value, scratch), &masked, err) < 0)
		return -1;
	*value = (struct value){.state = VALUE_PRESENT, .text = masked};
	return 0;
}

static int mask_row(struct masks *masks, const struct table *table, const struct row *row, struct error *err)
{
	if (row->image == IMAGE_NONE)
		return 0;
	for (unsigned i = 0; i < table->column_count; i++)
		if (table->columns[i].mask != MASK_KEEP &&
		    mask_value(masks, &table->columns[i], &row->values[i], err) < 0)
			return -1;
	return 0;
}

int masks_apply(struct masks *masks, const struct change *change, struct error *err)
{
	arena_reset(&masks->arena);
	if (mask_row(masks, change->table, &change->before, err) < 0)
		return -1;
	return mask_row(masks, change->table, &change->after, err);
}

bool masks_keyed(const struct masks *masks)
{
	return masks->secret != NULL;
}

int masks_seal(struct masks *masks, struct view text, struct arena *arena, struct view *ret, struct error *err)
{
	return secret_encrypt(masks->secret, text, arena, ret, err);
}

int masks_unseal(struct masks *masks, struct view sealed, struct arena *arena, struct view *ret)
{
	return masks->secret ? secret_decrypt(masks->secret, sealed, arena, ret) : -1;
}

static bool rule_used(const struct mask_rule *rule, const struct table *const *tables, size_t count)
{
	bool any_schema = count_dots(rule->columns) < 2;

	for (size_t i = 0; i < count; i++)
		for (unsigned j = 0; j < tables[i]->column_count; j++)
			if (fits(rule->columns, any_schema, tables[i], &tables[i]->columns[j]))
				return true;
	return false;
}

void masks_unused(const struct mask_rule *rules, size_t count, const struct table *const *tables, size_t table_count,
		  void (*tell)(void *arg, const struct mask_rule *rule), void *arg)
{
	for (size_t i = 0; i < count; i++)
		if (!rule_used(&rules[i], tables, table_count))
			tell(arg, &rules[i]);
}
