/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What a snapshot of the server sees, and what was delivered and it may not see yet. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "conn.h"
#include "part.h"
#include "version.h"

#define DELIVERED_MOST 65536

/* Servers from 14 on say so by themselves; no older one is decoded from while it is a standby. */
bool pg_is_standby(const PGconn *conn)
{
	const char *standby = PQparameterStatus(conn, "in_hot_standby");

	return standby && strcmp(standby, "on") == 0;
}

/* What a snapshot sees ------------------------------------------------------------------------- */

const char *pg_sight_function(const PGconn *conn)
{
	return pg_has(PQserverVersion(conn), PG_WIDE_XIDS) ? "pg_catalog.pg_current_snapshot()" : "pg_catalog.txid_current_snapshot()";
}

/* "xmin:xmax:xid,xid" */
int pg_sight_parse(struct pg_sight *sight, const char *text)
{
	char *end;

	sight->open_count = 0;
	sight->xmin = strtoull(text, &end, 10);
	if (*end++ != ':')
		return -1;
	sight->xmax = strtoull(end, &end, 10);
	if (*end++ != ':')
		return -1;
	free(sight->open);
	sight->open = MEM_ARRAY(uint64_t, strlen(end) / 2 + 1);
	while (*end) {
		sight->open[sight->open_count++] = strtoull(end, &end, 10);
		end += *end == ',';
	}
	return 0;
}

/* The log has 32 bits of the number: those above are the ones of numbers nearby. */
static uint64_t widen(uint32_t xid, uint64_t near)
{
	return near + (uint64_t)(int64_t)(int32_t)(xid - (uint32_t)near);
}

static bool sees_xid(const struct pg_sight *sight, uint32_t narrow)
{
	uint64_t xid = widen(narrow, sight->xmax);

	if (xid < sight->xmin)
		return true;
	if (xid >= sight->xmax)
		return false;
	for (unsigned i = 0; i < sight->open_count; i++)
		if (sight->open[i] == xid)
			return false;
	return true;
}

bool pg_sight_sees(const struct pg_sight *sight, const struct transaction *txn)
{
	return sight->standby ? txn->final.lsn < sight->low : sees_xid(sight, (uint32_t)txn->id);
}

/* What was delivered --------------------------------------------------------------------------- */

void pg_delivered_reset(struct pg_delivered *delivered, struct position from)
{
	delivered->count = 0;
	delivered->last = from;
}

void pg_delivered_done(struct pg_delivered *delivered)
{
	free(delivered->xids);
	*delivered = (struct pg_delivered){0};
}

static int forget_visible(struct pg_delivered *delivered, PGconn *queries, struct error *err)
{
	PGresult *result = pg_query(queries, err, "SELECT %s", pg_sight_function(queries));
	struct pg_sight sight = {0};
	unsigned kept = 0;

	if (!result)
		return -1;
	if (pg_sight_parse(&sight, pg_value(result, 0, 0)) == 0) {
		for (unsigned i = 0; i < delivered->count; i++)
			if (!sees_xid(&sight, delivered->xids[i]))
				delivered->xids[kept++] = delivered->xids[i];
		delivered->count = kept;
	}
	free(sight.open);
	PQclear(result);
	return 0;
}

int pg_delivered_note(struct pg_delivered *delivered, uint64_t xid, struct position end, PGconn *queries, struct error *err)
{
	delivered->last = end;
	if (delivered->count == delivered->capacity) {
		if (delivered->capacity >= DELIVERED_MOST && !pg_is_standby(queries) && forget_visible(delivered, queries, err) < 0)
			return -1;
		if (pg_is_standby(queries))
			delivered->count = 0;
		if (delivered->count >= delivered->capacity / 2) {
			delivered->capacity = delivered->capacity < DELIVERED_MOST / 2 ? DELIVERED_MOST : delivered->capacity * 2;
			delivered->xids = mem_resize(delivered->xids, delivered->capacity, sizeof(*delivered->xids));
		}
	}
	delivered->xids[delivered->count++] = (uint32_t)xid;
	return 0;
}

bool pg_sight_sees_delivered(const struct pg_sight *sight, const struct pg_delivered *delivered)
{
	if (sight->standby)
		return delivered->last.lsn <= sight->low;
	for (unsigned i = 0; i < delivered->count; i++)
		if (!sees_xid(sight, delivered->xids[i]))
			return false;
	return true;
}
