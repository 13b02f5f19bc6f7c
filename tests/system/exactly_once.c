/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Exactly once, for real: while a business day follows another and a table with audited versions is changed, the agent
 * is killed with SIGKILL at every point that has a name and at random moments, the broker is paused and killed,
 * PostgreSQL is restarted, and a second agent is started by mistake. In the end a read_committed consumer must find
 * every change once and in order, every business fact once, and every document as plain SQL has it.
 *
 * TAILWATER_KILLS says how many random kills (20), TAILWATER_ROUNDS how often each fault (3). With names of faults as
 * arguments: only those, or none for another word.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/cutter.h"
#include "system/trial.h"

static int rounds = 3; /* of each fault, and at least of each case that recovery knows */

static const char configuration[] =
	"tables:\n  include: [public.account, public.task, public.invoice]\n"
	"batch:\n  events: 700\nconfirm:\n  interval: 700ms\n  rows: 1500\ncommit_timeout: 5s\nlog:\n  level: info\n";

#define UNKNOWN "the outcome of a Kafka commit is unknown"
#define TOO_LONG (6 * USEC_PER_SEC) /* longer than commit_timeout */
#define TRANSACTION_TIMEOUT "3000"  /* milliseconds; the least that outages of the broker are to outlast */

static struct relay relay; /* before the broker, for agents that are sent there */

static const struct kill_point points[] = {
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
	pid_t early = trial_call_for_ever(agent->scene, "work_small(200)"); /* the snapshot is taken while rows change */

	trial_kill_at(agent, "in-snapshot", 60); /* before the documents; what is killed later goes on (first_snapshot.c) */
	trial_kill_at(agent, "slot-created", 1);
	trial_kill_at(agent, "snapshot-done", 1);
	trial_kill_at(agent, "snapshot-published", 1);
	trial_kill_at(agent, "after-state-commit", 1); /* which notes that it is published */
	agent_start(agent, NULL);
	WAIT_UNTIL(agent_logged(agent, "streaming from") > 0, 60, agent);
	trial_call_stop(agent->scene, early);
}

static void kill_at_every_point(struct agent *agent)
{
	agent_kill(agent);
	for (int round = 0; round < rounds; round++)
		for (size_t i = 0; i < COUNT_OF(points); i++)
			trial_kill_between(agent, &points[i]);
	agent_start(agent, NULL);
}

static void kill_at_random(struct agent *agent)
{
	const char *kills = getenv("TAILWATER_KILLS");

	for (int i = kills ? atoi(kills) : 20; i > 0; i--) {
		trial_let_it_work(agent);
		usleep((useconds_t)rand() % 1500000);
		agent_kill(agent);
		trial_check_confirmed(agent);
		agent_start(agent, NULL);
	}
}

/* Progress as a row that SQL can compare. */
#define PROGRESS(json) \
	"((" json " #>> '{state,position}')::pg_lsn, coalesce(" json " #>> '{state,open,phase}' = 'documents', false)," \
	" coalesce((" json " #>> '{state,open,done}')::bigint, 0))"

/* Told to end while it skips what the state file has of a transaction: the file must not fall back behind that. */
static void stop_while_skipping(struct agent *agent)
{
	static const char *const inside[] = {"state-in-documents", "state-in-changes"};
	char before[2000], after[2000];

	for (size_t i = 0; i < COUNT_OF(inside); i++) {
		agent_kill(agent);
		trial_kill_at(agent, inside[i], 1);
		trial_position(agent, "--json", before, sizeof(before));
		agent_start(agent, "stop@skipped:1");
		agent_await_stop(agent);
		kill(agent->pid, SIGTERM);
		agent_continue(agent);
		if (agent_wait(agent, 60 * USEC_PER_SEC) != 0)
			harness_fail(agent, "the agent did not exit with 0 when told to stop while it was resuming");
		trial_position(agent, "--json", after, sizeof(after));
		if (strcmp(scene_value(agent->scene,
				       "SELECT " PROGRESS("a") " >= " PROGRESS("b") " FROM (VALUES ('%s'::jsonb, "
										    "'%s'::jsonb)) v (a, b)",
				       after, before),
			   "t") != 0) {
			fprintf(stderr, "before: %s\nafter:  %s\n", before, after);
			harness_fail(agent, "the state file fell back");
		}
		agent_start(agent, NULL);
	}
}

