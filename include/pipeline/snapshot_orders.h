/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Tables whose rows somebody has asked for and that are not published yet, as the state file has them. */
#ifndef PIPELINE_SNAPSHOT_ORDERS_H
#define PIPELINE_SNAPSHOT_ORDERS_H

#include "base/error.h"
#include "state/db.h"

struct snapshot_order {
	uint64_t number;
	uint64_t rows;               /* so far */
	const char *schema, *name;
	const char *condition;       /* "": all rows */
	bool of_first;               /* it is what was left of the first snapshot */
};

/* All, in the order in which they are carried out, until `each` returns other than 0. */
MUST_CHECK int snapshot_orders_each(struct db *db, int (*each)(void *arg, const struct snapshot_order *order), void *arg,
				    struct error *err);

#endif
