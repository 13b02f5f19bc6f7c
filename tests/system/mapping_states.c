/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What becomes of documents when a pack, a table, the configuration or the state file is changed under an agent, on
 * real servers: MIRROR_INCOMPLETE, STALE tables, jobs, REPLAY_DIFFERS, what an unfinished snapshot leaves in the
 * topics, and what a log holds beside rows.
 */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "system/plain.h"

static struct scene scene;

/* An agent with a pack: time entries of a table of its own, and customers of another. */
struct site {
	struct plain plain;
	char folder[300];     /* of the pack */
	char extra[900];
};

static void write_file(const struct site *site, const char *name, const char *text)
{
	char path[400];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", site->folder, name);
	file = fopen(path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		harness_fail(NULL, path);
}

/* Another version of the pack: what it has more of columns, and of tables. */
static void write_pack(const struct site *site, const char *version, const char *columns, const char *join)
{
	const char *name = site->plain.name;
	char text[3000];

	snprintf(text, sizeof(text), "name: small\nversion: \"%s\"\nsystem: test\nowner: nobody\n", version);
	write_file(site, "pack.yaml", text);
	snprintf(text, sizeof(text),
		 "entity: TimeEntry\nroot: %s\n%s"
		 "document: |\n"
		 "  SELECT t.id AS \"sourceKeys.id\", ref('Resource', 7) AS resource, t.day AS workDate,\n"
		 "         t.hours AS \"quantity.value\", 'HUR' AS \"quantity.unit\",\n"
		 "         CASE t.state WHEN 'A' THEN 'APPROVED' ELSE 'SUBMITTED' END AS approvalStatus%s%s\n"
		 "    FROM %s t%s WHERE t.id = :id\n"
		 "required: [resource, workDate, quantity]\n"
		 "events:\n  TimeApproved:\n    class: OPERATIONAL\n"
		 "    when: new.approvalStatus = 'APPROVED' AND old.approvalStatus IS NOT 'APPROVED'\n",
		 name, *join ? "reference: [extra]\n" : "", *columns ? ", " : "", columns, name, join);
	write_file(site, "TimeEntry.yaml", text);
	snprintf(text, sizeof(text), "entity: Customer\nroot: %s_customer\n"
		 "document: SELECT c.name AS name, c.id AS \"sourceKeys.id\" FROM %s_customer c WHERE c.id = :id\nrequired: [name]\n",
		 name, name);
	write_file(site, "Customer.yaml", text);
}

static void configure(struct site *site)
{
	const char *name = site->plain.name;

	snprintf(site->extra, sizeof(site->extra),
		 "mapping:\n  pack: %s\n  schemas: %s/schemas\nbatch:\n  events: 20\n", site->folder, scene.source);
	site->plain.extra = site->extra;
	agent_init(&site->plain.agent, &scene, name, "");
	plain_configure(&site->plain);
}

static void prepare(struct site *site, const char *name, int rows)
{
	char command[400];

	*site = (struct site){.plain.name = name};
	snprintf(site->folder, sizeof(site->folder), "%s/%s.pack", scene.dir, name);
	snprintf(command, sizeof(command), "mkdir %s", site->folder);
	if (system(command) != 0)
		harness_fail(NULL, command);
	scene_sql(&scene, "CREATE TABLE %s (id int PRIMARY KEY, day date, hours numeric(9,2), state text, note text);"
		  "CREATE TABLE %s_customer (id int PRIMARY KEY, name text);"
		  "INSERT INTO %s SELECT g, '2026-03-01', g %% 8, 'S', 'note' FROM generate_series(1, %d) g;"
		  "INSERT INTO %s_customer SELECT g, 'customer ' || g FROM generate_series(1, 3) g;"
		  "CREATE PUBLICATION %s FOR TABLE %s, %s_customer", name, name, name, rows, name, name, name, name);
	write_pack(site, "1", "", "");
	configure(site);
}

/* All records, into table seen: topic without prefix, offset, key, value. */
static void read_back(struct site *site)
{
	plain_read_back(&site->plain, "*");
}

static void expect(const struct site *site, const char *query, const char *value)
{
	const char *found = scene_value(&scene, "%s", query);

	if (strcmp(found, value) == 0)
		return;
	fprintf(stderr, "%s\nfound %s, expected %s\n", query, found, value);
	harness_fail(&site->plain.agent, "what was published is not what was expected");
}

/* Documents of the last message of each key; tombstones count as none. */
static void read_last(struct site *site)
{
	read_back(site);
	scene_sql(&scene, "DROP TABLE IF EXISTS last; CREATE TABLE last AS SELECT DISTINCT ON (topic, key) * FROM seen "
		  "WHERE kind IN ('change', 'entity') ORDER BY topic, key, n DESC");
}

/* A new pack needs what was never kept: it is read while changes are streamed, and nothing else is. */
static void more_is_mirrored(void)
{
	static const struct {
		const char *version, *columns, *join, *table, *found;
	} packs[] = {
		{"2", "t.note AS \"extensions.note\"", "", "incomplete", "{extensions,note}"},
		{"3", "e.name AS \"extensions.more\"", " LEFT JOIN extra e ON e.id = t.id", "extra", "{extensions,more}"},
	};
	struct site site;
	char text[400];

	prepare(&site, "incomplete", 20);
	scene_sql(&scene,
		  "CREATE TABLE extra (id int PRIMARY KEY, name text); INSERT INTO extra SELECT g, 'more ' || g FROM generate_series(1, 21) g;"
		  "ALTER PUBLICATION incomplete ADD TABLE extra");
	plain_stream(&site.plain);
	agent_stop(&site.plain.agent);
	for (size_t i = 0; i < COUNT_OF(packs); i++) {
		write_pack(&site, packs[i].version, packs[i].columns, packs[i].join);
		agent_start(&site.plain.agent, NULL);
		snprintf(text, sizeof(text), "table public.%s is loaded", packs[i].table);
		WAIT_UNTIL(agent_logged(&site.plain.agent, text) == 1, 30, &site.plain.agent);
		scene_sql(&scene, "UPDATE incomplete SET note = note || '!' WHERE id = 3; UPDATE extra SET name = name || '!' WHERE id = 3");
		plain_catch_up(&site.plain);
		agent_stop(&site.plain.agent);
		read_last(&site);
		snprintf(text, sizeof(text), "SELECT count(*), count(DISTINCT document #>> '%s'), count(*) FILTER (WHERE "
			 "header->>'operation' = 'UPDATE' AND header->>'mappingVersion' = '%s') FROM last WHERE topic = "
			 "'incomplete.entity.TimeEntry'", packs[i].found, packs[i].version);
		expect(&site, text, i ? "20|20|20" : "20|2|20");
	}
	expect(&site, "SELECT count(*) FROM seen WHERE topic LIKE '%.change.public.incomplete' AND value->>'op' = 'r'", "20");
	expect(&site, "SELECT count(*) FROM seen WHERE kind IN ('event', 'exception')", "0");
	printf("a pack that needs another column, or another table: just that is loaded while changes are streamed\n");
}

/* A changed pack: every document once more, by number of the job. */
static void changed_pack(void)
{
	static const char *const deaths[] = {"in-job:40", "after-commit:3", "before-state-commit:1", "in-job:60"};
	struct site site;

	prepare(&site, "repacked", 200);
	scene_sql(&scene, "UPDATE repacked SET day = NULL WHERE id = 77");
	plain_stream(&site.plain);
	scene_sql(&scene, "UPDATE repacked SET state = 'A' WHERE id <= 10");
	plain_catch_up(&site.plain);
	agent_stop(&site.plain.agent);
	write_pack(&site, "2", "t.state AS \"extensions.state\"", "");
	for (size_t i = 0; i < COUNT_OF(deaths); i++)
		plain_die_at(&site.plain, deaths[i]);
	plain_stream(&site.plain);
	scene_sql(&scene, "UPDATE repacked SET state = 'A' WHERE id = 11");
	plain_catch_up(&site.plain);
	agent_stop(&site.plain.agent);
	if (agent_logged(&site.plain.agent, "job 1: done, 203 documents") != 1 ||
	    !agent_logged(&site.plain.agent, "replay done"))
		harness_fail(&site.plain.agent, "the job was not done once, or nothing of it was replayed");
	read_back(&site);
	expect(&site, "SELECT string_agg(DISTINCT header->>'operation', ' '), count(*), count(DISTINCT key), "
	       "count(*) FILTER (WHERE document #>> '{extensions,state}' IS NULL) FROM seen "
	       "WHERE topic = 'repacked.entity.TimeEntry' AND header->>'eventId' LIKE '%/job-1/%'", "UPDATE|199|199|0");
	expect(&site,
	       "SELECT count(*) FROM seen WHERE topic = 'repacked.entity.Customer' AND header->>'eventId' LIKE '%/job-1/%' "
	       "AND header->>'mappingVersion' = '2'",
	       "3");
	expect(&site,
	       "SELECT count(*), count(*) FILTER (WHERE header->>'mappingVersion' = '1') FROM seen WHERE kind = 'event'",
	       "11|10");
	expect(&site, "SELECT count(*) FROM seen WHERE kind = 'exception'", "1");
	printf("a changed pack: each document once as UPDATE, no events, also when killed %zu times in the job\n",
	       COUNT_OF(deaths));
}

/* One more change of the pack while a job is cut off: first it comes to an end as it began. */
static void pack_changed_in_a_job(void)
{
	struct site site;

	prepare(&site, "twice", 200);
	plain_stream(&site.plain);
	agent_stop(&site.plain.agent);
	write_pack(&site, "2", "t.state AS \"extensions.state\"", "");
	plain_die_at(&site.plain, "after-commit:4");
	write_pack(&site, "3", "t.state || '!' AS \"extensions.state\"", "");
	agent_start(&site.plain.agent, NULL);
	WAIT_UNTIL(agent_logged(&site.plain.agent, "job 2: done") > 0, 30, &site.plain.agent);
	WAIT_UNTIL(agent_metric(&site.plain.agent, "kafka_commits") > 0, 30, &site.plain.agent);
	agent_stop(&site.plain.agent);
	if (!agent_logged(&site.plain.agent, "the new one takes effect when what is under way is done"))
		harness_fail(&site.plain.agent, "the pack was not held back");
	read_back(&site);
	expect(&site, "SELECT header->>'mappingVersion', count(*) FROM (SELECT DISTINCT ON (key) header FROM seen "
	       "WHERE topic = 'twice.entity.TimeEntry' ORDER BY key, n DESC) last GROUP BY 1", "3|200");
	expect(&site,
	       "SELECT max(times) FROM (SELECT count(*) AS times FROM seen WHERE kind = 'entity' GROUP BY header->>'eventId') e",
	       "1");
	printf("a pack changed again while a job is cut off: the job ends by the pack it began with, then comes the next\n");
}

/* What TimeEntry has to be, by the rows that are there. */
static void expect_documents(struct site *site, const char *hours)
{
	const char *name = site->plain.name;
	char query[900];

	snprintf(query, sizeof(query), "SELECT count(*) FROM (SELECT id, %s::numeric(38,9)::text AS hours, CASE state WHEN 'A' THEN "
		 "'APPROVED' ELSE 'SUBMITTED' END AS status FROM %s WHERE day IS NOT NULL) r FULL JOIN (SELECT split_part(key #>> '{}', '/', 3)::int "
		 "AS id, document #>> '{quantity,value}' AS hours, document->>'approvalStatus' AS status FROM last WHERE topic = "
		 "'%s.entity.TimeEntry' AND value <> 'null') d USING (id) WHERE (r.hours, r.status) IS DISTINCT FROM (d.hours, d.status)",
		 hours, name, name);
	expect(site, query, "0");
}

static void await_healed(struct site *site, unsigned times)
{
	char said[200];

	snprintf(said, sizeof(said), "table public.%s is loaded", site->plain.name);
	WAIT_UNTIL(agent_logged(&site->plain.agent, said) >= times, 60, &site->plain.agent);
	scene_sql(&scene, "UPDATE %s_customer SET name = name", site->plain.name); /* what is confirmed is told with the next commit */
	plain_catch_up(&site->plain);
}

/*
 * Columns of a mirrored table change in ways that rewrite rows without telling. What happens meanwhile is made up for, and so
 * are its events.
 */
static void stale(const char *name, const char *change)
{
	struct site site;
	struct agent *agent = &site.plain.agent;
	char query[600];

	prepare(&site, name, 20);
	plain_stream(&site.plain);
	scene_sql(&scene, "DELETE FROM %s WHERE id = 8", name);
	plain_catch_up(&site.plain);
	scene_sql(&scene, "ALTER TABLE %s %s; UPDATE %s SET state = 'A' WHERE id <= 5; DELETE FROM %s WHERE id = 7", name, change, name, name);
	scene_sql(&scene, "UPDATE %s_customer SET name = 'renamed'", name);
	await_healed(&site, 1);
	scene_sql(&scene, "UPDATE %s SET state = 'A', hours = 3 WHERE id = 6; INSERT INTO %s (id, day, hours, state) VALUES (30, '2026-03-02', 5, 'S')", name, name);
	plain_catch_up(&site.plain);
	agent_stop(agent);
	read_last(&site);
	expect_documents(&site, "hours");
	expect(&site, "SELECT string_agg(value->>'op', '' ORDER BY n) FROM seen WHERE topic LIKE '%.change.public.%' AND topic NOT LIKE "
	       "'%customer' AND value <> 'null' AND value->>'op' <> 'r'", "duuuuuduc");
	snprintf(query, sizeof(query), "SELECT string_agg(DISTINCT substring(header->>'eventId' FROM '([0-9]+)/TimeApproved'), ',' "
		 "ORDER BY substring(header->>'eventId' FROM '([0-9]+)/TimeApproved')), count(*) FROM seen WHERE topic = '%s.event.TimeApproved'", name);
	expect(&site, query, "1,2,3,4,5,6|6");
	expect(&site, "SELECT count(*) FROM seen WHERE kind = 'exception'", "0");
	expect(&site, "SELECT count(*) FROM seen WHERE topic LIKE '%.entity.Customer'", "6");
	printf("%s: the table is loaded again; documents and events are made up for\n", change);
}

/*
 * A column is dropped, and another of its name and type is there when the log comes to a row. All that the log has before that is
 * of the former one, and how far the agent is in it does not matter; nor where it dies, and reads a part of it once more.
 */
static void renew(const struct site *site, unsigned round)
{
	const char *name = site->plain.name;

	scene_sql(&scene, "UPDATE %s SET hours = 1 WHERE id %% 2 = 0", name);
	scene_sql(&scene, "BEGIN; UPDATE %s SET hours = 2 WHERE id = 3; ALTER TABLE %s DROP COLUMN hours, ADD COLUMN hours numeric(9,2) "
		  "DEFAULT %u; UPDATE %s SET note = '%u' WHERE id <= 5; COMMIT", name, name, 100 + round, name, round);
	scene_sql(&scene, "UPDATE %s SET note = note || '.' WHERE id = 4", name);
}

static void expect_renewed(struct site *site, unsigned round)
{
	char text[300];

	await_healed(site, round);
	agent_stop(&site->plain.agent);
	read_last(site);
	expect_documents(site, "hours");
	snprintf(text, sizeof(text), "SELECT count(*) FROM seen WHERE topic LIKE '%%.entity.TimeEntry' AND document #>> '{quantity,value}' "
		 "LIKE '%u.%%'", 100 + round);
	expect(site, text, "20");
}

static void renewed(void)
{
	static const char *const deaths[] = {"stale:1", "before-state-commit:1", "before-state-commit:2", "after-commit:2", "part-loaded:1",
					     "table-loaded:1"};
	struct site site;
	struct agent *agent = &site.plain.agent;
	unsigned round = 0;

	prepare(&site, "renewed", 20);
	plain_stream(&site.plain);
	renew(&site, ++round);
	expect_renewed(&site, round);
	renew(&site, ++round);
	plain_stream(&site.plain);
	expect_renewed(&site, round);
	for (size_t i = 0; i < COUNT_OF(deaths); i++) {
		unsigned before = agent_logged(agent, "streaming from");

		agent_start(agent, deaths[i]);
		WAIT_UNTIL(agent_logged(agent, "streaming from") > before, 30, agent);
		renew(&site, ++round);
		plain_await_death(&site.plain, deaths[i]);
		plain_stream(&site.plain);
		expect_renewed(&site, round);
	}
	if (!agent_logged(agent, "replay done"))
		harness_fail(agent, "nothing was replayed");
	printf("a column dropped and added again with its name and type: the table is loaded again, also after %zu deaths\n",
	       COUNT_OF(deaths));
}

/* The mapping needs the column that is gone: held, with the place in the pack, until it is there again. */
static void vanished(void)
{
	struct site site;
	struct agent *agent = &site.plain.agent;

	prepare(&site, "vanished", 20);
	plain_stream(&site.plain);
	scene_sql(&scene, "ALTER TABLE vanished DROP COLUMN hours; UPDATE vanished SET state = 'A' WHERE id <= 5");
	scene_sql(&scene, "UPDATE vanished_customer SET name = 'renamed'");
	WAIT_UNTIL(agent_logged(agent, "TimeEntry.yaml:") > 0, 60, agent);
	plain_catch_up(&site.plain);
	agent_kill(agent);
	plain_stream(&site.plain);
	if (agent_logged(agent, "its entities are held, because the mapping does not take it") < 2)
		harness_fail(agent, "a restart does not tell that entities are held");
	agent_stop(agent);
	read_last(&site);
	expect(&site, "SELECT string_agg(DISTINCT header->>'operation', ' '), count(*) FROM seen WHERE topic = "
	       "'vanished.entity.TimeEntry'", "SNAPSHOT|20");
	expect(&site, "SELECT string_agg(value->>'op', '' ORDER BY n) FROM seen WHERE topic = 'vanished.change.public.vanished' AND "
	       "value->>'op' <> 'r'", "uuuuu");
	expect(&site, "SELECT count(*) FROM seen WHERE topic LIKE '%.entity.Customer'", "6");
	scene_sql(&scene, "ALTER TABLE vanished ADD COLUMN hours numeric(9,2) DEFAULT 2.5");
	plain_stream(&site.plain);
	await_healed(&site, 1);
	agent_stop(agent);
	read_last(&site);
	expect_documents(&site, "hours");
	expect(&site, "SELECT count(*) FROM seen WHERE kind = 'event'", "5");
	printf("DROP COLUMN: its entity is held with the place in the pack, also after a restart, until there is one again\n");
}

static void stale_tables(void)
{
	stale("retyped", "ALTER COLUMN hours TYPE numeric(12,3) USING hours + 1");
	stale("rewritten", "ALTER COLUMN state TYPE varchar(20) USING 'S'");
	stale("redone", "DROP COLUMN hours, ADD COLUMN hours numeric(10,2) DEFAULT 7.5");
	renewed();
	vanished();
}

/* Keys that only the first attempt has seen. */
static void leftovers(void)
{
	struct site site;

	prepare(&site, "leftover", 400);
	plain_die_at(&site.plain, "after-commit:12"); /* claim, announcement, rows; the rest are documents */
	scene_sql(&scene,
		  "DELETE FROM leftover WHERE id BETWEEN 11 AND 20; UPDATE leftover SET hours = 9 WHERE id = 21;"
		  "INSERT INTO leftover SELECT 1000, day, hours, state FROM leftover WHERE id = 1");
	plain_die_at(&site.plain, "in-snapshot:300");
	plain_stream(&site.plain);
	agent_stop(&site.plain.agent);
	read_back(&site);
	scene_sql(&scene, "DROP TABLE IF EXISTS last; CREATE TABLE last AS SELECT DISTINCT ON (topic, key) * FROM seen "
		  "WHERE kind IN ('change', 'entity') ORDER BY topic, key, n DESC");
	expect(&site, "SELECT count(*) FROM last WHERE topic = 'leftover.change.public.leftover' AND value = 'null' "
	       "AND (key->>'id')::int BETWEEN 11 AND 20", "10");
	expect(&site,
	       "SELECT count(*) FROM last WHERE topic = 'leftover.change.public.leftover' AND value->>'op' = 'r'",
	       "391");
	expect(&site, "SELECT count(*) FROM last WHERE topic = 'leftover.entity.TimeEntry' AND value = 'null' "
	       "AND split_part(key #>> '{}', '/', 3)::int BETWEEN 11 AND 20", "10");
	expect(&site,
	       "SELECT count(*) FROM last WHERE topic = 'leftover.entity.TimeEntry' AND header->>'eventId' LIKE '%/snapshot-3/%'",
	       "391");
	expect(&site, "SELECT count(*) FROM last WHERE value = 'null'", "20");
	expect(&site, "SELECT document #>> '{quantity,value}' FROM last WHERE key = '\"leftover/TimeEntry/21\"'", "9.000000000");
	printf("rows that an unfinished snapshot has published and that are gone are deleted, with their documents\n");
}

/* Something else than the log has changed what comes out. */

static void change_state(const struct site *site, const char *sql)
{
	char path[400], *problem = NULL;
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/%s.state", scene.dir, site->plain.name);
	if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, sql, NULL, NULL, &problem) != SQLITE_OK)
		harness_fail(NULL, problem ? problem : "opening the state file");
	sqlite3_close(db);
}

