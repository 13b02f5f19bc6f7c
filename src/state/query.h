/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Statements that run seldom: prepared, bound, stepped, finalized. What runs for every row or document keeps its own
 * prepared statements instead.
 */
#ifndef STATE_QUERY_H
#define STATE_QUERY_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/error.h"
#include "base/view.h"
#include "state/db.h"

/*
 * Prepares sql and binds its parameters in order; one letter each in `types`: i int64_t, t struct view as text, b
 * struct view as blob, s const char *. Texts must live until the statement is finalized.
 */
MUST_CHECK int query_open(struct db *db, const char *sql, sqlite3_stmt **ret, struct error *err, const char *types,
			  ...);

/* The same for a statement without rows: begins the transaction, runs it. */
MUST_CHECK int query_run(struct db *db, const char *sql, struct error *err, const char *types, ...);

/* The first column of the first row: 1, 0 if there is no row, -1. */
MUST_CHECK int query_number(struct db *db, const char *sql, int64_t *ret, struct error *err, const char *types, ...);

/* A text or blob column; lives until the next step. NULL gives VIEW_NONE. */
struct view query_view(sqlite3_stmt *stmt, int column);

#endif
