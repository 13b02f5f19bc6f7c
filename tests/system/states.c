/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The named states, each brought about on real servers: an agent that has streamed is stopped, something is done to its
 * surroundings, and the next start must end with the state's exit code and say what is the matter; and so must the one
 * after it, since a restart alone leaves no named state. Every situation has a table, slot, publication, prefix and
 * state file of its own, named after it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/broker.h"
#include "system/plain.h"

#define GROUP 5 /* situations at a time: the server has ten slots */

static struct scene scene;
static char other_address[64]; /* of a second PostgreSQL cluster */

struct situation {
	const char *name;
	enum named_state state;
	const char *said;
	void (*arrange)(const char *name); /* after a first run, or without one if `first` */
	bool first;                        /* there was no run before */
	bool no_slot;                      /* create_slot: false */
	const char *address;               /* of another server for the second run */
	int since;                         /* what is arranged came with this version of PostgreSQL */
};

/* All of a group at the same time, since most of a start is waiting. */
static void run_first(struct plain *agents, const struct situation *situations, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		agents[i] = (struct plain){.name = situations[i].name, .no_slot = situations[i].no_slot};
		plain_prepare(&agents[i], &scene);
		if (!situations[i].first)
			agent_start(&agents[i].agent, NULL);
	}
	for (size_t i = 0; i < count; i++) {
		if (situations[i].first)
			continue;
		WAIT_UNTIL(agent_logged(&agents[i].agent, "streaming from") > 0, 30, &agents[i].agent);
		plain_work(&agents[i]);
		agent_stop(&agents[i].agent);
	}
}

static void try_group(const struct situation *situations, size_t count)
{
	struct plain agents[GROUP];

	run_first(agents, situations, count);
	for (size_t i = 0; i < count; i++) {
		if (situations[i].arrange)
			situations[i].arrange(situations[i].name);
		agents[i].address = situations[i].address;
		plain_configure(&agents[i]);
	}
	for (unsigned times = 1; times <= 2; times++) {
		for (size_t i = 0; i < count; i++)
			agent_start(&agents[i].agent, NULL);
		for (size_t i = 0; i < count; i++)
			plain_expect(&agents[i], situations[i].state, situations[i].said, times, 30);
	}
	for (size_t i = 0; i < count; i++) {
		scene_sql(&scene,
			  "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '%s'",
			  situations[i].name);
		printf("%s: %s, %d, also after a restart\n", situations[i].name, named_states[situations[i].state].name,
		       named_states[situations[i].state].exit_code);
	}
}

/* What is done to the surroundings. */

static void drop_slot(const char *name)
{
	scene_sql(&scene, "SELECT pg_drop_replication_slot('%s')", name);
}

static void advance_slot(const char *name)
{
	scene_sql(&scene, "UPDATE %s SET text = 'skipped'; SELECT count(*) FROM pg_logical_slot_get_binary_changes('%s', NULL, NULL, "
		  "'proto_version', '1', 'publication_names', '%s')", name, name, name);
}

static void delete_topic(const char *name, const char *topic)
{
	char full[200];

	snprintf(full, sizeof(full), "%s.%s", name, topic);
	broker_delete_topic(&scene, full);
}

static void delete_checkpoint(const char *name)
{
	delete_topic(name, "checkpoint");
}

static void delete_changes(const char *name)
{
	char topic[100];

	snprintf(topic, sizeof(topic), "change.public.%s", name);
	delete_topic(name, topic);
}

static void delete_state(const char *name)
{
	char command[500];

	snprintf(command, sizeof(command), "rm -f %s/%s.state*", scene.dir, name);
	if (system(command) != 0)
		harness_fail(NULL, command);
}

static void drop_publication(const char *name)
{
	scene_sql(&scene, "DROP PUBLICATION %s", name);
}

static void drop_published(const char *name)
{
	scene_sql(&scene, "ALTER PUBLICATION %s DROP TABLE %s", name, name);
}

/* What happens in between is not sent, and a restart finds everything in order. */
static void put_back(const char *name)
{
	drop_published(name);
	scene_sql(&scene, "UPDATE %s SET text = 'unseen'; ALTER PUBLICATION %s ADD TABLE %s", name, name, name);
}

