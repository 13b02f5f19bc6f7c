/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A state file that is lost under load, in the middle of a transaction that is published in part, and is built anew while the
 * load goes on and the agent is killed at every stage; lost once more, and then damaged: in the end every change was published
 * once, every document is as plain SQL has it, every fact has its one event, and the reports say what was published for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "system/trial.h"

static const char configuration[] =
	"tables:\n  include: [public.account, public.task, public.invoice]\n"
	"batch:\n  events: 100\nconfirm:\n  interval: 300ms\n  rows: 1500\nsnapshot:\n  part_rows: 600\nlog:\n  level: info\n";

/*
 * What is undone again while nobody looks raises nothing: so these facts are such as are never undone. Lines come behind the
 * back of an approval, and others go that were there before.
 */
static const char traffic[] =
	"CREATE TABLE doomed AS SELECT t.id FROM timesheet_line t JOIN timesheet s ON s.id = t.timesheet_id WHERE s.status = 2 AND NOT t.voided AND t.invoice_line_id IS NULL;"
	"CREATE PROCEDURE work_on() LANGUAGE plpgsql AS $$ DECLARE l timesheet_line; d bigint; BEGIN FOR i IN 1 .. 100 LOOP "
	"SELECT t.* INTO l FROM timesheet_line t JOIN timesheet s ON s.id = t.timesheet_id WHERE s.status = 2 AND t.note IS DISTINCT FROM 'late' "
	"ORDER BY random() LIMIT 1; PERFORM psa.meddle(1, 1, now(), 1, l);"
	"UPDATE timesheet_line SET note = 'seen ' || i WHERE id IN (SELECT id FROM timesheet_line ORDER BY random() LIMIT 3);"
	"IF i % 5 = 0 THEN DELETE FROM doomed WHERE id = (SELECT min(id) FROM doomed) RETURNING id INTO d;"
	"IF d IS NOT NULL THEN SELECT * INTO l FROM timesheet_line WHERE id = d; PERFORM psa.meddle(1, 1, now(), 2, l); END IF; END IF;"
	"COMMIT; PERFORM pg_sleep(0.1); END LOOP; END $$;"
	/* Larger than a batch, in changes and in documents. */
	"CREATE PROCEDURE work_wide() LANGUAGE plpgsql AS $$ BEGIN UPDATE account SET balance = balance + 10 WHERE id <= 500;"
	"UPDATE timesheet_line SET note = 'wide ' || txid_current(); COMMIT; PERFORM pg_sleep(1); END $$;";

#define DAYS 6

/*
 * Invoices without a customer do not validate: posted before the agent's first start (1, 2), while it runs (3, 4), or while
 * its state file is lost (5).
 */
static const char imports[] =
	"CREATE TABLE import (n int, id bigint);"
	"CREATE FUNCTION import(n int) RETURNS void LANGUAGE sql AS $$ INSERT INTO import SELECT n, psa.bill_fee(1, n, now(), p) FROM project p WHERE "
	"kind = 'F' AND partner_id IS NOT NULL ORDER BY p.id LIMIT 1; UPDATE invoice SET partner_id = NULL, number = 'NEW-' || n, status = 'P',"
	" issue_date = psa.date_of(1), due_date = psa.date_of(1), open_amount = gross_total WHERE id = (SELECT i.id FROM import i WHERE i.n = $1) $$;"
	"CREATE FUNCTION heal(n int, raised bool) RETURNS void LANGUAGE sql AS $$ UPDATE invoice SET partner_id = (SELECT partner_id FROM project "
	"WHERE kind = 'F' AND partner_id IS NOT NULL ORDER BY id LIMIT 1) WHERE id = (SELECT i.id FROM import i WHERE i.n = $1); "
	"SELECT psa.fact(1, 'InvoicePosted', 'Invoice', i.id) FROM import i WHERE i.n = $1 AND raised $$;";

static struct scene scene;
static struct agent agent;
static char output[1 << 16];

static void expect(const char *line, int code, const char *said)
{
	char path[300];
	int got = agent_verb(&agent, line, "verb.out");
	FILE *file;

	snprintf(path, sizeof(path), "%s/verb.out", scene.dir);
	file = fopen(path, "r");
	if (!file)
		harness_fail(&agent, line);
	output[fread(output, 1, sizeof(output) - 1, file)] = '\0';
	fclose(file);
	if (got == code && strstr(output, said))
		return;
	fprintf(stderr, "%s: exit code %d, expected %d and \"%s\"; it said:\n%s\n", line, got, code, said, output);
	harness_fail(&agent, line);
}

