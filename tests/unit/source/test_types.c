/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Values as PostgreSQL prints them, type by type: what each text is, and which are refused. */
#include "base/writer.h"
#include "postgres/types.h"
#include "source/source.h"
#include "unit/unit.h"

/* By its place in struct value: a number, or text; "refused". */
static const char *converted(const char *type, int32_t modifier, const char *text)
{
	static char shown[300];
	const struct pg_type *row = pg_type_find_name(type, modifier);
	struct value value = {.state = VALUE_PRESENT};
	struct arena arena;

	assert_non_null(row);
	arena_init(&arena);
	if (row->convert(view_of(text), &arena, &value) < 0)
		snprintf(shown, sizeof(shown), "refused");
	else if (type_form(pg_type_of(row, modifier)) == FORM_INTEGER)
		snprintf(shown, sizeof(shown), "%lld", (long long)value.integer);
	else if (type_form(pg_type_of(row, modifier)) == FORM_INTERVAL)
		snprintf(shown, sizeof(shown), "%.*s = %lld", VIEW_ARG(value.text), (long long)value.integer);
	else
		snprintf(shown, sizeof(shown), "%.*s", VIEW_ARG(value.text));
	arena_done(&arena);
	return shown;
}

static void texts_of_the_server_become_values(void **state)
{
	static const struct {
		const char *type;
		int32_t modifier;
		const char *text;
		const char *expected;
	} table[] = {
		{"bool", -1, "t", "1"}, {"bool", -1, "true", "refused"}, {"int2", -1, "-32768", "-32768"}, {"int2", -1, "32768", "refused"},
		{"oid", -1, "4294967295", "4294967295"}, {"int8", -1, "-9223372036854775808", "-9223372036854775808"},
		{"date", -1, "0044-03-15 BC", "-735160"}, {"date", -1, "infinity", "9223372036854775807"},
		{"time", -1, "24:00:00", "86400000000"}, {"time", -1, "24:00:01", "refused"},
		{"timetz", -1, "12:34:56.789012+02", "12:34:56.789012+02 = 38096789012"},
		{"timetz", -1, "00:00:00-15:59", "00:00:00-15:59 = 57540000000"},
		{"timetz", -1, "01:00:00+02", "01:00:00+02 = 82800000000"},
		{"timetz", -1, "12:00:00.5+05:30:15", "12:00:00.5+05:30:15 = 23385500000"},
		{"timetz", -1, "24:00:00+00", "24:00:00+00 = 86400000000"}, {"timetz", -1, "24:00:00+02", "24:00:00+02 = 79200000000"},
		{"timetz", -1, "12:34:56", "refused"}, {"timetz", -1, "12:34:56+02x", "refused"},
		{"timestamp", -1, "infinity", "9223372036854775807"}, {"timestamptz", -1, "0044-03-15 00:00:00+00 BC", "-63517824000000000"},
		{"interval", -1, "-1 years -2 mons +3 days -04:05:06.789", "-1 years -2 mons +3 days -04:05:06.789 = -36572706789000"},
		{"interval", -1, "infinity", "infinity = 9223372036854775807"}, {"interval", -1, "178000000 years", "178000000 years = 9223372036854775806"},
		{"timestamp", -1, "294247-01-10 04:00:54.775805", "9223372036854775805"}, {"timestamp", -1, "294276-12-31 23:59:59", "9223372036854775806"},
		{"timestamptz", -1, "294276-12-31 23:59:59+00", "9223372036854775806"}, {"timestamp", -1, "2024-02-30 12:00:00", "refused"},
		{"money", -1, "$1,234.56", "1234.56"}, {"money", -1, "-$0.05", "-0.05"}, {"money", -1, "$0.00", "0.00"},
		{"money", -1, "-$92,233,720,368,547,758.08", "-92233720368547758.08"},
		{"money", -1, "1,234.56", "refused"}, {"money", -1, "$1,234.5", "refused"}, {"money", -1, "$1.234,56", "refused"},
		{"money", -1, "$", "refused"}, {"money", -1, "$12", "refused"}, {"money", -1, "$12345678901234567890.00", "refused"},
		{"bit", 1, "1", "1"}, {"bit", 1, "0", "0"}, {"bit", 1, "01", "refused"}, {"bit", 8, "01010101", "01010101"},
		{"varbit", -1, "", ""}, {"varbit", -1, "0120", "refused"},
		{"point", -1, "(1.5,-2)", "(1.5,-2)"}, {"point", -1, "(Infinity,NaN)", "(Infinity,NaN)"}, {"point", -1, "(1e+300,0)", "(1e+300,0)"},
		{"point", -1, "(1,2", "refused"}, {"point", -1, "(1,)", "refused"}, {"point", -1, "( 1,2)", "refused"},
		{"point", -1, "(1,2)x", "refused"}, {"point", -1, "((1,2),3)", "refused"}, {"point", -1, "", "refused"},
		{"hstore", -1, "", "{}"}, {"hstore", -1, "\"a\"=>\"1\", \"b\"=>NULL", "{\"a\":\"1\",\"b\":null}"},
		{"hstore", -1, "\"a b\"=>\"x\\\"y\\\\\", \"c\"=>\"\"", "{\"a b\":\"x\\\"y\\\\\",\"c\":\"\"}"},
		{"hstore", -1, "\"NULL\"=>\"NULL\"", "{\"NULL\":\"NULL\"}"}, {"hstore", -1, "a=>1", "refused"},
		{"hstore", -1, "\"a\"=>\"1\",", "refused"}, {"hstore", -1, "\"a\"=>\"1\", ", "refused"}, {"hstore", -1, "\"a\"=>\"1\\", "refused"},
		{"hstore", -1, "\"a\"=>", "refused"}, {"hstore", -1, "\"a\"=>null", "refused"},
		{"citext", -1, "CiText", "CiText"}, {"xml", -1, "<a/>", "<a/>"}, {"inet", -1, "::1", "::1"}, {"numrange", -1, "(,5]", "(,5]"},
	};

	(void)state;
	FOR_EACH(row, table)
		if (strcmp(converted(row->type, row->modifier, row->text), row->expected))
			fail_msg("%s '%s' is %s", row->type, row->text, converted(row->type, row->modifier, row->text));
}