static void publish_inserts_for_a_while(const char *name)
{
	scene_sql(&scene, "ALTER PUBLICATION %s SET (publish = 'insert')", name);
	scene_sql(&scene, "UPDATE %s SET text = 'unseen'", name);
	scene_sql(&scene, "ALTER PUBLICATION %s SET (publish = 'insert, update, delete%s')", name,
		  scene_version(&scene) < 110000 ? "" : ", truncate");
}

/* The catalogue does not tell whether it was only that. */
static void change_owner(const char *name)
{
	scene_sql(&scene, "CREATE ROLE %s SUPERUSER; ALTER PUBLICATION %s OWNER TO %s", name, name, name);
}

static void filter_rows(const char *name)
{
	scene_sql(&scene, "ALTER PUBLICATION %s SET TABLE %s WHERE (id > 1)", name, name);
}

static void publish_inserts(const char *name)
{
	scene_sql(&scene, "ALTER PUBLICATION %s SET (publish = 'insert')", name);
}

static void no_identity(const char *name)
{
	scene_sql(&scene, "ALTER TABLE %s REPLICA IDENTITY NOTHING", name);
}

/* The server does not take a primary key for an identity that it checks late. */
static void late_identity(const char *name)
{
	scene_sql(&scene, "ALTER TABLE %s DROP CONSTRAINT %s_pkey, ADD PRIMARY KEY (id) DEFERRABLE", name, name);
}

static void publish_another(const char *name)
{
	scene_sql(&scene, "CREATE TABLE %s_beside (a int); ALTER PUBLICATION %s ADD TABLE %s_beside", name, name, name);
}

static void foreign_slot(const char *name)
{
	scene_sql(&scene, "SELECT pg_create_logical_replication_slot('%s', 'pgoutput')", name);
}

static const struct situation situations[] = {
	{"no_slot_at_first", STATE_GAP, "set source.create_slot: true for the first start", NULL, .first = true, .no_slot = true},
	{"slot_of_nobody", STATE_MISMATCH, "neither the state file nor the checkpoint knows of it", foreign_slot, .first = true},
	{"slot_dropped", STATE_GAP, "the replication slot is gone", .arrange = drop_slot},
	{"slot_advanced", STATE_GAP, "the slot has been confirmed beyond the state file", .arrange = advance_slot},
	{"checkpoint_deleted", STATE_CHECKPOINT_LOST, "there is no checkpoint in Kafka", .arrange = delete_checkpoint},
	{"changes_deleted", STATE_TOPIC_CHANGED, "topic changes_deleted.change.public.changes_deleted, which has been written before, "
	 "is gone", .arrange = delete_changes},
	{"state_deleted", STATE_STATE_LOST, "there is a checkpoint in Kafka, but the state file is new",
	 .arrange = delete_state},
	{"other_cluster", STATE_MISMATCH, "the server is not the one that the state file or the checkpoint is of",
	 .address = other_address},
	{"never_published", STATE_PUBLICATION_CHANGED, "CREATE PUBLICATION \"never_published\" FOR TABLE "
	 "\"public\".\"never_published\";", drop_publication, .first = true},
	{"unpublished", STATE_PUBLICATION_CHANGED, "CREATE PUBLICATION \"unpublished\" FOR TABLE \"public\".\"unpublished\"; "
	 "Then begin anew with a new state file, slot and prefix",
	 .arrange = drop_publication},
	{"table_unpublished", STATE_PUBLICATION_CHANGED, "ALTER PUBLICATION \"table_unpublished\" ADD TABLE "
	 "\"public\".\"table_unpublished\";", .arrange = drop_published},
	{"rows_filtered", STATE_PUBLICATION_CHANGED, "ALTER PUBLICATION \"rows_filtered\" DROP TABLE \"public\".\"rows_filtered\";",
	 .arrange = filter_rows, .since = 150000},
	{"only_inserts", STATE_PUBLICATION_CHANGED, "ALTER PUBLICATION \"only_inserts\" SET (publish = ", .arrange = publish_inserts},
	{"table_put_back", STATE_PUBLICATION_CHANGED, "the publication 'table_put_back' was altered for table public.table_put_back "
	 "while it was captured", .arrange = put_back},
	{"updates_put_back", STATE_PUBLICATION_CHANGED, "changes of that time may be missing", .arrange = publish_inserts_for_a_while},
	{"owner_changed", STATE_PUBLICATION_CHANGED, "the publication 'owner_changed' was altered for table public.owner_changed while it "
	 "was captured", .arrange = change_owner},
	{"without_identity", STATE_PUBLICATION_CHANGED, "table public.without_identity has no replica identity", no_identity,
	 .first = true},
	{"late_identity", STATE_PUBLICATION_CHANGED, "table public.late_identity has no replica identity", late_identity, .first = true},
	{"beside_captured", STATE_PUBLICATION_CHANGED, "table public.beside_captured_beside is in the publication 'beside_captured' without a "
	 "replica identity", publish_another, .first = true},
	{"identity_lost", STATE_PUBLICATION_CHANGED, "table public.identity_lost has no replica identity", .arrange = no_identity},
};

