/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * An Avro schema as a tree, and values to go with it (Apache Avro 1.11 specification, "Schema Declaration", "Logical
 * Types"). Only what our contracts use: unions are exactly ["null", T] or [T, "null"], and are an attribute of the
 * place where T stands, so that a nullable field costs no level.
 */
#ifndef MODEL_AVRO_H
#define MODEL_AVRO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

enum avro_kind {
	AVRO_NULL, AVRO_BOOLEAN, AVRO_INT, AVRO_LONG, AVRO_FLOAT, AVRO_DOUBLE, AVRO_BYTES, AVRO_STRING,
	AVRO_ENUM, AVRO_RECORD, AVRO_ARRAY, AVRO_MAP,
};

enum avro_logical { AVRO_PLAIN, AVRO_DECIMAL, AVRO_DATE, AVRO_TIMESTAMP_MICROS };

struct avro_field {
	const char *name;
	const struct avro_type *type;
	bool nullable;      /* a union with null ... */
	bool null_second;   /* ... in which null is the second branch */
	const char *doc;
	const char *default_json; /* the default as JSON text, or NULL */
};

/* A type; of a named type there is one object, shared by all who refer to it. */
struct avro_type {
	enum avro_kind kind;
	enum avro_logical logical;
	int precision, scale;            /* AVRO_DECIMAL */
	const char *name;                /* enum, record: full name with namespace */
	const char *doc;
	const char *version;             /* record: attribute "version" of a contract, or NULL */
	struct avro_field *fields;       /* record */
	unsigned field_count;
	const char **symbols;            /* enum */
	unsigned symbol_count;
	int default_symbol;              /* enum: index, or -1 */
	const struct avro_type *items;   /* array: items; map: values */
	bool items_nullable;             /* array, map: a union ["null", items] */
};

#define AVRO_DECIMAL_DIGITS 38 /* decimals of more digits stay bytes in struct datum */

/* The one type object of each kind that has no parameters: null to string; NULL for the others. */
const struct avro_type *avro_primitive(enum avro_kind kind);

/* "null" ... "string", "enum", "record", "array", "map" */
extern const char *const avro_kind_names[];

/* A decimal whose value is an __int128; a wider one has its bytes as `text`. */
static inline bool avro_is_decimal(const struct avro_type *type)
{
	return type->logical == AVRO_DECIMAL && type->precision <= AVRO_DECIMAL_DIGITS;
}

/* Debezium's record for decimals of any scale: {scale: int, value: bytes}. */
bool avro_is_variable_decimal(const struct avro_type *type);

/* Index of a record's field, or -1; of an enum's symbol, or -1. */
int avro_field_index(const struct avro_type *type, struct view name);
int avro_symbol_index(const struct avro_type *type, struct view symbol);

/*
 * A value of a type: which member counts is said by the type. Nodes and texts are the caller's, usually an arena's.
 */
struct datum {
	bool set;                        /* false: null */
	union {
		int64_t integer;         /* boolean, int, long, enum (symbol index), date, timestamp */
		double real;             /* float, double */
		struct view text;        /* bytes, string */
		__int128 decimal;        /* AVRO_DECIMAL: the unscaled value, at the schema's scale */
		struct {
			struct datum *items; /* record: one for each field; array: items; map: key, value, key ... */
			uint32_t count;      /* number of items above */
		};
	};
};

#endif
