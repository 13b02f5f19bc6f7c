/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Exactly once with a registry: keys and values in Confluent's framing, while the agent is killed at named points, the
 * registry is away over a restart of the agent and over a change of a table's shape. In the end every change, fact and
 * document must be there once. The other faults, and all points, are exactly_once's: they are the same with each framing.
 *
 * The argument is a format of keys and values (avro); with TAILWATER_ROUNDS=1 it is protobuf, at one of the points.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/trial.h"

static const struct kill_point points[] = {
	{"after-produce", 4, 40}, {"during-commit", 4, 40}, {"before-state-commit", 2, 3}, {"split-documents", 2, 6},
};

static bool short_of_time(void)
{
	const char *rounds = getenv("TAILWATER_ROUNDS");

	return rounds && atoi(rounds) == 1;
}

static void kill_in_the_snapshot(struct agent *agent)
{
	trial_kill_at(agent, "in-snapshot", 1500);
	agent_start(agent, NULL);
	WAIT_UNTIL(agent_logged(agent, "streaming from") > 0, 60, agent);
}

static void kill_at_points(struct agent *agent)
{
	size_t count = short_of_time() ? 1 : COUNT_OF(points);

	agent_kill(agent);
	for (size_t i = 0; i < count; i++)
		trial_kill_between(agent, &points[i]);
	agent_start(agent, NULL);
}

/* Known schemas stream on, over a kill, too. */
static void be_without_the_registry(struct agent *agent)
{
	trial_let_it_work(agent);
	scene_server(agent->scene, "pause", "registry", NULL);
	agent_kill(agent);
	agent_start(agent, NULL);
	trial_let_it_work(agent);
	scene_server(agent->scene, "resume", "registry", NULL);
}

/* What comes behind the new shape waits for the registry; killed while it waits, it waits again. */
static void change_a_shape_without_the_registry(struct agent *agent)
{
	unsigned waited = agent_logged(agent, "waiting with the schema of subject");

	scene_server(agent->scene, "pause", "registry", NULL);
	scene_sql(agent->scene, "ALTER TABLE account ADD COLUMN note text");
	for (unsigned i = 1; i <= 2; i++) {
		WAIT_UNTIL(agent_logged(agent, "waiting with the schema of subject") == waited + i, 60, agent);
		agent_kill(agent);
		agent_start(agent, NULL);
	}
	scene_server(agent->scene, "resume", "registry", NULL);
	trial_let_it_work(agent);
}

static void check_framing(struct scene *scene)
{
	const char *found = scene_value(scene, "SELECT count(*) FROM record WHERE topic = 'tw.schemas'");

	if (strcmp(found, "0") != 0)
		harness_fail(NULL, "with a registry there is no topic of schemas");
	found = scene_value(scene, "SELECT count(*) > 0 FROM record WHERE topic = 'tw.change.public.account' AND value->'after' ? 'note'");
	if (strcmp(found, "t") != 0)
		harness_fail(NULL, "no record has the new shape");
}

int main(int argc, char **argv)
{
	const char *format = argc > 1 ? argv[1] : short_of_time() ? "protobuf" : "avro";
	static struct scene scene;
	struct agent agent;
	struct trial_work work;
	char configuration[600];

	setvbuf(stdout, NULL, _IOLBF, 0);
	srand(1);
	scene_begin(&scene);
	scene_add_registry(&scene);
	trial_database(&scene);
	snprintf(configuration, sizeof(configuration),
		 "tables:\n  include: [public.account, public.task, public.invoice]\nregistry:\n  url: %s\n  timeout: 1s\n"
		 "format: {key: %s, value: %s}\nbatch:\n  events: 700\nconfirm:\n  interval: 700ms\n  rows: 1500\n"
		 "commit_timeout: 5s\n", scene.registry_url, format, format);
	agent_init(&agent, &scene, "agent", configuration);
	kill_in_the_snapshot(&agent);
	trial_work_start(&scene, &work);
	kill_at_points(&agent);
	be_without_the_registry(&agent);
	change_a_shape_without_the_registry(&agent);
	trial_work_stop(&scene, &work);
	trial_let_it_finish(&agent);
	trial_read_back(&agent);
	trial_must_be_empty(&agent, "SELECT wrong || ' ' || what || ', such as ' || example FROM verdict WHERE wrong > 0",
			    "what was published is not what happened");
	check_framing(&scene);
	scene_end(&scene);
	printf("every change, fact and document once, in Confluent's framing, format %s\n", format);
	return 0;
}
