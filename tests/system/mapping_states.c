/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What becomes of documents when a pack, the configuration or the state file is changed under an agent, on real servers:
 * MIRROR_INCOMPLETE, jobs, REPLAY_DIFFERS, what an unfinished snapshot leaves in the topics, and what a log holds beside
 * rows.
 */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "system/small.h"

static struct scene scene;

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

	small_prepare(&site, &scene, "incomplete", 20);
	scene_sql(&scene,
		  "CREATE TABLE extra (id int PRIMARY KEY, name text); INSERT INTO extra SELECT g, 'more ' || g FROM generate_series(1, 21) g;"
		  "ALTER PUBLICATION incomplete ADD TABLE extra");
	plain_stream(&site.plain);
	agent_stop(&site.plain.agent);
	for (size_t i = 0; i < COUNT_OF(packs); i++) {
		small_write_pack(&site, packs[i].version, packs[i].columns, packs[i].join);
		agent_start(&site.plain.agent, NULL);
		snprintf(text, sizeof(text), "table public.%s is loaded", packs[i].table);
		WAIT_UNTIL(agent_logged(&site.plain.agent, text) == 1, 30, &site.plain.agent);
		scene_sql(&scene, "UPDATE incomplete SET note = note || '!' WHERE id = 3; UPDATE extra SET name = name || '!' WHERE id = 3");
		plain_catch_up(&site.plain);
		agent_stop(&site.plain.agent);
		site_read_last(&site);
		snprintf(text, sizeof(text), "SELECT count(*), count(DISTINCT document #>> '%s'), count(*) FILTER (WHERE "
			 "header->>'operation' = 'UPDATE' AND header->>'mappingVersion' = '%s') FROM last WHERE topic = "
			 "'incomplete.entity.TimeEntry'", packs[i].found, packs[i].version);
		site_expect(&site, text, i ? "20|20|20" : "20|2|20");
	}
	site_expect(&site, "SELECT count(*) FROM seen WHERE topic LIKE '%.change.public.incomplete' AND value->>'op' = 'r'", "20");
	site_expect(&site, "SELECT count(*) FROM seen WHERE kind IN ('event', 'exception')", "0");
	printf("a pack that needs another column, or another table: just that is loaded while changes are streamed\n");
}

/* A changed pack: every document once more, by number of the job. */
static void changed_pack(void)
{
	static const char *const deaths[] = {"in-job:40", "after-commit:3", "before-state-commit:1", "in-job:60"};
	struct site site;

	small_prepare(&site, &scene, "repacked", 200);
	scene_sql(&scene, "UPDATE repacked SET day = NULL WHERE id = 77");
	plain_stream(&site.plain);
	scene_sql(&scene, "UPDATE repacked SET state = 'A' WHERE id <= 10");
	plain_catch_up(&site.plain);
	agent_stop(&site.plain.agent);
	small_write_pack(&site, "2", "t.state AS \"extensions.state\"", "");
	for (size_t i = 0; i < COUNT_OF(deaths); i++)
		plain_die_at(&site.plain, deaths[i]);
	plain_stream(&site.plain);
	scene_sql(&scene, "UPDATE repacked SET state = 'A' WHERE id = 11");
	plain_catch_up(&site.plain);
	agent_stop(&site.plain.agent);
	if (agent_logged(&site.plain.agent, "job 1: done, 203 documents") != 1 ||
	    !agent_logged(&site.plain.agent, "replay done"))
		harness_fail(&site.plain.agent, "the job was not done once, or nothing of it was replayed");
	plain_read_back(&site.plain, "*");
	site_expect(&site, "SELECT string_agg(DISTINCT header->>'operation', ' '), count(*), count(DISTINCT key), "
	       "count(*) FILTER (WHERE document #>> '{extensions,state}' IS NULL) FROM seen "
	       "WHERE topic = 'repacked.entity.TimeEntry' AND header->>'eventId' LIKE '%/job-1/%'", "UPDATE|199|199|0");
	site_expect(&site,
	       "SELECT count(*) FROM seen WHERE topic = 'repacked.entity.Customer' AND header->>'eventId' LIKE '%/job-1/%' "
	       "AND header->>'mappingVersion' = '2'",
	       "3");
	site_expect(&site,
	       "SELECT count(*), count(*) FILTER (WHERE header->>'mappingVersion' = '1') FROM seen WHERE kind = 'event'",
	       "11|10");
	site_expect(&site, "SELECT count(*) FROM seen WHERE kind = 'exception'", "1");
	printf("a changed pack: each document once as UPDATE, no events, also when killed %zu times in the job\n",
	       COUNT_OF(deaths));
}

