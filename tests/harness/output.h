/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What verbs of the program say. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "harness/harness.h"

/* Of the last verb, or what was read last. */
extern char agent_output[1 << 20];

/* From a file of the scene's folder. */
void agent_take_output(const struct agent *agent, const char *file);

/* Runs a verb with --config, and takes its output. Returns the exit code. */
int agent_ask(const struct agent *agent, const char *verb_and_options);

/* The same; it has to end with this code, and to say this, among other things. */
void agent_expect(const struct agent *agent, const char *verb_and_options, int code, const char *said);

/* It ended with `got`, and the output is taken. */
void agent_check_output(const struct agent *agent, const char *what, int got, int code, const char *said);

/* How often a text stands in the output. */
unsigned agent_said(const char *text);

#endif