static void expect_differs(struct site *site, const char *said)
{
	for (unsigned times = 1; times <= 2; times++) {
		agent_start(&site->plain.agent, NULL);
		plain_expect(&site->plain, STATE_REPLAY_DIFFERS, said, times, 30);
	}
}

/* With batches that Kafka has and the state file does not. */
static void leave_to_replay(struct site *site, const char *name)
{
	prepare(site, name, 20);
	plain_stream(&site->plain);
	agent_stop(&site->plain.agent);
	scene_sql(&scene, "UPDATE %s SET hours = hours + 1 WHERE id <= 5", name);
	plain_die_at(&site->plain, "after-commit:2");
}

static void differ_by_configuration(void)
{
	struct site site;

	leave_to_replay(&site, "other_columns");
	site.plain.include = "[public.other_columns]\n  exclude_columns: [public.other_columns.note]";
	plain_configure(&site.plain);
	expect_differs(&site,
		       "the replay made 10 messages, but the checkpoint says that 10 (or others) were published");
	site.plain.include = NULL;
	plain_configure(&site.plain);
	plain_stream(&site.plain);
	plain_catch_up(&site.plain);
	agent_stop(&site.plain.agent);
	printf("a column excluded after a crash: REPLAY_DIFFERS, 21, also after a restart; with the former configuration it goes on\n");
}

