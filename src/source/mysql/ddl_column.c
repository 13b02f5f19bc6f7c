/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The definition of a column: its type, and those of its attributes that count for how its values are written. */
#include <stdlib.h>
#include <string.h>

#include "ddl_parse.h"

/* What a type is called, and what the server makes of it. Longer ones before those that they begin with. */
static const struct {
	const char *words;
	const char *type;
	unsigned length;
	const char *charset;
} type_names[] = {
	{"double precision", "double", 0, NULL},    {"national varchar", "varchar", 0, "utf8"},
	{"national char", "char", 0, "utf8"},       {"character varying", "varchar", 0, NULL},
	{"char varying", "varchar", 0, NULL},       {"long varchar", "mediumtext", 0, NULL},
	{"long varbinary", "mediumblob", 0, NULL},
	{"tinyint", "tinyint", 0, NULL},            {"int1", "tinyint", 0, NULL},
	{"bool", "tinyint", 1, NULL},               {"boolean", "tinyint", 1, NULL},
	{"smallint", "smallint", 0, NULL},          {"int2", "smallint", 0, NULL},
	{"mediumint", "mediumint", 0, NULL},        {"int3", "mediumint", 0, NULL},
	{"middleint", "mediumint", 0, NULL},        {"int", "int", 0, NULL},
	{"integer", "int", 0, NULL},                {"int4", "int", 0, NULL},
	{"bigint", "bigint", 0, NULL},              {"int8", "bigint", 0, NULL},
	{"float4", "float", 0, NULL},               {"float", "float", 0, NULL},
	{"float8", "double", 0, NULL},              {"double", "double", 0, NULL},
	{"decimal", "decimal", 0, NULL},            {"numeric", "decimal", 0, NULL},
	{"dec", "decimal", 0, NULL},                {"fixed", "decimal", 0, NULL},
	{"year", "year", 0, NULL},                  {"bit", "bit", 0, NULL},
	{"date", "date", 0, NULL},                  {"time", "time", 0, NULL},
	{"datetime", "datetime", 0, NULL},          {"timestamp", "timestamp", 0, NULL},
	{"char", "char", 0, NULL},                  {"character", "char", 0, NULL},
	{"nchar", "char", 0, "utf8"},               {"nvarchar", "varchar", 0, "utf8"},
	{"varchar", "varchar", 0, NULL},            {"varcharacter", "varchar", 0, NULL},
	{"binary", "binary", 0, NULL},              {"varbinary", "varbinary", 0, NULL},
	{"tinytext", "tinytext", 0, NULL},          {"text", "text", 0, NULL},
	{"mediumtext", "mediumtext", 0, NULL},      {"longtext", "longtext", 0, NULL},
	{"long", "mediumtext", 0, NULL},            {"tinyblob", "tinyblob", 0, NULL},
	{"blob", "blob", 0, NULL},                  {"mediumblob", "mediumblob", 0, NULL},
	{"longblob", "longblob", 0, NULL},          {"enum", "enum", 0, NULL},
	{"set", "set", 0, NULL},                    {"json", "json", 0, NULL},
	{"uuid", "uuid", 0, NULL},                  {"inet4", "inet4", 0, NULL},
	{"inet6", "inet6", 0, NULL},                {"geometry", "geometry", 0, NULL},
	{"point", "point", 0, NULL},                {"linestring", "linestring", 0, NULL},
	{"polygon", "polygon", 0, NULL},            {"multipoint", "multipoint", 0, NULL},
	{"multilinestring", "multilinestring", 0, NULL}, {"multipolygon", "multipolygon", 0, NULL},
	{"geometrycollection", "geometrycollection", 0, NULL}, {"geomcollection", "geometrycollection", 0, NULL},
	{"vector", "vector", 0, NULL},
};

#define TYPE_NAMES (sizeof(type_names) / sizeof(type_names[0]))
#define LABELS_MOST 65535

