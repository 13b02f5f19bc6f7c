/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Values as rows of the binary log have them: bytes in hexadecimal, by the column's description, and what they must become. */
#include <stdlib.h>

#include "base/writer.h"
#include "mysql/json.h"
#include "mysql/types.h"
#include "unit/unit.h"

#define BYTES_MOST 200
#define DECIMAL(precision, scale) .code = MY_DECIMAL, .meta = (precision) | (scale) << 8
#define BITS(count) .code = MY_BIT, .meta = (count) % 8 | (count) / 8 << 8
#define LABELS(list) .labels = (list), .label_count = COUNT_OF(list), .charset = &utf8

static const struct my_charset binary = {.name = "binary", .most_bytes = 1, .form = CHARSET_BYTES};
static const struct my_charset utf8 = {.name = "utf8mb4", .most_bytes = 4, .form = CHARSET_UTF8};
static const struct my_charset latin1 = {.name = "latin1", .most_bytes = 1, .form = CHARSET_LATIN1};
static const struct view letters[] = {{"x", 1}, {"y", 1}, {"z", 1}};

static size_t bytes_of(const char *hex, char bytes[BYTES_MOST])
{
	size_t count = 0;
	unsigned byte;

	for (int used; sscanf(hex, " %2x%n", &byte, &used) == 1; hex += used)
		bytes[count++] = (char)byte;
	return count;
}

static void print_value(struct type type, const struct value *value, struct writer *to)
{
	if (type_form(type) == FORM_INTEGER)
		wr_printf(to, "%lld", (long long)value->integer);
	else if (type.kind != TYPE_BYTES)
		wr_printf(to, "%.*s", VIEW_ARG(value->text));
	else
		for (size_t i = 0; i < value->text.len; i++)
			wr_printf(to, "%02x", (unsigned char)value->text.ptr[i]);
}

/* As text; "null", "refused", "cut short", and how many bytes were left over. */
static const char *value_of(const struct my_column *column, struct view bytes)
{
	static char shown[300];
	const struct my_type *type = my_type_of(column);
	struct value value = {.state = VALUE_PRESENT};
	struct reader rd = reader_of(bytes);
	struct writer text = {0};
	struct arena arena = {0};

	assert_non_null(type);
	if (type->read(&rd, column, &arena, &value) < 0)
		wr_printf(&text, "refused");
	else if (rd.failed)
		wr_printf(&text, "cut short");
	else if (value.state == VALUE_NULL)
		wr_printf(&text, "null");
	else
		print_value(my_column_type(column), &value, &text);
	if (rd_left(&rd))
		wr_printf(&text, ", %zu bytes left", rd_left(&rd));
	snprintf(shown, sizeof(shown), "%.*s", VIEW_ARG(wr_view(&text)));
	wr_done(&text);
	arena_done(&arena);
	return shown;
}

