/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What only some versions of PostgreSQL can do: leaving out what has come by replication (16), decoding on a standby (16), and
 * slots that outlive a failover (17). On an older server each is refused by its name; so is, on any, a slot with two phases.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/plain.h"

static struct scene scene;
static struct scene standby; /* the same, but for the address of PostgreSQL */
static int version;

static void expect(struct plain *plain, enum named_state state, const char *said)
{
	agent_start(&plain->agent, NULL);
	plain_expect(plain, state, said, 1, 30);
	printf("%s: %s\n", named_states[state].name, said);
}

/* In the folder of the scene. */
static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void shell(const char *format, ...)
{
	char script[900], command[1300];
	va_list args;

	va_start(args, format);
	vsnprintf(script, sizeof(script), format, args);
	va_end(args);
	snprintf(command, sizeof(command), "cd %s && %s", scene.dir, script);
	if (system(command) != 0)
		harness_fail(NULL, command);
}

/* The texts behind each change of the agent's table, one after the other. */
static void expect_texts(struct plain *plain, struct scene *database, const char *expected)
{
	const char *found;

	if (agent_verb(&plain->agent, "read --from beginning --topic 'change.*'", "read.jsonl") != 0)
		harness_fail(&plain->agent, "`read` failed");
	scene_load_lines(database, "reading", "read.jsonl");
	found = scene_value(database, "SELECT string_agg(line #>> '{value,after,text}', ' ' ORDER BY n) FROM reading");
	if (strcmp(found, expected) == 0)
		return;
	fprintf(stderr, "published: %s, expected: %s\n", found, expected);
	harness_fail(&plain->agent, "something else is published");
}

/* Written as what comes by replication is. */
static void write_from_elsewhere(const char *sql)
{
	scene_sql(&scene, "SELECT pg_replication_origin_session_setup('cloud')\\g /dev/null\n%s", sql);
}

static void leave_out_echoes(void)
{
	struct plain plain = {.name = "echoes", .source = "  origin: none\n"};

	plain_prepare(&plain, &scene);
	scene_sql(&scene, "SELECT pg_replication_origin_create('cloud')");
	if (version < 160000) {
		expect(&plain, STATE_UNSUPPORTED, "'source.origin: none' needs PostgreSQL 16 or later, and the server has ");
		return;
	}
	plain_stream(&plain);
	write_from_elsewhere("INSERT INTO echoes VALUES (2, 'echo')");
	scene_sql(&scene, "INSERT INTO echoes VALUES (3, 'own')");
	write_from_elsewhere("UPDATE echoes SET text = 'echoed' WHERE id = 1");
	plain_catch_up(&plain);
	agent_stop(&plain.agent);
	expect_texts(&plain, &scene, "one own");
	printf("origin: none: what has come by replication is not published\n");
}

/* What the server computes is published from 18 on, if the publication says so: by the snapshot as by the stream. */
static void publish_what_is_computed(void)
{
	struct plain plain = {.name = "computed"};

	if (version < 120000)
		return;
	plain_prepare(&plain, &scene);
	scene_sql(&scene, "ALTER TABLE computed RENAME text TO given");
	scene_sql(&scene, "ALTER TABLE computed ADD text text GENERATED ALWAYS AS (given || '!') STORED");
	if (version >= 180000)
		scene_sql(&scene, "ALTER PUBLICATION computed SET (publish_generated_columns = stored)");
	plain_stream(&plain);
	scene_sql(&scene, "INSERT INTO computed VALUES (2, 'two')");
	plain_catch_up(&plain);
	agent_stop(&plain.agent);
	expect_texts(&plain, &scene, version < 180000 ? "" : "one! two!");
	printf("generated columns are %s\n", version < 180000 ? "left out" : "published");
}

/* Limits of the database (14, 17): a snapshot may take longer than a transaction, and the stream may be idle. */
static void outlast_limits(void)
{
	struct plain plain = {.name = "limited"};
	struct agent *agent = &plain.agent;

	if (version < 140000)
		return;
	plain_prepare(&plain, &scene);
	scene_sql(&scene, "ALTER DATABASE postgres SET idle_session_timeout = '500ms'; %s",
		  version < 170000 ? "" : "ALTER DATABASE postgres SET transaction_timeout = '500ms'");
	agent_start(agent, "stop@in-snapshot:1");
	agent_await_stop(agent);
	sleep(2);
	agent_continue(agent);
	WAIT_UNTIL(agent_logged(agent, "streaming from") > 0, 20, agent);
	sleep(2);
	plain_work(&plain);
	agent_stop(agent);
	if (agent_logged(agent, "connecting again"))
		harness_fail(agent, "a limit of the database has ended a session");
	scene_sql(&scene, "ALTER DATABASE postgres RESET ALL");
	printf("idle_session_timeout%s of the database: snapshot and stream outlast it\n",
	       version < 170000 ? "" : " and transaction_timeout");
}

