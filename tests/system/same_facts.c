/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The same firm on PostgreSQL and on MariaDB (or MySQL), one mapping pack, two agents; and Redmine, which runs on both: every document, event and exception of the one is that
 * of the other, value for value and in the same order, from the snapshot as from the stream. Only what is observed may differ: positions
 * and what is made of them, and the time of day.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/audited.h"
#include "system/family.h"

#define DAYS 15

static void read_file(struct scene *scene, const char *path)
{
	scene_mariadb(scene, "out", "source %s/%s", scene->source, path);
}

/* What has been done on PostgreSQL is done on MariaDB; how, is said in contrib/demo/journal.sql. */
static void carry_over(struct scene *scene)
{
	scene_sql(scene, "\\pset tuples_only on\n\\pset format unaligned\n\\o %s/journal.sql\nSELECT psa.journal_take();", scene->dir);
	scene_mariadb(scene, "out", "source %s/journal.sql", scene->dir);
}

static void make_databases(struct scene *scene)
{
	scene_sql_file(scene, "contrib/demo/schema.sql");
	scene_sql_file(scene, "contrib/demo/generator.sql");
	scene_sql_file(scene, "contrib/demo/journal.sql");
	scene_sql_file(scene, "contrib/demo/publication.sql");
	read_file(scene, "contrib/demo/schema-mariadb.sql");
	scene_sql(scene, "CALL psa.setup(1, 1)");
	scene_sql(scene, "CALL psa.business_days(1, 1, 2)");
	carry_over(scene);
}

/* Both say that they are the instance erp. */
static void configure(struct plain *plain, struct scene *scene, const char *name, const char *pack, const char *address, const char *source)
{
	FILE *file;

	*plain = (struct plain){.name = name};
	agent_init(&plain->agent, scene, name, "");
	file = fopen(plain->agent.config, "w");
	fprintf(file, "source:\n  name: erp\n  host: 127.0.0.1\n  port: %s\n%s", strchr(address, ':') + 1, source);
	fprintf(file, "kafka:\n  bootstrap.servers: %s\ntopics:\n  prefix: %s\n  partitions: 1\n", scene->kafka_address, name);
	fprintf(file, "state:\n  file: %s/%s.state\nconfirm:\n  interval: 100ms\nmasking:\n  classes: {email: last4, rate: keep}\n", scene->dir, name);
	fprintf(file, "mapping:\n  pack: %s/contrib/mappings/%s\n  schemas: %s/schemas\n", scene->source, pack, scene->source);
	fclose(file);
}

/* What days of business do not have: the ends of what both can hold, and texts that are no plain ones. */
static void enter_edge_values(struct scene *scene)
{
	scene_sql(scene,
		  "UPDATE partner SET name = E'O''Hara \\\\ \"søn\" 😀', legal_name = '  blanks  ', credit_limit = 12345678901234567.123456789,"
		  " credit_hold = NULL, lang = '', attributes = '{\"segment\": \"\\\"ü\\\\\\\\ \\u4e2d\", \"industry\": null, \"n\": 1e3}' WHERE id = 3;"
		  "UPDATE partner SET created_at = '1970-01-01 00:00:01Z', modified_at = '2038-01-19 03:14:07.999999Z', attributes = '{\"segment\": 7}' WHERE id = 4;"
		  "UPDATE employee SET hired_on = '1000-01-01', left_on = '9999-12-31', hours_per_day = -99.99, kind = 'equipment', active = false WHERE id = 3;"
		  "UPDATE project SET percent_complete = 33.3, budget = -0.000000001, planned_effort = '1 year 2 mons -3 days 04:05:06.7',"
		  " budget_hours = 99999999.99, planned_start = '1969-12-31' WHERE id = 1;"
		  "UPDATE project SET percent_complete = 5e-10, budget = 0 WHERE id = 2;"
		  "UPDATE project SET percent_complete = 0.1::float8 + 0.2::float8 WHERE id = 3;" /* more digits than a document has: an exception */
		  "UPDATE timesheet_line SET duration = '23:59:59', started_at = '2025-03-30 02:30:00', note = E'a\\nb\\tc', bill_rate = 99999999.9999 WHERE id = 1;"
		  "UPDATE timesheet_line SET duration = '00:00:00', started_at = '2025-10-26 02:30:00.000001', note = '' WHERE id = 2;"
		  "UPDATE invoice SET report = repeat('æ', 100000), net_total = -999999999999.99, exchange_rate = 0.123456789012, posted_at = '1999-12-31 23:59:59.5'"
		  " WHERE id = 1;"
		  "UPDATE invoice_line SET qty = -1.5, price = 0.000001, discount_pct = -999.999, description = '%%s '';--' WHERE id = 1;"
		  "DELETE FROM partner_contact WHERE id = (SELECT min(id) FROM partner_contact);"
		  "INSERT INTO partner (name, created_at) VALUES ('gone soon', '2025-01-06');"
		  "DELETE FROM partner WHERE name = 'gone soon'");
}


