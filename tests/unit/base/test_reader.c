/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "base/reader.h"
#include "unit/unit.h"

static void fields_are_read_in_wire_order(void **state)
{
	struct reader rd = reader_of((struct view){"\x01\x00\x02\x00\x00\x00\x03hi\0\x00\x00\x00\x00\x00\x00\x00\x04", 18});

	(void)state;
	assert_int_equal(rd_u8(&rd), 1);
	assert_int_equal(rd_u16be(&rd), 2);
	assert_int_equal(rd_u32be(&rd), 3);
	assert_view(rd_cstr(&rd), "hi");
	assert_int_equal(rd_u64be(&rd), 4);
	assert_true(rd_complete(&rd));
}

static void a_read_past_the_end_yields_zero_and_stays_failed(void **state)
{
	struct reader rd = reader_of(VIEW("ab"));

	(void)state;
	assert_int_equal(rd_u32be(&rd), 0);
	assert_true(rd.failed);
	assert_int_equal(rd_u8(&rd), 0);
	assert_int_equal(rd_bytes(&rd, 1).len, 0);
	assert_false(rd_complete(&rd));
}

static void a_text_without_its_nul_is_a_failure(void **state)
{
	struct reader rd = reader_of(VIEW("abc"));

	(void)state;
	assert_int_equal(rd_cstr(&rd).len, 0);
	assert_true(rd.failed);
}

static void trailing_bytes_are_an_error(void **state)
{
	struct reader rd = reader_of(VIEW("ab"));

	(void)state;
	rd_u8(&rd);
	assert_false(rd.failed);
	assert_false(rd_complete(&rd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("fields are read in wire order", fields_are_read_in_wire_order),
		TEST("a read past the end yields zero and stays failed",
		     a_read_past_the_end_yields_zero_and_stays_failed),
		TEST("a text without its NUL is a failure", a_text_without_its_nul_is_a_failure),
		TEST("trailing bytes are an error", trailing_bytes_are_an_error),
	};

	return RUN_TESTS(tests);
}
