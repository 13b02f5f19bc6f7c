/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The program as a DBA meets it: what `check` says before and after the publication is there, how an agent ends, what
 * the looking verbs see beside it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "harness/output.h"

/* A command that is not a verb with a configuration, and writes its output where those do. */
static void expect_command(const struct agent *agent, const char *command, int code, const char *said)
{
	int got = WEXITSTATUS(system(command));

	agent_take_output(agent, "verb.out");
	agent_check_output(agent, command, got, code, said);
}

static unsigned lines(void)
{
	unsigned count = 0;

	for (const char *c = agent_output; *c; c++)
		count += *c == '\n';
	return count;
}

/* Change topics alone, and a password that must not be seen. */
static void write_configuration(const struct agent *agent, const char *user, const char *password)
{
	const struct scene *scene = agent->scene;
	const char *colon = strchr(scene->pg_address, ':');
	FILE *file = fopen(agent->config, "w");

	fprintf(file, "source:\n  name: demo\n  host: %.*s\n  port: %s\n  dbname: postgres\n  user: %s\n"
		"  password: %s\n  create_slot: true\n", (int)(colon - scene->pg_address), scene->pg_address, colon + 1, user,
		password);
	fprintf(file, "kafka:\n  bootstrap.servers: %s\ntopics:\n  prefix: tw\n  partitions: 2\n", scene->kafka_address);
	fprintf(file, "tables:\n  include: [public.*, pbulic.*]\nstate:\n  file: agent.state\n");
	fclose(file);
}

static void expect_help(const struct agent *agent)
{
	static const struct {
		const char *topic;
		int code;
		const char *said;
	} helps[] = {
		{"check", EXIT_DONE, "usage: tailwater check "},
		{"map", EXIT_DONE, "usage: tailwater map test "},
		{"batch", EXIT_DONE, "batch.bytes\n"},
		{"slot", EXIT_DONE, "source.slot\n"},
		{"states", EXIT_DONE, "PUBLICATION_CHANGED"},
		{"source.slto", EXIT_USAGE, "no help on this; did you mean 'source.slot'?"},
		{"nothing", EXIT_USAGE, "no help on this; see 'tailwater help'"},
	};

	for (size_t i = 0; i < sizeof(helps) / sizeof(helps[0]); i++) {
		char command[700];

		snprintf(command, sizeof(command), "%s help %s >%s/verb.out 2>&1", agent->scene->agent, helps[i].topic,
			 agent->scene->dir);
		expect_command(agent, command, helps[i].code, helps[i].said);
	}
}

/* As a shell asks: the words so far, and the one that is being written. */
static void expect_completion(const struct agent *agent)
{
	static const struct {
		const char *words;
		const char *completed;
	} lines[] = {
		{"doc", "doctor\n"},
		{"ma", "map\n"},
		{"map ''", "check test\n"},
		{"map test --k", "--key\n"},
		{"read --config /et", "/etc\n"},
		{"position --j", "--json\n"},
		{"position adopt --as", "--assert\n"},
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char command[700];

		snprintf(command, sizeof(command), "bash -c \"source <(%s completion bash); COMP_WORDS=(tailwater %s); "
			 "COMP_CWORD=\\$((\\${#COMP_WORDS[@]} - 1)); _tailwater; echo \\${COMPREPLY[*]}\" >%s/verb.out 2>&1",
			 agent->scene->agent, lines[i].words, agent->scene->dir);
		expect_command(agent, command, 0, lines[i].completed);
	}
}

static void check_first(struct agent *agent)
{
	agent_expect(agent, "check", EXIT_DONE, "configuration: right");
	agent_expect(agent, "check --show", EXIT_DONE, "  password: \"***\"");
	if (strstr(agent_output, "hunter2"))
		harness_fail(agent, "check shows a secret");
	agent_expect(agent, "check --connect", named_states[STATE_PUBLICATION_CHANGED].exit_code,
	       "CREATE PUBLICATION \"tailwater\" FOR TABLE \"public\".\"note\";");
	agent_expect(agent, "position", EXIT_FAILED, "/agent.state': there is none\n  the first start of the agent makes it");
	agent_expect(agent, "read", EXIT_FAILED, "there is no topic that begins with tw. yet");
	agent_start(agent, NULL);
	if (WEXITSTATUS(agent_wait(agent, 60 * USEC_PER_SEC)) != named_states[STATE_PUBLICATION_CHANGED].exit_code)
		harness_fail(agent, "without a publication the agent must stop in its named state");
	scene_sql(agent->scene, "CREATE PUBLICATION tailwater FOR TABLE note");
	agent_expect(agent, "check --connect", EXIT_DONE, "no table of the database fits 'pbulic.*' of tables.include");
	agent_expect(agent, "check --connect", EXIT_DONE, "carries what is captured");
}

