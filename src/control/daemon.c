/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Memory, signals and systemd. The notification protocol is a datagram with a line; no library is needed for that. */
#include "control/daemon.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* Atomic, not only volatile: handlers run in whatever thread the kernel chooses. */
static struct pipeline_control *_Atomic stopped;
static atomic_uint stop_signals;
static atomic_bool reload_signal;

/* Only what is safe in a handler: lock-free atomics, write, _exit. */
static void on_stop(int signal)
{
	struct pipeline_control *control = atomic_load(&stopped);
	uint64_t one = 1;
	int saved = errno;

	if (!control)
		return;
	if (atomic_fetch_add(&stop_signals, 1))
		_exit(128 + signal);
	atomic_store(&control->stop, true);
	if (write(control->wake_fd, &one, sizeof(one)) < 0)
		_exit(128 + signal);
	errno = saved;
}

static void on_reload(int signal)
{
	(void)signal;
	atomic_store(&reload_signal, true);
}

static void handle(int signal, void (*handler)(int signal))
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

	sigemptyset(&action.sa_mask);
	sigaction(signal, &action, NULL);
}

/*
 * The client allocates and frees a buffer of a megabyte for each request. The C library would give such memory back to
 * the system each time, and a tenth of the agent's work would be page faults.
 */
void daemon_keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 4 << 20);
	mallopt(M_TRIM_THRESHOLD, 8 << 20);
}

int daemon_signals(struct pipeline_control *control, struct error *err)
{
	control->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (control->wake_fd < 0)
		return error_set(err, ERROR_INTERNAL, "no eventfd can be had: %s", strerror(errno));
	atomic_store(&stopped, control);
	handle(SIGTERM, on_stop);
	handle(SIGINT, on_stop);
	handle(SIGHUP, on_reload);
	handle(SIGPIPE, SIG_IGN);
	return 0;
}

void daemon_signals_end(struct pipeline_control *control)
{
	atomic_store(&stopped, NULL);
	close(control->wake_fd);
}

bool daemon_reload_wanted(void)
{
	return atomic_exchange(&reload_signal, false);
}

void daemon_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = 1};
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (!len || len >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, len);
	if (*path == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* Who does not listen keeps nobody from ending. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	/* Nobody is there to be told that telling failed. */
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		errno = 0;
	close(fd);
}

/* Once a second is often enough for any WatchdogSec that makes sense: how many there are does not matter. */
bool daemon_watched(void)
{
	const char *interval = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	return interval && *interval && (!pid || strtol(pid, NULL, 10) == getpid());
}
