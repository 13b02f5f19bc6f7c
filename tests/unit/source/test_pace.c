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

static void a_long_queue_is_read_in_portions_with_a_nap_between(void **state)
{
	struct stream *stream = *state;
	struct pace pace = {.flowing = true, .portion = PACE_PORTION_BYTES, .napped_at = clock_mono() + USEC_PER_SEC};

	arrive(stream, PACE_PORTION_BYTES);
	for (int read = 0; read < PACE_PORTION_BYTES; read += PACE_READ_BYTES)
		assert_true(pace_wait(&pace, stream->ours) >= PACE_PORTION_BYTES);
	assert_int_equal(pace.naps, 0);
	pace_wait(&pace, stream->ours);
	assert_int_equal(pace.naps, 1);
}

static void a_reader_that_is_busy_itself_does_not_nap(void **state)
{
	struct stream *stream = *state;
	struct pace pace = {.flowing = true, .napped_at = clock_mono() - PACE_PORTION_US};

	arrive(stream, PACE_PORTION_BYTES);
	pace_wait(&pace, stream->ours);
	assert_int_equal(pace.naps, 0);
	assert_int_equal(pace.behind, 1);
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
		TEST_WITH("a long queue is read in portions with a nap between",
			  a_long_queue_is_read_in_portions_with_a_nap_between, make_stream, close_stream),
		TEST_WITH("a reader that is busy itself does not nap", a_reader_that_is_busy_itself_does_not_nap, make_stream,
			  close_stream),
		TEST_WITH("a stream that dries up costs one nap and is left to poll",
			  a_stream_that_dries_up_costs_one_nap_and_is_left_to_poll, make_stream, close_stream),
	};

	return RUN_TESTS(tests);
}
