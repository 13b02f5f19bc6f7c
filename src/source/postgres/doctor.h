/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Is this server one beside which an agent can run for years? */
#ifndef POSTGRES_DOCTOR_H
#define POSTGRES_DOCTOR_H

#include <libpq-fe.h>

#include "base/findings.h"
#include "source/source.h"

/* Adds a finding for each thing looked at; what the server does not answer is a failure. */
void pg_examine(PGconn *conn, const struct source_options *options, struct findings *findings);

#endif
