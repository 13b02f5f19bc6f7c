/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Servers, agents and waiting, by processes of their own: psql, contrib/servers, the program itself. */
#include "harness/harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "harness/relay.h"

#define OUTPUT_BYTES 65536

/* Process groups of ours that may be running: ended with the test, however it ends. */
static pid_t children[16];
static struct scene *current;

static void note_child(pid_t pid)
{
	for (size_t i = 0; i < sizeof(children) / sizeof(children[0]); i++) {
		if (!children[i]) {
			children[i] = pid;
			return;
		}
	}
}

static void forget_child(pid_t pid)
{
	for (size_t i = 0; i < sizeof(children) / sizeof(children[0]); i++)
		if (children[i] == pid)
			children[i] = 0;
}

static void kill_children(void)
{
	for (size_t i = 0; i < sizeof(children) / sizeof(children[0]); i++)
		if (children[i])
			kill(-children[i], SIGKILL);
}

unsigned harness_free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		harness_fail(NULL, "no free port");
	close(fd);
	return ntohs(address.sin_port);
}

void harness_nap(void)
{
	usleep(20000);
}

static void show_end(const char *path)
{
	char command[400];

	snprintf(command, sizeof(command), "tail -n 25 %s >&2", path);
	if (system(command) != 0)
		fprintf(stderr, "(no %s)\n", path);
}

static void psql_command(const struct scene *scene, char *command, size_t size)
{
	const char *colon = strchr(scene->pg_address, ':');

	snprintf(command, size, "psql -h %.*s -p %s -U postgres -d postgres -qAtX -v ON_ERROR_STOP=1",
		 (int)(colon - scene->pg_address), scene->pg_address, colon + 1);
}

/* What an agent was at when it was given up: its log's end, what it tells of itself, and what the server holds for it. */
static void show_agent(const struct agent *agent)
{
	char command[900], psql[300];

	show_end(agent->log);
	if (!agent->pid)
		return;
	show_end(agent->metrics);
	snprintf(command, sizeof(command), "%s status --config %s >&2", agent->scene->agent, agent->config);
	if (system(command) != 0)
		fprintf(stderr, "(no status)\n");
	psql_command(agent->scene, psql, sizeof(psql));
	snprintf(command, sizeof(command), "%s -c 'SELECT r.state, r.sent_lsn, r.write_lsn, r.flush_lsn, s.slot_name, s.restart_lsn, "
		 "s.confirmed_flush_lsn, pg_current_wal_lsn(), pg_current_wal_flush_lsn() FROM pg_replication_slots s LEFT JOIN "
		 "pg_stat_replication r ON r.pid = s.active_pid' >&2", psql);
	if (system(command) != 0)
		fprintf(stderr, "(no slots)\n");
}

void harness_fail(const struct agent *agent, const char *what)
{
	fprintf(stderr, "FAILED: %s\n", what);
	if (agent)
		show_agent(agent);
	kill_children();
	if (current)
		scene_end(current);
	exit(1);
}

