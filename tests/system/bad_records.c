/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Records that cannot be published: a number that is none (numeric 'NaN'), and messages larger than message.max.bytes.
 * By default the agent stops in state BLOCKED and skips nothing; with on_bad_record: exception an exception takes the
 * record's place, also across kills, and also when the limit is raised while a replay is due that was published under
 * the old one. A document that is too large, or of which a rule's condition cannot be evaluated, is an exception that
 * closes when that is over. Texts of a database that checks none are records only if they are UTF-8.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/error.h"
#include "system/trial.h"

static const char configuration[] =
	"tables:\n  include: [public.odd]\nbatch:\n  events: 500\nconfirm:\n  interval: 300ms\n  rows: 700\non_bad_record: stop\n";

static struct scene scene;
static struct agent agent;

/* The configuration with one text in the place of another. */
static void configure(const char *from, const char *to)
{
	char command[1400];

	snprintf(command, sizeof(command), "sed -i.before 's/%s/%s/' %s && ! cmp -s %s %s.before", from, to,
		 agent.config, agent.config, agent.config);
	if (system(command) != 0)
		harness_fail(&agent, command);
}

static void expect_blocked(const char *said)
{
	int status;

	agent_start(&agent, NULL);
	status = agent_wait(&agent, 60 * USEC_PER_SEC);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != named_states[STATE_BLOCKED].exit_code ||
	    !agent_logged(&agent, said))
		harness_fail(&agent, said);
	printf("BLOCKED: %s\n", said);
}

static void run_to_the_end(void)
{
	unsigned streams = agent_logged(&agent, "streaming from");

	agent_start(&agent, NULL);
	WAIT_UNTIL(agent_logged(&agent, "streaming from") > streams, 60, &agent);
	trial_let_it_finish(&agent);
}

static void snapshot_with_a_bad_row(void)
{
	expect_blocked("public.odd.n (numeric(10,2)): the value");
	configure("on_bad_record: stop", "on_bad_record: exception");
	agent_start(&agent, NULL);
	WAIT_UNTIL(agent_logged(&agent, "snapshot 1 is published") > 0, 60, &agent); /* what was left of it, while streaming */
	trial_let_it_finish(&agent);
}

static void stop_in_the_stream(void)
{
	configure("on_bad_record: exception", "on_bad_record: stop");
	scene_sql(&scene, "INSERT INTO odd VALUES (3, 3, 'good'), (4, 'NaN', 'bad')");
	expect_blocked("(3 times, after position");
	scene_sql(&scene, "DELETE FROM odd WHERE id = 4; UPDATE odd SET t = repeat('x', 80000) WHERE id = 3");
	configure("on_bad_record: stop", "on_bad_record: exception");
	run_to_the_end();
}

/*
 * Split over batches, with bad records on both sides of where it is killed; a key is changed to a row that is too
 * large.
 */
static void split_transaction_with_bad_rows(void)
{
	scene_sql(&scene,
		  "BEGIN; INSERT INTO odd SELECT g, CASE WHEN g %% 100 = 0 THEN numeric 'NaN' ELSE g END, CASE WHEN g %% 170 = 0 THEN "
		  "repeat('x', 80000) ELSE 'row' END FROM generate_series(1000, 3999) g;"
		  "UPDATE odd SET id = id + 10000, t = repeat('y', 80000) WHERE id IN (1001, 3001); COMMIT");
	trial_kill_at(&agent, "split-changes", 2);
	trial_kill_at(&agent, "state-in-changes", 1);
	trial_kill_at(&agent, "after-commit", 3);
	run_to_the_end();
}

static void document_that_is_too_large(void)
{
	scene_sql(&scene,
		  "UPDATE partner SET attributes = jsonb_build_object('segment', repeat('z', 70000)) WHERE id = 1");
	run_to_the_end();
	scene_sql(&scene, "UPDATE partner SET attributes = '{\"segment\": \"short\"}' WHERE id = 1");
	run_to_the_end();
}

/* What was published under the old limit is replayed under it; the new one holds from the next border on. */
static void limit_is_raised_before_a_replay(void)
{
	unsigned replays;

	scene_sql(&scene, "INSERT INTO odd VALUES (9001, 1, repeat('x', 80000)), (9002, 2, 'small')");
	trial_kill_at(&agent, "after-commit", 2);
	configure("message.max.bytes: 60000", "message.max.bytes: 200000");
	replays = agent_logged(&agent, "the same as published");
	agent_start(&agent, NULL);
	WAIT_UNTIL(agent_logged(&agent, "message limit can take effect") > 0, 60, &agent);
	scene_sql(&scene, "INSERT INTO odd VALUES (9003, 3, repeat('x', 80000))");
	trial_let_it_finish(&agent);
	if (agent_logged(&agent, "the same as published") == replays)
		harness_fail(&agent, "nothing was replayed");
}

