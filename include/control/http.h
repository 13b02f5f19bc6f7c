/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * HTTP on loopback, in a thread of its own that reads what the pipeline publishes and never makes it wait. GET and HEAD;
 * few connections, a short time-out, no TLS, no password. What changes something is taken on the control socket alone
 * (control.h), never on loopback.
 */
#ifndef CONTROL_HTTP_H
#define CONTROL_HTTP_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/view.h"
#include "base/writer.h"
#include "control/control.h"
#include "control/pages.h"

struct http_address {
	struct sockaddr_storage storage;
	socklen_t len;
	uint16_t port;
};

/* "127.0.0.1:9187", "[::1]:9187", "localhost:9187"; -1 if it is none, or not on loopback. */
int http_address_parse(struct view text, struct http_address *ret);

struct http;

/* Begins to answer; the pages must live until http_stop. ERROR_INPUT if the address cannot be had. */
MUST_CHECK int http_start(struct http **ret, const char *listen, const struct pages *pages, struct error *err);

/*
 * The same on the control socket, whose descriptor is the server's from now on, also when it fails: requests are taken
 * as well. Before http_stop the mailbox has to be closed, or who waits there is waited for.
 */
MUST_CHECK int http_start_control(struct http **ret, int fd, const struct pages *pages, const struct control *control,
				  struct error *err);

/* Ends the thread; takes NULL. */
void http_stop(struct http *http);

/* The port that is listened on, which the kernel chose if 0 was asked for. */
uint16_t http_port(const struct http *http);

/*
 * Asks an agent for a page, on loopback or, if `listen` is a path, on its control socket: the body is appended; returns the code of HTTP, 0 if nobody listens there, or -1 (ERROR_TRANSIENT) if
 * who listens does not answer as it should.
 */
int http_get(const char *listen, const char *path, struct writer *body, struct error *err);

#endif
