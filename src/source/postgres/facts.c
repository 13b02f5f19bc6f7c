/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Queries of pg_catalog (PostgreSQL documentation, chapter 53), for every version from 10 on. */
#include "facts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/writer.h"
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

/*
 * Which index is the key, by the replica identity. A primary key that is checked late (DEFERRABLE) identifies no row in the log,
 * for the server; where the log has whole rows it is a key as good as any at each commit.
 */
#define KEY_INDEX(identity) \
	" CASE " identity " WHEN 'i' THEN i.indisreplident WHEN 'f' THEN i.indisprimary ELSE i.indisprimary AND i.indimmediate END"

/* In the order of the index. What an index only includes is no key. */
static const char key_sql[] =
	"SELECT a.attname FROM pg_catalog.pg_index i"
	" CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, position)"
	" JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum"
	" WHERE i.indrelid = $1 AND" KEY_INDEX("$2") " AND k.position <= i.%s ORDER BY k.position";

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

/* Tables by name --------------------------------------------------------------------------------- */

/*
 * What a Relation message would hold, of all tables at once: columns in order without dropped ones, and without generated ones
 * unless they are published, by the list of columns that a table is published with, or by the publication's own word for all
 * without one; and the place of each in the key.
 */
static char *relations_sql(int version)
{
	return mem_printf(
		"SELECT w.place - 1, c.oid, c.relreplident, c.relkind, a.attname, a.attnum, a.atttypid, a.atttypmod, a.attndims, i.%s,"
		" pg_catalog.array_position((i.indkey::int2[])[0:i.%s - 1], a.attnum)"
		" FROM unnest($1::text[], $2::text[]) WITH ORDINALITY w(schema, name, place)"
		" JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema::name"
		" JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name::name AND c.relkind IN ('r', 'p')"
		" LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND" KEY_INDEX("c.relreplident")
		" LEFT JOIN pg_catalog.pg_publication p ON p.pubname = $3"
		" LEFT JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid"
		" LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped%s%s"
		" ORDER BY w.place, a.attnum",
		key_column_count(version), key_column_count(version),
		pg_has(version, PG_PUBLISHED_GENERATED)
			? " AND (a.attgenerated = '' OR (p.oid IS NOT NULL AND CASE WHEN r.prattrs IS NOT NULL THEN true"
			  " ELSE p.pubgencols = 's' AND a.attgenerated = 's' END))"
			: pg_has(version, PG_GENERATED_COLUMNS) ? " AND a.attgenerated = ''" : "",
		pg_has(version, PG_ROW_FILTERS) ? " AND (r.prattrs IS NULL OR a.attnum = ANY (r.prattrs::int2[]))" : "");
}

enum { PLACE, OID, IDENTITY, KIND, NAME, NUMBER, TYPE, MODIFIER, DIMENSIONS, KEY_COLUMNS, KEY_PLACE };

static const char *copy_value(const PGresult *result, int row, int field, struct arena *arena)
{
	return arena_copy(arena, view_of(pg_value(result, row, field))).ptr;
}

static void read_column(const PGresult *result, int row, char identity, struct pg_column *ret)
{
	ret->type = (uint32_t)strtoul(pg_value(result, row, TYPE), NULL, 10);
	ret->modifier = atoi(pg_value(result, row, MODIFIER));
	ret->key = identity == 'f' || (identity != 'n' && !PQgetisnull(result, row, KEY_PLACE));
}

/* All of the key's columns, or none: one that is not published makes the others no key. */
static void read_key(const PGresult *result, int first, int count, struct arena *arena, struct pg_told *told)
{
	int total = atoi(pg_value(result, first, KEY_COLUMNS)), found = 0;

	told->key = ARENA_ARRAY(arena, const char *, (size_t)total);
	for (int i = 0; i < count; i++) {
		int place = atoi(pg_value(result, first + i, KEY_PLACE));

		if (place < 1 || place > total)
			continue;
		told->key[place - 1] = told->attributes.facts[i].name;
		found++;
	}
	told->key_count = found == total ? (unsigned)total : 0;
}

/* The rows of one table. */
static void read_relation(const PGresult *result, int first, int count, struct arena *arena, struct pg_relation *ret)
{
	struct pg_told *told = ARENA_NEW(arena, struct pg_told);
	struct pg_attribute_fact *facts = ARENA_ARRAY(arena, struct pg_attribute_fact, (size_t)count);

	ret->oid = (uint32_t)strtoul(pg_value(result, first, OID), NULL, 10);
	ret->identity = *pg_value(result, first, IDENTITY);
	ret->is_tree = *pg_value(result, first, KIND) == 'p';
	ret->column_count = PQgetisnull(result, first, NAME) ? 0 : (unsigned)count;
	ret->columns = ARENA_ARRAY(arena, struct pg_column, (size_t)count);
	for (int i = 0; i < (int)ret->column_count; i++) {
		ret->columns[i].name = facts[i].name = copy_value(result, first + i, NAME, arena);
		facts[i].number = atoi(pg_value(result, first + i, NUMBER));
		facts[i].dimensions = atoi(pg_value(result, first + i, DIMENSIONS));
		read_column(result, first + i, ret->identity, &ret->columns[i]);
	}
	*told = (struct pg_told){.attributes = {facts, ret->column_count}};
	read_key(result, first, (int)ret->column_count, arena, told);
	ret->told = told;
}

static void read_relations(const PGresult *result, struct arena *arena, struct pg_relation *ret)
{
	int end;

	for (int first = 0; first < PQntuples(result); first = end) {
		size_t place = strtoul(pg_value(result, first, PLACE), NULL, 10);

		for (end = first + 1; end < PQntuples(result) && strtoul(pg_value(result, end, PLACE), NULL, 10) == place;)
			end++;
		read_relation(result, first, end - first, arena, &ret[place]);
	}
}

static void append_element(const char *text, struct writer *array)
{
	wr_u8(array, array->len ? ',' : '{');
	wr_u8(array, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			wr_u8(array, '\\');
		wr_u8(array, (uint8_t)*text);
	}
	wr_u8(array, '"');
}

static void end_array(struct writer *array)
{
	wr_bytes(array, array->len ? "}" : "{}", array->len ? 2 : 3);
}

static PGresult *ask_relations(struct pg_catalogue *cat, const struct source_table *tables, size_t count, const char *publication,
			       struct error *err)
{
	struct writer schemas = {0}, names = {0};
	PGresult *result;
	char *sql = relations_sql(cat->version);

	for (size_t i = 0; i < count; i++) {
		append_element(tables[i].schema, &schemas);
		append_element(tables[i].name, &names);
	}
	end_array(&schemas);
	end_array(&names);
	result = pg_query_params(cat->conn, err, sql, 3, (const char *[]){schemas.data, names.data, publication});
	free(sql);
	wr_done(&schemas);
	wr_done(&names);
	return result;
}

int pg_catalogue_relations(struct pg_catalogue *cat, const struct source_table *tables, size_t count, const char *publication,
			   struct arena *arena, struct pg_relation **ret, struct error *err)
{
	PGresult *result = ask_relations(cat, tables, count, publication, err);

	if (!result)
		return -1;
	*ret = ARENA_ARRAY(arena, struct pg_relation, count);
	for (size_t i = 0; i < count; i++)
		(*ret)[i] = (struct pg_relation){.schema = tables[i].schema, .name = tables[i].name};
	read_relations(result, arena, *ret);
	PQclear(result);
	return 0;
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
