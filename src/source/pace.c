/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The rule of pace.h, as settled by experiment. Single naps of any length do not keep the pipe full: the kernel answers them
 * with a larger window, and the server goes back to single rows.
 */
#include "pace.h"

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

	*pace = (struct pace){0};
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

/* Lets the server fill the pipe. */
static int nap_while_it_grows(struct pace *pace, int fd, int bytes)
{
	int before = -1;

	for (int i = 0; i < PACE_NAPS_MOST && bytes > before; i++) {
		before = bytes;
		nap(pace, PACE_NAP_US << i);
		bytes = waiting_bytes(fd);
	}
	pace->portion = PACE_PORTION_BYTES;
	pace->napped_at = clock_mono();
	return bytes;
}

static bool nap_is_due(const struct pace *pace, int bytes)
{
	if (!pace->flowing)
		return false;
	return bytes < PACE_READ_BYTES || (pace->portion <= 0 && clock_mono() - pace->napped_at < PACE_PORTION_US);
}

int pace_wait(struct pace *pace, int fd)
{
	int bytes = waiting_bytes(fd);

	if (nap_is_due(pace, bytes))
		bytes = nap_while_it_grows(pace, fd, bytes);
	pace->flowing = bytes > 0;
	if (bytes > 0) {
		pace->reads++;
		pace->behind += bytes >= PACE_PORTION_BYTES;
		pace->portion -= PACE_READ_BYTES;
	}
	return bytes;
}
