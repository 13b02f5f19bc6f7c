/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Parts of tables: when one can be read. */
#include "part.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "conn.h"
#include "layout.h"
#include "slot.h"

#define PAGE_HEADER 40 /* of a page of the log, at most */

/* Whoever writes to the table ------------------------------------------------------------------ */

#define WRITERS \
	" FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND relation IN (SELECT oid FROM tree) AND granted AND mode IN ('RowExclusiveLock'," \
	" 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock') AND database = (SELECT oid FROM" \
	" pg_catalog.pg_database WHERE datname = current_database())"

static char *ask_writers(PGconn *queries, const char *oid, const char *among, struct error *err)
{
	static const char sql[] = "WITH RECURSIVE " PG_TREE "SELECT array_agg(DISTINCT virtualtransaction)" WRITERS
				  " AND ($2::text[] IS NULL OR virtualtransaction = ANY ($2))";
	char *query = mem_printf(sql, pg_tree_leaving(queries)), *text;
	PGresult *result = pg_query_params(queries, err, query, 2, (const char *[]){oid, among});

	free(query);
	if (!result)
		return NULL;
	text = mem_text(view_of(pg_value(result, 0, 0)));
	PQclear(result);
	return text;
}

/*
 * A transaction keeps its locks until others see what it did. 1: all that wrote to the table when this was first asked
 * have ended.
 */
int pg_part_settled(struct pg_part *part, PGconn *queries, uint64_t table, struct error *err)
{
	char oid[24], *now;

	if (part->fenced == table && !part->writers)
		return 1;
	snprintf(oid, sizeof(oid), "{%" PRIu64 "}", table);
	if (part->fenced != table) {
		free(part->writers);
		part->writers = NULL;
	}
	now = ask_writers(queries, oid, part->writers, err);
	if (!now)
		return -1;
	free(part->writers);
	part->writers = *now ? now : NULL;
	if (!*now)
		free(now);
	part->fenced = table;
	return part->writers == NULL;
}

/* Commits wait for standbys after they stand in the log: one that was delivered before may still not be visible. */
static int commits_wait(PGconn *queries, bool *ret, struct error *err)
{
	PGresult *result = pg_query(queries, err, "SHOW synchronous_standby_names");

	if (!result)
		return -1;
	*ret = *pg_value(result, 0, 0) != '\0';
	PQclear(result);
	return 0;
}

/* Opening -------------------------------------------------------------------------------------- */

void pg_part_stop(struct pg_part *part)
{
	PQfreemem(part->buffer);
	part->buffer = NULL;
	if (!part->conn || PQtransactionStatus(part->conn) == PQTRANS_IDLE)
		return;
	if (PQtransactionStatus(part->conn) == PQTRANS_ACTIVE || PQstatus(part->conn) != CONNECTION_OK) {
		PQfinish(part->conn); /* in the middle of a table; a server that still looks for rows ends with its patience */
		part->conn = NULL;
		return;
	}
	PQclear(PQexec(part->conn, "ROLLBACK"));
}

void pg_part_done(struct pg_part *part)
{
	PQfreemem(part->buffer);
	PQfinish(part->conn);
	free(part->sight.open);
	free(part->writers);
	wr_done(&part->last);
	wr_done(&part->mark);
	wr_done(&part->bound);
	*part = (struct pg_part){0};
}

int pg_part_file(PGconn *queries, const struct table *table, uint64_t *ret, struct error *err)
{
	const char *layout;
	struct arena arena;
	int result;

	arena_init(&arena);
	result = pg_layouts(queries, &table, 1, &arena, &layout, err);
	if (result == 0)
		*ret = pg_layout_file(layout);
	arena_done(&arena);
	return result;
}

/* Where a record can end: what stands within the header of a page is the end of the page before. */
static uint64_t record_end(uint64_t lsn, uint64_t block)
{
	return block && lsn % block <= PAGE_HEADER ? lsn - lsn % block : lsn;
}