/* What the state file says of them, read by somebody else: as many as `list` counts, and each can be shown. */
static void see_open_exceptions(void)
{
	char line[200];

	if (agent_verb(&agent, "exceptions list --entity TimeEntry --json", "open.jsonl") != 0 ||
	    agent_verb(&agent, "exceptions list --entity Invoice", "none.out") != 0)
		harness_fail(&agent, "the exceptions are not listed");
	scene_load_lines(&scene, "open_line", "open.jsonl");
	scene_sql(&scene, "CREATE VIEW open_exception AS SELECT line AS value FROM open_line");
	snprintf(line, sizeof(line), "exceptions show %s",
		 scene_value(&scene, "SELECT min(value->>'entity' || '/' || (value->>'key')) FROM open_exception"));
	if (agent_verb(&agent, line, "one.out") != 0 || agent_verb(&agent, "exceptions show TimeEntry/0", "no.out") == 0)
		harness_fail(&agent, line);
	if (strcmp(scene_value(&scene, "\\set one `cat %s/one.out`\n\\set none `cat %s/none.out`\n"
			       "SELECT :'one' ~ 'message +division by zero\\n.*rule +TimeBilled' AND :'none' = '0 open'", scene.dir, scene.dir), "t") != 0)
		harness_fail(&agent, "exceptions are not shown as they are");
}

/* A condition that divides by zero parks the documents it is asked of; with the rule mended they are published. */
static void rule_that_fails(void)
{
	char command[1000];

	snprintf(command, sizeof(command),
		 "mkdir %s/overlay && sed \"s/new.billingStatus = 'BILLED' AND/dec_cmp(dec_div(1, dec_sub(new.\\\"quantity.value\\\", "
		 "new.\\\"quantity.value\\\"), 2), 0) > 0 AND &/\" %s/contrib/mappings/demo/TimeEntry.yaml >%s/overlay/TimeEntry.yaml",
		 scene.dir, scene.source, scene.dir);
	if (system(command) != 0)
		harness_fail(&agent, command);
	snprintf(command, sizeof(command), "mapping:\\n  overlay: %s\\/overlay", "OVERLAY");
	configure("^mapping:", command);
	snprintf(command, sizeof(command), "sed -i 's|OVERLAY|%s|' %s", scene.dir, agent.config);
	if (system(command) != 0)
		harness_fail(&agent, command);
	run_to_the_end();
	trial_call(&scene, "psa.business_days(1, 1, 2)");
	run_to_the_end();
	see_open_exceptions();
	configure(".*overlay:.*", "");
	run_to_the_end();
}

static void check_rule(void)
{
	trial_must_be_empty(&agent,
		"SELECT value FROM record WHERE topic = 'tw.exception' AND value->>'entity' = 'TimeEntry' AND (value->>'reason' <> 'QUERY' "
		"OR value->>'rule' IS DISTINCT FROM 'TimeBilled' OR value->>'message' <> CASE value->>'status' WHEN 'OPEN' THEN "
		"'division by zero' ELSE 'the document validates again, or is gone' END) LIMIT 1", "an exception does not name the rule");
	trial_must_be_empty(&agent,
		"SELECT 'no' WHERE (SELECT count(*) FILTER (WHERE value->>'status' = 'OPEN') = count(*) / 2.0 AND count(*) > 10 FROM record "
		"WHERE topic = 'tw.exception' AND value->>'entity' = 'TimeEntry') IS NOT true", "not every such exception was closed");
	trial_must_be_empty(&agent,
		"SELECT value FROM open_exception WHERE value->>'reason' <> 'QUERY' OR value->>'rule' <> 'TimeBilled' OR NOT EXISTS (SELECT"
		" FROM record WHERE topic = 'tw.exception' AND record.value->>'status' = 'OPEN' AND record.value->>'canonicalId' LIKE"
		" '%/TimeEntry/' || (open_exception.value->>'key')) UNION ALL SELECT 'null' WHERE (SELECT count(*) FROM open_exception) < 10",
		"what is listed is not what was published as open");
	trial_must_be_empty(&agent, "SELECT * FROM wrong_document LIMIT 1", "a document is not what plain SQL says");
	printf("%s\n",
	       scene_value(
		       &scene,
		       "SELECT count(*) || ' documents parked by a rule, and published when it was mended' FROM record "
		       "WHERE topic = 'tw.exception' AND value->>'rule' = 'TimeBilled' AND value->>'status' = 'CLOSED'"));
}