/*
 * A publication changed while the agent runs is noticed by itself: everything else of this program happens meanwhile.
 */
static const struct situation while_running = {"while_running", STATE_PUBLICATION_CHANGED,
					       "ALTER PUBLICATION \"while_running\" ADD TABLE", .arrange = drop_published};

static struct plain changed = {.name = "while_running"};

static void change_while_running(void)
{
	plain_prepare(&changed, &scene);
	plain_stream(&changed);
	plain_work(&changed);
	drop_published(while_running.name);
}

static void expect_noticed(void)
{
	if (!changed.agent.pid)
		return;
	plain_expect(&changed, while_running.state, while_running.said, 1, 35);
	printf("a publication changed under a running agent is noticed within 35 s\n");
}

/* One agent each for what is not about starting. */

static const char *walsender(const char *name)
{
	return scene_value(&scene, "SELECT active_pid FROM pg_replication_slots WHERE slot_name = '%s'", name);
}

static void take_over(void)
{
	struct plain first = {.name = "twice"}, second;
	char command[1200];

	plain_prepare(&first, &scene);
	plain_stream(&first);
	plain_work(&first);
	second = first;
	agent_start(&second.agent, NULL);
	plain_expect(&second, STATE_CONFLICT, "state file", 1, 30);
	printf("a second agent with the same state file: CONFLICT\n");

	/* The first one hangs; its state file is brought to another machine, where an agent takes over. */
	kill(first.agent.pid, SIGSTOP);
	agent_init(&second.agent, &scene, "taking_over", "");
	snprintf(command, sizeof(command), "cd %s && for i in twice.state*; do case $i in *.lock) ;; *) cp $i taking_over${i#twice};; "
		 "esac; done && sed 's/twice.state/taking_over.state/' twice.yaml >taking_over.yaml", scene.dir);
	if (system(command) != 0)
		harness_fail(&first.agent, command);
	agent_start_with(&second.agent, NULL, "--take-over");
	WAIT_UNTIL(agent_logged(&second.agent, "streaming from") > 0, 30, &second.agent);
	plain_work(&second);
	kill(first.agent.pid, SIGCONT);
	scene_sql(&scene, "UPDATE twice SET text = text || '!'");
	plain_expect(&first, STATE_FENCED, "another agent has claimed the source", 1, 30);
	plain_work(&second);
	agent_stop(&second.agent);
	printf("--take-over from an agent that hangs; when it comes back it ends FENCED\n");
}

