/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Checks of the publication. What is published is compared by oid, so that a renamed table is still itself, and a table
 * dropped and made again is another.
 */
#include "publication.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "conn.h"
#include "facts.h"
#include "layout.h"
#include "version.h"

/* One published table, as the server lists it. */
struct published {
	uint32_t oid;
	bool filtered;
};

struct listing {
	PGresult *publication;  /* one row, or none: there is no such publication */
	PGresult *tables;
	PGresult *columns;      /* oid, column: only from version 15, and only of tables with a column list */
	struct published *published; /* owned */
};

static void listing_done(struct listing *list)
{
	PQclear(list->publication);
	PQclear(list->tables);
	PQclear(list->columns);
	free(list->published);
}

static const char tables_sql[] =
	" FROM pg_catalog.pg_publication_tables t"
	" JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname"
	" JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename WHERE t.pubname = $1";

static const char columns_sql[] =
	"SELECT c.oid, unnest(t.attnames) FROM pg_catalog.pg_publication_tables t"
	" JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname"
	" JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename WHERE t.pubname = $1";

static int listing_load(struct listing *list, PGconn *conn, const char *name, struct error *err)
{
	int version = PQserverVersion(conn);
	bool filters = pg_has(version, PG_ROW_FILTERS);
	const char *params[] = {name};
	char *sql;

	*list = (struct listing){0};
	sql = mem_printf("SELECT c.oid, %s%s", filters ? "t.rowfilter IS NOT NULL" : "false", tables_sql);
	list->publication = pg_query_params(conn, err, pg_has(version, PG_PUBLISHED_TRUNCATE)
		? "SELECT pubinsert, pubupdate, pubdelete, pubtruncate FROM pg_catalog.pg_publication WHERE pubname = $1"
		: "SELECT pubinsert, pubupdate, pubdelete FROM pg_catalog.pg_publication WHERE pubname = $1", 1, params);
	list->tables = list->publication ? pg_query_params(conn, err, sql, 1, params) : NULL;
	free(sql);
	if (list->tables && filters)
		list->columns = pg_query_params(conn, err, columns_sql, 1, params);
	if (!list->tables || (filters && !list->columns)) {
		listing_done(list);
		return -1;
	}
	list->published = MEM_ARRAY(struct published, (size_t)PQntuples(list->tables));
	for (int i = 0; i < PQntuples(list->tables); i++)
		list->published[i] = (struct published){
			.oid = (uint32_t)strtoul(pg_value(list->tables, i, 0), NULL, 10),
			.filtered = *pg_value(list->tables, i, 1) == 't',
		};
	return 0;
}

static const struct published *find_published(const struct listing *list, const struct table *table)
{
	for (int i = 0; i < PQntuples(list->tables); i++)
		if (list->published[i].oid == table->source_id)
			return &list->published[i];
	return NULL;
}

static bool column_published(const struct listing *list, const struct table *table, const char *column)
{
	if (!list->columns)
		return true;
	for (int i = 0; i < PQntuples(list->columns); i++)
		if (strtoul(pg_value(list->columns, i, 0), NULL, 10) == table->source_id &&
		    strcmp(pg_value(list->columns, i, 1), column) == 0)
			return true;
	return false;
}

/* A needed column that the publication leaves out, or NULL. */
static const char *missing_column(const struct listing *list, const struct source_table *wanted,
				  const struct table *version)
{
	for (size_t i = 0; i < wanted->column_count; i++)
		if (!column_published(list, version, wanted->columns[i]))
			return wanted->columns[i];
	return NULL;
}

enum fault { FAULT_NONE, FAULT_UNPUBLISHED, FAULT_FILTERED, FAULT_COLUMN, FAULT_IDENTITY };