/* One more change of the pack while a job is cut off: first it comes to an end as it began. */
static void pack_changed_in_a_job(void)
{
	struct site site;

	small_prepare(&site, &scene, "twice", 200);
	plain_stream(&site.plain);
	agent_stop(&site.plain.agent);
	small_write_pack(&site, "2", "t.state AS \"extensions.state\"", "");
	plain_die_at(&site.plain, "after-commit:4");
	small_write_pack(&site, "3", "t.state || '!' AS \"extensions.state\"", "");
	agent_start(&site.plain.agent, NULL);
	WAIT_UNTIL(agent_logged(&site.plain.agent, "job 2: done") > 0, 30, &site.plain.agent);
	WAIT_UNTIL(agent_metric(&site.plain.agent, "kafka_commits") > 0, 30, &site.plain.agent);
	agent_stop(&site.plain.agent);
	if (!agent_logged(&site.plain.agent, "the new one takes effect when what is under way is done"))
		harness_fail(&site.plain.agent, "the pack was not held back");
	plain_read_back(&site.plain, "*");
	site_expect(&site, "SELECT header->>'mappingVersion', count(*) FROM (SELECT DISTINCT ON (key) header FROM seen "
	       "WHERE topic = 'twice.entity.TimeEntry' ORDER BY key, n DESC) last GROUP BY 1", "3|200");
	site_expect(&site,
	       "SELECT max(times) FROM (SELECT count(*) AS times FROM seen WHERE kind = 'entity' GROUP BY header->>'eventId') e",
	       "1");
	printf("a pack changed again while a job is cut off: the job ends by the pack it began with, then comes the next\n");
}

/* Keys that only the first attempt has seen. */
static void leftovers(void)
{
	struct site site;

	small_prepare(&site, &scene, "leftover", 400);
	plain_die_at(&site.plain, "after-commit:12"); /* claim, announcement, rows; the rest are documents */
	scene_sql(&scene,
		  "DELETE FROM leftover WHERE id BETWEEN 11 AND 20; UPDATE leftover SET hours = 9 WHERE id = 21;"
		  "INSERT INTO leftover SELECT 1000, day, hours, state FROM leftover WHERE id = 1");
	plain_die_at(&site.plain, "in-snapshot:300");
	plain_stream(&site.plain);
	agent_stop(&site.plain.agent);
	site_read_last(&site);
	site_expect(&site, "SELECT count(*) FROM last WHERE topic = 'leftover.change.public.leftover' AND value = 'null' "
	       "AND (key->>'id')::int BETWEEN 11 AND 20", "10");
	site_expect(&site,
	       "SELECT count(*) FROM last WHERE topic = 'leftover.change.public.leftover' AND value->>'op' = 'r'",
	       "391");
	site_expect(&site, "SELECT count(*) FROM last WHERE topic = 'leftover.entity.TimeEntry' AND value = 'null' "
	       "AND split_part(key #>> '{}', '/', 3)::int BETWEEN 11 AND 20", "10");
	site_expect(&site,
	       "SELECT count(*) FROM last WHERE topic = 'leftover.entity.TimeEntry' AND header->>'eventId' LIKE '%/snapshot-3/%'",
	       "391");
	site_expect(&site, "SELECT count(*) FROM last WHERE value = 'null'", "20");
	site_expect(&site, "SELECT document #>> '{quantity,value}' FROM last WHERE key = '\"leftover/TimeEntry/21\"'", "9.000000000");
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
	small_prepare(site, &scene, name, 20);
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

	small_prepare(&site, &scene, "other_changes", 100);
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

	small_prepare(&site, &scene, "dropped", 20);
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

	small_prepare(&site, &scene, "beside", 20);
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
	plain_read_back(&site.plain, "*");
	site_expect(&site, "SELECT string_agg(value #>> '{message,prefix}', ' '), min(value->>'op'), min(convert_from(decode("
	       "value #>> '{message,content}', 'base64'), 'UTF8')), count(value #>> '{transaction,id}') FROM seen WHERE kind = 'message'",
	       version < 140000 ? "|||0" : "audit|m|the day ends|1");
	site_expect(&site, "SELECT regexp_replace(string_agg(concat_ws(' ', value->>'op', value #>> '{source,origin}', value #>> "
	       "'{source,origin_lsn}'), ', ' ORDER BY n), '(, d)+', ', d') FROM seen WHERE topic = 'beside.change.public.beside' AND "
	       "value->>'op' <> 'r'", truncates ? "u cloud 11259375, u, d, t, c" : "u cloud 11259375, u, d, c");
	site_expect(&site, "SELECT key::text FROM seen WHERE topic = 'beside.change.public.beside' AND value->>'op' = 'd' ORDER BY n LIMIT 1",
	       "{\"id\": 3}");
	site_expect(&site, "SELECT string_agg(concat_ws(' ', key #>> '{}', header->>'operation', header->>'origin'), ', ' ORDER BY key #>> '{}', "
	       "header->>'operation' DESC) FROM seen "
	       "WHERE kind IN ('entity', 'event') AND header->>'operation' NOT IN ('SNAPSHOT', 'DELETE')",
	       "beside/TimeEntry/1 UPDATE cloud, beside/TimeEntry/1 EVENT cloud, beside/TimeEntry/2 UPDATE, beside/TimeEntry/2 EVENT, "
	       "beside/TimeEntry/7 CREATE");
	site_expect(&site, "SELECT string_agg(topic || ' ' || deleted || ' ' || tombstones, ', ' ORDER BY topic) FROM (SELECT topic, "
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
