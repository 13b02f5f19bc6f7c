/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Statements after which the rows of a table may be others than the row events tell. */
#include "base/writer.h"
#include "mysql/history.h"
#include "schema/catalog.h"
#include "unit/unit.h"

#define STRICT (UINT64_C(1) << 22)

struct scene {
	struct catalog *catalog;
	struct my_charsets charsets;
	struct my_tables tables;
	struct my_history history;
	struct arena arena;
	struct error err;
};

static const struct view labels[] = {VIEW("new"), VIEW("paid")};

static void capture(struct scene *scene, const char *name)
{
	struct my_column columns[] = {
		{.name = "id", .code = MY_LONG, .key = true},
		{.name = "name", .code = MY_VARCHAR, .meta = 80, .charset = my_charset_named(&scene->charsets, "utf8mb4")},
		{.name = "price", .code = MY_DECIMAL, .meta = 10 | 2 << 8},
		{.name = "state", .code = MY_ENUM, .meta = 1, .labels = labels, .label_count = 2,
		 .charset = my_charset_named(&scene->charsets, "utf8mb4")},
		{.name = "code", .code = MY_STRING, .meta = 16, .charset = my_charset_named(&scene->charsets, "binary")},
		{.name = "at", .code = MY_DATETIME, .meta = 3},
	};
	struct my_shape shape = {.schema = "erp", .name = name, .columns = columns, .count = COUNT_OF(columns)};
	const struct my_table *table;

	assert_ok(my_tables_capture(&scene->tables, &shape, &table, &scene->err), &scene->err);
}

static void begin(struct scene *scene)
{
	*scene = (struct scene){.catalog = catalog_new()};
	my_charsets_add(&scene->charsets, "utf8mb4", 4);
	my_charsets_add(&scene->charsets, "binary", 1);
	my_tables_init(&scene->tables, scene->catalog, &scene->charsets);
	capture(scene, "t");
	capture(scene, "u");
}

static void end(struct scene *scene)
{
	my_history_done(&scene->history);
	my_tables_done(&scene->tables);
	my_charsets_done(&scene->charsets);
	catalog_free(scene->catalog);
	arena_done(&scene->arena);
}

static void take(struct scene *scene, const char *sql, uint64_t mode, uint64_t at)
{
	struct ddl_session session = {.database = VIEW("erp"), .sql_mode = mode};
	struct ddl ddl;

	ddl_read(view_of(sql), &session, &scene->arena, &ddl);
	my_history_take(&scene->history, &scene->tables, &ddl, &session, view_of(sql), (struct position){POSITION_BINLOG, at});
}

static const char *change_of(struct scene *scene, const char *name)
{
	return my_history_change("-", my_history_of(&scene->history, "erp", name, &scene->arena));
}