static void expect_lost(const char *option, const char *said)
{
	int status;

	agent_start_with(&agent, NULL, option);
	status = agent_wait(&agent, 60 * USEC_PER_SEC);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != named_states[STATE_STATE_LOST].exit_code || !agent_logged(&agent, said))
		harness_fail(&agent, said);
}

/* In the folder of the scene. */
static void shell(const char *what)
{
	char command[900];

	snprintf(command, sizeof(command), "cd %s && %s", scene.dir, what);
	if (system(command) != 0)
		harness_fail(&agent, command);
}

static void dies(const char *failpoint, const char *option)
{
	int status;

	agent_start_with(&agent, failpoint, option);
	status = agent_wait(&agent, 60 * USEC_PER_SEC);
	if (WIFSIGNALED(status))
		return;
	fprintf(stderr, "%s, %s\n", failpoint, harness_ending(status));
	harness_fail(&agent, "the agent did not die");
}

/* In the order of the stages: each goes on, or begins again, with what the one before has left. */
static const char *const stages[] = {
	"rebuild-reading:100", "rebuild-read", "rebuild-begun", "in-load:5", "table-loaded:1", "before-state-commit:3",
	"in-job:4", "in-job:100", "after-commit:2",
};

/* The claim of the agent that was killed is fresh. */
static void expect_conflict(void)
{
	int status;

	agent_start(&agent, NULL);
	status = agent_wait(&agent, 60 * USEC_PER_SEC);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != named_states[STATE_CONFLICT].exit_code ||
	    !agent_logged(&agent, "takes the place of a lost one, start with --take-over, or "))
		harness_fail(&agent, "a start within a minute says what to do");
}

static void lose_it_at(const char *point, const char *words)
{
	pid_t large = trial_call_for_ever(&scene, "work_wide()");
	char verb[100];

	agent_kill(&agent);
	trial_kill_at(&agent, point, 2);
	trial_call_stop(&scene, large);
	shell("rm agent.state*");
	expect_lost("--take-over", "there is a checkpoint in Kafka, but the state file is new");
	snprintf(verb, sizeof(verb), "snapshot --rebuild --assert '%s'", words);
	expect(verb, EXIT_DONE, "the state file is built anew from position 0/");
	if (strstr(output, "start it with --take-over, or in "))
		expect_conflict();
	expect("snapshot --list", EXIT_DONE, ": begins with the next start of the agent, or is reading the topics back\n  ");
}

static void expect_whole(unsigned times, const char *words)
{
	char said[100];

	WAIT_UNTIL(agent_logged(&agent, "the state file is whole again") == times, 60, &agent);
	snprintf(said, sizeof(said), "\n  %s\n", words);
	expect("snapshot --list", EXIT_DONE, said);
	printf("%s", output);
}

/* In a transaction whose documents are published in part, and then in one whose changes are. */
static void lose_it_under_load(void)
{
	lose_it_at("split-documents", "the disk is gone");
	scene_sql(&scene, "SELECT import(5), heal(1, false), heal(3, true)");
	for (size_t i = 0; i < COUNT_OF(stages); i++) {
		dies(stages[i], i ? NULL : "--take-over");
		expect("snapshot --list", EXIT_DONE, i < 2 ? ": begins with the next start" : ": under way from position 0/");
		printf("killed at %s\n", stages[i]);
	}
	agent_start(&agent, NULL);
	expect_whole(1, "the disk is gone");
	lose_it_at("split-changes", "it is gone once more");
	agent_start_with(&agent, NULL, "--take-over");
	expect_whole(2, "it is gone once more");
}

/* A page of the file, which is found when it is opened. */
static void damage_it(void)
{
	expect("snapshot --rebuild", EXIT_USAGE, "it is there, and can be read");
	shell("dd if=/dev/urandom of=agent.state bs=1 seek=20 count=4000 conv=notrunc 2>/dev/null && rm -f agent.state-wal");
	expect_lost(NULL, "is damaged");
	expect("snapshot --rebuild", EXIT_DONE, "the damaged file is kept as ");
	agent_start(&agent, NULL);
	WAIT_UNTIL(agent_logged(&agent, "the state file is whole again") == 3, 60, &agent);
}

