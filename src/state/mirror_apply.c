/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Applies changes to the mirrored tables. A row is written by one statement that replaces it whole; what a change does
 * not carry is filled in first, from the before image or from the mirror itself. Nothing is allocated per row.
 */
#include <stdlib.h>

#include "base/map.h"
#include "mirror_plan.h"
#include "state/cell.h"

const struct value *mirror_old_key(const struct change *change)
{
	return change->before.image == IMAGE_NONE ? change->after.values : change->before.values;
}

static bool is_carried(const struct value *value)
{
	return value->state == VALUE_PRESENT || value->state == VALUE_NULL;
}

static void bind_columns(sqlite3_stmt *stmt, const struct mirror_plan *plan, unsigned count, const struct value *values)
{
	const struct column *columns = plan->table->columns;

	for (unsigned i = 0; i < count; i++) {
		unsigned column = plan->columns[i];

		cell_bind(stmt, (int)i + 1, columns[column].type, &values[column], plan->scratch[i]);
	}
}

/*
 * Two 64-bit hashes over the mirrored values: with one, two of some billion rows could be taken for the same. Written
 * as state, length and bytes of each value, so that no two rows write the same.
 */
static void bind_hash(sqlite3_stmt *stmt, int parameter, struct mirror_plan *plan, const struct value *values)
{
	char scratch[DATETIME_TEXT_BYTES];
	uint64_t hash[2];

	wr_clear(&plan->bytes);
	for (unsigned i = 0; i < plan->column_count; i++) {
		const struct value *value = &values[plan->columns[i]];
		struct view text = VIEW_NONE;

		if (value->state == VALUE_PRESENT)
			text = cell_text(plan->table->columns[plan->columns[i]].type, value, scratch);
		wr_u8(&plan->bytes, value->state == VALUE_PRESENT);
		wr_u64le(&plan->bytes, text.len);
		wr_view_bytes(&plan->bytes, text);
	}
	hash[0] = htole64(hash_bytes(wr_view(&plan->bytes), 0));
	hash[1] = htole64(hash_bytes(wr_view(&plan->bytes), 1));
	sqlite3_bind_blob(stmt, parameter, hash, sizeof(hash), SQLITE_TRANSIENT);
}

static int put_row(struct mirror *mirror, struct mirror_plan *plan, const struct value *values, struct error *err)
{
	bind_columns(plan->put, plan, plan->column_count, values);
	if (plan->is_bag)
		bind_hash(plan->put, (int)plan->column_count + 1, plan, values);
	return db_step(mirror->db, plan->put, err);
}

static int remove_row(struct mirror *mirror, struct mirror_plan *plan, const struct value *values, struct error *err)
{
	if (plan->is_bag)
		bind_hash(plan->remove, 1, plan, values);
	else
		bind_columns(plan->remove, plan, plan->key_count, values);
	return db_step(mirror->db, plan->remove, err);
}

void plan_keep_row(struct mirror_plan *plan, sqlite3_stmt *stmt)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < plan->column_count; i++) {
		unsigned column = plan->columns[i];

		plan->fetched[column] = cell_value(stmt, (int)i, plan->table->columns[column].type);
		bytes += plan->fetched[column].text.len;
	}
	wr_clear(&plan->bytes);
	wr_reserve(&plan->bytes, bytes + 1);
	for (unsigned i = 0; i < plan->column_count; i++) {
		struct value *value = &plan->fetched[plan->columns[i]];

		if (!value->text.ptr)
			continue;
		wr_view_bytes(&plan->bytes, value->text);
		value->text.ptr = plan->bytes.data + plan->bytes.len - value->text.len;
	}
}

static bool same_key(const struct mirror_plan *plan, const struct value *a, const struct value *b)
{
	for (unsigned i = 0; i < plan->key_count; i++) {
		unsigned column = plan->columns[i];

		if (a[column].state != b[column].state)
			return false;
		if (a[column].state == VALUE_PRESENT && !value_same(plan->table->columns[column].type, &a[column], &b[column]))
			return false;
	}
	return true;
}

/*
 * Fetches a row into plan->fetched. Several ask for the same row of one change (to complete it, to see what it touched,
 * to apply it): only the first goes to the database, and what it was given stays valid for the others.
 */
static int fetch_row(struct mirror *mirror, struct mirror_plan *plan, const struct value *values, struct error *err)
{
	int found;

	if (plan->fetched_at == plan->mirrored->changes + 1 && same_key(plan, plan->fetched, values))
		return 1;
	plan->fetched_at = 0;
	bind_columns(plan->get, plan, plan->key_count, values);
	found = db_step(mirror->db, plan->get, err);
	if (found == 1) {
		plan_keep_row(plan, plan->get);
		sqlite3_reset(plan->get);
		plan->fetched_at = plan->mirrored->changes + 1;
	}
	return found;
}

