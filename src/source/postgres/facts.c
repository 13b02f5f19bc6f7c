/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Queries of pg_catalog (PostgreSQL documentation, chapter 53), for every version from 10 on. */
#include "facts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "conn.h"
#include "version.h"

void pg_catalogue_done(struct pg_catalogue *cat)
{
	for (struct map_entry *entry = NULL; (entry = map_next(&cat->types, entry));) {
		struct pg_type_fact *fact = entry->value;

		free((char *)entry->key.ptr);
		free(fact->name);
		free(fact->labels);
		free(fact);
	}
	map_done(&cat->types);
}

static void oid_text(uint32_t oid, char text[16])
{
	snprintf(text, 16, "%u", oid);
}

/* A domain over a domain: the bottom counts, and the first modifier on the way. */
static const char type_sql[] =
	"WITH RECURSIVE chain AS ("
	" SELECT oid, typname, typtype, typbasetype, typtypmod, 0 AS depth FROM pg_catalog.pg_type WHERE oid = $1"
	" UNION ALL"
	" SELECT t.oid, t.typname, t.typtype, t.typbasetype,"
	"  CASE WHEN c.typtypmod >= 0 THEN c.typtypmod ELSE t.typtypmod END, c.depth + 1"
	" FROM chain c JOIN pg_catalog.pg_type t ON c.typtype = 'd' AND t.oid = c.typbasetype)"
	" SELECT first.typname, first.typtype, last.oid,"
	" (SELECT typtypmod FROM chain WHERE typtype = 'd' ORDER BY depth DESC LIMIT 1), last.typtype,"
	" (SELECT typelem FROM pg_catalog.pg_type WHERE oid = $1 AND typcategory = 'A' AND typtype = 'b'),"
	" (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_catalog.pg_enum WHERE enumtypid = last.oid)"
	" FROM chain first, (SELECT * FROM chain ORDER BY depth DESC LIMIT 1) last WHERE first.depth = 0";

static int look_up_type(struct pg_catalogue *cat, uint32_t oid, struct pg_type_fact **ret, struct error *err)
{
	char text[16];
	const char *params[] = {text};
	PGresult *result;

	oid_text(oid, text);
	result = pg_query_params(cat->conn, err, type_sql, 1, params);
	if (!result)
		return -1;
	if (PQntuples(result) == 1) {
		struct pg_type_fact *fact = MEM_NEW(struct pg_type_fact);

		fact->name = mem_text(view_of(pg_value(result, 0, 0)));
		fact->kind = *pg_value(result, 0, 1);
		fact->base = (uint32_t)strtoul(pg_value(result, 0, 2), NULL, 10);
		fact->modifier = PQgetisnull(result, 0, 3) ? -1 : atoi(pg_value(result, 0, 3));
		fact->element = (uint32_t)strtoul(pg_value(result, 0, 5), NULL, 10);
		fact->labels = PQgetisnull(result, 0, 6) ? NULL : mem_text(view_of(pg_value(result, 0, 6)));
		if (fact->kind == 'd' && *pg_value(result, 0, 4) == 'e')
			fact->kind = 'e';
		*ret = fact;
	}
	PQclear(result);
	return *ret != NULL;
}

static int fact_type(void *context, uint32_t oid, const struct pg_type_fact **ret, struct error *err)
{
	struct pg_catalogue *cat = context;
	struct view key = {(const char *)&oid, sizeof(oid)};
	struct pg_type_fact *fact = map_get(&cat->types, key);
	int found = fact != NULL;

	if (!found) {
		found = look_up_type(cat, oid, &fact, err);
		if (found > 0)
			map_put(&cat->types, (struct view){mem_text(key), key.len}, fact);
	}
	*ret = fact;
	return found;
}

/* In the order of the index. What an index only includes is no key. */
static const char key_sql[] =
	"SELECT a.attname FROM pg_catalog.pg_index i"
	" CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, position)"
	" JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum"
	" WHERE i.indrelid = $1 AND CASE WHEN $2 = 'i' THEN i.indisreplident ELSE i.indisprimary END"
	" AND k.position <= i.%s ORDER BY k.position";

