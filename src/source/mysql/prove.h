/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What the catalogue has now, taken for what was at a place of the log: only of tables of which the log has no statement between that
 * place and its end.
 */
#ifndef MYSQL_PROVE_H
#define MYSQL_PROVE_H

#include "conn.h"
#include "look.h"
#include "shapes.h"

struct source_table;

/* Whether the server's log tells of shapes itself, from now on: 1, 0, -1. */
int my_log_tells_shapes(MYSQL *conn, struct error *err);

/*
 * Puts the shapes of those of the tables that are not known, as they are at that place. `again`: only of those that were lost just there.
 * Those of which it cannot be proven are lost; also if that takes too long.
 */
int my_shapes_learn(MYSQL *conn, struct my_look *look, struct my_shapes *shapes, const struct source_table *tables, size_t count,
		    struct position from, bool again, struct error *err) MUST_CHECK;

#endif
