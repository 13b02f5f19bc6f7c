/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * In memory: an array in order of arrival and a hash table over it, sorted when handing out begins. In the file: table
 * _tw_touched, keyed by (entity, key), whose order is the same. As soon as the file has a part, everything goes there
 * before it is handed out, a page of keys at a time, so that no statement stays open between two roots.
 */
#include "touched_set.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/memory.h"

#define MEMORY_ROOTS 100000
#define PAGE_ROOTS 1000

struct entry {
	struct root_key key; /* texts in the arena */
	unsigned entity;
};

struct touched_set {
	struct db *db;
	struct arena texts;
	struct entry *entries;
	size_t count, capacity;
	uint32_t *slots;       /* index into entries + 1; 0 = free; a power of two of them */
	size_t slot_count;
	unsigned bound;
	bool in_file;          /* the table has rows */
	size_t next;           /* handing out: the next of entries */
	bool has_last;         /* handing out from the file: where the page before ended */
	struct entry last;
	uint64_t skip;
	bool sorted;
	bool is_copied;        /* handing out from memory: the table has them all, too */
	sqlite3_stmt *insert, *page, *first_page;
};

static int find_rows(struct touched_set *set, struct error *err)
{
	sqlite3_stmt *stmt;
	int found;

	if (db_prepare(set->db, "SELECT 1 FROM _tw_touched LIMIT 1", &stmt, err) < 0)
		return -1;
	found = db_step(set->db, stmt, err);
	sqlite3_finalize(stmt);
	set->in_file = found == 1;
	return found < 0 ? -1 : 0;
}

int touched_open(struct db *db, unsigned memory_roots, struct touched_set **ret, struct error *err)
{
	struct touched_set *set = MEM_NEW(struct touched_set);

	set->db = db;
	set->bound = memory_roots ? memory_roots : MEMORY_ROOTS;
	arena_init(&set->texts);
	if (find_rows(set, err) < 0 ||
	    db_prepare(db, "INSERT OR IGNORE INTO _tw_touched(entity, key) VALUES (?, ?)", &set->insert, err) < 0 ||
	    db_prepare(db, "SELECT entity, key FROM _tw_touched WHERE (entity, key) > (?1, ?2)"
			   " ORDER BY entity, key LIMIT ?3", &set->page, err) < 0 ||
	    db_prepare(db, "SELECT entity, key FROM _tw_touched ORDER BY entity, key LIMIT ?1 OFFSET ?2",
		       &set->first_page, err) < 0) {
		touched_close(set);
		return -1;
	}
	*ret = set;
	return 0;
}

void touched_close(struct touched_set *set)
{
	if (!set)
		return;
	sqlite3_finalize(set->insert);
	sqlite3_finalize(set->page);
	sqlite3_finalize(set->first_page);
	arena_done(&set->texts);
	free(set->entries);
	free(set->slots);
	free(set);
}

static uint64_t hash_of(unsigned entity, struct root_key key)
{
	if (key.is_number)
		return ((uint64_t)key.number * 0x9e3779b97f4a7c15u) ^ ((uint64_t)entity * 0xc2b2ae3d27d4eb4fu);
	return hash_bytes(key.text, entity);
}

static size_t first_slot(const struct touched_set *set, unsigned entity, struct root_key key)
{
	uint64_t hash = hash_of(entity, key);

	return (hash ^ hash >> 32) & (set->slot_count - 1);
}

/* Frees the run of slots in which an entry stands; of a large table with few entries that is cheaper than all of it. */
static void clear_run(struct touched_set *set, const struct entry *entry)
{
	size_t i = first_slot(set, entry->entity, entry->key);

	for (; set->slots[i]; i = (i + 1) & (set->slot_count - 1))
		set->slots[i] = 0;
}

static void clear_memory(struct touched_set *set)
{
	if (set->count < set->slot_count / 16)
		for (size_t i = 0; i < set->count; i++)
			clear_run(set, &set->entries[i]);
	else if (set->slots)
		memset(set->slots, 0, sizeof(*set->slots) * set->slot_count);
	arena_reset(&set->texts);
	set->count = set->next = 0;
	set->sorted = false;
}

void touched_forget(struct touched_set *set)
{
	struct error ignored = {0};

	clear_memory(set);
	set->has_last = set->is_copied = false;
	set->skip = 0;
	if (find_rows(set, &ignored) < 0)
		set->in_file = true; /* whoever reads it next is told */
}

static bool is_same(const struct entry *entry, unsigned entity, struct root_key key)
{
	return entry->entity == entity && root_key_compare(entry->key, key) == 0;
}

/* The slot where the key is, or the free one where it belongs. */
static uint32_t *find_slot(struct touched_set *set, unsigned entity, struct root_key key)
{
	size_t i = first_slot(set, entity, key);

	while (set->slots[i] && !is_same(&set->entries[set->slots[i] - 1], entity, key))
		i = (i + 1) & (set->slot_count - 1);
	return &set->slots[i];
}

static void grow(struct touched_set *set)
{
	set->capacity = set->capacity ? set->capacity * 2 : 256;
	set->entries = mem_resize(set->entries, set->capacity, sizeof(*set->entries));
	set->slot_count = set->capacity * 2;
	free(set->slots);
	set->slots = MEM_ARRAY(uint32_t, set->slot_count);
	for (size_t i = 0; i < set->count; i++)
		*find_slot(set, set->entries[i].entity, set->entries[i].key) = (uint32_t)i + 1;
}

