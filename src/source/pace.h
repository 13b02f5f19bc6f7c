/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * How to read a stream that arrives in small pieces. A reader that polls at once is woken for nearly every row, and it is
 * the server that pays for the wake-ups; a reader that naps for a moment after a short read lets the pieces gather, and
 * doubles the speed of the server. Nap only while data flows: when nothing came since the last read, the caller polls.
 */
#ifndef SOURCE_PACE_H
#define SOURCE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_NAP_US 100           /* the first nap; each one that follows is twice as long */
#define PACE_NAPS_MOST 4          /* in a row, while the kernel's queue keeps growing: 1.5 ms in all */
#define PACE_READ_BYTES 16384     /* what one read takes: nap only if it would come short ... */
#define PACE_ENOUGH_BYTES 65536   /* ... and then until so much waits, for several reads */

struct pace {
	uint64_t reads;
	uint64_t naps;
	uint64_t behind;          /* reads that found PACE_ENOUGH_BYTES or more */
	bool flowing;             /* the last read found something */
};

/*
 * To be called before each read of the socket. Returns the number of bytes that wait there, after napping while it is
 * worth it; 0: nothing, the caller should poll.
 */
int pace_wait(struct pace *pace, int fd);

#endif