static int take_sight(struct pg_part *part, struct error *err)
{
	PGresult *result = pg_query(part->conn, err, "SELECT %s, pg_catalog.pg_current_wal_insert_lsn(), "
				    "pg_catalog.current_setting('wal_block_size')", pg_sight_function(part->conn));
	struct position high;
	int parsed;

	if (!result)
		return -1;
	parsed = pg_sight_parse(&part->sight, pg_value(result, 0, 0));
	pg_lsn_parse(pg_value(result, 0, 1), &high);
	part->sight.standby = false;
	part->sight.high = record_end(high.lsn, strtoull(pg_value(result, 0, 2), NULL, 10));
	PQclear(result);
	return parsed < 0 ? error_set(err, ERROR_INTERNAL, "a snapshot that cannot be read") : 0;
}

static int replayed(PGconn *conn, uint64_t *ret, struct error *err)
{
	PGresult *result = pg_query(conn, err, "SELECT pg_catalog.pg_last_wal_replay_lsn()");
	struct position at;

	if (!result)
		return -1;
	pg_lsn_parse(pg_value(result, 0, 0), &at);
	*ret = at.lsn;
	PQclear(result);
	return 0;
}

static int take_standby_sight(struct pg_part *part, struct error *err)
{
	part->sight.standby = true;
	return replayed(part->conn, &part->sight.high, err);
}

/* An ALTER TABLE that holds the table is not waited for long: the stream has to go on. 1, 0: it is held, -1. */
static int hold_table(struct pg_part *part, const struct table *table, struct error *err)
{
	char *schema = pg_identifier(part->conn, table->schema), *name = pg_identifier(part->conn, table->name);
	char *sql = mem_printf("SELECT FROM %s%s.%s LIMIT 0", part->tree ? "" : "ONLY ", schema, name);
	PGresult *result = PQexec(part->conn, sql);
	const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	int held = PQresultStatus(result) == PGRES_TUPLES_OK;

	if (!held && (!code || strcmp(code, "55P03") != 0))
		held = pg_fail(part->conn, result, err, sql);
	PQclear(result);
	PQfreemem(schema);
	PQfreemem(name);
	free(sql);
	return held;
}

static int begin(struct pg_part *part, struct error *err)
{
	bool standby = pg_is_standby(part->conn);

	if (standby && replayed(part->conn, &part->sight.low, err) < 0)
		return -1;
	if (pg_run(part->conn, err, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") < 0 ||
	    pg_run(part->conn, err, "SET LOCAL lock_timeout = '1s'") < 0 || pg_run(part->conn, err, "SET LOCAL enable_seqscan = off") < 0 ||
	    pg_run(part->conn, err, "SET LOCAL enable_sort = off") < 0)
		return -1;
	return standby ? take_standby_sight(part, err) : take_sight(part, err);
}

/* A row without a key is counted, not found again: of a standby, what happened between the two places is not known. */
static bool is_exact(const struct pg_sight *sight, const struct table *table)
{
	return !sight->standby || table->key_count > 0 || sight->low == sight->high;
}

static int open_now(struct pg_part *part, const struct table *table, const struct pg_delivered *delivered, struct error *err)
{
	if (begin(part, err) < 0)
		return -1;
	if (!pg_sight_sees_delivered(&part->sight, delivered) || !is_exact(&part->sight, table))
		return 0;
	return hold_table(part, table, err);
}

int pg_part_open(struct pg_part *part, const struct source_login *login, PGconn *queries, const struct table *table,
		 const struct pg_delivered *delivered, struct error *err)
{
	bool waits = false;
	int opened = 1;

	if (!part->conn && pg_connect(login, PG_CONN_SNAPSHOT, &part->conn, err) < 0)
		return -1;
	if (part->fenced != table->source_id && commits_wait(queries, &waits, err) < 0)
		return -1;
	if (waits || (part->fenced == table->source_id && part->writers))
		opened = pg_part_settled(part, queries, table->source_id, err);
	if (opened > 0)
		opened = open_now(part, table, delivered, err);
	if (opened <= 0)
		pg_part_stop(part);
	return opened;
}
