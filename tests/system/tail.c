/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What can be looked at beside the agent without touching what it does: `tail`, by a role that has what `grants` prints
 * and nothing else.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/output.h"
#include "system/plain.h"

static struct scene scene;
static struct plain plain = {.name = "peek", .user = "looker"};

static void expect(const char *line, int code, const char *said)
{
	agent_expect(&plain.agent, line, code, said);
}

static void expect_value(const char *value, const char *query)
{
	const char *found = scene_value(&scene, "%s", query);

	if (strcmp(found, value) == 0)
		return;
	fprintf(stderr, "%s\nfound %s, expected %s\n", query, found, value);
	harness_fail(&plain.agent, query);
}

/* Follows in a process of its own; returns when its slot is there. */
static pid_t begin_tail(const char *options)
{
	pid_t pid = fork();

	if (pid < 0)
		abort();
	if (pid == 0) {
		char line[200];

		snprintf(line, sizeof(line), "tail %s", options);
		_exit(agent_verb(&plain.agent, line, "tail.out"));
	}
	WAIT_UNTIL(strcmp(scene_value(&scene, "SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE 'tailwater_tail_%%' "
				      "AND temporary AND active AND confirmed_flush_lsn IS NOT NULL"), "1") == 0, 20, &plain.agent);
	return pid;
}

static void end_tail(pid_t pid)
{
	usec_t deadline = clock_mono() + 30 * USEC_PER_SEC;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_mono() > deadline) {
			kill(pid, SIGKILL);
			harness_fail(&plain.agent, "`tail` does not end");
		}
		harness_nap();
	}
	agent_take_output(&plain.agent, "tail.out");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_DONE) {
		fprintf(stderr, "%s\n", agent_output);
		harness_fail(&plain.agent, "`tail` failed");
	}
	WAIT_UNTIL(strcmp(scene_value(&scene, "SELECT count(*) FROM pg_replication_slots WHERE temporary"), "0") == 0, 10, &plain.agent);
}

/* The lines in their order. */
static void expect_lines(const char *const *lines, size_t count)
{
	const char *at = agent_output;

	for (size_t i = 0; i < count; i++) {
		at = strstr(at, lines[i]);
		if (at)
			continue;
		fprintf(stderr, "\"%s\" is not there, or too early:\n%s\n", lines[i], agent_output);
		harness_fail(&plain.agent, "tail");
	}
}

static void prepare(void)
{
	scene_sql(&scene,
		  "CREATE TABLE many (id int PRIMARY KEY, flag bool, amount numeric(12,2), note text, day date, at timestamptz,"
		  " bytes bytea, big text, secret text); ALTER TABLE many ALTER big SET STORAGE EXTERNAL; CREATE TABLE hidden (id int PRIMARY KEY)");
	plain.include = "[public.peek, public.many]\n  exclude_columns: [public.many.secret]";
	plain_prepare(&plain, &scene);
	scene_sql(&scene, "DROP PUBLICATION peek");
	expect("grants --as postgres --role looker", EXIT_DONE, "CREATE PUBLICATION");
	scene_sql(&scene, "\\i %s/verb.out", scene.dir);
}

static void for_people(void)
{
	static const char *const lines[] = {
		"BEGIN ", "  INSERT public.many id=1 flag=true amount=1.50 note=\"it's \\\"1\\\"\" day=2026-02-28 at=2026-02-28 11:00:00+00 bytes=\\x00ff "
		"big=\"xx", "...\"\n", "  INSERT public.peek id=2 text=\"two\"\n", "COMMIT 0/",
		"BEGIN ", "  UPDATE public.many id=1 flag=null ", " big=(unchanged)\n", "  DELETE public.many id=1\n", "COMMIT 0/",
		"BEGIN ", "  UPDATE public.peek",
	};
	bool truncates = scene_version(&scene) >= 110000; /* what an older server does not publish */
	pid_t tail = begin_tail(truncates ? "--count 6" : "--count 5");

	scene_sql(&scene, "BEGIN; INSERT INTO many VALUES (1, true, 1.5, 'it''s \"1\"', '2026-02-28', '2026-02-28 12:00+01', '\\x00ff', "
		  "repeat('x', 9000), 'hunter2'); INSERT INTO hidden VALUES (1); INSERT INTO peek VALUES (2, 'two'); COMMIT");
	scene_sql(&scene, "INSERT INTO hidden VALUES (2)");
	scene_sql(&scene, "BEGIN; UPDATE many SET flag = NULL; DELETE FROM many; COMMIT");
	scene_sql(&scene, "TRUNCATE many");
	scene_sql(&scene, "UPDATE peek SET text = 'more' WHERE id = 2");
	end_tail(tail);
	expect_lines(lines, COUNT_OF(lines));
	if (truncates && !strstr(agent_output, "\n  TRUNCATE public.many\nCOMMIT 0/"))
		harness_fail(&plain.agent, "`tail` does not show a TRUNCATE");
	if (strstr(agent_output, "hidden") || strstr(agent_output, "hunter2") || strstr(agent_output, "secret"))
		harness_fail(&plain.agent, "`tail` shows what is not captured");
}

