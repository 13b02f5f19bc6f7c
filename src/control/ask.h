/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Verbs that ask the running agent for something: a request's members from the command line, and its answer in words. */
#ifndef CONTROL_ASK_H
#define CONTROL_ASK_H

#include "base/view.h"
#include "control/verb.h"
#include "pipeline/requests.h"

/* What the agent has answered, by member: a number, or false if there is none (null). */
struct answer;

bool answer_number(const struct answer *answer, const char *member, uint64_t *ret);

struct asked {
	const char *request;
	struct {
		const char *member;
		struct view value;  /* VIEW_NONE: not given */
		bool on;            /* a switch that is given */
	} members[REQUEST_FIELDS_MOST];

	/* Says on standard output what will become of it. */
	void (*tell)(const struct arguments *args, const struct answer *answer);
};

/* Asks, and tells the answer, or prints it as it came with --json; returns the exit code. */
int ask_agent(const struct arguments *args, const struct asked *asked);

/* The exit code of a command line that the verb cannot do anything with: says what is wrong, and what to write. */
int ask_refuse(const char *what, const char *hint);

#define FLAG_ANSWER_JSON {"--json", NULL, false, "The agent's answer as a JSON object."}

#endif
