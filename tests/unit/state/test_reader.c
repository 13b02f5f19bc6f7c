/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Looking into a state file beside its writer: what is seen, and that nothing is changed. */
#include "unit/unit.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "schema/catalog.h"
#include "state/db.h"
#include "state/mirror.h"
#include "state/position.h"
#include "state/shapes.h"
#include "unit/rows.h"
#include "unit/state/state_file.h"

struct world {
	struct state_file file;
	struct arena arena;
	struct db *writer;
	struct db *reader;
	struct mirror *mirror;
	struct error err;
};

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	state_file_make(&world->file);
	arena_init(&world->arena);
	assert_ok(db_open(world->file.path, NULL, &world->writer, &world->err), &world->err);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	mirror_close(world->mirror);
	db_close(world->reader);
	db_close(world->writer);
	state_file_remove(&world->file);
	arena_done(&world->arena);
	free(world);
	return 0;
}

static void save(struct world *world, uint64_t lsn)
{
	struct progress progress = {.position = {POSITION_PG_LSN, lsn}};

	assert_ok(position_save(world->writer, &progress, &world->err), &world->err);
	assert_ok(db_commit(world->writer, &world->err), &world->err);
}

static uint64_t seen(struct world *world)
{
	struct progress progress;

	assert_ok(position_load(world->reader, &progress, &world->err), &world->err);
	return progress.position.lsn;
}

static void open_reader(struct world *world)
{
	db_close(world->reader);
	world->reader = NULL;
	assert_ok(db_open_reader(world->file.path, &world->reader, &world->err), &world->err);
}

static void test_one_moment(void **state)
{
	struct world *world = *state;

	save(world, 10);
	open_reader(world);
	assert_int_equal(seen(world), 10);
	save(world, 20);
	assert_int_equal(seen(world), 10);
	open_reader(world);
	assert_int_equal(seen(world), 20);
}

static void test_read_only(void **state)
{
	struct world *world = *state;

	save(world, 10);
	open_reader(world);
	assert_int_equal(db_run(world->reader, "DELETE FROM _tw_position", &world->err), -1);
	assert_int_equal(seen(world), 10);
}

static void test_refused(void **state)
{
	struct world *world = *state;
	struct db *db;

	assert_int_equal(db_open_reader("/nonexistent/state", &db, &world->err), -1);
	assert_int_equal(world->err.class, ERROR_TRANSIENT);
	assert_ok(db_run(world->writer, "PRAGMA user_version=99", &world->err), &world->err);
	assert_int_equal(db_open_reader(world->file.path, &db, &world->err), -1);
	assert_non_null(strstr(world->err.text, "is no state file of this version"));
}

static void test_shapes(void **state)
{
	static const char *const columns[] = {"total", "note"};
	struct world *world = *state;
	struct mirror_need need = {"public", "invoice", columns, 2, NULL, 0};
	struct table *table = rows_table(&world->arena, "invoice(*id int64, number text, total decimal, note text)");
	struct catalog *catalog = catalog_new();
	const struct table **tables;
	unsigned count;

	assert_ok(mirror_open(world->writer, &need, 1, &world->mirror, &world->err), &world->err);
	assert_ok(mirror_declare(world->mirror, table, NULL, &world->err), &world->err);
	assert_ok(db_commit(world->writer, &world->err), &world->err);
	open_reader(world);
	assert_ok(shapes_load(world->reader, catalog, &tables, &count, &world->err), &world->err);
	assert_int_equal(count, 1);
	assert_string_equal(tables[0]->schema, "public");
	assert_string_equal(tables[0]->name, "invoice");
	assert_int_equal(tables[0]->source_id, table->source_id);
	assert_int_equal(tables[0]->column_count, 3);
	assert_int_equal(tables[0]->key_count, 1);
	assert_string_equal(tables[0]->columns[tables[0]->key[0]].name, "id");
	assert_int_equal(table_column(tables[0], "number"), -1);
	assert_int_equal(tables[0]->columns[table_column(tables[0], "total")].type.kind,
			 table->columns[table_column(table, "total")].type.kind);
	free(tables);
	catalog_free(catalog);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST_WITH("a reader sees one moment, beside the writer", test_one_moment, set_up, tear_down),
		TEST_WITH("a reader changes nothing", test_read_only, set_up, tear_down),
		TEST_WITH("what is no state file of this version is refused", test_refused, set_up, tear_down),
		TEST_WITH("the mirrored tables are known without a server", test_shapes, set_up, tear_down),
	};

	return RUN_TESTS(tests);
}
