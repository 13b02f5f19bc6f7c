/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A MariaDB, or a MySQL with GTIDs, that dies for good, with changes that nobody has published yet, and its replica that takes its place: every audited
 * change is published once. Then servers that cannot take another's place: one that lacks what is published, and one that has
 * removed what is not.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/audited.h"
#include "system/family.h"

static struct scene scene;
static char addresses[2][64]; /* of the first primary, and of its replica */

static void on(unsigned server)
{
	memcpy(scene.mariadb_address, addresses[server], sizeof(addresses[server]));
}

/* How each of them is told to replicate, to stop it and to wait for it. */
static const struct {
	enum fact fact;
	const char *change, *stop, *forget, *executed, *wait;
} words[] = {
	{FACT_MARIADB, "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_USER = 'root', MASTER_USE_GTID = slave_pos, MASTER_SSL_VERIFY_SERVER_CERT = 0, MASTER_PORT = %s; START SLAVE",
	 "STOP SLAVE", "RESET SLAVE ALL", "SELECT @@gtid_binlog_pos", "SELECT MASTER_GTID_WAIT('%s', 60)"},
	{FACT_LOG_STATUS, "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_USER = 'root', SOURCE_AUTO_POSITION = 1, SOURCE_PORT = %s; START REPLICA",
	 "STOP REPLICA", "RESET REPLICA ALL", "SELECT replace(@@GLOBAL.gtid_executed, '\n', '')", "SELECT WAIT_FOR_EXECUTED_GTID_SET('%s', 60)"},
	{FACT_WAIT_FOR_SET, "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_USER = 'root', MASTER_AUTO_POSITION = 1, MASTER_PORT = %s; START SLAVE",
	 "STOP SLAVE", "RESET SLAVE ALL", "SELECT replace(@@GLOBAL.gtid_executed, '\n', '')", "SELECT WAIT_FOR_EXECUTED_GTID_SET('%s', 60)"},
	{FACT_ANY, "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_USER = 'root', MASTER_AUTO_POSITION = 1, MASTER_PORT = %s; START SLAVE",
	 "STOP SLAVE", "RESET SLAVE ALL", "SELECT replace(@@GLOBAL.gtid_executed, '\n', '')", "SELECT WAIT_UNTIL_SQL_THREAD_AFTER_GTIDS('%s', 60) < 0"},
}, *said = words;

/* Number 2 was given to the replica; MySQL's servers have names of their own. */
static char numbers[2][40];

static void choose_words(void)
{
	while (!family_has(&scene, said->fact))
		said++;
}

static void say(const char *format, const char *with)
{
	char sql[600], *hole;

	snprintf(sql, sizeof(sql), "%s", format);
	hole = strstr(sql, "%s");
	if (hole)
		snprintf(hole, sizeof(sql) - (size_t)(hole - sql), "%s%s", with, strstr(format, "%s") + 2);
	scene_mariadb(&scene, "out", "%s", sql);
}

static void replicate(unsigned from, unsigned to)
{
	on(to);
	say(said->stop, "");
	say(said->change, strchr(addresses[from], ':') + 1);
	on(from);
}

static const char *first_line(const char *name)
{
	static char line[3000];
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", scene.dir, name);
	file = fopen(path, "r");
	if (!file || !fgets(line, sizeof(line), file))
		*line = '\0';
	if (file)
		fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return line;
}

/* The replica has all that the other has. */
static void await_replica(unsigned from, unsigned to)
{
	char end[300];

	on(from);
	say(said->executed, "");
	snprintf(end, sizeof(end), "%s", first_line("out"));
	on(to);
	say(said->wait, end);
	if (strcmp(first_line("out"), "0") != 0) {
		scene_mariadb(&scene, "out", "%s", family_says(&scene, FACT_SHOW_REPLICAS, "SHOW REPLICA STATUS", "SHOW SLAVE STATUS"));
		fprintf(stderr, "%s\n", first_line("out"));
		harness_fail(NULL, "the replica does not get what the primary has");
	}
	on(from);
}

/* The state file stays; only where the server is changes. */
static void go_to(struct plain *plain, unsigned server)
{
	on(server);
	audited_configure(plain, &scene, plain->name, "[erp.account, erp.other]");
}

/* Transactions in two phases are ended on another server than the one that they were prepared on, which has them elsewhere in its log. */
static bool has_two_phases(void)
{
	return scene.mariadb_version >= (scene.is_mariadb ? 100500 : 50700);
}

static void prepare(const char *xid, int id)
{
	if (has_two_phases())
		scene_mariadb(&scene, "out", "XA START '%s'; INSERT INTO account VALUES (%d, NULL, 'in two phases', 1); XA END '%s'; XA PREPARE '%s'",
			      xid, id, xid, xid);
}

static void commit_what_is_prepared(void)
{
	if (has_two_phases())
		scene_mariadb(&scene, "out", "XA COMMIT 'short'; XA COMMIT 'long'");
}

/* With changes in its log that the agent, which stands still, has not read. */
static void lose_the_primary(struct plain *plain)
{
	struct agent *agent = &plain->agent;

	prepare("long", 2001); /* which the agent has seen */
	audited_catch_up(plain);
	kill(agent->pid, SIGSTOP);
	prepare("short", 2003);
	scene_mariadb(&scene, "out", "UPDATE account SET balance = balance + 1 WHERE id < 900");
	await_replica(0, 1);
	scene_server(&scene, "stop", "mariadb", "kill");
	kill(agent->pid, SIGCONT);
	WAIT_UNTIL(agent_logged(agent, "connecting again") > 0, 60, agent);
	agent_kill(agent);
}

