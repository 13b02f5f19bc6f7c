/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* A workload whose changes are audited by triggers, and the comparison of what was published with them. */
#include "audited.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/family.h"

void audited_configure(struct plain *plain, struct scene *scene, const char *name, const char *tables)
{
	FILE *file;

	*plain = (struct plain){.name = name};
	agent_init(&plain->agent, scene, name, "");
	file = fopen(plain->agent.config, "w");
	fprintf(file, "source:\n  name: %s\n  type: %s\n  host: 127.0.0.1\n  port: %s\n  dbname: erp\n  user: root\n", name,
		family_says(scene, FACT_MARIADB, "mariadb", "mysql"), strchr(scene->mariadb_address, ':') + 1);
	fprintf(file, "kafka:\n  bootstrap.servers: %s\ntopics:\n  prefix: %s\n  partitions: 2\n", scene->kafka_address, name);
	fprintf(file, "state:\n  file: %s/%s.state\nconfirm:\n  interval: 100ms\n  rows: 500\nbatch:\n  bytes: 64kB\n", scene->dir, name);
	fprintf(file, "tables:\n  include: %s\n", tables);
	fclose(file);
}

void audited_stream(struct plain *plain)
{
	unsigned before = agent_logged(&plain->agent, "streaming from");

	agent_start(&plain->agent, NULL);
	WAIT_UNTIL(agent_logged(&plain->agent, "streaming from") > before, 60, &plain->agent);
}

/* No two changes have the same version; what is rolled back is in neither. */
static const char workload[] =
	"CREATE TABLE account (id int PRIMARY KEY, version bigint, owner varchar(40), balance decimal(14,2));"
	"CREATE TABLE account_audit (seq bigint PRIMARY KEY AUTO_INCREMENT, id int NOT NULL, op char(1) NOT NULL, version bigint);"
	"CREATE TABLE other (id int PRIMARY KEY AUTO_INCREMENT, text text);\n"
	"DELIMITER //\n"
	"CREATE TRIGGER a1 BEFORE INSERT ON account FOR EACH ROW SET NEW.version = uuid_short()//\n"
	"CREATE TRIGGER a2 BEFORE UPDATE ON account FOR EACH ROW SET NEW.version = uuid_short()//\n"
	"CREATE TRIGGER a3 AFTER INSERT ON account FOR EACH ROW INSERT INTO account_audit VALUES (NULL, NEW.id, 'c', NEW.version)//\n"
	"CREATE TRIGGER a4 AFTER UPDATE ON account FOR EACH ROW INSERT INTO account_audit VALUES (NULL, NEW.id, 'u', NEW.version)//\n"
	"CREATE TRIGGER a5 AFTER DELETE ON account FOR EACH ROW INSERT INTO account_audit VALUES (NULL, OLD.id, 'd', OLD.version)//\n"
	"CREATE PROCEDURE work(transactions int)\n"
	"BEGIN\n"
	"  DECLARE i, k int DEFAULT 0;\n"
	"  WHILE i < transactions DO\n"
	"    SET k = 1 + floor(rand() * 990), i = i + 1;\n"
	"    START TRANSACTION;\n"
	"    UPDATE account SET balance = balance + 1 WHERE id BETWEEN k AND k + 4;\n"
	"    INSERT INTO other (text) VALUES (uuid());\n"
	"    IF i %% 7 = 0 THEN DELETE FROM account WHERE id = k; INSERT INTO account VALUES (k, NULL, 'again', 0); END IF;\n"
	"    IF i %% 13 = 0 THEN ROLLBACK; ELSE COMMIT; END IF;\n"
	"    DO sleep(0.003);\n"
	"  END WHILE;\n"
	"  UPDATE account SET balance = balance + 10;\n" /* larger than a batch */
	"END//\n"
	"DELIMITER ;\n"
	"CREATE TABLE digit (d int); INSERT INTO digit VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);"
	"INSERT INTO account SELECT n, NULL, concat('owner ', n), n FROM (SELECT 1 + a.d + 10 * b.d + 100 * c.d AS n FROM digit a, digit b, digit c) s;";

void audited_prepare(struct scene *scene)
{
	scene_mariadb(scene, "out", workload);
}

/* Until there is a file that says stop; a server that is away is waited for. */
pid_t audited_begin(struct scene *scene)
{
	const char *port = strchr(scene->mariadb_address, ':') + 1;
	char command[800];
	pid_t pid;

	snprintf(command, sizeof(command), "%s/work.stop", scene->dir);
	unlink(command);
	pid = fork();
	if (pid)
		return pid;
	snprintf(command, sizeof(command), "while [ -d %s ] && [ ! -e %s/work.stop ]; do mariadb --no-defaults -h 127.0.0.1 -P %s -u root erp -e 'CALL work(40)' "
		 "2>>%s/work.log || sleep 0.1; done", scene->dir, scene->dir, port, scene->dir);
	execl("/bin/sh", "sh", "-c", command, NULL);
	_exit(127);
}

