/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Every type of a real PostgreSQL: a value is inserted before the snapshot and again while streaming, then the table is read
 * once more; it must be the same in all records and as it stands here, as `read` prints it. Then the agent is restarted with other forms
 * of values. Every type that the server has is in the manual; and the schema of a table of which Debezium's was recorded
 * has the same types.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/writer.h"
#include "harness/output.h"
#include "system/plain.h"

/* A column of its own for each. */
struct sample {
	const char *type;
	const char *value;     /* SQL */
	const char *expected;  /* JSON; NULL: the value has no form, and is left out until there are others */
	const char *other;     /* with format.decimal: string, format.time: connect and format.binary: hex; NULL: the same */
	int since;             /* the server's version; 0: any */
};

static const char preparation[] =
	"CREATE TYPE mood AS ENUM ('sad', 'ok', 'ha,ppy');\n"
	"CREATE TYPE pair AS (a int, b text);\n"
	"CREATE TYPE floatrange AS RANGE (subtype = float8);\n"
	"CREATE DOMAIN d_int AS int CHECK (VALUE > 0);\n"
	"CREATE DOMAIN d_price AS numeric(12,2);\n"
	"CREATE DOMAIN d_deeper AS d_price NOT NULL DEFAULT 0;\n"
	"CREATE DOMAIN d_code AS varchar(20);\n"
	"CREATE DOMAIN d_mood AS mood;\n"
	"CREATE DOMAIN d_moment AS timestamp(3);\n"
	"CREATE DOMAIN d_time AS timetz;\n"
	"CREATE DOMAIN d_bits AS bit(12);\n"
	"CREATE DOMAIN d_money AS money;\n"
	"DO $$ BEGIN IF current_setting('server_version_num')::int >= 110000 THEN CREATE DOMAIN d_pair AS pair; END IF; END $$;\n"
	"CREATE DOMAIN d_box AS box;\n"
	"CREATE DOMAIN d_numbers AS int[];\n"
	"CREATE DOMAIN d_moods AS mood[];\n";

