/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Servers and waiting, by processes of their own: psql, contrib/servers. */
#include "harness/harness.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/children.h"
#include "harness/relay.h"

/* Process groups of ours that may be running: ended with the test, however it ends. */
static pid_t children[16];
static struct scene *current;

void child_begun(pid_t pid)
{
	for (size_t i = 0; i < sizeof(children) / sizeof(children[0]); i++) {
		if (!children[i]) {
			children[i] = pid;
			return;
		}
	}
}

void child_ended(pid_t pid)
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

int harness_run(char *output, size_t size, const char *format, ...)
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

	if (harness_run(output, sizeof(output), "%s/contrib/servers start %s %s/%s %s", scene->source, kind, scene->dir, folder,
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

	if (harness_run(output, sizeof(output), "cat %s/sanitizer.* 2>/dev/null", scene->dir) != 0)
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
	if (harness_run(output, sizeof(output), "%s/contrib/servers fetch 2>&1", scene->source) != 0)
		skip(output);
	start_server(scene, "postgresql", "", scene->pg_address, sizeof(scene->pg_address));
	start_server(scene, "kafka", kafka_settings, scene->kafka_address, sizeof(scene->kafka_address));
}

void scene_add_registry(struct scene *scene)
{
	char output[OUTPUT_BYTES];

	if (harness_run(output, sizeof(output), "%s/contrib/servers fetch registry 2>&1", scene->source) != 0) {
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
	harness_run(output, sizeof(output), "cat %s/created.out", scene->dir);
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
	if (harness_run(said, sizeof(said), "mariadb --no-defaults -h 127.0.0.1 -P %s -u root -BNr --default-character-set=utf8mb4 $(grep -q 'CREATE "
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
	harness_run(output, sizeof(output), "cat %s/kafka/relayed-port", scene->dir);
	snprintf(scene->relayed_address, sizeof(scene->relayed_address), "127.0.0.1:%.8s", output);
}

void scene_end(struct scene *scene)
{
	char output[OUTPUT_BYTES];
	bool faults = show_reports(scene);

	current = NULL;
	harness_run(output, sizeof(output), "%s/contrib/servers remove kafka %s/kafka 2>&1", scene->source, scene->dir);
	if (scene->mariadb_address[0])
		harness_run(output, sizeof(output), "for i in mariadb replica; do [ ! -e %s/$i ] || %s/contrib/servers remove mariadb %s/$i; done 2>&1",
		    scene->dir, scene->source, scene->dir);
	if (scene->registry_url[0])
		harness_run(output, sizeof(output), "%s/contrib/servers remove registry %s/registry 2>&1", scene->source,
		    scene->dir);
	harness_run(output, sizeof(output), "for i in %s/*/data; do %s/contrib/servers remove postgresql ${i%%/data}; done 2>&1", scene->dir,
	    scene->source);
	if (!getenv("TAILWATER_KEEP"))
		harness_run(output, sizeof(output), "rm -rf %s", scene->dir);
	if (faults)
		exit(1);
}

void scene_server(struct scene *scene, const char *verb, const char *kind, const char *how)
{
	char output[OUTPUT_BYTES];

	if (harness_run(output, sizeof(output), "%s/contrib/servers %s %s %s/%s %s 2>&1", scene->source, verb, kind, scene->dir,
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
	return harness_run(output, size, "%s -f %s 2>&1", command, path);
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
	if (harness_run(output, sizeof(output), "%s -f %s/%s 2>&1", command, scene->source, path) != 0) {
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
	child_begun(pid);
	return pid;
}

void scene_work_stop(struct scene *scene, pid_t pid)
{
	usec_t deadline = clock_mono() + 20 * USEC_PER_SEC;

	kill(-pid, SIGTERM);
	waitpid(pid, NULL, 0);
	child_ended(pid);
	/* The server does not notice before it has something to tell its client. */
	while (strcmp(scene_value(scene, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
				  "WHERE application_name = 'work-%d'", (int)pid), "0") != 0) {
		if (clock_mono() > deadline)
			harness_fail(NULL, "a session of the workload does not end");
		harness_nap();
	}
}
