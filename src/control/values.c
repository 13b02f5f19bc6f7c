/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* One row for each type of option: reading, printing, describing. */
#include "control/values.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "control/secrets.h"

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit duration_units[] = {
	{"us", 1}, {"ms", USEC_PER_MSEC}, {"s", USEC_PER_SEC}, {"min", 60 * USEC_PER_SEC},
	{"h", 3600 * USEC_PER_SEC}, {"d", 24 * 3600 * USEC_PER_SEC}, {NULL, 0},
};

static const struct unit size_units[] = {
	{"B", 1}, {"kB", 1024}, {"MB", 1024 * 1024}, {"GB", 1024 * 1024 * 1024}, {NULL, 0},
};

static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

/* Complaints ---------------------------------------------------------------------------------- */

/* A secret's complaint points at its key: not even the place says how long it is. */
static struct place place_of(const struct option *option, const struct yaml_node *node)
{
	return option->secret && node->key ? node->key_at : node->at;
}

/* "'x' must be a duration from 1s to 1d, not '20': why" */
static int refuse(struct value_reader *reader, const struct option *option, const struct yaml_node *node,
		  const char *why)
{
	static const char *const kinds[] = {[YAML_SEQUENCE] = "a list", [YAML_MAPPING] = "a mapping"};
	struct writer noun = {0};

	option_describe(option, &noun);
	if (yaml_is_null(node))
		diag_error(reader->diag, place_of(option, node), "'%s' has no value; it must be %.*s", option->name,
			   VIEW_ARG(wr_view(&noun)));
	else if (node->kind != YAML_SCALAR)
		diag_error(reader->diag, place_of(option, node), "'%s' must be %.*s, not %s", option->name,
			   VIEW_ARG(wr_view(&noun)), kinds[node->kind]);
	else if (option->secret)
		diag_error(reader->diag, place_of(option, node), "'%s' must be %.*s", option->name,
			   VIEW_ARG(wr_view(&noun)));
	else
		diag_error(reader->diag, place_of(option, node), "'%s' must be %.*s, not '%.*s'%s", option->name,
			   VIEW_ARG(wr_view(&noun)), VIEW_ARG(node->text), why);
	wr_done(&noun);
	return -1;
}

/* Numbers ------------------------------------------------------------------------------------- */

/* The digits at the beginning: how many, and their value; too large ones become INT64_MAX. */
static size_t leading_number(struct view text, int64_t *ret)
{
	size_t i = 0;

	*ret = 0;
	for (; i < text.len && isdigit((unsigned char)text.ptr[i]); i++)
		if (__builtin_mul_overflow(*ret, 10, ret) || __builtin_add_overflow(*ret, text.ptr[i] - '0', ret))
			*ret = INT64_MAX / 10;
	return i;
}

static const struct unit *find_unit(const struct unit *units, struct view name)
{
	for (; units->name; units++)
		if (view_is(name, units->name))
			return units;
	return NULL;
}

static int read_with_units(struct value_reader *reader, const struct option *option, const struct yaml_node *node,
			   const struct unit *units, const char *no_unit, const char *bad_unit)
{
	int64_t *member = option_member(option, reader->settings), number;
	size_t digits = node->kind == YAML_SCALAR ? leading_number(node->text, &number) : 0;
	const struct unit *unit;
	struct view rest;

	if (node->kind == YAML_SCALAR && option->word && view_is(node->text, option->word)) {
		*member = option->word_value;
		return 0;
	}
	if (!digits)
		return refuse(reader, option, node, "");
	rest = (struct view){node->text.ptr + digits, node->text.len - digits};
	while (rest.len && *rest.ptr == ' ')
		rest = (struct view){rest.ptr + 1, rest.len - 1};
	unit = find_unit(units, rest);
	if (!unit)
		return refuse(reader, option, node, rest.len ? bad_unit : no_unit);
	if (__builtin_mul_overflow(number, unit->factor, &number) || number < option->least || number > option->most)
		return refuse(reader, option, node, "");
	*member = number;
	return 0;
}

