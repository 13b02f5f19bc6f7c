/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 *   variables: { code u8, value } ...
 *   0 flags u32 | 1 sql_mode u64 | 6 catalog u8+text | 3 auto_increment u16 u16 | 4 character sets u16 u16 u16, of which the first is
 *   the client's | 5 time zone u8+text | 7, 8 u16 | 9 u64 | 10 u32 | others stand behind those
 */
#include "session.h"

#include "base/reader.h"

enum { SQL_MODE = 1, CHARSETS = 4 };

#define TEXT 0xff /* with its length in front, one byte */

static const uint8_t lengths[] = {
	[0] = 4, [SQL_MODE] = 8, [3] = 4, [CHARSETS] = 6, [5] = TEXT, [6] = TEXT, [7] = 2, [8] = 2, [9] = 8, [10] = 4,
};

void session_read(struct view variables, struct session *ret)
{
	struct reader rd = reader_of(variables);

	*ret = (struct session){.sql_mode = 0};
	while (rd_left(&rd)) {
		uint8_t code = rd_u8(&rd), len = code < sizeof(lengths) ? lengths[code] : 0;
		struct reader value;

		if (!len)
			return;
		value = reader_of(rd_bytes(&rd, len == TEXT ? rd_u8(&rd) : len));
		if (rd.failed)
			return;
		if (code == SQL_MODE)
			ret->sql_mode = rd_uint_le(&value, 8);
		if (code == CHARSETS)
			ret->collation = (unsigned)rd_uint_le(&value, 2);
	}
}
