/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Partitioned tables that are captured as one: a first snapshot that is broken off, the stream, rows that go from one partition to
 * another, partitions attached, detached and truncated under the agent's eyes and while it is away. Topics, mirror and database
 * have the same in the end. And what cannot be captured so is refused by name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "harness/output.h"
#include "system/small.h"

static struct scene scene;
static struct site site;
static unsigned loaded;

/* parted_b2 has its columns in another order, and one that is gone. */
static const char tables[] =
	"CREATE TABLE parted (id int PRIMARY KEY, day date, hours numeric(9,2), state text, note text) PARTITION BY RANGE (id);"
	"CREATE TABLE parted_a PARTITION OF parted FOR VALUES FROM (0) TO (1000);"
	"CREATE TABLE parted_b PARTITION OF parted FOR VALUES FROM (1000) TO (2000) PARTITION BY RANGE (id);"
	"CREATE TABLE parted_b1 PARTITION OF parted_b FOR VALUES FROM (1000) TO (1500);"
	"CREATE TABLE parted_b2 (note text, gone int, state text, id int PRIMARY KEY, hours numeric(9,2), day date);"
	"ALTER TABLE parted_b2 DROP gone; ALTER TABLE parted_b ATTACH PARTITION parted_b2 FOR VALUES FROM (1500) TO (2000);"
	"CREATE TABLE parted_customer (id int PRIMARY KEY, name text); INSERT INTO parted_customer VALUES (1, 'one');"
	"CREATE TABLE parted_log (id int, at int, text text, PRIMARY KEY (at, id)) PARTITION BY LIST (at);"
	"CREATE TABLE parted_log_1 PARTITION OF parted_log FOR VALUES IN (1); CREATE TABLE parted_log_2 PARTITION OF parted_log FOR VALUES IN (2);"
	"CREATE TABLE parted_log_3 PARTITION OF parted_log FOR VALUES IN (3);"
	"INSERT INTO parted_log SELECT g, 1 + g % 3, 'text ' || g FROM generate_series(1, 6000) g;"
	"INSERT INTO parted SELECT g * 100 + i, '2026-03-01', i, 'S', 'note' FROM generate_series(0, 19) g, generate_series(1, 5) i; ANALYZE";

static void expect(const char *line, int code, const char *said)
{
	agent_expect(&site.plain.agent, line, code, said);
}

/* Refused by name, with the remedy. */
static void refused(void)
{
	bool whole = scene_version(&scene) >= 130000;

	scene_sql(&scene, whole ? "CREATE PUBLICATION parted FOR TABLE parted, parted_log, parted_customer"
				: "CREATE PUBLICATION parted FOR TABLE parted_a, parted_b1, parted_b2, parted_customer");
	expect("check --connect", EXIT_USAGE, whole ? "ALTER PUBLICATION \"parted\" SET (publish_via_partition_root = true)"
						     : "a server before PostgreSQL 13 publishes its partitions, and not the table");
	site.plain.include = "[public.parted_a, public.parted_b1, public.parted_b2]";
	site.plain.extra = NULL;
	plain_configure(&site.plain);
	expect("check --connect", EXIT_DONE, "publication: 'parted' carries what is captured");
	site.plain.extra = site.extra;
	if (!whole)
		return;
	scene_sql(&scene, "DROP PUBLICATION parted");
	site.plain.include = "[public.parted, public.parted_b2]";
	plain_configure(&site.plain);
	expect("check --connect", EXIT_USAGE, "table public.parted_b2 is a partition of public.parted, which is captured as one table");
	site.plain.include = "[public.parted, public.parted_log]";
	plain_configure(&site.plain);
	expect("grants --missing", EXIT_DONE, "WITH (publish_via_partition_root = true);");
	scene_sql(&scene, "\\i %s/verb.out", scene.dir);
	scene_sql(&scene, "ALTER TABLE parted_b2 REPLICA IDENTITY NOTHING");
	expect("check --connect", named_states[STATE_PUBLICATION_CHANGED].exit_code, "the partition public.parted_b2 has another replica identity than its table public.parted");
	expect("doctor", EXIT_FAILED, "failure P122");
	scene_sql(&scene, "ALTER TABLE parted_b2 REPLICA IDENTITY DEFAULT");
}

