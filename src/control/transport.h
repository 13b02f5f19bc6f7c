/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What `doctor` has to say of TLS and passwords, to the source and to Kafka, by what the configuration asks for. */
#ifndef CONTROL_TRANSPORT_H
#define CONTROL_TRANSPORT_H

#include "base/findings.h"
#include "control/conf.h"

void transport_examine_source(const struct settings *settings, struct findings *findings);
void transport_examine_kafka(const struct settings *settings, struct findings *findings);

#endif
