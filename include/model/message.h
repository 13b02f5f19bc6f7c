/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What goes to Kafka: one record, encoded. Its bytes are borrowed from the writers of whoever made it; the producer
 * copies them.
 */
#ifndef MODEL_MESSAGE_H
#define MODEL_MESSAGE_H

#include <stdint.h>

#include "base/view.h"

struct topic; /* a topic to publish to, owned by the publisher (publish/topics.h) */

struct message {
	struct topic *topic;
	struct view key;        /* ptr NULL: no key */
	struct view value;      /* ptr NULL: a tombstone */
	uint32_t observed_at;   /* this range of the value holds observed times, which no digest includes */
	uint32_t observed_bytes;
};

#endif
