/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The forms of values: what the schema says and which function writes, one row for each. */
#ifndef ENCODE_FORM_H
#define ENCODE_FORM_H

#include "encode/values.h"
#include "field.h"

/* What a schema has beside the names of its form. */
enum form_schema { SCHEMA_NAMES, SCHEMA_DECIMAL, SCHEMA_VARIABLE_DECIMAL, SCHEMA_ENUM, SCHEMA_SOURCE_TYPE,
		   SCHEMA_BITS, SCHEMA_POINT, SCHEMA_ARRAY };

struct form {
	const char *avro;         /* Avro's type */
	const char *connect;      /* connect.type, where Avro has none of its own; or NULL */
	const char *meaning;      /* connect.name, or NULL */
	const char *logical;      /* logicalType, or NULL */
	enum form_schema schema;
	field_put put;
	size_t bytes;             /* most that put writes beside the text ... */
	unsigned times;           /* ... which it writes so many times, 0: not at all */
	struct view placeholder;  /* words that stand for an unchanged value; ptr NULL: nothing can */
};

/* Never NULL. */
const struct form *form_of(struct type type, const struct value_forms *forms);

#endif
