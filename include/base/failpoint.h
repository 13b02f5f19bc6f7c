/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Points at which a test can have the process killed: TAILWATER_FAILPOINT="name" or "name:n" for the n-th passage, or
 * stopped: "stop@name:n". Without the variable a passage costs one comparison.
 */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#include <stdbool.h>

extern bool failpoint_armed; /* the variable was set */

/* Reads the variable; once, before there are other threads. */
void failpoint_setup(void);

/* What failpoint() does when the variable was set: signals the process if this is the passage that was asked for. */
void failpoint_hit(const char *name);

/* The same a millisecond later, whatever the process is doing by then. */
void failpoint_soon(const char *name);

/* A point with a name; all points that kill are in tests/system/exactly_once.c. */
static inline void failpoint(const char *name)
{
	if (__builtin_expect(failpoint_armed, 0))
		failpoint_hit(name);
}

#endif
