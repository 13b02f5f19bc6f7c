/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The shapes of tables where the log does not tell of them: what statements make of them, and the text that they are kept as. */
#include <stdlib.h>

#include "made.h"
#include "mysql/shapes.h"

#define TABLE_T "erp\tt\t1099511628776\t2\tutf8mb4\t\t\nid\t3\t0\t0\t1\t1\t\t\t0\t\na\t15\t80\t0\t2\t0\tutf8mb4\t\t0\t\n"

struct shapes {
	struct my_charsets charsets;
	struct my_shapes shapes;
	struct error err;
};

static int make_shapes(void **state)
{
	struct shapes *made = calloc(1, sizeof(*made));

	made_charsets(&made->charsets);
	made->shapes = (struct my_shapes){.charsets = &made->charsets, .mariadb = true, .follows = true};
	*state = made;
	return 0;
}

static int drop_shapes(void **state)
{
	struct shapes *made = *state;

	my_shapes_done(&made->shapes);
	my_charsets_done(&made->charsets);
	free(made);
	return 0;
}

static void take(struct shapes *made, const char *sql, uint64_t at)
{
	struct ddl_session session = {.database = VIEW("erp")};
	struct arena arena = {0};
	struct ddl ddl;

	ddl_read(view_of(sql), &session, &arena, &ddl);
	my_shapes_take(&made->shapes, &ddl, view_of(sql), binlog_position(1, at));
	arena_done(&arena);
}

/* Its columns, each with its type, character set and place in the key; "lost"; or "none". */
static const char *shape_of(struct shapes *made, const char *name)
{
	static char shown[500];
	const struct my_version *version = my_shapes_of(&made->shapes, "erp", name);
	struct writer text = {0};
	struct arena arena = {0};

	for (unsigned i = 0; version && !version->lost && i < version->shape.count; i++) {
		const struct my_column *column = &version->shape.columns[i];

		wr_printf(&text, "%s%s %s", i ? ", " : "", column->name, my_type_of(column) ? my_column_print(column, &arena) : "?");
		if (column->charset)
			wr_printf(&text, " %s", column->charset->name);
		for (unsigned k = 0; k < version->shape.key_count; k++)
			if (version->shape.key[k] == i)
				wr_printf(&text, " key %u", k + 1);
	}
	if (!version || version->lost)
		wr_printf(&text, version ? "lost" : "none");
	snprintf(shown, sizeof(shown), "%.*s", VIEW_ARG(wr_view(&text)));
	wr_done(&text);
	arena_done(&arena);
	return shown;
}

static void statements_make_shapes(void **state)
{
	static const struct {
		const char *sql, *expected;
	} table[] = { /* one after the other */
		{"CREATE TABLE t (id int PRIMARY KEY, a varchar(20)) CHARACTER SET utf8mb4", "id int key 1, a varchar(20) utf8mb4"},
		{"ALTER TABLE t ADD b smallint unsigned FIRST", "b smallint unsigned, id int key 1, a varchar(20) utf8mb4"},
		{"ALTER TABLE t MODIFY b smallint unsigned AFTER id, CHANGE a c varchar(10) CHARACTER SET latin1",
		 "id int key 1, b smallint unsigned, c varchar(10) latin1"},
		{"ALTER TABLE t RENAME COLUMN b TO d, DROP c", "id int key 1, d smallint unsigned"},
		{"ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (d, id)", "id int key 2, d smallint unsigned key 1"},
		{"ALTER TABLE t ADD INDEX (id), COMMENT 'x'", "id int key 2, d smallint unsigned key 1"},
		{"CREATE TABLE u LIKE t; ", "id int key 2, d smallint unsigned key 1"},
		{"ALTER TABLE t ADD e text, CONVERT TO CHARACTER SET latin1", "id int key 2, d smallint unsigned key 1, e text latin1"},
		{"RENAME TABLE t TO o, u TO t", "id int key 2, d smallint unsigned key 1"},
		{"ALTER TABLE t DROP nobody", "lost"},
		{"ALTER TABLE t ADD f int", "lost"},
		{"RENAME TABLE t TO p, o TO t", "id int key 2, d smallint unsigned key 1, e text latin1"},
		{"CREATE TABLE IF NOT EXISTS t (g int)", "id int key 2, d smallint unsigned key 1, e text latin1"},
		{"ALTER TABLE t ADD h national character varying(9)", "lost"},
		{"CREATE OR REPLACE TABLE t (g int)", "g int"},
		{"DROP TABLE t", "lost"},
		{"CREATE TABLE t (i int)", "i int"},
		{"DROP DATABASE erp", "lost"},
	};
	struct shapes *made = *state;

	assert_string_equal(shape_of(made, "t"), "none");
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		take(made, table[i].sql, 1000 + i);
		if (strcmp(shape_of(made, "t"), table[i].expected) != 0)
			fail_msg("%s: %s", table[i].sql, shape_of(made, "t"));
	}
}

