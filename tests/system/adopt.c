/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Planned moves: to a slot made anew on the same server, and to another server whose log goes on behind that of the first.
 * Nothing is lost, nothing comes twice, no snapshot is taken, and what was answered for is kept. What cannot be adopted is
 * refused.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/output.h"
#include "system/plain.h"

static struct scene scene;
static struct plain plain = {.name = "moved"};
static char second[64];

static void expect(const char *line, int code, const char *said)
{
	agent_expect(&plain.agent, line, code, said);
}

/* Each value that the row ever had stands once in its topic. */
static void expect_published(const char *const *values, size_t count)
{
	expect("read --topic change.public.moved --from beginning", EXIT_DONE, "");
	for (size_t i = 0; i < count; i++) {
		char wanted[100];

		snprintf(wanted, sizeof(wanted), "\"after\":{\"id\":1,\"text\":\"%s\"}", values[i]);
		if (agent_said(wanted) == 1)
			continue;
		fprintf(stderr, "%s: %u times in\n%s\n", wanted, agent_said(wanted), agent_output);
		harness_fail(&plain.agent, wanted);
	}
	if (agent_said("\"op\":\"r\"") != 1)
		harness_fail(&plain.agent, "there was another snapshot");
}

#define ADOPT "position adopt --assert 'nobody was at work'"

/* The agent runs, or ended by force, or has nothing to adopt, or nobody answers for it. */
static void refused(void)
{
	plain_stream(&plain);
	expect(ADOPT, named_states[STATE_CONFLICT].exit_code, "CONFLICT");
	plain_work(&plain);
	expect("position adopt", EXIT_USAGE, "say with --assert what you answer for");
	agent_kill(&plain.agent);
	scene_sql(&scene, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active");
	expect(ADOPT, EXIT_USAGE, "state file and checkpoint do not agree");
}

static void same_server(void)
{
	static const char *const values[] = {"one.", "one.."};

	plain_stream(&plain);
	plain_work(&plain);
	agent_stop(&plain.agent);
	expect("position adopt --list", EXIT_DONE, "nothing was ever adopted");
	expect(ADOPT, EXIT_USAGE, "there is nothing to adopt, since the slot still has what comes next");
	scene_sql(&scene, "SELECT pg_drop_replication_slot('moved')");
	expect(ADOPT, EXIT_USAGE, "the slot is not there\n  make it while nothing is written: SELECT pg_create_logical_replication_slot('moved', ");
	agent_start(&plain.agent, NULL);
	plain_expect(&plain, STATE_GAP, "the replication slot is gone", 1, 30);
	scene_sql(&scene, "CREATE TABLE noise AS SELECT generate_series(1, 1000) n; SELECT pg_create_logical_replication_slot('moved', 'pgoutput')");
	agent_start(&plain.agent, NULL);
	plain_expect(&plain, STATE_GAP, "the slot has been confirmed beyond the state file's position", 1, 30);
	expect(ADOPT, EXIT_DONE, "adopted from position 0/");
	plain_stream(&plain);
	plain_work(&plain);
	agent_stop(&plain.agent);
	expect_published(values, COUNT_OF(values));
	printf("a slot made anew on the same server: adopted\n");
}

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void shell(const char *format, ...)
{
	char command[2000];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) != 0)
		harness_fail(&plain.agent, command);
}

/* Another server with the same tables, whose log begins behind that of the first. */
static void move(void)
{
	char path[300];
	FILE *file;

	shell("cd / && %s/contrib/servers start postgresql %s/second >%s/second.address 2>%s/second.err </dev/null", scene.source, scene.dir,
	      scene.dir, scene.dir);
	snprintf(path, sizeof(path), "%s/second.address", scene.dir);
	file = fopen(path, "r");
	if (!file || !fgets(second, sizeof(second), file))
		harness_fail(NULL, path);
	fclose(file);
	second[strcspn(second, "\n")] = '\0';
	/* What is left of a segment is skipped: so its log gets ahead of that of the first. */
	for (int i = 0; i < 4; i++)
		shell("psql -qAtX -h %.*s -p %s -U postgres postgres -c 'CREATE TABLE ahead%d()' -c 'SELECT pg_switch_wal()' >/dev/null",
		      (int)strcspn(second, ":"), second, strchr(second, ':') + 1, i);
	shell("echo \"CREATE TABLE other(id int); CREATE TABLE moved (id int PRIMARY KEY, text text); INSERT INTO moved VALUES (1, '%s');"
	      "CREATE PUBLICATION moved FOR TABLE moved; SELECT pg_create_logical_replication_slot('moved', 'pgoutput')\" | psql -qAtX -v "
	      "ON_ERROR_STOP=1 -h %.*s -p %s -U postgres postgres >/dev/null", scene_value(&scene, "SELECT text FROM moved"), (int)strcspn(second, ":"), second, strchr(second, ':') + 1);
}

static void another_server(void)
{
	static const char *const values[] = {"one.", "one..", "one...", "one...."};

	plain_stream(&plain);
	plain_work(&plain);
	agent_stop(&plain.agent);
	move();
	plain.address = second;
	plain_configure(&plain);
	agent_start(&plain.agent, NULL);
	plain_expect(&plain, STATE_MISMATCH, "the server is not the one that the state file or the checkpoint is of", 1, 30);
	expect(ADOPT, EXIT_DONE, "adopted from position 0/");
	snprintf(scene.pg_address, sizeof(scene.pg_address), "%s", second);
	plain_stream(&plain);
	plain_work(&plain);
	agent_kill(&plain.agent);
	plain_stream(&plain);
	agent_stop(&plain.agent);
	expect_published(values, COUNT_OF(values));
	expect("position adopt --list", EXIT_DONE, "nobody was at work");
	if (agent_said("position adopt by ") != 2)
		harness_fail(&plain.agent, "what was answered for is kept");
	expect(ADOPT, EXIT_USAGE, "there is nothing to adopt");
	printf("another server, whose log is behind: adopted\n");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	plain.name = "refused";
	plain_prepare(&plain, &scene);
	refused();
	plain.name = "moved";
	plain_prepare(&plain, &scene);
	same_server();
	another_server();
	scene_end(&scene);
	return 0;
}
