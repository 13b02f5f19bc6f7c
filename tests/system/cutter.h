/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Between agent and broker: carries everything, but when wanted cuts the connection at the next commit of a
 * transaction, so that the agent cannot know what became of it.
 */
#ifndef CUTTER_H
#define CUTTER_H

#include "harness/relay.h"

enum {
	CUT_NOTHING,
	CUT_ANSWER,  /* the broker has committed, its answer never arrives */
	CUT_REQUEST, /* the broker never hears of it */
};

void cutter_carry(struct relay_control *control, int client, int server);

#endif
