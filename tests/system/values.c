/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Values on every road that they have: edge values, large ones and thousands of random ones are there at the first snapshot, come
 * again by the log, and all of that is read once more by a repeated snapshot; of two agents one reads the log as text and one
 * in binary form (from PostgreSQL 14 on); and all records of a value are the same. Columns that are masked by a token show that
 * the texts are the same, too, which no record has (of floats, intervals and zoned times). What is read as text only is
 * refused by name, and found while streaming turns `auto` back to text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "system/plain.h"

#define ROWS 900 /* of each type a tenth */
#define AGAIN 1000000 /* the id of a copy is larger by that */

/* Of a megabyte, that the broker takes by default since they are compressed. */
#define LARGE "  compression.codec: lz4\n  message.max.bytes: 4000000\n"

static struct scene scene;
static struct plain as_text = {.name = "as_text", .include = "[public.wired]", .source = "  values: text\n", .kafka = LARGE};
static struct plain as_binary = {.name = "as_binary", .include = "[public.wired]", .source = "  values: binary\n", .kafka = LARGE};
static struct plain as_it_can = {.name = "as_it_can", .include = "[public.wired]", .kafka = LARGE};
static char masking[200];

/* Column, random value, and edge values. */
static const struct {
	const char *type, *random, *edges;
} columns[] = {
	{"bool", "random() < 0.5", "{true,false}"},
	{"int2", "(random() * 65535 - 32768)::int", "{-32768,32767,0}"},
	{"int4", "(random() * 4e9 - 2e9)::int8", "{-2147483648,2147483647}"},
	{"int8", "((random() - 0.5) * 1.8e19)::numeric::int8", "{-9223372036854775808,9223372036854775807}"},
	{"oid", "(random() * 4294967295)::int8", "{0,4294967295}"},
	{"float4", "((random() - 0.5) * 10 ^ (random() * 70 - 35))::float4",
	 "{0,-0,1,-1,0.1,1e-4,1e-5,123456,1234567,999999,1000000,3.4028235e38,1e-45,1.17549435e-38,NaN,Infinity,-Infinity,16777216,0.3}"},
	{"float8", "(random() - 0.5) * 10 ^ (random() * 600 - 300)",
	 "{0,-0,1,-1,0.1,1e-4,1e-5,123456789012345,1234567890123456,1e15,1e14,1e22,1e23,5e-324,2.2250738585072014e-308,"
	 "1.7976931348623157e308,NaN,Infinity,-Infinity,0.30000000000000004,9007199254740993}"},
	{"numeric", "((random() - 0.5) * 10 ^ (random() * 40 - 20))::numeric * (random() * 1e9)::int8",
	 "{0,0.00,-0.00010,1e20,100000000,-12345.6700,9999,10000,0.9999,0.0001,1e-20,123456789012345678901234567890.123456789}"},
	{"numeric(12,2)", "(random() * 1e9 - 5e8)::numeric(12,2)", "{0,-0.01,9999999999.99}"},
	{"money", "((random() - 0.5) * 1e12)::numeric::money", "{0,-0.01,0.1,-92233720368547758.08,92233720368547758.07}"},
	{"text", "md5(random()::text)", "{\"\",\"\xc3\x86\xc3\xb8 \xe2\x82\xac\"}"},
	{"varchar(40)", "md5(random()::text)", "{\"\"}"},
	{"char(40)", "md5(random()::text)", "{\"\",x}"},
	{"name", "md5(random()::text)::name", "{x}"},
	{"bytea", "decode(md5(random()::text), 'hex')", "{\"\",\"\\\\x00ff\"}"},
	{"uuid", "md5(random()::text)::uuid", "{00000000-0000-0000-0000-000000000000}"},
	{"json", "json_build_object('a', random(), 'b', null)", "{\"{\\\"a\\\" :  1}\",null}"},
	{"jsonb", "jsonb_build_object('a', random(), 'b', null)", "{\"{\\\"a\\\" :  1}\",\"[]\",\"1e400\"}"},
	{"bit(1)", "(random() * 1)::int::bit(1)", "{0,1}"},
	{"bit(12)", "(random() * 4095)::int::bit(12)", "{000000000000,100000000001}"},
	{"varbit", "(random() * 4095)::int::bit(12)::varbit", "{\"\",1,010101010}"},
	{"date", "date '2000-01-01' + (random() * 2000000 - 500000)::int",
	 "{0044-03-15 BC,4713-01-01 BC,5874897-12-31,infinity,-infinity,1999-12-31,2000-01-01}"},
	{"time", "time '00:00' + random() * interval '1 day'", "{00:00,23:59:59.999999,24:00}"},
	{"time(3)", "time '00:00' + random() * interval '1 day'", "{00:00,24:00}"},
	{"timetz", "timetz '00:00+00' + random() * interval '1 day'", "{00:00:00+00,24:00:00-12,12:34:56.789+05:30,23:59:59.999999-00:00:30}"},
	{"timestamp", "timestamp '2000-01-01' + (random() - 0.5) * interval '4000 years'",
	 "{0044-03-15 BC,4713-01-01 BC,infinity,-infinity,1999-12-31 23:59:59.999999,2000-01-01}"},
	{"timestamp(3)", "timestamp '2000-01-01' + (random() - 0.5) * interval '4000 years'", "{1999-12-31 23:59:59.999}"},
	{"timestamptz", "timestamptz '2000-01-01 00:00+00' + (random() - 0.5) * interval '4000 years'",
	 "{0044-03-15 BC,infinity,-infinity,1890-01-01 00:00:00.000001+00}"},
	{"interval", "make_interval(months => (random() * 200 - 100)::int, days => (random() * 200 - 100)::int, secs => (random() - 0.5) * 1e6)",
	 "{0,1 mon,-1 mon,1 year 2 mons -3 days 04:05:06.789,-1 day 02:03:00,1 day -00:00:00.000001,999999 hours,-1 year -1 mon 1 day,1 sec}"},
	{"mood", "CASE WHEN random() < 0.5 THEN 'sad' ELSE 'ha,ppy' END::mood", "{ok}"},
};

