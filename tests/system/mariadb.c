/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * MariaDB as a source. Types: a row that the snapshot reads and a copy of it that the stream brings become the same record,
 * which is the expected one. Exactly once: a workload with audited changes, under which the agent is killed at every point of
 * a batch's life and in the snapshot, and the server is killed, its log rotated and purged; every audited change is in the
 * topic once, in order. PostgreSQL serves as the one who compares.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/plain.h"

static void configure(struct plain *plain, struct scene *scene, const char *name, const char *tables)
{
	FILE *file;

	*plain = (struct plain){.name = name};
	agent_init(&plain->agent, scene, name, "");
	file = fopen(plain->agent.config, "w");
	fprintf(file, "source:\n  name: %s\n  type: mariadb\n  host: 127.0.0.1\n  port: %s\n  dbname: erp\n  user: root\n", name,
		strchr(scene->mariadb_address, ':') + 1);
	fprintf(file, "kafka:\n  bootstrap.servers: %s\ntopics:\n  prefix: %s\n  partitions: 2\n", scene->kafka_address, name);
	fprintf(file, "state:\n  file: %s/%s.state\nconfirm:\n  interval: 100ms\n  rows: 500\nbatch:\n  bytes: 64kB\n", scene->dir, name);
	fprintf(file, "tables:\n  include: %s\n", tables);
	fclose(file);
}

static void await_stream(struct plain *plain)
{
	unsigned before = agent_logged(&plain->agent, "streaming from");

	agent_start(&plain->agent, NULL);
	WAIT_UNTIL(agent_logged(&plain->agent, "streaming from") > before, 60, &plain->agent);
}

/* Types ---------------------------------------------------------------------------------------- */

static const struct {
	const char *type, *value;
	const char *expected; /* of the record, as JSON */
} types[] = {
	{"tinyint", "-128", "-128"},
	{"tinyint unsigned", "255", "255"},
	{"smallint", "-32768", "-32768"},
	{"smallint unsigned", "65535", "65535"},
	{"mediumint", "-8388608", "-8388608"},
	{"mediumint unsigned", "16777215", "16777215"},
	{"int", "-2147483648", "-2147483648"},
	{"int unsigned zerofill", "4294967295", "4294967295"},
	{"year", "2155", "2155"},
	{"year", "0", "0"},
	{"bigint", "-9223372036854775808", "-9223372036854775808"},
	{"bigint unsigned", "18446744073709551615", "\"18446744073709551615\""},
	{"decimal(10,2)", "-1234567.89", "\"-1234567.89\""},
	{"decimal(65,30)", "12345678901234567890123456789012345.123456789012345678901234567891",
	 "\"12345678901234567890123456789012345.123456789012345678901234567891\""},
	{"decimal(9,9)", "-0.000000001", "\"-0.000000001\""},
	{"decimal(5,0) unsigned", "0", "\"0\""},
	{"float", "0.1", "0.1"},
	{"double", "1.7976931348623157e308", "1.7976931348623157e+308"},
	{"bit(1)", "b'1'", "true"},
	{"char(20)", "'  grün  '", "\"  grün\""},
	{"varchar(300)", "repeat('ü', 300)", NULL},
	{"varchar(20) character set latin1", "'Zoë €'", "\"Zoë €\""},
	{"varchar(20) character set utf16", "'Ж😀'", "\"Ж😀\""},
	{"text character set cp932", "'日本'", "\"日本\""},
	{"longtext", "'{\"a\": 1}'", "\"{\\\"a\\\": 1}\""},
	{"json", "'{\"a\": [1, null]}'", "\"{\\\"a\\\": [1, null]}\""},
	{"enum('a','it''s','ü') character set latin1", "'ü'", "\"ü\""},
	{"set('x','y','z')", "'z,x'", "\"x,z\""},
	{"date", "'2024-02-29'", "19782"},
	{"date", "'0000-00-00'", "null"},
	{"time", "'-838:59:59'", "-3020399000000"},
	{"time(6)", "'-00:00:00.000001'", "-1"},
	{"time(2)", "'100:00:00.25'", "360000250000"},
	{"datetime", "'9999-12-31 23:59:59'", "253402300799000"},
	{"datetime(3)", "'2024-02-29 12:34:56.789'", "1709210096789"},
	{"datetime(6)", "'1000-01-01 00:00:00.000001'", "-30610223999999999"},
	{"datetime", "'2024-02-00 00:00:00'", "null"},
	{"timestamp(6) null", "'2038-01-19 03:14:07.999999'", "\"2038-01-19T03:14:07.999999Z\""},
	{"timestamp null", "'2024-01-01 00:00:00'", "\"2024-01-01T00:00:00Z\""},
	{"uuid", "'123e4567-e89b-12d3-a456-426655440000'", "\"123e4567-e89b-12d3-a456-426655440000\""},
	{"inet6", "'2001:db8::ff00:42:8329'", "\"2001:db8::ff00:42:8329\""},
	{"int", "NULL", "null"},
};

