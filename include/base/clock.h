/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Times. Every duration and instant inside the agent is in microseconds; wall times count from 1970-01-01 UTC.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

typedef int64_t usec_t;

#define USEC_PER_MSEC INT64_C(1000)
#define USEC_PER_SEC INT64_C(1000000)

/* Since some moment before the process began, never backwards: for durations and deadlines. */
usec_t clock_mono(void);

/* Since 1970-01-01 UTC, as the system's clock has it, which may be set: for what people and messages see. */
usec_t clock_wall(void);

#endif