/* Up to 17 the server fails at the next row; from 18 on it only warns, and skips it. Nothing is confirmed in either case. */
static void lose_publication(void)
{
	struct plain plain = {.name = "unpublished"};
	char position[64];

	plain_prepare(&plain, &scene);
	plain_stream(&plain);
	plain_work(&plain);
	scene_sql(&scene, "DROP PUBLICATION unpublished; INSERT INTO unpublished VALUES (2, 'unseen')");
	snprintf(position, sizeof(position), "%s", scene_value(&scene, "SELECT pg_current_wal_lsn()"));
	plain_expect(&plain, STATE_PUBLICATION_CHANGED, version < 180000 ? "publication \"unpublished\" does not exist"
		     : "the publication 'unpublished' is gone", 1, 25);
	if (plain_confirmed(&plain, position))
		harness_fail(&plain.agent, "what was not sent is confirmed");
	printf("a publication dropped while the agent runs: PUBLICATION_CHANGED with the next row\n");
}

/* Made by somebody else. */
static void refuse_two_phases(void)
{
	struct plain plain = {.name = "prepared"};

	if (version < 140000)
		return;
	plain_prepare(&plain, &scene);
	scene_sql(&scene, "SELECT pg_create_logical_replication_slot('prepared', 'pgoutput', false, true)");
	expect(&plain, STATE_UNSUPPORTED, "the slot 'prepared' was made with two_phase");
}

static const char *port(const struct scene *of)
{
	return strchr(of->pg_address, ':') + 1;
}

static void refuse_other_slots(void)
{
	struct plain plain = {.name = "unkept", .source = "  failover: true\n"};

	plain_prepare(&plain, &scene);
	scene_sql(&scene, "SELECT pg_create_logical_replication_slot('unkept', 'pgoutput')");
	if (version < 170000) {
		expect(&plain, STATE_UNSUPPORTED, "'source.failover: true' needs PostgreSQL 17 or later, and the server has ");
		return;
	}
	expect(&plain, STATE_UNSUPPORTED, "the slot 'unkept' was made without failover");
	shell("psql 'host=127.0.0.1 port=%s user=postgres dbname=postgres replication=database' -qc 'ALTER_REPLICATION_SLOT unkept "
	      "(FAILOVER true);'", port(&scene));
	expect(&plain, STATE_MISMATCH, "neither the state file nor the checkpoint knows of it");
}

/* contrib/servers, for the standby. */
static void control_standby(const char *verb)
{
	char command[700], line[64] = "";
	FILE *pipe;

	snprintf(command, sizeof(command), "%s/contrib/servers %s postgresql %s/standby", scene.source, verb, scene.dir);
	pipe = popen(command, "r");
	if (!pipe || (strcmp(verb, "start") == 0 && !fgets(line, sizeof(line), pipe)) || pclose(pipe) != 0)
		harness_fail(NULL, command);
	line[strcspn(line, "\n")] = '\0';
	if (*line)
		memcpy(standby.pg_address, line, sizeof(line));
}

/* It follows the primary as a copy of the files of the stopped one: no client here makes base backups of every version. */
static void start_standby(void)
{
	const char *file = version < 120000 ? "recovery.conf" : "postgresql.auto.conf";

	standby = scene;
	control_standby("start");
	control_standby("stop");
	scene_sql(&scene, "SELECT pg_create_physical_replication_slot('follower', true)");
	scene_server(&scene, "stop", "postgresql", "fast");
	shell("rm -rf standby/data && cp -a postgresql/data standby/data && rm -rf standby/data/pg_replslot/* && "
	      "sed -i \"s#%s/postgresql/extra.conf#%s/standby/extra.conf#\" standby/data/postgresql.conf && "
	      "echo 'hot_standby_feedback = on\nwal_receiver_status_interval = 1s\n%s' >>standby/extra.conf",
	      scene.dir, scene.dir, version < 170000 ? "" : "sync_replication_slots = on");
	shell("cd standby/data && echo \"primary_conninfo = 'host=127.0.0.1 port=%s user=postgres dbname=postgres'\nprimary_slot_name = "
	      "'follower'\n%s\" >>%s && %s chown --reference=. %s", port(&scene), version < 120000 ? "standby_mode = on" : "", file,
	      version < 120000 ? "" : "touch standby.signal && chown --reference=. standby.signal &&", file);
	scene_server(&scene, "start", "postgresql", NULL);
	control_standby("start");
}

static void await_replay(void)
{
	char position[64];

	snprintf(position, sizeof(position), "%s", scene_value(&scene, "SELECT pg_current_wal_lsn()"));
	WAIT_UNTIL(strcmp(scene_value(&standby, "SELECT pg_last_wal_replay_lsn() >= '%s'", position), "t") == 0, 20, NULL);
}

/* What the slots of a standby wait for. */
static void log_snapshot(void)
{
	scene_sql(&scene, "SELECT pg_log_standby_snapshot()");
}