/* A role that may not read is told before the server keeps its log for a slot; all that follows is done by it. */
static void grant(struct agent *agent)
{
	int denied = named_states[STATE_UNSUPPORTED].exit_code;

	scene_sql(agent->scene, "CREATE ROLE clerk LOGIN REPLICATION; ALTER TABLE note ENABLE ROW LEVEL SECURITY");
	write_configuration(agent, "clerk", "${env:TW_TEST_SECRET}");
	agent_expect(agent, "check --connect", denied, "GRANT SELECT ON TABLE public.note TO clerk; ALTER ROLE clerk BYPASSRLS;");
	agent_start(agent, NULL);
	if (WEXITSTATUS(agent_wait(agent, 60 * USEC_PER_SEC)) != denied ||
	    strcmp(scene_value(agent->scene, "SELECT count(*) FROM pg_replication_slots"), "0") != 0)
		harness_fail(agent, "what may not be read must stop the agent before it makes a slot");
	scene_sql(agent->scene, "GRANT SELECT (id, text) ON note TO clerk");
	agent_expect(agent, "check --connect", denied, "row level security hides rows of table public.note from the role clerk");
	scene_sql(agent->scene, "ALTER TABLE note DISABLE ROW LEVEL SECURITY");
	agent_expect(agent, "check --connect", EXIT_DONE, "carries what is captured");
}

/* In the folder of the scene. */
static void shell(const struct agent *agent, const char *script)
{
	char command[700];

	snprintf(command, sizeof(command), "cd %s && %s", agent->scene->dir, script);
	if (system(command) != 0)
		harness_fail(agent, command);
}

/* A rule that hides nothing is refused before anything is published; one that leaves nothing out is told. */
static void misspelt(struct agent *agent)
{
	shell(agent, "sed -i 's/^tables:/masking:\\n  columns: {note.txet: drop}\\n&\\n  exclude: [public.nought]\\n"
		     "  exclude_columns: [public.note.txet]/' agent.yaml");
	agent_expect(agent, "check --connect", EXIT_USAGE, "agent.yaml:15:13: masking.columns: 'note.txet' fits no column of a captured table");
	agent_expect(agent, "check --connect", EXIT_USAGE, "warning: no table of the database fits 'public.nought' of tables.exclude");
	agent_expect(agent, "check --connect", EXIT_USAGE, "warning: no column of a captured table fits 'public.note.txet' of tables.exclude_columns");
	agent_expect(agent, "doctor", EXIT_FAILED, "failure P133");
	agent_start(agent, NULL);
	if (WEXITSTATUS(agent_wait(agent, 60 * USEC_PER_SEC)) != EXIT_USAGE || !agent_logged(agent, "masking.columns: 'note.txet' fits no column"))
		harness_fail(agent, "a first snapshot with a rule that fits nothing");
	write_configuration(agent, "postgres", "${env:TW_TEST_SECRET}");
}

/* What has to be changed is said by `check`, by `doctor`, and by the agent, which ends if no server can mend it. */
static void misconfigured(struct agent *agent)
{
	shell(agent, "sed -i 's/dbname: .*/dbname: nought/' agent.yaml");
	agent_expect(agent, "check --connect", EXIT_FAILED, "  correct source.dbname\n");
	agent_expect(agent, "doctor", EXIT_FAILED, "failure P100");
	agent_expect(agent, "doctor", EXIT_FAILED, "                correct source.dbname\n");
	agent_expect(agent, "doctor", EXIT_FAILED, "\n1 failure, ");
	agent_start(agent, NULL);
	WAIT_UNTIL(agent_logged(agent, "connecting again") >= 2, 20, agent);
	agent_stop(agent);
	if (agent_logged(agent, "HINT: correct source.dbname") != 1)
		harness_fail(agent, "a hint is logged once");
	write_configuration(agent, "nobody", "${env:TW_TEST_SECRET}");
	agent_expect(agent, "check --connect", EXIT_FAILED, "  correct source.user, or make the role: `tailwater grants ");
	write_configuration(agent, "postgres", "${env:TW_TEST_SECRET}");
	shell(agent, "sed -i 's/^tables:/&\\n  exclude_columns: [public.note.id]/' agent.yaml");
	agent_expect(agent, "check --connect", EXIT_USAGE, "column 'id' of table public.note is excluded, but belongs to its key");
	write_configuration(agent, "postgres", "${env:TW_TEST_SECRET}");
	scene_sql(agent->scene, "SELECT pg_create_logical_replication_slot('tailwater_demo', 'pgoutput')");
	agent_expect(agent, "check --connect", named_states[STATE_MISMATCH].exit_code, "neither the state file nor the checkpoint knows of it");
	scene_sql(agent->scene, "SELECT pg_drop_replication_slot('tailwater_demo')");
	shell(agent, "sed -i 's,file: agent.state,file: nowhere/agent.state,' agent.yaml");
	agent_expect(agent, "check --connect", EXIT_USAGE, "make this folder, and let it belong to the agent's user; or correct state.file");
	agent_expect(agent, "run", EXIT_USAGE, "nowhere (state.file): No such file or directory");
	agent_expect(agent, "status", EXIT_FAILED, "not running");
	agent_expect(agent, "position", EXIT_FAILED, "cannot open state file");
	write_configuration(agent, "postgres", "${env:TW_TEST_SECRET}");
}

