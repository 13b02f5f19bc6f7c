/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Values in both forms that a server can send them in: two agents read the same log, one as text and one in binary form,
 * edge values and thousands of random ones, and their records are the same. Columns that are masked by a token show that
 * the texts are the same, too, which no record has (of floats, intervals and zoned times). What is read as text only is
 * refused by name, and found while streaming turns `auto` back to text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "system/plain.h"

#define ROWS 3000

static struct scene scene;
static struct plain as_text = {.name = "as_text", .include = "[public.wired]", .source = "  values: text\n"};
static struct plain as_binary = {.name = "as_binary", .include = "[public.wired]", .source = "  values: binary\n"};
static struct plain as_it_can = {.name = "as_it_can", .include = "[public.wired]"};
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

static void insert_rows(void)
{
	for (size_t i = 0; i < COUNT_OF(columns); i++)
		scene_sql(&scene, "INSERT INTO wired (id, c%zu, m%zu) SELECT %zu + ordinality, value, value FROM unnest('%s'::%s[]) "
			  "WITH ORDINALITY u (value)", i, i, (i + 1) * 100, columns[i].edges, columns[i].type);
	for (size_t i = 0; i < COUNT_OF(columns); i++)
		scene_sql(&scene, "INSERT INTO wired (id, c%zu, m%zu) SELECT id, value, value FROM (SELECT id, %s AS value FROM "
			  "generate_series(%zu, %zu) id) r", i, i, columns[i].random, (i + 1) * 10000, (i + 1) * 10000 + ROWS / 10 - 1);
	scene_sql(&scene, "UPDATE wired SET id = -id WHERE id < 300; DELETE FROM wired WHERE id < 0");
}

static void read_back(struct plain *plain)
{
	char file[100], table[100];

	plain_catch_up(plain);
	snprintf(file, sizeof(file), "%s.jsonl", plain->name);
	if (agent_verb(&plain->agent, "read --from beginning --topic 'change.*.wired'", file) != 0)
		harness_fail(&plain->agent, "nothing can be read back");
	snprintf(table, sizeof(table), "read_%s", plain->name);
	scene_load_lines(&scene, table, file);
}

static void compare(void)
{
	const char *differs;

	differs = scene_value(&scene,
		"SELECT 'id ' || (a.line#>>'{value,after,id}') || ' ' || coalesce((SELECT string_agg(k.key || ': ' || coalesce(k.value::text, '-') || ' / ' || "
		"coalesce((b.line#>'{value,after}'->k.key)::text, '-'), '; ') FROM jsonb_each(a.line#>'{value,after}') k WHERE k.value IS "
		"DISTINCT FROM b.line#>'{value,after}'->k.key), 'key, operation or before') FROM read_as_text a FULL JOIN read_as_binary b "
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

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	scene_begin(&scene);
	if (scene_version(&scene) < 140000) {
		printf("the server sends text only\n");
		scene_end(&scene);
		return 0;
	}
	snprintf(masking, sizeof(masking), "masking:\n  key: a key of thirty-two characters or more\n  columns: {\"wired.m*\": token}\n");
	make_table();
	start(&as_text);
	start(&as_binary);
	start(&as_it_can);
	insert_rows();
	read_back(&as_text);
	read_back(&as_binary);
	compare();
	find_an_array();
	agent_stop(&as_text.agent);
	agent_stop(&as_it_can.agent);
	scene_end(&scene);
	return 0;
}
