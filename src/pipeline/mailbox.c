/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Where requests wait for the pipeline's thread: few places, one lock, which nobody holds while anything is done. */
#include <errno.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/requests.h"

int mailbox_init(struct mailbox *mailbox, struct error *err)
{
	pthread_condattr_t monotonic;

	*mailbox = (struct mailbox){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	if (mailbox->fd < 0)
		return error_set(err, ERROR_INTERNAL, "no eventfd can be had: %s", strerror(errno));
	pthread_mutex_init(&mailbox->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&mailbox->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return 0;
}

void mailbox_done(struct mailbox *mailbox)
{
	pthread_cond_destroy(&mailbox->changed);
	pthread_mutex_destroy(&mailbox->lock);
	close(mailbox->fd);
}

/* Asking -------------------------------------------------------------------------------------- */

static int put(struct mailbox *mailbox, struct request *request, struct error *err)
{
	unsigned count = atomic_load(&mailbox->waiting);
	uint64_t one = 1;

	if (mailbox->closed)
		return error_set(err, ERROR_TRANSIENT, "the agent is ending");
	if (count == REQUESTS_MOST)
		return error_set(err, ERROR_TRANSIENT, "%u requests wait already", count);
	request->state = REQUEST_WAITS;
	mailbox->requests[count] = request;
	atomic_store(&mailbox->waiting, count + 1);
	/* It is full only if nobody has looked for long: then it is readable all the same. */
	return write(mailbox->fd, &one, sizeof(one)) < 0 && errno != EAGAIN
		       ? error_set(err, ERROR_INTERNAL, "the pipeline cannot be woken: %s", strerror(errno))
		       : 0;
}

static void remove_at(struct mailbox *mailbox, unsigned at)
{
	unsigned count = atomic_load(&mailbox->waiting);

	for (; at + 1 < count; at++)
		mailbox->requests[at] = mailbox->requests[at + 1];
	atomic_store(&mailbox->waiting, count - 1);
}

static void withdraw(struct mailbox *mailbox, const struct request *request)
{
	for (unsigned i = 0; i < atomic_load(&mailbox->waiting); i++)
		if (mailbox->requests[i] == request)
			remove_at(mailbox, i);
}

/* What was taken is answered, however long that takes: only who still waits may go. */
static void await(struct mailbox *mailbox, const struct request *request, usec_t patience_us)
{
	usec_t until = clock_mono() + patience_us;
	struct timespec deadline = {.tv_sec = until / USEC_PER_SEC, .tv_nsec = until % USEC_PER_SEC * 1000};
	int timed_out = 0;

	while (request->state == REQUEST_WAITS && !timed_out && !mailbox->closed)
		timed_out = pthread_cond_timedwait(&mailbox->changed, &mailbox->lock, &deadline);
	while (request->state == REQUEST_TAKEN)
		pthread_cond_wait(&mailbox->changed, &mailbox->lock);
}

static int ask(struct mailbox *mailbox, struct request *request, usec_t patience_us, struct error *err)
{
	if (put(mailbox, request, err) < 0)
		return -1;
	await(mailbox, request, patience_us);
	if (request->state == REQUEST_WAITS) {
		withdraw(mailbox, request);
		return mailbox->closed ? error_set(err, ERROR_TRANSIENT, "the agent is ending; nothing was done")
				       : error_set(err, ERROR_TRANSIENT, "the agent did not come to it within %d s; nothing was done",
						   (int)(patience_us / USEC_PER_SEC));
	}
	*err = request->err;
	return err->class == ERROR_NONE ? 0 : -1;
}

int mailbox_ask(struct mailbox *mailbox, struct request *request, usec_t patience_us, struct error *err)
{
	int result;

	pthread_mutex_lock(&mailbox->lock);
	result = ask(mailbox, request, patience_us, err);
	pthread_mutex_unlock(&mailbox->lock);
	return result;
}

/* Answering ----------------------------------------------------------------------------------- */

void mailbox_close(struct mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->lock);
	mailbox->closed = true;
	pthread_cond_broadcast(&mailbox->changed);
	pthread_mutex_unlock(&mailbox->lock);
}

static struct request *take_first(struct mailbox *mailbox, bool at_border)
{
	for (unsigned i = 0; i < atomic_load(&mailbox->waiting); i++) {
		struct request *request = mailbox->requests[i];

		if (request->kind->at_border && !at_border)
			continue;
		remove_at(mailbox, i);
		request->state = REQUEST_TAKEN;
		return request;
	}
	return NULL;
}

struct request *mailbox_take(struct mailbox *mailbox, bool at_border)
{
	struct request *request;
	uint64_t ignored;

	/* What waits for a border has been seen: it wakes nobody again. */
	if (read(mailbox->fd, &ignored, sizeof(ignored)) < 0)
		errno = 0;
	pthread_mutex_lock(&mailbox->lock);
	request = take_first(mailbox, at_border);
	pthread_mutex_unlock(&mailbox->lock);
	return request;
}

bool mailbox_wants_border(struct mailbox *mailbox)
{
	bool wants = false;

	pthread_mutex_lock(&mailbox->lock);
	for (unsigned i = 0; i < atomic_load(&mailbox->waiting); i++)
		wants |= mailbox->requests[i]->kind->at_border;
	pthread_mutex_unlock(&mailbox->lock);
	return wants;
}

void mailbox_answer(struct mailbox *mailbox, struct request *request, const struct error *err)
{
	pthread_mutex_lock(&mailbox->lock);
	if (err)
		request->err = *err;
	else
		error_clear(&request->err);
	request->state = REQUEST_ANSWERED;
	pthread_cond_broadcast(&mailbox->changed);
	pthread_mutex_unlock(&mailbox->lock);
}