static void write_types(struct scene *scene)
{
	char columns[8000] = "", values[8000] = "";

	for (size_t i = 0; i < COUNT_OF(types); i++) {
		snprintf(columns + strlen(columns), sizeof(columns) - strlen(columns), ", c%02zu %s", i, types[i].type);
		snprintf(values + strlen(values), sizeof(values) - strlen(values), ", %s", types[i].value);
	}
	scene_mariadb(scene, "out", "SET sql_mode = ''; SET time_zone = '+00:00';"
		      "CREATE TABLE type (id int PRIMARY KEY AUTO_INCREMENT%s, b binary(6), v varbinary(10), bl blob) CHARACTER SET utf8mb4;"
		      "INSERT INTO type VALUES (NULL%s, x'0100', x'ff00', x'00ff10')", columns, values);
}

static void check_types(struct plain *plain)
{
	struct scene *scene = plain->agent.scene;

	plain_read_back(plain, "types.change.*");
	if (strcmp(scene_value(scene, "SELECT count(*) FROM seen WHERE value->>'op' IN ('r', 'c')"), "2") != 0)
		harness_fail(&plain->agent, "not one row by the snapshot and one by the stream");
	printf("%s\n", scene_value(scene, "SELECT string_agg(value->>'op', ',') FROM seen"));
	if (*scene_value(scene, "SELECT col || ': ' || count(DISTINCT v) FROM seen, jsonb_each(value->'after') AS c(col, v) WHERE col <> 'id' "
			 "GROUP BY col HAVING count(DISTINCT v) <> 1 OR count(v) <> 2"))
		harness_fail(&plain->agent, scene_value(scene, "SELECT col || ': ' || string_agg(v::text, ' / ') FROM seen, "
			     "jsonb_each(value->'after') AS c(col, v) WHERE col <> 'id' GROUP BY col HAVING count(DISTINCT v) <> 1 OR count(v) <> 2"));
	if (strcmp(scene_value(scene, "SELECT string_agg(concat_ws(' ', source->>'snapshot', source->>'db', source->>'table', source->>'file', source->>'row', "
			       "source->>'server_id', source->>'gtid' ~ '^0-1-[0-9]+$', source->>'pos' ~ '^[0-9]+$'), ', ' ORDER BY value->>'op' DESC) "
			       "FROM (SELECT value, value->'source' AS source FROM seen) s"),
		   "true erp type bin.000001 0 0 t, false erp type bin.000001 0 1 t t") != 0)
		harness_fail(&plain->agent, scene_value(scene, "SELECT string_agg(value->>'source', ', ') FROM seen"));
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		if (!types[i].expected || strcmp(scene_value(scene, "SELECT count(*) FROM seen WHERE value #> '{after,c%02zu}' = to_jsonb($j$%s$j$::jsonb)", i,
				types[i].expected), "2") == 0)
			continue;
		fprintf(stderr, "%s %s: %s\n", types[i].type, types[i].value,
			scene_value(scene, "SELECT value #> '{after,c%02zu}' FROM seen LIMIT 1", i));
		harness_fail(&plain->agent, "a value is not what is expected");
	}
}

/* What the server says of a condition ends the order, and nothing else. */
static void expect_given_up(struct plain *plain)
{
	static const char said[] = "of table erp.type is given up: the server refuses its condition: Subquery returns more than 1 row (error 1242)";

	if (agent_verb(&plain->agent, "snapshot --table type --where '(SELECT 1 UNION SELECT id + 1) > 0'", "asked.out") != 0)
		harness_fail(&plain->agent, "a snapshot was not taken");
	WAIT_UNTIL(agent_logged(&plain->agent, said) > 0, 30, &plain->agent);
	if (getenv("TAILWATER_ROUNDS")) {
		if (agent_verb(&plain->agent, "snapshot --table erp.type --where 'sleep(15) = 0'", "asked.out") != 0)
			harness_fail(&plain->agent, "a snapshot was not taken");
		WAIT_UNTIL(agent_logged(&plain->agent, "max_statement_time exceeded") > 0, 30, &plain->agent);
	}
	if (agent_logged(&plain->agent, "connecting again"))
		harness_fail(&plain->agent, "the stream did not go on");
}

static void types_by_snapshot_and_by_stream(struct scene *scene)
{
	struct plain plain;

	write_types(scene);
	configure(&plain, scene, "types", "[erp.type]");
	await_stream(&plain);
	scene_mariadb(scene, "out", "SET sql_mode = ''; CREATE TEMPORARY TABLE copy AS SELECT * FROM type; UPDATE copy SET id = 2; "
		      "INSERT INTO type SELECT * FROM copy");
	WAIT_UNTIL(agent_metric(&plain.agent, "changes") > 0, 30, &plain.agent);
	expect_given_up(&plain);
	agent_stop(&plain.agent);
	check_types(&plain);
	printf("%zu types, by snapshot and by stream\n", COUNT_OF(types));
}

/* Exactly once --------------------------------------------------------------------------------- */

