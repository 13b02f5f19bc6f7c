/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The mirror: of every table that a mapping reads, the columns it reads, row by row, by applying the source's own
 * changes. At each commit of the source the mirror is the source at that commit.
 *
 * A mirrored table carries the source's name (in the usual schema; others "schema.table"). Its key is the replica identity;
 * the primary key, where it is another one, has an index. A table without a key but with identity FULL is kept as a bag
 * of rows, found by the hash of their values. The needs (which columns, which indexes) come from whoever reads the
 * mirror.
 */
#ifndef STATE_MIRROR_H
#define STATE_MIRROR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "model/change.h"
#include "model/table.h"
#include "state/db.h"

struct mirror;

struct mirror_index {
	const char *const *columns;
	unsigned column_count;
};

/* What is needed of a table; borrowed for as long as the mirror has it. */
struct mirror_need {
	const char *schema;
	const char *name;
	const char *const *columns; /* the key comes by itself */
	unsigned column_count;
	const struct mirror_index *indexes;
	unsigned index_count;
};

enum mirror_state {
	MIRROR_NONE,       /* nobody needs the table */
	MIRROR_LOADING,    /* it has never been loaded wholly */
	MIRROR_WHOLE,
	MIRROR_INCOMPLETE, /* a column is needed now that was not kept: the table has to be loaded again */
	MIRROR_STALE,      /* the source changed a mirrored column in a way that left no row events: the same */
};

extern const char *const mirror_state_names[];

/* The mirror of a state file; database and needs are borrowed. Tables are declared next. Close takes NULL. */
MUST_CHECK int mirror_open(struct db *db, const struct mirror_need *needs, unsigned count, struct mirror **ret,
			   struct error *err);
void mirror_close(struct mirror *mirror);

/* A new set of needs (a new pack), at a border; tables have to be declared again. */
MUST_CHECK int mirror_set_needs(struct mirror *mirror, const struct mirror_need *needs, unsigned count,
				struct error *err);

/*
 * Makes a table version known: creates or compares the mirrored table and compiles what is done per row. To be called
 * for every table the source describes and for every CHANGE_TABLE. A version that does not fit makes the table STALE. The
 * state is remembered in the file; ret_state may be NULL.
 */
MUST_CHECK int mirror_declare(struct mirror *mirror, const struct table *table, enum mirror_state *ret_state,
			      struct error *err);

/*
 * Whether rows of this version can be kept in the mirrored table as it is; changes nothing. False, too, for a version that
 * lacks a column which is needed. A table that nobody needs, or that is not made yet, fits.
 */
MUST_CHECK int mirror_fits(struct mirror *mirror, const struct table *table, bool *ret_fits, struct error *err);

/* The state of a declared table version (by its uid), or MIRROR_NONE. */
enum mirror_state mirror_table_state(const struct mirror *mirror, const struct table *table);

/* The state as the file has it, by name; and why, if it is INCOMPLETE or STALE (valid until the next call). */
enum mirror_state mirror_state_of(struct mirror *mirror, const char *schema, const char *name, const char **ret_reason);

static inline bool mirror_has(const struct mirror *mirror, const struct table *table)
{
	return mirror_table_state(mirror, table) != MIRROR_NONE;
}

/*
 * Applies a row change: insert and read, update, delete, truncate. Nothing happens for tables that are not mirrored and
 * for those that must be loaded again. Values that are unchanged or absent keep what they were; a changed key moves the
 * row. While a table is LOADING, an update of a row that is not there yet, and that does not carry all of it, is left out:
 * the row is still to be read.
 */
MUST_CHECK int mirror_apply(struct mirror *mirror, const struct change *change, struct error *err);

/*
 * The mirrored row that has the key found in `values` (one for each column of the table; only the key columns are
 * looked at): 1 and the row (columns that are not mirrored are absent), 0 if there is none, -1. The values live until
 * another row of the same table is fetched; fetched again before a change is applied, they are the same ones. Not for
 * tables without a key.
 */
