/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* How much of its log the server keeps for our slot, and for how long. */
#ifndef POSTGRES_RETENTION_H
#define POSTGRES_RETENTION_H

#include <libpq-fe.h>

#include "source/source.h"

int pg_retention(PGconn *conn, const char *slot, struct source_retention *ret, struct error *err);

#endif
