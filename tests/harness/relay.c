/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Accepting, connecting and ending; nothing here looks at what is carried. */
#include "harness/relay.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/harness.h"

bool relay_send(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		bytes += sent;
		len -= (size_t)sent;
	}
	return true;
}

void relay_close(struct relay_control *control)
{
	control->closed_until = clock_mono() + control->closed_for;
}

bool relay_closed(const struct relay_control *control)
{
	return clock_mono() < control->closed_until;
}

void relay_listen(struct relay *relay)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);

	relay->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	relay->control = mmap(NULL, sizeof(*relay->control), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (relay->control == MAP_FAILED || relay->listener < 0 ||
	    bind(relay->listener, (struct sockaddr *)&at, size) < 0 || listen(relay->listener, 16) < 0 ||
	    getsockname(relay->listener, (struct sockaddr *)&at, &size) < 0)
		harness_fail(NULL, "the relay cannot listen");
	snprintf(relay->address, sizeof(relay->address), "127.0.0.1:%d", ntohs(at.sin_port));
}

static int connect_to(const char *address)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1)),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		_exit(1);
	return fd;
}

static void accept_all(const struct relay *relay, const char *target, relay_carrier *carry) __attribute__((noreturn));

static void accept_all(const struct relay *relay, const char *target, relay_carrier *carry)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* however the test ends */
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int client = accept(relay->listener, NULL, NULL);

		if (client >= 0 && !relay_closed(relay->control) && fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(relay->listener);
			carry(relay->control, client, connect_to(target));
			_exit(0);
		}
		close(client);
	}
}

void relay_serve(struct relay *relay, const char *target, relay_carrier *carry)
{
	relay->pid = fork();
	if (relay->pid < 0)
		harness_fail(NULL, "the relay cannot be started");
	if (relay->pid == 0)
		accept_all(relay, target, carry);
	close(relay->listener);
}

void relay_end(struct relay *relay)
{
	kill(relay->pid, SIGKILL);
}
