/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What tables look like, and what of a row an event has. */
#include "made.h"
#include "mysql/table_map.h"

static void print_column(const struct my_column *column, struct arena *arena, struct writer *to)
{
	wr_printf(to, "%s%s", to->len ? ", " : "", column->name);
	if (my_type_of(column))
		wr_printf(to, " %s", my_column_print(column, arena));
	if (column->charset)
		wr_printf(to, " %s", column->charset->name);
	if (column->key)
		wr_printf(to, " key");
}

/* Its columns as text, or "refused". */
static const char *read_map(const char *hex, bool mariadb, const struct my_charsets *charsets)
{
	static char shown[400];
	struct writer map = {0}, text = {0};
	struct arena arena = {0};
	struct my_shape shape;
	struct error err;

	made_put_hex(&map, "0100 0000 0000 0100 03 657270 00 01 74 00");
	made_put_hex(&map, hex);
	if (table_map_read(wr_view(&map), charsets, (struct map_rules){.mariadb = mariadb}, NULL, &arena, &shape, &err) < 0)
		wr_printf(&text, "refused");
	else
		for (unsigned i = 0; i < shape.count; i++)
			print_column(&shape.columns[i], &arena, &text);
	snprintf(shown, sizeof(shown), "%.*s", VIEW_ARG(wr_view(&text)));
	wr_done(&map);
	wr_done(&text);
	arena_done(&arena);
	return shown;
}

static void table_maps_describe_columns(void **state)
{
	static const struct {
		bool mariadb;
		const char *hex, *expected;
	} table[] = {
		/* the usual collation, and those of the second and third text that differ */
		{true, "04 0f030f0f 06 1400 1400 1400 0f  02 07 2d 01 08 02 fc0009 04 08 01610162 01630164",
		 "a varchar(5) utf8mb4, b int, c varchar(20) latin1, d varchar(5) utf8mb4"},
		{true, "01 0f 02 1400 00  02 03 fcff00 04 02 0161", "a varchar(5) utf8mb4"},
		{true, "02 0f0f 04 1400 1400 00  03 04 fc0009 30 04 04 01610162", "a varchar(5) utf8mb4, b varchar(20) latin1"},
		/* MariaDB counts geometries among the texts, MySQL does not */
		{true, "02 ff0f 03 04 1400 00  03 02 3f 08 04 04 01610162", "a geometry binary, b varchar(20) latin1"},
		{false, "02 ff0f 03 04 1400 00  03 01 08 04 04 01610162", "a geometry, b varchar(20) latin1"},
		/* years are numbers, bits are none */
		{true, "05 100d01f603 04 0100 0a02 00  01 01 d0 04 0a 01610162016301640165",
		 "a bit(1), b year, c tinyint unsigned, d decimal(10,2), e int unsigned"},
		/* labels in the column's character set; ENUM before SET, each by its own list */
		{true, "02 fefe 04 f801 f701 00  04 04 01610162 05 03 01 01 78 06 05 02 01 e9 01 7a 0b 02 2d 08",
		 "a set('x') utf8mb4, b enum('é','z') latin1"},
		/* CHAR of more than 255 bytes; keys, one of them of a prefix */
		{true, "01 fe 02 cefc 00  02 01 2d 04 02 0161 08 01 00", "a char(255) utf8mb4 key"},
		{true, "02 030f 02 1400 00  02 01 2d 04 04 01610162 09 04 00 00 01 02", "a int key, b varchar(5) utf8mb4 key"},
		{true, "01 03 00 00  04 02 0161 0c 01 00 ff 00", "a int"}, /* fields that are not known */

		{true, "00 00  04 00", "refused"}, /* no columns */
		{true, "01 03 00 00", "refused"}, /* no names */
		{true, "01 03 00 00  04 01 61", "refused"},
		{true, "02 0303 00 00  04 02 0161", "refused"},
		{true, "01 0f 02 1400 00  02 03 2d 01 08 04 02 0161", "refused"}, /* of a second text, which is not there */
		{true, "01 0f 02 1400 00  02 03 2d 00 fb 04 02 0161", "refused"},
		{true, "01 03 00 00  04 02 0161 08 01 01", "refused"},
		{true, "01 f6 02 4200 00  04 02 0161", "refused"}, /* decimal(66,0) */
		{true, "01 f6 02 0203 00  04 02 0161", "refused"},
		{true, "01 12 01 07 00  04 02 0161", "refused"}, /* datetime(7) */
		{true, "01 fc 01 05 00  04 02 0161", "refused"},
		{true, "01 10 02 0108 00  04 02 0161", "refused"}, /* bit(65) */
		{true, "01 03 01 00 00  04 02 0161", "refused"}, /* an integer has no such length */
		{true, "fefffffffffffffff0 03", "refused"},
	};
	struct my_charsets charsets = {0};

	(void)state;
	made_charsets(&charsets);
	FOR_EACH(row, table) {
		const char *is = read_map(row->hex, row->mariadb, &charsets);

		if (strcmp(is, row->expected))
			fail_msg("%s is %s", row->hex, is);
	}
	my_charsets_done(&charsets);
}

