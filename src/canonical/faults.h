/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Faults, with their place in the mapping's file. Private to canonical/. */
#ifndef CANONICAL_FAULTS_H
#define CANONICAL_FAULTS_H

#include <sqlite3.h>

#include "base/arena.h"
#include "compile.h"
#include "model/fault.h"

/* True if a statement failed on the data (one of our functions refused it), not because the database did. */
static inline bool failed_on_data(int code)
{
	return code == SQLITE_ERROR || code == SQLITE_TOOBIG || code == SQLITE_MISMATCH;
}

/*
 * "Invoice.yaml:23": where the statement makes the result column, or where it begins. Without the folder, which may
 * move.
 */
struct view fault_place(const struct statement *statement, const char *column, struct arena *arena);

/* The path of a field: the rows it is in, by number, then its path within the row. */
struct view fault_path(const struct row_plan *row, const char *path, struct arena *arena);

#endif
