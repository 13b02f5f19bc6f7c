/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* How large the tables of a snapshot are, and in which pieces they are read. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "conn.h"
#include "layout.h"
#include "snapshot.h"
#include "version.h"

#define PIECE_LEAST 512       /* pages: asking for a piece costs the server as much as reading some of them */
#define PIECE_MOST 65536
#define PIECES_A_READER 4     /* so that the last ones end at nearly the same time */

/* Its size is asked of the file, which an ALTER TABLE may hold: then what the catalogue has of it must do. */
static PGresult *ask_size(PGconn *queries, uint64_t table, bool *ret_measured, struct error *err)
{
	static const char sql[] = "SELECT %s, greatest(reltuples, 0)::bigint, relpages, current_setting('block_size'), "
				  "%s, pg_catalog.has_table_privilege(oid, 'SELECT') "
				  "FROM pg_catalog.pg_class WHERE oid = %" PRIu64;
	PGresult *result = pg_query(queries, err, sql, "pg_catalog.pg_relation_size(oid) / current_setting('block_size')::int",
				    "reltoastrelid <> 0 AND pg_catalog.pg_relation_size(reltoastrelid) > 0", table);

	*ret_measured = result != NULL;
	return result || PQstatus(queries) != CONNECTION_OK ? result : pg_query(queries, err, sql, "relpages", "reltoastrelid <> 0", table);
}

static int measure(struct pg_snapshot *snapshot, PGconn *queries, struct pg_reading *reading, struct error *err)
{
	PGresult *result = ask_size(queries, reading->table->source_id, &reading->measured, err);
	double pages;

	if (!result)
		return -1;
	if (PQntuples(result) == 1) {
		reading->pages = strtoull(pg_value(result, 0, 0), NULL, 10);
		pages = strtod(pg_value(result, 0, 2), NULL);
		reading->expected = pages > 0 ? (uint64_t)(strtod(pg_value(result, 0, 1), NULL) / pages * (double)reading->pages) : 0;
		snapshot->page_bytes = strtoull(pg_value(result, 0, 3), NULL, 10);
		reading->apart = *pg_value(result, 0, 4) == 't';
		reading->has_places = *pg_value(result, 0, 5) == 't';
	}
	PQclear(result);
	return 0;
}

/* All partitions, if the role may read each of them for itself; a right to the table is not one to them. */
static PGresult *ask_leaves(PGconn *queries, const struct table *table, const char *pages, struct error *err)
{
	static const char sql[] =
		"WITH RECURSIVE " PG_TREE ", leaves AS (SELECT c.oid, format('%%I.%%I', n.nspname, c.relname) AS name, %s AS pages, greatest(c.reltuples, 0)"
		"::bigint AS expected, c.relpages, bool_and(has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') AND NOT"
		" row_security_active(c.oid)) OVER () AS allowed FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.oid AND c.relkind = 'r' AND NOT"
		" t.leaving JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace) SELECT oid, name, pages, CASE WHEN relpages > 0 THEN (expected::float8"
		" / relpages * pages)::bigint ELSE 0 END, allowed, current_setting('block_size') FROM leaves ORDER BY pages DESC, oid";
	char *query = mem_printf(sql, pg_tree_leaving(queries), pages);
	struct writer oids = {0};
	PGresult *result;

	pg_oids(&table, 1, &oids);
	result = pg_query_params(queries, err, query, 1, (const char *[]){oids.data});
	wr_done(&oids);
	free(query);
	return result;
}

static void take_leaves(struct pg_snapshot *snapshot, const PGresult *result, struct pg_reading *reading)
{
	bool allowed = PQntuples(result) > 0 && *pg_value(result, 0, 4) == 't';

	reading->leaves = MEM_ARRAY(struct pg_leaf, (size_t)PQntuples(result));
	for (int i = 0; i < PQntuples(result); i++) {
		struct pg_leaf leaf = {.oid = (uint32_t)strtoul(pg_value(result, i, 0), NULL, 10),
				       .pages = strtoull(pg_value(result, i, 2), NULL, 10)};

		reading->pages += leaf.pages;
		reading->expected += strtoull(pg_value(result, i, 3), NULL, 10);
		snapshot->page_bytes = strtoull(pg_value(result, i, 5), NULL, 10);
		if (!allowed)
			continue;
		leaf.name = mem_text(view_of(pg_value(result, i, 1)));
		reading->leaves[reading->leaf_count++] = leaf;
	}
}

static int measure_tree(struct pg_snapshot *snapshot, PGconn *queries, struct pg_reading *reading, struct error *err)
{
	PGresult *result = ask_leaves(queries, reading->table, "pg_catalog.pg_relation_size(c.oid) / current_setting('block_size')::int", err);

	if (!result && PQstatus(queries) == CONNECTION_OK)
		result = ask_leaves(queries, reading->table, "c.relpages", err);
	if (!result)
		return -1;
	take_leaves(snapshot, result, reading);
	PQclear(result);
	return 0;
}

static uint64_t choose_step(const struct pg_snapshot *snapshot, const struct pg_reading *reading)
{
	uint64_t step = reading->pages / (snapshot->reader_count * PIECES_A_READER);

	if (!pg_has(PQserverVersion(snapshot->readers[0].conn), PG_PLACE_RANGES) || !reading->has_places)
		return PG_NO_PAGE;
	return step < PIECE_LEAST ? PIECE_LEAST : step > PIECE_MOST ? PIECE_MOST : step;
}

int pg_snapshot_measure(struct pg_snapshot *snapshot, PGconn *queries, struct error *err)
{
	for (size_t i = 0; i < snapshot->table_count; i++) {
		struct pg_reading *reading = &snapshot->tables[i];

		if ((reading->tree ? measure_tree : measure)(snapshot, queries, reading, err) < 0)
			return -1;
		snapshot->tables[i].step = choose_step(snapshot, &snapshot->tables[i]);
	}
	return 0;
}