static void a_row_without_a_column_is_refused(void **state)
{
	struct decoder *dec = *state;

	made_open_group(dec, 1100);
	TAKE(dec, TABLE_MAP, 1200, MAP_T);
	assert_int_equal(made_decode_hex(dec, UPDATE, 1300, "010000000000 0100 01 fe ff fe 0100000000000000"), -1);
	assert_non_null(strstr(dec->err.text, "without its column a, and the table has no primary key"));

	binlog_restart(&dec->log, binlog_position(1, 1000), false);
	made_open_group(dec, 1100);
	TAKE(dec, TABLE_MAP, 1200, MAP_T);
	assert_int_equal(made_decode_hex(dec, WRITE, 1300, "010000000000 0100 01 fe ff"), -1);
	assert_non_null(strstr(dec->err.text, "without its column a, which has its default value"));
}

/* k(a int primary key, b int, c text): what is left out is neither null nor lost. */
static void what_an_image_lacks_is_taken_from_the_old_one_or_is_unchanged(void **state)
{
	static const char map[] = "040000000000 0100 03 657270 00 01 74 00 03 0303fc 01 02 06 02 01 2d 04 06 016101620163 08 01 00";
	static const struct {
		const char *hex;
		enum image before;
		enum value_state after[3];
		bool lacks;
	} table[] = {
		{"040000000000 0100 03 f9 fa  fe 01000000 fe 02000000", IMAGE_KEY, {VALUE_PRESENT, VALUE_PRESENT, VALUE_UNCHANGED}, true},
		{"040000000000 0100 03 f9 fc  fe 01000000 ff", IMAGE_KEY, {VALUE_PRESENT, VALUE_UNCHANGED, VALUE_NULL}, true},
		{"040000000000 0100 03 ff fa  fa 01000000 0100 78 fe 02000000", IMAGE_FULL, {VALUE_PRESENT, VALUE_PRESENT, VALUE_PRESENT}, false},
		{"040000000000 0100 03 ff f8  fa 01000000 0100 78", IMAGE_FULL, {VALUE_PRESENT, VALUE_NULL, VALUE_PRESENT}, false},
	};
	struct decoder *dec = *state;

	FOR_EACH(row, table) {
		struct change change = {0};

		binlog_restart(&dec->log, binlog_position(1, 1000), false);
		made_open_group(dec, 1100);
		TAKE(dec, TABLE_MAP, 1200, map);
		assert_int_equal(made_begin(dec, UPDATE, 1300, row->hex, &change), 1);
		while (change.op != CHANGE_UPDATE)
			assert_int_equal(binlog_more(&dec->log, &change, &dec->err), 1);
		assert_int_equal(change.before.image, row->before);
		assert_int_equal(change.lacks_values, row->lacks);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(change.after.values[i].state, row->after[i]);
		assert_int_equal(change.after.values[0].integer, 1);
		assert_int_equal(binlog_more(&dec->log, &change, &dec->err), 0);
	}
}

static void a_table_that_cannot_be_read_right_is_refused(void **state)
{
	static const struct {
		const char *map, *expected;
	} table[] = {
		{"030000000000 0100 03 657270 00 01 74 00 01 0f 02 1400 00 02 01 09 04 02 0161", "character set that is not read (not known)"},
		{"030000000000 0100 03 657270 00 01 74 00 01 0f 02 1400 00 04 02 0161", "character set that is not read (not known)"},
		{"030000000000 0100 03 657270 00 01 6d 00 01 0c 00 00 04 02 0161", "may have a fraction"},
		{"030000000000 0100 03 657270 00 01 74 00 01 8e 00 00 04 02 0161", "not read (code 142)"},
	};
	struct decoder *dec = *state;

	FOR_EACH(row, table) {
		binlog_restart(&dec->log, binlog_position(1, 1000), false);
		made_open_group(dec, 1100);
		assert_int_equal(made_decode_hex(dec, TABLE_MAP, 1200, row->map), -1);
		if (!strstr(dec->err.text, row->expected))
			fail_msg("%s", dec->err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("table maps describe columns", table_maps_describe_columns),
		DECODER_TEST("a row without a column is refused", a_row_without_a_column_is_refused),
		DECODER_TEST("what an image lacks is taken from the old one or is unchanged",
			     what_an_image_lacks_is_taken_from_the_old_one_or_is_unchanged),
		DECODER_TEST("a table that cannot be read right is refused", a_table_that_cannot_be_read_right_is_refused),
	};

	return RUN_TESTS(tests);
}
