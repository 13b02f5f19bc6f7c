/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Dying on purpose: SIGKILL, so that nothing is flushed or cleaned up; or SIGSTOP, for what the test does meanwhile. */
#include "base/failpoint.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

bool failpoint_armed;

static int action = SIGKILL;
static const char *wanted;
static size_t wanted_len;
static unsigned long passages = 1;

void failpoint_setup(void)
{
	const char *colon;

	wanted = getenv("TAILWATER_FAILPOINT");
	if (!wanted)
		return;
	if (strncmp(wanted, "stop@", 5) == 0) {
		action = SIGSTOP;
		wanted += 5;
	}
	colon = strchr(wanted, ':');
	wanted_len = colon ? (size_t)(colon - wanted) : strlen(wanted);
	if (colon)
		passages = strtoul(colon + 1, NULL, 10);
	failpoint_armed = true;
}

static bool reached(const char *name)
{
	return failpoint_armed && strlen(name) == wanted_len && strncmp(name, wanted, wanted_len) == 0 &&
	       --passages == 0;
}

static void die(int number)
{
	(void)number;
	kill(getpid(), action);
}

void failpoint_hit(const char *name)
{
	if (reached(name))
		die(0);
}

void failpoint_soon(const char *name)
{
	struct itimerval timer = {.it_value.tv_usec = 1000};

	if (!reached(name))
		return;
	signal(SIGALRM, die);
	setitimer(ITIMER_REAL, &timer, NULL);
}
