/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Before and beside the agent: what `grants` prints is enough for it to work, and not more; what `doctor` says of
 * surroundings that are not as they should be.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/output.h"
#include "system/plain.h"

static struct scene scene;
static struct plain plain = {.name = "ledger", .user = "cdc"};

static void expect(const char *line, int code, const char *said)
{
	agent_expect(&plain.agent, line, code, said);
}

/* The role does not exist, and somebody else looks for it; then it does all that an agent does, with nothing else. */
static void grants_are_enough(void)
{
	plain_prepare(&plain, &scene);
	scene_sql(&scene, "DROP PUBLICATION ledger; REVOKE ALL ON SCHEMA public FROM PUBLIC; REVOKE ALL ON DATABASE postgres FROM PUBLIC");
	expect("grants", EXIT_FAILED, "role \"cdc\" does not exist");
	expect("grants --as postgres", EXIT_DONE, "GRANT SELECT ON TABLE public.ledger TO cdc;");
	expect("grants --as cdc", EXIT_USAGE, "say with --role who the statements are for");
	expect("grants --as nobody --role cdc", EXIT_FAILED, "role \"nobody\" does not exist\n  correct --as: ");
	expect("grants --as postgres --role cdc", EXIT_DONE, "GRANT SELECT ON TABLE public.ledger TO cdc;");
	scene_sql(&scene, "\\i %s/verb.out", scene.dir);
	expect("grants --missing", EXIT_DONE, "-- Nothing is missing.");
	scene_sql(&scene, "ALTER PUBLICATION ledger RENAME TO other");
	expect("check --connect", named_states[STATE_PUBLICATION_CHANGED].exit_code, "PUBLICATION_CHANGED: there is no publication 'ledger'\n  run what is printed for it, as the tables' owner\n");
	scene_sql(&scene, "ALTER PUBLICATION other RENAME TO ledger");
	expect("doctor", EXIT_DONE, "the role cdc may replicate, and is no superuser");
	scene_sql(&scene, "SELECT pg_create_physical_replication_slot('ledger')");
	expect("doctor", EXIT_FAILED, "failure P105  the slot 'ledger' is a physical one, as standbys and backups have: nothing can be decoded from "
	       "it\n                give source.slot another name");
	if (strstr(agent_output, "P106"))
		harness_fail(&plain.agent, "the log that somebody else's slot needs is none of ours");
	scene_sql(&scene, "SELECT pg_drop_replication_slot('ledger')");
	plain_stream(&plain);
	plain_work(&plain);
	expect("doctor", EXIT_DONE, "the slot 'ledger' is in use");
	expect("doctor", EXIT_DONE, "warning K202  the cluster has 1 broker");
	expect("doctor", EXIT_DONE, "warning K205");
	agent_stop(&plain.agent);
}

static const struct {
	const char *arrange;
	const char *found;
	const char *fix;     /* of it, a part */
	int code;
	const char *undo;
	int since;           /* the version of PostgreSQL that what is arranged came with */
} situations[] = {
	{"SELECT 1", "warning P105", "start the agent, or drop the slot", EXIT_DONE, "SELECT 1", 0},
	{"ALTER SYSTEM SET max_slot_wal_keep_size = -1", "warning P107", "SET max_slot_wal_keep_size = '30GB'", EXIT_DONE,
	 "ALTER SYSTEM RESET max_slot_wal_keep_size", 130000},
	{"ALTER ROLE cdc SUPERUSER", "warning P111", "`tailwater grants`", EXIT_DONE, "ALTER ROLE cdc NOSUPERUSER", 0},
	{"GRANT UPDATE ON ledger TO cdc", "warning P112", "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON public.ledger FROM cdc;",
	 EXIT_DONE, "REVOKE UPDATE ON ledger FROM cdc", 0},
	{"DROP PUBLICATION ledger; CREATE PUBLICATION ledger FOR ALL TABLES", "warning P113", "`tailwater grants`", EXIT_DONE,
	 "DROP PUBLICATION ledger; CREATE PUBLICATION ledger FOR TABLE ledger", 0},
	{"ALTER TABLE ledger REPLICA IDENTITY NOTHING", "failure P114", "ALTER TABLE ledger REPLICA IDENTITY FULL;",
	 EXIT_FAILED, "ALTER TABLE ledger REPLICA IDENTITY DEFAULT", 0},
	{"ALTER SYSTEM SET wal_sender_timeout = '5s'", "warning P118", "SET wal_sender_timeout = '60s'", EXIT_DONE,
	 "ALTER SYSTEM RESET wal_sender_timeout", 0},
	{"REVOKE SELECT ON ledger FROM cdc", "failure P131", "GRANT SELECT ON TABLE public.ledger TO cdc;", EXIT_FAILED,
	 "GRANT SELECT ON ledger TO cdc", 0},
	{"ALTER PUBLICATION ledger DROP TABLE ledger", "failure P132", "ALTER PUBLICATION \"ledger\" ADD TABLE", EXIT_FAILED,
	 "ALTER PUBLICATION ledger ADD TABLE ledger", 0},
};