int touched_add(struct touched_set *set, unsigned entity, struct root_key key, struct error *err)
{
	uint32_t *slot;

	if (set->count == set->capacity)
		grow(set);
	slot = find_slot(set, entity, key);
	if (*slot)
		return 0;
	if (!key.is_number)
		key.text = arena_copy(&set->texts, key.text);
	set->entries[set->count++] = (struct entry){key, entity};
	*slot = (uint32_t)set->count;
	return set->count >= set->bound ? touched_spill(set, err) : 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->entity != y->entity)
		return x->entity < y->entity ? -1 : 1;
	return root_key_compare(x->key, y->key);
}

/* In order, so that the table's pages are written one after the other. */
static void sort(struct touched_set *set)
{
	if (set->count > 1)
		qsort(set->entries, set->count, sizeof(*set->entries), compare_entries);
	set->sorted = true;
}

static void bind_entry(sqlite3_stmt *stmt, const struct entry *entry)
{
	sqlite3_bind_int64(stmt, 1, entry->entity);
	if (entry->key.is_number)
		sqlite3_bind_int64(stmt, 2, entry->key.number);
	else
		sqlite3_bind_text(stmt, 2, entry->key.text.ptr, (int)entry->key.text.len, SQLITE_STATIC);
}

static int write_entries(struct touched_set *set, struct error *err)
{
	if (db_begin(set->db, err) < 0)
		return -1;
	for (size_t i = 0; i < set->count; i++) {
		bind_entry(set->insert, &set->entries[i]);
		if (db_step(set->db, set->insert, err) < 0)
			return -1;
	}
	return 0;
}

/*
 * While roots are handed out from memory, the file gets a copy: a restart begins there, at the number that was reached.
 */
int touched_spill(struct touched_set *set, struct error *err)
{
	if (set->sorted) {
		if (set->in_file || set->is_copied)
			return 0;
		set->is_copied = true;
		return write_entries(set, err);
	}
	if (!set->count)
		return 0;
	sort(set);
	if (write_entries(set, err) < 0)
		return -1;
	clear_memory(set);
	set->in_file = true;
	return 0;
}

int touched_count(struct touched_set *set, uint64_t *ret, struct error *err)
{
	sqlite3_stmt *stmt;
	int found;

	*ret = set->count;
	if (!set->in_file)
		return 0;
	if (touched_spill(set, err) < 0 || db_prepare(set->db, "SELECT count(*) FROM _tw_touched", &stmt, err) < 0)
		return -1;
	found = db_step(set->db, stmt, err);
	*ret = (uint64_t)sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return found < 0 ? -1 : 0;
}

/* Reads the next page of the file's part into memory. */
static int read_page(struct touched_set *set, struct error *err)
{
	sqlite3_stmt *stmt = set->has_last ? set->page : set->first_page;
	struct arena texts = set->texts;
	int found;

	/* The last key's text lies in the arena that is about to be reset. */
	if (set->has_last) {
		bind_entry(stmt, &set->last);
		sqlite3_bind_int(stmt, 3, PAGE_ROOTS);
	} else {
		sqlite3_bind_int(stmt, 1, PAGE_ROOTS);
		sqlite3_bind_int64(stmt, 2, (int64_t)set->skip);
	}
	arena_init(&set->texts);
	set->count = set->next = 0;
	while (set->capacity < PAGE_ROOTS)
		grow(set);
	while ((found = db_step(set->db, stmt, err)) == 1) {
		struct entry *entry;

		entry = &set->entries[set->count++];
		entry->entity = (unsigned)sqlite3_column_int64(stmt, 0);
		entry->key = (struct root_key){.is_number = sqlite3_column_type(stmt, 1) == SQLITE_INTEGER};
		if (entry->key.is_number)
			entry->key.number = sqlite3_column_int64(stmt, 1);
		else
			entry->key.text = arena_copy(&set->texts, (struct view){(const char *)sqlite3_column_text(stmt, 1),
										(size_t)sqlite3_column_bytes(stmt, 1)});
	}
	arena_done(&texts);
	if (set->count) {
		set->last = set->entries[set->count - 1];
		set->has_last = true;
	}
	return found;
}

int touched_start(struct touched_set *set, uint64_t done, struct error *err)
{
	set->has_last = false;
	set->skip = done;
	set->next = 0;
	if (!set->in_file) {
		sort(set);
		set->next = done < set->count ? (size_t)done : set->count;
		return 0;
	}
	if (touched_spill(set, err) < 0)
		return -1;
	set->sorted = true;
	return 0;
}

int touched_next(struct touched_set *set, unsigned *ret_entity, struct root_key *ret_key, struct error *err)
{
	if (set->next == set->count && set->in_file && read_page(set, err) < 0)
		return -1;
	if (set->next == set->count)
		return 0;
	*ret_entity = set->entries[set->next].entity;
	*ret_key = set->entries[set->next].key;
	set->next++;
	return 1;
}

int touched_clear(struct touched_set *set, struct error *err)
{
	bool in_file = set->in_file || set->is_copied;

	clear_memory(set);
	set->has_last = false;
	set->skip = 0;
	set->in_file = set->is_copied = false;
	if (!in_file)
		return 0;
	if (db_begin(set->db, err) < 0)
		return -1;
	return db_run(set->db, "DELETE FROM _tw_touched", err);
}
