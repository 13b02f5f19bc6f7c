/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Whether the server can do what the options ask for. */
#ifndef POSTGRES_SERVER_H
#define POSTGRES_SERVER_H

#include <libpq-fe.h>

#include "source/source.h"

/* UNSUPPORTED, and what is lacking by its name, if it is too old for an option or for what it is used as. */
int pg_server_check(PGconn *queries, const struct source_options *options, struct error *err) MUST_CHECK;

#endif