/* What it has begun is done when it has ended. */
void audited_end(struct scene *scene, pid_t pid)
{
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "%s/work.stop", scene->dir);
	file = fopen(path, "w");
	if (!file || fclose(file) != 0 || waitpid(pid, NULL, 0) != pid)
		abort();
}

bool audited_has_worked(struct agent *agent)
{
	return agent_metric(agent, "changes") > 300 && agent_metric(agent, "kafka_commits") > 3 && agent_metric(agent, "state_commits") > 1;
}

/* "bin.000004", a tab, "181953"; or "4:181953": as numbers. */
static bool read_place(struct scene *scene, const char *name, unsigned long ret[2])
{
	char path[300], line[100] = "", *at = line;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", scene->dir, name);
	file = fopen(path, "r");
	if (!file || !fgets(line, sizeof(line), file))
		return false;
	fclose(file);
	at += strcspn(at, "0123456789");
	ret[0] = strtoul(at, &at, 10);
	ret[1] = strtoul(at + 1, NULL, 10);
	return ret[1] > 0;
}

/* The state file, which is written last, is behind that place. */
static bool is_behind(struct plain *plain, const unsigned long end[2])
{
	unsigned long at[2];

	return agent_verb(&plain->agent, "position --field state", "position.out") == 0 &&
	       read_place(plain->agent.scene, "position.out", at) && (at[0] > end[0] || (at[0] == end[0] && at[1] >= end[1]));
}

void audited_catch_up(struct plain *plain)
{
	unsigned long end[2];

	scene_mariadb(plain->agent.scene, "end.out", "%s", family_says(plain->agent.scene, FACT_LOG_STATUS, "SHOW BINARY LOG STATUS", "SHOW MASTER STATUS"));
	if (!read_place(plain->agent.scene, "end.out", end))
		abort();
	WAIT_UNTIL(is_behind(plain, end), 120, &plain->agent);
}

void audited_finish(struct plain *plain)
{
	audited_stream(plain); /* one that has just begun would die of being told to stop */
	audited_catch_up(plain);
	agent_stop(&plain->agent);
}

/*
 * Of each row: what was published is the end of what was audited, behind the row that the snapshot has read last (one that is
 * interrupted is begun anew), or behind nothing or a delete if it has read none.
 */
void audited_verify(struct plain *plain)
{
	struct scene *scene = plain->agent.scene;

	scene_mariadb(scene, "audit.jsonl", "SELECT concat('{\"seq\": ', seq, ', \"id\": ', id, ', \"op\": \"', op, '\", \"version\": ', version, '}') "
		      "FROM account_audit ORDER BY seq");
	scene_load_lines(scene, "audit_line", "audit.jsonl");
	plain_read_back(plain, "*.account");
	scene_sql(scene,
		  "DROP TABLE IF EXISTS audit, published CASCADE;"
		  "CREATE TABLE audit AS SELECT (line->>'id')::int AS id, line->>'op' AS op, (line->>'version')::bigint AS version,"
		  " row_number() OVER (PARTITION BY line->>'id' ORDER BY (line->>'seq')::bigint DESC) AS behind FROM audit_line;"
		  "CREATE TABLE published AS SELECT coalesce(value #>> '{after,id}', value #>> '{before,id}')::int AS id, value->>'op' AS op,"
		  " coalesce(value #>> '{after,version}', value #>> '{before,version}')::bigint AS version,"
		  " row_number() OVER (PARTITION BY coalesce(value #>> '{after,id}', value #>> '{before,id}') ORDER BY n DESC) AS behind"
		  " FROM seen WHERE value <> 'null';"
		  "DELETE FROM published p USING published o WHERE o.id = p.id AND o.op = 'r' AND o.behind < p.behind;"
		  "CREATE VIEW wrong AS"
		  " SELECT p.id, p.op AS published, p.version, a.op AS audited, a.version AS audited_version FROM published p"
		  "  LEFT JOIN audit a USING (id, behind) WHERE a.version IS DISTINCT FROM p.version OR (p.op <> 'r' AND p.op IS DISTINCT FROM a.op)"
		  "  OR (p.op = 'r' AND a.op = 'd')"
		  " UNION ALL SELECT a.id, 'missing', NULL::bigint, a.op, a.version FROM audit a JOIN"
		  "  (SELECT id, max(behind) AS first, bool_or(op = 'r') AS read FROM published GROUP BY id) p USING (id)"
		  "  WHERE NOT p.read AND a.behind = p.first + 1 AND a.op <> 'd'"
		  " UNION ALL SELECT DISTINCT a.id, 'none of it', NULL::bigint, NULL, NULL::bigint FROM audit a"
		  "  WHERE NOT EXISTS (SELECT FROM published p WHERE p.id = a.id)");
	printf("%s\n", scene_value(scene, "SELECT count(*) || ' changes published, ' || count(*) FILTER (WHERE op = 'r') || ' of them read by the "
				   "snapshot; ' || (SELECT count(*) FROM audit) || ' audited' FROM published"));
	if (*scene_value(scene, "SELECT * FROM wrong LIMIT 1"))
		harness_fail(&plain->agent, scene_value(scene, "SELECT 'what was published is not what happened: ' || wrong FROM wrong LIMIT 5"));
}
