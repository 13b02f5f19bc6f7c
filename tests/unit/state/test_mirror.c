/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What changes make of the mirror: changes in, rows out, as a table. */
#include <sqlite3.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/writer.h"
#include "state/db.h"
#include "state/mirror.h"
#include "unit/rows.h"
#include "unit/unit.h"

struct world {
	struct arena arena;
	struct db *db;
	struct mirror *mirror;
	struct error err;
};

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	arena_init(&world->arena);
	assert_ok(db_open(":memory:", NULL, &world->db, &world->err), &world->err);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	mirror_close(world->mirror);
	db_close(world->db);
	arena_done(&world->arena);
	free(world);
	return 0;
}

/* All rows of a query, values joined by |, rows by a blank; decimals and texts as they stand. */
static const char *dump(struct world *world, const char *sql)
{
	struct writer text = {0};
	sqlite3_stmt *stmt;
	const char *result;

	assert_ok(db_prepare(world->db, sql, &stmt, &world->err), &world->err);
	while (db_step(world->db, stmt, &world->err) == 1) {
		wr_printf(&text, "%s", text.len ? " " : "");
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			const char *value = (const char *)sqlite3_column_text(stmt, i);

			wr_printf(&text, "%s%s", i ? "|" : "", value ? value : "~");
		}
	}
	sqlite3_finalize(stmt);
	result = arena_copy(&world->arena, wr_view(&text)).ptr;
	wr_done(&text);
	return result;
}

/* All columns of the table are needed. */
static struct mirror_need *need_all(struct world *world, const struct table *table)
{
	struct mirror_need *need = ARENA_NEW(&world->arena, struct mirror_need);
	const char **names = ARENA_ARRAY(&world->arena, const char *, table->column_count);

	for (unsigned i = 0; i < table->column_count; i++)
		names[i] = table->columns[i].name;
	*need = (struct mirror_need){table->schema, table->name, names, table->column_count, NULL, 0};
	return need;
}

static enum mirror_state declare(struct world *world, const struct table *table)
{
	enum mirror_state state;

	assert_ok(mirror_declare(world->mirror, table, &state, &world->err), &world->err);
	return state;
}

static struct table *mirrored_table(struct world *world, const char *spec)
{
	struct table *table = rows_table(&world->arena, spec);

	assert_ok(mirror_open(world->db, need_all(world, table), 1, &world->mirror, &world->err), &world->err);
	declare(world, table);
	return table;
}

/* Changes one per line. */
static void apply(struct world *world, const struct table *table, const char *changes)
{
	char *save, *text = (char *)arena_copy(&world->arena, view_of(changes)).ptr;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct change change = rows_change(&world->arena, table, line);

		assert_ok(mirror_apply(world->mirror, &change, &world->err), &world->err);
	}
}

#define TABLE "t(*id int64, name text, total decimal)"
#define PAIR "t(*a text, *b int32, name text)"
#define BAG "@t(name text, n int32)"
#define ALL "SELECT * FROM t"
#define BAG_ROWS "SELECT name, n FROM t ORDER BY name, n"