/* Too long to be written here. */
static const struct {
	const char *type, *value;
} large[] = {
	{"numeric", "repeat('9', 131072)::numeric"},
	{"numeric", "('-' || repeat('123456789', 14563) || '.' || repeat('987654321', 1820))::numeric"},
	{"numeric", "('0.' || repeat('0', 16382) || '1')::numeric"},
	{"text", "repeat('Ã¦/1', 262144)"},
	{"bytea", "convert_to(repeat('Ã¦/1', 262144), 'UTF8')"},
	{"jsonb", "to_jsonb(repeat('Ã¦/1', 262144))"},
};

/* Each a second time, masked. */
static void make_table(void)
{
	char sql[8000] = "CREATE TYPE mood AS ENUM ('sad', 'ok', 'ha,ppy'); CREATE TABLE wired (id int PRIMARY KEY";

	for (size_t i = 0; i < COUNT_OF(columns); i++)
		sprintf(sql + strlen(sql), ", c%zu %s, m%zu %s", i, columns[i].type, i, columns[i].type);
	scene_sql(&scene, "%s)", sql);
	scene_sql(&scene, "CREATE PUBLICATION as_text FOR TABLE wired;"
		  "CREATE PUBLICATION as_binary FOR TABLE wired; CREATE PUBLICATION as_it_can FOR TABLE wired");
}

static void start(struct plain *plain)
{
	agent_init(&plain->agent, &scene, plain->name, "");
	plain->extra = masking;
	plain_configure(plain);
	plain_stream(plain);
}

static size_t column_of(const char *type)
{
	size_t i = 0;

	while (strcmp(columns[i].type, type) != 0)
		i++;
	return i;
}

static void insert_rows(void)
{
	for (size_t i = 0; i < COUNT_OF(columns); i++)
		scene_sql(&scene, "INSERT INTO wired (id, c%zu, m%zu) SELECT %zu + ordinality, value, value FROM unnest('%s'::%s[]) "
			  "WITH ORDINALITY u (value)", i, i, (i + 1) * 100, columns[i].edges, columns[i].type);
	for (size_t i = 0; i < COUNT_OF(columns); i++)
		scene_sql(&scene, "INSERT INTO wired (id, c%zu, m%zu) SELECT id, value, value FROM (SELECT id, %s AS value FROM "
			  "generate_series(%zu, %zu) id) r", i, i, columns[i].random, (i + 1) * 10000, (i + 1) * 10000 + ROWS / 10 - 1);
	for (size_t i = 0; i < COUNT_OF(large); i++)
		scene_sql(&scene, "INSERT INTO wired (id, c%zu, m%zu) SELECT %zu, value, value FROM (SELECT %s AS value) v", column_of(large[i].type),
			  column_of(large[i].type), 10 + i, large[i].value);
}