static void check_published(void)
{
	trial_read_back(&agent);
	scene_sql(&scene,
		  "CREATE VIEW odd_record AS SELECT value->>'op' AS op, coalesce(value #>> '{after,id}', value #>> '{before,id}')::int AS id"
		  "  FROM record WHERE topic = 'tw.change.public.odd' AND value <> 'null';"
		  "CREATE VIEW odd_exception AS SELECT value->>'reason' AS reason, (value #>> '{sourceKeys,id}')::int AS id, value"
		  "  FROM record WHERE topic = 'tw.exception' AND value->>'table' = 'public.odd';"
		  "CREATE VIEW bad AS SELECT g AS id, CASE WHEN g %% 100 = 0 THEN 'ENCODING' ELSE 'TOO_LARGE' END AS reason"
		  "  FROM generate_series(1000, 3999) g WHERE g %% 100 = 0 OR g %% 170 = 0"
		  "  UNION ALL VALUES (2, 'ENCODING'), (3, 'TOO_LARGE'), (4, 'ENCODING'), (11001, 'TOO_LARGE'), (13001, 'TOO_LARGE'),"
		  "  (9001, 'TOO_LARGE');"
		  "CREATE VIEW good AS SELECT 'c' AS op, g AS id FROM generate_series(1000, 3999) g WHERE g %% 100 <> 0 AND g %% 170 <> 0"
		  "  UNION ALL VALUES ('r', 1), ('c', 3), ('d', 4), ('d', 1001), ('d', 3001), ('c', 9002), ('c', 9003)");
	trial_must_be_empty(
		&agent,
		"(TABLE odd_record EXCEPT ALL TABLE good) UNION ALL (TABLE good EXCEPT ALL TABLE odd_record) LIMIT 1",
		"the change topic has not exactly the good records");
	trial_must_be_empty(
		&agent,
		"SELECT id FROM (SELECT id, reason FROM odd_exception WHERE value->>'status' = 'OPEN') e FULL JOIN bad "
		"USING (id, reason) GROUP BY id HAVING count(*) <> 1 OR count(reason) <> 1 LIMIT 1",
		"there is not one exception for each bad record");
	trial_must_be_empty(
		&agent,
		"SELECT e.value FROM odd_exception e WHERE value->>'canonicalId' <> 'demo/public.odd/' || id "
		"OR (reason = 'ENCODING') <> (value->>'message' ~ 'public.odd.n') LIMIT 1",
		"an exception does not say what it is about");
	trial_must_be_empty(&agent, "SELECT id FROM wrong_event_id LIMIT 1", "event ids used again");
	trial_must_be_empty(&agent, "SELECT * FROM wrong_end LIMIT 1", "END records count what was not published");
	trial_must_be_empty(&agent, "SELECT * FROM wrong_snapshot LIMIT 1",
			    "the snapshot's END counts what was not published");
	printf("%s\n", scene_value(&scene, "SELECT (SELECT count(*) FROM odd_exception) || ' exceptions, ' || "
				   "(SELECT count(*) FROM odd_record) || ' records'"));
}

/* Without a mapping there are exceptions all the same. */
/* Legal at the source, and beyond what 64 bits hold: by the snapshot and by the stream. */
static void write_far(int first)
{
	scene_sql(&scene, "INSERT INTO far VALUES (%d, '294276-01-01', now(), NULL), (%d, now(), '294276-12-31 23:59:59+00', NULL), "
		  "(%d, now(), NULL, '178000000 years'), (%d, now(), now(), '1 day')", first, first + 1, first + 2, first + 3);
}

static void change_topics_alone(void)
{
	struct agent mapped = agent;
	char command[600];

	agent_init(&agent, &scene, "plain", configuration);
	configure("slot: tailwater", "slot: plain");
	configure("name: demo", "name: plain");
	configure("prefix: tw", "prefix: plain");
	configure("on_bad_record: stop", "on_bad_record: exception");
	configure(".* pack: .*", "");
	configure("public.odd", "public.odd, public.far");
	scene_sql(&scene, "CREATE TABLE far (id int PRIMARY KEY, ts timestamp, z timestamptz, i interval); "
		  "ALTER PUBLICATION tailwater ADD TABLE far");
	write_far(1);
	agent_start(&agent, NULL);
	WAIT_UNTIL(agent_logged(&agent, "streaming from") > 0, 60, &agent);
	write_far(11);
	WAIT_UNTIL(agent_metric(&agent, "changes") >= 4, 30, &agent);
	agent_stop(&agent);
	if (agent_verb(&agent, "read --from beginning --topic exception", "plain.jsonl") != 0)
		harness_fail(&agent, "`read` failed");
	snprintf(command, sizeof(command), "test $(grep -c '\"reason\":\"ENCODING\"' %s/plain.jsonl) = %s", scene.dir,
		 scene_value(&scene, "SELECT (SELECT count(*) FROM odd WHERE n = 'NaN') + 6"));
	if (system(command) != 0)
		harness_fail(&agent, command);
	agent = mapped;
}

