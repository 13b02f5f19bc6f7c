/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A server that knows no slots removes its log by its age, whether it was read or not. When that is stands in `doctor`, `status` and
 * the metrics: of an agent that has all, of one that is behind, and of one that was away for too long.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/output.h"
#include "system/audited.h"
#include "system/family.h"

static struct scene scene;
static struct plain plain;

static double hours(void)
{
	const char *at;

	if (agent_ask(&plain.agent, "doctor") > 1)
		harness_fail(&plain.agent, agent_output);
	at = strstr(agent_output, "the log that comes next for us in ");
	return at ? atof(at + strlen("the log that comes next for us in ")) : -1;
}

static bool is_shown(const char *field)
{
	char text[100];

	snprintf(text, sizeof(text), "\"%s\":86", field); /* a day, less some seconds */
	return agent_ask(&plain.agent, "status --json") == 0 && strstr(agent_output, text);
}

static void write_some(void)
{
	scene_mariadb(&scene, "out", "INSERT INTO aged (text) VALUES ('a'), ('b'); FLUSH BINARY LOGS; INSERT INTO aged (text) VALUES ('last')");
}

/* The server keeps what somebody reads, and it notices by its heartbeats only that nobody does. */
static bool is_purged(void)
{
	scene_mariadb(&scene, "out", "PURGE BINARY LOGS TO 'bin.000003'");
	scene_mariadb(&scene, "logs", "SHOW BINARY LOGS");
	return strstr(scene_value(&scene, "\\! cat %s/logs", scene.dir), "bin.000001") == NULL;
}

int main(void)
{
	double left;

	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	scene_add_mariadb(&scene);
	scene_mariadb(&scene, "out", "CREATE TABLE aged (id int PRIMARY KEY AUTO_INCREMENT, text text); INSERT INTO aged (text) VALUES ('one')");
	audited_configure(&plain, &scene, "aged", "[erp.aged]");
	audited_stream(&plain);
	WAIT_UNTIL(is_shown("secondsToLoss"), 30, &plain.agent);
	agent_expect(&plain.agent, "status", 0, "when the server removes by its age what is not confirmed by then");
	audited_catch_up(&plain);
	left = hours();
	if (left < 23.8 || left > 24.0)
		harness_fail(&plain.agent, "the log of an agent that has all does not last for a day");
	agent_stop(&plain.agent);
	printf("an agent that has all: %.1f hours\n", left);
	write_some();
	if (!family_has(&scene, FACT_LOG_STATUS))
		scene_mariadb(&scene, "out", "SET GLOBAL expire_logs_days = 0");
	scene_mariadb(&scene, "out", "SET GLOBAL binlog_expire_logs_seconds = 7200");
	left = hours();
	if (left < 1.8 || left > 2.0)
		harness_fail(&plain.agent, "the time that a file of the log lasts does not count from its end");
	if (!strstr(agent_output, "warning M111"))
		harness_fail(&plain.agent, "nobody is warned");
	printf("an agent that is behind: %.1f hours\n", left);
	scene_mariadb(&scene, "out", "FLUSH BINARY LOGS");
	write_some();
	WAIT_UNTIL(is_purged(), 30, &plain.agent);
	agent_expect(&plain.agent, "doctor", 1, "M111  the server has removed the log that comes next for us");
	agent_start(&plain.agent, NULL);
	plain_expect(&plain, STATE_GAP, "GAP", 1, 30);
	printf("an agent that was away for too long is told so\n");
	scene_end(&scene);
	return 0;
}
