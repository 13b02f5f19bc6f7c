/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The snapshot's connection. */
#include "snapshot.h"

#include <stdio.h>

#include "base/writer.h"
#include "conn.h"

static int run(PGconn *conn, struct error *err, const char *sql)
{
	PGresult *result = pg_query(conn, err, "%s", sql);

	PQclear(result);
	return result ? 0 : -1;
}

int pg_snapshot_begin(struct pg_snapshot *snapshot, const char *conninfo, const char *name, struct error *err)
{
	char sql[200];

	if (pg_connect(conninfo, PG_CONN_SNAPSHOT, &snapshot->conn, err) < 0)
		return -1;
	snprintf(sql, sizeof(sql), "SET TRANSACTION SNAPSHOT '%s'", name);
	if (run(snapshot->conn, err, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") < 0 ||
	    run(snapshot->conn, err, sql) < 0) {
		pg_snapshot_done(snapshot);
		return -1;
	}
	return 0;
}

void pg_snapshot_done(struct pg_snapshot *snapshot)
{
	PQfreemem(snapshot->buffer);
	PQfinish(snapshot->conn);
	*snapshot = (struct pg_snapshot){0};
}

/* The published columns by name: SELECT * would add generated ones. ONLY: children are tables of their own. */
int pg_snapshot_table(struct pg_snapshot *snapshot, const struct table *table, struct error *err)
{
	struct writer sql = {0};
	char *schema = pg_identifier(snapshot->conn, table->schema);
	char *name = pg_identifier(snapshot->conn, table->name);
	int result;

	wr_printf(&sql, "COPY (SELECT ");
	for (unsigned i = 0; i < table->column_count; i++) {
		char *column = pg_identifier(snapshot->conn, table->columns[i].name);

		wr_printf(&sql, "%s%s", i ? ", " : "", column);
		PQfreemem(column);
	}
	wr_printf(&sql, " FROM ONLY %s.%s) TO STDOUT", schema, name);
	wr_u8(&sql, 0);
	result = run(snapshot->conn, err, sql.data);
	wr_done(&sql);
	PQfreemem(schema);
	PQfreemem(name);
	return result;
}

static int finish_copy(struct pg_snapshot *snapshot, struct error *err)
{
	PGresult *result;
	int status = 0;

	while ((result = PQgetResult(snapshot->conn))) {
		if (PQresultStatus(result) != PGRES_COMMAND_OK && status == 0)
			status = pg_fail(snapshot->conn, result, err, "reading the snapshot");
		PQclear(result);
	}
	return status;
}

int pg_snapshot_row(struct pg_snapshot *snapshot, struct view *ret, struct error *err)
{
	int len;

	PQfreemem(snapshot->buffer);
	snapshot->buffer = NULL;
	len = PQgetCopyData(snapshot->conn, &snapshot->buffer, 0);
	if (len == -1)
		return finish_copy(snapshot, err);
	if (len < 0)
		return pg_fail(snapshot->conn, NULL, err, "reading the snapshot");
	*ret = (struct view){snapshot->buffer, (size_t)len - (snapshot->buffer[len - 1] == '\n')};
	return 1;
}