static void finish(struct plain *postgresql, struct plain *mariadb)
{
	char end[64];

	snprintf(end, sizeof(end), "%s", scene_value(postgresql->agent.scene, "SELECT pg_current_wal_lsn()"));
	WAIT_UNTIL(plain_confirmed(postgresql, end), 60, &postgresql->agent);
	agent_stop(&postgresql->agent);
	agent_stop(&mariadb->agent);
	audited_finish(mariadb);
}

/*
 * Each record without what is observed: where and when. The times of an exception, too, are those of the commit; its row images are
 * the source's own text, in which a number has the scale of its column. A table is of the schema public here, of the database there.
 */
static const char essence[] =
	"CREATE FUNCTION essence(v jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$"
	" SELECT CASE WHEN jsonb_typeof(v) <> 'object' THEN v ELSE"
	" (v - '{header,openedAt,closedAt,rowImages}'::text[]) || jsonb_build_object('header', (v->'header') - '{eventId,causationId,sourcePosition,transactionId,"
	"occurredAt,capturedAt,sourceTables}'::text[], 'tables', (SELECT jsonb_agg(regexp_replace(t, '^.*[.]', '')) FROM"
	" jsonb_array_elements_text(v #> '{header,sourceTables}') t)) END $$";

static void read_back(struct plain *plain, const char *table)
{
	char topics[40];

	snprintf(topics, sizeof(topics), "%s.*", plain->name);
	plain_read_back(plain, topics);
	scene_sql(plain->agent.scene, "DROP TABLE IF EXISTS %s; CREATE TABLE %s AS SELECT regexp_replace(topic, '^[^.]*[.]', '') AS topic, header->>'operation' = 'SNAPSHOT' AS snapshot,"
		  " row_number() OVER (PARTITION BY topic ORDER BY n) AS n, key, value, essence(value) AS essence FROM seen"
		  " WHERE kind IN ('entity', 'event', 'exception')", table, table);
}

static void compare(struct plain *postgresql, struct plain *mariadb)
{
	struct scene *scene = postgresql->agent.scene;
	const char *differs;

	read_back(postgresql, "postgresql");
	read_back(mariadb, "mariadb");
	printf("%s\n", scene_value(scene, "SELECT count(*) || ' records: ' || count(*) FILTER (WHERE snapshot) || ' documents of the snapshot, ' ||"
				   " count(*) FILTER (WHERE topic LIKE 'entity.%%' AND NOT coalesce(snapshot, false)) || ' later ones, ' ||"
				   " count(*) FILTER (WHERE topic LIKE 'event.%%') || ' events of ' ||"
				   " count(DISTINCT topic) FILTER (WHERE topic LIKE 'event.%%') || ' kinds' FROM postgresql"));
	differs = scene_value(scene, "SELECT concat_ws(E'\\n', coalesce(p.topic, m.topic) || ' ' || coalesce(p.n, m.n) || ' ' || coalesce(p.key, m.key)::text,"
			      " '  PostgreSQL: ' || p.essence::text, '  MariaDB: ' || m.essence::text)"
			      " FROM postgresql p FULL JOIN mariadb m USING (topic, n) WHERE p.key IS DISTINCT FROM m.key OR p.essence IS DISTINCT FROM m.essence"
			      " ORDER BY coalesce(p.topic, m.topic), coalesce(p.n, m.n) LIMIT 1");
	if (*differs)
		harness_fail(&mariadb->agent, differs);
}

static void the_demo_firm(struct scene *scene)
{
	struct plain postgresql, mariadb;
	const char *wrong;

	make_databases(scene);
	configure(&postgresql, scene, "demo_postgresql", "demo", scene->pg_address,
		  "  dbname: postgres\n  user: postgres\n  slot: demo_postgresql\n  publication: tailwater\n  create_slot: true\n");
	configure(&mariadb, scene, "demo_mariadb", "demo", scene->mariadb_address, family_says(scene, FACT_MARIADB, "  type: mariadb\n  dbname: erp\n  user: root\n", "  type: mysql\n  dbname: erp\n  user: root\n"));
	audited_stream(&postgresql);
	audited_stream(&mariadb);
	enter_edge_values(scene);
	scene_sql(scene, "CALL psa.business_days(1, 3, %d)", DAYS);
	carry_over(scene);
	finish(&postgresql, &mariadb);
	compare(&postgresql, &mariadb);
	wrong = scene_value(scene, "SELECT fact FROM psa_fact_count WHERE fact !~ '^Exception' AND NOT EXISTS (SELECT FROM mariadb WHERE topic = 'event.' || fact)");
	if (*wrong)
		harness_fail(&mariadb.agent, "the firm has done too little: there is a kind of fact without an event");
	wrong = scene_value(scene, "SELECT value FROM postgresql WHERE topic = 'exception' AND value->>'path' NOT IN ('customer', 'percentComplete')");
	if (*wrong)
		harness_fail(&postgresql.agent, wrong);
}

/* Redmine -------------------------------------------------------------------------------------- */

