/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Beside a real ERP on both kinds of server: Debian's Redmine, by its own models (tests/redmine), does a firm's work while an agent
 * reads its database by the pack contrib/mappings/redmine. In the end every document is what Redmine itself tells, and the events are
 * what happened, in that order.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "system/audited.h"

static struct scene scene;

static const struct server {
	const char *name;
	const char *url;    /* of Redmine's kind, without the address */
	const char *after;  /* it */
	const char *source; /* lines of the configuration */
} servers[] = {
	{"postgresql", "postgresql://postgres@", "/redmine",
	 "  dbname: redmine\n  user: postgres\n  slot: redmine\n  publication: redmine\n  create_slot: true\n"},
	{"mariadb", "mysql2://root@", "/redmine?encoding=utf8mb4", "  type: mariadb\n  dbname: redmine\n  user: root\n"},
};

#define TABLES "users, email_addresses, projects, issues, enumerations, time_entries, custom_fields, custom_values"

static const char *address_of(const struct server *server)
{
	return strcmp(server->name, "mariadb") == 0 ? scene.mariadb_address : scene.pg_address;
}

static void redmine(const struct server *server, const char *step)
{
	char line[1200];
	int status;

	snprintf(line, sizeof(line), "mkdir -p %s/%s.erp && %s/tests/redmine/redmine '%s%s%s' %s/%s.erp %s >%s/told.jsonl", scene.dir, server->name,
		 scene.source, server->url, address_of(server), server->after, scene.dir, server->name, step, scene.dir);
	status = system(line);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		scene_end(&scene);
		printf("skipped: REDMINE IS NOT INSTALLED (contrib/install-packages redmine)\n");
		exit(77);
	}
	if (status != 0)
		harness_fail(NULL, line);
}

static void configure(struct plain *plain, const struct server *server)
{
	FILE *file;

	*plain = (struct plain){.name = server->name};
	agent_init(&plain->agent, &scene, server->name, "");
	file = fopen(plain->agent.config, "w");
	fprintf(file, "source:\n  name: erp\n  host: 127.0.0.1\n  port: %s\n%s", strchr(address_of(server), ':') + 1, server->source);
	fprintf(file, "kafka:\n  bootstrap.servers: %s\ntopics:\n  prefix: %s\n  partitions: 1\n", scene.kafka_address, server->name);
	fprintf(file, "state:\n  file: %s/%s.state\nconfirm:\n  interval: 100ms\nmasking:\n  classes: {email: keep}\n", scene.dir, server->name);
	fprintf(file, "mapping:\n  pack: %s/contrib/mappings/redmine\n  schemas: %s/schemas\n", scene.source, scene.source);
	fclose(file);
}

static void make_database(const struct server *server)
{
	if (strcmp(server->name, "mariadb") == 0)
		scene_mariadb(&scene, "out", "CREATE DATABASE redmine CHARACTER SET utf8mb4");
	else
		scene_sql(&scene, "CREATE DATABASE redmine");
	redmine(server, "database");
	redmine(server, "begin");
	if (strcmp(server->name, "mariadb") != 0)
		scene_sql(&scene, "\\c redmine\nCREATE PUBLICATION redmine FOR TABLE " TABLES);
}

static void catch_up(struct plain *plain, const struct server *server)
{
	char end[64];

	if (strcmp(server->name, "mariadb") == 0) {
		audited_catch_up(plain);
	} else {
		snprintf(end, sizeof(end), "%s", scene_value(&scene, "SELECT pg_current_wal_lsn()"));
		WAIT_UNTIL(strcmp(scene_value(&scene, "SELECT confirmed_flush_lsn >= '%s' FROM pg_replication_slots", end), "t") == 0, 60,
			   &plain->agent);
	}
}

/* An activity has another name: that is asked for, since it may be of many thousand entries. */
static void make_anew(struct plain *plain)
{
	if (agent_verb(&plain->agent, "publish --entity TimeEntry", "publish.out") != 0)
		harness_fail(&plain->agent, "publish --entity TimeEntry");
	WAIT_UNTIL(agent_logged(&plain->agent, ": done, 43 documents") > 0, 60, &plain->agent);
	agent_stop(&plain->agent);
}