static const struct {
	const char *sentence;
	const char *table;
	const char *changes;
	const char *query;
	const char *rows;
} cases[] = {
	{"an insert adds a row", TABLE, "+ 1|a|1.50", ALL, "1|a|1.50"},
	{"a snapshot row that is there already replaces it", TABLE, "+ 1|a|1.50\nr 1|b|2", ALL, "1|b|2"},
	{"an update replaces the row", TABLE, "+ 1|a|1\n= 1|b|2", ALL, "1|b|2"},
	{"null replaces a value", TABLE, "+ 1|a|1\n= 1|~|~", ALL, "1|~|~"},
	{"an unchanged value stays what it was", TABLE, "+ 1|long|1\n= 1|!|2", ALL, "1|long|2"},
	{"an absent value stays what it was", TABLE, "+ 1|a|1\n= 1|b|.", ALL, "1|b|1"},
	{"an unchanged value is taken from a full before image", TABLE, "+ 1|a|1\n= 1|!|2 <- 1|image|1", ALL,
	 "1|image|2"},
	{"a changed key moves the row", TABLE, "+ 1|a|1\n+ 2|b|2\n= 3|a|1 <- 1|.|.", ALL, "2|b|2 3|a|1"},
	{"a changed key takes unchanged values along", TABLE, "+ 1|a|1\n= 3|!|2 <- 1|.|.", ALL, "3|a|2"},
	{"a before image with the same key moves nothing", TABLE, "+ 1|a|1\n= 1|b|1 <- 1|a|1", ALL, "1|b|1"},
	{"a delete needs the key only", TABLE, "+ 1|a|1\n+ 2|b|2\n- 1|.|.", ALL, "2|b|2"},
	{"a delete of what is not there does nothing", TABLE, "+ 1|a|1\n- 2|.|.", ALL, "1|a|1"},
	{"deleted and inserted again is the new row", TABLE, "+ 1|a|1\n- 1|.|.\n+ 1|b|2", ALL, "1|b|2"},
	{"truncate empties the table", TABLE, "+ 1|a|1\n+ 2|b|2\n0\n+ 3|c|3", ALL, "3|c|3"},
	{"a key of several columns finds its row", PAIR, "+ x|1|a\n+ x|2|b\n= x|2|c\n- x|1|.", ALL, "x|2|c"},
	{"one column of a key changes", PAIR, "+ x|1|a\n+ x|2|b\n= y|1|! <- x|1|.", ALL, "x|2|b y|1|a"},
	{"a truncated table with a key of several columns is empty", PAIR, "+ x|1|a\n+ x|2|b\n0", ALL, ""},
	{"decimals compare by value", TABLE, "+ 1|a|9.5\n+ 2|b|10\n+ 3|c|10.00", "SELECT id FROM t WHERE total = '10.0'",
	 "2 3"},
	{"decimals order by value", TABLE, "+ 1|a|9.5\n+ 2|b|-10\n+ 3|c|100", "SELECT id FROM t ORDER BY total",
	 "2 1 3"},
	{"with identity full, the primary key is the key", "@t(*id int64, name text)",
	 "+ 1|a\n= 1|b <- 1|a\n= 2|! <- 1|b\n+ 3|c\n- 3|c", ALL, "2|b"},
	{"a bag keeps equal rows apart", BAG, "+ a|1\n+ a|1\n+ b|2", BAG_ROWS, "a|1 a|1 b|2"},
	{"a delete takes one of equal rows from a bag", BAG, "+ a|1\n+ a|1\n- a|1", BAG_ROWS, "a|1"},
	{"an update in a bag changes one of equal rows", BAG, "+ a|1\n+ a|1\n= b|1 <- a|1", BAG_ROWS, "a|1 b|1"},
	{"a bag takes unchanged values from the before image", BAG, "+ a|1\n= !|2 <- a|1", BAG_ROWS, "a|2"},
	{"a bag tells null from empty", BAG, "+ |1\n+ ~|1\n- ~|1", BAG_ROWS, "|1"},
	{"a truncated bag is empty", BAG, "+ a|1\n+ a|1\n0", BAG_ROWS, ""},
	{"a table of another schema carries both names", "ops.t(*id int64, name text, total decimal)", "+ 1|a|1",
	 "SELECT * FROM \"ops.t\"", "1|a|1"},
	{"dates and times stand as texts", "t(*id int64, d date, at timestamp, z zoned, c time)",
	 "+ 1|2024-02-29|2024-02-29 12:00:00.5|2024-02-29 12:00:00+02|08:30:00\n+ 2|infinity|~|~|24:00:00", ALL,
	 "1|2024-02-29|2024-02-29 12:00:00.5|2024-02-29 10:00:00+00|08:30:00 2|infinity|~|~|24:00:00"},
	{"a number that is none stands as text", "t(*id int64, f float64)", "+ 1|0.5\n+ 2|nan",
	 "SELECT id, f, typeof(f) FROM t", "1|0.5|real 2|NaN|text"},
	{"names that must be quoted are quoted", "order\"s(*from int64, select text)", "+ 1|a\n= 2|b <- 1|.",
	 "SELECT * FROM \"order\"\"s\"", "2|b"},
};

static void changes_make_rows(void **state)
{
	(void)state;
	FOR_EACH(row, cases) {
		void *fresh;
		struct world *world;
		const char *rows;

		set_up(&fresh);
		world = fresh;
		apply(world, mirrored_table(world, row->table), row->changes);
		rows = dump(world, row->query);
		if (strcmp(rows, row->rows) != 0)
			fail_msg("%s: '%s' instead of '%s'", row->sentence, rows, row->rows);
		tear_down(&fresh);
	}
}

static void an_unchanged_value_of_an_unknown_row_is_an_error(void **state)
{
	struct world *world = *state;
	struct table *table = mirrored_table(world, TABLE);
	struct change change = rows_change(&world->arena, table, "= 1|!|2");

	assert_ok(mirror_loaded(world->mirror, table, &world->err), &world->err);
	assert_int_equal(mirror_apply(world->mirror, &change, &world->err), -1);
	assert_int_equal(world->err.class, ERROR_INTERNAL);
}

