/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The topics that were ever written, with what is known of them: a topic that is missing, has shrunk or was
 * repartitioned is recognised by comparing with this.
 */
#ifndef STATE_TOPICS_H
#define STATE_TOPICS_H

#include <stdint.h>

#include "base/error.h"
#include "base/view.h"
#include "state/db.h"

struct known_topic {
	struct view name;
	int32_t partitions;
	int64_t end_offset; /* the sum of the partitions' end offsets as last seen */
};

/* Notes what is known of a topic now, in place of what was. */
MUST_CHECK int topic_remember(struct db *db, const struct known_topic *topic, struct error *err);

/* Calls `each` for all topics, in order of names, until it returns other than 0. */
MUST_CHECK int topics_each(struct db *db, int (*each)(void *arg, const struct known_topic *topic), void *arg,
			   struct error *err);

#endif