static void await_loaded(void)
{
	loaded++;
	WAIT_UNTIL(agent_logged(&site.plain.agent, "table public.parted is loaded") >= loaded, 60, &site.plain.agent);
	scene_sql(&scene, "UPDATE parted_customer SET name = name");
	plain_catch_up(&site.plain);
}

/* Killed in the middle of the table that no mapping needs: its partitions that were read stand, the rest is read while streaming. */
static void first_snapshot(void)
{
	plain_die_at(&site.plain, "in-snapshot:4000");
	scene_sql(&scene, "UPDATE parted_log SET text = 'changed' WHERE id %% 1000 = 0; DELETE FROM parted_log WHERE id %% 1000 = 1");
	plain_stream(&site.plain);
	WAIT_UNTIL(agent_logged(&site.plain.agent, "of table public.parted_log is published") > 0, 60, &site.plain.agent);
	plain_catch_up(&site.plain);
	printf("first snapshot: broken off and resumed\n");
}

static void streamed(void)
{
	scene_sql(&scene, "INSERT INTO parted VALUES (50, '2026-03-02', 7, 'S', 'new'), (1750, '2026-03-02', 8, 'S', 'new'); UPDATE parted SET state = 'A' "
		  "WHERE id IN (1, 1501); DELETE FROM parted WHERE id IN (2, 1502); UPDATE parted SET id = 1900, note = 'moved' WHERE id = 3;"
		  "UPDATE parted SET id = 950 WHERE id = 1504; UPDATE parted_b2 SET hours = 3 WHERE id = 1505; INSERT INTO parted_a VALUES (60, "
		  "'2026-03-02', 7, 'S', 'directly'); UPDATE parted_log SET at = 3 WHERE id = 4");
	plain_catch_up(&site.plain);
	if (agent_logged(&site.plain.agent, "STALE"))
		harness_fail(&site.plain.agent, "a table is STALE by changes of rows");
}

/* Rows come with a partition, and go with one, without a word in the log. */
static void under_its_eyes(void)
{
	scene_sql(&scene, "CREATE TABLE parted_c (LIKE parted INCLUDING ALL); INSERT INTO parted_c SELECT g, '2026-03-03', 1, 'S', 'came' FROM "
		  "generate_series(2001, 2020) g; ALTER TABLE parted ATTACH PARTITION parted_c FOR VALUES FROM (2000) TO (3000);"
		  "UPDATE parted SET state = 'A' WHERE id = 2001");
	await_loaded();
	scene_sql(&scene, "TRUNCATE parted_b1; INSERT INTO parted VALUES (1250, '2026-03-04', 2, 'S', 'after')");
	await_loaded();
	scene_sql(&scene, "CREATE TABLE parted_d PARTITION OF parted FOR VALUES FROM (3000) TO (4000); ALTER TABLE parted DETACH PARTITION parted_c;"
		  "INSERT INTO parted VALUES (3001, '2026-03-04', 2, 'S', 'another')");
	await_loaded();
	printf("a partition attached, one truncated, one detached: the table is loaded again\n");
}

/* What was written to a partition just before it was detached is in the log, and not in the table any more. */
static void while_it_is_away(void)
{
	agent_kill(&site.plain.agent);
	scene_sql(&scene, "INSERT INTO parted SELECT g, '2026-03-05', 1, 'A', 'late' FROM generate_series(1260, 1300) g; UPDATE parted SET hours = 9 WHERE "
		  "id < 300; ALTER TABLE parted_b DETACH PARTITION parted_b1; UPDATE parted SET note = 'last' WHERE id = 1");
	plain_stream(&site.plain);
	await_loaded();
	scene_sql(&scene, "CREATE TABLE parted_e PARTITION OF parted FOR VALUES FROM (4000) TO (5000)");
	agent_stop(&site.plain.agent);
	plain_stream(&site.plain);
	scene_sql(&scene, "INSERT INTO parted VALUES (4001, '2026-03-06', 2, 'S', 'empty when it came')");
	plain_catch_up(&site.plain);
	if (agent_logged(&site.plain.agent, "table public.parted is STALE") != loaded)
		harness_fail(&site.plain.agent, "an empty partition made the table STALE");
	printf("a partition detached while the agent was away; an empty one loads nothing\n");
}

