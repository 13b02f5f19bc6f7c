/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Kept documents, one table for each entity: keyed by rowid where keys are numbers, which is the fast case. The tables
 * are made when a slot is first used, and again after a rollback that took them away.
 */
#include "state/documents.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/writer.h"
#include "query.h"

enum statement { GET, PUT, REMOVE, CLEAR, KEYS, FIRST_KEYS, COUNT, STATEMENTS };

struct slot {
	char *entity;
	bool is_number;
	sqlite3_stmt *stmts[STATEMENTS]; /* all NULL: the table has yet to be made */
	struct writer read;              /* what document_get handed out last */
	int64_t largest;                 /* key that was ever kept, of numbers: what lies beyond need not be looked for */
};

struct documents {
	struct db *db;
	struct slot *slots;
	unsigned slot_count;
};

/* What stands before and behind the name of the table. */
static const char *const statement_sql[STATEMENTS][2] = {
	[GET] = {"SELECT parked, payload, image FROM ", " WHERE key = ?"},
	[PUT] = {"INSERT OR REPLACE INTO ", "(key, parked, payload, image) VALUES (?, ?, ?, ?)"},
	[REMOVE] = {"DELETE FROM ", " WHERE key = ?"},
	[CLEAR] = {"DELETE FROM ", ""},
	[KEYS] = {"SELECT key FROM ", " WHERE key > ?2 ORDER BY key LIMIT ?1"},
	[FIRST_KEYS] = {"SELECT key FROM ", " ORDER BY key LIMIT ?1"},
	[COUNT] = {"SELECT count(*), coalesce(sum(parked), 0) FROM ", ""},
};

static void forget_slot(struct slot *slot)
{
	for (int i = 0; i < STATEMENTS; i++) {
		sqlite3_finalize(slot->stmts[i]);
		slot->stmts[i] = NULL;
	}
}

static void forget(void *arg)
{
	struct documents *documents = arg;

	for (unsigned i = 0; i < documents->slot_count; i++)
		forget_slot(&documents->slots[i]);
}

static int make_table(struct documents *documents, struct slot *slot, const char *name, struct error *err)
{
	char *sql = mem_printf(
		"CREATE TABLE IF NOT EXISTS \"%s\"(key %s, parked INTEGER NOT NULL, payload BLOB, image BLOB)%s", name,
		slot->is_number ? "INTEGER PRIMARY KEY" : "TEXT PRIMARY KEY", slot->is_number ? "" : " WITHOUT ROWID");
	int result = query_run(documents->db, sql, err, "");

	free(sql);
	return result;
}

static int read_largest(struct documents *documents, struct slot *slot, const char *name, struct error *err)
{
	char *sql = mem_printf("SELECT coalesce(max(key), %lld) FROM \"%s\"", (long long)INT64_MIN, name);
	int result = slot->is_number ? query_number(documents->db, sql, &slot->largest, err, "") : 0;

	free(sql);
	return result < 0 ? -1 : 0;
}

static int prepare_slot(struct documents *documents, struct slot *slot, struct error *err)
{
	char *name = mem_printf("_tw_document_%s_%s", slot->is_number ? "number" : "text", slot->entity);
	int result = make_table(documents, slot, name, err);

	if (result == 0)
		result = read_largest(documents, slot, name, err);
	for (int i = 0; i < STATEMENTS && result == 0; i++) {
		char *sql = mem_printf("%s\"%s\"%s", statement_sql[i][0], name, statement_sql[i][1]);

		result = db_prepare(documents->db, sql, &slot->stmts[i], err);
		free(sql);
	}
	free(name);
	return result;
}

static struct slot *get_slot(struct documents *documents, unsigned number, struct error *err)
{
	struct slot *slot = &documents->slots[number];

	if (slot->stmts[STATEMENTS - 1] == NULL && prepare_slot(documents, slot, err) < 0)
		return NULL;
	return slot;
}

int documents_open(struct db *db, struct documents **ret, struct error *err)
{
	struct documents *documents = MEM_NEW(struct documents);

	(void)err;
	documents->db = db;
	db_on_rollback(db, forget, documents);
	*ret = documents;
	return 0;
}

void documents_close(struct documents *documents)
{
	if (!documents)
		return;
	db_off_rollback(documents->db, documents);
	for (unsigned i = 0; i < documents->slot_count; i++) {
		forget_slot(&documents->slots[i]);
		wr_done(&documents->slots[i].read);
		free(documents->slots[i].entity);
	}
	free(documents->slots);
	free(documents);
}

static bool is_slot_of(const struct slot *slot, const char *entity, bool is_number)
{
	return strcmp(slot->entity, entity) == 0 && slot->is_number == is_number;
}

int documents_slot(struct documents *documents, const char *entity, bool is_number, unsigned *ret_slot,
		   struct error *err)
{
	unsigned i = 0;

	while (i < documents->slot_count && !is_slot_of(&documents->slots[i], entity, is_number))
		i++;
	if (i == documents->slot_count) {
		documents->slots = mem_resize(documents->slots, i + 1, sizeof(*documents->slots));
		documents->slots[i] = (struct slot){.entity = mem_text(view_of(entity)), .is_number = is_number};
		documents->slot_count++;
	}
	if (!get_slot(documents, i, err))
		return -1;
	*ret_slot = i;
	return 0;
}

