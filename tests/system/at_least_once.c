/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * At least once: the workload of exactly_once.c with `delivery: at_least_once` and markers of all transactions,
 * shorter. Every audited change, fact and document must be there; what is there twice must be equal to its first, and
 * part of a replay that leaves nothing out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/trial.h"

static const char configuration[] =
	"  transactions: all\ndelivery: at_least_once\ntables:\n  include: [public.account, public.task, public.invoice]\n"
	"batch:\n  bytes: 256kB\nconfirm:\n  interval: 300ms\n  rows: 700\ncommit_timeout: 6s\n";

static const struct kill_point points[] = {
	{"after-produce", 3, 12},
	{"before-commit", 3, 12},
	{"after-commit", 3, 12},
	{"before-state-commit", 2, 8},
	{"after-state-commit", 2, 8},
	{"before-confirm", 2, 8},
	{"split-changes", 2, 4},
	{"split-documents", 2, 3},
};

static void kill_at_every_point(struct agent *agent)
{
	for (size_t i = 0; i < COUNT_OF(points); i++)
		trial_kill_between(agent, &points[i]);
}

static void kill_at_random(struct agent *agent, int kills)
{
	for (int i = 0; i < kills; i++) {
		agent_start(agent, NULL);
		trial_let_it_work(agent);
		usleep((useconds_t)rand() % 800000);
		agent_kill(agent);
		trial_check_confirmed(agent);
	}
}

/* Documents by what came last, the rest by what came first. */
static void verify(struct agent *agent)
{
	trial_read_back(agent);
	trial_must_be_empty(agent, "SELECT * FROM wrong_document LIMIT 1",
			    "the last document is not what plain SQL says");
	printf("the last document of every entity is what plain SQL says\n");
	scene_sql_file(agent->scene, "tests/system/repeats.sql");
	trial_must_be_empty(agent, "SELECT * FROM wrong_repeat LIMIT 1", "a repeat differs from its first");
	trial_must_be_empty(agent, "SELECT * FROM wrong_partition LIMIT 1", "a repeat went to another partition");
	printf("%s\n", scene_value(agent->scene,
				   "SELECT count(*) || ' repeats, equal to their first' FROM seen WHERE time > 1"));
	trial_must_be_empty(agent,
			    "SELECT n, topic, partition, \"offset\", name, place, before FROM wrong_order LIMIT 1",
			    "a replay leaves records out");
	printf("%s\n", scene_value(agent->scene,
		"SELECT 'they lie in replays that leave nothing out, at most ' || max(times) || ' in a partition' FROM replay"));
	trial_must_be_empty(agent,
			    "SELECT wrong || ' ' || what || ', such as ' || example FROM verdict WHERE wrong > 0",
			    "what was published is not what happened");
	trial_must_be_empty(agent, "SELECT * FROM unmarked LIMIT 1", "a transaction has not both BEGIN and END");
	printf("%s\n", scene_value(agent->scene,
				   "SELECT count(*) || ' transactions have a BEGIN, and an END with the right counts' "
				   "FROM marker WHERE status = 'END'"));
	printf("every audited change, and the event of every fact by one id, at least once\n");
}

/* What a mapping's author does beside the agent's state file. */
static void try_the_mapping(struct agent *agent)
{
	if (agent_verb(agent, "map check --connect", "map.out") != 0)
		harness_fail(agent, "`map check` finds fault with a pack that has served");
	if (agent_verb(agent, "map test --key LegalEntity/1 --json", "map.out") != 0 ||
	    strcmp(scene_value(agent->scene, "\\! grep -c '\"valid\":true' %s/map.out", agent->scene->dir), "1") != 0)
		harness_fail(agent, "`map test` does not make a document that was published");
	if (agent_verb(agent, "map test --key LegalEntity/999999999", "map.out") == 0)
		harness_fail(agent, "`map test` makes a document of a row that is not there");
}

/* A run without a repeat has shown nothing; neither has one that resumed only between transactions. */
static void need_cases(struct agent *agent)
{
	if (strcmp(scene_value(agent->scene, "SELECT count(*) > 100 FROM seen WHERE time > 1"), "t") != 0)
		harness_fail(agent, "too few repeats");
	if (!agent_logged(agent, ", replaying"))
		harness_fail(agent, "no start with a replay");
}

int main(void)
{
	const char *kills = getenv("TAILWATER_KILLS"), *seed = getenv("TAILWATER_SEED");
	struct trial_work work;
	struct scene scene;
	struct agent agent;

	setvbuf(stdout, NULL, _IOLBF, 0);
	srand(seed ? (unsigned)atoi(seed) : 1);
	scene_begin(&scene);
	trial_database(&scene);
	agent_init(&agent, &scene, "agent", configuration);
	agent_start(&agent, NULL);
	WAIT_UNTIL(agent_logged(&agent, "streaming from") > 0, 60, &agent);
	trial_work_start(&scene, &work); /* facts before the snapshot would have no events */
	trial_let_it_work(&agent);
	agent_kill(&agent);
	kill_at_every_point(&agent);
	kill_at_random(&agent, kills ? atoi(kills) : 4);
	agent_start(&agent, NULL);
	trial_let_it_work(&agent);
	scene_server(&scene, "restart", "kafka", "kill");
	trial_let_it_work(&agent);
	trial_work_stop(&scene, &work);
	trial_let_it_finish(&agent);
	verify(&agent);
	try_the_mapping(&agent);
	need_cases(&agent);
	scene_end(&scene);
	return 0;
}