static const struct sample samples[] = {
	{"bool", "true", "true", NULL, 0},
	{"bool", "false", "false", NULL, 0},
	{"int2", "-32768", "-32768", NULL, 0},
	{"int4", "-2147483648", "-2147483648", NULL, 0},
	{"int8", "9223372036854775807", "9223372036854775807", NULL, 0},
	{"oid", "4294967295", "4294967295", NULL, 0},
	{"float4", "'1.1'", "1.1", NULL, 0},
	{"float4", "'NaN'", "\"NaN\"", NULL, 0},
	{"float4", "'-Infinity'", "\"-Infinity\"", NULL, 0},
	{"float8", "'-1.7976931348623157e308'", "-1.7976931348623157e+308", NULL, 0},
	{"float8", "'5e-324'", "4.94065645841247e-324", NULL, 0},
	{"float8", "'NaN'", "\"NaN\"", NULL, 0},
	{"float8", "'Infinity'", "\"Infinity\"", NULL, 0},
	{"numeric(12,2)", "-1234567890.12", "\"-1234567890.12\"", NULL, 0},
	{"numeric(5,0)", "99999", "\"99999\"", NULL, 0},
	{"numeric(60,10)", "12345678901234567890123456789012345678901234567890.5",
	 "\"12345678901234567890123456789012345678901234567890.5000000000\"", NULL, 0},
	{"numeric(3,-2)", "12345", "\"12300\"", NULL, 15},
	{"numeric(2,4)", "0.0012", "\"0.0012\"", NULL, 15},
	{"numeric(12,2)", "'NaN'", NULL, "\"NAN\"", 0},
	{"numeric", "123456789012345678901234567890.123456789", "\"123456789012345678901234567890.123456789\"", NULL, 0},
	{"numeric", "1.500", "\"1.5\"", "\"1.500\"", 0},
	{"numeric", "1e20", "\"100000000000000000000\"", NULL, 0},
	{"numeric", "0.00", "\"0\"", "\"0.00\"", 0},
	{"numeric", "'NaN'", NULL, "\"NAN\"", 0},
	{"numeric", "'Infinity'", NULL, "\"POSITIVE_INFINITY\"", 14},
	{"numeric", "'-Infinity'", NULL, "\"NEGATIVE_INFINITY\"", 14},
	{"money", "'1234.56'::numeric::money", "\"1234.56\"", NULL, 0},
	{"money", "'-92233720368547758.08'::numeric::money", "\"-92233720368547758.08\"", NULL, 0},
	{"money", "'-0.01'::numeric::money", "\"-0.01\"", NULL, 0},

	{"text", "E'a\\tb\\n\\\\ \"q\" \\u20ac'", "\"a\\tb\\n\\\\ \\\"q\\\" \xe2\x82\xac\"", NULL, 0},
	{"text", "''", "\"\"", NULL, 0},
	{"text", "NULL", "null", NULL, 0},
	{"text", "'\\N'", "\"\\\\N\"", NULL, 0},
	{"varchar(20)", "'varchar'", "\"varchar\"", NULL, 0},
	{"char(5)", "'ch'", "\"ch   \"", NULL, 0},
	{"\"char\"", "'x'", "\"x\"", NULL, 0},
	{"name", "'a name'", "\"a name\"", NULL, 0},
	{"bytea", "'\\x00ff10'", "\"AP8Q\"", "\"00ff10\"", 0},
	{"bytea", "''", "\"\"", NULL, 0},
	{"uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"", NULL, 0},
	{"json", "'{\"b\":1,  \"a\":[1,2]}'", "\"{\\\"b\\\":1,  \\\"a\\\":[1,2]}\"", NULL, 0},
	{"jsonb", "'{\"b\":1,  \"a\":[1,2]}'", "\"{\\\"a\\\": [1, 2], \\\"b\\\": 1}\"", NULL, 0},
	{"xml", "'<a b=\"c\">d</a>'", "\"<a b=\\\"c\\\">d</a>\"", NULL, 0},
	{"jsonpath", "'$.a[*] ? (@ > 1)'", "\"$.\\\"a\\\"[*]?(@ > 1)\"", NULL, 12},
	{"tsvector", "'a fat cat'", "\"'a' 'cat' 'fat'\"", NULL, 0},
	{"tsquery", "'fat & cat'", "\"'fat' & 'cat'\"", NULL, 0},
	{"bit(1)", "B'1'", "true", NULL, 0},
	{"bit(8)", "B'10101010'", "\"qg==\"", NULL, 0},
	{"bit(64)", "(~ 0::bigint)::bit(64)", "\"//////////8=\"", NULL, 0},
	{"varbit(8)", "B'101'", "\"BQ==\"", NULL, 0},
	{"varbit", "B'100000000'", "\"AAE=\"", NULL, 0},
	{"varbit", "B''", "\"\"", NULL, 0},

	{"date", "'2024-02-29'", "19782", NULL, 0},
	{"date", "'0044-03-15 BC'", "-735160", NULL, 0},
	{"date", "'0001-12-31 BC'", "-719163", NULL, 0},
	{"date", "'infinity'", "2147483647", NULL, 0},
	{"date", "'-infinity'", "-2147483648", NULL, 0},
	{"time", "'23:59:59.123456'", "86399123456", "86399123", 0},
	{"time", "'24:00:00'", "86400000000", "86400000", 0},
	{"time(3)", "'12:34:56.789'", "45296789", NULL, 0},
	{"time(0)", "'24:00:00'", "86400000", NULL, 0},
	{"timetz", "'12:34:56.789012+02'", "\"10:34:56.789012Z\"", NULL, 0},
	{"timetz", "'00:00:00-15:59'", "\"15:59:00Z\"", NULL, 0},
	{"timetz", "'24:00:00+00'", "\"24:00:00Z\"", NULL, 0},
	{"timetz(3)", "'01:00:00.5+02'", "\"23:00:00.5Z\"", NULL, 0},
	{"timestamp", "'2024-02-29 12:34:56.123456'", "1709210096123456", "1709210096123", 0},
	{"timestamp", "'0044-03-15 00:00:00 BC'", "-63517824000000000", "-63517824000000", 0},
	{"timestamp", "'infinity'", "9223372036854775807", NULL, 0},
	{"timestamp", "'-infinity'", "-9223372036854775808", NULL, 0},
	{"timestamp(3)", "'1969-12-31 23:59:59.999'", "-1", NULL, 0},
	{"timestamp(3)", "'infinity'", "9223372036854775807", NULL, 0},
	{"timestamp(0)", "'2024-02-29 12:34:56'", "1709210096000", NULL, 0},
	{"timestamptz", "'2024-02-29 12:34:56.123456+02'", "\"2024-02-29T10:34:56.123456Z\"", NULL, 0},
	{"timestamptz", "'0044-03-15 00:00:00+00 BC'", "\"-0043-03-15T00:00:00.000000Z\"", NULL, 0},
	{"timestamptz", "'infinity'", "\"infinity\"", NULL, 0},
	{"timestamptz", "'-infinity'", "\"-infinity\"", NULL, 0},
	{"timestamptz(3)", "'1582-10-10 00:00:00+00'", "\"1582-10-10T00:00:00.000Z\"", NULL, 0},
	{"interval", "'1 year 2 months 3 days 04:05:06.789'", "37091106789000", NULL, 0},
	{"interval", "'-1 year -2 months +3 days -04:05:06.789'", "-36572706789000", NULL, 0},
	{"interval", "'infinity'", "9223372036854775807", NULL, 17},

	{"inet", "'192.168.1.1/24'", "\"192.168.1.1/24\"", NULL, 0},
	{"inet", "'::1'", "\"::1\"", NULL, 0},
	{"cidr", "'10.0.0.0/8'", "\"10.0.0.0/8\"", NULL, 0},
	{"macaddr", "'08:00:2b:01:02:03'", "\"08:00:2b:01:02:03\"", NULL, 0},
	{"macaddr8", "'08:00:2b:01:02:03:04:05'", "\"08:00:2b:01:02:03:04:05\"", NULL, 0},
	{"int4range", "'(,5]'", "\"(,6)\"", NULL, 0},
	{"int8range", "'empty'", "\"empty\"", NULL, 0},
	{"numrange", "'[1.5,2.5]'", "\"[1.5,2.5]\"", NULL, 0},
	{"tsrange", "'[2024-01-01,infinity]'", "\"[\\\"2024-01-01 00:00:00\\\",infinity]\"", NULL, 0},
	{"tstzrange", "'[2024-01-01 00:00+02,)'", "\"[\\\"2023-12-31 22:00:00+00\\\",)\"", NULL, 0},
	{"daterange", "'[2024-01-01,2024-02-01)'", "\"[2024-01-01,2024-02-01)\"", NULL, 0},
	{"floatrange", "'[1.5,2)'", "\"[1.5,2)\"", NULL, 0},
	{"int4multirange", "'{[1,3],[5,9)}'", "\"{[1,4),[5,9)}\"", NULL, 14},
	{"tstzmultirange", "'{}'", "\"{}\"", NULL, 14},
	{"point", "'(1.5,-2.5)'", "{\"x\":1.5,\"y\":-2.5,\"wkb\":\"AQEAAAAAAAAAAAD4PwAAAAAAAATA\",\"srid\":null}", NULL, 0},
	{"point", "'(0.1,1e300)'", "{\"x\":0.1,\"y\":1e+300,\"wkb\":\"AQEAAACamZmZmZm5P5x1AIg85Dd+\",\"srid\":null}", NULL, 0},
	{"line", "'{1,-1,0}'", "\"{1,-1,0}\"", NULL, 0},
	{"lseg", "'[(0,0),(1,1)]'", "\"[(0,0),(1,1)]\"", NULL, 0},
	{"box", "'(2,2),(1,1)'", "\"(2,2),(1,1)\"", NULL, 0},
	{"path", "'((0,0),(1,1),(2,0))'", "\"((0,0),(1,1),(2,0))\"", NULL, 0},
	{"polygon", "'((0,0),(1,1),(2,0))'", "\"((0,0),(1,1),(2,0))\"", NULL, 0},
	{"circle", "'<(1,2),3>'", "\"<(1,2),3>\"", NULL, 0},

	{"pg_lsn", "'16/B374D848'", "\"16/B374D848\"", NULL, 0},
	{"tid", "'(1,2)'", "\"(1,2)\"", NULL, 0},
	{"xid", "'4294967295'", "\"4294967295\"", NULL, 0},
	{"xid8", "'18446744073709551615'", "\"18446744073709551615\"", NULL, 13},
	{"cid", "'7'", "\"7\"", NULL, 0},
	{"pg_snapshot", "'10:20:10,14,15'", "\"10:20:10,14,15\"", NULL, 13},
	{"txid_snapshot", "'10:20:10,14,15'", "\"10:20:10,14,15\"", NULL, 0},
	{"refcursor", "'a cursor'", "\"a cursor\"", NULL, 0},
	{"aclitem", "'postgres=r/postgres'", "\"postgres=r/postgres\"", NULL, 0},
	{"int2vector", "'1 2 3'", "\"1 2 3\"", NULL, 0},
	{"oidvector", "'1 2 3'", "\"1 2 3\"", NULL, 0},
	{"regproc", "'now'", "\"now\"", NULL, 0},
	{"regprocedure", "'abs(integer)'", "\"abs(integer)\"", NULL, 0},
	{"regoper", "'||/'", "\"||/\"", NULL, 0},
	{"regoperator", "'+(integer,integer)'", "\"+(integer,integer)\"", NULL, 0},
	{"regclass", "'pg_type'", "\"pg_type\"", NULL, 0},
	{"regclass", "'4000000000'", "\"4000000000\"", NULL, 0},
	{"regtype", "'timestamp(3)'", "\"timestamp without time zone\"", NULL, 0},
	{"regrole", "'postgres'", "\"postgres\"", NULL, 0},
	{"regnamespace", "'pg_catalog'", "\"pg_catalog\"", NULL, 0},
	{"regcollation", "'\"C\"'", "\"\\\"C\\\"\"", NULL, 13},
	{"regconfig", "'simple'", "\"simple\"", NULL, 0},
	{"regdictionary", "'simple'", "\"simple\"", NULL, 0},

	{"mood", "'ha,ppy'", "\"ha,ppy\"", NULL, 0},
	{"pair", "ROW(1, 'a \"b\"')", "\"(1,\\\"a \\\"\\\"b\\\"\\\"\\\")\"", NULL, 0},
	{"pair", "ROW(NULL, NULL)", "\"(,)\"", NULL, 0},
	{"d_int", "5", "5", NULL, 0},
	{"d_price", "7", "\"7.00\"", NULL, 0},
	{"d_deeper", "-7.5", "\"-7.50\"", NULL, 0},
	{"d_code", "'x'", "\"x\"", NULL, 0},
	{"d_mood", "'ok'", "\"ok\"", NULL, 0},
	{"d_moment", "'2024-02-29 12:34:56.789'", "1709210096789", NULL, 0},
	{"d_time", "'12:00:00+02'", "\"10:00:00Z\"", NULL, 0},
	{"d_bits", "B'000000000001'", "\"AQ==\"", NULL, 0},
	{"d_money", "'12.5'::numeric::money", "\"12.50\"", NULL, 0},
	{"d_pair", "ROW(1, 'b')", "\"(1,b)\"", NULL, 11},
	{"d_box", "'(2,2),(1,1)'", "\"(2,2),(1,1)\"", NULL, 0},

	{"int4[]", "'{1,2,NULL,-3}'", "[1,2,null,-3]", NULL, 0},
	{"int4[]", "'{}'", "[]", NULL, 0},
	{"int4[]", "'[5:6]={7,8}'", "[7,8]", NULL, 0},
	{"int4[][]", "'{{1,2},{3,4}}'", "\"{{1,2},{3,4}}\"", NULL, 0},
	{"int2[]", "'{-32768}'", "[-32768]", NULL, 0},
	{"int8[]", "'{9223372036854775807}'", "[9223372036854775807]", NULL, 0},
	{"oid[]", "'{4294967295}'", "[4294967295]", NULL, 0},
	{"bool[]", "'{t,f,NULL}'", "[true,false,null]", NULL, 0},
	{"float4[]", "'{1.5,NaN}'", "[1.5,\"NaN\"]", NULL, 0},
	{"float8[]", "'{-Infinity}'", "[\"-Infinity\"]", NULL, 0},
	{"numeric(8,2)[]", "'{1.5,2.25}'", "[\"1.50\",\"2.25\"]", NULL, 0},
	{"numeric[]", "'{1.50,1e20}'", "[\"1.5\",\"100000000000000000000\"]", "[\"1.50\",\"100000000000000000000\"]", 0},
	{"text[]", "ARRAY['a', 'b c', NULL, '', 'NULL', 'q\"u\\o', '{', ',', E'\\t']",
	 "[\"a\",\"b c\",null,\"\",\"NULL\",\"q\\\"u\\\\o\",\"{\",\",\",\"\\t\"]", NULL, 0},
	{"varchar(3)[]", "'{abc}'", "[\"abc\"]", NULL, 0},
	{"char(3)[]", "'{a}'", "[\"a  \"]", NULL, 0},
	{"\"char\"[]", "'{x}'", "[\"x\"]", NULL, 0},
	{"bytea[]", "ARRAY['\\x00ff'::bytea, NULL]", "[\"AP8=\",null]", "[\"00ff\",null]", 0},
	{"uuid[]", "'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'", "[\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"]", NULL, 0},
	{"json[]", "ARRAY['{\"a\":1}'::json]", "[\"{\\\"a\\\":1}\"]", NULL, 0},
	{"jsonb[]", "ARRAY['[1,2]'::jsonb]", "[\"[1, 2]\"]", NULL, 0},
	{"date[]", "'{2024-02-29,infinity}'", "[19782,2147483647]", NULL, 0},
	{"time[]", "'{24:00:00}'", "[86400000000]", "[86400000]", 0},
	{"time(3)[]", "'{12:34:56.789}'", "[45296789]", NULL, 0},
	{"timetz[]", "'{12:34:56.789012+02}'", "[\"10:34:56.789012Z\"]", NULL, 0},
	{"timestamp[]", "'{2024-02-29 12:34:56.123456}'", "[1709210096123456]", "[1709210096123]", 0},
	{"timestamptz[]", "'{2024-02-29 12:34:56.123456+02,-infinity}'", "[\"2024-02-29T10:34:56.123456Z\",\"-infinity\"]", NULL, 0},
	{"inet[]", "'{192.168.1.1/24}'", "[\"192.168.1.1/24\"]", NULL, 0},
	{"cidr[]", "'{10.0.0.0/8}'", "[\"10.0.0.0/8\"]", NULL, 0},
	{"macaddr[]", "'{08:00:2b:01:02:03}'", "[\"08:00:2b:01:02:03\"]", NULL, 0},
	{"int4range[]", "ARRAY['[1,10)'::int4range]", "[\"[1,10)\"]", NULL, 0},
	{"tsrange[]", "ARRAY['[2024-01-01,)'::tsrange]", "[\"[\\\"2024-01-01 00:00:00\\\",)\"]", NULL, 0},
	{"mood[]", "'{sad,NULL,\"ha,ppy\"}'", "[\"sad\",null,\"ha,ppy\"]", NULL, 0},
	{"d_numbers", "'{1,2}'", "[1,2]", NULL, 0},
	{"d_moods", "'{ok}'", "[\"ok\"]", NULL, 0},
	{"money[]", "ARRAY['1.5'::numeric::money]", "\"{$1.50}\"", NULL, 0},
	{"interval[]", "'{1 day}'", "\"{\\\"1 day\\\"}\"", NULL, 0},
	{"name[]", "'{a}'", "\"{a}\"", NULL, 0},
	{"bit(2)[]", "'{01}'", "\"{01}\"", NULL, 0},
	{"varbit[]", "'{01}'", "\"{01}\"", NULL, 0},
	{"xml[]", "ARRAY['<a/>'::xml]", "\"{<a/>}\"", NULL, 0},
	{"point[]", "ARRAY['(1,2)'::point]", "\"{\\\"(1,2)\\\"}\"", NULL, 0},
	{"box[]", "'{(2,2),(1,1);(4,4),(3,3)}'", "\"{(2,2),(1,1);(4,4),(3,3)}\"", NULL, 0},
	{"pair[]", "ARRAY[ROW(1, 'b')::pair]", "\"{\\\"(1,b)\\\"}\"", NULL, 0},
	{"d_int[]", "'{5}'", "\"{5}\"", NULL, 11},
};

/* With the extensions, where the server has them. */
static const char extensions[] =
	"CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree; CREATE DOMAIN d_citext AS citext;\n";

static const struct sample extended[] = {
	{"hstore", "'a=>1, \"b c\"=>NULL, d=>\"x\\\"y\"'", "\"{\\\"a\\\":\\\"1\\\",\\\"d\\\":\\\"x\\\\\\\"y\\\",\\\"b c\\\":null}\"", NULL, 0},
	{"hstore", "''", "\"{}\"", NULL, 0},
	{"citext", "'CiText'", "\"CiText\"", NULL, 0},
	{"d_citext", "'DoMain'", "\"DoMain\"", NULL, 0},
	{"hstore[]", "ARRAY['a=>1'::hstore, NULL]", "[\"{\\\"a\\\":\\\"1\\\"}\",null]", NULL, 0},
	{"citext[]", "'{CiText}'", "[\"CiText\"]", NULL, 0},
	{"ltree[]", "'{Top.Science}'", "[\"Top.Science\"]", NULL, 0},
	{"ltree", "'Top.Science'", "\"Top.Science\"", NULL, 0},
};

static struct plain types = {.name = "types", .include = "[public.types, public.recorded]"};
static const struct sample *columns[COUNT_OF(samples) + COUNT_OF(extended)];
static size_t column_count;

static void choose(const struct sample *from, size_t count, int version)
{
	for (size_t i = 0; i < count; i++)
		if (from[i].since <= version)
			columns[column_count++] = &from[i];
}

static void run_sql(struct scene *scene, struct writer *sql)
{
	wr_u8(sql, 0);
	scene_sql(scene, "%s", sql->data);
	wr_done(sql);
}

static void make_table(struct scene *scene, bool with_extensions)
{
	struct writer sql = {0};

	wr_printf(&sql, "%s%sCREATE TABLE types (id int PRIMARY KEY", with_extensions ? extensions : "", preparation);
	for (size_t i = 0; i < column_count; i++)
		wr_printf(&sql, ", c%zu %s", i, columns[i]->type);
	wr_printf(&sql, ");\nCREATE PUBLICATION types FOR TABLE types;\n");
	run_sql(scene, &sql);
}

static void insert(struct scene *scene, int id, bool other_forms)
{
	struct writer sql = {0};

	wr_printf(&sql, "INSERT INTO types VALUES (%d", id);
	for (size_t i = 0; i < column_count; i++)
		wr_printf(&sql, ", %s", columns[i]->expected || other_forms ? columns[i]->value : "NULL");
	wr_printf(&sql, ")");
	run_sql(scene, &sql);
}

static char *output_of(const char *line)
{
	if (agent_ask(&types.agent, line) != 0)
		harness_fail(&types.agent, line);
	return agent_output;
}

/* The new image of the last record that has this operation, from the first column on; cut off at its end. */
static char *image_of(char *records, const char *op, int id)
{
	char begin[64], last[64];
	char *found = NULL, *found_end = NULL;

	snprintf(begin, sizeof(begin), "\"after\":{\"id\":%d,", id);
	snprintf(last, sizeof(last), "\"op\":\"%s\"", op);
	for (char *image = records; (image = strstr(image, begin)); image++) {
		char *end = strstr(image, "},\"source\":{"), *told = end ? strstr(end, "\"op\":") : NULL;

		if (!told || strncmp(told, last, strlen(last)) != 0)
			continue;
		found = image;
		found_end = end;
	}
	if (!found)
		harness_fail(&types.agent, begin);
	*found_end = '\0';
	return found + strlen(begin) - 1;
}

/* The value of one column is all up to the next. */
static void expect(const char *where, const char *image, size_t column, const char *expected)
{
	char begin[32], end[32];
	const char *value, *next;

	snprintf(begin, sizeof(begin), ",\"c%zu\":", column);
	snprintf(end, sizeof(end), ",\"c%zu\":", column + 1);
	value = strstr(image, begin);
	value = value ? value + strlen(begin) : "missing";
	next = column + 1 < column_count ? strstr(value, end) : value + strlen(value);
	if (next && (size_t)(next - value) == strlen(expected) && memcmp(value, expected, strlen(expected)) == 0)
		return;
	fprintf(stderr, "%s, %s %s: %.*s\n%*sexpected %s\n", where, columns[column]->type, columns[column]->value,
		next ? (int)(next - value) : 100, value, (int)strlen(where), "", expected);
	harness_fail(&types.agent, "a value is something else");
}

static void expect_first_forms(const char *where, const char *op, int id)
{
	char *image = image_of(output_of("read --topic change.public.types"), op, id);

	for (size_t i = 0; i < column_count; i++)
		expect(where, image, i, columns[i]->expected ? columns[i]->expected : "null");
	printf("%s: %zu values are as expected\n", where, column_count);
}

static void read_again(void)
{
	output_of("snapshot --table public.types");
	WAIT_UNTIL(agent_logged(&types.agent, "of table public.types is published: 2 rows") > 0, 30, &types.agent);
	agent_stop(&types.agent); /* with all that it has read */
	plain_stream(&types);
}

static void expect_other_forms(const char *where, int id)
{
	char *image = image_of(output_of("read --topic change.public.types"), "c", id);

	for (size_t i = 0; i < column_count; i++)
		expect(where, image, i, columns[i]->other ? columns[i]->other : columns[i]->expected);
	printf("%s: %zu values are as expected\n", where, column_count);
}

/* A column as Debezium has it. */
struct recorded {
	char name[64], type[64], schema[1024];
};

/* The next of the recording; the file's end is false. Comments are skipped, and what the server lacks. */
static bool next_recorded(FILE *file, bool with_extensions, struct recorded *ret)
{
	char line[1200];

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63[^#\t]\t%63[^\t]\t%1023[^\n]", ret->name, ret->type, ret->schema) == 3 &&
		    (with_extensions || (strcmp(ret->type, "hstore") != 0 && strcmp(ret->type, "citext") != 0)))
			return true;
	}
	fclose(file);
	return false;
}