static const char *key_column_count(int version)
{
	return pg_has(version, PG_INCLUDED_COLUMNS) ? "indnkeyatts" : "indnatts";
}

static int fact_key(void *context, uint32_t relation, char identity, struct arena *arena, const char ***ret_names,
		    unsigned *ret_count, struct error *err)
{
	struct pg_catalogue *cat = context;
	char oid[16], kind[2] = {identity, '\0'};
	const char *params[] = {oid, kind};
	char *sql = mem_printf(key_sql, key_column_count(cat->version));
	PGresult *result;

	oid_text(relation, oid);
	result = pg_query_params(cat->conn, err, sql, 2, params);
	free(sql);
	if (!result)
		return -1;
	*ret_count = (unsigned)PQntuples(result);
	*ret_names = ARENA_ARRAY(arena, const char *, *ret_count);
	for (unsigned i = 0; i < *ret_count; i++)
		(*ret_names)[i] = arena_copy(arena, view_of(pg_value(result, (int)i, 0))).ptr;
	PQclear(result);
	return *ret_count > 0;
}

/* By lc_monetary as sessions of the database have it. */
static int fact_money_digits(void *context, int *ret, struct error *err)
{
	struct pg_catalogue *cat = context;
	PGresult *result;

	if (!cat->money_known) {
		result = pg_query(cat->conn, err, "SELECT pg_catalog.scale('0'::pg_catalog.money::pg_catalog.numeric)");
		if (!result)
			return -1;
		cat->money_digits = atoi(pg_value(result, 0, 0));
		cat->money_known = true;
		PQclear(result);
	}
	*ret = cat->money_digits;
	return 0;
}

static int fact_attributes(void *context, uint32_t relation, struct arena *arena, struct pg_attribute_facts *ret,
			   struct error *err)
{
	struct pg_catalogue *cat = context;
	struct pg_attribute_fact *facts;
	char oid[16];
	const char *params[] = {oid};
	PGresult *result;

	oid_text(relation, oid);
	result = pg_query_params(cat->conn, err, "SELECT attname, attnum, attndims FROM pg_catalog.pg_attribute"
						 " WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped", 1, params);
	if (!result)
		return -1;
	ret->count = (unsigned)PQntuples(result);
	facts = ARENA_ARRAY(arena, struct pg_attribute_fact, ret->count);
	for (unsigned i = 0; i < ret->count; i++)
		facts[i] = (struct pg_attribute_fact){
			.name = arena_copy(arena, view_of(pg_value(result, (int)i, 0))).ptr,
			.number = atoi(pg_value(result, (int)i, 1)),
			.dimensions = atoi(pg_value(result, (int)i, 2)),
		};
	ret->facts = facts;
	PQclear(result);
	return 0;
}

struct pg_facts pg_catalogue_facts(struct pg_catalogue *cat)
{
	return (struct pg_facts){.context = cat, .type = fact_type, .money_digits = fact_money_digits,
				.attributes = fact_attributes, .key = fact_key};
}

static int find_relation(struct pg_catalogue *cat, const char *schema, const char *name, struct pg_relation *ret,
			 struct error *err)
{
	const char *params[] = {schema, name};
	PGresult *result = pg_query_params(cat->conn, err,
		"SELECT c.oid, c.relreplident FROM pg_catalog.pg_class c"
		" JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
		" WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')", 2, params);
	int found;

	if (!result)
		return -1;
	found = PQntuples(result);
	if (found) {
		ret->oid = (uint32_t)strtoul(pg_value(result, 0, 0), NULL, 10);
		ret->identity = *pg_value(result, 0, 1);
	}
	PQclear(result);
	return found;
}

/* Asked of each table: the view pg_publication_tables would make the list of all published tables each time. */
#define PUBLICATION_OF_TABLE \
	"(SELECT FROM pg_catalog.pg_publication p LEFT JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid" \
	" WHERE p.pubname = $2"

