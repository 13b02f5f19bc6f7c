/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Would this cluster lose what it has acknowledged? */
#ifndef PUBLISH_DOCTOR_H
#define PUBLISH_DOCTOR_H

#include "base/findings.h"
#include "publish/producer.h"

/*
 * Adds a finding for each thing looked at: the brokers, and the replication and settings of the topics whose names begin
 * with the prefix. Makes and changes nothing. Fails only if no broker answers.
 */
MUST_CHECK int kafka_examine(const struct kafka_options *options, const char *prefix, struct findings *findings,
			     struct error *err);

#endif
