/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Tables and changes written as text, for tests of what changes do.
 *
 *	table   "invoice(*id int64, number text, total decimal, note text)"   * = key column
 *	        "@" before the name: identity full without a key; "ops.t" is table t of schema ops
 *	row     "7|A-1|10.50|~"     ~ null, ! unchanged, . absent
 *	change  "+ row"  "= row"  "= row <- old row"  "- row"  "r row"  "0" (truncate)
 */
#ifndef UNIT_ROWS_H
#define UNIT_ROWS_H

#include "base/arena.h"
#include "model/change.h"
#include "model/table.h"

/* All is in the arena. Every table gets a uid of its own. */
struct table *rows_table(struct arena *arena, const char *spec);
struct change rows_change(struct arena *arena, const struct table *table, const char *text);

#endif
