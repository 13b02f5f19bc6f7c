/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The publication: what it must carry, and the SQL that makes it so. It is checked, never changed: that is the DBA's.
 */
#ifndef POSTGRES_PUBLICATION_H
#define POSTGRES_PUBLICATION_H

#include <libpq-fe.h>

#include "base/writer.h"
#include "source/source.h"

struct pg_catalogue;

/* What is wanted, and the version it had when it was asked for. */
struct pg_wanted {
	const struct source_table *tables; /* borrowed */
	const struct table **versions;     /* owned by the source */
	size_t count;
	const struct pg_catalogue *catalogue; /* borrowed: which of them are partitioned */
};

/* PUBLICATION_CHANGED unless every table is published with all operations, all needed columns and all rows. */
int pg_publication_check(PGconn *conn, const char *publication, const struct pg_wanted *wanted, struct error *err);

/*
 * The statement that creates or completes the publication, for exactly the wanted tables; nothing if it is right. A table without
 * a replica identity is left out, in a comment: published, it could be neither updated nor deleted from.
 */
int pg_publication_sql(PGconn *conn, const char *publication, const struct pg_wanted *wanted, struct writer *sql,
		       struct error *err);

/* PUBLICATION_CHANGED if a table is published that can neither be updated nor deleted from; see source.h. */
int pg_publication_identities(PGconn *conn, const char *publication, const struct pg_wanted *wanted, struct error *err);

/* Lines SCHEMA.TABLE=MARK: see source.h. */
int pg_publication_marks(PGconn *conn, const char *publication, const struct pg_wanted *wanted, struct writer *marks,
			 struct error *err);

#endif
