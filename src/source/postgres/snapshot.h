/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Reading tables as they were at the slot's consistent point: a read-only transaction that has imported the exported
 * snapshot, and COPY of one table after the other.
 */
#ifndef POSTGRES_SNAPSHOT_H
#define POSTGRES_SNAPSHOT_H

#include <libpq-fe.h>

#include "base/error.h"
#include "base/view.h"
#include "model/table.h"

struct pg_snapshot {
	PGconn *conn; /* owned, NULL when there is none */
	char *buffer; /* of the present row, libpq's */
};

/* Connects and imports the snapshot; when it returns, the exporting connection may go on. */
int pg_snapshot_begin(struct pg_snapshot *snapshot, const char *conninfo, const char *name, struct error *err);

/* Closes the connection, if there is one. */
void pg_snapshot_done(struct pg_snapshot *snapshot);

/* Begins to read a table: its rows come from pg_snapshot_row, to their end, before the next one is begun. */
int pg_snapshot_table(struct pg_snapshot *snapshot, const struct table *table, struct error *err);

/* 1 and a row in COPY's text format without its newline, valid until the next call; 0 at the end; -1. */
int pg_snapshot_row(struct pg_snapshot *snapshot, struct view *ret, struct error *err);

#endif