static void differ_by_document(void)
{
	struct site site;

	leave_to_replay(&site, "other_document");
	change_state(&site, "DELETE FROM _tw_document_number_TimeEntry WHERE key = 3");
	expect_differs(&site,
		       "the replay made 10 messages, but the checkpoint says that 10 (or others) were published");
	printf("a kept document deleted from the state file: REPLAY_DIFFERS, 21, also after a restart\n");
}

static void differ_by_transaction(void)
{
	struct site site;

	prepare(&site, "other_changes", 100);
	site.plain.confirm_rows = 30;
	plain_configure(&site.plain);
	plain_stream(&site.plain);
	agent_stop(&site.plain.agent);
	scene_sql(&scene, "UPDATE other_changes SET hours = hours + 1");
	plain_die_at(&site.plain, "state-in-changes:1");
	change_state(&site, "UPDATE _tw_position SET open_hash = open_hash + 1");
	expect_differs(&site, "otherwise than before");
	printf("a transaction that is sent otherwise than before: REPLAY_DIFFERS, 21, also after a restart\n");
}

static void replay_differs(void)
{
	differ_by_configuration();
	differ_by_document();
	differ_by_transaction();
}

/* A table of which only the mapping reads is gone when the agent comes back. */
static void dropped_table(void)
{
	const char *said = "the captured table public.dropped_customer was dropped or renamed: what was committed to it last may not be "
			   "published HINT: take it out of the mapping pack";
	struct site site;
	char path[400];

	prepare(&site, "dropped", 20);
	plain_stream(&site.plain);
	agent_stop(&site.plain.agent);
	scene_sql(&scene, "UPDATE dropped_customer SET name = 'unseen'; DROP TABLE dropped_customer");
	for (unsigned times = 1; times <= 2; times++) {
		agent_start(&site.plain.agent, NULL);
		plain_expect(&site.plain, STATE_PUBLICATION_CHANGED, said, times, 30);
	}
	snprintf(path, sizeof(path), "%s/Customer.yaml", site.folder);
	if (remove(path) != 0)
		harness_fail(NULL, path);
	plain_stream(&site.plain);
	scene_sql(&scene, "UPDATE dropped SET state = 'A'");
	plain_catch_up(&site.plain);
	agent_stop(&site.plain.agent);
	printf("a table that only the mapping reads is dropped: PUBLICATION_CHANGED, 19, until the pack does without it\n");
}