/* Figures of the reports, by entity. */
static void load_reports(void)
{
	shell("awk 'BEGIN {n = 1} / rebuilt [A-Za-z]*: / {sub(/.* rebuilt /, \"\"); gsub(/: |, /, \" \"); print n, $1, $2, $5, $7, $9, $11, $13, $16} "
	      "/ whole again/ {n++}' OFS='\t' agent.log >reports");
	scene_sql(&scene, "CREATE TABLE report (report int, entity text, read bigint, equal bigint, differing bigint, "
		  "added bigint, gone bigint, held bigint, events bigint)");
	scene_sql(&scene, "\\copy report from '%s/reports'", scene.dir);
}

static void check_reports(void)
{
	load_reports();
	trial_must_be_empty(&agent, "SELECT r.report || ' ' || r.entity || ': ' || r.read || ' <> ' || r.equal + r.differing + r.gone FROM report r "
			    "WHERE r.read - r.equal - r.differing - r.gone NOT BETWEEN 0 AND held",
			    "a document that was read back is neither equal nor differing nor gone");
	trial_must_be_empty(&agent,
		"WITH rebuilt AS (SELECT split_part(topic, '.', 3) AS entity, value #>> '{header,operation}' AS operation FROM record "
		" WHERE value #> '{header,quality}' ? 'rebuilt' AND topic LIKE 'tw.entity.%'), "
		"told AS (SELECT entity, sum(differing) AS differing, sum(added) AS added, sum(gone) AS gone FROM report GROUP BY 1), "
		"found AS (SELECT entity, count(*) FILTER (WHERE operation = 'UPDATE') AS differing, count(*) FILTER (WHERE operation = 'CREATE') "
		" AS added, count(*) FILTER (WHERE operation = 'DELETE') AS gone FROM rebuilt GROUP BY 1) "
		"SELECT told || ' <> ' || found FROM told LEFT JOIN found USING (entity) WHERE (told.differing, told.added, told.gone) IS DISTINCT FROM "
		"(coalesce(found.differing, 0), coalesce(found.added, 0), coalesce(found.gone, 0))",
		"the reports do not say what was published");
	trial_must_be_empty(&agent,
		"SELECT told || ' <> ' || found FROM (SELECT sum(events) AS told FROM report) t, (SELECT count(*) AS found FROM record WHERE value #> "
		"'{header,quality}' ? 'rebuilt' AND topic LIKE 'tw.event.%') f WHERE told <> found OR found = 0",
		"the reports do not say which events were raised");
	trial_must_be_empty(&agent, "SELECT 'the last report: ' || r FROM (SELECT sum(differing + added + gone + events) AS n, sum(equal) AS equal "
			    "FROM report WHERE report = 3) r WHERE n <> 0 OR equal < 100", "nothing had changed");
}

int main(void)
{
	pid_t small, on;

	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	trial_database(&scene);
	for (int i = 0; i < DAYS; i++)
		trial_call(&scene, "work_day()");
	scene_sql(&scene, "%s", imports);
	scene_sql(&scene, "SELECT import(1), import(2); TRUNCATE psa_fact"); /* what was before the snapshot has no events */
	agent_init(&agent, &scene, "agent", configuration);
	agent_start(&agent, NULL);
	WAIT_UNTIL(agent_logged(&agent, "streaming from") > 0, 60, &agent);
	scene_sql(&scene, "%s", traffic);
	scene_sql(&scene, "SELECT import(3), import(4)");
	small = trial_call_for_ever(&scene, "work_small(200)");
	on = trial_call_for_ever(&scene, "work_on()");
	trial_let_it_work(&agent);
	lose_it_under_load();
	trial_call_stop(&scene, on);
	scene_sql(&scene, "SELECT heal(2, false), heal(4, true)");
	trial_let_it_finish(&agent);
	damage_it();
	trial_call_stop(&scene, small);
	scene_sql(&scene, "SELECT heal(5, true)");
	trial_call(&scene, "work_day()");
	trial_let_it_finish(&agent);
	trial_read_back(&agent);
	trial_must_be_empty(&agent, "SELECT wrong || ' ' || what || ', such as ' || example FROM verdict WHERE wrong > 0",
			    "what was published is not what happened");
	trial_must_be_empty(&agent, "SELECT id || ': ' || array_agg(value->>'status' ORDER BY \"offset\") FROM exception GROUP BY id HAVING "
			    "array_agg(value->>'status' ORDER BY \"offset\") <> '{OPEN,CLOSED}' OR count(*) <> 2",
			    "an exception is not opened and closed once");
	check_reports();
	scene_end(&scene);
	printf("every change, fact and document once, with three state files that were lost\n");
	return 0;
}
