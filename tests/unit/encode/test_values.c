/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Values of columns in records: usual ones, those without an ordinary form, and what cannot be written. */
#include <stdlib.h>

#include "base/datetime.h"
#include "unit/encode/bench.h"
#include "unit/unit.h"

/* One column's value as the record shows it, or the error. */
static const char *shown_in(struct bench *b, const struct value_forms *forms, struct column column, struct value value)
{
	struct table table = {.schema = "public", .name = "t", .columns = &column, .column_count = 1};
	struct change change = {.op = CHANGE_INSERT, .table = &table, .txn = &bench_txn, .after = {IMAGE_FULL, &value}};
	const char *text;

	bench_start_with(b, &table, forms);
	encode_parts(b->enc, b->plan, &change);
	if (bench_encode(b, &change, 0)) {
		assert_int_equal(b->err.class, ERROR_RECORD);
		text = b->err.text;
	} else {
		text = strstr(bench_json(b, &b->plan->value, b->message.value), "\"c\":") + 4;
		*strstr(text, "},\"source\"") = 0;
	}
	bench_stop(b);
	return text;
}

static const char *shown(struct bench *b, const struct value_forms *forms, struct type type, struct value value)
{
	return shown_in(b, forms, (struct column){.name = "c", .type = type, .source_type = "some type"}, value);
}

#define NOT_UTF8 "public.t.c (some type): the value is not UTF-8, which its Avro type must be"

static void texts_are_checked_where_the_source_does_not_vouch_for_them(void **state)
{
	static const struct {
		enum type_kind kind;
		const char *text;
		const char *refused; /* NULL: it is a record */
	} table[] = {
		{TYPE_TEXT, "gr\xc3\xbc\xc3\x9f", NULL}, {TYPE_TEXT, "caf\xe9", NOT_UTF8}, {TYPE_JSON, "\"\xff\"", NOT_UTF8},
		{TYPE_ENUM, "\xe9t\xe9", NOT_UTF8}, {TYPE_OTHER, "12345678\xc3", NOT_UTF8}, {TYPE_BYTES, "caf\xe9", NULL},
	};

	(void)state;
	FOR_EACH(row, table) {
		struct column column = {.name = "c", .type = {row->kind, 0, 0}, .source_type = "some type"};
		struct table one = {.schema = "public", .name = "t", .columns = &column, .column_count = 1};
		struct value value = {.state = VALUE_PRESENT, .text = view_of(row->text)};
		struct change change = {.op = CHANGE_INSERT, .table = &one, .txn = &bench_txn, .after = {IMAGE_FULL, &value}};
		struct bench b;

		bench_start(&b, &one);
		encode_parts(b.enc, b.plan, &change);
		assert_ok(bench_encode(&b, &change, 0), &b.err);
		encoder_check_text(b.enc, true);
		encode_plan_free(b.plan);
		b.plan = encode_plan_new(b.enc, &one, &b.err);
		encode_parts(b.enc, b.plan, &change);
		assert_int_equal(bench_encode(&b, &change, 0), row->refused ? -1 : 0);
		assert_string_equal(row->refused ? b.err.text : "", row->refused ? row->refused : "");
		assert_true(!row->refused || b.err.class == ERROR_RECORD);
		bench_stop(&b);
	}
}