/*
 * What a log holds beside rows: messages (from 14 on), where a transaction came from, and TRUNCATE (from 11 on). And a key that
 * includes what is none (from 11 on).
 */
static void beside_rows(void)
{
	int version = scene_version(&scene);
	bool truncates = version >= 110000;
	struct site site;

	prepare(&site, "beside", 20);
	scene_sql(&scene, "ALTER TABLE beside DROP CONSTRAINT beside_pkey, ADD PRIMARY KEY (id)%s", truncates ? " INCLUDE (day)" : "");
	plain_stream(&site.plain);
	scene_sql(&scene, "SELECT pg_logical_emit_message(false, 'apart', 'at once'), pg_logical_emit_message(true, 'audit', 'the day ends')");
	scene_sql(&scene, "SELECT pg_replication_origin_create('cloud'), pg_replication_origin_session_setup('cloud'); BEGIN;"
		  "SELECT pg_replication_origin_xact_setup('0/ABCDEF', '2026-03-01 12:00Z'); UPDATE beside SET state = 'A' WHERE id = 1; COMMIT;");
	scene_sql(&scene, "UPDATE beside SET state = 'A' WHERE id = 2");
	scene_sql(&scene, "DELETE FROM beside WHERE id = 3");
	scene_sql(&scene, "%s; INSERT INTO beside VALUES (7, '2026-03-02', 7, 'S', 'anew')",
		  truncates ? "TRUNCATE beside, beside_customer" : "DELETE FROM beside; DELETE FROM beside_customer");
	plain_catch_up(&site.plain);
	agent_stop(&site.plain.agent);
	read_back(&site);
	expect(&site, "SELECT string_agg(value #>> '{message,prefix}', ' '), min(value->>'op'), min(convert_from(decode("
	       "value #>> '{message,content}', 'base64'), 'UTF8')), count(value #>> '{transaction,id}') FROM seen WHERE kind = 'message'",
	       version < 140000 ? "|||0" : "audit|m|the day ends|1");
	expect(&site, "SELECT regexp_replace(string_agg(concat_ws(' ', value->>'op', value #>> '{source,origin}', value #>> "
	       "'{source,origin_lsn}'), ', ' ORDER BY n), '(, d)+', ', d') FROM seen WHERE topic = 'beside.change.public.beside' AND "
	       "value->>'op' <> 'r'", truncates ? "u cloud 11259375, u, d, t, c" : "u cloud 11259375, u, d, c");
	expect(&site, "SELECT key::text FROM seen WHERE topic = 'beside.change.public.beside' AND value->>'op' = 'd' ORDER BY n LIMIT 1",
	       "{\"id\": 3}");
	expect(&site, "SELECT string_agg(concat_ws(' ', key #>> '{}', header->>'operation', header->>'origin'), ', ' ORDER BY key #>> '{}', "
	       "header->>'operation' DESC) FROM seen "
	       "WHERE kind IN ('entity', 'event') AND header->>'operation' NOT IN ('SNAPSHOT', 'DELETE')",
	       "beside/TimeEntry/1 UPDATE cloud, beside/TimeEntry/1 EVENT cloud, beside/TimeEntry/2 UPDATE, beside/TimeEntry/2 EVENT, "
	       "beside/TimeEntry/7 CREATE");
	expect(&site, "SELECT string_agg(topic || ' ' || deleted || ' ' || tombstones, ', ' ORDER BY topic) FROM (SELECT topic, "
	       "count(DISTINCT key) FILTER (WHERE header->>'operation' = 'DELETE' AND document->>'deleted' = 'true') AS deleted, "
	       "count(DISTINCT key) FILTER (WHERE value = 'null') AS tombstones FROM seen WHERE kind = 'entity' GROUP BY 1) t",
	       "beside.entity.Customer 3 3, beside.entity.TimeEntry 20 20");
	printf("a transactional message is a record, another is none; a transaction's origin is told; TRUNCATE is a record, and deletes documents\n");
}

static const struct {
	const char *name;
	void (*run)(void);
} steps[] = {
	{"incomplete", more_is_mirrored},
	{"pack", changed_pack},
	{"pack-in-job", pack_changed_in_a_job},
	{"stale", stale_tables},
	{"leftovers", leftovers},
	{"differs", replay_differs},
	{"dropped", dropped_table},
	{"beside-rows", beside_rows},
};

/* With the name of a step: only that. */
int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		if (argc > 1 && strcmp(argv[1], steps[i].name) != 0)
			continue;
		steps[i].run();
		scene_sql(&scene,
			  "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active");
	}
	scene_end(&scene);
	printf("documents are what mapping, tables and state file make of them, or held back\n");
	return 0;
}
