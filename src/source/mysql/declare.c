/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A column's declaration as the log would describe it, and lists of columns as the servers alter them: clauses name columns as they
 * were before the statement, places are looked for among those that are made so far (sql_table.cc, mysql_prepare_alter_table).
 */
#include "declare.h"

#include <stdio.h>
#include <string.h>

enum made { NOTHING, MADE_DECIMAL, MADE_BYTES, MADE_FRACTION, MADE_BITS, MADE_ENUM, MADE_SET, MADE_1, MADE_2, MADE_3, MADE_4, MADE_8,
	    MADE_16, MADE_VECTOR, MADE_JSON };

static const struct declared_type {
	const char *name;
	uint8_t code;
	enum made made;
	enum { NO_CHARSET, TEXT, BYTES, NATIVE } form;
	unsigned usual;       /* length, if none is written */
} types[] = {
	{"tinyint", MY_TINY, NOTHING, NO_CHARSET, 0},       {"smallint", MY_SHORT, NOTHING, NO_CHARSET, 0},
	{"mediumint", MY_INT24, NOTHING, NO_CHARSET, 0},    {"int", MY_LONG, NOTHING, NO_CHARSET, 0},
	{"bigint", MY_LONGLONG, NOTHING, NO_CHARSET, 0},    {"float", MY_FLOAT, MADE_4, NO_CHARSET, 0},
	{"double", MY_DOUBLE, MADE_8, NO_CHARSET, 0},       {"decimal", MY_DECIMAL, MADE_DECIMAL, NO_CHARSET, 10},
	{"year", MY_YEAR, NOTHING, NO_CHARSET, 0},          {"bit", MY_BIT, MADE_BITS, NO_CHARSET, 1},
	{"date", MY_DATE, NOTHING, NO_CHARSET, 0},          {"time", MY_TIME, MADE_FRACTION, NO_CHARSET, 0},
	{"datetime", MY_DATETIME, MADE_FRACTION, NO_CHARSET, 0}, {"timestamp", MY_TIMESTAMP, MADE_FRACTION, NO_CHARSET, 0},
	{"char", MY_STRING, MADE_BYTES, TEXT, 1},           {"binary", MY_STRING, MADE_BYTES, BYTES, 1},
	{"varchar", MY_VARCHAR, MADE_BYTES, TEXT, 0},       {"varbinary", MY_VARCHAR, MADE_BYTES, BYTES, 0},
	{"tinytext", MY_BLOB, MADE_1, TEXT, 0},             {"text", MY_BLOB, MADE_2, TEXT, 0},
	{"mediumtext", MY_BLOB, MADE_3, TEXT, 0},           {"longtext", MY_BLOB, MADE_4, TEXT, 0},
	{"tinyblob", MY_BLOB, MADE_1, BYTES, 0},            {"blob", MY_BLOB, MADE_2, BYTES, 0},
	{"mediumblob", MY_BLOB, MADE_3, BYTES, 0},          {"longblob", MY_BLOB, MADE_4, BYTES, 0},
	{"enum", MY_ENUM, MADE_ENUM, TEXT, 0},              {"set", MY_SET, MADE_SET, TEXT, 0},
	{"json", MY_JSON, MADE_JSON, NO_CHARSET, 0},        {"vector", MY_VECTOR, MADE_VECTOR, NO_CHARSET, 0},
	{"uuid", MY_STRING, MADE_16, NATIVE, 0},            {"inet6", MY_STRING, MADE_16, NATIVE, 0},
	{"inet4", MY_STRING, MADE_4, NATIVE, 0},            {"geometry", MY_GEOMETRY, MADE_4, BYTES, 0},
	{"point", MY_GEOMETRY, MADE_4, BYTES, 0},           {"linestring", MY_GEOMETRY, MADE_4, BYTES, 0},
	{"polygon", MY_GEOMETRY, MADE_4, BYTES, 0},         {"multipoint", MY_GEOMETRY, MADE_4, BYTES, 0},
	{"multilinestring", MY_GEOMETRY, MADE_4, BYTES, 0}, {"multipolygon", MY_GEOMETRY, MADE_4, BYTES, 0},
	{"geometrycollection", MY_GEOMETRY, MADE_4, BYTES, 0},
};

