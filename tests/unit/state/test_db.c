/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The state file: who may open it, what is refused, what a rollback leaves. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/db.h"
#include "state/position.h"
#include "unit/state/state_file.h"

struct world {
	struct state_file file;
	struct db *db;
	struct error err;
};

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	state_file_make(&world->file);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	db_close(world->db);
	state_file_remove(&world->file);
	free(world);
	return 0;
}

static void reopen(struct world *world)
{
	db_close(world->db);
	world->db = NULL;
	assert_ok(db_open(world->file.path, NULL, &world->db, &world->err), &world->err);
}

static void run(struct world *world, const char *sql)
{
	assert_ok(db_run(world->db, sql, &world->err), &world->err);
}

static void a_second_opener_is_told_who_is_first(void **state)
{
	struct world *world = *state;
	struct db *second;

	reopen(world);
	assert_int_equal(db_open(world->file.path, NULL, &second, &world->err), -1);
	assert_int_equal(world->err.state, STATE_CONFLICT);
	reopen(world);
}

static void what_was_not_committed_is_gone_after_closing(void **state)
{
	struct world *world = *state;
	struct progress saved = {.position = {POSITION_PG_LSN, UINT64_MAX - 1}, .digest = {UINT64_MAX, 2}},
			      loaded;

	reopen(world);
	assert_true(db_is_new(world->db));
	assert_ok(position_load(world->db, &loaded, &world->err), &world->err);
	assert_int_equal(loaded.position.kind, POSITION_NONE);
	assert_ok(position_save(world->db, &saved, &world->err), &world->err);
	assert_ok(db_commit(world->db, &world->err), &world->err);
	saved.position.lsn = 5;
	assert_ok(position_save(world->db, &saved, &world->err), &world->err);
	reopen(world);
	assert_false(db_is_new(world->db));
	assert_ok(position_load(world->db, &loaded, &world->err), &world->err);
	assert_true(loaded.position.lsn == UINT64_MAX - 1);
	assert_true(loaded.digest[0] == UINT64_MAX && loaded.digest[1] == 2);
}

static void a_position_is_read_as_it_was_written(void **state)
{
	struct world *world = *state;
	struct progress loaded, saved;

	memset(&saved, 0, sizeof(saved));
	saved = (struct progress){
		.position = {POSITION_PG_LSN, 1},
		.open = {OPEN_DOCUMENTS, {POSITION_PG_LSN, 2}, 3, 4, 5},
		.border = 6, .published = 7, .digest = {8, 9}, .snapshot = 10, .snapshot_phase = SNAPSHOT_FINISHED,
		.base_known = true, .base_published = 11, .base_digest = {12, 13},
	};
	reopen(world);
	assert_ok(position_save(world->db, &saved, &world->err), &world->err);
	assert_ok(position_load(world->db, &loaded, &world->err), &world->err);
	assert_int_equal(loaded.open.phase, OPEN_DOCUMENTS);
	assert_true(loaded.open.final.lsn == 2 && loaded.open.xid == 3 && loaded.open.done == 4 &&
		    loaded.open.hash == 5);
	assert_true(loaded.border == 6 && loaded.published == 7 && loaded.snapshot == 10);
	assert_int_equal(loaded.snapshot_phase, SNAPSHOT_FINISHED);
	assert_true(loaded.base_known && loaded.base_published == 11);
	assert_true(loaded.base_digest[0] == 12 && loaded.base_digest[1] == 13);
}

static void a_format_of_a_newer_version_is_refused(void **state)
{
	struct world *world = *state;

	reopen(world);
	run(world, "PRAGMA user_version = 99");
	db_close(world->db);
	world->db = NULL;
	assert_int_equal(db_open(world->file.path, NULL, &world->db, &world->err), -1);
	assert_int_equal(world->err.class, ERROR_INPUT);
	assert_non_null(strstr(world->err.text, "format 99"));
}

