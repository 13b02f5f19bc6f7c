/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A relay that stands before a real server, so that a test can do to the connection what networks and bad servers do: a
 * process of its own with one child for each connection. How the bytes are carried is the test's business.
 */
#ifndef RELAY_H
#define RELAY_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"

/* Shared by the test and all processes of the relay. */
struct relay_control {
	volatile sig_atomic_t wanted;   /* the next fault, 0 = none; the carrier clears it when it is made */
	volatile usec_t closed_for;     /* how long nobody gets through after a fault */
	volatile usec_t closed_until;   /* monotonic */
};

struct relay {
	int listener;
	char address[64];               /* of the relay, host:port */
	pid_t pid;
	struct relay_control *control;
};

/* Carries bytes both ways until the connection is to end; both are closed after that. */
typedef void relay_carrier(struct relay_control *control, int client, int server);

/* Binds a port of the kernel's choice; what connects waits until relay_serve says where to. */
void relay_listen(struct relay *relay);
void relay_serve(struct relay *relay, const char *target, relay_carrier *carry);
void relay_end(struct relay *relay);

/* A fault was made: nobody gets through for as long as the test has said. */
void relay_close(struct relay_control *control);
bool relay_closed(const struct relay_control *control);

/* False if the other side has ended the connection. */
bool relay_send(int fd, const char *bytes, size_t len);

#endif
