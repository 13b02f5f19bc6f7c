/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The rule of pace.h, as settled by experiment: nap until the kernel's queue stops growing. */
#include "pace.h"

#include <sys/ioctl.h>
#include <time.h>

static int waiting_bytes(int fd)
{
	int bytes = 0;

	/* An error here shows itself at the read that follows. */
	return ioctl(fd, FIONREAD, &bytes) < 0 ? 1 : bytes;
}

static void nap(struct pace *pace, long us)
{
	struct timespec time = {.tv_nsec = us * 1000};

	nanosleep(&time, NULL);
	pace->naps++;
}

int pace_wait(struct pace *pace, int fd)
{
	int before = -1, bytes = waiting_bytes(fd), enough = PACE_READ_BYTES;

	for (int i = 0; i < PACE_NAPS_MOST && pace->flowing && bytes > before && bytes < enough; i++) {
		before = bytes;
		enough = PACE_ENOUGH_BYTES;
		nap(pace, PACE_NAP_US << i);
		bytes = waiting_bytes(fd);
	}
	pace->flowing = bytes > 0;
	if (bytes > 0) {
		pace->reads++;
		pace->behind += bytes >= PACE_ENOUGH_BYTES;
	}
	return bytes;
}