static void a_database_of_another_program_is_refused(void **state)
{
	struct world *world = *state;
	sqlite3 *other;

	assert_int_equal(sqlite3_open(world->file.path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "CREATE TABLE t(x)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	assert_int_equal(db_open(world->file.path, NULL, &world->db, &world->err), -1);
	assert_int_equal(world->err.class, ERROR_INPUT);
	assert_non_null(strstr(world->err.text, "not a state file"));
}

static void fill(struct world *world)
{
	reopen(world);
	run(world, "CREATE TABLE filler(x)");
	run(world, "WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c WHERE i < 2000)"
		   " INSERT INTO filler SELECT randomblob(400) FROM c");
	db_close(world->db);
	world->db = NULL;
}

static void assert_lost(struct world *world)
{
	assert_int_equal(db_open(world->file.path, NULL, &world->db, &world->err), -1);
	assert_int_equal(world->err.class, ERROR_STATE);
	assert_int_equal(world->err.state, STATE_STATE_LOST);
}

static void overwrite(struct world *world, long offset)
{
	int fd = open(world->file.path, O_WRONLY);
	char garbage[2000];

	memset(garbage, 0x5a, sizeof(garbage));
	assert_int_equal(pwrite(fd, garbage, sizeof(garbage), offset), sizeof(garbage));
	close(fd);
}

static void a_damaged_page_is_state_lost(void **state)
{
	struct world *world = *state;

	fill(world);
	overwrite(world, 4096 * 100);
	overwrite(world, 4096 * 101);
	assert_lost(world);
}

static void a_damaged_head_is_state_lost(void **state)
{
	struct world *world = *state;

	fill(world);
	overwrite(world, 0);
	assert_lost(world);
}

static void a_file_that_was_cut_short_is_state_lost(void **state)
{
	struct world *world = *state;
	struct stat info;

	fill(world);
	assert_int_equal(stat(world->file.path, &info), 0);
	assert_int_equal(truncate(world->file.path, info.st_size / 2), 0);
	assert_lost(world);
}

static int interrupt(void *arg)
{
	return ++*(int *)arg > 2;
}

static void long_work_calls_the_progress_function_and_can_be_stopped(void **state)
{
	struct world *world = *state;
	int calls = 0;

	reopen(world);
	db_set_progress(world->db, interrupt, &calls);
	assert_int_equal(db_run(world->db, "WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c)"
					   " SELECT count(*) FROM c", &world->err), -1);
	assert_int_equal(world->err.class, ERROR_TRANSIENT);
	assert_int_equal(calls, 3);
}

static void a_checkpoint_empties_the_log(void **state)
{
	struct world *world = *state;
	uint64_t file_before, file, wal;

	reopen(world);
	db_size(world->db, &file_before, &wal);
	run(world, "CREATE TABLE filler(x)");
	assert_ok(db_begin(world->db, &world->err), &world->err);
	run(world, "WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c WHERE i < 20000)"
		   " INSERT INTO filler SELECT randomblob(400) FROM c");
	assert_ok(db_commit(world->db, &world->err), &world->err);
	assert_ok(db_checkpoint(world->db, &world->err), &world->err);
	db_size(world->db, &file, &wal);
	assert_true(file > file_before + 20000 * 400);
	run(world, "DELETE FROM filler WHERE rowid = 1");
	db_size(world->db, &file, &wal);
	assert_true(wal < 20000 * 500);
}

static void count_forgotten(void *arg)
{
	++*(int *)arg;
}

static void whoever_asked_is_told_of_a_rollback(void **state)
{
	struct world *world = *state;
	int first = 0, second = 0;

	reopen(world);
	db_on_rollback(world->db, count_forgotten, &first);
	db_on_rollback(world->db, count_forgotten, &second);
	assert_ok(db_begin(world->db, &world->err), &world->err);
	assert_ok(db_rollback(world->db, &world->err), &world->err);
	db_off_rollback(world->db, &first);
	assert_ok(db_rollback(world->db, &world->err), &world->err);
	assert_int_equal(first, 1);
	assert_int_equal(second, 2);
}

#define WORLD_TEST(sentence, function) TEST_WITH(sentence, function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST("a second opener is told who is first", a_second_opener_is_told_who_is_first),
		WORLD_TEST("what was not committed is gone after closing",
			   what_was_not_committed_is_gone_after_closing),
		WORLD_TEST("a position is read as it was written", a_position_is_read_as_it_was_written),
		WORLD_TEST("a format of a newer version is refused", a_format_of_a_newer_version_is_refused),
		WORLD_TEST("a database of another program is refused", a_database_of_another_program_is_refused),
		WORLD_TEST("a damaged page is STATE_LOST", a_damaged_page_is_state_lost),
		WORLD_TEST("a damaged head is STATE_LOST", a_damaged_head_is_state_lost),
		WORLD_TEST("a file that was cut short is STATE_LOST", a_file_that_was_cut_short_is_state_lost),
		WORLD_TEST("long work calls the progress function and can be stopped",
			   long_work_calls_the_progress_function_and_can_be_stopped),
		WORLD_TEST("a checkpoint empties the log", a_checkpoint_empties_the_log),
		WORLD_TEST("whoever asked is told of a rollback", whoever_asked_is_told_of_a_rollback),
	};

	return RUN_TESTS(tests);
}