static const struct declared_type *find_type(const char *name)
{
	for (size_t i = 0; name && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

/* Character sets ------------------------------------------------------------------------------- */

static const struct my_charset *one_named(const struct my_charsets *charsets, const char *name)
{
	const struct my_charset *found = my_charset_named(charsets, name);

	if (!found && strcmp(name, "utf8") == 0)
		found = my_charset_named(charsets, "utf8mb3");
	if (!found && strcmp(name, "utf8mb3") == 0)
		found = my_charset_named(charsets, "utf8");
	return found;
}

const struct my_charset *declare_charset(const struct my_charsets *charsets, const char *name)
{
	const struct my_charset *found;
	char text[64] = "";

	if (!name || strlen(name) >= sizeof(text))
		return NULL;
	for (size_t i = 0; name[i]; i++)
		text[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] | 32) : name[i];
	found = one_named(charsets, text);
	text[strcspn(text, "_")] = '\0';
	return found ? found : one_named(charsets, text);
}

static const struct my_charset *charset_of(const struct ddl_column *from, const struct declared_type *type, const struct declare_rules *rules)
{
	if (type->form == BYTES || type->form == NATIVE)
		return my_charset_named(rules->charsets, "binary");
	if (from->charset)
		return declare_charset(rules->charsets, from->charset);
	return declare_charset(rules->charsets, from->collation ? from->collation : rules->charset);
}

/* Columns -------------------------------------------------------------------------------------- */

static uint16_t make_meta(const struct ddl_column *from, const struct declared_type *type, const struct my_charset *charset)
{
	unsigned length = from->length ? from->length : type->usual, labels = from->label_count;

	switch (type->made) {
	case MADE_DECIMAL:
		return (uint16_t)(length | from->scale << 8);
	case MADE_BYTES:
		return (uint16_t)(length * (charset ? charset->most_bytes : 1));
	case MADE_FRACTION:
		return (uint16_t)from->length;
	case MADE_BITS:
		return (uint16_t)(length % 8 | length / 8 << 8);
	case MADE_ENUM:
		return labels < 256 ? 1 : 2;
	case MADE_SET:
		return labels > 32 ? 8 : (uint16_t)((labels + 7) / 8);
	case MADE_1: case MADE_2: case MADE_3: case MADE_4:
		return (uint16_t)(type->made - MADE_1 + 1);
	case MADE_8:
		return 8;
	case MADE_16:
		return 16;
	default:
		return 4;
	}
}

/* MariaDB has no types of their own for these in the log. */
static void make_mariadb(struct my_column *column, const struct ddl_column *from, const struct declare_rules *rules)
{
	if (column->code == MY_JSON) {
		column->code = MY_BLOB;
		column->charset = my_charset_named(rules->charsets, "utf8mb4");
	} else if (column->code == MY_VECTOR) {
		column->code = MY_VARCHAR;
		column->meta = (uint16_t)(4 * from->length);
		column->charset = my_charset_named(rules->charsets, "binary");
	} else if (from->compressed && column->code == MY_VARCHAR) {
		column->code = MY_PACKED_VARCHAR;
		column->meta++;
	} else if (from->compressed && column->code == MY_BLOB) {
		column->code = MY_PACKED_BLOB;
	}
}

static int make_column(const struct ddl_column *from, const struct declare_rules *rules, struct my_column *ret)
{
	const struct declared_type *type = find_type(from->type);

	if (!type || !from->name)
		return -1;
	*ret = (struct my_column){.name = from->name, .code = type->code, .is_unsigned = from->is_unsigned, .labels = from->labels,
				  .label_count = from->label_count};
	if (type->form != NO_CHARSET)
		ret->charset = charset_of(from, type, rules);
	if (type->form != NO_CHARSET && !ret->charset)
		return -1;
	ret->native = type->form == NATIVE ? type->name : NULL;
	ret->meta = type->made == NOTHING ? 0 : make_meta(from, type, ret->charset);
	ret->nulls = from->not_null ? NULLS_NONE : type->code == MY_TIMESTAMP ? NULLS_UNKNOWN : NULLS_SOME;
	if (rules->mariadb)
		make_mariadb(ret, from, rules);
	return 0;
}

/* Lists of columns ----------------------------------------------------------------------------- */

struct list {
	struct my_column *columns;
	unsigned count;
	const char **key;
	unsigned key_count;
};

static int find(const struct my_column *columns, unsigned count, const char *name)
{
	for (unsigned i = 0; name && i < count; i++)
		if (strcasecmp(columns[i].name, name) == 0)
			return (int)i;
	return -1;
}

static int insert(struct list *list, const struct ddl_action *action, const struct my_column *column)
{
	int after = action->after ? find(list->columns, list->count, action->after) : -1;
	unsigned at = action->first ? 0 : action->after ? (unsigned)after + 1 : list->count;

	if ((action->after && after < 0) || find(list->columns, list->count, column->name) >= 0)
		return -1;
	memmove(list->columns + at + 1, list->columns + at, (list->count - at) * sizeof(*column));
	list->columns[at] = *column;
	list->count++;
	return 0;
}

static const struct ddl_action *action_on(const struct ddl *ddl, const char *column)
{
	for (const struct ddl_action *action = ddl->actions; action; action = action->next)
		if ((action->verb == DDL_DROP_COLUMN || action->verb == DDL_CHANGE_COLUMN || action->verb == DDL_RENAME_COLUMN) &&
		    strcasecmp(action->name, column) == 0)
			return action;
	return NULL;
}

static int keep_columns(const struct my_shape *from, const struct ddl *ddl, const struct declare_rules *rules, struct list *list)
{
	for (unsigned i = 0; i < from->count; i++) {
		const struct ddl_action *action = action_on(ddl, from->columns[i].name);
		struct my_column *to = &list->columns[list->count];

		*to = from->columns[i];
		if (action && action->verb == DDL_DROP_COLUMN)
			continue;
		if (action && action->verb == DDL_RENAME_COLUMN)
			to->name = action->to;
		if (action && action->verb == DDL_CHANGE_COLUMN && make_column(&action->column, rules, to) < 0)
			return -1;
		if (action && action->verb == DDL_CHANGE_COLUMN && (action->first || action->after))
			continue;
		list->count++;
	}
	return 0;
}

static void keep_key(const struct my_shape *from, const struct ddl *ddl, struct list *list)
{
	for (unsigned i = 0; i < from->key_count; i++) {
		const char *name = from->columns[from->key[i]].name;
		const struct ddl_action *action = action_on(ddl, name);

		if (!action)
			list->key[list->key_count++] = name;
		else if (action->verb != DDL_DROP_COLUMN)
			list->key[list->key_count++] = action->verb == DDL_RENAME_COLUMN ? action->to : action->column.name;
	}
}

static int add_column(const struct my_shape *from, const struct ddl_action *action, const struct declare_rules *rules, struct list *list)
{
	struct my_column column;

	if (action->maybe && action->verb == DDL_ADD_COLUMN && find(from->columns, from->count, action->column.name) >= 0)
		return 0;
	return make_column(&action->column, rules, &column) < 0 ? -1 : insert(list, action, &column);
}

/* One action, of those that are not done with the columns that stay. */
static int apply(const struct my_shape *from, const struct ddl_action *action, const struct declare_rules *rules, struct list *list)
{
	bool there = find(from->columns, from->count, action->name) >= 0;

	switch (action->verb) {
	case DDL_ADD_COLUMN:
		if (action->column.key)
			list->key[list->key_count++] = action->column.name;
		return add_column(from, action, rules, list);
	case DDL_CHANGE_COLUMN:
		if (there && action->column.key && list->key_count == 0)
			list->key[list->key_count++] = action->column.name;
		if (there && (action->first || action->after))
			return add_column(from, action, rules, list);
		return there || action->maybe ? 0 : -1;
	case DDL_DROP_COLUMN: case DDL_RENAME_COLUMN:
		return there || action->maybe ? 0 : -1;
	case DDL_KEY:
		list->key[list->key_count++] = action->name;
		return 0;
	default:
		return 0;
	}
}

static bool is_text(const struct my_column *column)
{
	switch (column->code) {
	case MY_STRING: case MY_VARCHAR: case MY_BLOB: case MY_PACKED_VARCHAR: case MY_PACKED_BLOB: case MY_ENUM: case MY_SET:
		return column->charset && column->charset->form != CHARSET_BYTES;
	default:
		return false;
	}
}

/* Lengths are of characters. */
static void convert(struct list *list, const struct my_charset *to)
{
	for (unsigned i = 0; i < list->count; i++) {
		struct my_column *column = &list->columns[i];
		unsigned extra = column->code == MY_PACKED_VARCHAR;

		if (!is_text(column))
			continue;
		if (column->code == MY_STRING || column->code == MY_VARCHAR || extra)
			column->meta = (uint16_t)((column->meta - extra) / column->charset->most_bytes * to->most_bytes + extra);
		column->charset = to;
	}
}

static int settle_key(const struct list *list, struct my_shape *to, struct arena *arena)
{
	to->key = ARENA_ARRAY(arena, unsigned, list->key_count + 1);
	for (unsigned i = 0; i < list->count; i++)
		list->columns[i].key = false;
	for (unsigned i = 0; i < list->key_count; i++) {
		int at = find(list->columns, list->count, list->key[i]);

		if (at < 0)
			return -1;
		list->columns[at].key = true;
		list->columns[at].nulls = NULLS_NONE;
		to->key[to->key_count++] = (unsigned)at;
	}
	return 0;
}

static unsigned actions_in(const struct ddl *ddl)
{
	unsigned count = 0;

	for (const struct ddl_action *action = ddl->actions; action; action = action->next)
		count++;
	return count;
}

/* Two character sets with one CONVERT are none that is understood. */
static int read_charsets(const struct ddl *ddl, struct declare_rules *rules, const struct my_charset **ret_convert)
{
	*ret_convert = NULL;
	for (const struct ddl_action *action = ddl->actions; action; action = action->next) {
		const struct my_charset *charset;

		if (action->verb != DDL_CONVERT && action->verb != DDL_DEFAULT_CHARSET)
			continue;
		charset = declare_charset(rules->charsets, action->name);
		if (!charset)
			return -1;
		rules->charset = charset->name;
		if (action->verb == DDL_CONVERT)
			*ret_convert = charset;
	}
	return 0;
}

int declare_shape(const struct my_shape *from, const struct ddl *ddl, struct declare_rules *rules, struct my_shape *to, struct arena *arena)
{
	unsigned most = from->count + actions_in(ddl) + 1;
	struct list list = {.columns = ARENA_ARRAY(arena, struct my_column, most), .key = ARENA_ARRAY(arena, const char *, most + from->key_count)};
	const struct my_charset *converted;
	bool no_key = false;

	for (const struct ddl_action *action = ddl->actions; action; action = action->next)
		no_key |= action->verb == DDL_NO_KEY;
	if (read_charsets(ddl, rules, &converted) < 0 || keep_columns(from, ddl, rules, &list) < 0)
		return -1;
	if (converted)
		convert(&list, converted);
	if (!no_key)
		keep_key(from, ddl, &list);
	for (const struct ddl_action *action = ddl->actions; action; action = action->next)
		if (apply(from, action, rules, &list) < 0)
			return -1;
	to->columns = list.columns;
	to->count = to->visible = list.count;
	return list.count && list.count <= MY_COLUMNS_MAX ? settle_key(&list, to, arena) : -1;
}
