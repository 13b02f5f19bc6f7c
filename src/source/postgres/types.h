/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * PostgreSQL's types: which of ours each is, and how its text is read. One table; a type that is not in it travels as
 * TYPE_OTHER, as the server printed it.
 */
#ifndef POSTGRES_TYPES_H
#define POSTGRES_TYPES_H

#include "base/arena.h"
#include "model/type.h"
#include "model/value.h"

/* Text to value; the state is set by the caller. Views point into the text or the arena. -1: not of that type. */
typedef int pg_convert(struct view text, struct arena *arena, struct value *ret);

struct pg_type {
	uint32_t oid;
	const char *name;
	enum type_kind kind;
	pg_convert *convert;
};

/* What is not in the table: any other type, and enums, which have oids of their own. */
extern const struct pg_type pg_type_other;
extern const struct pg_type pg_type_enum;

/* By oid, or NULL. */
const struct pg_type *pg_type_find(uint32_t oid);

/* By name, for a type whose oid is unknown by now (Y messages name the base type of a domain); or NULL. */
const struct pg_type *pg_type_find_name(const char *name);

/* The type with its modifier: precision and scale. */
struct type pg_type_of(const struct pg_type *type, int32_t modifier);

/* "numeric(12,2)", "varchar(20)": the name with its modifier, in the arena. */
const char *pg_type_print(const char *name, uint32_t oid, int32_t modifier, struct arena *arena);

#endif