static void as_json(void)
{
	pid_t tail = begin_tail("--json --table many --count 3");

	scene_sql(&scene, "BEGIN; INSERT INTO many VALUES (1, true, 1.5, E'line\\nbreak', '2026-02-28', '2026-02-28 12:00+01', '\\x00ff', "
		  "repeat('x', 9000), 'hunter2'); INSERT INTO peek VALUES (3, 'three'); UPDATE many SET flag = NULL; DELETE FROM many; COMMIT");
	end_tail(tail);
	if (strstr(agent_output, "hunter2") || strstr(agent_output, "secret"))
		harness_fail(&plain.agent, "`tail` shows what is not captured");
	scene_load_lines(&scene, "line", "tail.out");
	expect_value("c u d", "SELECT string_agg(line->>'op', ' ' ORDER BY (line->>'index')::int) FROM line");
	expect_value("1|1|many", "SELECT count(DISTINCT line->>'transaction') || '|' || count(DISTINCT line->>'final') || '|' || max(line->>'table') FROM line");
	expect_value("{\"at\": \"2026-02-28 11:00:00+00\", \"id\": 1, \"day\": \"2026-02-28\", \"flag\": true, \"note\": \"line\\nbreak\", \"bytes\": \"\\\\x00ff\", "
		     "\"amount\": \"1.50\"}", "SELECT (line->'after') - 'big' FROM line WHERE line->>'op' = 'c'");
	expect_value("[\"big\"]|9000", "SELECT u.line->>'unchanged' || '|' || length(c.line #>> '{after,big}') FROM line u, line c "
		     "WHERE u.line->>'op' = 'u' AND c.line->>'op' = 'c'");
	expect_value("{\"id\": 1}", "SELECT line->'before' FROM line WHERE line->>'op' = 'd'");
}

/* Beside the agent, and of what it still has to get; its slot is not touched. */
static void beside_the_agent(void)
{
	char before[64], command[200];
	pid_t tail;

	plain_stream(&plain);
	tail = begin_tail("--count 1 --table public.peek");
	plain_work(&plain);
	end_tail(tail);
	agent_stop(&plain.agent);
	scene_sql(&scene, "UPDATE peek SET text = 'while it is away' WHERE id = 1");
	if (scene_version(&scene) < 120000) {
		expect("tail --from slot", named_states[STATE_UNSUPPORTED].exit_code, "cannot copy a slot");
		return;
	}
	snprintf(before, sizeof(before), "%s", scene_value(&scene, "SELECT confirmed_flush_lsn FROM pg_replication_slots"));
	expect("tail --from slot --no-follow", EXIT_DONE, "  UPDATE public.peek id=1 text=\"while it is away\"\n");
	expect("tail --from 0/1 --no-follow", EXIT_USAGE, "the slot 'peek' has only what comes after 0/");
	expect("tail --from yesterday", EXIT_USAGE, "--from is 'now', 'slot' or a position such as 0/1A2B3C8, not 'yesterday'");
	expect("tail --count 0", EXIT_USAGE, "--count is a number from 1 on");
	snprintf(command, sizeof(command), "tail --from %s --no-follow --measure", before);
	expect(command, EXIT_DONE, "1 changes of 1 transactions, ");
	expect_value(before, "SELECT confirmed_flush_lsn FROM pg_replication_slots");
	plain_stream(&plain);
	plain_catch_up(&plain);
	agent_stop(&plain.agent);
	expect("read --topic change.public.peek --from beginning", EXIT_DONE, "while it is away");
}

/* How fast decoding alone is; no number is expected of a machine under test. */
static void measured(void)
{
	if (scene_version(&scene) < 120000)
		return;
	scene_sql(&scene, "INSERT INTO peek SELECT g, md5(g::text) FROM generate_series(1001, 51000) g");
	expect("tail --from slot --count 50000 --measure", EXIT_DONE, "50000 changes of 1 transactions, ");
	printf("%s", agent_output);
	expect("tail --from slot --count 50000 --measure --json", EXIT_DONE, "{\"changes\":50000,\"transactions\":1,");
	expect("tail --from slot --no-follow --table none", EXIT_USAGE, "--table none: no captured table is called that");
}

/* What the server sent before it failed is shown. */
static void until_it_fails(void)
{
	if (scene_version(&scene) < 120000)
		return;
	plain_stream(&plain);
	plain_catch_up(&plain);
	agent_stop(&plain.agent);
	scene_sql(&scene, "UPDATE peek SET text = 'before it failed' WHERE id = 1; DROP PUBLICATION peek; UPDATE peek SET text = 'unseen' WHERE id = 1;"
		  "CREATE PUBLICATION peek FOR TABLE peek, many");
	expect("tail --from slot --no-follow", named_states[STATE_PUBLICATION_CHANGED].exit_code, "text=\"before it failed\"\n");
}

/* Without a registry, of what is captured. */
static void schemas(void)
{
	expect("schema", EXIT_DONE, "peek.change.public.many\n  key    avro, peek.change.public.many.Key, fingerprint ");
	expect("schema", EXIT_DONE, "peek.transaction\n");
	if (strstr(agent_output, "entity") || strstr(agent_output, "hidden"))
		harness_fail(&plain.agent, "`schema` shows what there is not");
	expect("schema --topic change.public.peek --json", EXIT_DONE, "\"schema\":{\"type\":\"record\"");
	if (strstr(agent_output, "secret"))
		harness_fail(&plain.agent, "`schema` shows an excluded column");
	expect("schema --topic nothing", EXIT_USAGE, "no topic fits");
	expect("schema --check", EXIT_USAGE, "--check asks a schema registry, and none is configured");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	prepare();
	schemas();
	for_people();
	as_json();
	beside_the_agent();
	measured();
	until_it_fails();
	scene_end(&scene);
	printf("`tail` shows what is captured, as lines and as JSON, and leaves no trace\n");
	return 0;
}