static void blocked_slot(void)
{
	struct plain waiting = {.name = "waiting"};
	struct agent *agent = &waiting.agent;
	char said[200];
	usec_t begun;
	pid_t blocker;

	plain_prepare(&waiting, &scene);
	scene_sql(&scene, "CREATE TABLE lurking (x int)");
	blocker = scene_work(&scene, "INSERT INTO lurking VALUES (1) RETURNING pg_sleep(600)");
	WAIT_UNTIL(strcmp(scene_value(&scene,
				      "SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND query ~ "
				      "'lurking' AND pid <> pg_backend_pid()"),
			  "1") == 0,
		   20, agent);
	snprintf(said, sizeof(said),
		 "it waits for open transactions: pid %s (database postgres, user postgres, application work-%d; "
		 "active for ",
		 scene_value(&scene, "SELECT pid FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> "
				     "pg_backend_pid()"),
		 (int)blocker);
	agent_start(agent, NULL);
	WAIT_UNTIL(agent_logged(agent, said) > 0, 15, agent);
	printf("a slot that cannot be made within slot_timeout: the session it waits for is named\n");
	WAIT_UNTIL(
		strcmp(scene_value(&scene,
				   "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^CREATE_REPLICATION_SLOT' AND "
				   "state = 'active'"),
		       "1") == 0,
		15, agent);
	begun = clock_mono();
	agent_stop(agent);
	if (clock_mono() - begun > USEC_PER_SEC)
		harness_fail(agent, "SIGTERM did not end the wait for the slot at once");
	agent_start(agent, NULL);
	WAIT_UNTIL(agent_logged(agent, said) > 1, 15, agent);
	scene_work_stop(&scene, blocker);
	WAIT_UNTIL(agent_logged(agent, "streaming from") > 0, 30, agent);
	agent_stop(agent);
	printf("SIGTERM ends the wait at once; and the slot is made when that session has ended\n");
}

static void idle_database(struct plain *quiet)
{
	char position[64];

	scene_sql(&scene, "CREATE DATABASE another");
	scene_sql(&scene, "\\c another\nCREATE TABLE busy AS SELECT g FROM generate_series(1, 20000) g");
	snprintf(position, sizeof(position), "%s", scene_value(&scene, "SELECT pg_current_wal_lsn()"));
	WAIT_UNTIL(plain_confirmed(quiet, position), 15, &quiet->agent);
	scene_sql(&scene, "CREATE TABLE unseen AS SELECT g FROM generate_series(1, 20000) g");
	snprintf(position, sizeof(position), "%s", scene_value(&scene, "SELECT pg_current_wal_lsn()"));
	WAIT_UNTIL(plain_confirmed(quiet, position), 15, &quiet->agent);
	printf("the slot of an idle database advances, and of one whose traffic is not published\n");
}

static void slow_kafka(struct plain *quiet)
{
	char pid[32];

	snprintf(pid, sizeof(pid), "%s", walsender("quiet"));
	scene_server(&scene, "pause", "kafka", NULL);
	scene_sql(&scene, "INSERT INTO quiet SELECT g, 'more' FROM generate_series(10, 2000) g");
	sleep(12);
	if (strcmp(pid, walsender("quiet")) != 0 || agent_logged(&quiet->agent, "connecting again"))
		harness_fail(&quiet->agent,
			     "the connection did not live through 12 s without Kafka, with wal_sender_timeout = 3s");
	scene_server(&scene, "resume", "kafka", NULL);
	plain_work(quiet);
	printf("wal_sender_timeout = 3s, Kafka paused for 12 s: the connection lives\n");
}

static void stop_source(const char *when)
{
	usec_t begun = clock_mono(), took;

	scene_server(&scene, "stop", "postgresql", "fast");
	took = clock_mono() - begun;
	printf("PostgreSQL stops within %d ms, %s\n", (int)(took / USEC_PER_MSEC), when);
	scene_server(&scene, "start", "postgresql", NULL);
	if (took > 5 * USEC_PER_SEC)
		harness_fail(NULL, "`stop fast` took more than 5 s");
}

static void stop_servers(struct plain *quiet)
{
	stop_source("the agent idle");
	plain_work(quiet);
	scene_server(&scene, "pause", "kafka", NULL);
	scene_sql(&scene, "UPDATE quiet SET text = text || '-'");
	sleep(1);
	stop_source("Kafka paused");
	scene_server(&scene, "resume", "kafka", NULL);
	plain_work(quiet);
}