static enum fault table_fault(const struct listing *list, const struct source_table *wanted,
			      const struct table *version, const char **ret_column)
{
	const struct published *published = find_published(list, version);

	if (table_has_no_identity(version))
		return FAULT_IDENTITY;
	if (!published)
		return FAULT_UNPUBLISHED;
	if (published->filtered)
		return FAULT_FILTERED;
	*ret_column = missing_column(list, wanted, version);
	return *ret_column ? FAULT_COLUMN : FAULT_NONE;
}

static int fault_error(enum fault fault, const char *publication, const struct source_table *wanted, const char *column,
		       struct error *err)
{
	switch (fault) {
	case FAULT_IDENTITY:
		error_state(err, STATE_PUBLICATION_CHANGED, "table %s.%s has no replica identity: publishing it would make the "
			    "application's own UPDATE and DELETE fail", wanted->schema, wanted->name);
		return error_hint(err, "give it a primary key, or run: ALTER TABLE \"%s\".\"%s\" REPLICA IDENTITY FULL; or leave it out "
				  "(tables.exclude)", wanted->schema, wanted->name);
	case FAULT_UNPUBLISHED:
		return error_state(err, STATE_PUBLICATION_CHANGED, "table %s.%s is not in the publication '%s'",
				   wanted->schema, wanted->name, publication);
	case FAULT_FILTERED:
		return error_state(err, STATE_PUBLICATION_CHANGED,
				   "the publication '%s' has a row filter for table %s.%s: rows would be missing",
				   publication,
				   wanted->schema, wanted->name);
	case FAULT_COLUMN:
		return error_state(err, STATE_PUBLICATION_CHANGED, "the publication '%s' leaves out column %s.%s.%s",
				   publication, wanted->schema, wanted->name, column);
	case FAULT_NONE:
		break;
	}
	return 0;
}

static bool all_operations(const PGresult *publication)
{
	for (int i = 0; i < PQnfields(publication); i++)
		if (*pg_value(publication, 0, i) != 't')
			return false;
	return true;
}

static int check_listing(const struct listing *list, const char *publication, const struct pg_wanted *wanted,
			 struct error *err)
{
	const char *column = NULL;

	for (size_t i = 0; i < wanted->count; i++) /* first: whoever makes the publication has to know of it */
		if (table_has_no_identity(wanted->versions[i]))
			return fault_error(FAULT_IDENTITY, publication, &wanted->tables[i], NULL, err);
	if (PQntuples(list->publication) == 0)
		return error_state(err, STATE_PUBLICATION_CHANGED, "there is no publication '%s'", publication);
	if (!all_operations(list->publication))
		return error_state(err, STATE_PUBLICATION_CHANGED, "the publication '%s' does not publish insert, update%s",
				   publication, PQnfields(list->publication) > 3 ? ", delete and truncate" : " and delete");
	for (size_t i = 0; i < wanted->count; i++) {
		enum fault fault = table_fault(list, &wanted->tables[i], wanted->versions[i], &column);

		if (fault != FAULT_NONE)
			return fault_error(fault, publication, &wanted->tables[i], column, err);
	}
	return 0;
}

static void append_table(PGconn *conn, struct writer *sql, const struct source_table *table, const char *before)
{
	char *schema = pg_identifier(conn, table->schema), *name = pg_identifier(conn, table->name);

	wr_printf(sql, "%s%s.%s", before, schema, name);
	PQfreemem(schema);
	PQfreemem(name);
}

static bool is_tree(const struct pg_wanted *wanted, size_t number)
{
	return pg_catalogue_is_tree(wanted->catalogue, wanted->versions[number]->source_id);
}

static bool any_tree(const struct pg_wanted *wanted)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (is_tree(wanted, i))
			return true;
	return false;
}

static void append_missing(PGconn *conn, const struct listing *list, const char *quoted, const struct pg_wanted *wanted,
			   struct writer *sql)
{
	bool exists = PQntuples(list->publication) > 0;
	bool first = true;
	char start[200];

