/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The row that holds the position. Reading and writing stand side by side; the columns are in the same order. */
#include "state/position.h"

#include <string.h>

#include "query.h"

static const char load_sql[] =
	"SELECT kind, lsn, open_phase, open_kind, open_lsn, open_xid, open_done, open_hash, border, published, digest0,"
	" digest1, snapshot, snapshot_phase, base_known, base_published, base_digest0, base_digest1 FROM _tw_position";

static const char save_sql[] =
	"INSERT OR REPLACE INTO _tw_position(one, kind, lsn, open_phase, open_kind, open_lsn, open_xid, open_done,"
	" open_hash, border, published, digest0, digest1, snapshot, snapshot_phase, base_known, base_published, base_digest0,"
	" base_digest1) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

static uint64_t next_u64(sqlite3_stmt *stmt, int *column)
{
	return (uint64_t)sqlite3_column_int64(stmt, (*column)++);
}

static struct position next_position(sqlite3_stmt *stmt, int *column)
{
	struct position pos;

	pos.kind = (enum position_kind)next_u64(stmt, column);
	pos.lsn = next_u64(stmt, column);
	return pos;
}

int position_load(struct db *db, struct progress *ret, struct error *err)
{
	struct progress state = {0};
	sqlite3_stmt *stmt;
	int found, column = 0;

	if (query_open(db, load_sql, &stmt, err, "") < 0)
		return -1;
	found = db_step(db, stmt, err);
	if (found == 1) {
		state.position = next_position(stmt, &column);
		state.open.phase = (enum open_phase)next_u64(stmt, &column);
		state.open.final = next_position(stmt, &column);
		state.open.xid = next_u64(stmt, &column);
		state.open.done = next_u64(stmt, &column);
		state.open.hash = next_u64(stmt, &column);
		state.border = next_u64(stmt, &column);
		state.published = next_u64(stmt, &column);
		state.digest[0] = next_u64(stmt, &column);
		state.digest[1] = next_u64(stmt, &column);
		state.snapshot = next_u64(stmt, &column);
		state.snapshot_phase = (enum snapshot_phase)next_u64(stmt, &column);
		state.base_known = next_u64(stmt, &column) != 0;
		state.base_published = next_u64(stmt, &column);
		state.base_digest[0] = next_u64(stmt, &column);
		state.base_digest[1] = next_u64(stmt, &column);
	}
	sqlite3_finalize(stmt);
	if (found < 0)
		return -1;
	*ret = state;
	return 0;
}

int position_save(struct db *db, const struct progress *state, struct error *err)
{
	const struct open_transaction *open = &state->open;

	return query_run(db, save_sql, err, "iiiiiiiiiiiiiiiiii", (int64_t)state->position.kind,
			 (int64_t)state->position.lsn, (int64_t)open->phase, (int64_t)open->final.kind,
			 (int64_t)open->final.lsn, (int64_t)open->xid, (int64_t)open->done, (int64_t)open->hash,
			 (int64_t)state->border, (int64_t)state->published, (int64_t)state->digest[0],
			 (int64_t)state->digest[1], (int64_t)state->snapshot, (int64_t)state->snapshot_phase,
			 (int64_t)state->base_known, (int64_t)state->base_published, (int64_t)state->base_digest[0],
			 (int64_t)state->base_digest[1]);
}