static bool says(const char *found, const char *fix, int code)
{
	const char *at;

	return agent_ask(&plain.agent, "doctor") == code && (at = strstr(agent_output, found)) && strstr(at, fix);
}

static void situations_are_told(void)
{
	for (size_t i = 0; i < sizeof(situations) / sizeof(situations[0]); i++) {
		if (scene_version(&scene) < situations[i].since)
			continue;
		scene_sql(&scene, "%s", situations[i].arrange);
		scene_sql(&scene, "SELECT pg_reload_conf()");
		WAIT_UNTIL(says(situations[i].found, situations[i].fix, situations[i].code), 10, &plain.agent);
		scene_sql(&scene, "%s", situations[i].undo);
		printf("%s: %s\n", situations[i].arrange, situations[i].found);
	}
}

static void the_state_file_is_private(void)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/ledger.state", scene.dir);
	expect("doctor", EXIT_DONE, "ok      S401");
	if (chmod(path, 0644) < 0)
		harness_fail(&plain.agent, path);
	expect("doctor", EXIT_DONE, "warning S401");
}

static void what_is_missing_is_told(void)
{
	scene_sql(&scene, "REVOKE SELECT ON ledger FROM cdc; ALTER ROLE cdc NOREPLICATION");
	expect("grants --missing --as postgres --role cdc", EXIT_DONE, "ALTER ROLE cdc LOGIN REPLICATION;\n"
	       "GRANT SELECT ON TABLE public.ledger TO cdc;\n");
	if (strstr(agent_output, "CREATE") || strstr(agent_output, "CONNECT"))
		harness_fail(&plain.agent, "what the role has is not missing");
	scene_sql(&scene, "\\i %s/verb.out", scene.dir);
	expect("grants --missing", EXIT_DONE, "-- Nothing is missing.");
}

/* A table that could not be changed any more is in no statement, and one that is published already is told of. */
static void tables_without_identity(void)
{
	scene_sql(&scene, "CREATE TABLE loose (a int); GRANT SELECT ON loose TO cdc");
	plain.include = "[public.ledger, public.loose]";
	plain_configure(&plain);
	expect("check --connect", EXIT_FAILED, "REPLICA IDENTITY FULL; or leave it out (tables.exclude)");
	expect("grants", EXIT_FAILED, "-- Not in the publication: the table public.loose has no replica identity");
	if (strstr(agent_output, "ALTER PUBLICATION"))
		harness_fail(&plain.agent, "a table without identity would be published");
	plain.include = NULL;
	plain_configure(&plain);
	expect("check --connect", EXIT_DONE, "carries what is captured");
	scene_sql(&scene, "ALTER PUBLICATION ledger ADD TABLE loose");
	expect("check --connect", EXIT_FAILED, "table public.loose is in the publication 'ledger' without a replica identity");
	scene_sql(&scene, "DROP TABLE loose");
}

static void write_log(void)
{
	scene_sql(&scene, "CREATE TABLE bulk AS SELECT g, repeat('x', 1000) FROM generate_series(1, 8000) g; DROP TABLE bulk; SELECT pg_switch_wal()");
}

