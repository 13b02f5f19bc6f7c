/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The control socket: where a running agent is asked to do something, by whoever may open the socket's file, which is its
 * own user (mode 0600). HTTP as on loopback (http.h), with all pages, and besides
 *
 *	POST /control/<request>    a JSON object of the request's members (pipeline/requests.h); the answer is one, too
 *
 * What goes wrong is one sentence: 400 if what is asked for is wrong, 503 if the agent did not come to it and nothing was
 * done, 500 if it failed with it.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "base/error.h"
#include "base/view.h"
#include "base/writer.h"
#include "pipeline/requests.h"
#include "pipeline/status.h"

#define CONTROL_PREFIX "/control/"
#define CONTROL_BODY_MOST 65536

/* Who is asked. */
struct control {
	struct mailbox *mailbox;
	struct pipeline_status *status;
};

/*
 * A listening socket at this path. One that a dead agent left is replaced; where a living one answers, the state is
 * CONFLICT. The directory is not made.
 */
MUST_CHECK int control_listen(const char *path, int *ret_fd, struct error *err);

/* Removes the path again; to be called while the socket still listens, so that no other agent has replaced it. */
void control_unlisten(const char *path);

/* Connects to it: a descriptor, or -1 and errno (ENOENT, ECONNREFUSED: nobody listens). */
int control_connect(const char *path);

/* Does what is asked for; the answer or the complaint is appended. Returns the code of HTTP. */
unsigned control_take(const struct control *control, const char *name, struct view body, struct writer *answer);

/*
 * Asks the agent that listens there: 0 and its answer (appended), 1 if nobody listens, or -1 and what it complained of
 * (ERROR_INPUT: what was asked for is wrong).
 */
MUST_CHECK int control_ask(const char *path, const char *name, struct view body, struct writer *answer, struct error *err);

#endif
