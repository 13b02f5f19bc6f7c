/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Properties of the Kafka client, checked without a client: those that a user's configuration passes through. */
#ifndef PUBLISH_PROPERTIES_H
#define PUBLISH_PROPERTIES_H

#include <stddef.h>

#include "publish/producer.h"

enum property_fault {
	PROPERTY_FITS,
	PROPERTY_UNKNOWN,
	PROPERTY_OURS,   /* delivery depends on it: the agent sets it */
	PROPERTY_VALUE,  /* the client does not take the value */
};

/*
 * `words` gets what there is to say: the property probably meant (or nothing) if it is unknown, the client's own
 * sentence, which may show the value, if the value does not fit.
 */
enum property_fault kafka_property_check(const struct kafka_property *property, char *words, size_t size);

#endif
