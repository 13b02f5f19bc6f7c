/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "harness/output.h"

#include <stdio.h>
#include <string.h>

#define FILE_NAME "verb.out"

char agent_output[1 << 20];

void agent_take_output(const struct agent *agent, const char *file)
{
	char path[300];
	FILE *from;

	snprintf(path, sizeof(path), "%s/%s", agent->scene->dir, file);
	from = fopen(path, "r");
	if (!from)
		harness_fail(agent, path);
	agent_output[fread(agent_output, 1, sizeof(agent_output) - 1, from)] = '\0';
	fclose(from);
}

int agent_ask(const struct agent *agent, const char *verb_and_options)
{
	int code = agent_verb(agent, verb_and_options, FILE_NAME);

	agent_take_output(agent, FILE_NAME);
	return code;
}

void agent_check_output(const struct agent *agent, const char *what, int got, int code, const char *said)
{
	if (got == code && strstr(agent_output, said))
		return;
	fprintf(stderr, "%s: exit code %d, expected %d and \"%s\"; it said:\n%s\n", what, got, code, said, agent_output);
	harness_fail(agent, what);
}

void agent_expect(const struct agent *agent, const char *verb_and_options, int code, const char *said)
{
	agent_check_output(agent, verb_and_options, agent_ask(agent, verb_and_options), code, said);
}

unsigned agent_said(const char *text)
{
	unsigned count = 0;

	for (const char *at = agent_output; (at = strstr(at, text)); at++)
		count++;
	return count;
}
