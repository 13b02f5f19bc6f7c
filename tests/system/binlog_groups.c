/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Groups of a binary log that are not a transaction from begin to end. Two phases: rows are published when they are committed, be it
 * long after they were prepared and by another agent, once; what is rolled back never is; and what cannot be told any more is a named
 * state. Crashes: what of a transaction stands in the log because the server died while it wrote it is passed by. An ALTER TABLE in two phases: it counts
 * from the second one on, if that says so.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/writer.h"
#include "system/audited.h"
#include "system/family.h"

static bool since(const struct scene *scene, unsigned mysql, unsigned mariadb)
{
	return scene->mariadb_version >= (scene->is_mariadb ? mariadb : mysql);
}

/* Two phases ----------------------------------------------------------------------------------- */

/* By a session that then ends. */
static void prepare(struct scene *scene, const char *xid, const char *sql)
{
	scene_mariadb(scene, "out", "XA START '%s'; %s; XA END '%s'; XA PREPARE '%s'", xid, sql, xid, xid);
}

/* One of them is larger than a batch, and than what is kept in memory. */
static void prepare_all(struct scene *scene)
{
	prepare(scene, "small", "UPDATE account SET balance = 2 WHERE id BETWEEN 2 AND 5");
	prepare(scene, "undone", "UPDATE account SET balance = 3 WHERE id BETWEEN 10 AND 13; INSERT INTO account VALUES (3000, NULL, 'nobody', 1)");
	prepare(scene, "large", "INSERT INTO account SELECT 10000 + n, NULL, repeat('x', 40), 1 FROM number");
	scene_mariadb(scene, "out", "UPDATE account SET balance = 4 WHERE id = 20");
}

static void settle_all(struct scene *scene)
{
	scene_mariadb(scene, "out", "FLUSH BINARY LOGS; UPDATE account SET balance = 5 WHERE id = 20; XA COMMIT 'large';"
		      "UPDATE account SET balance = 6 WHERE id IN (20, 10001); XA ROLLBACK 'undone';"
		      "UPDATE account SET balance = 7 WHERE id BETWEEN 10 AND 13; XA COMMIT 'small'; UPDATE account SET balance = 8 WHERE id BETWEEN 2 AND 5;"
		      "XA START 'small'; UPDATE account SET balance = 9 WHERE id = 2; XA END 'small'; XA COMMIT 'small' ONE PHASE");
}

/* Prepared and committed one after the other, while they are read: the log is not read twice for them. */
static void many_small_ones(struct plain *plain, struct scene *scene)
{
	struct writer sql = {0};

	for (int i = 0; i < 100; i++)
		wr_printf(&sql, "XA START 'x%d'; UPDATE account SET balance = balance + 1 WHERE id = %d; XA END 'x%d'; XA PREPARE 'x%d'; XA %s 'x%d';",
			  i, 1 + i / 3, i, i, i % 7 ? "COMMIT" : "ROLLBACK", i);
	wr_u8(&sql, '\0');
	audited_stream(plain);
	scene_mariadb(scene, "out", "%s", sql.data);
	audited_catch_up(plain);
	wr_done(&sql);
}

static void rows_of_two_phases_come_when_they_are_committed(struct scene *scene)
{
	struct plain plain;
	unsigned again;

	prepare(scene, "early", "UPDATE account SET balance = 1 WHERE id = 1");
	scene_mariadb(scene, "out", "FLUSH BINARY LOGS");
	audited_configure(&plain, scene, "phases", "[erp.account]");
	audited_stream(&plain);
	scene_mariadb(scene, "out", "XA COMMIT 'early'");
	prepare_all(scene);
	audited_catch_up(&plain);
	agent_kill(&plain.agent);
	settle_all(scene);
	plain_die_at(&plain, "split-changes:1");
	plain_die_at(&plain, "after-commit:2");
	plain_die_at(&plain, "after-state-commit:1");
	audited_finish(&plain);
	again = agent_logged(&plain.agent, "are read again from");
	if (again < 3) /* early, large at least twice, small */
		harness_fail(&plain.agent, "what was prepared long ago is not read again");
	many_small_ones(&plain, scene);
	if (agent_logged(&plain.agent, "are read again from") != again)
		harness_fail(&plain.agent, "what was just prepared is read again");
	agent_stop(&plain.agent);
	audited_verify(&plain);
	printf("transactions in two phases, once and when they are committed\n");
}