/* Versions are given in the order of the changes of a row; what is rolled back is in neither. */
static const char workload[] =
	"CREATE SEQUENCE version;"
	"CREATE TABLE account (id int PRIMARY KEY, version bigint, owner varchar(40), balance decimal(14,2));"
	"CREATE TABLE account_audit (seq bigint PRIMARY KEY AUTO_INCREMENT, id int NOT NULL, op char(1) NOT NULL, version bigint);"
	"CREATE TABLE other (id int PRIMARY KEY AUTO_INCREMENT, text text);\n"
	"DELIMITER //\n"
	"CREATE TRIGGER a1 BEFORE INSERT ON account FOR EACH ROW SET NEW.version = NEXT VALUE FOR version//\n"
	"CREATE TRIGGER a2 BEFORE UPDATE ON account FOR EACH ROW SET NEW.version = NEXT VALUE FOR version//\n"
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
	"INSERT INTO account SELECT seq, NULL, concat('owner ', seq), seq FROM seq_1_to_1000;";

/* Until there is a file that says stop; a server that is away is waited for. */
static pid_t work_begin(struct scene *scene)
{
	const char *port = strchr(scene->mariadb_address, ':') + 1;
	char command[800];
	pid_t pid = fork();

	if (pid)
		return pid;
	snprintf(command, sizeof(command), "while [ ! -e %s/work.stop ]; do mariadb --no-defaults -h 127.0.0.1 -P %s -u root erp -e 'CALL work(40)' "
		 "2>>%s/work.log || sleep 0.1; done", scene->dir, port, scene->dir);
	execl("/bin/sh", "sh", "-c", command, NULL);
	_exit(127);
}

/* What it has begun is done when it has ended. */
static void work_stop(struct scene *scene, pid_t pid)
{
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "%s/work.stop", scene->dir);
	file = fopen(path, "w");
	if (!file || fclose(file) != 0 || waitpid(pid, NULL, 0) != pid)
		abort();
}

static const char *const points[] = {
	"in-snapshot:300", "snapshot-done", "snapshot-published", "after-produce:2", "before-commit:2", "after-commit:2",
	"before-state-commit:2", "after-state-commit:2", "before-confirm:2", "split-changes:1",
};

static bool has_worked(struct agent *agent)
{
	return agent_metric(agent, "changes") > 300 && agent_metric(agent, "kafka_commits") > 3 && agent_metric(agent, "state_commits") > 1;
}

static void kill_at_random(struct plain *plain, int kills)
{
	for (int i = 0; i < kills; i++) {
		agent_start(&plain->agent, NULL);
		WAIT_UNTIL(has_worked(&plain->agent), 60, &plain->agent);
		usleep((useconds_t)rand() % 400000);
		agent_kill(&plain->agent);
	}
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

static void finish(struct plain *plain)
{
	unsigned long end[2];

	scene_mariadb(plain->agent.scene, "end.out", "SHOW MASTER STATUS");
	if (!read_place(plain->agent.scene, "end.out", end))
		abort();
	agent_start(&plain->agent, NULL);
	WAIT_UNTIL(is_behind(plain, end), 120, &plain->agent);
	agent_stop(&plain->agent);
}

/*
 * Of each row: what was published is the end of what was audited, behind the row that the snapshot has read last (one that is
 * interrupted is begun anew), or behind nothing or a delete if it has read none.
 */
static void verify(struct plain *plain)
{
	struct scene *scene = plain->agent.scene;

	scene_mariadb(scene, "audit.jsonl", "SELECT json_object('seq', seq, 'id', id, 'op', op, 'version', version) FROM account_audit ORDER BY seq");
	scene_load_lines(scene, "audit_line", "audit.jsonl");
	plain_read_back(plain, "*.account");
	scene_sql(scene,
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

static void every_change_once(struct scene *scene, int kills)
{
	struct plain plain;
	pid_t work;

	scene_mariadb(scene, "out", workload);
	configure(&plain, scene, "once", "[erp.account, erp.other]");
	work = work_begin(scene);
	for (size_t i = 0; i < COUNT_OF(points); i++)
		plain_die_at(&plain, points[i]);
	kill_at_random(&plain, kills);
	agent_start(&plain.agent, NULL);
	WAIT_UNTIL(has_worked(&plain.agent), 60, &plain.agent);
	scene_server(scene, "restart", "mariadb", "kill");
	scene_mariadb(scene, "out", "FLUSH BINARY LOGS; FLUSH BINARY LOGS");
	WAIT_UNTIL(agent_logged(&plain.agent, "streaming from") > 0 && has_worked(&plain.agent), 60, &plain.agent);
	agent_kill(&plain.agent);
	work_stop(scene, work);
	finish(&plain);
	verify(&plain);
}

int main(void)
{
	const char *kills = getenv("TAILWATER_KILLS"), *seed = getenv("TAILWATER_SEED");
	struct scene scene;

	setvbuf(stdout, NULL, _IOLBF, 0);
	srand(seed ? (unsigned)atoi(seed) : 1);
	scene_begin(&scene);
	scene_add_mariadb(&scene);
	types_by_snapshot_and_by_stream(&scene);
	every_change_once(&scene, kills ? atoi(kills) : 4);
	scene_end(&scene);
	return 0;
}
