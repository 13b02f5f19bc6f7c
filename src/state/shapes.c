/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Reads back what mirror_shape.c has written. */
#include "state/shapes.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/memory.h"
#include "query.h"
#include "schema/catalog.h"

struct shapes {
	struct db *db;
	struct catalog *catalog;
	struct arena arena;
	const struct table **tables;
	unsigned count;
};

static const char *text(struct shapes *shapes, sqlite3_stmt *stmt, int column)
{
	return arena_copy(&shapes->arena, query_view(stmt, column)).ptr;
}

enum { C_NAME, C_KEY_PLACE, C_KIND, C_PRECISION, C_SCALE, C_SOURCE_TYPE, C_OID, C_MODIFIER };

static void take_column(struct shapes *shapes, struct table *draft, sqlite3_stmt *stmt)
{
	int key_place = sqlite3_column_int(stmt, C_KEY_PLACE);

	if (key_place >= 0) {
		draft->key[key_place] = draft->column_count;
		draft->key_count++;
	}
	draft->columns[draft->column_count++] = (struct column){
		.name = text(shapes, stmt, C_NAME),
		.type = {
			.kind = (enum type_kind)sqlite3_column_int(stmt, C_KIND),
			.precision = sqlite3_column_int(stmt, C_PRECISION),
			.scale = (int16_t)sqlite3_column_int(stmt, C_SCALE),
		},
		.source_type = text(shapes, stmt, C_SOURCE_TYPE),
		.source_oid = (uint32_t)sqlite3_column_int64(stmt, C_OID),
		.source_modifier = sqlite3_column_int(stmt, C_MODIFIER),
		.identity = key_place >= 0,
	};
}

static int load_columns(struct shapes *shapes, struct table *draft, struct error *err)
{
	int64_t count = 0;
	sqlite3_stmt *stmt;
	int found;

	if (query_number(shapes->db, "SELECT count(*) FROM _tw_column WHERE schema = ? AND table_name = ?", &count, err, "ss",
			 draft->schema, draft->name) < 0 ||
	    query_open(shapes->db, "SELECT name, key_place, kind, precision, scale, source_type, source_oid, modifier"
				   " FROM _tw_column WHERE schema = ? AND table_name = ? ORDER BY place", &stmt, err, "ss",
		       draft->schema, draft->name) < 0)
		return -1;
	draft->columns = ARENA_ARRAY(&shapes->arena, struct column, (size_t)count + 1);
	draft->key = ARENA_ARRAY(&shapes->arena, unsigned, (size_t)count + 1);
	while ((found = db_step(shapes->db, stmt, err)) == 1)
		take_column(shapes, draft, stmt);
	sqlite3_finalize(stmt);
	draft->identity = draft->key_count ? IDENTITY_KEY : IDENTITY_FULL;
	return found;
}

static int load_table(struct shapes *shapes, sqlite3_stmt *stmt, struct error *err)
{
	struct table draft = {
		.schema = text(shapes, stmt, 0),
		.name = text(shapes, stmt, 1),
		.source_id = (uint64_t)sqlite3_column_int64(stmt, 2),
	};
	bool is_new;

	if (load_columns(shapes, &draft, err) < 0)
		return -1;
	shapes->tables = mem_resize(shapes->tables, shapes->count + 1, sizeof(*shapes->tables));
	shapes->tables[shapes->count++] = catalog_put(shapes->catalog, &draft, &is_new);
	return 0;
}

int shapes_load(struct db *db, struct catalog *catalog, const struct table ***ret, unsigned *ret_count,
		struct error *err)
{
	struct shapes shapes = {.db = db, .catalog = catalog};
	sqlite3_stmt *stmt;
	int found;

	if (query_open(db, "SELECT schema, name, source_id FROM _tw_table ORDER BY schema, name", &stmt, err, "") < 0)
		return -1;
	arena_init(&shapes.arena);
	while ((found = db_step(db, stmt, err)) == 1)
		if (load_table(&shapes, stmt, err) < 0)
			break;
	sqlite3_finalize(stmt);
	arena_done(&shapes.arena);
	if (found != 0) {
		free(shapes.tables);
		return -1;
	}
	*ret = shapes.tables;
	*ret_count = shapes.count;
	return 0;
}