/* A file that somebody reads stays; that a reader is gone, the server notices when it sends something. */
static bool one_file_is_left(struct scene *scene)
{
	scene_mariadb(scene, "files", "PURGE BINARY LOGS BEFORE now() + INTERVAL 1 DAY; SHOW BINARY LOGS");
	return strcmp(scene_value(scene, "\\! wc -l <%s/files", scene->dir), "1") == 0;
}

static void what_was_prepared_in_a_log_that_is_gone_is_a_gap(struct scene *scene)
{
	struct plain plain;

	audited_configure(&plain, scene, "gone", "[erp.account]");
	audited_stream(&plain);
	prepare(scene, "gone", "UPDATE account SET balance = 1 WHERE id = 1");
	audited_catch_up(&plain);
	agent_stop(&plain.agent);
	scene_mariadb(scene, "out", "FLUSH BINARY LOGS; UPDATE account SET balance = 1 WHERE id = 2");
	audited_stream(&plain);
	audited_catch_up(&plain);
	WAIT_UNTIL(one_file_is_left(scene), 30, &plain.agent);
	scene_mariadb(scene, "out", "XA COMMIT 'gone'");
	plain_expect(&plain, STATE_GAP, "does not have its first phase any more", 1, 30);
	printf("what was prepared in a log that is gone is a gap\n");
}

/* Crashes -------------------------------------------------------------------------------------- */

