/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The machine fails the agent: the disk of its state file is full and has room again, and its wall clock jumps back and
 * forth. Every row is published once, in order, and what the matter is can be seen.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/plain.h"

static struct scene scene;

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		harness_fail(NULL, path);
	close(fd);
}

/* Published once each, in the order in which they were made. */
static void check_rows(struct plain *plain, unsigned count)
{
	plain_read_back(plain, "change.*");
	if (strcmp(scene_value(&scene, "SELECT count(*) = %u AND bool_and(id > before) FROM (SELECT (value#>>'{after,id}')::int AS id, "
			       "lag((value#>>'{after,id}')::int, 1, 0) OVER (ORDER BY n) AS before FROM seen) r", count), "t") == 0)
		return;
	harness_fail(&plain->agent, scene_value(&scene, "SELECT count(*) || ' records, not %u in order' FROM seen", count));
}

/* The disk ------------------------------------------------------------------------------------ */

static struct plain small = {.name = "small"};
static char small_extra[100];

/* A disk of its own of a few megabytes, in a mount namespace; false if this machine permits none. */
static bool box(void)
{
	char path[400], text[1200];
	const char *unshare = geteuid() == 0 ? "unshare -m" : "unshare -rm";

	if (system(geteuid() == 0 ? "unshare -m mount -t tmpfs none /mnt 2>/dev/null" : "unshare -rm mount -t tmpfs none /mnt 2>/dev/null") != 0)
		return false;
	snprintf(path, sizeof(path), "%s/disk", scene.dir);
	mkdir(path, 0700);
	snprintf(text, sizeof(text), "#!/bin/sh\nexec %s sh -c 'mount -t tmpfs -o size=6m none %s && exec %s \"$@\"' sh \"$@\"\n", unshare, path,
		 scene.agent);
	snprintf(path, sizeof(path), "%s/boxed", scene.dir);
	write_file(path, text, 0755);
	snprintf(scene.agent, sizeof(scene.agent), "%.200s/boxed", scene.dir);
	return true;
}

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void shell(const char *format, ...)
{
	char command[900];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) != 0)
		harness_fail(&small.agent, command);
}

static void full_disk(void)
{
	char agent[sizeof(scene.agent)];

	memcpy(agent, scene.agent, sizeof(agent));
	if (!box()) {
		printf("a full disk: SKIPPED, this machine lets us mount nothing\n");
		return;
	}
	snprintf(small_extra, sizeof(small_extra), "http:\n  listen: 127.0.0.1:%u\n", harness_free_port());
	small.extra = small_extra;
	plain_prepare(&small, &scene);
	shell("sed -i 's|file: .*/small.state|file: %s/disk/small.state|' %s", scene.dir, small.agent.config);
	plain_stream(&small);
	memcpy(scene.agent, agent, sizeof(agent));
	shell("head -c 20M /dev/zero >/proc/%d/root%s/disk/filler 2>/dev/null || true", (int)small.agent.pid, scene.dir);
	scene_sql(&scene, "INSERT INTO small SELECT g, 'row' FROM generate_series(2, 500) g");
	WAIT_UNTIL(agent_logged(&small.agent, "its disk is full") > 0, 30, &small.agent);
	scene_sql(&scene, "INSERT INTO small SELECT g, 'row' FROM generate_series(501, 1000) g");
	WAIT_UNTIL(agent_verb(&small.agent, "status", "status.out") == EXIT_FAILED, 10, &small.agent);
	shell("grep -q DISK_FULL %s/status.out", scene.dir);
	shell("rm /proc/%d/root%s/disk/filler", (int)small.agent.pid, scene.dir);
	plain_catch_up(&small);
	check_rows(&small, 1000);
	agent_stop(&small.agent);
	printf("a full disk: told as DISK_FULL, and gone on when there was room\n");
}

/* The clock ----------------------------------------------------------------------------------- */

static struct plain clocked = {.name = "clocked"};

static void jump(const char *seconds)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/clock", scene.dir);
	shell("printf %%s '%s' | dd of=%s conv=notrunc status=none", seconds, path);
}

static void more_rows(unsigned from, unsigned to)
{
	for (; from <= to; from += 10)
		scene_sql(&scene, "INSERT INTO clocked SELECT g, 'row' FROM generate_series(%u, %u) g", from, from + 9);
	plain_catch_up(&clocked);
}

static void kill_and_restart(void)
{
	agent_kill(&clocked.agent);
	plain_stream(&clocked);
}

static void jumping_clock(void)
{
	char path[400], library[700];

	snprintf(path, sizeof(path), "%s/clock", scene.dir);
	write_file(path, "+000000000", 0600);
	setenv("TAILWATER_CLOCK_FILE", path, 1);
	snprintf(library, sizeof(library), "%s/tests/harness/clock_jump.so", getenv("PWD"));
	if (access(library, R_OK) != 0)
		harness_fail(NULL, library);
	plain_prepare(&clocked, &scene);
	setenv("LD_PRELOAD", library, 1);
	setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1);
	plain_stream(&clocked);
	unsetenv("LD_PRELOAD");
	more_rows(11, 50);
	jump("-000003600");
	more_rows(51, 90);
	setenv("LD_PRELOAD", library, 1);
	kill_and_restart();
	unsetenv("LD_PRELOAD");
	more_rows(91, 130);
	jump("+000003000");
	more_rows(131, 170);
	/* So far ahead that the broker takes no record, nor a claim. */
	jump("+000086400");
	scene_sql(&scene, "INSERT INTO clocked SELECT g, 'row' FROM generate_series(171, 180) g");
	WAIT_UNTIL(agent_logged(&clocked.agent, "INVALID_TIMESTAMP") > 1, 30, &clocked.agent);
	if (!agent_logged(&clocked.agent, "the clock of this machine is ahead"))
		harness_fail(&clocked.agent, "no remedy is told");
	jump("+000000000");
	more_rows(181, 210);
	check_rows(&clocked, 201);
	agent_stop(&clocked.agent);
	printf("a clock that jumps: every row once, in order\n");
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	scene_begin(&scene);
	full_disk();
	jumping_clock();
	scene_end(&scene);
	return 0;
}
