/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Exactly once, for real: while a business day follows another and a table with audited versions is changed, the agent is
 * killed with SIGKILL at every point that has a name and at random moments, the broker is paused and killed, PostgreSQL is
 * restarted, and a second agent is started by mistake. In the end a read_committed consumer must find every change once
 * and in order, every business fact once, and every document as plain SQL has it.
 *
 * TAILWATER_KILLS says how many random kills (20).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/trial.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char configuration[] =
	"tables:\n  include: [public.account, public.task, public.invoice]\n"
	"batch:\n  events: 700\nconfirm:\n  interval: 700ms\n  rows: 1500\ncommit_timeout: 6s\nlog:\n  level: info\n";

/* Where the process dies, and at which passage: so that something was committed before. */
static const struct {
	const char *point;
	unsigned least, most;
} points[] = {
	{"after-produce", 4, 40},
	{"before-commit", 4, 40},
	{"during-commit", 4, 40},
	{"after-commit", 4, 40},
	{"before-state-commit", 2, 4},
	{"after-state-commit", 2, 4},
	{"before-confirm", 2, 4},
	{"split-changes", 2, 12},
	{"split-documents", 2, 12},
	{"state-in-changes", 1, 3},
	{"state-in-documents", 1, 2},
};

static void kill_in_the_snapshot(struct agent *agent)
{
	trial_kill_at(agent, "in-snapshot", 1500);
	trial_kill_at(agent, "slot-created", 1);
	trial_kill_at(agent, "snapshot-done", 1);
	agent_start(agent, NULL);
	WAIT_UNTIL(agent_logged(agent, "streaming from") > 0, 60, agent);
}

static void kill_at_every_point(struct agent *agent)
{
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < COUNT_OF(points); i++) {
			unsigned passage = points[i].least + (unsigned)rand() % (points[i].most - points[i].least + 1);

			trial_kill_at(agent, points[i].point, passage);
			trial_check_confirmed(agent);
		}
	}
}

static void kill_at_random(struct agent *agent, int kills)
{
	for (int i = 0; i < kills; i++) {
		agent_start(agent, NULL);
		trial_let_it_work(agent);
		usleep((useconds_t)rand() % 1500000);
		agent_kill(agent);
		trial_check_confirmed(agent);
	}
}

/*
 * Everything of a batch is delivered, and then the broker is away for longer than the commit may take: its outcome is unknown,
 * and has to be read back.
 */
static void stop_the_broker(struct agent *agent)
{
	for (int i = 0; i < 3; i++) {
		unsigned before = agent_logged(agent, "the outcome of a Kafka commit is unknown");

		agent_kill(agent);
		agent_start(agent, "stop@flushed:20");
		agent_await_stop(agent);
		scene_server(agent->scene, "pause", "kafka", NULL);
		agent_continue(agent);
		WAIT_UNTIL(agent_logged(agent, "the outcome of a Kafka commit is unknown") > before, 60, agent);
		scene_server(agent->scene, "resume", "kafka", NULL);
		trial_let_it_work(agent);
	}
}

static void kill_the_broker(struct agent *agent)
{
	trial_let_it_work(agent);
	scene_server(agent->scene, "restart", "kafka", "kill");
	trial_let_it_work(agent);
}

static void restart_the_source(struct agent *agent)
{
	uint64_t before = agent_metric(agent, "state_commits");

	scene_server(agent->scene, "restart", "postgresql", "fast");
	WAIT_UNTIL(agent_metric(agent, "state_commits") > before + 1, 60, agent);
	scene_server(agent->scene, "restart", "postgresql", "kill");
	before = agent_metric(agent, "state_commits");
	WAIT_UNTIL(agent_metric(agent, "state_commits") > before + 1, 60, agent);
}

static void start_a_second_one(struct agent *agent)
{
	struct agent second;
	int status;

	agent_init(&second, agent->scene, "second", configuration);
	agent_start(&second, NULL);
	status = agent_wait(&second, 60 * USEC_PER_SEC);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 13)
		harness_fail(&second, "the second agent did not stop in CONFLICT");
	trial_let_it_work(agent);
}

static void verify(struct agent *agent)
{
	trial_read_back(agent);
	printf("%s\n", scene_value(agent->scene,
		"SELECT 'read ' || count(*) || ' records, ' || (SELECT count(*) FROM account_audit) || ' audited changes, '"
		" || (SELECT count(*) FROM psa_fact) || ' facts' FROM published"));
	trial_must_be_empty(agent, "SELECT * FROM verdict WHERE wrong > 0", "what was published is not what happened");
}

static void need_at_least_three(struct agent *agent, const char *what, const char *text)
{
	unsigned times = agent_logged(agent, text);

	printf("%s: %u\n", what, times);
	if (times < 3)
		harness_fail(agent, what);
}

/* Split transactions and the snapshot; that their counts are right is a part of the verdict. */
static void check_markers(struct agent *agent)
{
	int ends = atoi(scene_value(agent->scene, "SELECT count(*) FROM marker WHERE status = 'END' AND id NOT LIKE 'snapshot-%%'"));
	int attempts = atoi(scene_value(agent->scene, "SELECT count(*) FROM marker WHERE status = 'BEGIN'"));

	printf("END records of split transactions: %d\nattempts at the snapshot: %d\n", ends, attempts);
	if (ends < 3 || attempts < 3)
		harness_fail(agent, "what is whole is not said");
}

static void check_cases_taken(struct agent *agent)
{
	need_at_least_three(agent, "starts with a replay", ", replaying");
	need_at_least_three(agent, "replays that came out the same", "the same as published");
	need_at_least_three(agent, "resumed in the changes of a split transaction", "changes of a split transaction");
	need_at_least_three(agent, "resumed in its documents", "documents of a split transaction");
	need_at_least_three(agent, "commits read back", "the outcome of a Kafka commit is unknown");
}

int main(void)
{
	const char *kills = getenv("TAILWATER_KILLS"), *seed = getenv("TAILWATER_SEED");
	struct scene scene;
	struct agent agent;
	struct trial_work work;
	pid_t early;

	setvbuf(stdout, NULL, _IOLBF, 0);
	srand(seed ? (unsigned)atoi(seed) : 1);
	scene_begin(&scene);
	trial_database(&scene);
	agent_init(&agent, &scene, "agent", configuration);
	early = scene_work(&scene, "CALL work_small(200)"); /* the snapshot is taken while rows change */
	kill_in_the_snapshot(&agent);
	scene_work_stop(early);
	trial_work_start(&scene, &work); /* facts before the snapshot would have no events */
	trial_let_it_work(&agent);
	agent_kill(&agent);

	kill_at_every_point(&agent);
	kill_at_random(&agent, kills ? atoi(kills) : 20);
	agent_start(&agent, NULL);
	start_a_second_one(&agent);
	stop_the_broker(&agent);
	kill_the_broker(&agent);
	restart_the_source(&agent);

	trial_work_stop(&work);
	trial_let_it_finish(&agent);
	verify(&agent);
	check_markers(&agent);
	check_cases_taken(&agent);
	scene_end(&scene);
	printf("every change, fact and document once\n");
	return 0;
}