/* What the slot keeps is told, and can be a reason to stop; it is never dropped for that. */
static void log_that_is_kept(void)
{
	plain = (struct plain){.name = "kept"};
	plain_prepare(&plain, &scene);
	plain_stream(&plain);
	agent_stop(&plain.agent);
	write_log();
	plain.source = "  max_retained_wal: 2MB\n  on_exceed: stop\n";
	plain_configure(&plain);
	expect("doctor", EXIT_FAILED, "failure P122  the slot keeps ");
	for (unsigned times = 1; times <= 2; times++) {
		agent_start(&plain.agent, NULL);
		plain_expect(&plain, STATE_WAL_LIMIT, "more than source.max_retained_wal (2 MB)", times, 30);
	}
	plain.source = "  max_retained_wal: 2MB\n";
	plain_configure(&plain);
	expect("doctor", EXIT_DONE, "warning P122  the slot keeps ");
	plain_stream(&plain);
	WAIT_UNTIL(agent_logged(&plain.agent, "warning kept: the slot 'kept' keeps ") == 1, 30, &plain.agent);
	expect("status", EXIT_DONE, " MB kept for the slot");
	expect("status", EXIT_DONE, "more than source.max_retained_wal");
	expect("status --json", EXIT_DONE, "\"limitBytes\":2097152,\"exceeded\":true");
	plain.source = "  max_retained_wal: 3GB\n  failover: true\n";
	plain_configure(&plain);
	kill(plain.agent.pid, SIGHUP);
	WAIT_UNTIL(agent_ask(&plain.agent, "status --json") == EXIT_DONE && strstr(agent_output, "\"limitBytes\":3221225472,\"exceeded\":false"), 20, &plain.agent);
	if (agent_logged(&plain.agent, "option 'source.failover' was changed in the file: this takes a restart") != 1)
		harness_fail(&plain.agent, "what takes a restart is told by its name");
	plain_work(&plain);
	agent_stop(&plain.agent);
	plain.source = NULL;
	plain_configure(&plain);
	if (scene_version(&scene) < 130000)
		return;
	scene_sql(&scene, "ALTER SYSTEM SET max_slot_wal_keep_size = '100MB'");
	scene_sql(&scene, "SELECT pg_reload_conf()");
	plain_stream(&plain);
	WAIT_UNTIL(agent_ask(&plain.agent, "status --json") == EXIT_DONE && strstr(agent_output, "\"retention\":{\"state\":\"reserved\",\"bytes\":"), 20, &plain.agent);
	expect("status", EXIT_DONE, "log loss    ");
	if (strstr(agent_output, "no limit is known"))
		harness_fail(&plain.agent, "the server's limit is not told");
	agent_stop(&plain.agent);
	expect("doctor", EXIT_DONE, " more may be written before it is lost");
	if (scene_version(&scene) >= 140000)
		expect("doctor", EXIT_DONE, "P121  the log grows by ");
	scene_sql(&scene, "ALTER SYSTEM RESET max_slot_wal_keep_size");
	scene_sql(&scene, "SELECT pg_reload_conf()");
}

/* The parts that can be looked at are; the file is read by somebody else. */
static void without_a_broker(void)
{
	scene_server(&scene, "stop", "kafka", NULL);
	expect("doctor --json", EXIT_FAILED, "\"code\":\"K201\",\"severity\":\"failure\"");
	scene_sql(&scene, "\\set told `cat %s/verb.out`\nCREATE TABLE finding AS SELECT * FROM jsonb_array_elements(:'told'::jsonb)", scene.dir);
	if (strcmp(scene_value(&scene, "SELECT count(*) > 10 FROM finding WHERE value->>'part' IN ('source', 'state')"), "t") != 0)
		harness_fail(&plain.agent, "without a broker, the rest is examined");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin_with(&scene, "unclean.leader.election.enable=true");
	grants_are_enough();
	situations_are_told();
	the_state_file_is_private();
	what_is_missing_is_told();
	tables_without_identity();
	log_that_is_kept();
	without_a_broker();
	scene_end(&scene);
	printf("a role with what `grants` prints is enough, and `doctor` tells what is wrong\n");
	return 0;
}