static FILE *open_recording(const struct scene *scene)
{
	char path[400];
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/system/debezium-types.txt", scene->source);
	file = fopen(path, "r");
	if (!file)
		harness_fail(NULL, path);
	return file;
}

static void make_recorded_table(struct scene *scene, bool with_extensions)
{
	FILE *file = open_recording(scene);
	struct recorded recorded;
	struct writer sql = {0};

	wr_printf(&sql, "CREATE TYPE feeling AS ENUM ('sad', 'ok', 'happy'); CREATE TABLE recorded (id bigint PRIMARY KEY");
	while (next_recorded(file, with_extensions, &recorded))
		wr_printf(&sql, ", %s %s", recorded.name, recorded.type);
	wr_printf(&sql, "); INSERT INTO recorded (id) VALUES (1); ALTER PUBLICATION types ADD TABLE recorded");
	run_sql(scene, &sql);
}

/* As a text within JSON. */
static void quote_again(const char *text, struct writer *to)
{
	for (; *text; text++)
		wr_printf(to, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
}

static void the_schema_is_debeziums(struct scene *scene, bool with_extensions)
{
	FILE *file = open_recording(scene);
	struct recorded recorded;
	struct writer field = {0};
	unsigned count = 0;

	output_of("read --topic types.schemas");
	for (; next_recorded(file, with_extensions, &recorded); count++) {
		char text[1200];

		snprintf(text, sizeof(text), "{\"name\":\"%s\",\"type\":[\"null\",%s],\"default\":null}", recorded.name, recorded.schema);
		wr_clear(&field);
		quote_again(text, &field);
		wr_u8(&field, 0);
		if (!strstr(agent_output, field.data) && !strstr(agent_output, text))
			harness_fail(&types.agent, text);
	}
	wr_done(&field);
	printf("%u columns are in the schema as Debezium has them\n", count);
}

/* Names of the server's types that the manual calls otherwise. */
static const char *const shown_otherwise[] = {"bpchar", "char", "bit"};

static bool is_in_manual(const char *help, const char *name)
{
	char line[100];

	for (size_t i = 0; i < COUNT_OF(shown_otherwise); i++)
		if (strcmp(name, shown_otherwise[i]) == 0)
			return true;
	snprintf(line, sizeof(line), "\n  %s ", name);
	return strstr(help, line) != NULL;
}

static void every_type_of_the_server_is_in_the_manual(struct scene *scene)
{
	static char names[10000];
	char command[400];
	FILE *pipe;
	unsigned count = 0;

	snprintf(names, sizeof(names), "%s", scene_value(scene,
		"SELECT string_agg(typname, ' ') FROM pg_type WHERE oid < 10000 AND typtype IN ('b', 'r', 'm') AND"
		" (typcategory <> 'A' OR typname IN ('int2vector', 'oidvector'))"));
	snprintf(command, sizeof(command), "%s help types", scene->agent);
	pipe = popen(command, "r");
	agent_output[fread(agent_output, 1, sizeof(agent_output) - 1, pipe)] = '\0';
	if (pclose(pipe) != 0)
		harness_fail(&types.agent, command);
	for (char *rest = names, *name; (name = strtok_r(rest, " ", &rest)); count++)
		if (!is_in_manual(agent_output, name))
			harness_fail(&types.agent, name);
	printf("%u types of the server are in the manual\n", count);
}

int main(void)
{
	static struct scene scene;
	bool with_extensions;

	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	with_extensions = strcmp(scene_value(&scene, "SELECT count(*) FROM pg_available_extensions WHERE name IN "
				 "('hstore', 'citext', 'ltree')"), "3") == 0;
	choose(samples, COUNT_OF(samples), atoi(scene_value(&scene, "SHOW server_version_num")) / 10000);
	if (with_extensions)
		choose(extended, COUNT_OF(extended), 99);
	make_table(&scene, with_extensions);
	make_recorded_table(&scene, with_extensions);
	insert(&scene, 1, false);
	agent_init(&types.agent, &scene, types.name, "");
	plain_configure(&types);
	plain_stream(&types);
	insert(&scene, 2, false);
	plain_catch_up(&types);
	expect_first_forms("snapshot", "r", 1);
	expect_first_forms("stream", "c", 2);
	read_again();
	expect_first_forms("repeated snapshot", "r", 1);
	expect_first_forms("repeated snapshot", "r", 2);
	agent_stop(&types.agent);
	types.extra = "format:\n  decimal: string\n  time: connect\n  binary: hex\n";
	plain_configure(&types);
	plain_stream(&types);
	insert(&scene, 3, true);
	plain_catch_up(&types);
	expect_other_forms("stream in other forms", 3);
	every_type_of_the_server_is_in_the_manual(&scene);
	the_schema_is_debeziums(&scene, with_extensions);
	agent_stop(&types.agent);
	scene_end(&scene);
	return 0;
}
