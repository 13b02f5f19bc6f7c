/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Versions of tables, and how statements make new ones. */
#include "shapes.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "declare.h"

#define NOWHERE UINT_MAX
#define STATEMENT_BYTES 300 /* of a statement that are told */

static struct view key_of(const char *schema, const char *name, struct arena *arena)
{
	return arena_printf(arena, "%s\t%s", schema, name);
}

void my_shapes_done(struct my_shapes *shapes)
{
	map_done(&shapes->tables);
	arena_done(&shapes->arena);
}

const struct my_version *my_shapes_of(const struct my_shapes *shapes, const char *schema, const char *name)
{
	const struct my_version *found;
	struct arena arena = {0};

	found = map_get(&shapes->tables, key_of(schema, name, &arena));
	arena_done(&arena);
	return found;
}

/* Versions ------------------------------------------------------------------------------------- */

static const char *keep_text(struct my_shapes *shapes, const char *text)
{
	return text ? arena_copy(&shapes->arena, view_of(text)).ptr : NULL;
}

static void keep_columns(struct my_shapes *shapes, const struct my_shape *from, struct my_shape *to)
{
	to->columns = ARENA_ARRAY(&shapes->arena, struct my_column, from->count + 1);
	to->count = to->visible = from->count;
	for (unsigned i = 0; i < from->count; i++) {
		struct my_column *column = &to->columns[i];
		struct view *labels = ARENA_ARRAY(&shapes->arena, struct view, from->columns[i].label_count + 1);

		*column = from->columns[i];
		column->name = keep_text(shapes, column->name);
		column->native = keep_text(shapes, column->native);
		for (unsigned k = 0; k < column->label_count; k++)
			labels[k] = arena_copy(&shapes->arena, column->labels[k]);
		column->labels = labels;
	}
	to->key = ARENA_ARRAY(&shapes->arena, unsigned, from->key_count + 1);
	to->key_count = from->key_count;
	if (from->key_count)
		memcpy(to->key, from->key, from->key_count * sizeof(*from->key));
}

static struct my_version *add(struct my_shapes *shapes, const char *schema, const char *name, struct position since)
{
	struct my_version *version = ARENA_NEW(&shapes->arena, struct my_version);
	struct view key = key_of(schema, name, &shapes->arena);

	version->since = since;
	version->shape.schema = keep_text(shapes, schema);
	version->shape.name = keep_text(shapes, name);
	version->older = map_get(&shapes->tables, key);
	map_put(&shapes->tables, key, version);
	shapes->changed = true;
	return version;
}

void my_shapes_put(struct my_shapes *shapes, const struct my_shape *shape, const char *charset, struct position since)
{
	struct my_version *version;

	if (!*shape->schema || !*shape->name)
		return;
	version = add(shapes, shape->schema, shape->name, since);
	version->charset = keep_text(shapes, charset);
	keep_columns(shapes, shape, &version->shape);
}

void my_shapes_lose(struct my_shapes *shapes, const char *schema, const char *name, const char *statement, struct position since)
{
	if (!*schema || !*name) /* a statement that is not understood can seem to name none */
		return;
	add(shapes, schema, name, since)->lost = keep_text(shapes, statement);
	shapes->lost = true;
}

void my_shapes_start(struct my_shapes *shapes, struct position from)
{
	for (struct map_entry *entry = NULL; (entry = map_next(&shapes->tables, entry));) {
		struct my_version *version = entry->value;

		while (version && position_compare(version->since, from) > 0)
			version = version->older;
		if (version)
			entry->value = version;
		else
			map_remove(&shapes->tables, entry->key);
	}
}

void my_shapes_forget(struct my_shapes *shapes, struct position done)
{
	for (struct map_entry *entry = NULL; (entry = map_next(&shapes->tables, entry));) {
		struct my_version *version = entry->value;

		while (version && position_compare(version->since, done) > 0)
			version = version->older;
		if (version)
			version->older = NULL;
	}
}

/* Statements ------------------------------------------------------------------------------------ */

static const struct my_version *known(const struct my_shapes *shapes, const struct ddl_table *table)
{
	const struct my_version *version = my_shapes_of(shapes, table->schema, table->name);

	return version && !version->lost ? version : NULL;
}

static void lose(struct my_shapes *shapes, const struct ddl_table *table, struct view sql, struct position at)
{
	char text[STATEMENT_BYTES + 1];

	snprintf(text, sizeof(text), "%.*s", VIEW_ARG(view_cut(sql, STATEMENT_BYTES)));
	my_shapes_lose(shapes, table->schema, table->name, text, at);
}

static void take_over(struct my_shapes *shapes, const struct my_version *from, const struct ddl_table *to, struct view sql, struct position at)
{
	struct my_shape shape;

	if (!from) {
		lose(shapes, to, sql, at);
		return;
	}
	shape = from->shape;
	shape.schema = to->schema;
	shape.name = to->name;
	my_shapes_put(shapes, &shape, from->charset, at);
}