int mirror_fetch(struct mirror *mirror, const struct table *table, const struct value *values, struct row *ret,
		 struct error *err)
{
	struct mirror_plan *plan;
	int found;

	if (mirror_get_plan(mirror, table, &plan, err) < 0)
		return -1;
	if (!plan || plan->is_bag || !mirror_is_kept(plan->mirrored->state))
		return 0;
	found = fetch_row(mirror, plan, values, err);
	if (found == 1)
		*ret = (struct row){IMAGE_FULL, plan->fetched};
	return found;
}

static bool is_whole(const struct mirror_plan *plan, const struct value *values)
{
	for (unsigned i = 0; i < plan->column_count; i++)
		if (!is_carried(&values[plan->columns[i]]))
			return false;
	return true;
}

static bool merge_from(struct mirror_plan *plan, const struct value *older)
{
	bool whole = true;

	for (unsigned i = 0; i < plan->column_count; i++) {
		unsigned column = plan->columns[i];

		if (!is_carried(&plan->merged[column]))
			plan->merged[column] = older[column];
		whole = whole && is_carried(&plan->merged[column]);
	}
	return whole;
}

/* The new row with what the change does not carry, in *ret; NULL: it is not known, and still to be loaded. */
static int complete_row(struct mirror *mirror, struct mirror_plan *plan, const struct change *change,
			const struct value **ret, struct error *err)
{
	int found;

	*ret = change->after.values;
	if (is_whole(plan, change->after.values))
		return 0;
	memcpy(plan->merged, change->after.values, sizeof(*plan->merged) * plan->table->column_count);
	*ret = plan->merged;
	if (change->before.image == IMAGE_FULL && merge_from(plan, change->before.values))
		return 0;
	found = plan->is_bag ? 0 : fetch_row(mirror, plan, mirror_old_key(change), err);
	if (found < 0)
		return -1;
	if (found == 1 && merge_from(plan, plan->fetched))
		return 0;
	*ret = NULL;
	if (plan->mirrored->state == MIRROR_LOADING)
		return 0;
	return error_set(err, ERROR_INTERNAL, "a change of table '%s.%s' leaves columns unchanged, but its row is not in "
			 "the mirror", plan->table->schema, plan->table->name);
}

static int apply_put(struct mirror *mirror, struct mirror_plan *plan, const struct change *change, struct error *err)
{
	return put_row(mirror, plan, change->after.values, err);
}

static int apply_update(struct mirror *mirror, struct mirror_plan *plan, const struct change *change, struct error *err)
{
	const struct value *old = mirror_old_key(change), *values;

	if (complete_row(mirror, plan, change, &values, err) < 0)
		return -1;
	if (!values)
		return remove_row(mirror, plan, old, err);
	if ((plan->is_bag || (old != change->after.values && !same_key(plan, old, values))) &&
	    remove_row(mirror, plan, old, err) < 0)
		return -1;
	return put_row(mirror, plan, values, err);
}

static int apply_delete(struct mirror *mirror, struct mirror_plan *plan, const struct change *change, struct error *err)
{
	return remove_row(mirror, plan, change->before.values, err);
}

/* In pieces, so that keepalives go on between them. */
static int empty_table(struct mirror *mirror, const struct mirror_plan *plan, struct error *err)
{
	sqlite3_stmt *stmt;
	int result;

	if (plan_prepare_piece(plan, mirror->db, &stmt, err) < 0)
		return -1;
	do {
		result = db_step(mirror->db, stmt, err);
		if (result == 0 && db_progress(mirror->db))
			result = error_set(err, ERROR_TRANSIENT, "interrupted while emptying table '%s'", plan->name);
	} while (result == 0 && sqlite3_changes(db_handle(mirror->db)) > 0);
	sqlite3_finalize(stmt);
	return result;
}

static int apply_truncate(struct mirror *mirror, struct mirror_plan *plan, const struct change *change,
			  struct error *err)
{
	(void)change;
	return empty_table(mirror, plan, err);
}

typedef int apply_function(struct mirror *mirror, struct mirror_plan *plan, const struct change *change,
			   struct error *err);

static apply_function *const apply_functions[] = {
	[CHANGE_INSERT] = apply_put,       [CHANGE_READ] = apply_put,
	[CHANGE_UPDATE] = apply_update,    [CHANGE_DELETE] = apply_delete,
	[CHANGE_TRUNCATE] = apply_truncate, [CHANGE_IDLE] = NULL,
};

int mirror_apply(struct mirror *mirror, const struct change *change, struct error *err)
{
	struct mirror_plan *plan;

	if (!apply_functions[change->op])
		return 0;
	if (mirror_get_plan(mirror, change->table, &plan, err) < 0)
		return -1;
	if (!plan || !mirror_is_kept(plan->mirrored->state))
		return 0;
	if (db_begin(mirror->db, err) < 0 || apply_functions[change->op](mirror, plan, change, err) < 0)
		return -1;
	plan->mirrored->changes++;
	return 0;
}