/* An amount is printed in hundredths of its smallest unit. */
static void money_has_the_digits_that_the_database_gives_it(void **state)
{
	static const struct {
		int digits;
		const char *text, *expected;
	} table[] = {
		{0, "$12.34", "1234"}, {0, "-$0.05", "-5"}, {0, "$0.00", "0"}, {2, "$12.34", "12.34"}, {3, "$12.34", "1.234"},
		{3, "-$0.05", "-0.005"}, {3, "$12,345.67", "1234.567"},
	};
	struct arena arena;

	(void)state;
	arena_init(&arena);
	FOR_EACH(row, table) {
		const struct pg_type *type = pg_type_money(row->digits);
		struct value value;

		assert_int_equal(type->convert(view_of(row->text), &arena, &value), 0);
		assert_view(value.text, row->expected);
		assert_int_equal(pg_type_of(type, -1).scale, row->digits);
	}
	assert_null(pg_type_money(1));
	assert_null(pg_type_money(10));
	arena_done(&arena);
}

static void a_modifier_chooses_among_the_rows_of_a_type(void **state)
{
	static const struct {
		uint32_t oid;
		int32_t modifier;
		struct type expected;
	} table[] = {
		{1700, -1, {TYPE_DECIMAL_VARIABLE, 0, 0}}, {1700, 786438, {TYPE_DECIMAL, 12, 2}}, {1700, 198658, {TYPE_DECIMAL, 3, -2}},
		{1560, 1, {TYPE_BOOL, 0, 0}}, {1560, 8, {TYPE_BITS, 8, 0}}, {1562, 1, {TYPE_BITS, 1, 0}},
		{1562, 83886080, {TYPE_BITS, 83886080, 0}}, {1562, -1, {TYPE_BITS, 0, 0}}, {1083, 3, {TYPE_TIME, 0, 3}},
		{1083, -1, {TYPE_TIME, 0, 6}}, {1114, 0, {TYPE_TIMESTAMP, 0, 0}},
	};

	(void)state;
	FOR_EACH(row, table) {
		struct type type = pg_type_of(pg_type_find(row->oid, row->modifier), row->modifier);

		assert_int_equal(type.kind, row->expected.kind);
		assert_int_equal(type.precision, row->expected.precision);
		assert_int_equal(type.scale, row->expected.scale);
	}
}

static void no_two_rows_are_for_the_same_type(void **state)
{
	struct source_type one, other;

	(void)state;
	for (size_t i = 0; pg_type_at(i, &one); i++)
		for (size_t k = 0; k < i && pg_type_at(k, &other); k++)
			assert_string_not_equal(one.name, other.name);
	assert_null(pg_type_find(0, -1));
	assert_null(pg_type_find_extension("text"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("texts of the server become values", texts_of_the_server_become_values),
		TEST("money has the digits that the database gives it", money_has_the_digits_that_the_database_gives_it),
		TEST("a modifier chooses among the rows of a type", a_modifier_chooses_among_the_rows_of_a_type),
		TEST("no two rows are for the same type", no_two_rows_are_for_the_same_type),
	};

	return RUN_TESTS(tests);
}