static void bind_key(sqlite3_stmt *stmt, int parameter, struct root_key key)
{
	if (key.is_number)
		sqlite3_bind_int64(stmt, parameter, key.number);
	else
		sqlite3_bind_text(stmt, parameter, key.text.ptr, (int)key.text.len, SQLITE_STATIC);
}

static void bind_blob(sqlite3_stmt *stmt, int parameter, struct view bytes)
{
	if (bytes.ptr && !bytes.len)
		sqlite3_bind_zeroblob(stmt, parameter, 0);
	else
		sqlite3_bind_blob(stmt, parameter, bytes.ptr, (int)bytes.len, SQLITE_STATIC);
}

/* Copied, so that no statement stays open: an open one would hold back checkpoints of the log. */
static void copy_row(struct slot *slot, sqlite3_stmt *stmt, struct kept_document *ret)
{
	struct view payload = query_view(stmt, 1), image = query_view(stmt, 2);
	char *bytes;

	wr_clear(&slot->read);
	bytes = wr_reserve(&slot->read, payload.len + image.len + 1);
	wr_view_bytes(&slot->read, payload);
	wr_view_bytes(&slot->read, image);
	ret->parked = sqlite3_column_int(stmt, 0) != 0;
	ret->payload = payload.ptr ? (struct view){bytes, payload.len} : VIEW_NONE;
	ret->image = image.ptr ? (struct view){bytes + payload.len, image.len} : VIEW_NONE;
}

int document_get(struct documents *documents, unsigned number, struct root_key key, struct kept_document *ret,
		 struct error *err)
{
	struct slot *slot = get_slot(documents, number, err);
	int found;

	if (!slot)
		return -1;
	/* New documents mostly have new keys, which grow. */
	if (key.is_number && key.number > slot->largest)
		return 0;
	bind_key(slot->stmts[GET], 1, key);
	found = db_step(documents->db, slot->stmts[GET], err);
	if (found == 1) {
		copy_row(slot, slot->stmts[GET], ret);
		sqlite3_reset(slot->stmts[GET]);
	}
	return found;
}

int document_put(struct documents *documents, unsigned number, struct root_key key,
		 const struct kept_document *document, struct error *err)
{
	struct slot *slot = get_slot(documents, number, err);
	sqlite3_stmt *stmt;

	if (!slot || db_begin(documents->db, err) < 0)
		return -1;
	stmt = slot->stmts[PUT];
	bind_key(stmt, 1, key);
	sqlite3_bind_int(stmt, 2, document->parked);
	bind_blob(stmt, 3, document->payload);
	bind_blob(stmt, 4, document->image);
	if (key.is_number && key.number > slot->largest)
		slot->largest = key.number;
	return db_step(documents->db, stmt, err);
}

int document_remove(struct documents *documents, unsigned number, struct root_key key, struct error *err)
{
	struct slot *slot = get_slot(documents, number, err);

	if (!slot || db_begin(documents->db, err) < 0)
		return -1;
	bind_key(slot->stmts[REMOVE], 1, key);
	return db_step(documents->db, slot->stmts[REMOVE], err);
}

int documents_clear(struct documents *documents, unsigned number, struct error *err)
{
	struct slot *slot = get_slot(documents, number, err);

	if (!slot || db_begin(documents->db, err) < 0)
		return -1;
	return db_step(documents->db, slot->stmts[CLEAR], err);
}

static struct root_key column_key(const struct slot *slot, sqlite3_stmt *stmt)
{
	if (slot->is_number)
		return (struct root_key){.is_number = true, .number = sqlite3_column_int64(stmt, 0)};
	return (struct root_key){.text = query_view(stmt, 0)};
}

int document_keys(struct documents *documents, unsigned number, const struct root_key *after, unsigned limit,
		  int (*each)(void *arg, struct root_key key), void *arg, struct error *err)
{
	struct slot *slot = get_slot(documents, number, err);
	sqlite3_stmt *stmt;
	int found;

	if (!slot)
		return -1;
	stmt = slot->stmts[after ? KEYS : FIRST_KEYS];
	sqlite3_bind_int64(stmt, 1, limit);
	if (after)
		bind_key(stmt, 2, *after);
	while ((found = db_step(documents->db, stmt, err)) == 1) {
		if (each(arg, column_key(slot, stmt))) {
			sqlite3_reset(stmt);
			return 0;
		}
	}
	return found;
}

int document_count(struct documents *documents, unsigned number, uint64_t *ret_kept, uint64_t *ret_parked,
		   struct error *err)
{
	struct slot *slot = get_slot(documents, number, err);
	sqlite3_stmt *stmt;

	if (!slot)
		return -1;
	stmt = slot->stmts[COUNT];
	if (db_step(documents->db, stmt, err) < 0)
		return -1;
	*ret_kept = (uint64_t)sqlite3_column_int64(stmt, 0);
	*ret_parked = (uint64_t)sqlite3_column_int64(stmt, 1);
	sqlite3_reset(stmt);
	return 0;
}