static unsigned number(struct ddl_parse *parse)
{
	char digits[12] = "";
	size_t len = parse->words.text.len;

	if (parse->words.kind != WORD_PLAIN || len >= sizeof(digits)) {
		ddl_unknown(parse);
		return 0;
	}
	memcpy(digits, parse->words.text.ptr, len);
	if (strspn(digits, "0123456789") != len)
		ddl_unknown(parse);
	sql_next(&parse->words);
	return (unsigned)strtoul(digits, NULL, 10);
}

static void close(struct ddl_parse *parse)
{
	if (!sql_take_sign(&parse->words, ')'))
		ddl_unknown(parse);
}

static void parse_length(struct ddl_parse *parse, struct ddl_column *column)
{
	if (!sql_take_sign(&parse->words, '('))
		return;
	column->length = number(parse);
	if (sql_take_sign(&parse->words, ','))
		column->scale = number(parse);
	close(parse);
}

/* The server cuts the blanks at their ends. */
static void parse_labels(struct ddl_parse *parse, struct ddl_column *column)
{
	unsigned room = 0;

	if (!sql_take_sign(&parse->words, '('))
		ddl_unknown(parse);
	while (parse->words.kind == WORD_TEXT && column->label_count < LABELS_MOST) {
		struct view label = sql_take_text(&parse->words, parse->arena);

		if (column->label_count == room) {
			struct view *more = ARENA_ARRAY(parse->arena, struct view, room * 2 + 8);

			if (room)
				memcpy(more, column->labels, room * sizeof(*more));
			column->labels = more;
			room = room * 2 + 8;
		}
		while (label.len && label.ptr[label.len - 1] == ' ')
			label.len--;
		column->labels[column->label_count++] = label;
		if (!sql_take_sign(&parse->words, ','))
			break;
	}
	close(parse);
}

static void parse_type(struct ddl_parse *parse, struct ddl_column *column)
{
	column->type = NULL;
	for (size_t i = 0; i < TYPE_NAMES && !column->type; i++) {
		if (!sql_take(&parse->words, type_names[i].words))
			continue;
		column->type = type_names[i].type;
		column->length = type_names[i].length;
		column->charset = type_names[i].charset;
	}
	if (!column->type)
		ddl_unknown(parse);
	else if (strcmp(column->type, "enum") == 0 || strcmp(column->type, "set") == 0)
		parse_labels(parse, column);
	else
		parse_length(parse, column);
	if (column->type && strcmp(column->type, "float") == 0 && column->length > 24 && !column->scale)
		column->type = "double";
}

/* Attributes ------------------------------------------------------------------------------------ */

typedef void take_attribute(struct ddl_parse *parse, struct ddl_column *column);

static void take_nothing(struct ddl_parse *parse, struct ddl_column *column)
{
	(void)parse;
	(void)column;
}

static void take_unsigned(struct ddl_parse *parse, struct ddl_column *column)
{
	(void)parse;
	column->is_unsigned = true;
}

static void take_not_null(struct ddl_parse *parse, struct ddl_column *column)
{
	(void)parse;
	column->not_null = true;
}

static void take_key(struct ddl_parse *parse, struct ddl_column *column)
{
	(void)parse;
	column->key = column->not_null = true;
}

static void take_compressed(struct ddl_parse *parse, struct ddl_column *column)
{
	column->compressed = true;
	if (sql_take_sign(&parse->words, '='))
		sql_skip_one(&parse->words);
}

/* A character set by a name of its own; "binary" would be the order of the table's. */
static void take_charset(struct ddl_parse *parse, struct ddl_column *column)
{
	sql_take_sign(&parse->words, '=');
	column->charset = sql_take_name(&parse->words, parse->arena).ptr;
	if (!column->charset)
		column->charset = sql_take_text(&parse->words, parse->arena).ptr;
	if (!column->charset)
		ddl_unknown(parse);
}

static void take_collation(struct ddl_parse *parse, struct ddl_column *column)
{
	const char *charset = column->charset;

	take_charset(parse, column);
	column->collation = column->charset;
	column->charset = charset;
}

static void take_ascii(struct ddl_parse *parse, struct ddl_column *column)
{
	(void)parse;
	column->charset = "latin1";
}

static void take_unicode(struct ddl_parse *parse, struct ddl_column *column)
{
	(void)parse;
	column->charset = "ucs2";
}