static const struct {
	const char *query, *expected;
} told[] = {
	{"SELECT string_agg(topic || ' ' || split_part(key #>> '{}', '/', 3), ', ' ORDER BY topic, n) FROM mariadb WHERE topic LIKE 'event.%'",
	 "event.ProjectActivated 3, event.ProjectClosed 1, event.ProjectClosed 3, event.ProjectReopened 1, event.ProjectReopened 3"},
	{"SELECT string_agg(concat_ws(' ', split_part(key #>> '{}', '/', 3), trim_scale((essence #>> '{document,quantity,value}')::numeric),"
	 " essence #>> '{document,activity}', essence #>> '{document,extensions,issue}', essence #>> '{document,extensions,custom_fields}'), ', ' ORDER BY n)"
	 " FROM mariadb WHERE topic = 'entity.TimeEntry' AND essence #> '{document,quantity}' IS NOT NULL AND essence #>> '{document,deleted}' = 'false'",
	 "1 7.75 Development Implementation, 2 0.1 Design, 3 0.33 Design Implementation Client ref: A-17, 3 2.55 Design Implementation Client ref: A-17,"
	 " 1 7.75 Development Implementation, part 1, 3 2.55 Design Implementation, part 1 Client ref: A-17"},
	{"SELECT string_agg(concat_ws(' ', split_part(key #>> '{}', '/', 3), essence #>> '{document,sourceStatus}',"
	 " trim_scale((essence #>> '{document,budgetQuantity,value}')::numeric), essence #>> '{document,parentProject}'), ', ' ORDER BY n)"
	 " FROM mariadb WHERE topic = 'entity.Project'",
	 "1 active 16.1, 2 closed, 1 active 19.6, 3 active erp/Project/1,"
	 " 1 closed 19.6, 3 closed erp/Project/1, 1 active 19.6, 3 active erp/Project/1,"
	 " 2 archived"},
	{"SELECT string_agg(concat_ws(' ', essence #>> '{document,displayName}', essence #>> '{document,sourceStatus}', essence #>> '{document,email}',"
	 " essence #>> '{document,extensions,admin}', essence #>> '{document,extensions,custom_fields}', essence #>> '{document,modifiedAt}'), ', ' ORDER BY n)"
	 " FROM mariadb WHERE topic = 'entity.Resource'",
	 "Redmine Admin active ****.net true 2025-01-02T08:00:00Z, Søren O'Dea active ****.net false Staff no: 1042 2025-03-30T01:30:00Z,"
	 " Søren O'Dea locked ****.net true Staff no: 1042 2025-01-09T08:00:00Z"},
	{"SELECT count(*) FROM mariadb WHERE topic = 'exception'", "0"},
};

/* The same statements on both; PostgreSQL has another name for a type. */
static void do_as_redmine(struct scene *scene, const char *file)
{
	scene_sql(scene, "\\c redmine\n\\! sed 's/ datetime/ timestamp/g' %s/tests/redmine/%s >%s/%s\n\\i %s/%s", scene->source, file, scene->dir, file,
		  scene->dir, file);
	scene_mariadb(scene, "out", "SET time_zone = '+00:00'; USE redmine;\nsource %s/tests/redmine/%s", scene->source, file);
}

static void redmine(struct scene *scene)
{
	struct plain postgresql, mariadb;

	scene_sql(scene, "CREATE DATABASE redmine");
	scene_mariadb(scene, "out", "CREATE DATABASE redmine CHARACTER SET utf8mb4");
	do_as_redmine(scene, "schema.sql");
	scene_sql(scene, "\\c redmine\nCREATE PUBLICATION redmine FOR ALL TABLES");
	configure(&postgresql, scene, "redmine_postgresql", "redmine", scene->pg_address,
		  "  dbname: redmine\n  user: postgres\n  slot: redmine_postgresql\n  publication: redmine\n  create_slot: true\n");
	configure(&mariadb, scene, "redmine_mariadb", "redmine", scene->mariadb_address, family_says(scene, FACT_MARIADB, "  type: mariadb\n  dbname: redmine\n  user: root\n", "  type: mysql\n  dbname: redmine\n  user: root\n"));
	audited_stream(&postgresql);
	audited_stream(&mariadb);
	do_as_redmine(scene, "work.sql");
	finish(&postgresql, &mariadb);
	compare(&postgresql, &mariadb);
	for (size_t i = 0; i < COUNT_OF(told); i++) {
		const char *found = scene_value(scene, "%s", told[i].query);

		if (strcmp(found, told[i].expected) == 0)
			continue;
		fprintf(stderr, "found    %s\nexpected %s\n", found, told[i].expected);
		harness_fail(&mariadb.agent, "what Redmine wrote is not what was published");
	}
}

int main(void)
{
	struct scene scene;

	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	scene_add_mariadb(&scene);
	family_needs(&scene, FACT_JSON, "type json, which the firm has");
	scene_sql(&scene, essence);
	the_demo_firm(&scene);
	redmine(&scene);
	scene_end(&scene);
	return 0;
}