	snprintf(start, sizeof(start), "%s %s %s", exists ? "ALTER PUBLICATION" : "CREATE PUBLICATION", quoted,
		 exists ? "ADD TABLE " : "FOR TABLE ");
	for (size_t i = 0; i < wanted->count; i++) {
		if (table_has_no_identity(wanted->versions[i]) || (exists && find_published(list, wanted->versions[i])))
			continue;
		append_table(conn, sql, &wanted->tables[i], first ? start : ", ");
		first = false;
	}
	if (!first)
		wr_printf(sql, "%s;\n", !exists && any_tree(wanted) ? " WITH (publish_via_partition_root = true)" : "");
}

/* A row filter or column list goes away by setting the table anew, which only DROP and ADD can do for one table. */
static void append_repairs(PGconn *conn, const struct listing *list, const char *quoted, const struct pg_wanted *wanted,
			   struct writer *sql)
{
	const char *column;

	for (size_t i = 0; PQntuples(list->publication) && i < wanted->count; i++) {
		enum fault fault = table_fault(list, &wanted->tables[i], wanted->versions[i], &column);

		if (fault != FAULT_FILTERED && fault != FAULT_COLUMN)
			continue;
		wr_printf(sql, "ALTER PUBLICATION %s DROP TABLE ", quoted);
		append_table(conn, sql, &wanted->tables[i], "");
		wr_printf(sql, ";\nALTER PUBLICATION %s ADD TABLE ", quoted);
		append_table(conn, sql, &wanted->tables[i], "");
		wr_printf(sql, ";\n");
	}
	if (PQntuples(list->publication) && !all_operations(list->publication))
		wr_printf(sql, "ALTER PUBLICATION %s SET (publish = 'insert, update, delete%s');\n", quoted,
			  pg_has(PQserverVersion(conn), PG_PUBLISHED_TRUNCATE) ? ", truncate" : "");
}

/* A name in a comment: nothing that it has may end the line, since what follows would be run. */
static void append_name(const char *name, struct writer *sql)
{
	for (; *name; name++)
		wr_u8(sql, (unsigned char)*name < ' ' ? '?' : (uint8_t)*name);
}

/* What is printed here is piped into psql: a table that its owner has to decide about is named, and not published. */
static void append_left_out(const struct pg_wanted *wanted, struct writer *sql)
{
	for (size_t i = 0; i < wanted->count; i++) {
		if (!table_has_no_identity(wanted->versions[i]))
			continue;
		wr_printf(sql, "-- Not in the publication: the table ");
		append_name(wanted->tables[i].schema, sql);
		wr_u8(sql, '.');
		append_name(wanted->tables[i].name, sql);
		wr_printf(sql, " has no replica identity, so that its UPDATE and DELETE would fail.\n"
			  "-- Give it a primary key or REPLICA IDENTITY FULL and print this again, or name it in tables.exclude.\n");
	}
}

static int append_statements(PGconn *conn, const char *publication, const struct pg_wanted *wanted, struct writer *sql,
			     struct error *err)
{
	struct listing list;
	char *quoted;

	if (listing_load(&list, conn, publication, err) < 0)
		return -1;
	quoted = pg_identifier(conn, publication);
	append_missing(conn, &list, quoted, wanted, sql);
	append_repairs(conn, &list, quoted, wanted, sql);
	PQfreemem(quoted);
	listing_done(&list);
	return 0;
}

int pg_publication_sql(PGconn *conn, const char *publication, const struct pg_wanted *wanted, struct writer *sql,
		       struct error *err)
{
	if (append_statements(conn, publication, wanted, sql, err) < 0)
		return -1;
	append_left_out(wanted, sql);
	return 0;
}

static void hint_with_sql(PGconn *conn, const char *publication, const struct pg_wanted *wanted, struct error *err)
{
	struct writer sql = {0};
	struct error ignored;

	if (append_statements(conn, publication, wanted, &sql, &ignored) == 0 && sql.len) {
		if (sql.len < sizeof(err->hint) - 64)
			error_hint(err, "as the tables' owner run: %.*s", (int)sql.len - 1, sql.data);
		else
			error_hint(err, "`tailwater grants` prints the statement that makes it right");
	}
	wr_done(&sql);
}