static void repeated(void)
{
	expect("snapshot --table public.parted", EXIT_DONE, "");
	WAIT_UNTIL(agent_logged(&site.plain.agent, "of table public.parted is published") > 0, 60, &site.plain.agent);
	scene_sql(&scene, "TRUNCATE parted_log; INSERT INTO parted_log VALUES (1, 1, 'again'), (2, 2, 'again')");
	plain_catch_up(&site.plain);
}

static void expect_mirror(void)
{
	const char *rows = scene_value(&scene, "SELECT string_agg(id || state, ',' ORDER BY id) FROM parted");
	char path[300];
	sqlite3 *db;
	sqlite3_stmt *stmt;
	bool same;

	snprintf(path, sizeof(path), "%s/parted.state", scene.dir);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, "SELECT group_concat(id || state) FROM (SELECT id, state FROM parted ORDER BY id)", -1, &stmt, NULL) != SQLITE_OK ||
	    sqlite3_step(stmt) != SQLITE_ROW)
		harness_fail(&site.plain.agent, sqlite3_errmsg(db));
	same = strcmp((const char *)sqlite3_column_text(stmt, 0), rows) == 0;
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	if (!same)
		harness_fail(&site.plain.agent, "the mirror does not have the rows of the table");
}

/* Of a row that went without a word the change topic keeps what it had: those are not asked for. */
static void expect_all(void)
{
	agent_stop(&site.plain.agent);
	site_read_last(&site);
	small_expect_documents(&site, "hours");
	expect_mirror();
	site_expect(&site, "SELECT count(*) FROM parted r LEFT JOIN (SELECT (key->>'id')::int AS id, value->'after' AS row FROM last WHERE topic = "
		    "'parted.change.public.parted' AND value <> 'null') d USING (id) WHERE (d.row->>'state', d.row->>'note') IS DISTINCT FROM (r.state, "
		    "r.note)", "0");
	site_expect(&site, "SELECT string_agg(value->>'op', '' ORDER BY n) FROM seen WHERE topic = 'parted.change.public.parted' AND "
		    "(key->>'id')::int IN (3, 1900) AND value <> 'null' AND value #>> '{source,snapshot}' IS DISTINCT FROM 'incremental'", "rdc");
	site_expect(&site, "SELECT string_agg(DISTINCT topic, ' ') FROM seen WHERE kind = 'change'", "parted.change.public.parted parted.change.public.parted_log");
	site_expect(&site, "SELECT count(*) FROM (SELECT DISTINCT ON (key) value FROM seen WHERE topic = 'parted.change.public.parted_log' AND n < "
		    "(SELECT min(n) FROM seen WHERE value->>'op' = 't') ORDER BY key, n DESC) l WHERE value <> 'null'", "5994");
	site_expect(&site, "SELECT count(*) FROM seen WHERE kind = 'exception'", "0");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	site_init(&site, &scene, "parted");
	if (scene_version(&scene) < 110000) {
		scene_end(&scene);
		printf("partitioned tables of this version have no keys\n");
		return 0;
	}
	scene_sql(&scene, "%s", tables);
	small_write_pack(&site, "1", "", "");
	site.plain.include = "[public.parted, public.parted_log]";
	site_configure(&site, "batch:\n  events: 20\nsnapshot:\n  readers: 3\n");
	refused();
	if (scene_version(&scene) >= 130000) {
		first_snapshot();
		streamed();
		under_its_eyes();
		while_it_is_away();
		repeated();
		expect_all();
	}
	scene_end(&scene);
	printf("partitioned tables are captured as one where the server has it\n");
	return 0;
}
