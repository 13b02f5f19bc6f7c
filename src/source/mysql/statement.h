/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What kind of statement the log has: enough of SQL to tell what it means for transactions, rows and shapes. */
#ifndef MYSQL_STATEMENT_H
#define MYSQL_STATEMENT_H

#include <stdint.h>

#include "base/view.h"

enum statement_kind {
	STATEMENT_BEGIN,
	STATEMENT_COMMIT,
	STATEMENT_ROLLBACK,     /* of the whole transaction */
	STATEMENT_ROLLBACK_TO,
	STATEMENT_SAVEPOINT,    /* nothing happens to rows */
	STATEMENT_XA,           /* a transaction in two phases begins */
	STATEMENT_XA_COMMIT,    /* ... and what becomes of one: xid says of which */
	STATEMENT_XA_ROLLBACK,
	STATEMENT_CHANGE,       /* it changes rows that the log does not have */
	STATEMENT_TRUNCATE,     /* schema and table say of what; schema VIEW_NONE: the session's */
	STATEMENT_OTHER,
	STATEMENT_KINDS,
};

struct statement {
	enum statement_kind kind;
	struct view database;   /* of the session */
	uint64_t sql_mode;      /* ... */
	struct view sql;
	struct view schema, table;
	struct view xid;        /* "X'6162',X'63',1" */
};

/* Fills all but what is of the session. Views point into the text. */
void statement_read(struct view sql, struct statement *ret);

#endif