static void while_a_table_is_loaded_rows_to_come_are_left_out(void **state)
{
	struct world *world = *state;
	struct table *table = mirrored_table(world, TABLE);

	apply(world, table, "= 1|!|2");
	assert_string_equal(dump(world, ALL), "");
	apply(world, table, "r 1|a|1");
	apply(world, table, "= 1|!|2");
	assert_string_equal(dump(world, ALL), "1|a|2");
}

static void fetch_gives_the_whole_row(void **state)
{
	struct world *world = *state;
	struct table *table = mirrored_table(world, "t(*id int64, name text, at zoned, big bytes)");
	struct change old = rows_change(&world->arena, table, "+ 7|abc|2024-01-01 00:00:00+00|xyz");
	struct row row;

	assert_ok(mirror_apply(world->mirror, &old, &world->err), &world->err);
	assert_int_equal(mirror_fetch(world->mirror, table, old.after.values, &row, &world->err), 1);
	assert_int_equal(row.values[0].integer, 7);
	assert_view(row.values[1].text, "abc");
	assert_true(row.values[2].integer == old.after.values[2].integer);
	assert_view(row.values[3].text, "xyz");
	old = rows_change(&world->arena, table, "- 8|.|.|.");
	assert_int_equal(mirror_fetch(world->mirror, table, old.before.values, &row, &world->err), 0);
}

static void only_what_is_needed_is_kept(void **state)
{
	struct world *world = *state;
	static const char *const names[] = {"total"};
	static const char *const index_names[] = {"total"};
	static const struct mirror_index index = {index_names, 1};
	static const struct mirror_need need = {"public", "t", names, 1, &index, 1};
	struct table *table = rows_table(&world->arena, TABLE);
	struct table *other = rows_table(&world->arena, "other(*id int64)");

	assert_ok(mirror_open(world->db, &need, 1, &world->mirror, &world->err), &world->err);
	assert_int_equal(declare(world, table), MIRROR_LOADING);
	assert_int_equal(declare(world, other), MIRROR_NONE);
	assert_false(mirror_has(world->mirror, other));
	apply(world, table, "+ 1|secret|2.50");
	assert_string_equal(dump(world, ALL), "1|2.50");
	assert_string_equal(dump(world, "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND tbl_name = 't'"),
			    "1");
}

static void a_rollback_takes_tables_away_and_they_come_back_when_used(void **state)
{
	struct world *world = *state;
	struct table *table = mirrored_table(world, TABLE);

	apply(world, table, "+ 1|a|1");
	assert_ok(db_rollback(world->db, &world->err), &world->err);
	apply(world, table, "+ 2|b|2");
	assert_string_equal(dump(world, ALL), "2|b|2");
	assert_ok(db_commit(world->db, &world->err), &world->err);
	apply(world, table, "+ 3|c|3");
	assert_ok(db_rollback(world->db, &world->err), &world->err);
	assert_string_equal(dump(world, ALL), "2|b|2");
}

static const struct {
	const char *sentence;
	const char *later;
	enum mirror_state state;
	const char *reason;
} shape_cases[] = {
	{"the same shape is no change", TABLE, MIRROR_WHOLE, ""},
	{"a column more is no change", "t(*id int64, name text, more text, total decimal)", MIRROR_WHOLE, ""},
	{"another order of columns is no change", "t(total decimal, *id int64, name text)", MIRROR_WHOLE, ""},
	{"another type makes the table stale", "t(*id int64, name text, total int64)", MIRROR_STALE,
	 "column 'total' was decimal and is int64 now"},
	{"a column that is gone makes the table stale", "t(*id int64, name text)", MIRROR_STALE,
	 "column 'total' (decimal) is gone"},
	{"another key makes the table stale", "t(id int64, *name text, total decimal)", MIRROR_STALE,
	 "column 'id' has another place in the replica identity"},
};

static void a_version_fits_if_its_rows_can_be_kept_and_asking_changes_nothing(void **state)
{
	struct world *world = *state;
	struct table *table = mirrored_table(world, TABLE);
	bool fits;

	assert_ok(mirror_loaded(world->mirror, table, &world->err), &world->err);
	FOR_EACH(row, shape_cases) {
		assert_ok(mirror_fits(world->mirror, rows_table(&world->arena, row->later), &fits, &world->err), &world->err);
		if (fits != (row->state == MIRROR_WHOLE))
			fail_msg("%s", row->sentence);
	}
	assert_int_equal(mirror_state_of(world->mirror, "public", "t", NULL), MIRROR_WHOLE);
}

