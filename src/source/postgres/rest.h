/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What of a table is still to be read when the snapshot that read it is gone: the ranges of places (ctid) from which it had
 * given no row yet. A row that nobody has changed since stands where it stood, as long as the table has the same file; one
 * that was changed comes by the stream. So what has to be read is what stands in these ranges, and is not newer than the
 * snapshot. An update does not carry values that are stored apart and did not change: of a table that has such, rows
 * that are newer are read as well, wherever they are.
 *
 * The text: what the snapshot saw, the file, 1 if values are stored apart, and the ranges ("12.5-2048,3000.0-": behind row 5
 * of page 12 up to page 2048, and from page 3000 on); or REST_ALL, where the role may not ask for places. Of a partitioned table: the
 * partitions by their oids ("t16390,16393"). A row that goes to another one comes by the stream with all of its values.
 */
#ifndef POSTGRES_REST_H
#define POSTGRES_REST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/writer.h"

#define REST_ALL "all"

struct pg_rest {
	char *sight;      /* owned: "xmin:xmax:xid,xid" */
	uint64_t xmin;
	uint64_t file;
	bool apart;
	char *ranges;     /* owned */
};

int pg_rest_parse(const char *text, struct pg_rest *ret, struct error *err) MUST_CHECK;
void pg_rest_done(struct pg_rest *rest);

/* A condition of SQL for the rows that are to be read. */
void pg_rest_condition(const struct pg_rest *rest, struct writer *sql);

#endif
