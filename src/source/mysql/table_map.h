/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Table maps of the log (MySQL source, "Table_map_event"), with their optional metadata. */
#ifndef MYSQL_TABLE_MAP_H
#define MYSQL_TABLE_MAP_H

#include "tables.h"

/* Number and name alone, of the body of the event; schema and name are views into it. */
int table_map_name(struct view body, uint64_t *ret_id, struct view *ret_schema, struct view *ret_name, struct error *err);

/*
 * All of it: texts in the arena. Where the log does not tell the names of columns, `known` is what they are
 * (may be NULL): 1 if they were taken from there; ERROR_STATE if that is not known, or does not fit.
 */
int table_map_read(struct view body, const struct my_charsets *charsets, struct map_rules rules, const struct my_shape *known,
		   struct arena *arena, struct my_shape *ret, struct error *err) MUST_CHECK;

#endif