/*
 * Partitions that the log would tell other things of than of their table: their own replica identity decides what it has of an old row,
 * but the table's how that is read; and rows of foreign and unlogged ones change without it.
 */
#define IDENTITY_COLUMNS(relation) \
	"(SELECT array_agg(a.attname ORDER BY a.attname) FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid" \
	" AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) WHERE i.indrelid = " relation ".oid AND i.indimmediate AND CASE " relation \
	".relreplident WHEN 'i' THEN i.indisreplident WHEN 'd' THEN i.indisprimary ELSE false END)"

static const char partitions_sql[] =
	"WITH RECURSIVE " PG_TREE
	"SELECT format('%%I.%%I', n.nspname, c.relname), c.relkind = 'r' AND c.relpersistence = 'p', format('%%I.%%I', kn.nspname, k.relname),"
	" k.relreplident FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.oid AND c.relkind <> 'p' JOIN pg_catalog.pg_namespace n"
	"  ON n.oid = c.relnamespace JOIN unnest($1::oid[]) WITH ORDINALITY w(oid, place) ON w.place = t.place"
	" JOIN pg_catalog.pg_class k ON k.oid = w.oid AND k.relkind = 'p' JOIN pg_catalog.pg_namespace kn ON kn.oid = k.relnamespace"
	" WHERE c.relkind <> 'r' OR c.relpersistence <> 'p' OR (c.relreplident <> 'f' AND (k.relreplident = 'f' OR"
	" " IDENTITY_COLUMNS("c") " IS DISTINCT FROM " IDENTITY_COLUMNS("k") ")) ORDER BY 1 LIMIT 1";

static int partition_error(const PGresult *result, struct error *err)
{
	const char *leaf = pg_value(result, 0, 0), *root = pg_value(result, 0, 2);

	if (*pg_value(result, 0, 1) != 't') {
		error_state(err, STATE_PUBLICATION_CHANGED, "the partition %.150s of table %.150s is foreign or unlogged: the log has nothing of its "
			    "rows", leaf, root);
		return error_hint(err, "detach it, or make it an ordinary table, or leave the table out (tables.exclude)");
	}
	error_state(err, STATE_PUBLICATION_CHANGED, "the partition %.150s has another replica identity than its table %.150s: what the log has of "
		    "old rows would be misread", leaf, root);
	return error_hint(err, "give it that of the table: ALTER TABLE %.150s REPLICA IDENTITY %s", leaf,
			  *pg_value(result, 0, 3) == 'f' ? "FULL;" : *pg_value(result, 0, 3) == 'd' ? "DEFAULT;" : "USING INDEX ...;");
}

static int check_partitions(PGconn *conn, const struct pg_wanted *wanted, struct error *err)
{
	struct writer oids = {0};
	PGresult *result;
	int found = 0;
	char *sql;

	if (!any_tree(wanted))
		return 0;
	sql = mem_printf(partitions_sql, pg_tree_leaving(conn));
	pg_oids(wanted->versions, wanted->count, &oids);
	result = pg_query_params(conn, err, sql, 1, (const char *[]){oids.data});
	free(sql);
	wr_done(&oids);
	if (!result)
		return -1;
	if (PQntuples(result))
		found = partition_error(result, err);
	PQclear(result);
	return found;
}

int pg_publication_check(PGconn *conn, const char *publication, const struct pg_wanted *wanted, struct error *err)
{
	struct listing list;
	int result;

	if (listing_load(&list, conn, publication, err) < 0)
		return -1;
	result = check_listing(&list, publication, wanted, err);
	listing_done(&list);
	if (result < 0 && err->class == ERROR_STATE && !err->hint[0])
		hint_with_sql(conn, publication, wanted, err);
	return result < 0 ? -1 : check_partitions(conn, wanted, err);
}

