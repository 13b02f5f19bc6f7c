/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Agents: the program itself, in processes of its own. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "harness/children.h"
#include "harness/harness.h"

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
	child_begun(agent->pid);
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
	child_ended(agent->pid);
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
	child_ended(agent->pid);
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

	return harness_run(ignored, sizeof(ignored), "%s %s --config %s >%s/%s 2>&1", agent->scene->agent, verb_and_options,
		   agent->config, agent->scene->dir, output);
}