/* What is streamed: all rows once more, and changes of some. */
static void stream_rows(void)
{
	char names[2000] = "";

	for (size_t i = 0; i < COUNT_OF(columns); i++)
		sprintf(names + strlen(names), ", c%zu, m%zu", i, i);
	scene_sql(&scene, "INSERT INTO wired (id%s) SELECT id + %d%s FROM wired", names, AGAIN, names);
	scene_sql(&scene, "INSERT INTO wired (id, c0) SELECT -g, true FROM generate_series(1, 200) g; UPDATE wired SET id = id - 200 WHERE id < 0;"
		  "DELETE FROM wired WHERE id < 0");
}

static void read_again(struct plain *plain)
{
	if (agent_verb(&plain->agent, "snapshot --table public.wired", "verb.out") != 0)
		harness_fail(&plain->agent, "snapshot");
	WAIT_UNTIL(agent_logged(&plain->agent, "of table public.wired is published") > 0, 60, &plain->agent);
}

static void read_back(struct plain *plain)
{
	char file[100];

	plain_catch_up(plain);
	snprintf(file, sizeof(file), "%s.jsonl", plain->name);
	if (agent_verb(&plain->agent, "read --from beginning --topic 'change.*.wired'", file) != 0)
		harness_fail(&plain->agent, "nothing can be read back");
}

static void load(const struct plain *plain)
{
	char file[100], table[100];

	snprintf(file, sizeof(file), "%s.jsonl", plain->name);
	snprintf(table, sizeof(table), "read_%s", plain->name);
	scene_load_lines(&scene, table, file);
}

/* What becomes of a row's values, by the road that it came. */
static void compare_roads(const struct plain *plain)
{
	const char *name = plain->name, *found;

	load(plain);
	scene_sql(&scene, "CREATE VIEW road_%s AS SELECT (line #>> '{value,after,id}')::int %% %d AS id, (line #>> '{value,after,id}')::int / %d AS copy, "
		  "CASE WHEN line #>> '{value,source,snapshot}' = 'incremental' THEN 'repeated' WHEN line #>> '{value,op}' = 'r' THEN 'snapshot' ELSE "
		  "'stream' END AS road, (line #> '{value,after}') - 'id' AS value FROM read_%s WHERE line #>> '{value,op}' IN ('r', 'c') AND "
		  "(line #>> '{value,after,id}')::int > 0", name, AGAIN, AGAIN, name);
	found = scene_value(&scene, "SELECT string_agg(concat_ws(' ', road, copy, rows - (SELECT count(*) FROM wired WHERE id < %d)), ', ' ORDER BY road, copy) "
			    "FROM (SELECT road, copy, count(*) AS rows FROM road_%s GROUP BY 1, 2) r", AGAIN, name);
	if (strcmp(found, "repeated 0 0, repeated 1 0, snapshot 0 0, stream 1 0") != 0)
		harness_fail(&plain->agent, found);
	found = scene_value(&scene, "SELECT left(string_agg(DISTINCT id || ' by ' || road || ': ' || left(jsonb_strip_nulls(value)::text, 200), E'\\n'), 2000) FROM "
			    "road_%s WHERE id IN (SELECT id FROM road_%s GROUP BY id HAVING count(DISTINCT value) > 1 ORDER BY id LIMIT 5)", name, name);
	if (*found)
		harness_fail(&plain->agent, found);
	printf("%s: %s records are the same by snapshot, repeated snapshot and stream\n", name, scene_value(&scene, "SELECT count(*) FROM road_%s", name));
}

