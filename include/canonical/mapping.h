/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A mapping: a pack compiled against the contracts and the source's tables. Compiling happens on a scratch database, so
 * that it needs neither state file nor server, and says all that is wrong at once; the result says what the mirror
 * needs. Once the mirror's tables are declared, mapping_open prepares the statements on the state file, and documents
 * can be made.
 */
#ifndef CANONICAL_MAPPING_H
#define CANONICAL_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diagnostics.h"
#include "base/error.h"
#include "canonical/pack.h"
#include "model/avro.h"
#include "model/table.h"
#include "schema/contract.h"
#include "state/db.h"
#include "state/mirror.h"

struct mapping;

enum event_class { EVENT_ENTITY, EVENT_OPERATIONAL, EVENT_FINANCIAL };

extern const char *const event_class_names[];

struct entity_event {
	const char *name;
	enum event_class class;
};

#define ENTITY_EVENTS_MAX 64

/* An entity of the mapping; owned by it. */
struct entity {
	const char *name;
	unsigned index;                    /* in order of names */
	const struct avro_type *type;      /* record tailwater.canonical.<name> */
	const char *root;                  /* the root table, as mappings name it */
	bool key_is_number;
	const char *owner;                 /* who mends its exceptions, or NULL */
	const struct entity_event *events; /* in the order of the file */
	unsigned event_count;
	const char *const *tables;         /* what its documents read, in order of names: header.sourceTables */
	unsigned table_count;
	const char *const *depends;        /* these, and what its touches go by: while one is not whole, it is held */
	unsigned depend_count;
	struct entity_plan *plan;          /* private to canonical/ */
};

/* Which documents of an entity the first snapshot publishes: those for which this is true of `new`. */
struct history_rule {
	const char *entity;
	const char *condition;
	const char *place;    /* file:line:column of the option; NULL: not known */
};

struct mapping_options {
	const struct pack *pack;
	const char *instance; /* first part of canonical ids */
	const struct contract *contract; /* has a record CONTRACT_DOCUMENT + name for every entity */

	/* The source's tables. tables_known false: there is no catalogue, statements are checked as far as possible. */
	bool tables_known;
	const struct table *const *tables;
	unsigned table_count;

	const struct history_rule *history; /* an entity without a rule has all */
	size_t history_count;
};

/*
 * Compiles. Pack, contracts and tables are borrowed for as long as the mapping lives. Complaints (errors and warnings)
 * go to diag; returns NULL if there was an error.
 */
struct mapping *mapping_compile(const struct mapping_options *options, struct diagnostics *diag);

/* Closes it, too, so before db_close; takes NULL. */
void mapping_free(struct mapping *mapping);

/* The entities in order of names, and one of them by its name, or NULL; valid as long as the mapping. */
const struct entity *const *mapping_entities(const struct mapping *mapping, unsigned *ret_count);
const struct entity *mapping_entity(const struct mapping *mapping, const char *name);

/* The capture list, in order of names: what mirror_open takes. */
const struct mirror_need *mapping_needs(const struct mapping *mapping, unsigned *ret_count);

/* What of it is this table's: NULL if the mapping does not read it, or is NULL itself. */
const struct mirror_need *mapping_need(const struct mapping *mapping, const char *schema, const char *table);

/* Prepares the statements on the state file, whose mirror has the tables. */
MUST_CHECK int mapping_open(struct mapping *mapping, struct db *db, struct error *err);

/* Finalizes them (before db_close, or to open again). */
void mapping_close(struct mapping *mapping);

#endif
