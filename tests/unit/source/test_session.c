/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What query events tell of their sessions. */
#include "unit/unit.h"

#include "mysql/session.h"

#define BYTES(text) {text, sizeof(text) - 1}
#define FLAGS "\0\x01\x02\x03\x04"
#define MODE "\x01\x04\0\0\0\0\0\0\0"
#define CATALOG "\x06\x03std"
#define CHARSETS "\x04\x08\0\x08\0\x2d\0"

static void a_session_tells_its_mode_and_its_character_set(void **state)
{
	static const struct {
		struct view variables;
		uint64_t sql_mode;
		unsigned collation;
	} table[] = {
		{BYTES(""), 0, 0},
		{BYTES(FLAGS), 0, 0},
		{BYTES(FLAGS MODE CATALOG CHARSETS), 4, 8},
		{BYTES(FLAGS MODE CATALOG "\x03\x01\0\x01\0" CHARSETS "\x0c\x01" "erp\0"), 4, 8},
		{BYTES(MODE CHARSETS), 4, 8},
		{BYTES(CHARSETS "\x05\x06" "SYSTEM" "\x09\0\0\0\0\0\0\0\0"), 0, 8},
		{BYTES(MODE "\x80\x01\x02\x03" CHARSETS), 4, 0}, /* how long that is nobody says */
		{BYTES(MODE "\x04\x08"), 4, 0},
		{BYTES("\x06\xff"), 0, 0},
		{BYTES("\x01"), 0, 0},
	};

	(void)state;
	FOR_EACH(row, table) {
		struct session session;

		session_read(row->variables, &session);
		assert_int_equal(session.sql_mode, row->sql_mode);
		assert_int_equal(session.collation, row->collation);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a session tells its mode and its character set", a_session_tells_its_mode_and_its_character_set),
	};

	return RUN_TESTS(tests);
}
