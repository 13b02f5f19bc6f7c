/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * How the rows of tables are kept: in which file, or in which partitions, and since when columns are defined as they are. The log
 * does not tell of rows that come with a partition or go with one, that TRUNCATE takes from one partition of a table that is
 * published as one, or that ALTER COLUMN ... TYPE ... USING writes anew; these show that it has happened.
 *
 * The text of a table: "r 16384:16392 1:555 2:557", its file, and by the number of each column the transaction that defined it last.
 * Of a partitioned one: "p 16390:16395 16393!:16398", the partitions with rows and the file of each; ! that is being detached.
 */
#ifndef POSTGRES_LAYOUT_H
#define POSTGRES_LAYOUT_H

#include <libpq-fe.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "model/table.h"

/*
 * A table and all that is partitioned from it, of the oids in $1, as tree(place, oid, leaving), to follow on "WITH RECURSIVE". The
 * first %s is pg_tree_leaving.
 */
#define PG_TREE \
	"tree(place, oid, leaving) AS (SELECT w.place, w.oid, false FROM unnest($1::oid[]) WITH ORDINALITY w(oid, place)" \
	" UNION ALL SELECT t.place, i.inhrelid, t.leaving OR %s FROM tree t JOIN pg_catalog.pg_class k ON k.oid = t.oid AND" \
	" k.relkind = 'p' JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid) "

const char *pg_tree_leaving(const PGconn *conn);

/* The oids of tables as an array. */
struct writer;
void pg_oids(const struct table *const *tables, size_t count, struct writer *to);

/* Texts in the arena; "" of a table that is gone. */
int pg_layouts(PGconn *queries, const struct table *const *tables, size_t count, struct arena *arena, const char **ret,
	       struct error *err) MUST_CHECK;

/* See source_ops.layout_change. */
int pg_layout_change(PGconn *queries, const char *before, const char *now, const char **ret_reason, struct error *err) MUST_CHECK;

/* A number for the file, or the files, that have the rows; 0: the table is gone. */
uint64_t pg_layout_file(const char *layout);

#endif
