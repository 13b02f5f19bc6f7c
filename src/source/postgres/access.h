/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* May the role read what a snapshot would copy? Asked before a slot is made, which the server keeps its log for. */
#ifndef POSTGRES_ACCESS_H
#define POSTGRES_ACCESS_H

#include "publication.h"

/* UNSUPPORTED unless it may. `sql` takes the statements that permit it, however many; the hint has them if they fit. */
int pg_access_check(PGconn *conn, const struct pg_wanted *wanted, struct writer *sql, struct error *err);

/* The statements of source_ops.grants, but for the publication. */
int pg_access_grants(PGconn *conn, const struct pg_wanted *wanted, const char *role, bool missing, struct writer *sql,
		     struct error *err) MUST_CHECK;

#endif