/* Values of the two agents, and what the log tells of changes. */
static void compare(void)
{
	const char *differs;

	differs = scene_value(&scene, "SELECT id FROM (SELECT * FROM road_as_text UNION ALL SELECT * FROM road_as_binary) r GROUP BY id HAVING "
			      "count(DISTINCT value) > 1 LIMIT 1");
	if (*differs)
		harness_fail(&as_binary.agent, differs);
	for (int i = 0; i < 2; i++)
		scene_sql(&scene, "CREATE VIEW streamed_%s AS SELECT row_number() OVER (ORDER BY n) AS n, line FROM read_%s WHERE line #>> '{value,op}' IS "
			  "DISTINCT FROM 'r'", i ? "as_binary" : "as_text", i ? "as_binary" : "as_text");
	differs = scene_value(&scene,
		"SELECT 'id ' || (a.line#>>'{value,after,id}') || ' ' || coalesce((SELECT string_agg(k.key || ': ' || coalesce(k.value::text, '-') || ' / ' || "
		"coalesce((b.line#>'{value,after}'->k.key)::text, '-'), '; ') FROM jsonb_each(a.line#>'{value,after}') k WHERE k.value IS "
		"DISTINCT FROM b.line#>'{value,after}'->k.key), 'key, operation or before') FROM streamed_as_text a FULL JOIN streamed_as_binary b "
		"USING (n) WHERE a.line->'key' IS DISTINCT FROM b.line->'key' OR a.line#>'{value,after}' IS DISTINCT FROM "
		"b.line#>'{value,after}' OR a.line#>'{value,before}' IS DISTINCT FROM b.line#>'{value,before}' OR "
		"a.line#>'{value,op}' IS DISTINCT FROM b.line#>'{value,op}' LIMIT 1");
	if (*differs)
		harness_fail(&as_binary.agent, differs);
	if (!agent_logged(&as_binary.agent, "values come in binary form") || !agent_logged(&as_text.agent, "values come in text form"))
		harness_fail(&as_binary.agent, "the form is not the one that was asked for");
	printf("%s records are the same in both forms\n", scene_value(&scene, "SELECT count(*) FROM read_as_text"));
}

/* A table with an array comes under the eyes of an agent that reads binary values. */
static void find_an_array(void)
{
	if (!agent_logged(&as_it_can.agent, "values come in binary form"))
		harness_fail(&as_it_can.agent, "auto is not binary where it can be");
	scene_sql(&scene, "ALTER TABLE wired ADD COLUMN tags text[]; UPDATE wired SET tags = '{a,b}' WHERE id = 10000");
	WAIT_UNTIL(agent_logged(&as_it_can.agent, "is read as text only") > 0, 30, &as_it_can.agent);
	WAIT_UNTIL(agent_logged(&as_it_can.agent, "values come in text form") > 0, 30, &as_it_can.agent);
	plain_catch_up(&as_it_can);
	plain_expect(&as_binary, STATE_UNSUPPORTED, "(text[]) is read as text only", 1, 30);
	printf("an array turns auto to text, and stops binary by name\n");
}

static void publish(bool binary)
{
	struct plain *both[] = {&as_text, &as_binary};
	size_t count = binary ? 2 : 1;

	insert_rows();
	for (size_t i = 0; i < count; i++)
		start(both[i]);
	stream_rows();
	for (size_t i = 0; i < count; i++) {
		plain_catch_up(both[i]);
		read_again(both[i]);
	}
	scene_sql(&scene, "UPDATE wired SET c0 = true WHERE id = 10");
	for (size_t i = 0; i < count; i++)
		read_back(both[i]);
	for (size_t i = 0; i < count; i++)
		compare_roads(both[i]);
}

int main(void)
{
	bool binary;

	setvbuf(stdout, NULL, _IONBF, 0);
	scene_begin(&scene);
	binary = scene_version(&scene) >= 140000;
	snprintf(masking, sizeof(masking), "masking:\n  key: a key of thirty-two characters or more\n  columns: {\"wired.m*\": token}\n");
	make_table();
	publish(binary);
	if (binary) {
		compare();
		start(&as_it_can);
		find_an_array();
		agent_stop(&as_it_can.agent);
	} else {
		printf("the server sends text only\n");
	}
	agent_stop(&as_text.agent);
	scene_end(&scene);
	return 0;
}
