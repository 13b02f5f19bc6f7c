/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Beside a real ERP: Tryton, driven by its own scripting library, does a firm's business while the agent reads its
 * database by the pack contrib/mappings/tryton, set up as the README says: grants, check, doctor, run. In the end every
 * document and event is compared with what Tryton itself tells (tests/tryton).
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "harness/harness.h"

#define ROLE "tailwater"

static struct scene scene;
static struct agent agent;
static char host[64], port[16];

/* Runs a command; its exit code. */
static int command(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int command(const char *format, ...)
{
	char line[2000];
	va_list args;
	int status;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	status = system(line);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void make_database(void)
{
	int code = command("%s/tests/tryton/database %s %s postgres %s", scene.source, host, port, scene.dir);

	if (code == 77) {
		scene_end(&scene);
		printf("skipped: TRYTON IS NOT INSTALLED, nothing was tested against a real ERP\n");
		exit(77);
	}
	if (code != 0)
		harness_fail(NULL, "no Tryton database");
}

/* The ERP, in a process of its own; it does its business when it is told to. */
static FILE *start_erp(void)
{
	char line[2000];
	FILE *erp;

	snprintf(line, sizeof(line),
		 "TRYTOND_CONFIG=%s/trytond.conf TRYTOND_DATABASE_URI=postgresql://postgres@%s:%s/ "
		 "/usr/bin/python3 -W ignore %s/tests/tryton/erp.py postgresql://postgres@%s:%s/postgres %s",
		 scene.dir, host, port, scene.source, host, port, scene.dir);
	erp = popen(line, "w");
	if (!erp)
		harness_fail(NULL, line);
	return erp;
}

static bool exists(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", scene.dir, name);
	return access(path, F_OK) == 0;
}

static void configure(void)
{
	snprintf(scene.pack, sizeof(scene.pack), "tryton");
	agent_init(&agent, &scene, "erp", "masking:\n  classes: {email: last4, rate: keep}\ntables:\n  include: [public.account_invoice]\n");
	if (command("sed -i 's/user: postgres/user: " ROLE "/; s/name: demo/name: erp/' %s", agent.config) != 0)
		harness_fail(&agent, agent.config);
}

static void expect(const char *verb, int code)
{
	if (agent_verb(&agent, verb, "verb.out") == code)
		return;
	command("cat %s/verb.out >&2", scene.dir);
	harness_fail(&agent, verb);
}

/* The way of the README. */
static void set_up(void)
{
	configure();
	expect("map check --connect", EXIT_FAILED); /* the role does not exist */
	expect("grants --as postgres --role " ROLE, EXIT_DONE);
	scene_sql(&scene, "\\i %s/verb.out", scene.dir);
	expect("grants --missing", EXIT_DONE);
	expect("map check --connect", EXIT_DONE);
	expect("check --connect", EXIT_DONE);
	expect("doctor", EXIT_DONE);
}

/* The check of the replica identity comes before any row is looked for, so statements that find none tell. */
#define WRITE_ALL \
	"DO $$ DECLARE t record; BEGIN FOR t IN SELECT c.oid::regclass AS name, " \
	"(SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = c.oid AND attnum = 1) AS field " \
	"FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP " \
	"EXECUTE format('UPDATE %%s SET %%s = %%s WHERE false', t.name, t.field, t.field); " \
	"EXECUTE format('DELETE FROM %%s WHERE false', t.name); END LOOP; END $$"

static void the_erp_can_write_to_all_its_tables(void)
{
	scene_sql(&scene, WRITE_ALL);
	scene_sql(&scene, "BEGIN; CREATE PUBLICATION careless FOR ALL TABLES;"
		  "DO $$ BEGIN UPDATE ir_cache SET name = name WHERE false; RAISE 'this test would not find it';"
		  "EXCEPTION WHEN object_not_in_prerequisite_state THEN NULL; END $$; ROLLBACK");
	printf("all %s tables can be written to\n",
	       scene_value(&scene, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"));
}

static bool confirmed(const char *position)
{
	return strcmp(scene_value(&scene, "SELECT confirmed_flush_lsn >= '%s' FROM pg_replication_slots", position), "t") == 0;
}

static void catch_up(void)
{
	char end[100];

	snprintf(end, sizeof(end), "%s", scene_value(&scene, "SELECT pg_current_wal_lsn()"));
	WAIT_UNTIL(confirmed(end), 60, &agent);
}

static void compare(void)
{
	if (agent_verb(&agent, "read --from beginning --topic '*'", "published.jsonl") != 0)
		harness_fail(&agent, "`read` failed");
	if (command("/usr/bin/python3 %s/tests/tryton/compare.py %s/told.json %s/published.jsonl", scene.source, scene.dir,
		    scene.dir) != 0)
		harness_fail(&agent, "what was published is not what Tryton tells");
}

int main(void)
{
	const char *colon;
	FILE *erp;

	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	colon = strchr(scene.pg_address, ':');
	snprintf(host, sizeof(host), "%.*s", (int)(colon - scene.pg_address), scene.pg_address);
	snprintf(port, sizeof(port), "%s", colon + 1);
	make_database();
	erp = start_erp();
	WAIT_UNTIL(exists("ready"), 120, NULL);
	set_up();
	agent_start(&agent, NULL);
	WAIT_UNTIL(agent_logged(&agent, "streaming from") > 0, 60, &agent);
	fputs("go\n", erp);
	if (fflush(erp) != 0 || pclose(erp) != 0)
		harness_fail(&agent, "the ERP's work failed");
	the_erp_can_write_to_all_its_tables();
	catch_up();
	agent_stop(&agent);
	compare();
	scene_end(&scene);
	return 0;
}