static int log_size(struct scene *scene, char path[400], off_t *ret)
{
	struct stat status;

	scene_mariadb(scene, "end.out", "%s", since(scene, 80200, UINT_MAX) ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS");
	snprintf(path, 400, "%s/mariadb/data/%s", scene->dir, scene_value(scene, "\\! cut -f1 %s/end.out", scene->dir));
	*ret = stat(path, &status) == 0 ? status.st_size : -1;
	return *ret < 0 ? -1 : 0;
}

static pid_t run_aside(const struct scene *scene, const char *sql)
{
	const char *port = strchr(scene->mariadb_address, ':') + 1;
	pid_t pid = fork();

	if (pid)
		return pid;
	execlp("mariadb", "mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", port, "-u", "root", "erp", "-e", sql, NULL);
	_exit(127);
}

/* Kills the server while it writes a transaction of 60 MB into its log: where the file ended before. */
static off_t crash(struct scene *scene, char path[400])
{
	struct stat status;
	off_t before;
	pid_t client, server;

	if (log_size(scene, path, &before) < 0)
		abort();
	server = (pid_t)atoi(scene_value(scene, "\\! cat %s/mariadb/pid", scene->dir));
	client = run_aside(scene, "INSERT INTO other (text) SELECT repeat('lost', 500) FROM number a, digit b LIMIT 30000");
	do
		if (stat(path, &status) < 0 || waitpid(client, NULL, WNOHANG) != 0)
			harness_fail(NULL, "the server was not caught while it wrote");
	while (status.st_size < before + 2000000);
	kill(server, SIGKILL);
	waitpid(client, NULL, 0);
	return before;
}

/* Behind the last event that is whole. */
static void cut_between_events(const char *path, off_t from)
{
	FILE *file = fopen(path, "r");
	unsigned char header[19];
	off_t next = from, end = from;

	while (fseeko(file, next, SEEK_SET) == 0 && fread(header, sizeof(header), 1, file) == 1) {
		end = next;
		next += (off_t)(header[9] | header[10] << 8 | header[11] << 16 | (unsigned)header[12] << 24);
	}
	fclose(file);
	if (end < from + 1000000 || truncate(path, end) != 0)
		abort();
}

static void await_server(struct scene *scene)
{
	scene_server(scene, "restart", "mariadb", "kill");
	scene_mariadb(scene, "lost.out", "SELECT count(*) FROM other WHERE text LIKE 'lost%%'; CALL work(5)");
	if (strcmp(scene_value(scene, "\\! head -1 %s/lost.out", scene->dir), "0") != 0)
		harness_fail(NULL, "the transaction was committed before the server died");
}

static void what_a_crash_has_cut_off_is_not_published(struct scene *scene)
{
	struct plain plain;
	char path[400];
	off_t end;

	audited_configure(&plain, scene, "cut", "[erp.account, erp.other]");
	audited_stream(&plain);
	scene_mariadb(scene, "out", "CALL work(5)");
	crash(scene, path); /* in the middle of an event, while the agent reads */
	await_server(scene);
	audited_catch_up(&plain);
	agent_kill(&plain.agent);
	end = crash(scene, path);
	cut_between_events(path, end);
	await_server(scene);
	scene_mariadb(scene, "out", "FLUSH BINARY LOGS; CALL work(5); FLUSH BINARY LOGS; CALL work(5)");
	audited_finish(&plain);
	if (agent_logged(&plain.agent, "was never committed") != (family_has(scene, FACT_CUTS_LOG) ? 0 : 2))
		harness_fail(&plain.agent, "not two files of the log were seen to have been ended by a crash");
	if (agent_logged(&plain.agent, "ends inside of a transaction") || agent_logged(&plain.agent, "truncated"))
		harness_fail(&plain.agent, "the agent stumbled over what is cut off");
	audited_verify(&plain);
	plain_read_back(&plain, "cut.change.erp.other");
	if (strcmp(scene_value(scene, "SELECT count(*) FROM seen WHERE value #>> '{after,text}' LIKE 'lost%%'"), "0") != 0)
		harness_fail(&plain.agent, "rows are published that were never committed");
	printf("what a crash has cut off is not published\n");
}

/* Tables altered in two phases ----------------------------------------------------------------- */

/* Rows written while a statement that makes them anew is under way; how it ends is told. */
static unsigned insert_meanwhile(struct scene *scene, const char *alter, int *status)
{
	pid_t client = run_aside(scene, alter);
	unsigned rounds = 0;

	do {
		scene_mariadb(scene, "out", "INSERT INTO phased (a, b) VALUES (-1, 1), (-2, 2)");
		rounds++;
	} while (waitpid(client, status, WNOHANG) == 0);
	scene_mariadb(scene, "out", "INSERT INTO phased (a, b) VALUES (-3, 3)");
	return rounds;
}

/* The log has the statement before it begins, and again when it has ended. Nothing but the statements tells which column is which. */
static void rows_of_an_alter_in_two_phases_have_their_shape(struct scene *scene)
{
	static const char swap[] = "SET SESSION binlog_alter_two_phase = 1; ALTER TABLE phased MODIFY b int AFTER id, FORCE, ALGORITHM = INPLACE, LOCK = NONE";
	static const char failing[] = "SET SESSION binlog_alter_two_phase = 1; ALTER TABLE phased MODIFY a int AFTER id, ADD UNIQUE (a), FORCE, "
		"ALGORITHM = INPLACE, LOCK = NONE";
	struct plain plain;
	int status;

	scene_mariadb(scene, "out", "SET GLOBAL binlog_row_metadata = 'NO_LOG'; CREATE TABLE phased (id int PRIMARY KEY AUTO_INCREMENT, a int, b int, "
		      "text varchar(500)); INSERT INTO phased (a, b, text) SELECT -seq, seq, repeat('x', 400) FROM (SELECT n * 10 + d + 1 AS seq FROM number, digit LIMIT 30000) s");
	audited_configure(&plain, scene, "phased", "[erp.phased]");
	audited_stream(&plain);
	scene_mariadb(scene, "out", "INSERT INTO phased (a, b) VALUES (-1, 1)");
	if (insert_meanwhile(scene, swap, &status) < 2 || status != 0)
		harness_fail(&plain.agent, "no row was written while the table was altered");
	agent_kill(&plain.agent); /* far behind */
	if (insert_meanwhile(scene, failing, &status) < 2 || status == 0)
		harness_fail(&plain.agent, "the statement did not fail, or too early");
	audited_finish(&plain);
	plain_read_back(&plain, "phased.change.*");
	if (strcmp(scene_value(scene, "SELECT count(*) > 30000 AND bool_and((value #>> '{after,a}')::int = -(value #>> '{after,b}')::int AND "
			       "(value #>> '{after,b}')::int > 0) FROM seen WHERE value <> 'null'"), "t") != 0)
		harness_fail(&plain.agent, scene_value(scene, "SELECT value FROM seen WHERE (value #>> '{after,b}')::int < 0 LIMIT 3"));
	scene_mariadb(scene, "out", "SET GLOBAL binlog_row_metadata = 'FULL'");
	printf("rows of an ALTER TABLE in two phases have their shape\n");
}

int main(void)
{
	struct scene scene;

	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	scene_add_mariadb(&scene);
	audited_prepare(&scene);
	scene_mariadb(&scene, "out", "CREATE TABLE number (n int PRIMARY KEY); INSERT INTO number SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d FROM "
		      "digit a, digit b, digit c, digit e WHERE e.d < 5");
	if (since(&scene, 50700, 100500)) {
		rows_of_two_phases_come_when_they_are_committed(&scene);
		what_was_prepared_in_a_log_that_is_gone_is_a_gap(&scene);
	}
	what_a_crash_has_cut_off_is_not_published(&scene);
	if (since(&scene, UINT_MAX, 100801))
		rows_of_an_alter_in_two_phases_have_their_shape(&scene);
	scene_end(&scene);
	return 0;
}
