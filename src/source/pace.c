/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The rule of pace.h, as settled by experiment. Naps of a fixed length do not keep the pipe full: short ones let it run
 * dry, and then a whole window of rows goes out one by one; long ones leave the server waiting.
 */
#include "pace.h"

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

/* Over a long way a small window would be the limit itself. */
static bool is_near(int fd)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_rtt < PACE_NEAR_US;
}

void pace_begin(struct pace *pace, int fd)
{
	int size = PACE_WINDOW_BYTES;

	*pace = (struct pace){.period = PACE_PERIOD_US};
	/* Where it is refused, the stream is slower, and as right. */
	if (is_near(fd))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

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

/*
 * Until the queue is as long as the kernel lets it grow; and, of a stream in bulk, longer: what is sent now waits
 * behind it. Where little comes nothing is to be gained, and each row would be late.
 */
static int let_it_fill(struct pace *pace, int fd, int bytes)
{
	int grown = INT_MAX;

	for (int i = 0; i < PACE_NAPS_MOST && grown >= (PACE_BULK_BYTES << i) / 2; i++) {
		nap(pace, PACE_NAP_US << i);
		grown = waiting_bytes(fd) - bytes;
		bytes += grown;
	}
	if (bytes >= PACE_PORTION_BYTES)
		nap(pace, PACE_FILL_US);
	return waiting_bytes(fd);
}

static void nap_until_due(struct pace *pace)
{
	usec_t now = clock_mono();

	if (now < pace->due)
		nap(pace, (long)(pace->due - now));
}

/* A pipe that was found full lets the next portion come a little sooner, one in bulk that ran dry later. */
static int begin_portion(struct pace *pace, int fd, int bytes)
{
	usec_t now;

	if (bytes >= PACE_FULL_BYTES) {
		pace->period -= pace->period / 100;
		nap_until_due(pace);
	} else {
		bytes = let_it_fill(pace, fd, bytes);
		if (bytes >= PACE_PORTION_BYTES && pace->period < PACE_PERIOD_MOST_US)
			pace->period += pace->period / 7;
	}
	now = clock_mono();
	pace->due = (pace->due > now - pace->period ? pace->due : now) + pace->period;
	pace->portion = PACE_PORTION_BYTES;
	return bytes;
}

int pace_wait(struct pace *pace, int fd)
{
	int bytes = waiting_bytes(fd);

	if (pace->flowing && (pace->portion <= 0 || bytes < PACE_READ_BYTES))
		bytes = begin_portion(pace, fd, bytes);
	pace->flowing = bytes > 0;
	if (bytes > 0) {
		pace->reads++;
		pace->behind += bytes >= PACE_PORTION_BYTES;
		pace->portion -= PACE_READ_BYTES;
	}
	return bytes;
}