/* The last document of each key that is not deleted, in the words of erp.rb. */
static const char published[] =
	"DROP TABLE IF EXISTS said, told; CREATE TABLE said AS SELECT jsonb_strip_nulls(CASE split_part(topic, '.', 3) WHEN 'TimeEntry' THEN"
	" jsonb_build_object('hours', trim_scale((d #>> '{quantity,value}')::numeric)::text, 'activity', d->'activity', 'issue', d #> '{extensions,issue}',"
	" 'project', split_part(d #>> '{project}', '/', 3)::int, 'resource', split_part(d #>> '{resource}', '/', 3)::int, 'day',"
	" d->'workDate', 'text', d->'description') WHEN 'Project' THEN jsonb_build_object('name', d->'name', 'code', d->'code', 'hours',"
	" trim_scale((d #>> '{budgetQuantity,value}')::numeric)::text, 'status', d->'sourceStatus', 'parent', split_part(d #>> '{parentProject}',"
	" '/', 3)::int) ELSE jsonb_build_object('name', d->'displayName', 'mail', d->'email', 'admin', d #> '{extensions,admin}', 'status',"
	" d->'sourceStatus', 'created', d->'createdAt') END || jsonb_build_object('entity', split_part(topic, '.', 3), 'id', split_part(key #>> '{}', '/',"
	" 3)::int, 'custom', d #> '{extensions,custom_fields}')) AS line FROM (SELECT DISTINCT ON (topic, key) topic, key, document::jsonb AS d FROM seen"
	" WHERE kind = 'entity' ORDER BY topic, key, n DESC) s WHERE d->>'deleted' = 'false';"
	"CREATE TABLE told AS SELECT jsonb_strip_nulls(line) || CASE WHEN line ? 'hours' AND line->'hours' <> 'null' THEN jsonb_build_object('hours',"
	" trim_scale((line->>'hours')::numeric)::text) ELSE '{}' END AS line FROM erp_line WHERE line ? 'entity'";

static void compare(struct plain *plain)
{
	char topics[40];

	scene_load_lines(&scene, "erp_line", "told.jsonl");
	snprintf(topics, sizeof(topics), "%s.*", plain->name);
	plain_read_back(plain, topics);
	scene_sql(&scene, "%s", published);
	plain_must_be_empty(plain, "a document is not what Redmine tells", "SELECT concat_ws(E'\\n', 'published ' || s.line::text, 'told      ' || t.line::text) FROM said s FULL JOIN "
		      "told t ON s.line->>'entity' = t.line->>'entity' AND s.line->>'id' = t.line->>'id' WHERE s.line IS DISTINCT FROM t.line LIMIT 1");
	plain_must_be_empty(plain, "the events are not what happened", "SELECT concat_ws(E'\\n', found, expected) FROM (SELECT string_agg(split_part(topic, '.', 3) || ' ' || "
		      "split_part(key #>> '{}', '/', 3), ', ' ORDER BY header->>'occurredAt', topic, n) AS found FROM seen WHERE kind = 'event') f, (SELECT "
		      "string_agg(line->>'event', ', ') AS expected FROM (SELECT line FROM erp_line WHERE line ? 'event') e) e WHERE found IS DISTINCT FROM expected");
	plain_must_be_empty(plain, "there are exceptions", "SELECT value FROM seen WHERE kind = 'exception' LIMIT 1");
	printf("%s: %s\n", plain->name, scene_value(&scene, "SELECT string_agg(n || ' ' || entity, ', ' ORDER BY entity) FROM (SELECT line->>'entity' AS entity, count(*) AS n "
						    "FROM told GROUP BY 1) s"));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	scene_add_mariadb(&scene);
	for (size_t i = 0; i < COUNT_OF(servers); i++) {
		struct plain plain;

		make_database(&servers[i]);
		configure(&plain, &servers[i]);
		audited_stream(&plain);
		redmine(&servers[i], "work");
		catch_up(&plain, &servers[i]);
		make_anew(&plain);
		redmine(&servers[i], "tell");
		compare(&plain);
	}
	scene_end(&scene);
	printf("what Redmine does is published as Redmine tells it\n");
	return 0;
}
