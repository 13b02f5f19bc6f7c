/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The remembered shapes of mirrored tables, as tables again, over the catalogue that the source has now. */
#include <string.h>

#include "query.h"
#include "state/mirror.h"

struct memory {
	struct db *db;
	struct arena *arena;
	const struct table **tables;
	unsigned count;
};

/* The present version of a table in the list, or NULL. */
static const struct table **find(struct memory *memory, const char *schema, const char *name)
{
	for (unsigned i = 0; i < memory->count; i++)
		if (strcmp(memory->tables[i]->name, name) == 0 && strcmp(memory->tables[i]->schema, schema) == 0)
			return &memory->tables[i];
	return NULL;
}

static const char *copy_column_text(struct memory *memory, sqlite3_stmt *stmt, int column)
{
	return arena_copy(memory->arena, query_view(stmt, column)).ptr;
}

enum { C_NAME, C_KEY_PLACE, C_KIND, C_PRECISION, C_SCALE, C_SOURCE_TYPE, C_OID, C_MODIFIER };

static void add_column(struct memory *memory, struct table *table, sqlite3_stmt *stmt)
{
	struct column *column = &table->columns[table->column_count];
	int key_place = sqlite3_column_int(stmt, C_KEY_PLACE);

	column->name = copy_column_text(memory, stmt, C_NAME);
	column->type.kind = (enum type_kind)sqlite3_column_int(stmt, C_KIND);
	column->type.precision = sqlite3_column_int(stmt, C_PRECISION);
	column->type.scale = (int16_t)sqlite3_column_int(stmt, C_SCALE);
	column->source_type = copy_column_text(memory, stmt, C_SOURCE_TYPE);
	column->source_oid = (uint32_t)sqlite3_column_int64(stmt, C_OID);
	column->source_modifier = sqlite3_column_int(stmt, C_MODIFIER);
	column->identity = key_place >= 0;
	if (key_place >= 0)
		table->key[table->key_count++] = table->column_count;
	table->column_count++;
}

/* The key's columns come first and in key order: that is how they were saved. */
static int read_columns(struct memory *memory, struct table *table, struct error *err)
{
	sqlite3_stmt *stmt;
	int found;

	if (query_open(memory->db, "SELECT name, key_place, kind, precision, scale, source_type, source_oid, modifier"
				   " FROM _tw_column WHERE schema = ? AND table_name = ? ORDER BY place", &stmt, err, "ss",
		       table->schema, table->name) < 0)
		return -1;
	while ((found = db_step(memory->db, stmt, err)) == 1)
		add_column(memory, table, stmt);
	sqlite3_finalize(stmt);
	return found;
}

/* The mirror's key may be another index than the primary key, which names documents. */
static void take_key(struct table *table, const struct table *now)
{
	unsigned count = 0;

	if (!now || now->identity != IDENTITY_INDEX)
		return;
	for (unsigned i = 0; i < now->key_count; i++) {
		int column = table_column(table, now->columns[now->key[i]].name);

		if (column >= 0)
			table->key[count++] = (unsigned)column;
	}
	table->key_count = count;
}

/* What is remembered counts, but for what the state file does not keep; columns that it has not are added. */
static void take_now(struct table *table, const struct column *now)
{
	int known = table_column(table, now->name);

	if (known < 0)
		table->columns[table->column_count++] = *now;
	else
		table->columns[known].mask = now->mask;
}

static int remember(struct memory *memory, const char *schema, const char *name, struct error *err)
{
	const struct table **place = find(memory, schema, name), *now = place ? *place : NULL;
	struct table *table = ARENA_NEW(memory->arena, struct table);
	int64_t kept = 0;

	if (query_number(memory->db, "SELECT count(*) FROM _tw_column WHERE schema = ? AND table_name = ?", &kept, err,
			 "ss", schema, name) < 0)
		return -1;
	*table = (struct table){.schema = schema, .name = name};
	if (now)
		*table = *now;
	table->column_count = table->key_count = 0;
	table->columns = ARENA_ARRAY(memory->arena, struct column, (size_t)kept + (now ? now->column_count : 0));
	table->key = ARENA_ARRAY(memory->arena, unsigned, (size_t)kept + (now ? now->column_count : 0));
	if (read_columns(memory, table, err) < 0)
		return -1;
	for (unsigned i = 0; now && i < now->column_count; i++)
		take_now(table, &now->columns[i]);
	take_key(table, now);
	table_seal(table);
	if (place)
		*place = table;
	else
		memory->tables[memory->count++] = table;
	return 0;
}

int mirror_remember(struct db *db, const struct table *const *tables, unsigned count, struct arena *arena,
		    const struct table *const **ret_tables, unsigned *ret_count, struct error *err)
{
	struct memory memory = {.db = db, .arena = arena, .count = count};
	int64_t mirrored = 0;
	sqlite3_stmt *stmt;
	int found;

	if (query_number(db, "SELECT count(*) FROM _tw_table", &mirrored, err, "") < 0)
		return -1;
	memory.tables = ARENA_ARRAY(arena, const struct table *, count + (size_t)mirrored + 1);
	if (count)
		memcpy(memory.tables, tables, sizeof(*tables) * count);
	if (query_open(db, "SELECT schema, name FROM _tw_table ORDER BY schema, name", &stmt, err, "") < 0)
		return -1;
	while ((found = db_step(db, stmt, err)) == 1) {
		if (remember(&memory, copy_column_text(&memory, stmt, 0), copy_column_text(&memory, stmt, 1), err) < 0) {
			sqlite3_finalize(stmt);
			return -1;
		}
	}
	sqlite3_finalize(stmt);
	*ret_tables = memory.tables;
	*ret_count = memory.count;
	return found;
}
