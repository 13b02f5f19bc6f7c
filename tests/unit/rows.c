/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* A reader for the texts of rows.h; what it does not understand ends the test program. */
#include "unit/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/datetime.h"

static const struct {
	const char *name;
	struct type type;
} types[] = {
	{"bool", {TYPE_BOOL, 0, 0}},       {"int16", {TYPE_INT16, 0, 0}},
	{"int32", {TYPE_INT32, 0, 0}},     {"int64", {TYPE_INT64, 0, 0}},
	{"float32", {TYPE_FLOAT32, 0, 0}}, {"float64", {TYPE_FLOAT64, 0, 0}},
	{"decimal", {TYPE_DECIMAL, 14, 2}}, {"numeric", {TYPE_DECIMAL_VARIABLE, 0, 0}},
	{"text", {TYPE_TEXT, 0, 0}},       {"bytes", {TYPE_BYTES, 0, 0}},
	{"uuid", {TYPE_UUID, 0, 0}},       {"json", {TYPE_JSON, 0, 0}},
	{"enum", {TYPE_ENUM, 0, 0}},       {"date", {TYPE_DATE, 0, 0}},
	{"time", {TYPE_TIME, 0, 6}},       {"timestamp", {TYPE_TIMESTAMP, 0, 6}},
	{"zoned", {TYPE_TIMESTAMP_ZONED, 0, 6}}, {"interval", {TYPE_INTERVAL, 0, 0}},
	{"other", {TYPE_OTHER, 0, 0}},     {"xml", {TYPE_XML, 0, 0}},
	{"ltree", {TYPE_LTREE, 0, 0}},     {"tsvector", {TYPE_TSVECTOR, 0, 0}},
	{"bits", {TYPE_BITS, 8, 0}},       {"timetz", {TYPE_TIME_ZONED, 0, 6}},
	{"point", {TYPE_POINT, 0, 0}},     {"array", {TYPE_ARRAY, 0, 0}},
};

static void refuse(const char *what, const char *text)
{
	fprintf(stderr, "rows: %s: %s\n", what, text);
	abort();
}

static struct type type_of(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	refuse("no such type", name);
	return types[0].type;
}

static void add_column(struct arena *arena, struct table *table, char *word)
{
	struct column *column = &table->columns[table->column_count];
	char name[64], type[64];

	while (*word == ' ' || *word == '\n' || *word == '\t')
		word++;
	if (*word == '*') {
		table->key[table->key_count++] = table->column_count;
		column->identity = true;
		word++;
	}
	if (sscanf(word, "%63s %63s", name, type) != 2)
		refuse("no column", word);
	column->name = arena_copy(arena, view_of(name)).ptr;
	column->type = type_of(type);
	column->source_type = arena_copy(arena, view_of(type)).ptr;
	column->source_modifier = -1;
	table->column_count++;
}

struct table *rows_table(struct arena *arena, const char *spec)
{
	static uint32_t uid;
	struct table *table = ARENA_NEW(arena, struct table);
	char *text = (char *)arena_copy(arena, view_of(spec + (*spec == '@'))).ptr, *save;
	char *name = strtok_r(text, "(", &save), *dot = strchr(name, '.');

	if (dot)
		*dot = '\0';
	table->schema = dot ? name : "public";
	table->name = dot ? dot + 1 : name;
	table->uid = uid++;
	for (const char *c = table->name; *c; c++)
		table->source_id = table->source_id * 31 + (unsigned char)*c;
	table->columns = ARENA_ARRAY(arena, struct column, 64);
	table->key = ARENA_ARRAY(arena, unsigned, 8);
	for (char *word; (word = strtok_r(NULL, ",)", &save));)
		add_column(arena, table, word);
	if (*spec == '@')
		table->identity = IDENTITY_FULL;
	table_seal(table);
	return table;
}

static void parse_value(struct arena *arena, struct type type, const char *text, struct value *value)
{
	int result = 0;

	value->state = VALUE_PRESENT;
	switch (type.kind) {
	case TYPE_BOOL:
	case TYPE_INT16:
	case TYPE_INT32:
	case TYPE_INT64:
		value->integer = strtoll(text, NULL, 10);
		break;
	case TYPE_FLOAT32:
	case TYPE_FLOAT64:
		value->real = strtod(text, NULL);
		value->text = arena_copy(arena, view_of(text));
		break;
	case TYPE_DATE:
		result = date_parse(view_of(text), &value->integer);
		break;
	case TYPE_TIME:
		result = time_parse(view_of(text), &value->integer);
		break;
	case TYPE_TIMESTAMP:
	case TYPE_TIMESTAMP_ZONED:
		result = timestamp_parse(view_of(text), type.kind == TYPE_TIMESTAMP_ZONED, &value->integer);
		break;
	default:
		value->text = arena_copy(arena, view_of(text));
	}
	if (result < 0)
		refuse("no value of its type", text);
}

static void parse_row(struct arena *arena, const struct table *table, const char *text, struct row *row)
{
	row->image = IMAGE_FULL;
	row->values = ARENA_ARRAY(arena, struct value, table->column_count);
	for (unsigned i = 0; i < table->column_count; i++) {
		size_t len = strcspn(text, "|");
		const char *word = arena_copy(arena, (struct view){text, len}).ptr;

		if (strcmp(word, "~") == 0)
			row->values[i].state = VALUE_NULL;
		else if (strcmp(word, "!") == 0)
			row->values[i].state = VALUE_UNCHANGED;
		else if (strcmp(word, ".") == 0)
			row->image = IMAGE_KEY;
		else
			parse_value(arena, table->columns[i].type, word, &row->values[i]);
		text += len + (text[len] == '|');
	}
	if (*text)
		refuse("too many values", text);
}

struct change rows_change(struct arena *arena, const struct table *table, const char *text)
{
	struct change change = {.table = table};
	char *copy = (char *)arena_copy(arena, view_of(text)).ptr, *old = strstr(copy, " <- ");

	if (old) {
		*old = '\0';
		parse_row(arena, table, old + 4, &change.before);
	}
	switch (*copy) {
	case '+':
		change.op = CHANGE_INSERT;
		break;
	case '=':
		change.op = CHANGE_UPDATE;
		break;
	case 'r':
		change.op = CHANGE_READ;
		break;
	case '-':
		change.op = CHANGE_DELETE;
		parse_row(arena, table, copy + 2, &change.before);
		return change;
	case '0':
		change.op = CHANGE_TRUNCATE;
		return change;
	default:
		refuse("no change", text);
	}
	parse_row(arena, table, copy + 2, &change.after);
	return change;
}