static void a_shape_is_that_of_the_place_where_reading_goes_on(void **state)
{
	struct shapes *made = *state;

	take(made, "CREATE TABLE t (id int)", 1000);
	take(made, "ALTER TABLE t ADD a int", 2000);
	take(made, "ALTER TABLE t ADD b int", 3000);
	my_shapes_forget(&made->shapes, binlog_position(1, 2500));
	my_shapes_start(&made->shapes, binlog_position(1, 2500));
	assert_string_equal(shape_of(made, "t"), "id int, a int");
	my_shapes_start(&made->shapes, binlog_position(1, 1500)); /* what it was there is forgotten */
	assert_string_equal(shape_of(made, "t"), "none");
}

static void shapes_are_kept_as_text(void **state)
{
	struct shapes *made = *state;
	struct my_shapes again = {.charsets = &made->charsets, .mariadb = true};
	struct writer once = {0}, twice = {0};

	take(made, "CREATE TABLE `a b` (`x\ty` enum('o n','%\n') CHARACTER SET latin1, u uuid, PRIMARY KEY (u, `x\ty`))", 1000);
	take(made, "ALTER TABLE `a b` ADD c int", 2000);
	take(made, "DROP TABLE `a b`", 3000);
	assert_true(made->shapes.changed);
	my_shapes_print(&made->shapes, &once);
	assert_false(made->shapes.changed);
	assert_ok(my_shapes_parse(&again, wr_view(&once), &made->err), &made->err);
	my_shapes_print(&again, &twice);
	assert_true(view_equal(wr_view(&once), wr_view(&twice)));
	assert_string_equal(shape_of(made, "a b"), "lost");
	my_shapes_done(&again);
	wr_done(&once);
	wr_done(&twice);
}

static void a_text_that_is_garbled_is_refused(void **state)
{
	static const struct {
		const char *text;
		bool taken;
	} table[] = {
		{"", true}, {TABLE_T, true}, {TABLE_T TABLE_T, true},
		{"erp\tt\t5\t0\t\tDROP%20TABLE%20t\t\n", true},
		{"erp\tt\t5\t0\t\t\t\n", false},                                                     /* no columns, and not lost */
		{"\tt\t5\t0\t\tDROP\t\n", false}, {"erp\t\t5\t0\t\tDROP\t\n", false}, {"x", false},
		{"erp\tt\t5\t4097\t\t\t\n", false}, {"erp\tt\t5\t18446744073709551615\t\t\t\n", false},
		{"erp\tt\t5\t4096\t\t\t\nid\t3\t0\t0\t1\t1\t\t\t0\t\n", false},                      /* cut */
		{"erp\tt\t5\t1\t\t\t\nid\t3\t0\t0\t1\t2\t\t\t0\t\n", false},                         /* of a key that it is not in */
		{"erp\tt\t5\t2\t\t\t\nid\t3\t0\t0\t1\t2\t\t\t0\t\na\t3\t0\t0\t1\t0\t\t\t0\t\n", false}, /* a key without a first column */
		{"erp\tt\t5\t2\t\t\t\nid\t3\t0\t0\t1\t1\t\t\t0\t\na\t3\t0\t0\t1\t1\t\t\t0\t\n", false}, /* with two */
		{"erp\tt\t5\t1\t\t\t\nid\t15\t3\t0\t1\t1\tklingon\t\t0\t\n", false},
		{"erp\tt\t5\t1\t\t\t\nid\t247\t1\t0\t1\t0\t\t\t4294967295\ta\t\n", false},
	};
	struct shapes *made = *state;

	FOR_EACH(row, table) {
		struct my_shapes shapes = {.charsets = &made->charsets};

		if ((my_shapes_parse(&shapes, view_of(row->text), &made->err) == 0) != row->taken)
			fail_msg("'%s' is %s", row->text, row->taken ? "refused" : "taken");
		my_shapes_done(&shapes);
	}
}

#define SHAPES_TEST(sentence, function) TEST_WITH(sentence, function, make_shapes, drop_shapes)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHAPES_TEST("statements make shapes", statements_make_shapes),
		SHAPES_TEST("a shape is that of the place where reading goes on", a_shape_is_that_of_the_place_where_reading_goes_on),
		SHAPES_TEST("shapes are kept as text", shapes_are_kept_as_text),
		SHAPES_TEST("a text that is garbled is refused", a_text_that_is_garbled_is_refused),
	};

	return RUN_TESTS(tests);
}
