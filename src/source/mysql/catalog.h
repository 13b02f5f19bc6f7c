/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What information_schema says now: character sets, tables and their present shape. */
#ifndef MYSQL_CATALOG_H
#define MYSQL_CATALOG_H

#include "conn.h"
#include "tables.h"

struct source_listing;
struct source_progress;

int my_catalog_charsets(MYSQL *conn, struct my_charsets *set, struct error *err);

/* A table's present shape, as the log would describe it; texts in the arena. 1, 0 if there is no such table, -1. */
int my_catalog_shape(MYSQL *conn, const struct my_charsets *charsets, const char *schema, const char *name, struct arena *arena,
		     struct my_shape *ret, struct error *err);

/* The collation of columns that name none; NULL: there is no such table. */
int my_catalog_charset(MYSQL *conn, const char *schema, const char *name, struct arena *arena, const char **ret, struct error *err);

/* What is to be expected of tables: rows and bytes, by the server's estimate. */
int my_catalog_expected(MYSQL *conn, const struct table *const *tables, size_t count, struct source_progress *ret, struct error *err);

/* What source_ops.list says. */
int my_catalog_list(MYSQL *conn, struct source_listing **ret, size_t *ret_count, struct error *err);

#endif