static void values_without_an_ordinary_form_are_shown_or_refused(void **state)
{
	static const char no_decimal[] = "public.t.c (some type): the value has no place in its Avro decimal";
	static const char not_sent[] =
		"public.t.c (some type): the value is large and did not change, so the server did not send it, "
		"and its type has no placeholder";
	static const struct {
		struct type type;
		struct value value;
		const char *expected;
	} table[] = {
		{{TYPE_DATE, 0, 0}, NUMBER(DATE_INFINITY), "2147483647"},
		{{TYPE_DATE, 0, 0}, NUMBER(DATE_MINUS_INFINITY), "-2147483648"},
		{{TYPE_DATE, 0, 0}, NUMBER(INT64_C(2147483648)), "public.t.c (some type): the value is out of the range of its Avro type"},
		{{TYPE_TIMESTAMP, 0, 6}, NUMBER(INT64_MAX), "9223372036854775807"},
		{{TYPE_TIMESTAMP, 0, 3}, NUMBER(INT64_MIN), "-9223372036854775808"},
		{{TYPE_TIMESTAMP, 0, 3}, NUMBER(-1000), "-1"},
		{{TYPE_TIMESTAMP_ZONED, 0, 6}, NUMBER(INT64_MAX), "\"infinity\""},
		{{TYPE_TIMESTAMP_ZONED, 0, 6}, NUMBER(INT64_MIN), "\"-infinity\""},
		{{TYPE_TIMESTAMP_ZONED, 0, 6}, NUMBER(-1), "\"1969-12-31T23:59:59.999999Z\""},
		{{TYPE_TIMESTAMP_ZONED, 0, 3}, NUMBER(1709202896123000), "\"2024-02-29T10:34:56.123Z\""},
		{{TYPE_TIMESTAMP_ZONED, 0, 0}, NUMBER(1709202896000000), "\"2024-02-29T10:34:56Z\""},
		{{TYPE_TIMESTAMP_ZONED, 0, 6}, NUMBER(INT64_C(-63517824000000000)), "\"-0043-03-15T00:00:00.000000Z\""},
		{{TYPE_TIMESTAMP_ZONED, 0, 0}, NUMBER(INT64_C(253402300800000000)), "\"+10000-01-01T00:00:00Z\""},
		{{TYPE_TIME, 0, 6}, NUMBER(INT64_C(86400000000)), "86400000000"},
		{{TYPE_DECIMAL, 12, 2}, WORD("NaN"), no_decimal},
		{{TYPE_DECIMAL, 12, 2}, WORD("-Infinity"), no_decimal},
		{{TYPE_DECIMAL, 12, 2}, WORD("1.005"), no_decimal},
		{{TYPE_DECIMAL, 12, 2}, WORD("10000000000.00"), no_decimal},
		{{TYPE_DECIMAL, 12, 2}, WORD("-9999999999.99"), "\"-9999999999.99\""},
		{{TYPE_DECIMAL, 12, 2}, WORD("7"), "\"7.00\""},
		{{TYPE_DECIMAL, 12, 2}, WORD("7.100"), "\"7.10\""},
		{{TYPE_DECIMAL, 3, -2}, WORD("12300"), "\"12300\""},
		{{TYPE_DECIMAL, 60, 5}, WORD("-1234567890123456789012345678901234567890.5"),
		 "\"-1234567890123456789012345678901234567890.50000\""},
		{{TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("1.500"), "\"1.5\""},
		{{TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("100000000000000000000"), "\"100000000000000000000\""},
		{{TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("123456789012345678901234567890123456789012345678.9"),
		 "\"123456789012345678901234567890123456789012345678.9\""},
		{{TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("0.00"), "\"0\""},
		{{TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("Infinity"), no_decimal},
		{{TYPE_DECIMAL, 0, 2}, WORD("1234.56"), "\"1234.56\""},
		{{TYPE_DECIMAL, 0, 2}, WORD("-92233720368547758.08"), "\"-92233720368547758.08\""},
		{{TYPE_DECIMAL, 0, 0}, WORD("7"), "\"7\""},
		{{TYPE_TIME_ZONED, 0, 6}, NUMBER(INT64_C(38096789012)), "\"10:34:56.789012Z\""},
		{{TYPE_TIME_ZONED, 0, 6}, NUMBER(INT64_C(57540000000)), "\"15:59:00Z\""},
		{{TYPE_TIME_ZONED, 0, 6}, NUMBER(INT64_C(86400000000)), "\"24:00:00Z\""},
		{{TYPE_BITS, 8, 0}, WORD("10101010"), "\"qg==\""},
		{{TYPE_BITS, 8, 0}, WORD("00000001"), "\"AQ==\""},
		{{TYPE_BITS, 8, 0}, WORD("00000000"), "\"\""},
		{{TYPE_BITS, 0, 0}, WORD(""), "\"\""},
		{{TYPE_BITS, 0, 0}, WORD("100000000"), "\"AAE=\""},
		{{TYPE_BITS, 0, 0}, MISSING(VALUE_UNCHANGED), "\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==\""},
		{{TYPE_POINT, 0, 0}, WORD("(1.5,-2.5)"), "{\"x\":1.5,\"y\":-2.5,\"wkb\":\"AQEAAAAAAAAAAAD4PwAAAAAAAATA\",\"srid\":null}"},
		{{TYPE_XML, 0, 0}, MISSING(VALUE_UNCHANGED), "\"__debezium_unavailable_value\""},
		{{TYPE_TEXT, 0, 0}, MISSING(VALUE_UNCHANGED), "\"__debezium_unavailable_value\""},
		{{TYPE_BYTES, 0, 0}, MISSING(VALUE_UNCHANGED), "\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==\""},
		{{TYPE_OTHER, 0, 0}, MISSING(VALUE_UNCHANGED), "\"__debezium_unavailable_value\""},
		{{TYPE_DECIMAL_VARIABLE, 0, 0}, MISSING(VALUE_UNCHANGED), not_sent},
		{{TYPE_INT32, 0, 0}, MISSING(VALUE_ABSENT), "public.t.c (some type): the value was not sent by the server"},
		{{TYPE_TEXT, 0, 0}, WORD(""), "\"\""},
	};

	(void)state;
	FOR_EACH(row, table) {
		struct bench b;

		assert_string_equal(shown(&b, &(struct value_forms){0}, row->type, row->value), row->expected);
	}
}

static int read_text(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	ret->text = text;
	return 0;
}

static int read_number(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	ret->integer = atoll(text.ptr);
	return text.ptr[0] >= '0' && text.ptr[0] <= '9' ? 0 : -1;
}

static void arrays_are_their_elements(void **state)
{
	static const struct {
		struct type element;
		value_from_text *read;
		struct value value;
		const char *expected;
	} table[] = {
		{{TYPE_INT32, 0, 0}, read_number, WORD("{1,NULL,3}"), "[1,null,3]"},
		{{TYPE_INT32, 0, 0}, read_number, WORD("{}"), "[]"},
		{{TYPE_INT32, 0, 0}, read_number, WORD("[7:8]={1,2}"), "[1,2]"},
		{{TYPE_INT32, 0, 0}, read_number, WORD("{1,x}"), "public.t.c (some type): the value has an element that is none of its type"},
		{{TYPE_INT32, 0, 0}, read_number, WORD("{{1},{2}}"),
		 "public.t.c (some type): the value has several dimensions, for which its Avro array has no form; a column that is "
		 "declared with them (ALTER COLUMN ... TYPE with [][]) is text"},
		{{TYPE_INT32, 0, 0}, read_number, MISSING(VALUE_UNCHANGED),
		 "[95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,97,108,117,101]"},
		{{TYPE_TEXT, 0, 0}, read_text, WORD("{a,\"b \\\"c\\\"\",NULL,\"\"}"), "[\"a\",\"b \\\"c\\\"\",null,\"\"]"},
		{{TYPE_TEXT, 0, 0}, read_text, MISSING(VALUE_UNCHANGED), "[\"__debezium_unavailable_value\"]"},
		{{TYPE_DECIMAL, 8, 2}, read_text, WORD("{1.5,-2.25}"), "[\"1.50\",\"-2.25\"]"},
		{{TYPE_DECIMAL, 8, 2}, read_text, WORD("{NaN}"), "public.t.c (some type): the value has no place in its Avro decimal"},
		{{TYPE_DECIMAL, 8, 2}, read_text, MISSING(VALUE_UNCHANGED),
		 "public.t.c (some type): the value is large and did not change, so the server did not send it, and its type has no placeholder"},
		{{TYPE_BOOL, 0, 0}, NULL, WORD("{t}"), "public.t.c (some type): the value has an element that is none of its type"},
	};

	(void)state;
	FOR_EACH(row, table) {
		struct column column = {.name = "c", .type = {TYPE_ARRAY, 0, 0}, .element = row->element, .element_from_text = row->read,
					.source_type = "some type"};
		struct bench b;

		assert_string_equal(shown_in(&b, &(struct value_forms){0}, column, row->value), row->expected);
	}
}

/* As recorded from Debezium in these modes. */
static void values_have_the_forms_that_were_chosen(void **state)
{
	static const struct value_forms text = {.decimal = DECIMALS_STRING}, real = {.decimal = DECIMALS_DOUBLE},
					micros = {.time = TIMES_MICROS}, connect = {.time = TIMES_CONNECT},
					base64 = {.binary = BINARY_BASE64}, hex = {.binary = BINARY_HEX};
	static const struct {
		const struct value_forms *forms;
		struct type type;
		struct value value;
		const char *expected;
	} table[] = {
		{&text, {TYPE_DECIMAL, 12, 2}, WORD("1234567890.12"), "\"1234567890.12\""},
		{&text, {TYPE_DECIMAL, 12, 2}, WORD("NaN"), "\"NAN\""},
		{&text, {TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("1.000"), "\"1.000\""},
		{&text, {TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("Infinity"), "\"POSITIVE_INFINITY\""},
		{&text, {TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("-Infinity"), "\"NEGATIVE_INFINITY\""},
		{&real, {TYPE_DECIMAL, 12, 2}, WORD("-0.01"), "-0.01"},
		{&real, {TYPE_DECIMAL, 12, 2}, WORD("NaN"), "\"NaN\""},
		{&real, {TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("123456789012345678901234567890.123456789"), "1.2345678901234568e+29"},
		{&real, {TYPE_DECIMAL_VARIABLE, 0, 0},
		 WORD("-1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"), "-1e+102"},
		{&real, {TYPE_DECIMAL_VARIABLE, 0, 0}, WORD("-Infinity"), "\"-Infinity\""},
		{&micros, {TYPE_TIME, 0, 3}, NUMBER(INT64_C(45296789000)), "45296789000"},
		{&micros, {TYPE_TIMESTAMP, 0, 3}, NUMBER(INT64_C(1709210096789000)), "1709210096789"},
		{&connect, {TYPE_DATE, 0, 0}, NUMBER(19782), "19782"},
		{&connect, {TYPE_DATE, 0, 0}, NUMBER(DATE_INFINITY), "2147483647"},
		{&connect, {TYPE_TIME, 0, 6}, NUMBER(INT64_C(86399123456)), "86399123"},
		{&connect, {TYPE_TIME, 0, 6}, NUMBER(INT64_C(86400000000)), "86400000"},
		{&connect, {TYPE_TIMESTAMP, 0, 6}, NUMBER(INT64_C(1709210096123456)), "1709210096123"},
		{&connect, {TYPE_TIMESTAMP, 0, 6}, NUMBER(-1), "-1"},
		{&connect, {TYPE_TIMESTAMP, 0, 6}, NUMBER(INT64_MAX), "9223372036854775807"},
		{&base64, {TYPE_BYTES, 0, 0}, WORD("\1\377\20"), "\"Af8Q\""},
		{&base64, {TYPE_BYTES, 0, 0}, WORD("\377"), "\"/w==\""},
		{&base64, {TYPE_BYTES, 0, 0}, WORD(""), "\"\""},
		{&base64, {TYPE_BYTES, 0, 0}, MISSING(VALUE_UNCHANGED), "\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==\""},
		{&hex, {TYPE_BYTES, 0, 0}, WORD("\1\377\20"), "\"01ff10\""},
		{&hex, {TYPE_BYTES, 0, 0}, MISSING(VALUE_UNCHANGED), "\"5f5f646562657a69756d5f756e617661696c61626c655f76616c7565\""},
	};

	(void)state;
	FOR_EACH(row, table) {
		struct bench b;

		assert_string_equal(shown(&b, row->forms, row->type, row->value), row->expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("texts are checked where the source does not vouch for them",
		     texts_are_checked_where_the_source_does_not_vouch_for_them),
		TEST("values without an ordinary form are shown or refused",
		     values_without_an_ordinary_form_are_shown_or_refused),
		TEST("arrays are their elements", arrays_are_their_elements),
		TEST("values have the forms that were chosen", values_have_the_forms_that_were_chosen),
	};

	return RUN_TESTS(tests);
}
