/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Tables: what one looks like to MySQL and MariaDB, from a table map of the log or from the catalogue, made into a table
 * version of ours. A table map counts for the rows that follow it; what the catalogue says *now* only adds to it what
 * the log cannot tell (UUID), and only where it agrees.
 */
#ifndef MYSQL_TABLES_H
#define MYSQL_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "types.h"

struct catalog;
struct my_shapes;

#define MY_COLUMNS_MAX 4096 /* of a table, by the servers' own limit */

/* A table as it is described: by a table map, or by the catalogue. */
struct my_shape {
	const char *schema;
	const char *name;
	struct my_column *columns;
	unsigned count;
	unsigned visible;    /* so many of them, the first ones, are columns of the table to those who use it; set here */
	unsigned *key;       /* columns of the primary key, in key order */
	unsigned key_count;
};

/* A table version with what is needed to decode its rows. Lives as long as the set. */
struct my_table {
	const struct table *table;      /* NULL: not captured, the rest is empty */
	struct my_column *columns;
	const struct my_type **types;   /* of each column */
	unsigned wire_count;            /* of columns that rows have in the log: hidden ones are behind the table's */
	int row_end;                    /* MariaDB: the column that says until when a row was valid (system versioning), or -1 */
	struct view map;                /* the table map that it was made from */
	uint64_t altered;               /* as in the set, when it was made */
	bool *news;                     /* its version is to be told before its next row */
};

/* Which columns the server counts where a table map tells something of a class of them. */
struct map_rules {
	bool mariadb;
	enum { YEARS_HAVE_SIGNS, YEARS_HAVE_NONE, YEARS_UNKNOWN } years;
};

struct my_tables {
	struct catalog *catalog;              /* borrowed */
	const struct my_charsets *charsets;   /* borrowed */
	struct map_rules rules;
	uint8_t dates;                        /* enum source_dates */
	struct my_shapes *shapes;             /* borrowed: where the log does not tell of them; NULL: nobody follows them */
	struct map captured;                  /* "schema.name" -> struct my_table as the catalogue had it */
	struct map current;                   /* "schema.name" -> struct my_table of its last table map */
	struct map by_id;                     /* the log's number of a table -> struct my_table, until the next file */
	uint64_t altered;                     /* how often some were */
	struct arena arena;
	struct arena ids;                     /* keys of by_id */
	const struct my_table *last;          /* of the last look-up: changes of one table come in rows */
	uint64_t last_id;
};

/* Catalogue and character sets are borrowed. Done frees the set with its my_tables; table versions are the catalogue's. */
void my_tables_init(struct my_tables *set, struct catalog *catalog, const struct my_charsets *charsets);
void my_tables_done(struct my_tables *set);

/* Forgets what was captured; then adds one table after the other, as the catalogue describes it. */
void my_tables_capture_none(struct my_tables *set);
int my_tables_capture(struct my_tables *set, const struct my_shape *shape, const struct my_table **ret, struct error *err);

/* As it is now, without taking note of it: the stream may still be at what it was. */
int my_tables_look(struct my_tables *set, const struct my_shape *shape, const struct my_table **ret, struct error *err);

/* A captured table as the log described it last, or else the catalogue; NULL: it is not captured. */
const struct my_table *my_tables_named(const struct my_tables *set, struct view schema, struct view name);

/* Takes a table map (the event's body): *ret_new says whether the version differs from the one before. */
int my_tables_map(struct my_tables *set, struct view body, const struct my_table **ret, bool *ret_new, struct error *err) MUST_CHECK;

/* By the number of the log, or NULL if no table map told of it. */
const struct my_table *my_tables_find(struct my_tables *set, uint64_t id);

/* Some were altered: the next table map of each is read anew, even if it is the same as before. */
void my_tables_altered(struct my_tables *set);

/* The numbers of the log mean something else from here on. */
void my_tables_forget(struct my_tables *set);

#endif
