/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Statements after which rows may be others than the row events tell. Where the server itself would have refused to change a value
 * (a wider column, another label at the end, a column that is added), they are the same.
 */
#include "history.h"

#include <stdio.h>
#include <string.h>

#define STATEMENT_BYTES 160 /* of a statement that are told */
#define MODE_STRICT (1 << 21 | 1 << 22) /* of transactional tables, of all */

static struct view table_key(const char *schema, const char *name, struct arena *arena)
{
	return arena_printf(arena, "%s\t%s", schema, name);
}

void my_history_done(struct my_history *history)
{
	map_done(&history->statements);
	arena_done(&history->arena);
}

int my_history_parse(struct my_history *history, struct view text, struct error *err)
{
	while (text.len) {
		struct view line = view_take(&text, '\n'), rest = line, schema = view_take(&rest, '\t'), name = view_take(&rest, '\t');
		size_t key = schema.len + 1 + name.len;

		if (!schema.len || !name.len || !rest.len)
			return error_set(err, ERROR_INTERNAL, "the history of tables in the state file is garbled");
		map_put(&history->statements, arena_copy(&history->arena, (struct view){line.ptr, key}),
			(void *)arena_copy(&history->arena, rest).ptr);
	}
	return 0;
}

void my_history_print(struct my_history *history, struct writer *to)
{
	for (struct map_entry *entry = NULL; (entry = map_next(&history->statements, entry));)
		wr_printf(to, "%.*s\t%s\n", VIEW_ARG(entry->key), (const char *)entry->value);
	history->changed = false;
}

/* Columns --------------------------------------------------------------------------------------- */

static int column_named(const struct my_table *table, const char *name)
{
	for (unsigned i = 0; i < table->table->column_count; i++)
		if (strcasecmp(table->columns[i].name, name) == 0)
			return (int)i;
	return -1;
}

static bool keeps_labels(const struct my_column *from, const struct ddl_column *to)
{
	if (to->label_count < from->label_count)
		return false;
	for (unsigned i = 0; i < from->label_count; i++)
		if (!view_equal(from->labels[i], to->labels[i]))
			return false;
	return true;
}

static bool keeps_digits(const char *parameters, const struct ddl_column *to)
{
	unsigned length = 0, scale = 0, new_length = to->length ? to->length : 10;

	sscanf(parameters, "(%u,%u)", &length, &scale);
	return to->scale >= scale && new_length - to->scale >= length - scale;
}

/* Both types by their names, with what stands behind them: the same, or more of it. */
static bool keeps_values(const struct table *table, const struct my_column *from, unsigned number, const struct ddl_column *to)
{
	const char *type = table->columns[number].source_type;
	size_t len = strcspn(type, "( ");
	bool integer = from->code == MY_TINY || from->code == MY_SHORT || from->code == MY_INT24 || from->code == MY_LONG ||
		       from->code == MY_LONGLONG;
	unsigned length = 0;

	if (!to->type || strlen(to->type) != len || memcmp(type, to->type, len) != 0 || to->is_unsigned != from->is_unsigned)
		return false;
	if (to->charset || to->collation || to->binary || integer)
		return integer;
	if (from->code == MY_ENUM || from->code == MY_SET)
		return keeps_labels(from, to);
	if (from->code == MY_DECIMAL)
		return keeps_digits(type + len, to);
	sscanf(type + len, "(%u)", &length);
	return strcmp(to->type, "binary") == 0 ? to->length == length : to->length >= length; /* zero bytes fill it */
}

/* Whether a column that is there, and has that name, has the same values after it. */
static bool keeps_column(const struct my_table *table, const struct ddl_action *action, bool strict)
{
	int number;

	switch (action->verb) {
	case DDL_ADD_COLUMN:
		return column_named(table, action->column.name) < 0; /* otherwise it was dropped before */
	case DDL_RENAME_COLUMN:
		return column_named(table, action->to) < 0;
	case DDL_CHANGE_COLUMN:
		number = column_named(table, action->name);
		if (number < 0)
			return action->maybe;
		if (strcasecmp(action->name, action->column.name) != 0 && column_named(table, action->column.name) >= 0)
			return false;
		return (strict || !action->column.not_null) && keeps_values(table->table, &table->columns[number], (unsigned)number, &action->column);
	default:
		return true;
	}
}

static bool keeps_rows(const struct my_table *table, const struct ddl *ddl, bool strict)
{
	if (ddl->rows || ddl->unknown)
		return false;
	for (const struct ddl_action *action = ddl->actions; action && ddl->kind == DDL_ALTER; action = action->next)
		if (!keeps_column(table, action, strict))
			return false;
	return true;
}

/* Statements ------------------------------------------------------------------------------------ */

/* Lines of texts with tabs between are what it is kept in. */
static const char *describe(struct view sql, struct position at, struct arena *arena)
{
	char place[POSITION_TEXT_BYTES], *text;

	position_print(at, place);
	text = (char *)arena_printf(arena, "%s %.*s", place, VIEW_ARG(view_cut(sql, STATEMENT_BYTES))).ptr;
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	return text;
}

static void note(struct my_history *history, const struct table *table, const char *text)
{
	struct view key = table_key(table->schema, table->name, &history->arena);

	map_put(&history->statements, key, (void *)text);
	history->changed = true;
}

void my_history_take(struct my_history *history, const struct my_tables *tables, const struct ddl *ddl, const struct ddl_session *session,
		     struct view sql, struct position at)
{
	bool strict = session->sql_mode & MODE_STRICT;
	const char *text = NULL;

	for (struct map_entry *entry = NULL; (entry = map_next(&tables->captured, entry));) {
		const struct my_table *now = entry->value, *table = my_tables_named(tables, view_of(now->table->schema), view_of(now->table->name));

		if (!ddl_is_about(ddl, table->table->schema, table->table->name) || keeps_rows(table, ddl, strict))
			continue;
		if (!text)
			text = describe(sql, at, &history->arena);
		note(history, table->table, text);
	}
}

const char *my_history_of(const struct my_history *history, const char *schema, const char *name, struct arena *arena)
{
	const char *text = map_get(&history->statements, table_key(schema, name, arena));

	return text ? text : "-";
}

/* Of what was never looked at, nothing is known to have been otherwise. */
const char *my_history_change(const char *before, const char *now)
{
	const char *statement = strchr(now, ' ');

	return *before && statement && strcmp(before, now) != 0 ? statement + 1 : NULL;
}
