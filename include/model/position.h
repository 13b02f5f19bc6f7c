/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A position in a source's log: where a transaction ends, so that everything before it is done. Four functions know
 * its inside; ordering inside the agent goes by order of arrival.
 */
#ifndef MODEL_POSITION_H
#define MODEL_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

#define POSITION_TEXT_BYTES 64
#define POSITION_OFFSET_BITS 40 /* a file is at most 1 TiB long */

enum position_kind { POSITION_NONE, POSITION_PG_LSN, POSITION_BINLOG };

struct position {
	enum position_kind kind;
	uint64_t lsn; /* PG_LSN: end LSN of the last whole transaction; BINLOG: the file's number in the upper 24 bits, the offset in it */
};

/* "0/16B3748", "23:4567"; "none". Returns the length. */
int position_print(struct position pos, char text[POSITION_TEXT_BYTES]);

/* What is printed, but for "none": 0, or -1 if the text is no position. */
int position_parse(struct view text, struct position *ret);

/* As documents name it: "PG_LSN". */
const char *position_kind_name(enum position_kind kind);

/* Of a BINLOG position: the number of the file, and the offset in it. */
static inline uint32_t position_file(struct position pos)
{
	return (uint32_t)(pos.lsn >> POSITION_OFFSET_BITS);
}

static inline uint64_t position_offset(uint64_t lsn)
{
	return lsn & ((UINT64_C(1) << POSITION_OFFSET_BITS) - 1);
}

/* <0, 0, >0 for two positions of one log; POSITION_NONE is before all. */
int position_compare(struct position a, struct position b);

/* How many bytes of log stand between them, as far as the positions tell; 0 if `to` is not behind `from`, or one is POSITION_NONE. */
uint64_t position_distance(struct position from, struct position to);

#endif
