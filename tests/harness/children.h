/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Processes that a test has started, within the harness. */
#ifndef HARNESS_CHILDREN_H
#define HARNESS_CHILDREN_H

#include <stddef.h>
#include <sys/types.h>

/* The group of such a process is killed with the test, however that ends, unless it has ended before. */
void child_begun(pid_t pid);
void child_ended(pid_t pid);

#define OUTPUT_BYTES 65536 /* of a command: enough for all that are run here */

/* Runs a command; its exit code, and what it prints, without the last newlines, as far as there is room. */
int harness_run(char *output, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