static const struct row {
	struct my_column column;
	const char *hex;
	const char *expected;
} rows[] = {
	{{.code = MY_TINY}, "80", "-128"}, {{.code = MY_TINY, .is_unsigned = true}, "ff", "255"},
	{{.code = MY_SHORT}, "0080", "-32768"}, {{.code = MY_SHORT, .is_unsigned = true}, "ffff", "65535"},
	{{.code = MY_INT24}, "000080", "-8388608"}, {{.code = MY_INT24}, "ffffff", "-1"},
	{{.code = MY_INT24, .is_unsigned = true}, "ffffff", "16777215"},
	{{.code = MY_LONG}, "00000080", "-2147483648"}, {{.code = MY_LONG, .is_unsigned = true}, "ffffffff", "4294967295"},
	{{.code = MY_LONGLONG}, "0000000000000080", "-9223372036854775808"},
	{{.code = MY_LONGLONG, .is_unsigned = true}, "ffffffffffffffff", "18446744073709551615"},
	{{.code = MY_LONGLONG, .is_unsigned = true}, "0000000000000000", "0"},
	{{.code = MY_FLOAT, .meta = 4}, "cdcccc3d", "0.1"}, {{.code = MY_FLOAT, .meta = 4}, "0000c07f", "refused"},
	{{.code = MY_DOUBLE, .meta = 8}, "000000000000f03f", "1"}, {{.code = MY_DOUBLE, .meta = 8}, "000000000000f0ff", "refused"},
	{{.code = MY_YEAR}, "00", "0"}, {{.code = MY_YEAR}, "01", "1901"}, {{.code = MY_YEAR}, "ff", "2155"},

	{{DECIMAL(10, 2)}, "8012d68759", "1234567.89"}, {{DECIMAL(10, 2)}, "7fed2978a6", "-1234567.89"},
	{{DECIMAL(1, 0)}, "87", "7"}, {{DECIMAL(3, 2)}, "8105", "1.05"}, {{DECIMAL(5, 0)}, "800000", "0"},
	{{DECIMAL(5, 0)}, "7fcfc6", "-12345"}, {{DECIMAL(9, 9)}, "80000001", "0.000000001"}, {{DECIMAL(9, 9)}, "7ffffffe", "-0.000000001"},
	{{DECIMAL(20, 1)}, "80000000000000000005", "0.5"},
	{{DECIMAL(38, 38)}, "7ffffffffffffffffffffffffffffffffe", "-0.00000000000000000000000000000000000001"},
	{{DECIMAL(65, 30)}, "80bc614e35b7bf87350e34c02f075f79075bcd1500bc614e35b7bf87037b",
	 "12345678901234567890123456789012345.123456789012345678901234567891"},
	{{DECIMAL(65, 0)}, "1cc4653600c4653600c4653600c4653600c4653600c4653600c4653600",
	 "-99999999999999999999999999999999999999999999999999999999999999999"},

	{{.code = MY_TIME}, "800000", "0"}, {{.code = MY_TIME}, "4b9105", "-3020399000000"}, {{.code = MY_TIME}, "7fffff", "-1000000"},
	{{.code = MY_TIME, .meta = 1}, "7ffffff6", "-100000"}, {{.code = MY_TIME, .meta = 2}, "7fffffff", "-10000"},
	{{.code = MY_TIME, .meta = 2}, "86400019", "360000250000"}, {{.code = MY_TIME, .meta = 3}, "7fef7cee30", "-3723456000"},
	{{.code = MY_TIME, .meta = 3}, "7ffffffff6", "-1000"}, {{.code = MY_TIME, .meta = 4}, "7fffffffff", "-100"},
	{{.code = MY_TIME, .meta = 5}, "7ffffffffff6", "-10"}, {{.code = MY_TIME, .meta = 6}, "7fffffffffff", "-1"},
	{{.code = MY_TIME, .meta = 6}, "4b9105000000", "-3020399000000"}, {{.code = MY_TIME}, "800f00", "refused"},
	{{.code = MY_TIME, .meta = 2}, "80000064", "refused"},
	{{.code = MY_OLD_TIME}, "590a80", "-3020399000000"}, {{.code = MY_OLD_TIME}, "41420f", "360001000000"},

	{{.code = MY_DATE}, "5dd00f", "19782"}, {{.code = MY_DATE}, "000000", "null"}, {{.code = MY_DATE}, "5ed00f", "null"},
	{{.code = MY_DATE}, "0ad00f", "null"},
	{{.code = MY_DATETIME}, "99b2bac8b8", "1709210096000000"}, {{.code = MY_DATETIME, .meta = 3}, "99b2bac8b81ed2", "1709210096789000"},
	{{.code = MY_DATETIME}, "fef3ff7efb", "253402300799000000"}, {{.code = MY_DATETIME, .meta = 6}, "8cb2420000000001", "-30610223999999999"},
	{{.code = MY_DATETIME}, "8000000000", "null"}, {{.code = MY_DATETIME}, "99b2800000", "null"}, {{.code = MY_DATETIME}, "99b2be0000", "null"},
	{{.code = MY_DATETIME}, "99b2bb8000", "refused"},
	{{.code = MY_OLD_DATETIME}, "80c5aa8b68120000", "1709210096000000"}, {{.code = MY_OLD_DATETIME}, "0000000000000000", "null"},
	{{.code = MY_OLD_DATETIME}, "ffffffffffffffff", "refused"},
	{{.code = MY_TIMESTAMP}, "00000000", "null"}, {{.code = MY_TIMESTAMP}, "7fffffff", "2147483647000000"},
	{{.code = MY_TIMESTAMP}, "ffffffff", "4294967295000000"}, {{.code = MY_TIMESTAMP, .meta = 1}, "000000015a", "1900000"},
	{{.code = MY_TIMESTAMP, .meta = 4}, "000000010001", "1000100"}, {{.code = MY_TIMESTAMP, .meta = 6}, "7fffffff0f423f", "2147483647999999"},
	{{.code = MY_TIMESTAMP, .meta = 6}, "7fffffff0f4240", "refused"},
	{{.code = MY_OLD_TIMESTAMP}, "ffffff7f", "2147483647000000"}, {{.code = MY_OLD_TIMESTAMP}, "00000000", "null"},

	{{BITS(1)}, "01", "1"}, {{BITS(8)}, "05", "00000101"}, {{BITS(12)}, "0a05", "101000000101"}, {{BITS(9)}, "0100", "100000000"},
	{{BITS(64)}, "8000000000000001", "1000000000000000000000000000000000000000000000000000000000000001"},
	{{.code = MY_ENUM, .meta = 1, LABELS(letters)}, "02", "y"}, {{.code = MY_ENUM, .meta = 1, LABELS(letters)}, "00", ""},
	{{.code = MY_ENUM, .meta = 1, LABELS(letters)}, "04", "refused"}, {{.code = MY_ENUM, .meta = 2, LABELS(letters)}, "0300", "z"},
	{{.code = MY_SET, .meta = 1, LABELS(letters)}, "05", "x,z"}, {{.code = MY_SET, .meta = 1, LABELS(letters)}, "00", ""},
	{{.code = MY_SET, .meta = 1, LABELS(letters)}, "08", "refused"}, {{.code = MY_SET, .meta = 8, LABELS(letters)}, "0700000000000000", "x,y,z"},

	{{.code = MY_VARCHAR, .meta = 255, .charset = &utf8}, "03616263", "abc"},
	{{.code = MY_VARCHAR, .meta = 256, .charset = &utf8}, "0300616263", "abc"},
	{{.code = MY_VARCHAR, .meta = 20, .charset = &utf8}, "00", ""}, {{.code = MY_VARCHAR, .meta = 20, .charset = &utf8}, "01e9", "refused"},
	{{.code = MY_VARCHAR, .meta = 20, .charset = &latin1}, "02e980", "é€"},
	{{.code = MY_VARCHAR, .meta = 20, .charset = &binary}, "0200ff", "00ff"},
	{{.code = MY_STRING, .meta = 255, .charset = &utf8}, "0161", "a"}, {{.code = MY_STRING, .meta = 1020, .charset = &utf8}, "010061", "a"},
	{{.code = MY_STRING, .meta = 6, .charset = &binary}, "0101", "010000000000"},
	{{.code = MY_STRING, .meta = 2, .charset = &binary}, "02ff01", "ff01"},
	{{.code = MY_STRING, .meta = 16, .charset = &binary, .native = "uuid"}, "10123e4567e89b12d3a456426655440000",
	 "123e4567-e89b-12d3-a456-426655440000"},
	{{.code = MY_STRING, .meta = 16, .charset = &binary, .native = "inet6"}, "0220 01", "2001::"},
	{{.code = MY_STRING, .meta = 4, .charset = &binary, .native = "inet4"}, "040a010203", "10.1.2.3"},
	{{.code = MY_BLOB, .meta = 1, .charset = &utf8}, "03616263", "abc"}, {{.code = MY_BLOB, .meta = 4, .charset = &binary}, "0100000000", "00"},
};