static void count_lines(const char *pattern, int expected)
{
	char command[600];

	snprintf(command, sizeof(command), "test $(grep -c \"%s\" %s/latin.jsonl) = %d", pattern, scene.dir, expected);
	if (system(command) != 0)
		harness_fail(&agent, command);
}

/*
 * A database in SQL_ASCII sends whatever bytes it was given: in a row that is read, one that is inserted, and a key. What is
 * UTF-8 by luck is published; the rest only as bytes, in exceptions.
 */
static void database_without_encoding(void)
{
	scene_sql(&scene, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots");
	scene_sql(&scene, "CREATE DATABASE ascii ENCODING SQL_ASCII LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
	scene_sql(&scene, "\\c ascii\nCREATE TABLE latin (id text PRIMARY KEY, t text); CREATE PUBLICATION latin FOR TABLE latin;"
		  "INSERT INTO latin VALUES ('1', E'gr\\xc3\\xbc\\xc3\\x9f'), ('2', E'caf\\xe9')");
	agent_init(&agent, &scene, "latin", configuration);
	configure("dbname: postgres", "dbname: ascii");
	configure("slot: tailwater", "slot: latin");
	configure("publication: tailwater", "publication: latin");
	configure("public.odd", "public.latin");
	configure("name: demo", "name: latin");
	configure("prefix: tw", "prefix: latin");
	configure(".* pack: .*", "");
	expect_blocked("table public.latin, id=2: public.latin.t (text): the value is not UTF-8, which its Avro type must be");
	if (!agent_logged(&agent, "HINT: correct the row at the source"))
		harness_fail(&agent, "no remedy is told");
	configure("on_bad_record: stop", "on_bad_record: exception");
	agent_start(&agent, NULL);
	WAIT_UNTIL(agent_logged(&agent, "snapshot 1 is published") > 0, 60, &agent);
	scene_sql(&scene, "\\c ascii\nINSERT INTO latin VALUES (E'na\\xefve', 'bad key'), ('4', 'good'); UPDATE latin SET t = E'\\xff' WHERE id = '4'");
	trial_let_it_finish(&agent);
	if (agent_verb(&agent, "read --from beginning --topic 'change.*' --topic exception", "latin.jsonl") != 0)
		harness_fail(&agent, "`read` failed");
	count_lines("latin.change.public.latin\\\".*gr\xc3\xbc\xc3\x9f", 1);
	count_lines("latin.change.public.latin", 2);
	count_lines("\\\"reason\\\":\\\"ENCODING\\\"", 3);
	count_lines("x636166e9", 1);
	count_lines("x6e61ef7665", 1);
	count_lines("\xef\xbf\xbd", 0);
	printf("a database in SQL_ASCII: what is UTF-8 is published, the rest blocks, or is exceptions\n");
}

static void check_document(void)
{
	trial_must_be_empty(&agent,
		"SELECT 'no' WHERE (SELECT string_agg((value->>'status') || ' ' || (value->>'reason'), ', ' ORDER BY \"offset\") FROM record "
		"WHERE topic = 'tw.exception' AND value->>'canonicalId' = 'demo/Customer/1') IS DISTINCT FROM "
		"'OPEN TOO_LARGE, CLOSED TOO_LARGE'", "the large document is no exception that closed");
	trial_must_be_empty(&agent,
		"SELECT 'no' WHERE (SELECT string_agg(value #>> '{document,extensions,segment}', ', ' ORDER BY \"offset\") FROM record "
		"WHERE topic = 'tw.entity.Customer' AND key #>> '{}' = 'demo/Customer/1' AND value #>> '{header,operation}' = 'UPDATE' "
		"AND value #>> '{header,transactionId}' IS NOT NULL) IS DISTINCT FROM 'short'", "the large document was published, or the short one was not");
}

/* With an argument only what needs nothing of the rest. */
int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	trial_database(&scene);
	scene_sql(
		&scene,
		"CREATE TABLE odd (id int PRIMARY KEY, n numeric(10,2), t text); ALTER PUBLICATION tailwater ADD TABLE odd;"
		"INSERT INTO odd VALUES (1, 1, 'good'), (2, 'NaN', 'bad')");
	if (argc > 1 && strcmp(argv[1], "encoding") == 0) {
		database_without_encoding();
		scene_end(&scene);
		return 0;
	}
	agent_init(&agent, &scene, "agent", configuration);
	configure("^kafka:", "kafka:\\n  message.max.bytes: 60000");
	snapshot_with_a_bad_row();
	stop_in_the_stream();
	split_transaction_with_bad_rows();
	document_that_is_too_large();
	limit_is_raised_before_a_replay();
	rule_that_fails();
	check_published();
	check_document();
	check_rule();
	change_topics_alone();
	database_without_encoding();
	scene_end(&scene);
	printf("what cannot be published stops the agent, or is an exception, once\n");
	return 0;
}