/* By the list of columns that a table is published with, or by the publication's own word for all without one. */
static const char *without_generated(int version)
{
	if (pg_has(version, PG_PUBLISHED_GENERATED))
		return "AND (a.attgenerated = '' OR EXISTS " PUBLICATION_OF_TABLE " AND CASE WHEN r.prattrs IS NOT NULL"
		       " THEN a.attnum = ANY (r.prattrs::int2[]) ELSE p.pubgencols = 's' AND a.attgenerated = 's' END))";
	return pg_has(version, PG_GENERATED_COLUMNS) ? "AND a.attgenerated = ''" : "";
}

/*
 * What a Relation message would hold: columns in order without dropped ones, and without generated ones unless they are
 * published; flagged as the walsender does it.
 */
static char *columns_sql(int version)
{
	return mem_printf(
		"SELECT a.attname, a.atttypid, a.atttypmod,"
		" CASE c.relreplident WHEN 'f' THEN true WHEN 'n' THEN false ELSE a.attnum = ANY (COALESCE((SELECT"
		"  (i.indkey::int2[])[0:i.%s - 1] FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND"
		"  CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END), '{}')) END"
		" FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid"
		" WHERE c.oid = $1 AND a.attnum > 0 AND NOT a.attisdropped %s %s ORDER BY a.attnum",
		key_column_count(version), without_generated(version),
		pg_has(version, PG_ROW_FILTERS)
			? "AND ($2::text IS NULL OR NOT EXISTS " PUBLICATION_OF_TABLE " AND r.prattrs IS NOT NULL"
			  " AND NOT a.attnum = ANY (r.prattrs::int2[])))"
			: "AND ($2::text IS NULL OR true)");
}

static void read_columns(const PGresult *result, struct arena *arena, struct pg_relation *ret)
{
	ret->column_count = (unsigned)PQntuples(result);
	ret->columns = ARENA_ARRAY(arena, struct pg_column, ret->column_count);
	for (unsigned i = 0; i < ret->column_count; i++) {
		ret->columns[i] = (struct pg_column){
			.name = arena_copy(arena, view_of(pg_value(result, (int)i, 0))).ptr,
			.type = (uint32_t)strtoul(pg_value(result, (int)i, 1), NULL, 10),
			.modifier = atoi(pg_value(result, (int)i, 2)),
			.key = *pg_value(result, (int)i, 3) == 't',
		};
	}
}

int pg_catalogue_relation(struct pg_catalogue *cat, const char *schema, const char *name, const char *publication,
			  struct arena *arena, struct pg_relation *ret, struct error *err)
{
	char oid[16];
	const char *params[] = {oid, publication};
	int found = find_relation(cat, schema, name, ret, err);
	PGresult *result;
	char *sql;

	if (found <= 0)
		return found;
	ret->schema = arena_copy(arena, view_of(schema)).ptr;
	ret->name = arena_copy(arena, view_of(name)).ptr;
	oid_text(ret->oid, oid);
	sql = columns_sql(cat->version);
	result = pg_query_params(cat->conn, err, sql, 2, params);
	free(sql);
	if (!result)
		return -1;
	read_columns(result, arena, ret);
	PQclear(result);
	return 1;
}

int pg_catalogue_list(struct pg_catalogue *cat, struct source_listing **ret, size_t *ret_count, struct error *err)
{
	PGresult *result = pg_query(cat->conn, err,
		"SELECT n.nspname, c.relname FROM pg_catalog.pg_class c"
		" JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
		" WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname NOT LIKE 'pg\\_%%'"
		" AND n.nspname <> 'information_schema' ORDER BY 1, 2");
	size_t bytes = 0;
	char *text;

	if (!result)
		return -1;
	*ret_count = (size_t)PQntuples(result);
	for (int i = 0; i < PQntuples(result); i++)
		bytes += strlen(pg_value(result, i, 0)) + strlen(pg_value(result, i, 1)) + 2;
	*ret = mem_new(1, *ret_count * sizeof(**ret) + bytes);
	text = (char *)(*ret + *ret_count);
	for (int i = 0; i < PQntuples(result); i++) {
		(*ret)[i].schema = text;
		text = stpcpy(text, pg_value(result, i, 0)) + 1;
		(*ret)[i].name = text;
		text = stpcpy(text, pg_value(result, i, 1)) + 1;
	}
	PQclear(result);
	return 0;
}