static void a_changed_shape_makes_a_table_stale(void **state)
{
	(void)state;
	FOR_EACH(row, shape_cases) {
		void *fresh;
		struct world *world;
		struct table *table;
		enum mirror_state later;
		const char *reason;

		set_up(&fresh);
		world = fresh;
		table = mirrored_table(world, TABLE);
		apply(world, table, "r 1|a|1");
		assert_ok(mirror_loaded(world->mirror, table, &world->err), &world->err);
		table = rows_table(&world->arena, row->later);
		later = declare(world, table);
		if (later != row->state)
			fail_msg("%s: it is %s", row->sentence, mirror_state_names[later]);
		mirror_state_of(world->mirror, "public", "t", &reason);
		assert_string_equal(reason, row->reason);
		tear_down(&fresh);
	}
}

static const struct {
	const char *sentence;
	int kept, now;        /* numbers of a column, 0: not known */
	const char *reason;
	const char *learned;
} number_cases[] = {
	{"the same number is no change", 3, 3, "", "3"},
	{"another number is another column", 3, 4, "column 'total' was dropped and added again", "3"},
	{"a number that is not known is no change", 3, 0, "", "3"},
	{"a file that does not know the number learns it", 0, 4, "", "4"},
};

static void a_column_that_is_dropped_and_added_again_is_another(void **state)
{
	(void)state;
	FOR_EACH(row, number_cases) {
		struct mirror_difference difference;
		struct world *world;
		struct table *table;
		enum mirror_state as_the_log_tells;
		void *fresh;

		set_up(&fresh);
		world = fresh;
		table = rows_table(&world->arena, TABLE);
		table->columns[2].source_number = row->kept;
		assert_ok(mirror_open(world->db, need_all(world, table), 1, &world->mirror, &world->err), &world->err);
		declare(world, table);
		assert_ok(mirror_loaded(world->mirror, table, &world->err), &world->err);
		table = rows_table(&world->arena, TABLE);
		table->columns[2].source_number = row->now;
		assert_ok(mirror_differs(world->db, table, &difference, &world->err), &world->err);
		if (difference.renumbered != (*row->reason != '\0') || difference.differs != difference.renumbered)
			fail_msg("%s", row->sentence);
		assert_string_equal(difference.reason, row->reason);
		assert_ok(mirror_learn_numbers(world->db, table, &world->err), &world->err);
		assert_string_equal(dump(world, "SELECT number FROM _tw_column WHERE name = 'total'"), row->learned);
		as_the_log_tells = declare(world, table);
		assert_int_equal(as_the_log_tells, MIRROR_WHOLE);
		tear_down(&fresh);
	}
}

static void a_stale_table_takes_no_changes_until_it_is_loaded_again(void **state)
{
	struct world *world = *state;
	struct table *table = mirrored_table(world, TABLE), *later;

	apply(world, table, "r 1|a|1");
	assert_ok(mirror_loaded(world->mirror, table, &world->err), &world->err);
	later = rows_table(&world->arena, "t(*id int64, name text, total int64)");
	assert_int_equal(declare(world, later), MIRROR_STALE);
	apply(world, later, "+ 2|b|2");
	assert_string_equal(dump(world, ALL), "1|a|1");
	assert_ok(mirror_reload(world->mirror, later, &world->err), &world->err);
	assert_int_equal(mirror_table_state(world->mirror, later), MIRROR_LOADING);
	apply(world, later, "r 3|c|3");
	assert_ok(mirror_loaded(world->mirror, later, &world->err), &world->err);
	assert_string_equal(dump(world, ALL), "3|c|3");
	assert_int_equal(mirror_state_of(world->mirror, "public", "t", NULL), MIRROR_WHOLE);
}

static void the_mirror_remembers_columns_that_the_source_has_changed(void **state)
{
	struct world *world = *state;
	const struct table *now[2], *const *remembered;
	unsigned count;

	mirrored_table(world, "t(name text, *id int64, total decimal)");
	now[0] = rows_table(&world->arena, "other(*id int64)");
	now[1] = rows_table(&world->arena, "t(*id int64, total int32, more text)");
	assert_ok(mirror_remember(world->db, now, 2, &world->arena, &remembered, &count, &world->err), &world->err);
	assert_int_equal(count, 2);
	assert_ptr_equal(remembered[0], now[0]);
	assert_int_equal(remembered[1]->column_count, 4);
	assert_int_equal(remembered[1]->columns[table_column(remembered[1], "total")].type.kind, TYPE_DECIMAL);
	assert_true(table_column(remembered[1], "name") >= 0 && table_column(remembered[1], "more") >= 0);
	assert_int_equal(remembered[1]->key_count, 1);
	assert_string_equal(remembered[1]->columns[remembered[1]->key[0]].name, "id");
	assert_ok(mirror_remember(world->db, now, 1, &world->arena, &remembered, &count, &world->err), &world->err);
	assert_int_equal(count, 2);
	assert_string_equal(remembered[1]->name, "t");
}