/* Runs a shell command and keeps its output; returns the exit code. */
static int run(char *output, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int run(char *output, size_t size, const char *format, ...)
{
	char *command;
	va_list args;
	size_t len;
	FILE *pipe;

	va_start(args, format);
	if (vasprintf(&command, format, args) < 0)
		abort();
	va_end(args);
	pipe = popen(command, "r");
	free(command);
	if (!pipe)
		abort();
	len = fread(output, 1, size - 1, pipe);
	output[len] = '\0';
	while (len && output[len - 1] == '\n')
		output[--len] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

static void skip(const char *reason)
{
	printf("skipped: %s\n", reason);
	exit(77);
}

static void start_server_in(struct scene *scene, const char *kind, const char *folder, const char *setting, char *address, size_t size)
{
	char output[OUTPUT_BYTES];

	if (run(output, sizeof(output), "%s/contrib/servers start %s %s/%s %s", scene->source, kind, scene->dir, folder,
		setting) != 0) {
		scene_end(scene);
		skip(output);
	}
	snprintf(address, size, "%.*s", (int)size - 1, output);
}

static void start_server(struct scene *scene, const char *kind, const char *setting, char *address, size_t size)
{
	start_server_in(scene, kind, kind, setting, address, size);
}

static const char *setting(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

/* What a sanitizer finds in a program of the scene goes to files of its folder: exit codes alone would not tell it. */
static void collect_reports(const struct scene *scene)
{
	static const char *const variables[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"};
	char options[1400];

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		snprintf(options, sizeof(options), "%s:print_stacktrace=1:log_path=%s/sanitizer",
			 setting(variables[i], ""), scene->dir);
		setenv(variables[i], options, 1);
	}
	snprintf(options, sizeof(options),
		 "%s:log_path=%s/sanitizer:suppressions=%s/tests/harness/thread-sanitizer.supp",
		 setting("TSAN_OPTIONS", ""), scene->dir, scene->source);
	setenv("TSAN_OPTIONS", options, 1);
}

static bool show_reports(const struct scene *scene)
{
	char output[OUTPUT_BYTES];

	if (run(output, sizeof(output), "cat %s/sanitizer.* 2>/dev/null", scene->dir) != 0)
		return false;
	fprintf(stderr, "FAILED: a sanitizer has found a fault\n%s\n", output);
	return true;
}

void scene_begin_with(struct scene *scene, const char *kafka_settings)
{
	char output[OUTPUT_BYTES], path[4096];

	snprintf(scene->source, sizeof(scene->source), "%.299s", realpath(setting("top_srcdir", ".."), path));
	snprintf(scene->agent, sizeof(scene->agent), "%.299s", realpath(setting("TAILWATER", "./tailwater"), path));
	snprintf(scene->dir, sizeof(scene->dir), "/tmp/tailwater-test-%d", (int)getpid());
	if (mkdir(scene->dir, 0755) < 0)
		abort();
	current = scene;
	scene->registry_url[0] = scene->mariadb_address[0] = '\0';
	snprintf(scene->pack, sizeof(scene->pack), "demo");
	collect_reports(scene);
	if (run(output, sizeof(output), "%s/contrib/servers fetch 2>&1", scene->source) != 0)
		skip(output);
	start_server(scene, "postgresql", "", scene->pg_address, sizeof(scene->pg_address));
	start_server(scene, "kafka", kafka_settings, scene->kafka_address, sizeof(scene->kafka_address));
}

void scene_add_registry(struct scene *scene)
{
	char output[OUTPUT_BYTES];

	if (run(output, sizeof(output), "%s/contrib/servers fetch registry 2>&1", scene->source) != 0) {
		scene_end(scene);
		skip(output);
	}
	start_server(scene, "registry", "", scene->registry_url, sizeof(scene->registry_url));
}

static void ask_version(struct scene *scene)
{
	unsigned number[3] = {0};
	char output[OUTPUT_BYTES];

	scene_mariadb(scene, "created.out", "CREATE DATABASE IF NOT EXISTS erp; SELECT version()");
	run(output, sizeof(output), "cat %s/created.out", scene->dir);
	if (sscanf(output, "%u.%u.%u", &number[0], &number[1], &number[2]) != 3)
		harness_fail(NULL, output);
	scene->is_mariadb = strstr(output, "MariaDB") != NULL;
	scene->mariadb_version = number[0] * 10000 + number[1] * 100 + number[2];
}

void scene_add_mariadb(struct scene *scene)
{
	start_server(scene, "mariadb", "", scene->mariadb_address, sizeof(scene->mariadb_address));
	ask_version(scene);
}

void scene_add_replica(struct scene *scene, char address[64])
{
	char primary[sizeof(scene->mariadb_address)];

	start_server_in(scene, "mariadb", "replica", "server-id=2 relay-log=relay", address, 64);
	memcpy(primary, scene->mariadb_address, sizeof(primary));
	memcpy(scene->mariadb_address, address, sizeof(primary));
	scene_mariadb(scene, "created.out", "SET sql_log_bin = 0; CREATE DATABASE IF NOT EXISTS erp");
	memcpy(scene->mariadb_address, primary, sizeof(primary));
}

void scene_mariadb(struct scene *scene, const char *output, const char *format, ...)
{
	char said[OUTPUT_BYTES], path[300];
	va_list args;
	FILE *file;

	snprintf(path, sizeof(path), "%s/mariadb.sql", scene->dir);
	file = fopen(path, "w");
	va_start(args, format);
	if (!file || vfprintf(file, format, args) < 0 || fclose(file) != 0)
		abort();
	va_end(args);
	if (run(said, sizeof(said), "mariadb --no-defaults -h 127.0.0.1 -P %s -u root -BNr --default-character-set=utf8mb4 $(grep -q 'CREATE "
		"DATABASE' %s || echo erp) <%s 2>&1 >%s/%s", strchr(scene->mariadb_address, ':') + 1, path, path, scene->dir, output) == 0)
		return;
	fprintf(stderr, "%s\n", said);
	harness_fail(NULL, "SQL of MariaDB failed");
}

void scene_begin(struct scene *scene)
{
	scene_begin_with(scene, "");
}

void scene_begin_relayed(struct scene *scene, const struct relay *relay)
{
	char output[OUTPUT_BYTES], setting[100];

	snprintf(setting, sizeof(setting), "relay=%s", relay->address);
	scene_begin_with(scene, setting);
	run(output, sizeof(output), "cat %s/kafka/relayed-port", scene->dir);
	snprintf(scene->relayed_address, sizeof(scene->relayed_address), "127.0.0.1:%.8s", output);
}

void scene_end(struct scene *scene)
{
	char output[OUTPUT_BYTES];
	bool faults = show_reports(scene);

	current = NULL;
	run(output, sizeof(output), "%s/contrib/servers remove kafka %s/kafka 2>&1", scene->source, scene->dir);
	if (scene->mariadb_address[0])
		run(output, sizeof(output), "for i in mariadb replica; do [ ! -e %s/$i ] || %s/contrib/servers remove mariadb %s/$i; done 2>&1",
		    scene->dir, scene->source, scene->dir);
	if (scene->registry_url[0])
		run(output, sizeof(output), "%s/contrib/servers remove registry %s/registry 2>&1", scene->source,
		    scene->dir);
	run(output, sizeof(output), "for i in %s/*/data; do %s/contrib/servers remove postgresql ${i%%/data}; done 2>&1", scene->dir,
	    scene->source);
	if (!getenv("TAILWATER_KEEP"))
		run(output, sizeof(output), "rm -rf %s", scene->dir);
	if (faults)
		exit(1);
}

void scene_server(struct scene *scene, const char *verb, const char *kind, const char *how)
{
	char output[OUTPUT_BYTES];

	if (run(output, sizeof(output), "%s/contrib/servers %s %s %s/%s %s 2>&1", scene->source, verb, kind, scene->dir,
		kind, how ? how : "") != 0) {
		fprintf(stderr, "%s\n", output);
		harness_fail(NULL, verb);
	}
}

/* SQL goes through a file: it may be long, and have quotes of all kinds. */
static int run_sql(struct scene *scene, const char *sql, char *output, size_t size)
{
	char command[300], path[300];
	FILE *file;

	snprintf(path, sizeof(path), "%s/statement.sql", scene->dir);
	file = fopen(path, "w");
	if (!file || fputs(sql, file) < 0 || fclose(file) != 0)
		abort();
	psql_command(scene, command, sizeof(command));
	return run(output, size, "%s -f %s 2>&1", command, path);
}

/* Runs SQL that must not fail. */
static void run_formatted(struct scene *scene, char *output, size_t size, const char *format, va_list args)
	__attribute__((format(printf, 4, 0)));

static void run_formatted(struct scene *scene, char *output, size_t size, const char *format, va_list args)
{
	char *sql;

	if (vasprintf(&sql, format, args) < 0)
		abort();
	if (run_sql(scene, sql, output, size) != 0) {
		fprintf(stderr, "%s\n%s\n", sql, output);
		harness_fail(NULL, "SQL failed");
	}
	free(sql);
}

void scene_sql(struct scene *scene, const char *format, ...)
{
	char output[OUTPUT_BYTES];
	va_list args;

	va_start(args, format);
	run_formatted(scene, output, sizeof(output), format, args);
	va_end(args);
}

void scene_sql_file(struct scene *scene, const char *path)
{
	char command[300], output[OUTPUT_BYTES];

	psql_command(scene, command, sizeof(command));
	if (run(output, sizeof(output), "%s -f %s/%s 2>&1", command, scene->source, path) != 0) {
		fprintf(stderr, "%s: %s\n", path, output);
		harness_fail(NULL, "SQL failed");
	}
}

const char *scene_value(struct scene *scene, const char *format, ...)
{
	static char output[OUTPUT_BYTES];
	va_list args;

	va_start(args, format);
	run_formatted(scene, output, sizeof(output), format, args);
	va_end(args);
	return output;
}

void scene_load_lines(struct scene *scene, const char *table, const char *path)
{
	scene_sql(scene, "DROP TABLE IF EXISTS %s CASCADE; CREATE TABLE %s (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, line jsonb)", table, table);
	scene_sql(scene, "\\copy %s (line) from program 'sed -e ''s/\\\\/\\\\\\\\/g'' %s%s%s'", table, *path == '/' ? "" : scene->dir,
		  *path == '/' ? "" : "/", path);
}

int scene_version(struct scene *scene)
{
	return atoi(scene_value(scene, "SHOW server_version_num"));
}

static void work_for_ever(const char *command) __attribute__((noreturn));

static void work_for_ever(const char *command)
{
	signal(SIGTERM, SIG_DFL);
	for (;;)
		if (system(command) != 0)
			usleep(200000);
}

pid_t scene_work(struct scene *scene, const char *sql)
{
	char psql[300], command[1000];
	pid_t pid;

	psql_command(scene, psql, sizeof(psql));
	snprintf(command, sizeof(command), "exec %s -c \"%s\" >/dev/null 2>&1", psql, sql);
	pid = fork();
	if (pid < 0)
		abort();
	if (pid == 0) {
		char name[32];

		setpgid(0, 0);
		snprintf(name, sizeof(name), "work-%d", (int)getpid());
		setenv("PGAPPNAME", name, 1);
		work_for_ever(command);
	}
	setpgid(pid, pid);
	note_child(pid);
	return pid;
}

void scene_work_stop(struct scene *scene, pid_t pid)
{
	usec_t deadline = clock_mono() + 20 * USEC_PER_SEC;

	kill(-pid, SIGTERM);
	waitpid(pid, NULL, 0);
	forget_child(pid);
	/* The server does not notice before it has something to tell its client. */
	while (strcmp(scene_value(scene, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
				  "WHERE application_name = 'work-%d'", (int)pid), "0") != 0) {
		if (clock_mono() > deadline)
			harness_fail(NULL, "a session of the workload does not end");
		harness_nap();
	}
}

void agent_init(struct agent *agent, struct scene *scene, const char *name, const char *extra)
{
	const char *colon = strchr(scene->pg_address, ':');
	FILE *file;

	*agent = (struct agent){.scene = scene};
	snprintf(agent->config, sizeof(agent->config), "%s/%s.yaml", scene->dir, name);
	snprintf(agent->log, sizeof(agent->log), "%s/%s.log", scene->dir, name);
	snprintf(agent->metrics, sizeof(agent->metrics), "%s/%s.metrics", scene->dir, name);
	file = fopen(agent->config, "w");
	if (!file)
		abort();
	fprintf(file,
		"source:\n  name: demo\n  type: postgresql\n  host: %.*s\n  port: %s\n  dbname: postgres\n  user: postgres\n"
		"  slot: tailwater\n  publication: tailwater\n  create_slot: true\n",
		(int)(colon - scene->pg_address), scene->pg_address, colon + 1);
	fprintf(file, "kafka:\n  bootstrap.servers: %s\n", scene->kafka_address);
	fprintf(file, "state:\n  file: %s/%s.state\n", scene->dir, name);
	fprintf(file, "mapping:\n  pack: %s/contrib/mappings/%s\n  schemas: %s/schemas\n", scene->source, scene->pack,
		scene->source);
	if (!strstr(extra, "masking:"))
		fprintf(file, "masking:\n  classes: {email: last4}\n");
	fprintf(file, "topics:\n  prefix: tw\n  partitions: 4\n%s", extra);
	fclose(file);
}

void agent_start(struct agent *agent, const char *failpoint)
{
	agent_start_with(agent, failpoint, NULL);
}

void agent_start_with(struct agent *agent, const char *failpoint, const char *option)
{
	int log = open(agent->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	unlink(agent->metrics);
	agent->pid = fork();
	if (agent->pid < 0 || log < 0)
		abort();
	if (agent->pid == 0) {
		setpgid(0, 0);
		dup2(log, STDERR_FILENO);
		dup2(log, STDOUT_FILENO);
		if (failpoint)
			setenv("TAILWATER_FAILPOINT", failpoint, 1);
		execl(agent->scene->agent, "tailwater", "run", "--config", agent->config, "--metrics-file",
		      agent->metrics, option, NULL);
		_exit(127);
	}
	close(log);
	setpgid(agent->pid, agent->pid);
	note_child(agent->pid);
}

int agent_wait(struct agent *agent, usec_t timeout_us)
{
	usec_t deadline = clock_mono() + timeout_us;
	int status;

	while (waitpid(agent->pid, &status, WNOHANG) == 0) {
		if (clock_mono() > deadline) {
			agent_kill(agent);
			harness_fail(agent, "the agent did not end in time");
		}
		harness_nap();
	}
	forget_child(agent->pid);
	agent->pid = 0;
	return status;
}

void agent_await_stop(struct agent *agent)
{
	usec_t deadline = clock_mono() + 90 * USEC_PER_SEC;
	int status;

	while (waitpid(agent->pid, &status, WNOHANG | WUNTRACED) == 0) {
		if (clock_mono() > deadline)
			harness_fail(agent, "the agent did not reach the point to stop at");
		harness_nap();
	}
	if (!WIFSTOPPED(status))
		harness_fail(agent, "the agent ended before the point to stop at");
}

void agent_continue(struct agent *agent)
{
	kill(agent->pid, SIGCONT);
}

void agent_kill(struct agent *agent)
{
	if (!agent->pid)
		return;
	kill(agent->pid, SIGKILL);
	waitpid(agent->pid, NULL, 0);
	forget_child(agent->pid);
	agent->pid = 0;
}

void agent_stop(struct agent *agent)
{
	int status;

	kill(agent->pid, SIGTERM);
	/* Longer than commit_timeout, which a commit that Kafka leaves unanswered may take. */
	status = agent_wait(agent, 90 * USEC_PER_SEC);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	fprintf(stderr, "%s\n", harness_ending(status));
	harness_fail(agent, "the agent did not exit with 0 when told to stop");
}

bool agent_ended(const struct agent *agent)
{
	siginfo_t info = {0};

	return agent && agent->pid && waitid(P_PID, (id_t)agent->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid != 0;
}

const char *harness_ending(int status)
{
	static char text[100];
	const char *name = "";

	if (!WIFEXITED(status)) {
		snprintf(text, sizeof(text), "signal %d", WTERMSIG(status));
		return text;
	}
	for (int state = STATE_GAP; state < NAMED_STATES; state++)
		if (named_states[state].exit_code == WEXITSTATUS(status))
			name = named_states[state].name;
	snprintf(text, sizeof(text), "exit code %d%s%s", WEXITSTATUS(status), *name ? ", " : "", name);
	return text;
}

static bool read_file(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t len;

	if (!file)
		return false;
	len = fread(text, 1, size - 1, file);
	text[len] = '\0';
	fclose(file);
	return true;
}

uint64_t agent_metric(const struct agent *agent, const char *name)
{
	char text[OUTPUT_BYTES], key[100];
	const char *found;

	snprintf(key, sizeof(key), "\"%s\":", name);
	if (!read_file(agent->metrics, text, sizeof(text)) || !(found = strstr(text, key)))
		return 0;
	return strtoull(found + strlen(key), NULL, 10);
}

unsigned agent_logged(const struct agent *agent, const char *text)
{
	FILE *file = fopen(agent->log, "r");
	unsigned times = 0;
	char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) >= 0)
		times += strstr(line, text) != NULL;
	free(line);
	if (file)
		fclose(file);
	return times;
}

int agent_verb(const struct agent *agent, const char *verb_and_options, const char *output)
{
	char ignored[OUTPUT_BYTES];

	return run(ignored, sizeof(ignored), "%s %s --config %s >%s/%s 2>&1", agent->scene->agent, verb_and_options,
		   agent->config, agent->scene->dir, output);
}
