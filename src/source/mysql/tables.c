/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Shapes into table versions. */
#include "tables.h"

#include <stdio.h>
#include <string.h>

#include "base/writer.h"
#include "schema/catalog.h"
#include "shapes.h"
#include "table_map.h"

#define KEY_BYTES 600 /* two names of 64 characters and more */
#define ID_BYTES 6    /* of a table's number, with which a table map begins */

void my_tables_init(struct my_tables *set, struct catalog *catalog, const struct my_charsets *charsets)
{
	*set = (struct my_tables){.catalog = catalog, .charsets = charsets};
	arena_init(&set->arena);
	arena_init(&set->ids);
}

void my_tables_done(struct my_tables *set)
{
	map_done(&set->captured);
	map_done(&set->current);
	map_done(&set->by_id);
	arena_done(&set->ids);
	arena_done(&set->arena);
}

void my_tables_forget(struct my_tables *set)
{
	map_clear(&set->by_id);
	arena_reset(&set->ids);
	set->last = NULL;
}

void my_tables_capture_none(struct my_tables *set)
{
	map_clear(&set->captured);
	map_clear(&set->current);
	my_tables_forget(set);
}

static struct view name_key(char key[KEY_BYTES], struct view schema, struct view name)
{
	int len = snprintf(key, KEY_BYTES, "%.*s.%.*s", VIEW_ARG(schema), VIEW_ARG(name));

	return (struct view){key, len < KEY_BYTES ? (size_t)len : KEY_BYTES - 1}; /* a statement may name anything */
}

static const struct my_table *find_captured(const struct my_tables *set, struct view schema, struct view name)
{
	char key[KEY_BYTES];

	return map_get(&set->captured, name_key(key, schema, name));
}

const struct my_table *my_tables_named(const struct my_tables *set, struct view schema, struct view name)
{
	char key[KEY_BYTES];
	struct view full = name_key(key, schema, name);
	const struct my_table *current = map_get(&set->current, full);

	return current ? current : map_get(&set->captured, full);
}

/* Versions ------------------------------------------------------------------------------------- */

static const char *join_labels(const struct my_column *column, struct arena *arena)
{
	struct writer text = {0};
	const char *ret;

	for (unsigned i = 0; i < column->label_count; i++)
		wr_printf(&text, "%s%.*s", i ? "," : "", VIEW_ARG(column->labels[i]));
	ret = arena_copy(arena, wr_view(&text)).ptr;
	wr_done(&text);
	return ret;
}

/* What is no text of ours must not become one. */
static bool is_readable(const struct my_column *column)
{
	switch (column->code) {
	case MY_STRING: case MY_VARCHAR: case MY_BLOB: case MY_PACKED_VARCHAR: case MY_PACKED_BLOB: case MY_ENUM: case MY_SET:
		return column->native || (column->charset && (column->charset->form != CHARSET_OTHER || column->charset->converter));
	default:
		return true;
	}
}

static int settle_column(const struct my_shape *shape, const struct my_column *from, struct column *to, const struct my_type **ret_type,
			 struct arena *arena, struct error *err)
{
	*ret_type = my_type_of(from);
	if (!*ret_type) {
		error_state(err, STATE_UNSUPPORTED, "column %s.%s.%s is of a type that is not read (code %u)", shape->schema, shape->name,
			    from->name, from->code);
		return error_hint(err, "exclude the table (tables.exclude)");
	}
	if (!is_readable(from)) {
		error_state(err, STATE_UNSUPPORTED, "column %s.%s.%s is of a character set that is not read (%s)", shape->schema,
			    shape->name, from->name, from->charset ? from->charset->name : "not known");
		return error_hint(err, "exclude the table (tables.exclude)");
	}
	*to = (struct column){
		.name = from->name,
		.type = my_column_type(from),
		.source_type = my_column_print(from, arena),
		.source_modifier = -1,
		.identity = true,
		.labels = from->code == MY_ENUM ? join_labels(from, arena) : NULL,
	};
	return 0;
}

/* All images are full: a row is told by all its columns. The name is what stays of a table when it is altered. */
static int make_draft(const struct my_shape *shape, struct table *draft, const struct my_type **types, struct arena *arena,
		      struct error *err)
{
	struct view name = arena_printf(arena, "%s.%s", shape->schema, shape->name);

	*draft = (struct table){
		.source_id = hash_bytes(name, 0),
		.schema = shape->schema,
		.name = shape->name,
		.columns = ARENA_ARRAY(arena, struct column, shape->count),
		.column_count = shape->visible,
		.identity = IDENTITY_FULL,
		.key = shape->key,
		.key_count = shape->key_count,
	};
	for (unsigned i = 0; i < shape->count; i++)
		if (settle_column(shape, &shape->columns[i], &draft->columns[i], &types[i], arena, err) < 0)
			return -1;
	return 0;
}

/* Copies what a shape points to: it outlives the event that told of it. */
static struct my_column *keep_columns(struct my_tables *set, const struct my_shape *shape)
{
	struct my_column *columns = ARENA_ARRAY(&set->arena, struct my_column, shape->count);