static void quiet_agent(void)
{
	struct plain quiet = {.name = "quiet"};

	expect_noticed(); /* before the servers are stopped */
	scene_sql(&scene, "ALTER SYSTEM SET wal_sender_timeout = '3s'");
	scene_sql(&scene, "SELECT pg_reload_conf()");
	plain_prepare(&quiet, &scene);
	plain_stream(&quiet);
	idle_database(&quiet);
	slow_kafka(&quiet);
	stop_servers(&quiet);
	agent_stop(&quiet.agent);
}

/* Tables that are added, and ones that are set again as they were, are no gap, whatever their names. */
static void wider_publication(void)
{
	struct plain plain = {.name = "wider"};

	plain_prepare(&plain, &scene);
	plain_stream(&plain);
	agent_stop(&plain.agent);
	scene_sql(&scene, "CREATE TABLE \"wider.still=2\" (id int PRIMARY KEY);"
		  "ALTER PUBLICATION wider ADD TABLE \"wider.still=2\";"
		  "ALTER PUBLICATION wider SET TABLE \"wider.still=2\", wider");
	plain.include = "[public.wider*]";
	plain_configure(&plain);
	for (unsigned times = 0; times < 2; times++) {
		plain_stream(&plain);
		plain_work(&plain);
		if (times == 0)
			agent_stop(&plain.agent);
	}
	scene_sql(&scene, "ALTER PUBLICATION wider DROP TABLE \"wider.still=2\"");
	agent_stop(&plain.agent);
	plain.include = NULL;
	plain_configure(&plain);
	plain_stream(&plain);
	plain_work(&plain);
	agent_stop(&plain.agent);
	printf("a publication may get more tables, and be set again as it is\n");
}

/* What is written under a new name is not lost without a word; and who excludes what is gone goes on. */
static void renamed_under_us(void)
{
	struct plain plain = {.name = "called", .include = "[public.called*]"};

	plain_prepare(&plain, &scene);
	scene_sql(&scene, "CREATE TABLE called_so (id int PRIMARY KEY); ALTER PUBLICATION called ADD TABLE called_so");
	plain_stream(&plain);
	plain_work(&plain);
	scene_sql(&scene, "ALTER TABLE called_so RENAME TO called_otherwise; INSERT INTO called_otherwise VALUES (1)");
	plain_expect(&plain, STATE_PUBLICATION_CHANGED, "the captured table public.called_so is called public.called_otherwise in the log",
		     1, 30);
	agent_start(&plain.agent, NULL);
	plain_expect(&plain, STATE_PUBLICATION_CHANGED, "the captured table public.called_so was dropped or renamed", 1, 30);
	plain.include = "[public.called]";
	plain_configure(&plain);
	plain_stream(&plain);
	plain_work(&plain);
	agent_stop(&plain.agent);
	printf("a table renamed under a running agent: PUBLICATION_CHANGED, 19, until it is excluded\n");
}

/* A second cluster, in a folder of the scene. */
static void cluster(const char *verb, const char *folder, char address[64])
{
	char command[700], line[64] = "";
	FILE *pipe;

	snprintf(command, sizeof(command), "%s/contrib/servers %s postgresql %s/%s", scene.source, verb, scene.dir,
		 folder);
	pipe = popen(command, "r");
	if (!pipe || (strcmp(verb, "start") == 0 && !fgets(line, sizeof(line), pipe)) || pclose(pipe) != 0)
		harness_fail(NULL, command);
	line[strcspn(line, "\n")] = '\0';
	if (address)
		memcpy(address, line, sizeof(line));
}

/* In the folder of the scene. */
static void shell(const char *script)
{
	char command[700];

	snprintf(command, sizeof(command), "cd %s && %s", scene.dir, script);
	if (system(command) != 0)
		harness_fail(NULL, command);
}