static int read_integer(struct value_reader *reader, const struct option *option, const struct yaml_node *node)
{
	return read_with_units(reader, option, node, no_units, "", "");
}

static int read_duration(struct value_reader *reader, const struct option *option, const struct yaml_node *node)
{
	return read_with_units(reader, option, node, duration_units, ": the unit is missing (us, ms, s, min, h, d)",
			       ": the unit must be one of us, ms, s, min, h, d");
}

static int read_size(struct value_reader *reader, const struct option *option, const struct yaml_node *node)
{
	return read_with_units(reader, option, node, size_units, ": the unit is missing (B, kB, MB, GB)",
			       ": the unit must be one of B, kB, MB, GB");
}

static int read_boolean(struct value_reader *reader, const struct option *option, const struct yaml_node *node)
{
	int64_t *member = option_member(option, reader->settings);

	if (node->kind != YAML_SCALAR || (!view_is(node->text, "true") && !view_is(node->text, "false")))
		return refuse(reader, option, node, "");
	*member = view_is(node->text, "true");
	return 0;
}

static int read_choice(struct value_reader *reader, const struct option *option, const struct yaml_node *node)
{
	int64_t *member = option_member(option, reader->settings);

	for (int i = 0; node->kind == YAML_SCALAR && option->choices[i]; i++) {
		if (view_is(node->text, option->choices[i])) {
			*member = i;
			return 0;
		}
	}
	return refuse(reader, option, node, "");
}

/* Texts --------------------------------------------------------------------------------------- */

static int read_scalar(struct value_reader *reader, const struct option *option, const struct yaml_node *node,
		       struct view *ret)
{
	if (node->kind != YAML_SCALAR || yaml_is_null(node))
		return refuse(reader, option, node, "");
	if (reader->as_written) {
		*ret = arena_copy(reader->arena, node->text);
		return 0;
	}
	if (secrets_expand(node->text, place_of(option, node), reader->arena, ret, reader->diag) < 0)
		return -1;
	return option->form && !option->form->fits(*ret) ? refuse(reader, option, node, "") : 0;
}

static int read_text(struct value_reader *reader, const struct option *option, const struct yaml_node *node)
{
	const char **member = option_member(option, reader->settings);
	struct view text;

	if (read_scalar(reader, option, node, &text) < 0)
		return -1;
	*member = text.ptr;
	return 0;
}

static int read_path(struct value_reader *reader, const struct option *option, const struct yaml_node *node)
{
	const char **member = option_member(option, reader->settings);

	if (read_text(reader, option, node) < 0)
		return -1;
	if (**member == '\0')
		return refuse(reader, option, node, "");
	if (option->word && strcmp(*member, option->word) == 0)
		return 0;
	if (**member != '/' && !(reader->as_written && secrets_mentioned(view_of(*member))))
		*member = arena_printf(reader->arena, "%.*s%s", VIEW_ARG(reader->folder), *member).ptr;
	return 0;
}

static int read_list(struct value_reader *reader, const struct option *option, const struct yaml_node *node)
{
	struct conf_list *member = option_member(option, reader->settings);
	struct option item = *option;
	int result = 0;

	if (node->kind != YAML_SEQUENCE)
		return refuse(reader, option, node, "");
	item.type = OPTION_TEXT;
	*member = (struct conf_list){.items = ARENA_ARRAY(reader->arena, const char *, node->count + 1)};
	for (const struct yaml_node *child = node->first; child; child = child->next) {
		struct view text;

		if (read_scalar(reader, &item, child, &text) < 0)
			result = -1;
		else
			member->items[member->count++] = text.ptr;
	}
	return result;
}

static int read_entry(struct value_reader *reader, const struct option *option, const struct yaml_node *node,
		      struct kafka_property *ret)
{
	struct option entry = {.type = OPTION_TEXT, .secret = option->secret || diag_names_secret(view_of(node->key))};
	struct view name = arena_printf(reader->arena, "%s.%s", option->name, node->key), text;