	for (unsigned i = 0; i < shape->count; i++) {
		const struct my_column *from = &shape->columns[i];
		struct view *labels = ARENA_ARRAY(&set->arena, struct view, from->label_count + 1);

		columns[i] = *from;
		columns[i].name = arena_copy(&set->arena, view_of(from->name)).ptr;
		columns[i].native = from->native ? arena_copy(&set->arena, view_of(from->native)).ptr : NULL;
		for (unsigned k = 0; k < from->label_count; k++)
			labels[k] = arena_copy(&set->arena, from->labels[k]);
		columns[i].labels = labels;
	}
	return columns;
}

/* A generated column that the catalogue knows, or the last one of a table that has no period of its own. */
static int row_end_of(const struct my_shape *shape)
{
	for (unsigned i = 0; i < shape->count; i++)
		if (i >= shape->visible || (shape->columns[i].native && strcmp(shape->columns[i].native, "row end") == 0))
			return i >= shape->visible ? (int)shape->count - 1 : (int)i;
	return -1;
}

static const struct my_table *keep(struct my_tables *set, const struct my_shape *shape, const struct table *table,
				   const struct my_type **types, struct view map)
{
	struct my_table *entry = ARENA_NEW(&set->arena, struct my_table);

	*entry = (struct my_table){.table = table, .wire_count = shape->count, .row_end = row_end_of(shape),
				   .columns = keep_columns(set, shape), .map = arena_copy(&set->arena, map),
				   .altered = set->altered, .news = ARENA_NEW(&set->arena, bool)};
	entry->types = ARENA_ARRAY(&set->arena, const struct my_type *, shape->count);
	memcpy(entry->types, types, sizeof(*types) * shape->count);
	return entry;
}

enum how { LOOK, PUT };

static int build(struct my_tables *set, const struct my_shape *shape, enum how how, struct view map, const struct my_table **ret,
		 bool *ret_new, struct arena *arena, struct error *err)
{
	const struct my_type **types = ARENA_ARRAY(arena, const struct my_type *, shape->count + 1);
	const struct table *table;
	struct table draft;

	for (unsigned i = 0; i < shape->visible; i++) /* the end of a row's time is read as a time */
		shape->columns[i].dates = shape->columns[i].native ? 0 : set->dates;
	if (make_draft(shape, &draft, types, arena, err) < 0)
		return -1;
	*ret_new = false;
	table = how == PUT ? catalog_put(set->catalog, &draft, ret_new) : catalog_version(set->catalog, &draft);
	*ret = keep(set, shape, table, types, map);
	return 0;
}

static int take(struct my_tables *set, const struct my_shape *shape, enum how how, const struct my_table **ret, struct error *err)
{
	struct my_shape all = *shape;
	struct arena arena;
	bool is_new;
	int result;

	arena_init(&arena);
	all.visible = all.count;
	result = build(set, &all, how, VIEW(""), ret, &is_new, &arena, err);
	arena_done(&arena);
	return result;
}

int my_tables_look(struct my_tables *set, const struct my_shape *shape, const struct my_table **ret, struct error *err)
{
	return take(set, shape, LOOK, ret, err);
}

int my_tables_capture(struct my_tables *set, const struct my_shape *shape, const struct my_table **ret, struct error *err)
{
	if (take(set, shape, PUT, ret, err) < 0)
		return -1;
	map_put(&set->captured, arena_printf(&set->arena, "%s.%s", shape->schema, shape->name), (void *)*ret);
	return 0;
}

/* Table maps ----------------------------------------------------------------------------------- */

static const struct my_column *column_named(const struct my_table *table, const char *name)
{
	for (unsigned i = 0; i < table->table->column_count; i++)
		if (strcmp(table->columns[i].name, name) == 0)
			return &table->columns[i];
	return NULL;
}

static bool is_generated_time(const struct my_column *column, const char *name)
{
	return column->code == MY_TIMESTAMP && column->meta == 6 && strcmp(column->name, name) == 0;
}

/* Tables WITH SYSTEM VERSIONING that name no columns for it have two at their end, which nobody sees who does not ask for them. */
static void hide_versions(struct my_shape *shape, const struct my_table *now, bool mariadb)
{
	unsigned left = 0;

	if (!mariadb || shape->count < 3 || !is_generated_time(&shape->columns[shape->count - 2], "row_start") ||
	    !is_generated_time(&shape->columns[shape->count - 1], "row_end") || column_named(now, "row_end"))
		return;
	shape->visible = shape->count - 2;
	for (unsigned i = 0; i < shape->key_count; i++)
		if (shape->key[i] < shape->visible)
			shape->key[left++] = shape->key[i];
	shape->key_count = left;
}

/* What only the catalogue knows, of a column of the same name and form. */
static void add_natives(struct my_shape *shape, const struct my_table *now)
{
	for (unsigned i = 0; i < shape->count; i++) {
		struct my_column *column = &shape->columns[i];

		for (unsigned k = 0; k < now->table->column_count && (column->code == MY_STRING || column->code == MY_TIMESTAMP); k++)
			if (now->columns[k].native && strcmp(now->columns[k].name, column->name) == 0 &&
			    now->columns[k].meta == column->meta)
				column->native = now->columns[k].native;
	}
}

