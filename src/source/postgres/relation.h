/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Relations: what a table looks like to PostgreSQL, from a Relation message of the log or from the catalogue, made into
 * a table version of ours. Names and types come from the message alone; what the catalogue says *now* (order of the
 * primary key, kind of a type) only adds to it, and only where it agrees.
 */
#ifndef POSTGRES_RELATION_H
#define POSTGRES_RELATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "model/table.h"
#include "types.h"

struct catalog;

#define RELATION_COLUMNS_MAX 1664 /* MaxTupleAttributeNumber of the server */

struct pg_column {
	const char *name;
	uint32_t type;
	int32_t modifier;
	bool key; /* of the replica identity */
};

struct pg_relation {
	uint32_t oid;
	const char *schema;
	const char *name;
	char identity; /* pg_class.relreplident: d, n, f, i */
	struct pg_column *columns;
	unsigned column_count;
	const struct pg_told *told; /* what the catalogue has said with it; NULL: it is to be asked */
};

/* What the catalogue knows of a type that is not built in. */
struct pg_type_fact {
	char *name;
	char *labels;      /* of an enum: in their order, joined by commas; NULL otherwise */
	char kind;         /* pg_type.typtype: b base, c composite, d domain, e enum, r range, m multirange */
	uint32_t element;  /* of an array: of what; 0: it is none */
	uint32_t base;     /* of a domain: the type at its bottom ... */
	int32_t modifier;  /* ... and its modifier */
};

/* What the catalogue knows of a column beside what the log tells. */
struct pg_attribute_fact {
	const char *name;
	int number;        /* pg_attribute.attnum: that of a dropped column is not given again */
	int dimensions;    /* with how many it is declared */
};

struct pg_attribute_facts {
	const struct pg_attribute_fact *facts;
	unsigned count;
};

struct pg_told {
	struct pg_attribute_facts attributes;
	const char **key;  /* columns of the key, in its order */
	unsigned key_count;
};

/* Look-ups in the catalogue; a test gives its own. All of them may find nothing. */
struct pg_facts {
	void *context;

	/* 1 and the fact (owned by the facts, lasting), 0 if there is no such type, -1. */
	int (*type)(void *context, uint32_t oid, const struct pg_type_fact **ret, struct error *err);

	/* How many digits behind the point an amount of money has in this database: 0, or -1. */
	int (*money_digits)(void *context, int *ret, struct error *err);

	/* The relation's columns by now: 0, -1. Everything is in the arena. */
	int (*attributes)(void *context, uint32_t relation, struct arena *arena, struct pg_attribute_facts *ret,
			  struct error *err);

	/*
	 * The columns of the key (primary key, or of the identity index if identity is 'i') in key order,
	 * NUL-terminated names in the arena: 1, 0 if there is none, -1.
	 */
	int (*key)(void *context, uint32_t relation, char identity, struct arena *arena, const char ***ret_names,
		   unsigned *ret_count, struct error *err);
};

/* A table version with what is needed to decode its rows. Lives as long as the set. */
struct pg_table {
	const struct table *table;
	bool captured;
	bool in_log;          /* the log has told of it */
	pg_convert **convert; /* one for each column: how its text is read, ... */
	pg_convert **binary;  /* ... and its binary form; NULL: not at all */
};

/* All relations met so far, by oid; and the names of types that the log told. */
struct pg_relations {
	struct catalog *catalog; /* borrowed */
	struct pg_facts facts;
	struct map captured;     /* "schema.name" -> non-NULL, keys owned by arena; nothing else is decoded */
	struct map tables;       /* oid -> struct pg_table; keys in arena */
	struct map type_names;   /* oid -> char * from Type messages */
	struct arena arena;
	const struct pg_table *last; /* of the last look-up ... */
	uint32_t last_oid;           /* ... changes of one table come in rows */
	const struct pg_table *looked; /* of the last pg_relations_look */
};

/* Catalogue and facts are borrowed. Done frees the set with its pg_tables; table versions are the catalogue's. */
void pg_relations_init(struct pg_relations *set, struct catalog *catalog, struct pg_facts facts);
void pg_relations_done(struct pg_relations *set);

/* Forgets what was captured, and the relations with it; then adds one table after the other. */
void pg_relations_capture_none(struct pg_relations *set);
void pg_relations_capture(struct pg_relations *set, const char *schema, const char *name);

/* The name that the log gave to a type. */
void pg_relations_type(struct pg_relations *set, uint32_t oid, struct view name);

/* Notes a relation: *ret_new says whether its version differs from the one before, or the log tells of it once more. */
int pg_relations_put(struct pg_relations *set, const struct pg_relation *relation, const struct pg_table **ret,
		     bool *ret_new, struct error *err);

/* A column of a captured table whose values are read as text only, or NULL. */
const struct column *pg_relations_text_only(const struct pg_table *table);

/* What a relation is by now, without taking note of it: the stream may still be at what it was. The entry lives as the set. */
int pg_relations_look(struct pg_relations *set, const struct pg_relation *relation, const struct pg_table **ret,
		      struct error *err);

/* The relation's present version, or NULL if no message told of it. */
const struct pg_table *pg_relations_find(struct pg_relations *set, uint32_t oid);

#endif