	entry.name = name.ptr;
	if (read_scalar(reader, &entry, node, &text) < 0)
		return -1;
	*ret = (struct kafka_property){name.ptr + strlen(option->name) + 1, text.ptr};
	return 0;
}

static int read_map(struct value_reader *reader, const struct option *option, const struct yaml_node *node)
{
	struct conf_map *member = option_member(option, reader->settings);
	int result = 0;

	if (node->kind != YAML_MAPPING)
		return refuse(reader, option, node, "");
	*member = (struct conf_map){.entries = ARENA_ARRAY(reader->arena, struct kafka_property, node->count + 1)};
	for (const struct yaml_node *child = node->first; child; child = child->next) {
		if (read_entry(reader, option, child, &member->entries[member->count]) < 0)
			result = -1;
		else
			member->count++;
	}
	return result;
}

/* Printing ------------------------------------------------------------------------------------ */

static void print_with_units(const struct option *option, int64_t number, const struct unit *units, struct writer *to)
{
	const struct unit *best = units;

	if (option->word && number == option->word_value) {
		wr_printf(to, "%s", option->word);
		return;
	}
	for (const struct unit *unit = units; unit->name; unit++)
		if (number && number % unit->factor == 0)
			best = unit;
	wr_printf(to, "%" PRId64 "%s", number / best->factor, best->name);
}

static void print_integer(const struct option *option, int64_t number, struct writer *to)
{
	print_with_units(option, number, no_units, to);
}

static void print_duration(const struct option *option, int64_t number, struct writer *to)
{
	print_with_units(option, number, duration_units, to);
}

static void print_size(const struct option *option, int64_t number, struct writer *to)
{
	print_with_units(option, number, size_units, to);
}

static void print_boolean(const struct option *option, int64_t number, struct writer *to)
{
	(void)option;
	wr_printf(to, "%s", number ? "true" : "false");
}

static void print_choice(const struct option *option, int64_t number, struct writer *to)
{
	wr_printf(to, "%s", option->choices[number]);
}

static void print_list(const struct conf_list *list, struct writer *to)
{
	wr_u8(to, '[');
	for (size_t i = 0; i < list->count; i++) {
		wr_printf(to, "%s", i ? ", " : "");
		json_text(to, view_of(list->items[i]));
	}
	wr_u8(to, ']');
}

/* JSON wants quotes around names. */
static void print_map(const struct conf_map *map, bool json, struct writer *to)
{
	const char *quote = json ? "\"" : "";

	wr_u8(to, '{');
	for (size_t i = 0; i < map->count; i++) {
		const struct kafka_property *entry = &map->entries[i];

		wr_printf(to, "%s%s%s%s: ", i ? ", " : "", quote, entry->name, quote);
		json_text(to, diag_names_secret(view_of(entry->name)) ? VIEW("***") : view_of(entry->value));
	}
	wr_u8(to, '}');
}

/* Comparing ----------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_texts(const void *a, const void *b)
{
	return same_text(*(const char *const *)a, *(const char *const *)b);
}

static bool same_numbers(const void *a, const void *b)
{
	return *(const int64_t *)a == *(const int64_t *)b;
}

static bool same_lists(const void *a, const void *b)
{
	const struct conf_list *left = a, *right = b;
	bool same = left->count == right->count;

	for (size_t i = 0; same && i < left->count; i++)
		same = same_text(left->items[i], right->items[i]);
	return same;
}

static bool same_maps(const void *a, const void *b)
{
	const struct conf_map *left = a, *right = b;
	bool same = left->count == right->count;

	for (size_t i = 0; same && i < left->count; i++)
		same = same_text(left->entries[i].name, right->entries[i].name) &&
		       same_text(left->entries[i].value, right->entries[i].value);
	return same;
}

/* The table ----------------------------------------------------------------------------------- */

static void describe_range(const struct option *option, const char *noun,
			   void (*print)(const struct option *option, int64_t number, struct writer *to),
			   struct writer *to)
{
	wr_printf(to, "%s from ", noun);
	print(option, option->least, to);
	wr_printf(to, " to ");
	print(option, option->most, to);
	if (option->word)
		wr_printf(to, ", or '%s'", option->word);
}

