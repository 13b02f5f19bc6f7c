/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Requests between threads: who is answered, who waits in vain, who goes away. */
#include "unit/unit.h"

#include <poll.h>
#include <pthread.h>

#include "pipeline/requests.h"

static const struct request_kind any_time = {.name = "any"}, at_border = {.name = "border", .at_border = true};
static struct mailbox mailbox;

static int begin(void **state)
{
	struct error err;

	(void)state;
	return mailbox_init(&mailbox, &err);
}

static int end(void **state)
{
	(void)state;
	mailbox_done(&mailbox);
	return 0;
}

static bool readable(void)
{
	struct pollfd fd = {.fd = mailbox.fd, .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

/* A pipeline that takes so many, wherever they are taken. */
struct taker {
	pthread_t thread;
	unsigned count;
	bool at_border;
	const struct error *fails; /* NULL: it does not */
};

static void *take(void *arg)
{
	struct taker *taker = arg;
	struct pollfd fd = {.fd = mailbox.fd, .events = POLLIN};

	while (taker->count) {
		struct request *request;

		poll(&fd, 1, 10000);
		request = mailbox_take(&mailbox, taker->at_border);
		if (!request)
			continue;
		wr_printf(&request->answer, "done");
		taker->count--;
		mailbox_answer(&mailbox, request, taker->fails);
	}
	return NULL;
}

static void test_answers(void **state)
{
	static const struct error failure = {.class = ERROR_INPUT, .text = "not like this"};
	static const struct {
		const struct request_kind *kind;
		const struct error *fails;
	} askings[] = {{&any_time, NULL}, {&at_border, NULL}, {&at_border, &failure}};

	(void)state;
	FOR_EACH(row, askings)
	{
		struct taker taker = {.count = 1, .at_border = true, .fails = row->fails};
		struct request request = {.kind = row->kind};
		struct error err;

		assert_int_equal(pthread_create(&taker.thread, NULL, take, &taker), 0);
		assert_int_equal(mailbox_ask(&mailbox, &request, 60 * USEC_PER_SEC, &err), row->fails ? -1 : 0);
		pthread_join(taker.thread, NULL);
		assert_string_equal(err.text, row->fails ? "not like this" : "");
		assert_view(wr_view(&request.answer), "done");
		assert_false(mailbox_waiting(&mailbox));
		wr_done(&request.answer);
	}
}

/* What needs a border wakes the pipeline once, and is left alone until there is one. */
static void test_patience(void **state)
{
	struct taker taker = {.count = 1};
	struct request waits = {.kind = &at_border}, taken = {.kind = &any_time};
	struct error err;

	(void)state;
	assert_int_equal(mailbox_ask(&mailbox, &waits, USEC_PER_MSEC, &err), -1);
	assert_int_equal(err.class, ERROR_TRANSIENT);
	assert_string_equal(err.text, "the agent did not come to it within 0 s; nothing was done");
	assert_true(readable());
	assert_null(mailbox_take(&mailbox, true));
	assert_false(readable());
	assert_int_equal(pthread_create(&taker.thread, NULL, take, &taker), 0);
	assert_int_equal(mailbox_ask(&mailbox, &taken, 60 * USEC_PER_SEC, &err), 0);
	pthread_join(taker.thread, NULL);
	wr_done(&taken.answer);
}

static void *ask_for_long(void *arg)
{
	struct request request = {.kind = &at_border};
	struct error *err = arg;

	return mailbox_ask(&mailbox, &request, 600 * USEC_PER_SEC, err) < 0 ? arg : NULL;
}

/* As many as there are places, and one more; then the agent ends. */
static void test_crowd(void **state)
{
	pthread_t threads[REQUESTS_MOST];
	struct error errors[REQUESTS_MOST], err;
	struct request request = {.kind = &at_border};

	(void)state;
	FOR_EACH(thread, threads)
		assert_int_equal(pthread_create(&threads[thread_i], NULL, ask_for_long, &errors[thread_i]), 0);
	while (atomic_load(&mailbox.waiting) < REQUESTS_MOST)
		sched_yield();
	assert_true(mailbox_wants_border(&mailbox));
	assert_null(mailbox_take(&mailbox, false));
	assert_int_equal(mailbox_ask(&mailbox, &request, 60 * USEC_PER_SEC, &err), -1);
	assert_string_equal(err.text, "8 requests wait already");
	mailbox_close(&mailbox);
	FOR_EACH(thread, threads)
	{
		void *failed;

		pthread_join(*thread, &failed);
		assert_non_null(failed);
		assert_string_equal(errors[thread_i].text, "the agent is ending; nothing was done");
	}
	assert_int_equal(mailbox_ask(&mailbox, &request, 60 * USEC_PER_SEC, &err), -1);
	assert_string_equal(err.text, "the agent is ending");
	assert_false(mailbox_waiting(&mailbox));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST_WITH("a request is answered by who takes it", test_answers, begin, end),
		TEST_WITH("who waits in vain is told so, and gone", test_patience, begin, end),
		TEST_WITH("there are few places, and none when the agent ends", test_crowd, begin, end),
	};

	return RUN_TESTS(tests);
}