static bool is_old_time(const struct my_column *column)
{
	return column->code == MY_OLD_TIME || column->code == MY_OLD_DATETIME || column->code == MY_OLD_TIMESTAMP;
}

/* The log does not tell whether times of the old forms have fractions, which would shift all that is behind them. */
static int check_old_times(const struct my_shape *shape, const struct my_table *now, struct error *err)
{
	for (unsigned i = 0; i < shape->count; i++) {
		const struct my_column *column = is_old_time(&shape->columns[i]) ? &shape->columns[i] : NULL;
		const struct my_column *known = column ? column_named(now, column->name) : NULL;

		if (!column || (known && known->meta == 0))
			continue;
		error_state(err, STATE_UNSUPPORTED, "column %s.%s.%s is a time of the form before MySQL 5.6, and may have a fraction, of "
			    "which the log does not tell", shape->schema, shape->name, column->name);
		return error_hint(err, "ALTER TABLE ... FORCE with mysql56_temporal_format on, and begin anew behind it; or exclude the table "
				  "(tables.exclude)");
	}
	return 0;
}

/* Which statement it was. */
static void lost(const struct my_shape *shape, const char *statement, struct error *err)
{
	error_state(err, STATE_SHAPE_UNKNOWN, "what columns table %s.%s had when this was written is not known since: %s", shape->schema,
		    shape->name, statement);
	error_hint(err, "begin anew with a snapshot; where the server has it, SET GLOBAL binlog_row_metadata = 'FULL' makes the log tell of columns "
			"itself, from then on");
}

static int build_from_map(struct my_tables *set, struct view body, const struct my_table *now, const struct my_table **ret,
			  bool *ret_new, struct error *err)
{
	const struct my_version *version = set->shapes ? my_shapes_of(set->shapes, now->table->schema, now->table->name) : NULL;
	const struct my_shape *known = version && !version->lost ? &version->shape : NULL;
	struct my_shape shape;
	struct arena arena;
	bool by_itself;
	int result;

	arena_init(&arena);
	result = table_map_read(body, set->charsets, set->rules, known, &arena, &shape, err);
	if (result < 0 && err->state == STATE_SHAPE_UNKNOWN && version && version->lost)
		lost(&shape, version->lost, err);
	by_itself = result == 0;
	if (by_itself)
		result = check_old_times(&shape, now, err);
	if (result >= 0) {
		if (by_itself)
			add_natives(&shape, now);
		hide_versions(&shape, now, set->rules.mariadb);
		result = build(set, &shape, PUT, body, ret, ret_new, &arena, err);
	}
	arena_done(&arena);
	return result;
}

static struct view id_key(const uint64_t *id)
{
	return (struct view){(const char *)id, sizeof(*id)};
}

static void remember(struct my_tables *set, uint64_t id, const struct my_table *table)
{
	map_put(&set->by_id, arena_copy(&set->ids, id_key(&id)), (void *)table);
	set->last = table;
	set->last_id = id;
}

/* The same but for the number, which changes when the server opens the table anew. */
static bool same_map(struct view a, struct view b)
{
	return a.len == b.len && a.len > ID_BYTES && memcmp(a.ptr + ID_BYTES, b.ptr + ID_BYTES, a.len - ID_BYTES) == 0;
}

static int settle(struct my_tables *set, struct view body, const struct my_table *now, const struct my_table **ret, bool *ret_new,
		  struct error *err)
{
	char key[KEY_BYTES];
	struct view name = name_key(key, view_of(now->table->schema), view_of(now->table->name));

	*ret = map_get(&set->current, name);
	if (*ret && (*ret)->altered == set->altered && same_map((*ret)->map, body))
		return 0;
	if (build_from_map(set, body, now, ret, ret_new, err) < 0)
		return -1;
	map_put(&set->current, arena_copy(&set->arena, name), (void *)*ret);
	return 0;
}

int my_tables_map(struct my_tables *set, struct view body, const struct my_table **ret, bool *ret_new, struct error *err)
{
	static const struct my_table nobodys = {0};
	const struct my_table *now;
	struct view schema, name;
	uint64_t id;

	if (table_map_name(body, &id, &schema, &name, err) < 0)
		return -1;
	*ret_new = false;
	*ret = my_tables_find(set, id);
	if (*ret && (!(*ret)->table || view_equal((*ret)->map, body)))
		return 0;
	now = find_captured(set, schema, name);
	*ret = &nobodys;
	if (now && settle(set, body, now, ret, ret_new, err) < 0)
		return -1;
	remember(set, id, *ret);
	return 0;
}

void my_tables_altered(struct my_tables *set)
{
	set->altered++;
	my_tables_forget(set);
}

const struct my_table *my_tables_find(struct my_tables *set, uint64_t id)
{
	if (!set->last || set->last_id != id) {
		set->last = map_get(&set->by_id, id_key(&id));
		set->last_id = id;
	}
	return set->last;
}