/* The cluster comes back from a backup that is older than what was published. */
static void restore(struct plain *plain, const char *arrange, const char *said)
{
	cluster("stop", "backup", NULL);
	shell("rm -rf backup/data && cp -a backup/saved backup/data");
	shell(arrange);
	cluster("start", "backup", NULL);
	WAIT_UNTIL(strcmp(scene_value(plain->agent.scene, "SELECT pg_is_in_recovery()"), "f") == 0, 20, NULL);
	scene_sql(plain->agent.scene, "SELECT pg_switch_wal() WHERE (SELECT timeline_id > 1 FROM pg_control_checkpoint())");
	for (unsigned times = 1; times <= 2; times++) {
		agent_start(&plain->agent, NULL);
		plain_expect(plain, STATE_DIVERGED, said, times, 30);
	}
}

static void diverge(void)
{
	struct plain plain = {.name = "diverged"};
	struct scene own = scene;

	cluster("start", "backup", own.pg_address);
	plain_prepare(&plain, &own);
	plain_stream(&plain);
	plain_work(&plain);
	agent_stop(&plain.agent);
	cluster("stop", "backup", NULL);
	shell("cp -a backup/data backup/saved");
	cluster("start", "backup", NULL);
	plain_stream(&plain);
	scene_sql(&own, "INSERT INTO diverged SELECT g, 'lost with the restore' FROM generate_series(2, 5000) g");
	plain_work(&plain);
	agent_stop(&plain.agent);

	restore(&plain, "true", "more was published than the server's log has");
	printf("a server restored from an older backup: DIVERGED, 11, also after a restart\n");
	restore(&plain, scene_version(&own) < 120000
		? "echo \"restore_command = 'false'\" >backup/data/recovery.conf && chown --reference=backup/data backup/data/recovery.conf"
		: "touch backup/data/recovery.signal && echo \"restore_command = 'false'\" >>backup/data/postgresql.auto.conf",
		"more was published than the new primary had when it was promoted");
	printf("a standby promoted that had less: DIVERGED, 11, also after a restart\n");
	cluster("remove", "backup", NULL);
}

/* An agent that was killed may be alive for all that its successor knows, if that has another state file. */
static struct plain killed = {.name = "killed"};
static usec_t killed_at;

static void kill_and_delete(void)
{
	plain_prepare(&killed, &scene);
	plain_stream(&killed);
	plain_work(&killed);
	agent_kill(&killed.agent);
	killed_at = clock_mono();
	delete_state("killed");
	agent_start(&killed.agent, NULL);
	plain_expect(&killed, STATE_CONFLICT, "wrote the checkpoint of this source", 1, 30);
	printf("a state file deleted after a kill: CONFLICT at first\n");
}

static void expect_lost(void)
{
	if (!killed_at)
		return;
	WAIT_UNTIL(clock_mono() - killed_at > 61 * USEC_PER_SEC, 70, NULL);
	agent_start(&killed.agent, NULL);
	plain_expect(&killed, STATE_STATE_LOST, "there is a checkpoint in Kafka, but the state file is new", 1, 30);
	printf("and STATE_LOST a minute after the last write\n");
}

static void all_situations(void)
{
	struct situation possible[COUNT_OF(situations)];
	int version = scene_version(&scene);
	size_t count = 0;

	for (size_t i = 0; i < COUNT_OF(situations); i++)
		if (version >= situations[i].since)
			possible[count++] = situations[i];
	cluster("start", "other", other_address);
	for (size_t i = 0; i < count; i += GROUP)
		try_group(&possible[i], count - i < GROUP ? count - i : GROUP);
	cluster("remove", "other", NULL);
}

static const struct {
	const char *name;
	void (*run)(void);
} steps[] = {
	{"situations", all_situations},
	{"publication", wider_publication},
	{"renamed", renamed_under_us},
	{"diverged", diverge},
	{"take-over", take_over},
	{"slot", blocked_slot},
	{"quiet", quiet_agent},
};

/* With the name of a step: only that. */
int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	if (argc < 2) {
		change_while_running();
		kill_and_delete();
	}
	for (size_t i = 0; i < COUNT_OF(steps); i++)
		if (argc < 2 || strcmp(argv[1], steps[i].name) == 0)
			steps[i].run();
	expect_lost();
	scene_end(&scene);
	printf("every named state is what it says, and stays\n");
	return 0;
}