/*
 * As the server itself decides when it refuses an UPDATE: an index that is checked late is no identity; and of a partitioned table that
 * is published as one, the partition's counts.
 */
static const char lame_sql[] =
	"WITH RECURSIVE tree(oid) AS (SELECT c.oid FROM pg_catalog.pg_publication p"
	" JOIN pg_catalog.pg_publication_tables t ON t.pubname = p.pubname"
	" JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname"
	" JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename"
	" WHERE p.pubname = $1 AND (p.pubupdate OR p.pubdelete) UNION SELECT i.inhrelid FROM tree t JOIN pg_catalog.pg_class k ON"
	" k.oid = t.oid AND k.relkind = 'p' JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid)"
	" SELECT c.oid, format('%I.%I', n.nspname, c.relname) FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.oid"
	" JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	" WHERE c.relkind = 'r' AND c.relreplident <> 'f' AND NOT EXISTS"
	" (SELECT 1 FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indimmediate AND i.indisvalid"
	"  AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END) ORDER BY 2";

static bool told_by_check(const struct pg_wanted *wanted, uint32_t oid)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (wanted->versions[i]->source_id == oid)
			return table_has_no_identity(wanted->versions[i]);
	return false;
}

int pg_publication_identities(PGconn *conn, const char *publication, const struct pg_wanted *wanted, struct error *err)
{
	const char *params[] = {publication}, *first = NULL;
	PGresult *result = pg_query_params(conn, err, lame_sql, 1, params);
	char more[40] = "";
	unsigned others = 0;

	if (!result)
		return -1;
	for (int i = 0; i < PQntuples(result); i++) {
		if (told_by_check(wanted, (uint32_t)strtoul(pg_value(result, i, 0), NULL, 10)))
			continue;
		others += first != NULL;
		first = first ? first : pg_value(result, i, 1);
	}
	if (first) {
		if (others)
			snprintf(more, sizeof(more), " (and on %u more)", others);
		error_state(err, STATE_PUBLICATION_CHANGED, "table %.150s is in the publication '%s' without a replica identity: the "
			    "application's own UPDATE and DELETE on it fail%s", first, publication, more);
		error_hint(err, "give it a primary key, or run: ALTER TABLE %.150s REPLICA IDENTITY FULL; or take it out of the publication",
			   first);
	}
	PQclear(result);
	return first ? -1 : 0;
}

/* The rows of the catalogue that make a table published, each with an identity of its own; xmin is another after an ALTER. */
static const char marks_sql[] =
	"SELECT c.oid, concat_ws(' ', p.oid, p.xmin, r.oid%s) FROM pg_catalog.pg_publication p CROSS JOIN pg_catalog.pg_class c"
	" LEFT JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid %s"
	" WHERE p.pubname = $1 AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p'";

static const char schema_sql[] =
	"LEFT JOIN pg_catalog.pg_publication_namespace s ON s.pnpubid = p.oid AND s.pnnspid = c.relnamespace";

static void append_mark(const struct pg_wanted *wanted, uint32_t oid, const char *mark, struct writer *marks)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (wanted->versions[i]->source_id == oid)
			wr_printf(marks, "%s\t%s\t%s\n", wanted->tables[i].schema, wanted->tables[i].name, mark);
}

int pg_publication_marks(PGconn *conn, const char *publication, const struct pg_wanted *wanted, struct writer *marks,
			 struct error *err)
{
	bool schemas = pg_has(PQserverVersion(conn), PG_ROW_FILTERS);
	const char *params[] = {publication};
	char *sql = mem_printf(marks_sql, schemas ? ", s.oid" : "", schemas ? schema_sql : "");
	PGresult *result = pg_query_params(conn, err, sql, 1, params);

	free(sql);
	if (!result)
		return -1;
	for (int i = 0; i < PQntuples(result); i++)
		append_mark(wanted, (uint32_t)strtoul(pg_value(result, i, 0), NULL, 10), pg_value(result, i, 1), marks);
	PQclear(result);
	return 0;
}
