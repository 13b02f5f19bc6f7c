/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* When the reader of a stream naps, and when it does not. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pace.h"
#include "unit/unit.h"

struct stream {
	int ours, theirs;
};

static int make_stream(void **state)
{
	static struct stream stream;
	int fds[2], size = 1 << 20;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return -1;
	stream = (struct stream){fds[0], fds[1]};
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	*state = &stream;
	return 0;
}

static int close_stream(void **state)
{
	struct stream *stream = *state;

	close(stream->ours);
	close(stream->theirs);
	return 0;
}

static void arrive(struct stream *stream, size_t bytes)
{
	char *data = calloc(1, bytes);

	assert_int_equal(send(stream->theirs, data, bytes, 0), bytes);
	free(data);
}

static void a_silent_stream_is_left_to_poll(void **state)
{
	struct stream *stream = *state;
	struct pace pace = {0};

	assert_int_equal(pace_wait(&pace, stream->ours), 0);
	assert_int_equal(pace.naps, 0);
	assert_int_equal(pace.reads, 0);
}

static void the_first_bytes_after_a_silence_are_read_at_once(void **state)
{
	struct stream *stream = *state;
	struct pace pace = {0};

	arrive(stream, 100);
	assert_int_equal(pace_wait(&pace, stream->ours), 100);
	assert_int_equal(pace.naps, 0);
	assert_true(pace.flowing);
}

static void while_data_flows_a_short_queue_is_given_time_to_grow(void **state)
{
	struct stream *stream = *state;
	struct pace pace = {.flowing = true};

	arrive(stream, 100);
	assert_int_equal(pace_wait(&pace, stream->ours), 100);
	/* One nap to see whether it grows: it did not. */
	assert_int_equal(pace.naps, 1);
	assert_int_equal(pace.reads, 1);
}

static void a_full_pipe_is_read_in_portions_each_when_it_is_due(void **state)
{
	struct stream *stream = *state;
	struct pace pace = {.flowing = true, .period = PACE_PERIOD_US, .due = clock_mono() + PACE_PERIOD_US};
	usec_t begun = clock_mono();

	arrive(stream, PACE_FULL_BYTES);
	for (int read = 0; read < PACE_PORTION_BYTES; read += PACE_READ_BYTES)
		assert_true(pace_wait(&pace, stream->ours) >= PACE_FULL_BYTES);
	assert_int_equal(pace.naps, 1);
	assert_true(clock_mono() - begun >= PACE_PERIOD_US);
	pace_wait(&pace, stream->ours);
	assert_int_equal(pace.naps, 2);
	assert_true(clock_mono() - begun >= 2 * PACE_PERIOD_US - PACE_PERIOD_US / 50);
}

static void a_reader_that_is_busy_itself_does_not_nap(void **state)
{
	struct stream *stream = *state;
	struct pace pace = {.flowing = true, .period = PACE_PERIOD_US, .due = clock_mono() - PACE_PERIOD_US};

	arrive(stream, PACE_FULL_BYTES);
	pace_wait(&pace, stream->ours);
	assert_int_equal(pace.naps, 0);
	assert_int_equal(pace.behind, 1);
}

static void the_period_shrinks_with_a_full_pipe_and_grows_with_a_dry_one(void **state)
{
	struct stream *stream = *state;
	struct pace pace = {.flowing = true, .period = PACE_PERIOD_US};

	arrive(stream, PACE_PORTION_BYTES);
	pace_wait(&pace, stream->ours);
	assert_in_range(pace.period, PACE_PERIOD_US + 1, PACE_PERIOD_US * 5 / 4);
	pace.portion = 0;
	arrive(stream, PACE_FULL_BYTES);
	pace.period = PACE_PERIOD_US;
	pace_wait(&pace, stream->ours);
	assert_in_range(pace.period, PACE_PERIOD_US * 3 / 4, PACE_PERIOD_US - 1);
}

static void a_trickle_leaves_the_period_as_it_is(void **state)
{
	struct stream *stream = *state;
	struct pace pace = {.flowing = true, .period = PACE_PERIOD_US};

	arrive(stream, 100);
	pace_wait(&pace, stream->ours);
	assert_int_equal(pace.period, PACE_PERIOD_US);
}

static void a_stream_that_dries_up_costs_one_nap_and_is_left_to_poll(void **state)
{
	struct stream *stream = *state;
	struct pace pace = {.flowing = true};

	assert_int_equal(pace_wait(&pace, stream->ours), 0);
	assert_int_equal(pace.naps, 1);
	assert_false(pace.flowing);
	assert_int_equal(pace_wait(&pace, stream->ours), 0);
	assert_int_equal(pace.naps, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITH("a silent stream is left to poll", a_silent_stream_is_left_to_poll, make_stream, close_stream),
		TEST_WITH("the first bytes after a silence are read at once", the_first_bytes_after_a_silence_are_read_at_once,
			  make_stream, close_stream),
		TEST_WITH("while data flows a short queue is given time to grow",
			  while_data_flows_a_short_queue_is_given_time_to_grow, make_stream, close_stream),
		TEST_WITH("a full pipe is read in portions, each when it is due",
			  a_full_pipe_is_read_in_portions_each_when_it_is_due, make_stream, close_stream),
		TEST_WITH("a reader that is busy itself does not nap", a_reader_that_is_busy_itself_does_not_nap, make_stream,
			  close_stream),
		TEST_WITH("the period shrinks with a full pipe and grows with a dry one",
			  the_period_shrinks_with_a_full_pipe_and_grows_with_a_dry_one, make_stream, close_stream),
		TEST_WITH("a trickle leaves the period as it is", a_trickle_leaves_the_period_as_it_is, make_stream, close_stream),
		TEST_WITH("a stream that dries up costs one nap and is left to poll",
			  a_stream_that_dries_up_costs_one_nap_and_is_left_to_poll, make_stream, close_stream),
	};

	return RUN_TESTS(tests);
}
