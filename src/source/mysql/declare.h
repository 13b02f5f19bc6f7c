/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Columns as statements declare them, and what an ALTER TABLE makes of those that are there. */
#ifndef MYSQL_DECLARE_H
#define MYSQL_DECLARE_H

#include "ddl.h"
#include "tables.h"

/* What columns have that name none, and how the server has its types. */
struct declare_rules {
	const struct my_charsets *charsets;
	const char *charset;     /* may be NULL: not known */
	bool mariadb;
};

/* The name of a character set, or of a collation, as a character set; NULL: it is not known. */
const struct my_charset *declare_charset(const struct my_charsets *charsets, const char *name);

/* Makes the columns and the key of `to`: those of `from` (may have none) as the actions change them. -1: it cannot be told. */
int declare_shape(const struct my_shape *from, const struct ddl *ddl, struct declare_rules *rules, struct my_shape *to, struct arena *arena) MUST_CHECK;

#endif
