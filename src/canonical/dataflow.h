/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What a compiled SQLite statement does with decimals, found by following values through the instructions that EXPLAIN
 * shows. Decimals are texts in SQLite: arithmetic would go through binary floats, and comparison with the wrong
 * collation or affinity would be one of texts. Neither fails, so both must be found before they run. Private to
 * canonical/.
 */
#ifndef CANONICAL_DATAFLOW_H
#define CANONICAL_DATAFLOW_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "model/table.h"

/* Which column of which table stands behind a column of a b-tree; NULL: not one of the source's. */
struct flow_tree {
	int root_page;
	const struct table *table;
	const struct column **columns; /* by column of the b-tree; NULL: not a source column */
	unsigned column_count;
};

struct flow_options {
	sqlite3 *handle;
	const char *sql;
	const struct flow_tree *trees;
	unsigned tree_count;
	const bool *decimal_params;    /* by parameter - 1; NULL: none is a decimal */
	unsigned param_count;
	struct arena *arena;
};

/* Something that would go wrong silently. */
struct flow_fault {
	const char *message;           /* a sentence with a remedy */
	const char *column;            /* the decimal column in question, or NULL */
	struct flow_fault *next;
};

struct flow_constant {
	char kind;                     /* 's' text, 'i' integer, 'r' real */
	const char *text;
};

/* What a result column can be. */
struct flow_result {
	bool may_be_null;
	bool may_be_other;             /* computed, or of several columns */
	const struct column *column;   /* it can be this column's value */
	struct flow_constant *constants;
	unsigned constant_count;
};

/* Faults, each once. Results (may be NULL) has room for result_count columns. */
struct flow_fault *flow_follow(const struct flow_options *options, struct flow_result *results, unsigned result_count);

/* Calls `each` for every tree that the statement opens; is_walked: from its begin to its end. */
void flow_trees(const struct flow_options *options,
		void (*each)(void *arg, const struct flow_tree *tree, bool is_walked), void *arg);

#endif
