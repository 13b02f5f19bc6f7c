/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Steps that trials of an agent under load are made of. */
#include "system/trial.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static const char generator[] = "contrib/demo/generator.sql", workload[] = "tests/system/workload.sql";
static const char *const database_files[] = {
	"contrib/demo/schema.sql", generator, "contrib/demo/oracle.sql", "contrib/demo/publication.sql", workload,
};

/*
 * PostgreSQL 10 has no procedures, and a function cannot commit. There the workload is done on a newer server, and comes by
 * logical replication, in the same transactions.
 */
static struct scene upstream;

static void start_upstream(const struct scene *scene)
{
	char command[700], line[64] = "";
	FILE *pipe;

	upstream = *scene;
	snprintf(command, sizeof(command), "TAILWATER_PGBIN= %s/contrib/servers start postgresql %s/upstream", scene->source,
		 scene->dir);
	pipe = popen(command, "r");
	if (!fgets(line, sizeof(line), pipe) || pclose(pipe) != 0)
		harness_fail(NULL, command);
	line[strcspn(line, "\n")] = '\0';
	memcpy(upstream.pg_address, line, sizeof(line));
}

/* The tables alone; nothing is done in them here. */
static void load_without_procedures(struct scene *scene)
{
	char command[1000];

	for (size_t i = 0; i < COUNT_OF(database_files); i++)
		if (database_files[i] != generator && database_files[i] != workload)
			scene_sql_file(scene, database_files[i]);
	snprintf(command, sizeof(command), "sed '/^CREATE PROCEDURE/,/^END/d' %s/%s >%s/tables.sql", scene->source, workload, scene->dir);
	if (system(command) != 0)
		harness_fail(NULL, command);
	scene_sql(scene, "\\i %s/tables.sql", scene->dir);
}

static struct scene *workplace(struct scene *scene)
{
	return upstream.dir[0] ? &upstream : scene;
}

static void follow_upstream(struct scene *scene)
{
	const char *colon = strchr(upstream.pg_address, ':');

	scene_sql(&upstream, "CREATE PUBLICATION work FOR ALL TABLES");
	scene_sql(scene, "CREATE SUBSCRIPTION work CONNECTION 'host=%.*s port=%s dbname=postgres user=postgres' PUBLICATION work "
		  "WITH (copy_data = false)", (int)(colon - upstream.pg_address), upstream.pg_address, colon + 1);
}

static void catch_up_with_upstream(void)
{
	char end[100];

	snprintf(end, sizeof(end), "%s", scene_value(&upstream, "SELECT pg_current_wal_lsn()"));
	WAIT_UNTIL(strcmp(scene_value(&upstream, "SELECT confirmed_flush_lsn >= '%s' FROM pg_replication_slots", end), "t") == 0, 60,
		   NULL);
}

void trial_database(struct scene *scene)
{
	if (scene_version(scene) < 110000)
		start_upstream(scene);
	for (size_t i = 0; i < COUNT_OF(database_files); i++)
		scene_sql_file(workplace(scene), database_files[i]);
	if (upstream.dir[0]) {
		load_without_procedures(scene);
		follow_upstream(scene);
	}
	trial_call(scene, "psa.setup(1, 1)");
}

void trial_call(struct scene *scene, const char *procedure)
{
	scene_sql(workplace(scene), "CALL %s", procedure);
	if (upstream.dir[0])
		catch_up_with_upstream();
}

pid_t trial_call_for_ever(struct scene *scene, const char *procedure)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "CALL %s", procedure);
	return scene_work(workplace(scene), sql);
}

void trial_call_stop(struct scene *scene, pid_t pid)
{
	scene_work_stop(workplace(scene), pid);
	if (upstream.dir[0])
		catch_up_with_upstream();
}

void trial_work_start(struct scene *scene, struct trial_work *work)
{
	work->small = trial_call_for_ever(scene, "work_small(200)");
	work->days = trial_call_for_ever(scene, "work_day()");
	work->large = trial_call_for_ever(scene, "work_large()");
}

void trial_work_stop(struct scene *scene, struct trial_work *work)
{
	trial_call_stop(scene, work->days);
	trial_call_stop(scene, work->small);
	trial_call_stop(scene, work->large);
}

void trial_let_it_work(struct agent *agent)
{
	WAIT_UNTIL(agent_metric(agent, "kafka_commits") > 1 && agent_metric(agent, "state_commits") > 0, 90, agent);
}

void trial_kill_at(struct agent *agent, const char *point, unsigned passage)
{
	char failpoint[100], what[300];
	int status;

	snprintf(failpoint, sizeof(failpoint), "%s:%u", point, passage);
	agent_start(agent, failpoint);
	status = agent_wait(agent, 90 * USEC_PER_SEC);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return;
	snprintf(what, sizeof(what), "the agent did not die at %s, but ended before: %s", failpoint,
		 harness_ending(status));
	harness_fail(agent, what);
}

void trial_kill_between(struct agent *agent, const struct kill_point *at)
{
	trial_kill_at(agent, at->point, at->least + (unsigned)rand() % (at->most - at->least + 1));
	trial_check_confirmed(agent);
}

void trial_position(struct agent *agent, const char *form, char *ret, size_t size)
{
	char path[300], verb[100];
	FILE *file;

	snprintf(verb, sizeof(verb), "position %s", form);
	if (agent_verb(agent, verb, "position.out") != 0)
		harness_fail(agent, "`position` failed");
	snprintf(path, sizeof(path), "%s/position.out", agent->scene->dir);
	file = fopen(path, "r");
	if (!file || !fgets(ret, (int)size, file))
		harness_fail(agent, "`position` said nothing");
	fclose(file);
	ret[strcspn(ret, "\n")] = '\0';
}

void trial_check_confirmed(struct agent *agent)
{
	char state[100];

	trial_position(agent, "--field state", state, sizeof(state));
	if (strcmp(scene_value(agent->scene, "SELECT confirmed_flush_lsn <= '%s' FROM pg_replication_slots", state),
		   "t") != 0)
		harness_fail(agent, "the source was told more than the state file has");
}

void trial_let_it_finish(struct agent *agent)
{
	char end[100];

	snprintf(end, sizeof(end), "%s", scene_value(agent->scene, "SELECT pg_current_wal_lsn()"));
	WAIT_UNTIL(
		strcmp(scene_value(agent->scene, "SELECT confirmed_flush_lsn >= '%s' FROM pg_replication_slots", end),
		       "t") == 0,
		120, agent);
	agent_stop(agent);
}

void trial_read_back(struct agent *agent)
{
	if (agent_verb(agent, "read --from beginning --topic '*'", "published.jsonl") != 0)
		harness_fail(agent, "`read` failed");
	scene_sql_file(agent->scene, "tests/system/verify.sql");
	scene_sql(agent->scene,
		  "\\copy published (line) from program 'sed -e ''s/\\\\/\\\\\\\\/g'' %s/published.jsonl'",
		  agent->scene->dir);
	printf("%s\n", scene_value(agent->scene,
		"SELECT 'read ' || count(*) || ' records, ' || (SELECT count(*) FROM account_audit) || ' audited changes, '"
		" || (SELECT count(*) FROM psa_fact) || ' facts' FROM published"));
}

void trial_must_be_empty(struct agent *agent, const char *query, const char *what)
{
	const char *found = scene_value(agent->scene, "%s", query);

	if (!*found)
		return;
	fprintf(stderr, "%s\n", found);
	harness_fail(agent, what);
}