/* Of a table that is there, or of none. */
static void declare(struct my_shapes *shapes, const struct my_version *from, const struct ddl *ddl, struct view sql, struct position at)
{
	static const struct my_shape none;
	struct declare_rules rules = {.charsets = shapes->charsets, .charset = from ? from->charset : NULL, .mariadb = shapes->mariadb};
	struct my_shape to = {.schema = ddl->tables->schema, .name = ddl->tables->name};
	struct arena arena = {0};

	if (ddl->unknown || declare_shape(from ? &from->shape : &none, ddl, &rules, &to, &arena) < 0)
		lose(shapes, ddl->tables, sql, at);
	else
		my_shapes_put(shapes, &to, rules.charset, at);
	arena_done(&arena);
}

static void take_create(struct my_shapes *shapes, const struct ddl *ddl, struct view sql, struct position at)
{
	if (ddl->maybe && known(shapes, ddl->tables) && !ddl->unknown)
		return; /* of a table that is there the log has it too, and nothing happens */
	if (ddl->like)
		take_over(shapes, known(shapes, ddl->like), ddl->tables, sql, at);
	else
		declare(shapes, NULL, ddl, sql, at);
}

static void take_alter(struct my_shapes *shapes, const struct ddl *ddl, struct view sql, struct position at)
{
	const struct my_version *from = known(shapes, ddl->tables);

	if (ddl->actions || ddl->unknown) {
		if (from)
			declare(shapes, from, ddl, sql, at);
		else if (my_shapes_of(shapes, ddl->tables->schema, ddl->tables->name))
			lose(shapes, ddl->tables, sql, at);
	}
	if (!ddl->renamed)
		return;
	take_over(shapes, known(shapes, ddl->tables), ddl->renamed, sql, at);
	lose(shapes, ddl->tables, sql, at);
}

static void take_rename(struct my_shapes *shapes, const struct ddl *ddl, struct view sql, struct position at)
{
	for (const struct ddl_table *from = ddl->tables; from && from->next; from = from->next->next) {
		take_over(shapes, ddl->unknown ? NULL : known(shapes, from), from->next, sql, at);
		lose(shapes, from, sql, at);
	}
}

static void take_drop(struct my_shapes *shapes, const struct ddl *ddl, struct view sql, struct position at)
{
	for (const struct ddl_table *table = ddl->tables; table; table = table->next)
		if (known(shapes, table))
			lose(shapes, table, sql, at);
}

static void take_drop_database(struct my_shapes *shapes, const struct ddl *ddl, struct view sql, struct position at)
{
	for (struct map_entry *entry = NULL; (entry = map_next(&shapes->tables, entry));) {
		const struct my_version *version = entry->value;
		struct ddl_table table = {.schema = version->shape.schema, .name = version->shape.name};

		if (!version->lost && strcmp(table.schema, ddl->tables->schema) == 0)
			lose(shapes, &table, sql, at);
	}
}

void my_shapes_take(struct my_shapes *shapes, const struct ddl *ddl, struct view sql, struct position at)
{
	static void (*const kinds[])(struct my_shapes *shapes, const struct ddl *ddl, struct view sql, struct position at) = {
		[DDL_CREATE] = take_create, [DDL_ALTER] = take_alter, [DDL_RENAME] = take_rename, [DDL_DROP] = take_drop,
		[DDL_DROP_DATABASE] = take_drop_database,
	};

	if (shapes->follows && ddl->tables && (size_t)ddl->kind < sizeof(kinds) / sizeof(kinds[0]) && kinds[ddl->kind])
		kinds[ddl->kind](shapes, ddl, sql, at);
}

/* Texts ---------------------------------------------------------------------------------------- */

/* A field, and a tab behind it. */
static void put_text(struct writer *to, struct view text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c <= ' ' || c == '%')
			wr_printf(to, "%%%02x", c);
		else
			wr_u8(to, c);
	}
	wr_u8(to, '\t');
}

static struct view take_text(struct view *line, struct arena *arena)
{
	struct view field = view_take(line, '\t');
	char *text = arena_alloc(arena, field.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < field.len; i++) {
		char hex[3] = "";

		if (field.ptr[i] == '%' && i + 2 < field.len) {
			memcpy(hex, field.ptr + i + 1, 2);
			text[len++] = (char)strtoul(hex, NULL, 16);
			i += 2;
		} else {
			text[len++] = field.ptr[i];
		}
	}
	text[len] = '\0';
	return (struct view){text, len};
}

static uint64_t take_number(struct view *line, struct arena *arena)
{
	return strtoull(take_text(line, arena).ptr, NULL, 10);
}

static const char *take_optional(struct view *line, struct arena *arena)
{
	struct view text = take_text(line, arena);

	return *text.ptr ? text.ptr : NULL;
}

