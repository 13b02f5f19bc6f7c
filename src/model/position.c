/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Positions of PostgreSQL: LSNs, printed as the server does. */
#include "model/position.h"

#include <stdio.h>

int position_print(struct position pos, char text[POSITION_TEXT_BYTES])
{
	if (pos.kind == POSITION_NONE)
		return snprintf(text, POSITION_TEXT_BYTES, "none");
	return snprintf(text, POSITION_TEXT_BYTES, "%X/%X", (unsigned)(pos.lsn >> 32), (unsigned)pos.lsn);
}

static int hex(struct view text, size_t *at, uint32_t *ret)
{
	uint64_t value = 0;
	size_t start = *at;

	for (; *at < text.len; (*at)++) {
		char c = text.ptr[*at];

		if (c >= '0' && c <= '9')
			value = value * 16 + (uint64_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			value = value * 16 + (uint64_t)((c | 32) - 'a' + 10);
		else
			break;
	}
	*ret = (uint32_t)value;
	return *at == start || *at - start > 8 ? -1 : 0;
}

int position_parse(enum position_kind kind, struct view text, struct position *ret)
{
	uint32_t high, low;
	size_t at = 0;

	if (kind != POSITION_PG_LSN || hex(text, &at, &high) < 0 || at >= text.len || text.ptr[at++] != '/' ||
	    hex(text, &at, &low) < 0 || at != text.len)
		return -1;
	*ret = (struct position){POSITION_PG_LSN, (uint64_t)high << 32 | low};
	return 0;
}

int position_compare(struct position a, struct position b)
{
	if (a.kind == POSITION_NONE || b.kind == POSITION_NONE)
		return (a.kind != POSITION_NONE) - (b.kind != POSITION_NONE);
	return (a.lsn > b.lsn) - (a.lsn < b.lsn);
}

uint64_t position_distance(struct position from, struct position to)
{
	return from.kind == POSITION_NONE || position_compare(from, to) >= 0 ? 0 : to.lsn - from.lsn;
}