/* A transaction on the primary keeps the slot from being made, so that what is said of it can be read. */
static void make_slot_on_standby(struct plain *plain)
{
	struct agent *agent = &plain->agent;
	pid_t blocker;

	scene_sql(&scene, "CREATE TABLE lurking (x int)");
	blocker = scene_work(&scene, "INSERT INTO lurking VALUES (1) RETURNING pg_sleep(600)");
	WAIT_UNTIL(strcmp(scene_value(&scene, "SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> "
				      "pg_backend_pid()"), "1") == 0, 20, agent);
	await_replay();
	agent_start(agent, NULL);
	WAIT_UNTIL(agent_logged(agent, "HINT: run on the primary: SELECT pg_log_standby_snapshot();") > 0, 20, agent);
	scene_work_stop(&scene, blocker);
	WAIT_UNTIL((log_snapshot(), agent_logged(agent, "streaming from") > 0), 40, agent);
}

static void catch_up_on_standby(struct plain *plain)
{
	char position[64];

	snprintf(position, sizeof(position), "%s", scene_value(&scene, "SELECT pg_current_wal_lsn()"));
	WAIT_UNTIL(plain_confirmed(plain, position), 30, &plain->agent);
}

static struct plain far = {.name = "far", .address = standby.pg_address};

static void read_on_standby(void)
{
	plain_prepare(&far, &scene);
	await_replay();
	if (version < 160000) {
		expect(&far, STATE_UNSUPPORTED, "reading the log of a standby needs PostgreSQL 16 or later, and the server has ");
		return;
	}
	far.agent.scene = &standby;
	if (version >= 170000) {
		far.source = "  failover: true\n";
		plain_configure(&far);
		expect(&far, STATE_UNSUPPORTED, "'source.failover: true' on a standby");
		far.source = NULL;
		plain_configure(&far);
	}
	make_slot_on_standby(&far);
	scene_sql(&scene, "INSERT INTO far VALUES (2, 'two'); UPDATE far SET text = 'changed' WHERE id = 1");
	catch_up_on_standby(&far);
	agent_stop(&far.agent);
	scene_sql(&scene, "INSERT INTO far VALUES (3, 'three')");
	plain_stream(&far);
	catch_up_on_standby(&far);
	agent_stop(&far.agent);
	expect_texts(&far, &scene, "one two changed three");
	printf("the log of a standby is read: snapshot, stream, and stream again\n");
}

static struct plain kept = {.name = "kept", .source = "  failover: true\n"};

static bool kept_on_standby(void)
{
	log_snapshot();
	return strcmp(scene_value(&standby, "SELECT synced AND NOT temporary AND invalidation_reason IS NULL FROM pg_replication_slots "
				  "WHERE slot_name = 'kept'"), "t") == 0;
}

static void read_with_failover_slot(void)
{
	plain_prepare(&kept, &scene);
	scene_sql(&scene, "ALTER SYSTEM SET synchronized_standby_slots = 'follower'");
	scene_sql(&scene, "SELECT pg_reload_conf()");
	plain_stream(&kept);
	plain_work(&kept);
	WAIT_UNTIL(kept_on_standby(), 90, &kept.agent);
	plain_work(&kept);
	agent_stop(&kept.agent);
}

static void promote(void)
{
	scene_sql(&scene, "UPDATE kept SET text = 'unread'; UPDATE far SET text = 'unread' WHERE id = 1");
	await_replay();
	scene_server(&scene, "stop", "postgresql", "fast");
	scene_sql(&standby, "SELECT pg_promote()");
	WAIT_UNTIL(strcmp(scene_value(&standby, "SELECT pg_is_in_recovery()"), "f") == 0, 20, NULL);
	scene_sql(&standby, "ALTER SYSTEM RESET synchronized_standby_slots");
	scene_sql(&standby, "SELECT pg_reload_conf()");
}

/* Goes on with the standby that was promoted, where both slots are. */
static void go_on(struct plain *plain, const char *expected)
{
	plain->address = standby.pg_address;
	plain->agent.scene = &standby;
	plain_configure(plain);
	plain_stream(plain);
	scene_sql(&standby, "INSERT INTO %s VALUES (9, 'new')", plain->name);
	plain_catch_up(plain);
	agent_stop(&plain->agent);
	expect_texts(plain, &standby, expected);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	version = scene_version(&scene);
	leave_out_echoes();
	publish_what_is_computed();
	outlast_limits();
	lose_publication();
	refuse_two_phases();
	refuse_other_slots();
	start_standby();
	read_on_standby();
	if (version >= 170000) {
		read_with_failover_slot();
		promote();
		go_on(&kept, "one one. one.. unread new");
		go_on(&far, "one two changed three unread new");
		printf("a standby is promoted: a slot for the failover goes on there, and so does the standby's own\n");
	}
	scene_end(&scene);
	printf("what the server can do is done, and what it cannot do is refused by name\n");
	return 0;
}
