/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Points at which a test can have the process killed: TAILWATER_FAILPOINT="name" or "name:n" for the n-th passage. Without
 * the variable a passage costs one comparison.
 */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#include <stdbool.h>

extern bool failpoint_armed;

void failpoint_setup(void);
void failpoint_hit(const char *name);

/* The same a millisecond later, whatever the process is doing by then. */
void failpoint_soon(const char *name);

static inline void failpoint(const char *name)
{
	if (__builtin_expect(failpoint_armed, 0))
		failpoint_hit(name);
}

#endif