static unsigned place_in_key(const struct my_shape *shape, unsigned column)
{
	for (unsigned i = 0; i < shape->key_count; i++)
		if (shape->key[i] == column)
			return i + 1;
	return 0;
}

static void print_column(const struct my_shape *shape, unsigned number, struct writer *to)
{
	const struct my_column *column = &shape->columns[number];

	put_text(to, view_of(column->name));
	wr_printf(to, "%u\t%u\t%u\t%u\t%u\t", column->code, column->meta, column->is_unsigned, (unsigned)column->nulls,
		  place_in_key(shape, number));
	put_text(to, view_of(column->charset ? column->charset->name : ""));
	put_text(to, view_of(column->native ? column->native : ""));
	wr_printf(to, "%u\t", column->label_count);
	for (unsigned i = 0; i < column->label_count; i++)
		put_text(to, column->labels[i]);
	wr_u8(to, '\n');
}

static void print_version(const struct my_version *version, struct writer *to)
{
	if (version->older)
		print_version(version->older, to);
	put_text(to, view_of(version->shape.schema));
	put_text(to, view_of(version->shape.name));
	wr_printf(to, "%" PRIu64 "\t%u\t", version->since.lsn, version->shape.count);
	put_text(to, view_of(version->charset ? version->charset : ""));
	put_text(to, view_of(version->lost ? version->lost : ""));
	wr_u8(to, '\n');
	for (unsigned i = 0; i < version->shape.count; i++)
		print_column(&version->shape, i, to);
}

void my_shapes_print(struct my_shapes *shapes, struct writer *to)
{
	for (struct map_entry *entry = NULL; (entry = map_next(&shapes->tables, entry));)
		print_version(entry->value, to);
	shapes->changed = false;
}

static int parse_column(struct my_shapes *shapes, struct view line, struct my_shape *shape, unsigned number)
{
	struct my_column *column = &shape->columns[number];
	struct arena *arena = &shapes->arena;
	const char *charset;
	struct view *labels;
	uint64_t place;

	column->name = take_text(&line, arena).ptr;
	column->code = (uint8_t)take_number(&line, arena);
	column->meta = (uint16_t)take_number(&line, arena);
	column->is_unsigned = take_number(&line, arena) != 0;
	column->nulls = (unsigned)take_number(&line, arena) % 3;
	place = take_number(&line, arena);
	charset = take_optional(&line, arena);
	column->charset = charset ? my_charset_named(shapes->charsets, charset) : NULL;
	column->native = take_optional(&line, arena);
	column->label_count = (unsigned)take_number(&line, arena);
	if (!*column->name || column->label_count > line.len || place > shape->count || (charset && !column->charset) ||
	    (place && shape->key[place - 1] != NOWHERE))
		return -1;
	labels = ARENA_ARRAY(arena, struct view, column->label_count + 1);
	for (unsigned i = 0; i < column->label_count; i++)
		labels[i] = take_text(&line, arena);
	column->labels = labels;
	column->key = place > 0;
	if (place)
		shape->key[place - 1] = number;
	shape->key_count += place > 0;
	return 0;
}

static int parse_columns(struct my_shapes *shapes, struct view *text, struct my_shape *shape, unsigned count)
{
	shape->columns = ARENA_ARRAY(&shapes->arena, struct my_column, count + 1);
	shape->key = ARENA_ARRAY(&shapes->arena, unsigned, count + 1);
	shape->count = shape->visible = count;
	for (unsigned i = 0; i < count; i++)
		shape->key[i] = NOWHERE;
	for (unsigned i = 0; i < count; i++)
		if (parse_column(shapes, view_take(text, '\n'), shape, i) < 0)
			return -1;
	for (unsigned i = 0; i < shape->key_count; i++)
		if (shape->key[i] == NOWHERE)
			return -1;
	return 0;
}

int my_shapes_parse(struct my_shapes *shapes, struct view text, struct error *err)
{
	while (text.len) {
		struct view line = view_take(&text, '\n');
		const char *schema = take_text(&line, &shapes->arena).ptr, *name = take_text(&line, &shapes->arena).ptr;
		struct position since = {POSITION_BINLOG, take_number(&line, &shapes->arena)};
		uint64_t count = take_number(&line, &shapes->arena);
		struct my_version *version = add(shapes, schema, name, since);

		version->charset = take_optional(&line, &shapes->arena);
		version->lost = take_optional(&line, &shapes->arena);
		if (!*schema || !*name || count > MY_COLUMNS_MAX || (!count && !version->lost))
			return error_set(err, ERROR_INTERNAL, "the shapes of tables in the state file are garbled");
		if (parse_columns(shapes, &text, &version->shape, (unsigned)count) < 0)
			return error_set(err, ERROR_INTERNAL, "the shape of table %s.%s in the state file is garbled", schema, name);
	}
	shapes->changed = false;
	return 0;
}
