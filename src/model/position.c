/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Positions of PostgreSQL: LSNs, printed as the server does. Positions of a binary log: number of the file, and offset in it. */
#include "model/position.h"

#include <inttypes.h>
#include <stdio.h>

#define OFFSET_MASK ((UINT64_C(1) << POSITION_OFFSET_BITS) - 1)

const char *position_kind_name(enum position_kind kind)
{
	static const char *const names[] = {[POSITION_NONE] = "UNKNOWN", [POSITION_PG_LSN] = "PG_LSN", [POSITION_BINLOG] = "BINLOG_FILE"};

	return names[kind];
}

int position_print(struct position pos, char text[POSITION_TEXT_BYTES])
{
	if (pos.kind == POSITION_NONE)
		return snprintf(text, POSITION_TEXT_BYTES, "none");
	if (pos.kind == POSITION_BINLOG)
		return snprintf(text, POSITION_TEXT_BYTES, "%u:%" PRIu64, position_file(pos), position_offset(pos.lsn));
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

/* Up to a limit, digits only. */
static int decimal(struct view text, size_t *at, uint64_t limit, uint64_t *ret)
{
	size_t start = *at;

	for (*ret = 0; *at < text.len && text.ptr[*at] >= '0' && text.ptr[*at] <= '9' && *ret <= limit; (*at)++)
		*ret = *ret * 10 + (uint64_t)(text.ptr[*at] - '0');
	return *at == start || *ret > limit ? -1 : 0;
}

static int parse_binlog(struct view text, struct position *ret)
{
	uint64_t file, offset;
	size_t at = 0;

	if (decimal(text, &at, UINT64_MAX >> POSITION_OFFSET_BITS, &file) < 0 || at >= text.len || text.ptr[at++] != ':' ||
	    decimal(text, &at, OFFSET_MASK, &offset) < 0 || at != text.len)
		return -1;
	*ret = (struct position){POSITION_BINLOG, file << POSITION_OFFSET_BITS | offset};
	return 0;
}

int position_parse(struct view text, struct position *ret)
{
	uint32_t high, low;
	size_t at = 0;

	if (text.len && memchr(text.ptr, ':', text.len))
		return parse_binlog(text, ret);
	if (hex(text, &at, &high) < 0 || at >= text.len || text.ptr[at++] != '/' ||
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
