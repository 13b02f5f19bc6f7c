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
	for (struct map_entry *entry = NULL; (entry = map_next(&cat->trees, entry));)
		free((char *)entry->key.ptr);
	map_done(&cat->trees);
}

bool pg_catalogue_is_tree(const struct pg_catalogue *cat, uint64_t relation)
{
	uint32_t oid = (uint32_t)relation;

	return map_get(&cat->trees, (struct view){(const char *)&oid, sizeof(oid)}) != NULL;
}

static void note_tree(struct pg_catalogue *cat, uint32_t oid)
{
	struct view key = {(const char *)&oid, sizeof(oid)};

	if (!map_get(&cat->trees, key))
		map_put(&cat->trees, (struct view){mem_text(key), key.len}, cat);
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
static void read_relation(struct pg_catalogue *cat, const PGresult *result, int first, int count, struct arena *arena,
			  struct pg_relation *ret)
{
	struct pg_told *told = ARENA_NEW(arena, struct pg_told);
	struct pg_attribute_fact *facts = ARENA_ARRAY(arena, struct pg_attribute_fact, (size_t)count);

	ret->oid = (uint32_t)strtoul(pg_value(result, first, OID), NULL, 10);
	ret->identity = *pg_value(result, first, IDENTITY);
	if (*pg_value(result, first, KIND) == 'p')
		note_tree(cat, ret->oid);
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

static void read_relations(struct pg_catalogue *cat, const PGresult *result, struct arena *arena, struct pg_relation *ret)
{
	int end;

	for (int first = 0; first < PQntuples(result); first = end) {
		size_t place = strtoul(pg_value(result, first, PLACE), NULL, 10);

		for (end = first + 1; end < PQntuples(result) && strtoul(pg_value(result, end, PLACE), NULL, 10) == place;)
			end++;
		read_relation(cat, result, first, end - first, arena, &ret[place]);
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
	read_relations(cat, result, arena, *ret);
	PQclear(result);
	return 0;
}

/* Which tables there are ----------------------------------------------------------------------- */

/*
 * Partitioned tables that are captured as one, as the publication has them, or as one made by our statement would have them:
 * `whole`; `member` has all that is partitioned from one.
 */
static const char whole_sql[] =
	"WITH RECURSIVE published AS MATERIALIZED (SELECT c.oid FROM pg_catalog.pg_publication_tables t"
	"  JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname"
	"  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename WHERE t.pubname = $1),"
	" member(root, oid) AS (SELECT c.oid, c.oid FROM pg_catalog.pg_class c WHERE c.relkind = 'p' AND NOT c.relispartition"
	"  UNION ALL SELECT m.root, i.inhrelid FROM member m JOIN pg_catalog.pg_inherits i ON i.inhparent = m.oid),"
	" whole AS (SELECT m.root FROM member m LEFT JOIN published p ON p.oid = m.oid"
	"  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = $1 AND NOT pubviaroot)"
	"  GROUP BY m.root HAVING bool_or(p.oid = m.root) OR count(p.oid) = 0) ";

/* No server before 13 publishes one as one. */
static const char none_whole_sql[] =
	"WITH RECURSIVE member(root, oid) AS (SELECT c.oid, c.oid FROM pg_catalog.pg_class c WHERE c.relkind = 'p' AND NOT"
	"  c.relispartition UNION ALL SELECT m.root, i.inhrelid FROM member m JOIN pg_catalog.pg_inherits i ON i.inhparent = m.oid),"
	" whole AS (SELECT root FROM member WHERE $1::text IS NULL AND false) ";

static PGresult *ask_whole(struct pg_catalogue *cat, const char *sql, int count, const char *const *params, struct error *err)
{
	char *text = mem_printf("%s%s", pg_has(cat->version, PG_ROOT_PUBLISHED) ? whole_sql : none_whole_sql, sql);
	PGresult *result = pg_query_params(cat->conn, err, text, count, params);

	free(text);
	return result;
}

int pg_catalogue_list(struct pg_catalogue *cat, const char *publication, struct source_listing **ret, size_t *ret_count,
		      struct error *err)
{
	PGresult *result = ask_whole(cat,
		"SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
		" WHERE c.relpersistence = 'p' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND"
		" (c.relkind = 'r' AND c.oid NOT IN (SELECT m.oid FROM member m JOIN whole USING (root))"
		"  OR c.relkind = 'p' AND c.oid IN (SELECT root FROM whole)) ORDER BY 1, 2", 1, &publication, err);
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

/* Whether the name is one that cannot be captured; the remedy is the DBA's. */
enum { NAMED, NAMED_KIND, NAMED_ROOT, NAMED_ROOT_WHOLE, NAMED_PUBLISHED };

static int refuse_named(struct pg_catalogue *cat, const PGresult *result, int row, const char *publication, struct error *err)
{
	const char *name = pg_value(result, row, NAMED), *root = pg_value(result, row, NAMED_ROOT);
	bool whole = *pg_value(result, row, NAMED_ROOT_WHOLE) == 't';

	if (whole) {
		error_set(err, ERROR_INPUT, "table %s is a partition of %s, which is captured as one table", name, root);
		return error_hint(err, "name %s in its place (tables.include)", root);
	}
	if (!pg_has(cat->version, PG_ROOT_PUBLISHED)) {
		error_set(err, ERROR_INPUT, "table %s is partitioned: a server before PostgreSQL %d publishes its partitions, and not the table",
			  name, pg_since(PG_ROOT_PUBLISHED));
		return error_hint(err, "name its partitions (tables.include)");
	}
	error_set(err, ERROR_INPUT, "table %s is partitioned, and the publication '%s' publishes its partitions one by one", name, publication);
	if (*pg_value(result, row, NAMED_PUBLISHED) == 't')
		return error_hint(err, "take its partitions out of the publication and put the table into it, or name its partitions (tables.include)");
	return error_hint(err, "before the first start run as the publication's owner: ALTER PUBLICATION \"%s\" SET (publish_via_partition_root = "
			  "true); or name its partitions (tables.include)", publication);
}

int pg_catalogue_check_names(struct pg_catalogue *cat, const char *publication, const char *const *names, size_t count, struct error *err)
{
	struct writer array = {0};
	PGresult *result;
	int refused = 0;

	for (size_t i = 0; i < count; i++)
		append_element(names[i], &array);
	end_array(&array);
	result = ask_whole(cat,
		"SELECT w.name, c.relkind, format('%s.%s', rn.nspname, r.relname), m.root IN (SELECT root FROM whole),"
		" EXISTS (SELECT FROM pg_catalog.pg_publication p WHERE p.pubname = $1 AND to_jsonb(p)->>'pubviaroot' = 'true')"
		" FROM unnest($2::text[]) WITH ORDINALITY w(name, place) JOIN (pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON"
		"  n.oid = c.relnamespace) ON concat(n.nspname, '.', c.relname) = w.name JOIN member m ON m.oid = c.oid"
		" JOIN pg_catalog.pg_class r ON r.oid = m.root JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace"
		" WHERE CASE WHEN m.root IN (SELECT root FROM whole) THEN m.oid <> m.root ELSE c.relkind = 'p' END ORDER BY w.place LIMIT 1",
		2, (const char *[]){publication, array.data}, err);
	wr_done(&array);
	if (!result)
		return -1;
	if (PQntuples(result))
		refused = refuse_named(cat, result, 0, publication, err);
	PQclear(result);
	return refused;
}
