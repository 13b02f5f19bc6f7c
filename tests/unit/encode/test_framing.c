/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The frame of single-object encoding: the bytes of the specification, and what is none. */
#include "encode/framing.h"
#include "unit/unit.h"

static void a_frame_is_the_marker_and_the_fingerprint_least_byte_first(void **state)
{
	char bytes[FRAME_BYTES];

	(void)state;
	assert_ptr_equal(frame_put(bytes, UINT64_C(0x7275d51a3f395c8f)), bytes + FRAME_BYTES);
	assert_memory_equal(bytes, "\xc3\x01\x8f\x5c\x39\x3f\x1a\xd5\x75\x72", FRAME_BYTES);
}

static void a_framed_message_is_split_and_anything_else_refused(void **state)
{
	static const struct view refused[] = {
		{"", 0}, {"\xc3\x01\x8f\x5c\x39\x3f\x1a\xd5\x75", 9}, {"\x00\x01\x8f\x5c\x39\x3f\x1a\xd5\x75\x72", 10},
		{"\xc3\x02\x8f\x5c\x39\x3f\x1a\xd5\x75\x72", 10},
	};
	uint64_t fingerprint;
	struct view body;

	(void)state;
	assert_int_equal(frame_split(VIEW("\xc3\x01\x8f\x5c\x39\x3f\x1a\xd5\x75\x72" "body"), &fingerprint, &body), 0);
	assert_true(fingerprint == UINT64_C(0x7275d51a3f395c8f));
	assert_view(body, "body");
	assert_int_equal(frame_split((struct view){"\xc3\x01\x8f\x5c\x39\x3f\x1a\xd5\x75\x72", 10}, &fingerprint, &body), 0);
	assert_int_equal(body.len, 0);
	FOR_EACH(row, refused)
		assert_int_equal(frame_split(*row, &fingerprint, &body), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a frame is the marker and the fingerprint, least byte first",
		     a_frame_is_the_marker_and_the_fingerprint_least_byte_first),
		TEST("a framed message is split and anything else refused", a_framed_message_is_split_and_anything_else_refused),
	};

	return RUN_TESTS(tests);
}
