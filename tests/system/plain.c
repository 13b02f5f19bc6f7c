/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Its configuration stands in one place; nothing else of it is kept. */
#include "system/plain.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

void plain_configure(struct plain *plain)
{
	const struct scene *scene = plain->agent.scene;
	const char *address = plain->address ? plain->address : scene->pg_address, *name = plain->name;
	const char *colon = strchr(address, ':');
	FILE *file = fopen(plain->agent.config, "w");

	fprintf(file, "source:\n  name: %s\n  host: %.*s\n  port: %s\n  dbname: postgres\n  user: %s\n", name,
		(int)(colon - address), address, colon + 1, plain->user ? plain->user : "postgres");
	fprintf(file, "  slot: %s\n  publication: %s\n  create_slot: %s\n  slot_timeout: 2s\n%s", name, name,
		plain->no_slot ? "false" : "true", plain->source ? plain->source : "");
	fprintf(file, "kafka:\n  bootstrap.servers: %s\n%stopics:\n  prefix: %s\n  partitions: 1\n",
		scene->kafka_address, plain->kafka ? plain->kafka : "", name);
	fprintf(file, "state:\n  file: %s/%s.state\nlog:\n  level: %s\nconfirm:\n  interval: %s\n", scene->dir, name,
		getenv("TAILWATER_DEBUG") ? "debug" : "info", plain->confirm_interval ? plain->confirm_interval : "100ms");
	if (plain->confirm_rows)
		fprintf(file, "  rows: %u\n", plain->confirm_rows);
	fprintf(file, "%s", plain->extra ? plain->extra : "");
	if (plain->include)
		fprintf(file, "tables:\n  include: %s\n", plain->include);
	else
		fprintf(file, "tables:\n  include: [public.%s]\n", name);
	fclose(file);
}

void plain_prepare(struct plain *plain, struct scene *scene)
{
	const char *name = plain->name;

	scene_sql(scene, "CREATE TABLE %s (id int PRIMARY KEY, text text); INSERT INTO %s VALUES (1, 'one');"
		  "CREATE PUBLICATION %s FOR TABLE %s", name, name, name, name);
	agent_init(&plain->agent, scene, name, "");
	plain_configure(plain);
}

void plain_stream(struct plain *plain)
{
	unsigned before = agent_logged(&plain->agent, "streaming from");

	agent_start(&plain->agent, NULL);
	WAIT_UNTIL(agent_logged(&plain->agent, "streaming from") > before, 30, &plain->agent);
}

bool plain_confirmed(const struct plain *plain, const char *position)
{
	return strcmp(scene_value(plain->agent.scene, "SELECT confirmed_flush_lsn >= '%s' FROM pg_replication_slots "
				  "WHERE slot_name = '%s'", position, plain->name), "t") == 0;
}

void plain_must_be_empty(struct plain *plain, const char *what, const char *query)
{
	const char *found = scene_value(plain->agent.scene, "%s", query);

	if (!*found)
		return;
	fprintf(stderr, "%s: %s\n", plain->name, found);
	harness_fail(&plain->agent, what);
}

void plain_catch_up(struct plain *plain)
{
	char position[64];

	snprintf(position, sizeof(position), "%s", scene_value(plain->agent.scene, "SELECT pg_current_wal_lsn()"));
	WAIT_UNTIL(plain_confirmed(plain, position), 30, &plain->agent);
}

void plain_work(struct plain *plain)
{
	scene_sql(plain->agent.scene, "UPDATE %s SET text = text || '.'", plain->name);
	plain_catch_up(plain);
}

void plain_expect(struct plain *plain, enum named_state state, const char *said, unsigned times, int seconds)
{
	struct agent *agent = &plain->agent;
	int status = agent_wait(agent, seconds * USEC_PER_SEC);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != named_states[state].exit_code) {
		fprintf(stderr, "%s, expected exit code %d\n", harness_ending(status), named_states[state].exit_code);
		harness_fail(agent, named_states[state].name);
	}
	if (agent_logged(agent, named_states[state].name) < times || agent_logged(agent, said) < times)
		harness_fail(agent, said);
}

void plain_die_at(struct plain *plain, const char *failpoint)
{
	agent_start(&plain->agent, failpoint);
	plain_await_death(plain, failpoint);
}

void plain_await_death(struct plain *plain, const char *failpoint)
{
	int status = agent_wait(&plain->agent, 60 * USEC_PER_SEC);

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return;
	fprintf(stderr, "%s, %s\n", failpoint, harness_ending(status));
	harness_fail(&plain->agent, "the agent did not die");
}

void plain_read_back(struct plain *plain, const char *topics)
{
	struct scene *scene = plain->agent.scene;
	char verb[200];

	snprintf(verb, sizeof(verb), "read --from beginning --topic '%s'", topics);
	if (agent_verb(&plain->agent, verb, "seen.jsonl") != 0)
		harness_fail(&plain->agent, scene_value(scene, "\\! head -c 500 %s/seen.jsonl", scene->dir));
	scene_load_lines(scene, "line", "seen.jsonl");
	scene_sql(scene, "CREATE VIEW seen AS SELECT split_part(line->>'topic', '.', 2) AS kind, line->>'topic' AS topic,"
		  " (line->>'offset')::bigint AS n, line->'key' AS key, line->'value' AS value, line #> '{value,header}' AS header,"
		  " line #> '{value,document}' AS document, line #>> '{value,status}' AS status FROM line");
}
