/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A first snapshot by several connections of a server that is being written to: every change of a row continues what was published of
 * it before, and the last of each is what the server has. One table is read in pieces, one is not InnoDB's and has no snapshots.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/writer.h"
#include "system/audited.h"
#include "system/family.h"

#define WRITERS 3
#define ROWS 65536

static struct scene scene;

static const char churn[] =
	"DELIMITER //\n"
	"CREATE PROCEDURE churn(transactions int, aside int)\n"
	"BEGIN\n"
	"  DECLARE i, k int DEFAULT 0;\n"
	"  WHILE i < transactions DO\n"
	"    SET k = 1 + floor(rand() * 65000), i = i + 1;\n"
	"    START TRANSACTION;\n"
	"    UPDATE big SET v = v + 1 WHERE id = k;\n"
	"    UPDATE other SET v = v + 1 WHERE id = 1 + k %% 4000;\n"
	"    IF i %% 5 = 0 THEN DELETE FROM big WHERE id = k; INSERT INTO big VALUES (k, i, 'again'); END IF;\n"
	"    COMMIT;\n"
	"    IF aside THEN UPDATE loose SET v = v + 1 WHERE id = 1 + k %% 4000; END IF;\n"
	"  END WHILE;\n"
	"END//\n"
	"DELIMITER ;\n";

static void fill(const char *table, unsigned rows, struct writer *sql)
{
	wr_printf(sql, "INSERT INTO %s VALUES (1, 0, 'as it was');", table);
	for (unsigned n = 1; n < rows; n *= 2)
		wr_printf(sql, "INSERT INTO %s SELECT id + %u, 0, filler FROM %s;", table, n, table);
	wr_printf(sql, "ANALYZE TABLE %s;\n", table);
}

static void prepare(void)
{
	struct writer sql = {0};

	wr_printf(&sql, "CREATE TABLE big (id int PRIMARY KEY, v bigint, filler varchar(50)) ENGINE = InnoDB;"
		  "CREATE TABLE other LIKE big; CREATE TABLE loose (id int PRIMARY KEY, v bigint, filler varchar(50)) ENGINE = MyISAM;");
	fill("big", ROWS, &sql);
	fill("other", 4096, &sql);
	fill("loose", 4096, &sql);
	wr_u8(&sql, '\0');
	scene_mariadb(&scene, "out", "%s", sql.data);
	scene_mariadb(&scene, "out", churn);
	wr_done(&sql);
}

/* Those who wait for the table that is held do not wait with the others. */
static pid_t begin_writer(bool aside)
{
	char command[1000];
	pid_t pid = fork();

	if (pid)
		return pid;
	snprintf(command, sizeof(command), "while [ -d %s ] && [ ! -e %s/churn.stop ]; do mariadb --no-defaults -h 127.0.0.1 -P %s -u root erp -e "
		 "'CALL churn(50, %d)' 2>>%s/churn.log || sleep 0.1; done", scene.dir, scene.dir, strchr(scene.mariadb_address, ':') + 1, aside, scene.dir);
	execl("/bin/sh", "sh", "-c", command, NULL);
	_exit(127);
}

static void end_writers(const pid_t *pids)
{
	char command[300];

	snprintf(command, sizeof(command), "touch %s/churn.stop", scene.dir);
	if (system(command) != 0)
		abort();
	for (int i = 0; i < WRITERS; i++)
		waitpid(pids[i], NULL, 0);
	snprintf(command, sizeof(command), "rm %s/churn.stop", scene.dir);
	if (system(command) != 0)
		abort();
}