static void take_byte(struct ddl_parse *parse, struct ddl_column *column)
{
	(void)parse;
	column->charset = "binary";
}

/* A literal with its sign, or a function with what it is given, or what stands in parentheses. */
static void take_value(struct ddl_parse *parse, struct ddl_column *column)
{
	struct sql_words *words = &parse->words;
	bool introduced;

	(void)column;
	if (!sql_take_sign(words, '-'))
		sql_take_sign(words, '+');
	introduced = words->kind == WORD_PLAIN;
	if (words->kind != WORD_END)
		sql_skip_one(words);
	if (introduced && words->kind == WORD_TEXT)
		sql_next(words);
	if (introduced && sql_take_sign(words, '.'))
		sql_next(words);
	if (sql_is_sign(words, '('))
		sql_skip_one(words);
}

static void take_group(struct ddl_parse *parse, struct ddl_column *column)
{
	(void)column;
	if (sql_is_sign(&parse->words, '('))
		sql_skip_one(&parse->words);
	else
		ddl_unknown(parse);
}

static void take_word(struct ddl_parse *parse, struct ddl_column *column)
{
	(void)column;
	sql_take_sign(&parse->words, '=');
	sql_next(&parse->words);
}

static void take_reference(struct ddl_parse *parse, struct ddl_column *column)
{
	sql_take_name(&parse->words, parse->arena);
	if (sql_take_sign(&parse->words, '.'))
		sql_take_name(&parse->words, parse->arena);
	take_group(parse, column);
}

static const struct {
	const char *words;
	take_attribute *take;
} attributes[] = {
	{"unsigned", take_unsigned},      {"zerofill", take_unsigned},   {"signed", take_nothing},
	{"not null", take_not_null},      {"null", take_nothing},        {"auto_increment", take_nothing},
	{"primary key", take_key},        {"unique key", take_nothing},  {"unique", take_nothing},
	{"key", take_key},                {"comment", take_value},       {"character set", take_charset},
	{"char set", take_charset},       {"charset", take_charset},     {"collate", take_collation},
	{"ascii", take_ascii},            {"unicode", take_unicode},     {"byte", take_byte},
	{"compressed", take_compressed},  {"on update", take_value},     {"default", take_value},
	{"virtual", take_nothing},        {"stored", take_nothing},      {"persistent", take_nothing},
	{"visible", take_nothing},        {"invisible", take_nothing},   {"generated always as", take_group},
	{"as", take_group},               {"check", take_group},         {"references", take_reference},
	{"match full", take_nothing},     {"match simple", take_nothing}, {"match partial", take_nothing},
	{"on delete cascade", take_nothing}, {"on delete restrict", take_nothing}, {"on delete set null", take_nothing},
	{"on delete no action", take_nothing}, {"srid", take_word},      {"ref_system_id", take_word},
	{"column_format", take_word},     {"storage", take_word},        {"engine_attribute", take_word},
	{"with system versioning", take_nothing}, {"without system versioning", take_nothing},
};

#define ATTRIBUTES (sizeof(attributes) / sizeof(attributes[0]))

static bool parse_attribute(struct ddl_parse *parse, struct ddl_column *column)
{
	static const char *const actions[] = {"on update cascade", "on update restrict", "on update set null", "on update no action"};

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (sql_take(&parse->words, actions[i]))
			return true;
	for (size_t i = 0; i < ATTRIBUTES; i++) {
		if (!sql_take(&parse->words, attributes[i].words))
			continue;
		attributes[i].take(parse, column);
		return true;
	}
	return false;
}

static bool at_end(const struct sql_words *words)
{
	return words->kind == WORD_END || sql_is_sign(words, ',') || sql_is_sign(words, ')') || sql_is(words, "first") ||
	       sql_is(words, "after");
}

void ddl_parse_column(struct ddl_parse *parse, struct ddl_column *ret)
{
	parse_type(parse, ret);
	while (!parse->ddl->unknown && !at_end(&parse->words)) {
		if (parse_attribute(parse, ret))
			continue;
		if (sql_take(&parse->words, "binary"))
			ret->binary = true;
		else
			ddl_unknown(parse);
	}
}