static void bytes_of_the_log_become_values(void **state)
{
	(void)state;
	FOR_EACH(row, rows) {
		char bytes[BYTES_MOST];
		const char *is = value_of(&row->column, (struct view){bytes, bytes_of(row->hex, bytes)});

		if (strcmp(is, row->expected))
			fail_msg("%s of code %u, meta %u is %s, not %s", row->hex, row->column.code, row->column.meta, is, row->expected);
	}
}

static void a_value_without_its_last_byte_is_cut_short(void **state)
{
	(void)state;
	FOR_EACH(row, rows) {
		char bytes[BYTES_MOST], *copy;
		size_t len = bytes_of(row->hex, bytes) - 1;
		const char *is;

		copy = memcpy(malloc(len + !len), bytes, len); /* so that reading beyond it is seen */
		is = value_of(&row->column, (struct view){copy, len});
		free(copy);
		if (strcmp(is, "cut short") && strcmp(is, "refused"))
			fail_msg("%s without its last byte, of code %u, is %s", row->hex, row->column.code, is);
	}
}

/* Not the one of its bytes, 0.10000000149011612: a snapshot has the text, and a document has this number. */
static void a_float_of_four_bytes_is_the_number_that_its_text_says(void **state)
{
	static const struct my_column column = {.code = MY_FLOAT, .meta = 4};
	char bytes[BYTES_MOST];
	struct value streamed = {.state = VALUE_PRESENT}, read = {.state = VALUE_PRESENT};
	struct reader rd = reader_of((struct view){bytes, bytes_of("cdcccc3d", bytes)});
	struct arena arena = {0};

	(void)state;
	assert_int_equal(my_type_of(&column)->read(&rd, &column, &arena, &streamed), 0);
	assert_int_equal(my_type_of(&column)->parse(VIEW("0.1"), &column, &arena, &read), 0);
	assert_true(streamed.real == 0.1 && read.real == 0.1);
	arena_done(&arena);
}