static void use_broker_at(struct agent *agent, const char *address)
{
	struct scene *scene = agent->scene, relayed = *scene;

	agent_kill(agent);
	memmove(relayed.kafka_address, address, sizeof(relayed.kafka_address));
	agent_init(agent, &relayed, "agent", configuration);
	agent->scene = scene;
	agent_start(agent, NULL);
	trial_let_it_work(agent);
}

static void set_transaction_timeout(struct agent *agent)
{
	char command[800];

	snprintf(command, sizeof(command), "sed -i 's/^kafka:/&\\n  transaction.timeout.ms: " TRANSACTION_TIMEOUT "/' %s && grep -q transaction.timeout %s",
		 agent->config, agent->config);
	if (system(command) != 0)
		harness_fail(agent, command);
}

/*
 * Everything of a batch is delivered, and then the broker is away for longer than the commit may take, and for longer than
 * a transaction may be open: its outcome is unknown, and has to be read back.
 */
static void stop_the_broker(struct agent *agent)
{
	set_transaction_timeout(agent);
	for (int i = 0; i < rounds; i++) {
		unsigned before = agent_logged(agent, UNKNOWN);
		usec_t paused_at;

		agent_kill(agent);
		agent_start(agent, "stop@flushed:20");
		agent_await_stop(agent);
		scene_server(agent->scene, "pause", "kafka", NULL);
		paused_at = clock_mono();
		agent_continue(agent);
		WAIT_UNTIL(agent_logged(agent, UNKNOWN) > before, 60, agent);
		if (clock_mono() - paused_at <= atoi(TRANSACTION_TIMEOUT) * USEC_PER_MSEC)
			harness_fail(agent, "the broker was not away for longer than transaction.timeout.ms");
		scene_server(agent->scene, "resume", "kafka", NULL);
		trial_let_it_work(agent);
	}
	use_broker_at(agent, agent->scene->kafka_address);
}

/* A commit whose answer is lost is asked for again, and goes well, if the broker can be reached in time. */
static void cut_off_for_a_moment(struct agent *agent, int what)
{
	unsigned unknown = agent_logged(agent, UNKNOWN);
	uint64_t before;

	relay.control->closed_for = 0;
	relay.control->wanted = what;
	WAIT_UNTIL(relay.control->wanted == CUT_NOTHING, 30, agent);
	before = agent_metric(agent, "kafka_commits");
	WAIT_UNTIL(agent_metric(agent, "kafka_commits") > before + 1, 30, agent);
	if (agent_logged(agent, UNKNOWN) != unknown)
		harness_fail(agent, "a commit that could be asked for again was given up");
}

/* Otherwise its outcome has to be read back. */
static void cut_off_for_long(struct agent *agent, int what)
{
	uint64_t before = agent_metric(agent, "ambiguous_commits");

	relay.control->closed_for = TOO_LONG;
	relay.control->wanted = what;
	WAIT_UNTIL(agent_metric(agent, "ambiguous_commits") == before + 1, 60, agent);
	WAIT_UNTIL(!relay_closed(relay.control), 30, agent);
	before = agent_metric(agent, "kafka_commits");
	WAIT_UNTIL(agent_metric(agent, "kafka_commits") > before + 1, 30, agent);
}

static void cut_commits_off(struct agent *agent)
{
	use_broker_at(agent, relay.address);
	for (int i = 0; i < rounds; i++) {
		cut_off_for_a_moment(agent, CUT_ANSWER);
		cut_off_for_long(agent, CUT_ANSWER);
	}
	cut_off_for_a_moment(agent, CUT_REQUEST);
	cut_off_for_long(agent, CUT_REQUEST);
	use_broker_at(agent, agent->scene->kafka_address);
}

static void kill_the_broker(struct agent *agent)
{
	trial_let_it_work(agent);
	scene_server(agent->scene, "restart", "kafka", "kill");
	trial_let_it_work(agent);
}