MUST_CHECK int mirror_fetch(struct mirror *mirror, const struct table *table, const struct value *values,
			    struct row *ret, struct error *err);

/* The values that identify the row of an update or delete as it was before: its before image if it has one. */
const struct value *mirror_old_key(const struct change *change);

/*
 * Walks the rows of a mirrored table in key order, `each` until it returns other than 0 (which is returned): for
 * truncation. The mirror may not be changed meanwhile.
 */
MUST_CHECK int mirror_each_row(struct mirror *mirror, const struct table *table,
			       int (*each)(void *arg, const struct row *row, struct error *err), void *arg,
			       struct error *err);

/* Empties a table, or makes it anew from the present version and needs; its state is LOADING then. */
MUST_CHECK int mirror_reload(struct mirror *mirror, const struct table *table, struct error *err);

/*
 * For those who have no mirror open: all mirrored tables of the file (`each` until it returns other than 0, which is
 * returned); whether a table is other than the file remembers it, and how; and a table that goes with all that is known of it. Mirrored tables whose columns are not all kept that are needed now are made anew by that, too.
 */
struct mirror_known {
	const char *schema, *name;
	enum mirror_state state;
	const char *reason;
	bool is_bag;
};

MUST_CHECK int mirror_each_known(struct db *db, int (*each)(void *arg, const struct mirror_known *known, struct error *err),
				 void *arg, struct error *err);

struct mirror_difference {
	bool differs;
	bool renumbered;  /* a column was dropped and added again: rows that are older look the same, but are not */
	char reason[200];
};

/*
 * By a version from the source's catalogue, which has the columns' numbers: the log does not tell them. A file of an
 * earlier format learns them once.
 */
MUST_CHECK int mirror_differs(struct db *db, const struct table *table, struct mirror_difference *ret, struct error *err);
MUST_CHECK int mirror_learn_numbers(struct db *db, const struct table *table, struct error *err);
MUST_CHECK int mirror_lacks(struct db *db, const struct mirror_need *need, bool *ret_lacks, struct error *err);
MUST_CHECK int mirror_set_stale(struct db *db, const char *schema, const char *name, const char *reason, struct error *err);
MUST_CHECK int mirror_forget(struct db *db, const char *schema, const char *name, struct error *err);

/* The table has been loaded: WHOLE. */
MUST_CHECK int mirror_loaded(struct mirror *mirror, const struct table *table, struct error *err);

/* How many rows the mirrored table has. */
MUST_CHECK int mirror_count(struct mirror *mirror, const struct table *table, uint64_t *ret_rows, struct error *err);

/*
 * The schema whose tables go by their names alone: public, or the database where a schema is one. Set before anything else
 * of here is called, and not again.
 */
void mirror_set_usual_schema(const char *schema);
const char *mirror_usual_schema(void);

/* The name of a mirrored table in the state file, and in mappings. */
const char *mirror_name(struct arena *arena, const char *schema, const char *name);

/* The declaration of a mirrored column: "INTEGER", "TEXT COLLATE DECIMAL" ... */
const char *mirror_column_type(struct type type);

/*
 * The tables of a catalogue as the mirror remembers them: a mirrored column that the source has changed or dropped
 * since is what it was, and so is a table that is gone. Statements prepared against these go on to work while the
 * mirror is stale. Tables and list are in the arena; tables that are not mirrored are the catalogue's own.
 */
MUST_CHECK int mirror_remember(struct db *db, const struct table *const *tables, unsigned count, struct arena *arena,
			       const struct table *const **ret_tables, unsigned *ret_count, struct error *err);

/*
 * Makes the mirrored table with its indexes, empty: what mirror_declare does first, for those who prepare statements on
 * another database (a scratch one) before the mirror exists.
 */
MUST_CHECK int mirror_create(struct db *db, const struct table *table, const struct mirror_need *need,
			     struct error *err);

#endif
