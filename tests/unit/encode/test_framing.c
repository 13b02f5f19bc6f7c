/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Frames of both forms: the bytes of the specifications, and what is none. */
#include "encode/framing.h"
#include "unit/unit.h"

static void a_frame_is_the_marker_and_the_fingerprint_least_byte_first(void **state)
{
	struct frame frame = frame_single_object(UINT64_C(0x7275d51a3f395c8f));
	char bytes[FRAME_MOST];

	(void)state;
	assert_ptr_equal(frame_put(bytes, &frame), bytes + 10);
	assert_memory_equal(bytes, "\xc3\x01\x8f\x5c\x39\x3f\x1a\xd5\x75\x72", 10);
}

static void with_a_registry_it_is_a_zero_and_the_id_most_byte_first(void **state)
{
	struct frame frame = frame_confluent(0x01020304);
	char bytes[FRAME_MOST];
	struct view body;

	(void)state;
	assert_ptr_equal(frame_put(bytes, &frame), bytes + 5);
	assert_memory_equal(bytes, "\0\1\2\3\4", 5);
	assert_true(frame_matches(&frame, VIEW("\0\1\2\3\4body"), &body));
	assert_view(body, "body");
	assert_false(frame_matches(&frame, VIEW("\0\1\2\3"), &body));
	assert_false(frame_matches(&frame, VIEW("\0\1\2\3\5body"), &body));
}

static void a_framed_message_is_split_and_anything_else_refused(void **state)
{
	static const struct view refused[] = {
		{"", 0}, {"\xc3\x01\x8f\x5c\x39\x3f\x1a\xd5\x75", 9}, {"\x00\x01\x8f\x5c", 4},
		{"\xc3\x02\x8f\x5c\x39\x3f\x1a\xd5\x75\x72", 10},
	};
	uint64_t fingerprint;
	struct view body;

	(void)state;
	assert_int_equal(frame_split(VIEW("\xc3\x01\x8f\x5c\x39\x3f\x1a\xd5\x75\x72" "body"), &fingerprint, &body),
			 FRAMING_SINGLE_OBJECT);
	assert_true(fingerprint == UINT64_C(0x7275d51a3f395c8f));
	assert_view(body, "body");
	assert_int_equal(frame_split((struct view){"\xc3\x01\x8f\x5c\x39\x3f\x1a\xd5\x75\x72", 10}, &fingerprint,
				     &body),
			 FRAMING_SINGLE_OBJECT);
	assert_int_equal(body.len, 0);
	assert_int_equal(frame_split(VIEW("\0\1\2\3\4body"), &fingerprint, &body), FRAMING_CONFLUENT);
	assert_true(fingerprint == 0x01020304);
	assert_view(body, "body");
	FOR_EACH(row, refused)
		assert_int_equal(frame_split(*row, &fingerprint, &body), FRAMING_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a frame is the marker and the fingerprint, least byte first",
		     a_frame_is_the_marker_and_the_fingerprint_least_byte_first),
		TEST("with a registry it is a zero and the id, most byte first",
		     with_a_registry_it_is_a_zero_and_the_id_most_byte_first),
		TEST("a framed message is split and anything else refused", a_framed_message_is_split_and_anything_else_refused),
	};

	return RUN_TESTS(tests);
}