/* As systemd hands it over; the server asks for it, and it is what all that follows logs in with. */
static void credential(struct agent *agent)
{
	char folder[300];

	scene_sql(agent->scene, "SET password_encryption = 'scram-sha-256'; ALTER ROLE clerk PASSWORD 'hunter2'");
	shell(agent, "sed -i '1i host all clerk 127.0.0.1/32 scram-sha-256' postgresql/data/pg_hba.conf");
	scene_sql(agent->scene, "SELECT pg_reload_conf()");
	write_configuration(agent, "clerk", "${cred:database}");
	agent_expect(agent, "check", EXIT_USAGE, "$CREDENTIALS_DIRECTORY is not set; systemd sets it for a unit with LoadCredential=database:");
	snprintf(folder, sizeof(folder), "%s/credentials", agent->scene->dir);
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	agent_expect(agent, "check", EXIT_USAGE, "/credentials/database': No such file or directory");
	shell(agent, "mkdir credentials && echo hunter3 >credentials/database");
	WAIT_UNTIL(agent_ask(agent, "check --connect") != EXIT_DONE, 10, agent);
	agent_expect(agent, "check --connect", EXIT_FAILED, "password authentication failed for user \"clerk\"");
	agent_expect(agent, "check --connect", EXIT_FAILED, "source.user and source.password are not what the server has");
	agent_expect(agent, "grants --as clerk --role keeper", EXIT_FAILED, "the password of clerk (--as) comes from PGPASSWORD or ~/.pgpass\n");
	shell(agent, "echo hunter2 >credentials/database");
	agent_expect(agent, "check --connect", EXIT_DONE, "carries what is captured");
	agent_expect(agent, "check --show", EXIT_DONE, "  password: \"***\"");
}

static void stream(struct agent *agent)
{
	unsigned before = agent_logged(agent, "streaming from");

	agent_start(agent, NULL);
	WAIT_UNTIL(agent_logged(agent, "streaming from") > before, 60, agent);
}

static void look_beside(struct agent *agent)
{
	stream(agent);
	scene_sql(agent->scene, "INSERT INTO note VALUES (1, 'one'), (2, 'two'); DELETE FROM note WHERE id = 1");
	WAIT_UNTIL(agent_ask(agent, "read --topic change.public.note") == EXIT_DONE && lines() == 4, 30, agent);
	agent_expect(agent, "read --topic 'tw.change.*' --key '{\"id\":2}'", EXIT_DONE, "\"text\":\"two\"");
	agent_expect(agent, "read --key '{\"id\":1}'", EXIT_DONE, ",\"value\":null}");
	agent_expect(agent, "read --topic 'change.*' --count 1", EXIT_DONE, "\"op\":\"");
	if (lines() != 1)
		harness_fail(agent, "read --count 1 printed more or less");
	agent_expect(agent, "read --from end", EXIT_DONE, "");
	if (lines() != 0)
		harness_fail(agent, "at the end there is nothing to read");
	agent_expect(agent, "read --topic nothing", EXIT_FAILED, "that begin with tw., but none that is asked for");
	agent_expect(agent, "read --topic checkpoint", EXIT_DONE, "\"snapshotPhase\":\"finished\"");
	agent_expect(agent, "position", EXIT_DONE, "checkpoint  0/");
	agent_expect(agent, "position --json", EXIT_DONE, "{\"state\":{\"position\":\"0/");
	agent_expect(agent, "run", named_states[STATE_CONFLICT].exit_code, "CONFLICT");
}

static void reload(struct agent *agent)
{
	FILE *file = fopen(agent->config, "a");

	kill(agent->pid, SIGHUP);
	WAIT_UNTIL(agent_logged(agent, "the configuration was read again: nothing of it takes effect") == 1, 20, agent);
	fputs("control:\n  socket: another.control\nbatch:\n  time: 60s\nlog:\n  format: json\n  level: debug\n", file);
	fclose(file);
	kill(agent->pid, SIGHUP);
	WAIT_UNTIL(agent_logged(agent, "has a new value") == 3, 20, agent);
	if (agent_logged(agent, "was changed in the file: this takes a restart") != 1)
		harness_fail(agent, "a reload must say what takes a restart");
}