/* By the rule of the column, which changes its type if it is `text`. */
static void a_date_that_the_calendar_does_not_have_is_what_is_said(void **state)
{
	static const struct {
		struct my_column column;
		const char *hex, *ruled[3];
	} table[] = {
		{{.code = MY_DATE}, "000000", {"null", "refused", "0000-00-00"}}, {{.code = MY_DATE}, "5fd00f", {"null", "refused", "2024-02-31"}},
		{{.code = MY_DATE}, "5dd00f", {"19782", "19782", "2024-02-29"}},
		{{.code = MY_DATETIME}, "8000000000", {"null", "refused", "0000-00-00 00:00:00"}},
		{{.code = MY_DATETIME, .meta = 3}, "99b2bac8b81ed2", {"1709210096789000", "1709210096789000", "2024-02-29 12:34:56.789"}},
		{{.code = MY_DATETIME, .meta = 6}, "8000000000000000", {"null", "refused", "0000-00-00 00:00:00.000000"}},
		{{.code = MY_TIMESTAMP}, "00000000", {"null", "refused", "0000-00-00 00:00:00"}},
		{{.code = MY_TIMESTAMP, .meta = 2}, "65e07bf032", {"1709210608500000", "1709210608500000", "2024-02-29 12:43:28.50"}},
		{{.code = MY_OLD_TIMESTAMP}, "f07be065", {"1709210608000000", "1709210608000000", "2024-02-29 12:43:28"}},
		{{.code = MY_OLD_TIMESTAMP}, "00000000", {"null", "refused", "0000-00-00 00:00:00"}},
		{{.code = MY_OLD_DATETIME}, "0000000000000000", {"null", "refused", "0000-00-00 00:00:00"}},
	};

	(void)state;
	FOR_EACH(row, table) {
		for (uint8_t rule = 0; rule < 3; rule++) {
			struct my_column column = row->column;
			struct value value = {.state = VALUE_PRESENT};
			char bytes[BYTES_MOST];
			struct arena arena = {0};

			column.dates = rule;
			assert_string_equal(value_of(&column, (struct view){bytes, bytes_of(row->hex, bytes)}), row->ruled[rule]);
			assert_int_equal(my_type_of(&column)->parse(view_of(row->ruled[2]), &column, &arena, &value),
					 strcmp(row->ruled[rule], "refused") == 0 ? -1 : 0);
			arena_done(&arena);
		}
	}
}

/* As the server prints it for a snapshot; the log has no zeros that fill a column. */
static void what_a_snapshot_reads_is_what_the_stream_brings(void **state)
{
	static const struct {
		struct my_column column;
		const char *text, *hex;
	} table[] = {
		{{DECIMAL(10, 2), .is_unsigned = true}, "01234567.89", "8012d68759"}, {{DECIMAL(5, 0), .is_unsigned = true}, "00000", "800000"},
		{{DECIMAL(3, 2)}, "1.05", "8105"}, {{DECIMAL(9, 9)}, "-0.000000001", "7ffffffe"}, {{DECIMAL(9, 9)}, "0.000000001", "80000001"},
		{{.code = MY_LONGLONG, .is_unsigned = true}, "00000000000000000007", "0700000000000000"},
		{{.code = MY_LONG, .is_unsigned = true}, "0000000007", "07000000"}, {{.code = MY_YEAR}, "0000", "00"},
		{{.code = MY_TIME, .meta = 3}, "-01:02:03.456", "7fef7cee30"}, {{.code = MY_TIME}, "-838:59:59", "4b9105"},
		{{.code = MY_DATETIME, .meta = 3}, "2024-02-29 12:34:56.789", "99b2bac8b81ed2"}, {{.code = MY_DATE}, "2024-02-29", "5dd00f"},
		{{.code = MY_DOUBLE, .meta = 8}, "1", "000000000000f03f"},
	};

	(void)state;
	FOR_EACH(row, table) {
		char bytes[BYTES_MOST];
		const char *streamed = value_of(&row->column, (struct view){bytes, bytes_of(row->hex, bytes)});
		struct value value = {.state = VALUE_PRESENT};
		struct writer text = {0};
		struct arena arena = {0};

		assert_int_equal(my_type_of(&row->column)->parse(view_of(row->text), &row->column, &arena, &value), 0);
		print_value(my_column_type(&row->column), &value, &text);
		assert_view(wr_view(&text), streamed);
		wr_done(&text);
		arena_done(&arena);
	}
}

