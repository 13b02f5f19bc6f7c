/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The order of progress. */
#include "model/progress.h"

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/*
 * With equal positions, whoever is inside the next transaction is further; in it, the later phase, then the larger
 * number.
 */
int progress_compare(const struct progress *a, const struct progress *b)
{
	int order = position_compare(a->position, b->position);

	if (order == 0)
		order = compare_numbers(a->open.phase, b->open.phase);
	if (order == 0 && a->open.phase != OPEN_NONE)
		order = compare_numbers(a->open.done, b->open.done);
	return order;
}
