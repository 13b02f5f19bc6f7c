/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What the agent can be asked to do while it runs. A request comes from another thread, through a bounded mailbox; the
 * pipeline's thread takes it at a proper moment, and answers when it has taken it: what takes long is a job, whose
 * number is the answer. One table has all of them (requests.c); a border is where state file and checkpoint agree.
 */
#ifndef PIPELINE_REQUESTS_H
#define PIPELINE_REQUESTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/view.h"
#include "base/writer.h"

#define REQUEST_FIELDS_MOST 8
#define REQUESTS_MOST 8

struct pipeline;
struct request;

enum request_field_type { REQUEST_TEXT, REQUEST_SWITCH };

/* A member of a request. */
struct request_field {
	const char *name;
	enum request_field_type type;
	bool required;
};

struct request_kind {
	const char *name;       /* "exceptions-retry" */
	bool at_border;         /* otherwise between any two turns of the loop */
	struct request_field fields[REQUEST_FIELDS_MOST + 1]; /* ends with one without name */
	/*
	 * In the pipeline's thread. Appends a JSON object; or fails, with ERROR_INPUT if nothing was done for what was
	 * asked is wrong, and with anything else if the pipeline has to recover.
	 */
	int (*take)(struct pipeline *p, const struct request *request, struct writer *answer, struct error *err);
};

enum request_state { REQUEST_WAITS, REQUEST_TAKEN, REQUEST_ANSWERED };

/* The asker's; the mailbox has it until mailbox_ask returns. */
struct request {
	const struct request_kind *kind;
	struct view values[REQUEST_FIELDS_MOST]; /* by field; VIEW_NONE: not given, or a switch that is off */
	struct writer answer;                    /* owned by the asker */
	struct error err;
	enum request_state state;
};

/* By name, or NULL. */
const struct request_kind *request_kind_find(const char *name);

/* The value of a field of that name. */
struct view request_value(const struct request *request, const char *field);

struct mailbox {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int fd;                   /* readable when something has come */
	atomic_uint waiting;      /* how many, for a look without the lock */
	struct request *requests[REQUESTS_MOST];
	bool closed;
};

/* ERROR_INTERNAL if the process has too many files open. */
MUST_CHECK int mailbox_init(struct mailbox *mailbox, struct error *err);
void mailbox_done(struct mailbox *mailbox);

/*
 * For any thread: waits until the request is answered. 0, or -1: ERROR_TRANSIENT if it was not taken within that time, or
 * will not be, and then nothing was done; otherwise what its handler said.
 */
MUST_CHECK int mailbox_ask(struct mailbox *mailbox, struct request *request, usec_t patience_us, struct error *err);

/* Nobody takes anything any more: who waits is told so. */
void mailbox_close(struct mailbox *mailbox);

/* For the pipeline's thread: whether anything waits, which costs a look at a number; the first that fits, or NULL. */
static inline bool mailbox_waiting(const struct mailbox *mailbox)
{
	return mailbox && atomic_load_explicit(&mailbox->waiting, memory_order_relaxed) > 0;
}

struct request *mailbox_take(struct mailbox *mailbox, bool at_border);

/* True if one waits that needs a border. */
bool mailbox_wants_border(struct mailbox *mailbox);

/* What stands in the request is the answer: NULL, or what failed. */
void mailbox_answer(struct mailbox *mailbox, struct request *request, const struct error *err);

#endif
