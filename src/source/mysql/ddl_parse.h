/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What the parts of the grammar share: ddl.c has the statements, ddl_alter.c the clauses, ddl_column.c the definition
 * of a column.
 */
#ifndef MYSQL_DDL_PARSE_H
#define MYSQL_DDL_PARSE_H

#include "ddl.h"
#include "sql_words.h"

struct ddl_parse {
	struct sql_words words;
	const struct ddl_session *session;
	struct arena *arena;
	struct ddl *ddl;
	struct ddl_table **next_table;
	struct ddl_action **next_action;
};

/* Type and attributes, behind the column's name; ends at FIRST, AFTER, a comma or what closes. */
void ddl_parse_column(struct ddl_parse *parse, struct ddl_column *ret);

/* Columns and keys; whether it was a key or a condition. */
void ddl_add_column(struct ddl_parse *parse, bool maybe);
bool ddl_take_constraint(struct ddl_parse *parse);

/* name [=] value */
bool ddl_take_option(struct ddl_parse *parse);

/* The clauses of ALTER TABLE; and what counts for nobody, to the end. */
void ddl_parse_clauses(struct ddl_parse *parse);
void ddl_skip_rest(struct ddl_parse *parse);

/* A table, which the statement is about from then on; a name. */
struct ddl_table *ddl_take_table(struct ddl_parse *parse);
const char *ddl_take_name(struct ddl_parse *parse);

/* The first thing that is not known is told of. */
void ddl_unknown(struct ddl_parse *parse);

#endif