/* The one change since its start is under way: the batch that it is in lasts longer than this test. */
static void await_change(struct agent *agent)
{
	WAIT_UNTIL(agent_metric(agent, "changes") + agent_metric(agent, "replayed_changes") == 1, 30, agent);
}

/* What it has is committed; a second signal does not wait for that. */
static void end(struct agent *agent)
{
	int status;

	agent_stop(agent);
	snprintf(agent->log, sizeof(agent->log), "%s/json.log", agent->scene->dir);
	scene_sql(agent->scene, "CREATE SCHEMA side; CREATE TABLE side.loose (a int); ALTER PUBLICATION tailwater ADD TABLE side.loose");
	stream(agent);
	if (agent_logged(agent, "table side.loose is in the publication 'tailwater' without a replica identity") != 1)
		harness_fail(agent, "a start has no warning of a published table without identity");
	scene_sql(agent->scene, "DROP SCHEMA side CASCADE");
	scene_sql(agent->scene, "INSERT INTO note VALUES (3, 'three')");
	await_change(agent);
	agent_stop(agent);
	agent_expect(agent, "read --topic change.public.note --key '{\"id\":3}'", EXIT_DONE, "\"text\":\"three\"");
	stream(agent);
	scene_server(agent->scene, "pause", "kafka", NULL);
	scene_sql(agent->scene, "INSERT INTO note VALUES (4, 'four')");
	await_change(agent);
	kill(agent->pid, SIGTERM);
	usleep(500000);
	if (waitpid(agent->pid, &status, WNOHANG) != 0)
		harness_fail(agent, "with the broker away there is nothing to end with");
	kill(agent->pid, SIGTERM);
	status = agent_wait(agent, 5 * USEC_PER_SEC);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 128 + SIGTERM)
		harness_fail(agent, "a second signal ends it at once");
	scene_server(agent->scene, "resume", "kafka", NULL);
	stream(agent);
	await_change(agent);
	agent_stop(agent);
	agent_expect(agent, "read --topic change.public.note --key '{\"id\":4}'", EXIT_DONE, "\"text\":\"four\"");
	if (lines() != 1)
		harness_fail(agent, "a change that was under way is published once");
}

/* Nobody waits long for a broker that is away: not who looks, and not who is told to end. */
static void without_broker(struct agent *agent)
{
	unsigned before = agent_logged(agent, "postgresql from");
	usec_t begun;

	scene_server(agent->scene, "stop", "kafka", NULL);
	agent_expect(agent, "check --connect", EXIT_FAILED, "no Kafka broker answers at 127.0.0.1:");
	agent_expect(agent, "position", EXIT_FAILED, "\nstate file  0/");
	agent_start(agent, NULL);
	WAIT_UNTIL(agent_logged(agent, "postgresql from") > before, 10, agent);
	begun = clock_mono();
	agent_stop(agent);
	if (clock_mono() - begun > 5 * USEC_PER_SEC)
		harness_fail(agent, "SIGTERM did not end the wait for a broker");
}

/* All that was said since the format was changed, read by somebody else. */
static void check_log(struct agent *agent)
{
	scene_load_lines(agent->scene, "log_line", agent->log);
	if (strcmp(scene_value(agent->scene, "SELECT count(*) > 8 AND bool_and(line->>'time' ~ '^2.*T.*Z$' AND (line->>'time')::timestamptz "
			       "> now() - interval '1 hour' AND line->>'level' IN ('error', 'warning', 'info', 'debug') AND "
			       "line->>'message' <> '') FROM log_line"), "t") != 0)
		harness_fail(agent, "not every line of the log has time, level and message");
	printf("JSON log: %s\n", scene_value(agent->scene, "SELECT count(*) || ' lines, such as ' || min(line::text) FROM log_line"));
}

int main(void)
{
	struct scene scene;
	struct agent agent;

	setvbuf(stdout, NULL, _IOLBF, 0);
	setenv("TW_TEST_SECRET", "hunter2", 1);
	scene_begin(&scene);
	scene_sql(&scene, "CREATE TABLE note(id int PRIMARY KEY, text text)");
	agent_init(&agent, &scene, "agent", "");
	write_configuration(&agent, "postgres", "${env:TW_TEST_SECRET}");
	if (agent_ask(&agent, "version") == EXIT_DONE)
		harness_fail(&agent, "version takes no --config");
	scene_sql(&scene, "ALTER ROLE postgres PASSWORD 'hunter2'");
	agent_expect(&agent, "chek", EXIT_USAGE, "did you mean 'check'?");
	expect_help(&agent);
	expect_completion(&agent);
	check_first(&agent);
	misspelt(&agent);
	misconfigured(&agent);
	grant(&agent);
	credential(&agent);
	look_beside(&agent);
	reload(&agent);
	end(&agent);
	without_broker(&agent);
	check_log(&agent);
	scene_end(&scene);
	printf("the program does what its manual says\n");
	return 0;
}
