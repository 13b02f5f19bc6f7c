/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The small grammar of statements that change tables: which ones a statement is about, what becomes of their columns and of
 * their rows. What it does not know is told (`unknown`) and not guessed.
 */
#ifndef MYSQL_DDL_H
#define MYSQL_DDL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/view.h"

enum ddl_kind {
	DDL_NONE,           /* it changes no table */
	DDL_CREATE,         /* its columns are actions ADD; or it is LIKE another one */
	DDL_ALTER,
	DDL_RENAME,         /* tables in pairs: from, to */
	DDL_DROP,
	DDL_TRUNCATE,
	DDL_DROP_DATABASE,  /* of the one table, the schema alone counts */
};

/* A column as it was written. Texts in the arena. */
struct ddl_column {
	const char *name;
	const char *type;        /* as information_schema calls it */
	unsigned length, scale;  /* length 0: none was written */
	bool is_unsigned, not_null, key, compressed, binary;
	const char *charset;     /* or collation; NULL: that of the table */
	const char *collation;
	struct view *labels;
	unsigned label_count;
};

enum ddl_verb { DDL_ADD_COLUMN, DDL_DROP_COLUMN, DDL_CHANGE_COLUMN, DDL_RENAME_COLUMN, DDL_KEY, DDL_NO_KEY, DDL_CONVERT, DDL_DEFAULT_CHARSET };

struct ddl_action {
	enum ddl_verb verb;
	bool maybe;              /* IF EXISTS, IF NOT EXISTS */
	const char *name;        /* of the column, or key column, or character set or collation */
	const char *to;          /* RENAME_COLUMN */
	bool first;
	const char *after;       /* may be NULL */
	struct ddl_column column;
	struct ddl_action *next;
};

struct ddl_table {
	const char *schema;      /* that of the session, if none was written; may be "" */
	const char *name;
	struct ddl_table *next;
};

struct ddl {
	enum ddl_kind kind;
	struct ddl_table *tables;
	struct ddl_action *actions;
	const struct ddl_table *like;      /* CREATE: the one whose columns it has */
	const struct ddl_table *renamed;   /* ALTER: its new name; it is the second of `tables`, too */
	bool replaces;                     /* CREATE OR REPLACE */
	bool maybe;                        /* CREATE IF NOT EXISTS */
	bool rows;                         /* rows may have come, gone or changed without row events */
	const char *unknown;               /* the clause that is not known: what the columns are then, nobody can tell from this; or NULL */
};

/* What the session was like in which it ran. */
struct ddl_session {
	struct view database;
	uint64_t sql_mode;
};

/* Reads a statement; texts are copied into the arena. */
void ddl_read(struct view sql, const struct ddl_session *session, struct arena *arena, struct ddl *ret);

/* Whether it is about this table. */
bool ddl_is_about(const struct ddl *ddl, const char *schema, const char *name);

#endif