/* Of each row, one change goes on where the one before it ended. */
static void verify(struct plain *plain, const char *table)
{
	char topic[100];

	snprintf(topic, sizeof(topic), "%s.change.erp.%s", plain->name, table);
	plain_read_back(plain, topic);
	scene_mariadb(&scene, "rows", "SELECT id, v FROM %s", table);
	scene_sql(&scene,
		  "DROP TABLE IF EXISTS change, held CASCADE; CREATE TABLE held (id int PRIMARY KEY, v bigint); CREATE TABLE change AS SELECT n, value->>'op' AS op,"
		  " coalesce(value #>> '{after,id}', value #>> '{before,id}')::int AS id, (value #>> '{before,v}')::bigint AS before,"
		  " (value #>> '{after,v}')::bigint AS after FROM seen WHERE value <> 'null'");
	scene_value(&scene, "\\copy held FROM %s/rows", scene.dir);
	scene_sql(&scene,
		  "CREATE VIEW wrong AS SELECT * FROM (SELECT *, lag(op) OVER w AS last_op, lag(after) OVER w AS last_after FROM change"
		  " WINDOW w AS (PARTITION BY id ORDER BY n)) c WHERE (last_op IS NULL AND op NOT IN ('r', 'c')) OR (op = 'r' AND last_op IS NOT NULL)"
		  " OR (op IN ('u', 'd') AND before IS DISTINCT FROM last_after) OR (op = 'c' AND last_op <> 'd') OR (last_op = 'd' AND op <> 'c')"
		  " UNION ALL SELECT NULL, 'held', id, h.v, l.after, NULL, NULL FROM held h FULL JOIN (SELECT DISTINCT ON (id) id, after, op FROM change"
		  " ORDER BY id, n DESC) l USING (id) WHERE h.v IS DISTINCT FROM l.after");
	printf("%s by %s: %s\n", table, plain->name, scene_value(&scene, "SELECT count(*) FILTER (WHERE op = 'r') || ' rows read, ' || count(*) FILTER (WHERE op <> "
		"'r') || ' changes' FROM change"));
	if (*scene_value(&scene, "SELECT * FROM wrong LIMIT 1"))
		harness_fail(&plain->agent, scene_value(&scene, "SELECT string_agg(wrong::text, E'\\n') FROM (SELECT * FROM wrong LIMIT 5) wrong"));
}

static void snapshot_under_load(const char *name, unsigned readers)
{
	struct plain plain;
	char command[500], said[100];
	pid_t pids[WRITERS];

	for (int i = 0; i < WRITERS; i++)
		pids[i] = begin_writer(i == 0);
	audited_configure(&plain, &scene, name, "[erp.big, erp.other, erp.loose]");
	snprintf(command, sizeof(command), "printf 'snapshot:\\n  readers: %u\\n' >>%s", readers, plain.agent.config);
	if (system(command) != 0)
		abort();
	audited_stream(&plain);
	snprintf(said, sizeof(said), "read by %u connections", readers);
	if (!agent_logged(&plain.agent, said))
		harness_fail(&plain.agent, "the snapshot was not read by as many connections as are wanted");
	end_writers(pids);
	audited_catch_up(&plain);
	agent_stop(&plain.agent);
	verify(&plain, "big");
	verify(&plain, "other");
	verify(&plain, "loose");
}

/* Dates that the calendar does not have ---------------------------------------------------------- */

static void configure_dates(struct plain *plain, const char *name, const char *rule)
{
	char command[500];

	audited_configure(plain, &scene, name, "[erp.dates]");
	snprintf(command, sizeof(command), "sed -i 's/^  type: .*/&\\n  zero_dates: %s/' %s", rule, plain->agent.config);
	if (system(command) != 0)
		abort();
}