/* What, length and path, length and document. */
static void changed_parts_of_a_document_are_put_into_its_text(void **state)
{
	static const struct {
		const char *text, *diffs, *expected;
	} table[] = {
		{"{\"a\": 1, \"b\": 2}", "00 03 242e61 03 05 0700", "{\"a\": 7, \"b\": 2}"},
		{"{\"a\": 1, \"b\": 2}", "02 03 242e61", "{\"b\": 2}"},
		{"{\"a\": 1, \"b\": 2}", "02 03 242e62", "{\"a\": 1}"},
		{"{\"a\": 1}", "02 03 242e61", "{}"},
		{"{}", "01 03 242e61 02 04 01", "{\"a\": true}"},
		{"{\"a\": 1, \"cc\": 2}", "01 03 242e62 02 04 02", "{\"a\": 1, \"b\": false, \"cc\": 2}"}, /* shorter keys before longer ones */
		{"{\"a\": 1, \"cc\": 2}", "01 05 242e646464 02 04 00", "{\"a\": 1, \"cc\": 2, \"ddd\": null}"},
		{"{\"b\": \"}\", \"c\": [{}]}", "01 03 242e61 02 04 00", "{\"a\": null, \"b\": \"}\", \"c\": [{}]}"},
		{"{\"a \\\"\": {\"x\": \"\\\\\"}}", "00 0a 242e2261205c22222e78 03 0c 0179", "{\"a \\\"\": {\"x\": \"y\"}}"},
		{"{\"\\u0001\": 1}", "01 04 242e6162 02 04 00", "{\"\\u0001\": 1, \"ab\": null}"},
		{"[1, [2, 3], \"],\", 4]", "00 0a 245b315d5b305d 03 05 0900", NULL},
		{"[1, [2, 3], \"],\", 4]", "00 07 245b315d5b305d 03 05 0900", "[1, [9, 3], \"],\", 4]"},
		{"[1, [2, 3], \"],\", 4]", "02 04 245b325d 01 04 245b305d 02 04 00", "[null, 1, [2, 3], 4]"},
		{"[1]", "01 04 245b395d 02 04 01", "[1, true]"}, {"[]", "01 04 245b305d 02 04 01", "[true]"}, {"[1]", "02 04 245b305d", "[]"},
		{"7", "00 01 24 03 05 0900", "9"},

		{"{\"a\": 1}", "01 03 242e61 02 04 00", NULL}, {"{\"a\": 1}", "02 03 242e62", NULL}, {"[1]", "00 04 245b315d 02 04 00", NULL},
		{"[1]", "02 03 242e61", NULL}, {"{\"a\": 1}", "02 04 245b305d", NULL}, {"{\"a\": 1}", "02 01 24", NULL}, {"1", "01 01 24 02 04 00", NULL},
		{"1", "00 00 02 04 00", NULL}, {"1", "03 01 24", NULL}, {"1", "00 01 24 02 04", NULL}, {"1", "00 01 24 02 04 09", NULL},
		{"{\"a\": 1}", "02 05 242e226162", NULL}, {"[1]", "02 03 245b30", NULL}, {"[1]", "02 02 2461", NULL},
		{"{\"a\": {}}", "01 07 242e622e632e64 02 04 00", NULL},
	};

	(void)state;
	FOR_EACH(row, table) {
		char bytes[BYTES_MOST];
		struct arena arena = {0};
		struct view is;
		int result = my_json_apply(view_of(row->text), (struct view){bytes, bytes_of(row->diffs, bytes)}, &arena, &is);

		if (result != (row->expected ? 0 : -1))
			fail_msg("%s and %s: %d", row->text, row->diffs, result);
		if (row->expected)
			assert_view(is, row->expected);
		arena_done(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("bytes of the log become values", bytes_of_the_log_become_values),
		TEST("a value without its last byte is cut short", a_value_without_its_last_byte_is_cut_short),
		TEST("changed parts of a document are put into its text", changed_parts_of_a_document_are_put_into_its_text),
		TEST("a float of four bytes is the number that its text says", a_float_of_four_bytes_is_the_number_that_its_text_says),
		TEST("a date that the calendar does not have is what is said", a_date_that_the_calendar_does_not_have_is_what_is_said),
		TEST("what a snapshot reads is what the stream brings", what_a_snapshot_reads_is_what_the_stream_brings),
	};

	return RUN_TESTS(tests);
}
