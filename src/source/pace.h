/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * How to read a stream that arrives in small pieces. A server that sends each row by itself pays for every piece that
 * the kernel can deliver at once: a packet, an acknowledgement, a wake-up. A piece that cannot be delivered yet is
 * appended to the one that waits before it, at half the cost. So the pipe is to be kept full: the reader takes a
 * portion, and the next one when the server has had the time to send as much. That time is learned: each portion that
 * finds the pipe full shortens it a little, one that finds it dry lengthens it and lets the pipe fill first. The window
 * is kept small, since one that grew would never be full.
 */
#ifndef SOURCE_PACE_H
#define SOURCE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define PACE_NAP_US 200           /* the first nap of a dry pipe; each one that follows is twice as long */
#define PACE_BULK_BYTES 1000      /* what comes in the first nap if the stream is in bulk: 5 MB/s */
#define PACE_NAPS_MOST 4          /* in a row, while the kernel's queue keeps growing: 3 ms in all */
#define PACE_FILL_US 10000        /* and then, if a portion waits: the stream comes in bulk, and may gather speed */
#define PACE_READ_BYTES 16384     /* what one read takes */
#define PACE_PORTION_BYTES 65536
#define PACE_FULL_BYTES 131072    /* a pipe in which so much waits is full */
#define PACE_PERIOD_US 1000       /* from one portion to the next, at first ... */
#define PACE_PERIOD_MOST_US 4000  /* ... and at most */
#define PACE_WINDOW_BYTES 262144  /* of the receive buffer, of a server so near that it needs no larger one */
#define PACE_NEAR_US 2000

struct pace {
	uint64_t reads;
	uint64_t naps;
	uint64_t behind;          /* reads that found a portion or more */
	int portion;              /* bytes of it that are left to read */
	usec_t period;
	usec_t due;               /* when the next portion is, monotonic */
	bool flowing;             /* the last read found something */
};

/* Begins with a connected socket; what is no TCP socket is left as it is. */
void pace_begin(struct pace *pace, int fd);

/*
 * To be called before each read of the socket. Returns the number of bytes that wait there, after napping while it is
 * worth it; 0: nothing, the caller should poll.
 */
int pace_wait(struct pace *pace, int fd);

#endif
