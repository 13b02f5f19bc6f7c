/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What records tell of a row as it was, by replica identity, with the table mirrored whole and without: rows are inserted,
 * updated beside a large value that stays the same, given another key, and deleted, across a crash that is replayed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/plain.h"

static struct scene scene;
static struct plain plain = {
	.name = "images",
	.include = "[public.key*, public.code*, public.whole*, public.loose*]\n  mirror: [public.*_m]",
};

/*
 * The records of a row's life: operation, then `text` and `big` before and after. A large value is shown by its length, ?
 * is Debezium's placeholder, - is null.
 */
#define CREATED "c -/- one/4000 "
#define TOLD_NOTHING CREATED "u -/- two/? d -/- -/- c -/- two/? d -/- -/- "
#define TOLD_ALL CREATED "u one/4000 two/4000 d two/4000 -/- c -/- two/4000 d two/4000 -/- "

static const struct {
	const char *table, *alter, *expected;
} rows[] = {
	{"key", "", TOLD_NOTHING},
	{"key_m", "", TOLD_ALL},
	{"code", "ALTER TABLE code REPLICA IDENTITY USING INDEX code_code_key", TOLD_NOTHING},
	{"code_m", "ALTER TABLE code_m REPLICA IDENTITY USING INDEX code_m_code_key", TOLD_ALL},
	{"whole", "ALTER TABLE whole REPLICA IDENTITY FULL", TOLD_ALL},
	{"whole_m", "ALTER TABLE whole_m REPLICA IDENTITY FULL", TOLD_ALL},
	/* Without a key there is no other key: an update says what it was. */
	{"loose", "ALTER TABLE loose DROP CONSTRAINT loose_pkey; ALTER TABLE loose REPLICA IDENTITY FULL",
	 CREATED "u one/4000 two/4000 u two/4000 two/4000 d two/4000 -/- "},
	{"loose_m", "ALTER TABLE loose_m DROP CONSTRAINT loose_m_pkey; ALTER TABLE loose_m REPLICA IDENTITY FULL",
	 CREATED "u one/4000 two/4000 u two/4000 two/4000 d two/4000 -/- "},
};

static void make_tables(void)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *name = rows[i].table;

		scene_sql(&scene, "CREATE TABLE %s (id int PRIMARY KEY, code int NOT NULL UNIQUE, text text, big text);"
			  "ALTER TABLE %s ALTER big SET STORAGE EXTERNAL; %s", name, name, rows[i].alter);
	}
	scene_sql(&scene, "CREATE PUBLICATION images FOR ALL TABLES");
	agent_init(&plain.agent, &scene, plain.name, "");
	plain_configure(&plain);
}

/* One statement for each table, each a transaction: the crash falls between two of them. */
static void live(const char *verb, const char *rest)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		scene_sql(&scene, "%s %s %s", verb, rows[i].table, rest);
}

static void live_all(void)
{
	live("INSERT INTO", "VALUES (1, 1, 'one', repeat('x', 4000))");
	plain_catch_up(&plain);
	agent_stop(&plain.agent);
	live("UPDATE", "SET text = 'two'");
	agent_start(&plain.agent, "after-commit:2");
	agent_wait(&plain.agent, 60 * USEC_PER_SEC);
	plain_stream(&plain);
	live("UPDATE", "SET id = 2, code = 2");
	live("DELETE FROM", "");
	plain_catch_up(&plain);
}

static void read_back(void)
{
	plain_read_back(&plain, "change.*");
	scene_sql(&scene,
		  "CREATE FUNCTION shown(p jsonb) RETURNS text LANGUAGE sql AS $$ SELECT coalesce(p->>'text', '-') || '/' || "
		  "CASE WHEN p->>'big' = '__debezium_unavailable_value' THEN '?' ELSE coalesce(length(p->>'big')::text, '-') END $$;"
		  "CREATE VIEW life AS SELECT value#>>'{source,table}' AS name, string_agg((value->>'op') || ' ' || shown(value->'before') || ' ' || "
		  "shown(value->'after') || ' ', '' ORDER BY n) AS told FROM seen WHERE value <> 'null' GROUP BY 1");
}

static void check(void)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *told = scene_value(&scene, "SELECT told FROM life WHERE name = '%s'", rows[i].table);

		if (strcmp(told, rows[i].expected) == 0)
			continue;
		fprintf(stderr, "%s:\n expected %s\n was      %s\n", rows[i].table, rows[i].expected, told);
		wrong++;
	}
	if (wrong)
		harness_fail(&plain.agent, "a record tells something else of the row as it was");
	if (!agent_logged(&plain.agent, "the same as published"))
		harness_fail(&plain.agent, "nothing was replayed");
	printf("records tell what was, by identity and mirror\n");
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	scene_begin(&scene);
	make_tables();
	plain_stream(&plain);
	live_all();
	read_back();
	check();
	agent_stop(&plain.agent);
	scene_end(&scene);
	return 0;
}
