/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What the log has said of tables by its statements, and its row events do not: that rows came, went or changed. Of each table the
 * last such statement, with its place; kept with our place in the log.
 */
#ifndef MYSQL_HISTORY_H
#define MYSQL_HISTORY_H

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "base/writer.h"
#include "ddl.h"
#include "model/position.h"
#include "tables.h"

struct my_history {
	struct map statements;   /* "schema<TAB>name" -> text: place and statement */
	struct arena arena;
	bool changed;            /* since it was printed */
};

void my_history_done(struct my_history *history);

/* Lines of schema, table and text, with tabs between. */
int my_history_parse(struct my_history *history, struct view text, struct error *err) MUST_CHECK;
void my_history_print(struct my_history *history, struct writer *to);

/* A statement of the log, at that place: notes it for those captured tables whose rows may not be by it what row events have told. */
void my_history_take(struct my_history *history, const struct my_tables *tables, const struct ddl *ddl, const struct ddl_session *session,
		     struct view sql, struct position at);

/* Of a table: its last one, or "-". And of what it was once and is now: the statement between, or NULL. */
const char *my_history_of(const struct my_history *history, const char *schema, const char *name, struct arena *arena);
const char *my_history_change(const char *before, const char *now);

#endif
