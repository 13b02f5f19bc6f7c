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

enum position_kind { POSITION_NONE, POSITION_PG_LSN };

struct position {
	enum position_kind kind;
	uint64_t lsn; /* PG_LSN: end LSN of the last whole transaction */
};

/* "0/16B3748"; "none". Returns the length. */
int position_print(struct position pos, char text[POSITION_TEXT_BYTES]);

/* 0, or -1 if the text is no position of that kind. */
int position_parse(enum position_kind kind, struct view text, struct position *ret);

/* <0, 0, >0 for two positions of one log; POSITION_NONE is before all. */
int position_compare(struct position a, struct position b);

/* How many bytes of log stand between them; 0 if `to` is not behind `from`, or one is POSITION_NONE. */
uint64_t position_distance(struct position from, struct position to);

#endif