static void promote(unsigned server)
{
	on(server);
	say(said->stop, "");
	say(said->forget, "");
	scene_mariadb(&scene, "out", "FLUSH BINARY LOGS");
}

static void go_on_with_the_replica(struct plain *plain)
{
	pid_t work;

	promote(1);
	go_to(plain, 1);
	commit_what_is_prepared();
	work = audited_begin(&scene);
	audited_stream(plain);
	if (agent_logged(&plain->agent, "another server is gone on with") != 1)
		harness_fail(&plain->agent, "it did not go on with the replica");
	WAIT_UNTIL(audited_has_worked(&plain->agent), 60, &plain->agent);
	agent_kill(&plain->agent);
	audited_stream(plain);
	usleep(500000);
	agent_kill(&plain->agent);
	audited_end(&scene, work);
	audited_finish(plain);
	audited_verify(plain);
	printf("the replica took the primary's place: every change is published once\n");
}

static void refuse_one_that_lacks_what_is_published(struct plain *plain)
{
	char expected[200];

	scene_server(&scene, "restart", "mariadb", "kill");
	go_to(plain, 0);
	agent_start(&plain->agent, NULL);
	snprintf(expected, sizeof(expected), "does not have transactions that were published: %s", numbers[1]);
	plain_expect(plain, STATE_MISMATCH, expected, 1, 60);
	printf("a server that lacks what is published is refused\n");
}

/* What a crash of the server would need of the log stays for a moment. */
static bool is_purged(const char *current)
{
	scene_mariadb(&scene, "out", "PURGE BINARY LOGS TO '%s'; SHOW BINARY LOGS", current);
	return strncmp(first_line("out"), current, strlen(current)) == 0;
}

static void purge_all_but_the_last(void)
{
	char current[100];

	scene_mariadb(&scene, "out", "%s", family_says(&scene, FACT_LOG_STATUS, "SHOW BINARY LOG STATUS", "SHOW MASTER STATUS"));
	snprintf(current, sizeof(current), "%.*s", (int)strcspn(first_line("out"), "\t"), first_line("out"));
	WAIT_UNTIL(is_purged(current), 30, NULL);
}

/* By what the checkpoint says of the place, on a server that is not the one that it was of. */
static void build_the_state_file_anew_elsewhere(struct plain *plain)
{
	char path[300];
	pid_t work;

	replicate(1, 0);
	await_replica(1, 0);
	promote(0);
	go_to(plain, 0);
	snprintf(path, sizeof(path), "%s/%s.state", scene.dir, plain->name);
	if (unlink(path) < 0 || agent_verb(&plain->agent, "snapshot --rebuild --assert 'the disk is gone'", "asked.out") != 0)
		harness_fail(&plain->agent, "the order is not taken");
	work = audited_begin(&scene);
	audited_stream(plain);
	WAIT_UNTIL(audited_has_worked(&plain->agent), 60, &plain->agent);
	audited_end(&scene, work);
	agent_stop(&plain->agent);
	audited_finish(plain);
	audited_verify(plain);
	printf("a state file is built anew beside another server than that of the lost one\n");
}

/* It has all that is published, but not the log of what came next. */
static void refuse_one_that_has_removed_what_is_not(struct plain *plain)
{
	char expected[200];

	replicate(0, 1);
	scene_mariadb(&scene, "out", "CALL work(5)");
	await_replica(0, 1);
	promote(1);
	purge_all_but_the_last();
	go_to(plain, 1);
	agent_start(&plain->agent, NULL);
	snprintf(expected, sizeof(expected), "has removed from its log what comes next: %s", numbers[0]);
	plain_expect(plain, STATE_GAP, expected, 1, 60);
	printf("a server that has removed what is not published is refused\n");
}

/* What the GTIDs of each begin with. */
static void ask_numbers(void)
{
	for (unsigned i = 0; i < 2; i++) {
		on(i);
		scene_mariadb(&scene, "out", "SELECT %s", family_says(&scene, FACT_MARIADB, "concat('0-', @@server_id, '-')", "@@server_uuid"));
		snprintf(numbers[i], sizeof(numbers[i]), "%.36s", first_line("out"));
	}
	on(0);
}

int main(void)
{
	struct plain plain = {.name = "moved"};
	pid_t work;

	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	scene_add_mariadb(&scene);
	family_needs(&scene, FACT_GTIDS, "GTIDs");
	choose_words();
	memcpy(addresses[0], scene.mariadb_address, sizeof(addresses[0]));
	scene_add_replica(&scene, addresses[1]);
	ask_numbers();
	replicate(0, 1);
	audited_prepare(&scene);
	go_to(&plain, 0);
	work = audited_begin(&scene);
	audited_stream(&plain);
	WAIT_UNTIL(audited_has_worked(&plain.agent), 60, &plain.agent);
	audited_end(&scene, work);
	lose_the_primary(&plain);
	go_on_with_the_replica(&plain);
	refuse_one_that_lacks_what_is_published(&plain);
	build_the_state_file_anew_elsewhere(&plain);
	refuse_one_that_has_removed_what_is_not(&plain);
	scene_end(&scene);
	return 0;
}