static void restart_the_source(struct agent *agent)
{
	uint64_t before;

	trial_let_it_work(agent);
	before = agent_metric(agent, "state_commits");
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

	trial_let_it_work(agent);
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
	trial_must_be_empty(agent,
			    "SELECT wrong || ' ' || what || ', such as ' || example FROM verdict WHERE wrong > 0",
			    "what was published is not what happened");
}

static void need_several(struct agent *agent, const char *what, const char *text)
{
	unsigned times = agent_logged(agent, text);

	printf("%s: %u\n", what, times);
	if (times < (unsigned)rounds)
		harness_fail(agent, what);
}

/* Split transactions and the snapshot; that their counts are right is a part of the verdict. */
static void check_markers(struct agent *agent)
{
	int ends = atoi(scene_value(agent->scene,
				    "SELECT count(*) FROM marker WHERE status = 'END' AND id NOT LIKE 'snapshot-%%'"));
	int attempts = atoi(scene_value(agent->scene, "SELECT count(*) FROM marker WHERE status = 'BEGIN'"));

	printf("END records of split transactions: %d\nattempts at the snapshot: %d\n", ends, attempts);
	if (ends < 3 || attempts < 3)
		harness_fail(agent, "what is whole is not said");
}

static void check_cases_taken(struct agent *agent)
{
	need_several(agent, "starts with a replay", ", replaying");
	need_several(agent, "replays that came out the same", "the same as published");
	need_several(agent, "resumed in the changes of a split transaction", "changes of a split transaction");
	need_several(agent, "resumed in its documents", "documents of a split transaction");
	need_several(agent, "commits read back", UNKNOWN);
	need_several(agent, "claims after a predecessor", ", after one of this state file");
}

/* Each finds the agent running, and leaves it so. */
static const struct {
	const char *name;
	void (*make)(struct agent *agent);
} faults[] = {
	{"points", kill_at_every_point},
	{"random", kill_at_random},
	{"stopped-while-skipping", stop_while_skipping},
	{"second-agent", start_a_second_one},
	{"broker-paused", stop_the_broker},
	{"commits-cut-off", cut_commits_off},
	{"broker-killed", kill_the_broker},
	{"source-restarted", restart_the_source},
};

static void make_every_fault(struct agent *agent)
{
	for (size_t i = 0; i < COUNT_OF(faults); i++)
		faults[i].make(agent);
}

/* A fault by its name, or kills at one point. */
static void make_fault(struct agent *agent, const char *name)
{
	for (size_t i = 0; i < COUNT_OF(faults); i++)
		if (strcmp(faults[i].name, name) == 0)
			faults[i].make(agent);
	for (size_t i = 0; i < COUNT_OF(points); i++) {
		if (strcmp(points[i].point, name) != 0)
			continue;
		agent_kill(agent);
		for (int round = 0; round < rounds; round++)
			trial_kill_between(agent, &points[i]);
		agent_start(agent, NULL);
	}
}

int main(int argc, char **argv)
{
	const char *seed = getenv("TAILWATER_SEED"), *stated_rounds = getenv("TAILWATER_ROUNDS");
	struct scene scene;
	struct agent agent;
	struct trial_work work;

	setvbuf(stdout, NULL, _IOLBF, 0);
	srand(seed ? (unsigned)atoi(seed) : 1);
	rounds = stated_rounds ? atoi(stated_rounds) : rounds;
	relay_listen(&relay);
	scene_begin_relayed(&scene, &relay);
	relay_serve(&relay, scene.relayed_address, cutter_carry);
	trial_database(&scene);
	agent_init(&agent, &scene, "agent", configuration);
	if (argc < 2)
		kill_in_the_snapshot(&agent);
	else
		agent_start(&agent, NULL);
	WAIT_UNTIL(agent_logged(&agent, "streaming from") > 0, 60, &agent);
	trial_work_start(&scene, &work); /* facts before the snapshot would have no events */
	trial_let_it_work(&agent);

	if (argc < 2)
		make_every_fault(&agent);
	for (int i = 1; i < argc; i++)
		make_fault(&agent, argv[i]);

	trial_work_stop(&scene, &work);
	trial_let_it_finish(&agent);
	verify(&agent);
	if (argc < 2) {
		check_markers(&agent);
		check_cases_taken(&agent);
	}
	relay_end(&relay);
	scene_end(&scene);
	printf("every change, fact and document once\n");
	return 0;
}
