/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* One query for all tables: privileges may stand on a table, on its columns, or on a role that ours is a member of. */
#include "access.h"

#include "conn.h"

static const char before[] = "WITH wanted(relation, name) AS (VALUES ";

/* Which tables, how many, for which role, and the statements; no row's NULLs if nothing is missing. */
static const char after[] =
	"), lacking AS (SELECT DISTINCT format('%I.%I', n.nspname, c.relname) AS name, quote_ident(n.nspname) AS schema,"
	"  quote_ident(current_user) AS role, NOT has_schema_privilege(n.oid, 'USAGE') AS usage,"
	"  bool_or(NOT has_column_privilege(c.oid, w.name, 'SELECT')) AS reading, row_security_active(c.oid) AS hidden"
	" FROM wanted w JOIN pg_catalog.pg_class c ON c.oid = w.relation"
	" JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace GROUP BY n.oid, n.nspname, c.oid, c.relname)"
	" SELECT min(name), count(*) - 1, min(role), concat_ws(' ',"
	"  'GRANT USAGE ON SCHEMA ' || string_agg(DISTINCT schema, ', ') FILTER (WHERE usage) || ' TO ' || min(role) || ';',"
	"  'GRANT SELECT ON TABLE ' || string_agg(name, ', ' ORDER BY name) FILTER (WHERE reading) || ' TO ' || min(role) || ';',"
	"  CASE WHEN bool_or(hidden) THEN 'ALTER ROLE ' || min(role) || ' BYPASSRLS;' END), bool_and(hidden AND NOT reading)"
	" FROM lacking WHERE usage OR reading OR hidden";

static void append_columns(PGconn *conn, const struct table *table, struct writer *query)
{
	for (unsigned i = 0; i < table->column_count; i++) {
		char *name = PQescapeLiteral(conn, table->columns[i].name, strlen(table->columns[i].name));

		wr_printf(query, "%s(%u::oid, %s::text)", query->len == sizeof(before) - 1 ? "" : ", ",
			  (unsigned)table->source_id, name);
		PQfreemem(name);
	}
}

static int complain(const PGresult *result, struct error *err)
{
	const char *first = pg_value(result, 0, 0), *more = pg_value(result, 0, 1), *role = pg_value(result, 0, 2);
	bool others = strcmp(more, "0") != 0, hidden = *pg_value(result, 0, 4) == 't';

	return error_state(err, STATE_UNSUPPORTED, "%s %s%s%s%s%s%s", hidden ? "row level security hides rows of table" : "table",
			   first, others ? " (and " : "", others ? more : "", others ? " more)" : "",
			   hidden ? " from the role " : " may not be read by the role ", role);
}

int pg_access_check(PGconn *conn, const struct pg_wanted *wanted, struct writer *sql, struct error *err)
{
	struct writer query = {0};
	PGresult *result;
	int lacks;

	wr_bytes(&query, before, sizeof(before) - 1);
	for (size_t i = 0; i < wanted->count; i++)
		append_columns(conn, wanted->versions[i], &query);
	if (query.len == sizeof(before) - 1) {
		wr_done(&query);
		return 0;
	}
	wr_bytes(&query, after, sizeof(after));
	result = pg_query_params(conn, err, query.data, 0, NULL);
	wr_done(&query);
	if (!result)
		return -1;
	lacks = *pg_value(result, 0, 0) ? complain(result, err) : 0;
	if (lacks < 0) {
		wr_printf(sql, "%s\n", pg_value(result, 0, 3));
		if (sql->len < sizeof(err->hint) - 64)
			error_hint(err, "as the tables' owner run: %s", pg_value(result, 0, 3));
		else
			error_hint(err, "`tailwater check --connect` prints the statements that permit it");
	}
	PQclear(result);
	return lacks;
}
