/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A table version: what a table looked like while certain rows were written. It is made by a source when the log says
 * so, never changed afterwards, and lives as long as the source's catalogue. Stages keep what they compile for it in
 * arrays indexed by `uid`.
 */
#ifndef MODEL_TABLE_H
#define MODEL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/type.h"
#include "model/value.h"

/* What is done with the values of a column before anybody sees them (mask/mask.h). */
enum mask_method { MASK_KEEP, MASK_DROP, MASK_LAST4, MASK_TOKEN, MASK_ENCRYPT, MASK_METHODS };

extern const char *const mask_method_names[];

struct column {
	const char *name;
	struct type type;
	const char *source_type; /* the server's name for it: "numeric(12,2)", "mood" */
	uint32_t source_oid;     /* PostgreSQL: pg_type oid, 0 elsewhere */
	int32_t source_modifier; /* PostgreSQL: typmod, -1 = none */
	int source_number;       /* by which the source tells it from one of the same name that was dropped; 0 = not known */
	bool identity;           /* part of the replica identity */
	struct type element;     /* TYPE_ARRAY: of its elements; as the next one not known in versions from the state file */
	value_from_text *element_from_text; /* ... how one of them is read */
	enum mask_method mask;   /* `type` is what comes out of it ... */
	struct type unmasked;    /* ... and this is what the source has */
	const char *labels;      /* TYPE_ENUM: its labels in their order, joined by commas; NULL = not known */
};

/* How rows are identified in the log when they are changed. */
enum identity { IDENTITY_KEY, IDENTITY_INDEX, IDENTITY_FULL, IDENTITY_NOTHING };

extern const char *const identity_names[];

struct table {
	uint32_t uid;          /* of this version, dense, from 0, never used twice in a process */
	uint64_t source_id;    /* the table's own: PostgreSQL oid, of all its versions */
	const char *schema;    /* MySQL: database */
	const char *name;
	struct column *columns;
	unsigned column_count;
	bool masked;           /* any column is */
	enum identity identity;
	unsigned *key;         /* columns of the primary key in key order, or else of the identity index; may be none */
	unsigned key_count;
	uint64_t fingerprint;  /* of all of the above but uid: equal shapes have equal fingerprints */
};

/* Index of a column by name, or -1. */
int table_column(const struct table *table, const char *name);

/* True if an UPDATE or DELETE would not say which row it was: while it is published, the server refuses them. */
bool table_has_no_identity(const struct table *table);

/* Fills table->fingerprint. */
void table_seal(struct table *table);

#endif
