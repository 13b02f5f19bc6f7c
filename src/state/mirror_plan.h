/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What the mirror's files share: the plan of a table version (which columns are kept, the statements per row) and the
 * shape that the state file remembers of a mirrored table. Private to state/.
 */
#ifndef STATE_MIRROR_PLAN_H
#define STATE_MIRROR_PLAN_H

#include <sqlite3.h>

#include "base/datetime.h"
#include "base/writer.h"
#include "state/mirror.h"

/* A needed table and how it stands. */
struct mirrored {
	const struct mirror_need *need;
	enum mirror_state state;
	char reason[200];           /* why it must be loaded again */
	uint64_t changes;           /* applied in this process, and rollbacks: what was fetched before is out of date */
};

/*
 * How rows of one table version are kept. The mirrored columns are the key's, in key order, then the others in order of
 * the table. A bag has no key; its rows are keyed by (hash of the mirrored values, number among equal rows).
 */
struct mirror_plan {
	const struct table *table;
	struct mirrored *mirrored;
	char *name;                  /* of the mirrored table */
	bool is_bag;
	bool ready;                  /* declared since the last rollback */
	unsigned *columns;           /* table columns */
	unsigned column_count;
	unsigned key_count;
	sqlite3_stmt *put;
	sqlite3_stmt *get;           /* not of a bag */
	sqlite3_stmt *remove;
	char (*scratch)[DATETIME_TEXT_BYTES];
	struct value *fetched;       /* one for each table column */
	uint64_t fetched_at;         /* mirrored->changes + 1 then; 0: nothing is fetched */
	struct value *merged;
	struct writer bytes;         /* texts of `fetched`; of a bag: the values to be hashed */
};

struct mirror {
	struct db *db;
	struct mirrored *mirrored;
	unsigned mirrored_count;
	struct mirror_plan **plans; /* by uid of the table version; NULL: not mirrored, or not declared */
	unsigned plan_count;
};

/* The plan of a declared version, declared again if a rollback was since; *ret NULL: not mirrored. */
MUST_CHECK int mirror_get_plan(struct mirror *mirror, const struct table *table, struct mirror_plan **ret,
			       struct error *err);

/* Whether changes are applied in this state. */
static inline bool mirror_is_kept(enum mirror_state state)
{
	return state == MIRROR_LOADING || state == MIRROR_WHOLE;
}

/* Copies the row at which a walk or fetch stands into plan->fetched; texts move to the plan's own bytes. */
void plan_keep_row(struct mirror_plan *plan, sqlite3_stmt *stmt);

/* Chooses the columns; the table must have every needed one (checked by shape_compare before). */
struct mirror_plan *plan_new(const struct table *table, const struct mirror_need *need);
MUST_CHECK int plan_prepare(struct mirror_plan *plan, struct db *db, struct error *err);
void plan_unprepare(struct mirror_plan *plan);
void plan_free(struct mirror_plan *plan);
MUST_CHECK int plan_create_table(const struct mirror_plan *plan, struct db *db, struct error *err);
MUST_CHECK int plan_create_indexes(const struct mirror_plan *plan, struct db *db, struct error *err);

/* A statement that deletes the first few thousand rows. */
MUST_CHECK int plan_prepare_piece(const struct mirror_plan *plan, struct db *db, sqlite3_stmt **ret, struct error *err);

/* A statement that selects the mirrored columns of all rows in key order. */
MUST_CHECK int plan_prepare_walk(const struct mirror_plan *plan, struct db *db, sqlite3_stmt **ret, struct error *err);

/*
 * The columns that identify a row in the mirror; count 0: none, it is a bag. Returns -1 if it cannot be mirrored at
 * all.
 */
int plan_key_columns(const struct table *table, unsigned *columns, unsigned *ret_count);

/* Remembers the shape of a table that was just created, with a state. */
MUST_CHECK int shape_save(struct db *db, const struct mirror_plan *plan, enum mirror_state state, struct error *err);
MUST_CHECK int shape_set_state(struct db *db, const struct mirror_need *need, enum mirror_state state,
			       const char *reason, struct error *err);

/* The state and reason the file has for a needed table; LOADING if it has none. */
MUST_CHECK int shape_load_state(struct db *db, struct mirrored *mirrored, bool *ret_known, struct error *err);

/* Compares a table version with the remembered shape and sets state and reason where they differ. */
MUST_CHECK int shape_compare(struct db *db, const struct table *table, struct mirrored *mirrored, struct error *err);
MUST_CHECK int shape_forget(struct db *db, const struct mirror_need *need, struct error *err);

#endif
