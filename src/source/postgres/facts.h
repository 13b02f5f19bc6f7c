/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What the catalogue says now: kinds of types, order of keys, the present shape of tables. Types are remembered; a type
 * that is dropped and made again has another oid.
 */
#ifndef POSTGRES_FACTS_H
#define POSTGRES_FACTS_H

#include <libpq-fe.h>

#include "base/map.h"
#include "relation.h"
#include "source/source.h"

struct pg_catalogue {
	PGconn *conn; /* borrowed: of kind PG_CONN_QUERIES */
	int version;  /* PQserverVersion */
	bool money_known;
	int money_digits;
	struct map types; /* oid -> struct pg_type_fact */
	struct map trees; /* oid of a partitioned table -> non-NULL */
};

/* Frees what was looked up; the connection is the caller's. */
void pg_catalogue_done(struct pg_catalogue *cat);

/* The look-ups for relations. */
struct pg_facts pg_catalogue_facts(struct pg_catalogue *cat);

/*
 * The present shapes of tables as the publication shows them, by one query; oid 0: there is no such table. Names of tables are
 * borrowed, other texts are in the arena.
 */
int pg_catalogue_relations(struct pg_catalogue *cat, const struct source_table *tables, size_t count, const char *publication,
			   struct arena *arena, struct pg_relation **ret, struct error *err);

/* Whether a relation that was looked at is partitioned. */
bool pg_catalogue_is_tree(const struct pg_catalogue *cat, uint64_t relation);

/*
 * What source_ops.list says. A partitioned table is one table, and its partitions are none, if the publication publishes it so, or is
 * still to be made.
 */
int pg_catalogue_list(struct pg_catalogue *cat, const char *publication, struct source_listing **ret, size_t *ret_count,
		      struct error *err);

/* See source_ops.check_names. */
int pg_catalogue_check_names(struct pg_catalogue *cat, const char *publication, const char *const *names, size_t count,
			     struct error *err) MUST_CHECK;

#endif