static void a_column_that_a_new_pack_needs_makes_the_mirror_incomplete(void **state)
{
	struct world *world = *state;
	static const char *const first[] = {"name"}, *const second[] = {"name", "total"};
	static const struct mirror_need before = {"public", "t", first, 1, NULL, 0},
					after = {"public", "t", second, 2, NULL, 0};
	struct table *table = rows_table(&world->arena, TABLE);

	assert_ok(mirror_open(world->db, &before, 1, &world->mirror, &world->err), &world->err);
	declare(world, table);
	assert_ok(mirror_loaded(world->mirror, table, &world->err), &world->err);
	assert_ok(mirror_set_needs(world->mirror, &after, 1, &world->err), &world->err);
	assert_int_equal(declare(world, table), MIRROR_INCOMPLETE);
	assert_ok(mirror_set_needs(world->mirror, &before, 1, &world->err), &world->err);
	assert_int_equal(declare(world, table), MIRROR_WHOLE);
}

static void a_table_without_identity_is_refused(void **state)
{
	struct world *world = *state;
	struct table *table = rows_table(&world->arena, "t(id int64, name text, total decimal)");

	assert_ok(mirror_open(world->db, need_all(world, table), 1, &world->mirror, &world->err), &world->err);
	assert_int_equal(mirror_declare(world->mirror, table, NULL, &world->err), -1);
	assert_int_equal(world->err.state, STATE_UNSUPPORTED);
}

/* public of PostgreSQL; where a schema is a database, the one that is read. */
static void tables_of_the_usual_schema_go_by_their_names_alone(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena);
	assert_string_equal(mirror_name(&arena, "public", "invoice"), "invoice");
	assert_string_equal(mirror_name(&arena, "erp", "invoice"), "erp.invoice");
	mirror_set_usual_schema("erp");
	assert_string_equal(mirror_name(&arena, "erp", "invoice"), "invoice");
	assert_string_equal(mirror_name(&arena, "public", "invoice"), "public.invoice");
	mirror_set_usual_schema("public");
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("tables of the usual schema go by their names alone", tables_of_the_usual_schema_go_by_their_names_alone),
		TEST("changes make rows", changes_make_rows),
		TEST_WITH("an unchanged value of an unknown row is an error",
			  an_unchanged_value_of_an_unknown_row_is_an_error, set_up, tear_down),
		TEST_WITH("while a table is loaded, rows to come are left out",
			  while_a_table_is_loaded_rows_to_come_are_left_out, set_up, tear_down),
		TEST_WITH("a version fits if its rows can be kept, and asking changes nothing",
			  a_version_fits_if_its_rows_can_be_kept_and_asking_changes_nothing, set_up, tear_down),
		TEST_WITH("fetch gives the whole row", fetch_gives_the_whole_row, set_up, tear_down),
		TEST_WITH("only what is needed is kept", only_what_is_needed_is_kept, set_up, tear_down),
		TEST_WITH("a rollback takes tables away, and they come back when used",
			  a_rollback_takes_tables_away_and_they_come_back_when_used, set_up, tear_down),
		TEST("a changed shape makes a table stale", a_changed_shape_makes_a_table_stale),
		TEST("a column that is dropped and added again is another", a_column_that_is_dropped_and_added_again_is_another),
		TEST_WITH("a stale table takes no changes until it is loaded again",
			  a_stale_table_takes_no_changes_until_it_is_loaded_again, set_up, tear_down),
		TEST_WITH("the mirror remembers columns that the source has changed",
			  the_mirror_remembers_columns_that_the_source_has_changed, set_up, tear_down),
		TEST_WITH("a column that a new pack needs makes the mirror incomplete",
			  a_column_that_a_new_pack_needs_makes_the_mirror_incomplete, set_up, tear_down),
		TEST_WITH("a table without identity is refused", a_table_without_identity_is_refused, set_up,
			  tear_down),
	};

	return RUN_TESTS(tests);
}
