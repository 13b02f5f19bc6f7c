/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Verbs that ask the running agent for something: a request's members from the command line's flags. */
#ifndef CONTROL_ASK_H
#define CONTROL_ASK_H

#include "control/verb.h"
#include "pipeline/requests.h"

struct asked {
	const char *request;
	struct {
		const char *member;
		const char *flag;   /* a switch that is given is true */
	} members[REQUEST_FIELDS_MOST + 1];
};

/* Asks, and prints the answer on a line; returns the exit code. */
int ask_agent(const struct arguments *args, const struct asked *asked);

#endif