static void what_may_have_changed_rows_is_noted(void **state)
{
	static const struct {
		const char *sql;
		uint64_t mode;
		const char *tables; /* of t and u, those that are noted */
	} rows[] = {
		{"DROP TABLE t", 0, "t"},
		{"DROP TABLE x, t, u", 0, "tu"},
		{"DROP TABLE x.t", 0, ""},
		{"DROP DATABASE erp", 0, "tu"},
		{"CREATE TABLE t (id INT)", 0, "t"},
		{"CREATE TABLE IF NOT EXISTS t (id INT)", 0, ""},
		{"CREATE OR REPLACE TABLE t LIKE x", 0, "t"},
		{"RENAME TABLE t TO _t_del, _t_gho TO t", 0, "t"},
		{"RENAME TABLE t TO x, u TO t, x TO u", 0, "tu"},
		{"ALTER TABLE v RENAME TO t", 0, "t"},
		{"ALTER TABLE t DROP PARTITION p0, p1", 0, "t"},
		{"ALTER TABLE t EXCHANGE PARTITION p WITH TABLE u", 0, "tu"},
		{"ALTER TABLE t CONVERT TO CHARACTER SET latin1", STRICT, "t"},
		{"ALTER TABLE t ENGINE=InnoDB, FORCE, ADD INDEX (name), DROP INDEX x, ADD PRIMARY KEY (id)", 0, ""},
		{"ALTER TABLE t ADD PARTITION (PARTITION p VALUES LESS THAN (5))", 0, ""},
		{"ALTER TABLE t ADD note TEXT, DROP COLUMN name", 0, ""},
		{"ALTER TABLE t DROP COLUMN name, ADD COLUMN NAME VARCHAR(20)", 0, "t"},
		{"ALTER TABLE t RENAME COLUMN name TO title", 0, ""},
		{"ALTER TABLE t RENAME COLUMN name TO x, RENAME COLUMN code TO name", 0, "t"},
		{"ALTER TABLE t MODIFY name VARCHAR(40)", 0, ""},
		{"ALTER TABLE t MODIFY name VARCHAR(40) NOT NULL", 0, "t"},
		{"ALTER TABLE t MODIFY name VARCHAR(40) NOT NULL", STRICT, ""},
		{"ALTER TABLE t MODIFY name VARCHAR(10)", STRICT, "t"},
		{"ALTER TABLE t MODIFY name VARCHAR(40) CHARACTER SET latin1", STRICT, "t"},
		{"ALTER TABLE t MODIFY name TEXT", STRICT, "t"},
		{"ALTER TABLE t CHANGE name title VARCHAR(20) AFTER id", 0, ""},
		{"ALTER TABLE t CHANGE name code VARCHAR(20)", 0, "t"},
		{"ALTER TABLE t MODIFY price DECIMAL(12,2)", 0, ""},
		{"ALTER TABLE t MODIFY price DECIMAL(12,4)", 0, ""},
		{"ALTER TABLE t MODIFY price DECIMAL(10,4)", 0, "t"},
		{"ALTER TABLE t MODIFY price DECIMAL(10,1)", STRICT, "t"},
		{"ALTER TABLE t MODIFY state ENUM('new','paid','gone')", 0, ""},
		{"ALTER TABLE t MODIFY state ENUM('paid','new')", 0, "t"},
		{"ALTER TABLE t MODIFY code BINARY(16)", 0, ""},
		{"ALTER TABLE t MODIFY code BINARY(20)", 0, "t"},
		{"ALTER TABLE t MODIFY at DATETIME(6)", 0, ""},
		{"ALTER TABLE t MODIFY at DATETIME", STRICT, "t"},
		{"ALTER TABLE t MODIFY id INT UNSIGNED", STRICT, "t"},
		{"ALTER TABLE t MODIFY id INT NOT NULL COMMENT 'number'", STRICT, ""},
		{"ALTER TABLE t FROBNICATE", 0, "t"},
		{"ALTER TABLE v FROBNICATE", 0, ""},
		{"CREATE INDEX i ON t (name)", 0, ""},
		{"GRANT SELECT ON t TO x", 0, ""},
	};

	(void)state;
	FOR_EACH(row, rows) {
		struct scene scene;
		char noted[3] = "";

		begin(&scene);
		take(&scene, row->sql, row->mode, 7);
		if (change_of(&scene, "t"))
			strcat(noted, "t");
		if (change_of(&scene, "u"))
			strcat(noted, "u");
		if (strcmp(noted, row->tables) != 0)
			fail_msg("%s: noted of '%s'", row->sql, noted);
		end(&scene);
	}
}

static void the_last_statement_of_a_table_is_kept_with_its_place(void **state)
{
	struct writer text = {0};
	struct scene scene, again;

	(void)state;
	begin(&scene);
	begin(&again);
	take(&scene, "DROP TABLE t", 0, 7);
	take(&scene, "CREATE TABLE t\n(id\tINT)", 0, 9);
	assert_true(scene.history.changed);
	assert_string_equal(change_of(&scene, "t"), "CREATE TABLE t (id INT)");
	my_history_print(&scene.history, &text);
	assert_false(scene.history.changed);
	assert_ok(my_history_parse(&again.history, wr_view(&text), &again.err), &again.err);
	assert_string_equal(my_history_of(&again.history, "erp", "t", &again.arena), my_history_of(&scene.history, "erp", "t", &scene.arena));
	assert_string_equal(my_history_of(&again.history, "erp", "u", &again.arena), "-");
	wr_done(&text);
	end(&again);
	end(&scene);
}

static void the_same_statement_at_another_place_is_another_change(void **state)
{
	(void)state;
	assert_null(my_history_change("", "0/7 DROP TABLE t")); /* of what was before, nothing is known */
	assert_null(my_history_change("0/7 DROP TABLE t", "0/7 DROP TABLE t"));
	assert_null(my_history_change("0/7 DROP TABLE t", "-"));
	assert_string_equal(my_history_change("0/7 DROP TABLE t", "0/9 DROP TABLE t"), "DROP TABLE t");
	assert_string_equal(my_history_change("-", "0/9 DROP TABLE t"), "DROP TABLE t");
}

static void a_history_that_is_garbled_is_refused(void **state)
{
	static const char *const texts[] = {"x", "erp\tt", "\tt\tx", "erp\tt\t\n"};

	(void)state;
	FOR_EACH(text, texts) {
		struct my_history history = {0};
		struct error err;

		assert_int_equal(my_history_parse(&history, view_of(*text), &err), -1);
		my_history_done(&history);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_may_have_changed_rows_is_noted),
		cmocka_unit_test(the_last_statement_of_a_table_is_kept_with_its_place),
		cmocka_unit_test(the_same_statement_at_another_place_is_another_change),
		cmocka_unit_test(a_history_that_is_garbled_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
