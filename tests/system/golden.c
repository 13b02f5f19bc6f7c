/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The schemas of change topics, of logical messages and of transactions are those that a real Debezium Server 3.6.1 has
 * registered for the same tables (tests/golden/debezium), field for field, but for the deviations that
 * tests/golden/compare_schemas.py states.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/plain.h"

static struct plain gold = {.name = "gold", .include = "[public.*]\n  exclude: [public.psa_*, public.numbering, public.session_log]"};

/* Each shape has a record; compk has three in all. */
static const char rows[] =
	"INSERT INTO types (id) VALUES (1); INSERT INTO nopk VALUES (1, 'one'); INSERT INTO compk VALUES ('a', 1.5, 1);"
	"INSERT INTO \"Weird-Name\" (id) VALUES (1); INSERT INTO toast VALUES (1, 'big', 'n_big'); INSERT INTO toast_full VALUES (1, 'big', 'n_big')";
static const char changes[] =
	"ALTER TABLE compk ADD COLUMN extra int DEFAULT 5; UPDATE compk SET extra = 6;"
	"ALTER TABLE compk DROP COLUMN v; UPDATE compk SET extra = 7;"
	"SELECT pg_logical_emit_message(true, 'prefix', 'content')";

/* The published tables for the comparison: a domain counts by what it is made of, an enum by its labels. */
#define COLUMNS \
	"SELECT format('%%s\t%%s\t%%s\t%%s', c.relname, a.attname, CASE WHEN t.typtype = 'e' THEN (SELECT format('enum(%%s)', " \
	"string_agg(enumlabel, ',' ORDER BY enumsortorder)) FROM pg_enum WHERE enumtypid = t.oid) " \
	"WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) ELSE format_type(t.oid, a.atttypmod) END, " \
	"coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0)) " \
	"FROM pg_publication_tables p JOIN pg_class c ON c.relname = p.tablename AND c.relnamespace = 'public'::regnamespace " \
	"JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_type t ON t.oid = a.atttypid " \
	"LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary WHERE p.pubname = 'gold' ORDER BY c.relname, a.attnum"

static void write_columns(struct scene *scene)
{
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "%s/columns", scene->dir);
	file = fopen(path, "w");
	if (!file || fprintf(file, "%s\n", scene_value(scene, COLUMNS)) < 0 || fclose(file) != 0)
		harness_fail(&gold.agent, path);
}

/* Tables of a firm, with rows in all of them. */
static void add_the_demo(struct scene *scene)
{
	scene_sql_file(scene, "contrib/demo/schema.sql");
	scene_sql_file(scene, "contrib/demo/generator.sql");
	scene_sql_file(scene, "contrib/demo/publication.sql");
	scene_sql(scene, "CALL psa.setup(1, 1)");
	scene_sql(scene, "CALL psa.business_days(1, 1, 12)");
	scene_sql(scene, "DO $$ BEGIN EXECUTE (SELECT 'ALTER PUBLICATION gold ADD TABLE ' || string_agg(quote_ident(tablename), ', ') "
		  "FROM pg_publication_tables WHERE pubname = 'tailwater'); END $$");
}

int main(void)
{
	static struct scene scene;
	char command[1300];

	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	if (strcmp(scene_value(&scene, "SELECT count(*) FROM pg_available_extensions WHERE name IN ('hstore', 'citext')"), "2") != 0) {
		scene_end(&scene);
		printf("skipped: no hstore or citext\n");
		return 77;
	}
	scene_sql_file(&scene, "tests/golden/debezium/schema.sql");
	scene_sql(&scene, "%s", rows);
	scene_sql(&scene, "CREATE PUBLICATION gold FOR TABLE types, nopk, compk, \"Weird-Name\", toast, toast_full");
	add_the_demo(&scene);
	write_columns(&scene);
	agent_init(&gold.agent, &scene, gold.name, "");
	plain_configure(&gold);
	plain_stream(&gold);
	scene_sql(&scene, "%s", changes);
	plain_catch_up(&gold);
	agent_stop(&gold.agent);
	if (agent_verb(&gold.agent, "read --from beginning --topic schemas", "published.jsonl") != 0)
		harness_fail(&gold.agent, "`read` failed");
	snprintf(command, sizeof(command), "python3 %s/tests/golden/compare_schemas.py %s/tests/golden/debezium %s/published.jsonl %s/columns",
		 scene.source, scene.source, scene.dir, scene.dir);
	if (system(command) != 0)
		harness_fail(&gold.agent, "a schema is not Debezium's");
	scene_end(&scene);
	return 0;
}