static void describe_choices(const struct option *option, struct writer *to)
{
	for (size_t i = 0; option->choices[i]; i++)
		wr_printf(to, "%s%s", i == 0 ? "" : option->choices[i + 1] ? ", " : " or ", option->choices[i]);
}

static const struct kind {
	const char *noun;
	int (*read)(struct value_reader *reader, const struct option *option, const struct yaml_node *node);
	void (*print_number)(const struct option *option, int64_t number, struct writer *to); /* NULL: no number */
	bool (*same)(const void *a, const void *b);
	size_t bytes;
} kinds[] = {
	[OPTION_TEXT] = {"a text", read_text, NULL, same_texts, sizeof(const char *)},
	[OPTION_PATH] = {"a path", read_path, NULL, same_texts, sizeof(const char *)},
	[OPTION_INTEGER] = {"a whole number", read_integer, print_integer, same_numbers, sizeof(int64_t)},
	[OPTION_BOOLEAN] = {"true or false", read_boolean, print_boolean, same_numbers, sizeof(int64_t)},
	[OPTION_CHOICE] = {NULL, read_choice, print_choice, same_numbers, sizeof(int64_t)},
	[OPTION_DURATION] = {"a duration", read_duration, print_duration, same_numbers, sizeof(int64_t)},
	[OPTION_SIZE] = {"a size", read_size, print_size, same_numbers, sizeof(int64_t)},
	[OPTION_LIST] = {"a list", read_list, NULL, same_lists, sizeof(struct conf_list)},
	[OPTION_MAP] = {"a mapping of names to texts", read_map, NULL, same_maps, sizeof(struct conf_map)},
};

bool option_same(const struct option *option, const struct settings *a, const struct settings *b)
{
	return kinds[option->type].same((const char *)a + option->offset, (const char *)b + option->offset);
}

void option_copy(const struct option *option, const struct settings *from, struct settings *to)
{
	memcpy((char *)to + option->offset, (const char *)from + option->offset, kinds[option->type].bytes);
}

void option_describe(const struct option *option, struct writer *to)
{
	const struct kind *kind = &kinds[option->type];

	if (option->choices)
		describe_choices(option, to);
	else if (option->most)
		describe_range(option, kind->noun, kind->print_number, to);
	else if (option->type == OPTION_LIST)
		wr_printf(to, "a list, each item %s", option->form->noun);
	else
		wr_printf(to, "%s%s%s%s", option->form ? option->form->noun : kind->noun, option->word ? ", or '" : "",
			  option->word ? option->word : "", option->word ? "'" : "");
}

int value_read(struct value_reader *reader, const struct option *option, const struct yaml_node *node)
{
	return kinds[option->type].read(reader, option, node);
}

static void print_text(const char *text, struct writer *to)
{
	if (text)
		json_text(to, view_of(text));
	else
		wr_printf(to, "null");
}

void value_print(const struct option *option, const struct settings *settings, struct writer *to)
{
	const void *member = (const char *)settings + option->offset;

	if (kinds[option->type].print_number)
		kinds[option->type].print_number(option, *(const int64_t *)member, to);
	else if (option->type == OPTION_LIST)
		print_list(member, to);
	else if (option->type == OPTION_MAP)
		print_map(member, false, to);
	else
		print_text(option->secret && *(const char *const *)member ? "***" : *(const char *const *)member, to);
}

/* A number with a unit, a word or a choice is a text in JSON; the rest looks there as it does here. */
void value_print_json(const struct option *option, const struct settings *settings, struct writer *to)
{
	const void *member = (const char *)settings + option->offset;
	bool bare = option->type == OPTION_BOOLEAN || (option->type == OPTION_INTEGER && !option->word);
	struct writer text = {0};

	if (option->type == OPTION_MAP) {
		print_map(member, true, to);
		return;
	}
	if (bare || !kinds[option->type].print_number) {
		value_print(option, settings, to);
		return;
	}
	value_print(option, settings, &text);
	json_text(to, wr_view(&text));
	wr_done(&text);
}