/* A row that the snapshot reads, and a copy of it that the stream brings: also of characters that nobody has assigned. */
static void zero_dates_are_what_is_said(void)
{
	static const char expected[] = "0000-00-00 2024-02-31 2024-02-00 01:02:03.456 0000-00-00 00:00:00 ?a?b";
	struct plain plain;

	scene_mariadb(&scene, "out", "SET sql_mode = 'ALLOW_INVALID_DATES'; CREATE TABLE dates (id int PRIMARY KEY, a date, b date, c datetime(3), d timestamp NULL, e varchar(9) CHARACTER SET gbk);"
		      "INSERT INTO dates VALUES (1, '0000-00-00', '2024-02-31', '2024-02-00 01:02:03.456', '0000-00-00 00:00:00', x'fefe61fefe62')");
	configure_dates(&plain, "told", "text");
	audited_stream(&plain);
	scene_mariadb(&scene, "out", "SET sql_mode = 'ALLOW_INVALID_DATES'; INSERT INTO dates SELECT 2, a, b, c, d, e FROM dates");
	WAIT_UNTIL(agent_metric(&plain.agent, "changes") > 0, 30, &plain.agent);
	agent_stop(&plain.agent);
	plain_read_back(&plain, "told.change.erp.dates");
	if (strcmp(scene_value(&scene, "SELECT count(*) FROM seen WHERE concat_ws(' ', value #>> '{after,a}', value #>> '{after,b}', value #>> '{after,c}', "
			       "value #>> '{after,d}', value #>> '{after,e}') = '%s'", expected), "2") != 0)
		harness_fail(&plain.agent, scene_value(&scene, "SELECT string_agg(value::text, E'\\n') FROM seen"));
	configure_dates(&plain, "refused", "error");
	agent_start(&plain.agent, NULL);
	plain_expect(&plain, STATE_BLOCKED, "column erp.dates.a: a date that the calendar does not have (source.zero_dates: error)", 1, 30);
	printf("dates that the calendar does not have, as texts and refused\n");
}

/* Statements ------------------------------------------------------------------------------------- */

/* Of a client in latin1, where the log does not tell of columns. */
static void names_are_what_the_client_meant(void)
{
	struct plain plain;

	scene_mariadb(&scene, "out", "SET GLOBAL binlog_row_metadata = '%s'; CREATE TABLE größe (id int PRIMARY KEY); INSERT INTO größe VALUES (1)",
		      family_has(&scene, FACT_MARIADB) ? "NO_LOG" : "MINIMAL");
	audited_configure(&plain, &scene, "named", "[erp.größe]");
	audited_stream(&plain);
	scene_mariadb(&scene, "out", "SET NAMES latin1; ALTER TABLE gr\xf6\xdf" "e ADD w\xe4hrung varchar(3) CHARACTER SET utf8mb4; INSERT INTO gr\xf6\xdf" "e VALUES (2, '\xa3');"
		      "SET NAMES utf8mb4; ALTER TABLE größe ADD länge int; INSERT INTO größe VALUES (3, 'EUR', 7)");
	WAIT_UNTIL(agent_metric(&plain.agent, "changes") >= 2, 30, &plain.agent);
	agent_stop(&plain.agent);
	plain_read_back(&plain, "named.change.*");
	if (strcmp(scene_value(&scene, "SELECT string_agg(concat_ws(' ', value #>> '{after,id}', value #>> '{after,w_hrung}', value #>> '{after,l_nge}'), ', ' "
			       "ORDER BY value #>> '{after,id}') FROM seen"), "1, 2 £, 3 EUR 7") != 0)
		harness_fail(&plain.agent, scene_value(&scene, "SELECT string_agg(value::text, E'\\n') FROM seen"));
	scene_mariadb(&scene, "out", "SET GLOBAL binlog_row_metadata = 'FULL'");
	printf("a statement of a client in latin1 names what the client meant\n");
}

int main(void)
{
	const char *rounds = getenv("TAILWATER_ROUNDS");

	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	scene_add_mariadb(&scene);
	prepare();
	zero_dates_are_what_is_said();
	names_are_what_the_client_meant();
	snapshot_under_load("many", 16);
	for (int i = 0; i < (rounds ? atoi(rounds) : 0); i++) {
		char name[20];

		snprintf(name, sizeof(name), "again%d", i);
		snapshot_under_load(name, 16);
	}
	snapshot_under_load("one", 1);
	scene_end(&scene);
	return 0;
}
