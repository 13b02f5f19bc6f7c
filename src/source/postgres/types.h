/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * PostgreSQL's types: which of ours each is, how its text is read, and what the manual says of it. One table; a type
 * that is not in it travels as TYPE_OTHER, as the server printed it.
 */
#ifndef POSTGRES_TYPES_H
#define POSTGRES_TYPES_H

#include <stdbool.h>
#include <stddef.h>

#include "convert.h"
#include "model/type.h"

struct source_type;

struct pg_type {
	uint32_t oid;         /* 0: of an extension, or made by users: it has another one in each database */
	uint32_t array;       /* of its array type, if that becomes an array; 0: it stays text, or has no oid of its own */
	const char *name;     /* pg_type.typname */
	const char *shown;    /* in the manual; NULL: the name */
	enum type_kind kind;
	pg_convert *convert;
	const char *remark;   /* for the manual; may be NULL */
	int32_t least, most;  /* the modifiers that the row is for; both 0: any */
};

/* What is not in the table: any other type, and enums, which have oids of their own. */
extern const struct pg_type pg_type_other;
extern const struct pg_type pg_type_enum;

/* By oid and modifier, or NULL. */
const struct pg_type *pg_type_find(uint32_t oid, int32_t modifier);

/* By the oid of its array type and the modifier, or NULL. */
const struct pg_type *pg_type_find_array(uint32_t oid, int32_t modifier);

/* By name, for a type whose oid is unknown by now (Y messages name the base type of a domain); or NULL. */
const struct pg_type *pg_type_find_name(const char *name, int32_t modifier);

/* By name, of those that are not built in; or NULL. */
const struct pg_type *pg_type_find_extension(const char *name);

/* Amounts are printed in hundredths: what they mean is said by the database. NULL: nothing of ours has so many digits. */
bool pg_type_is_money(const struct pg_type *type);
const struct pg_type *pg_type_money(int digits);

/* The type with its modifier: precision and scale. */
struct type pg_type_of(const struct pg_type *type, int32_t modifier);

/* "numeric(12,2)", "varchar(20)": the name with its modifier, in the arena. */
const char *pg_type_print(const char *name, uint32_t oid, int32_t modifier, struct arena *arena);

/* What source_ops.type says. */
bool pg_type_at(size_t number, struct source_type *ret);

#endif
