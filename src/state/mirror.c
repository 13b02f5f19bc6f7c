/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Applies changes to the mirrored tables. A row is written by one statement that replaces it whole; what a change does not
 * carry is filled in first, from the before image or from the mirror itself. Nothing is allocated per row.
 */
#include "state/mirror.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"
#include "mirror_plan.h"
#include "query.h"
#include "state/cell.h"

const char *const mirror_state_names[] = {"not mirrored", "loading", "whole", "incomplete", "stale"};

struct mirror {
	struct db *db;
	struct mirrored *mirrored;
	unsigned mirrored_count;
	struct mirror_plan **plans; /* by uid of the table version; NULL: not mirrored, or not declared */
	unsigned plan_count;
};

/* Table versions stay known; their tables may be gone with the transaction, so they are declared again when next used. */
static void forget(void *arg)
{
	struct mirror *mirror = arg;

	for (unsigned i = 0; i < mirror->plan_count; i++)
		if (mirror->plans[i])
			plan_unprepare(mirror->plans[i]);
	for (unsigned i = 0; i < mirror->mirrored_count; i++)
		mirror->mirrored[i].changes++;
}

static void drop_plans(struct mirror *mirror)
{
	for (unsigned i = 0; i < mirror->plan_count; i++)
		plan_free(mirror->plans[i]);
	free(mirror->plans);
	mirror->plans = NULL;
	mirror->plan_count = 0;
}

int mirror_set_needs(struct mirror *mirror, const struct mirror_need *needs, unsigned count, struct error *err)
{
	bool known;

	drop_plans(mirror);
	free(mirror->mirrored);
	mirror->mirrored = MEM_ARRAY(struct mirrored, count + 1);
	mirror->mirrored_count = count;
	for (unsigned i = 0; i < count; i++) {
		mirror->mirrored[i].need = &needs[i];
		if (shape_load_state(mirror->db, &mirror->mirrored[i], &known, err) < 0)
			return -1;
	}
	return 0;
}

int mirror_open(struct db *db, const struct mirror_need *needs, unsigned count, struct mirror **ret, struct error *err)
{
	struct mirror *mirror = MEM_NEW(struct mirror);

	mirror->db = db;
	db_on_rollback(db, forget, mirror);
	if (mirror_set_needs(mirror, needs, count, err) < 0) {
		mirror_close(mirror);
		return -1;
	}
	*ret = mirror;
	return 0;
}

void mirror_close(struct mirror *mirror)
{
	if (!mirror)
		return;
	db_off_rollback(mirror->db, mirror);
	drop_plans(mirror);
	free(mirror->mirrored);
	free(mirror);
}

static struct mirrored *find_mirrored(struct mirror *mirror, const char *schema, const char *name)
{
	for (unsigned i = 0; i < mirror->mirrored_count; i++) {
		const struct mirror_need *need = mirror->mirrored[i].need;

		if (strcmp(need->name, name) == 0 && strcmp(need->schema, schema) == 0)
			return &mirror->mirrored[i];
	}
	return NULL;
}

static void put_plan(struct mirror *mirror, struct mirror_plan *plan)
{
	unsigned uid = plan->table->uid;

	if (uid >= mirror->plan_count) {
		unsigned count = uid + 16;

		mirror->plans = mem_resize(mirror->plans, count, sizeof(*mirror->plans));
		memset(mirror->plans + mirror->plan_count, 0, sizeof(*mirror->plans) * (count - mirror->plan_count));
		mirror->plan_count = count;
	}
	plan_free(mirror->plans[uid]);
	mirror->plans[uid] = plan;
}

static int create_table(struct mirror *mirror, struct mirror_plan *plan, struct error *err)
{
	if (plan_create_table(plan, mirror->db, err) < 0)
		return -1;
	plan->mirrored->state = MIRROR_LOADING;
	plan->mirrored->reason[0] = '\0';
	return shape_save(mirror->db, plan, MIRROR_LOADING, err);
}

static bool is_kept(enum mirror_state state)
{
	return state == MIRROR_LOADING || state == MIRROR_WHOLE;
}

/* What is wrong is remembered; INCOMPLETE is not, since it goes when the pack goes back. */
static int note_difference(struct mirror *mirror, struct mirrored *mirrored, struct error *err)
{
	if (mirrored->state != MIRROR_STALE)
		return 0;
	return shape_set_state(mirror->db, mirrored->need, MIRROR_STALE, mirrored->reason, err);
}

static int declare(struct mirror *mirror, struct mirror_plan *plan, struct error *err)
{
	struct mirrored *mirrored = plan->mirrored;
	bool known;

	if (shape_load_state(mirror->db, mirrored, &known, err) < 0)
		return -1;
	if (!known) {
		if (create_table(mirror, plan, err) < 0)
			return -1;
	} else if (shape_compare(mirror->db, plan->table, mirrored, err) < 0 ||
		   note_difference(mirror, mirrored, err) < 0) {
		return -1;
	}
	if (!is_kept(mirrored->state)) {
		plan->ready = true;
		return 0;
	}
	if (plan_create_indexes(plan, mirror->db, err) < 0)
		return -1;
	return plan_prepare(plan, mirror->db, err);
}

static int check_table(const struct table *table, const struct mirror_need *need, struct error *err)
{
	unsigned *key = MEM_ARRAY(unsigned, table->column_count + 1), key_count;
	int result = plan_key_columns(table, key, &key_count);

	free(key);
	if (result < 0) {
		error_state(err, STATE_UNSUPPORTED, "table '%s.%s' is needed by a mapping, but has no replica identity",
			    table->schema, table->name);
		return error_hint(err, "ALTER TABLE %s.%s REPLICA IDENTITY FULL, or give it a primary key", table->schema,
				  table->name);
	}
	for (unsigned i = 0; i < need->column_count; i++)
		if (table_column(table, need->columns[i]) < 0)
			return error_state(err, STATE_MIRROR_INCOMPLETE,
					   "column '%s' of table '%s.%s' is needed by a mapping, but does not exist",
					   need->columns[i], table->schema, table->name);
	return 0;
}

/* A plan of a version whose needed columns are not all there serves nothing but to say so. */
static int declare_without_columns(struct mirror *mirror, struct mirrored *mirrored, const struct table *table,
				   struct error *err)
{
	struct error missing = {0};
	bool known;

	if (shape_load_state(mirror->db, mirrored, &known, err) < 0)
		return -1;
	if (check_table(table, mirrored->need, &missing) == 0)
		return 0;
	if (!known || missing.state != STATE_MIRROR_INCOMPLETE) {
		*err = missing;
		return -1;
	}
	if (shape_compare(mirror->db, table, mirrored, err) < 0)
		return -1;
	if (is_kept(mirrored->state))
		mirrored->state = MIRROR_INCOMPLETE;
	return note_difference(mirror, mirrored, err);
}

int mirror_declare(struct mirror *mirror, const struct table *table, enum mirror_state *ret_state, struct error *err)
{
	struct mirrored *mirrored = find_mirrored(mirror, table->schema, table->name);
	struct mirror_plan *plan;

	if (ret_state)
		*ret_state = MIRROR_NONE;
	if (!mirrored)
		return 0;
	if (declare_without_columns(mirror, mirrored, table, err) < 0)
		return -1;
	plan = plan_new(table, mirrored->need);
	plan->mirrored = mirrored;
	put_plan(mirror, plan);
	if (declare(mirror, plan, err) < 0)
		return -1;
	if (ret_state)
		*ret_state = mirrored->state;
	return 0;
}

enum mirror_state mirror_table_state(const struct mirror *mirror, const struct table *table)
{
	if (table->uid >= mirror->plan_count || !mirror->plans[table->uid])
		return MIRROR_NONE;
	return mirror->plans[table->uid]->mirrored->state;
}

enum mirror_state mirror_state_of(struct mirror *mirror, const char *schema, const char *name, const char **ret_reason)
{
	struct mirrored *mirrored = find_mirrored(mirror, schema, name);

	if (ret_reason)
		*ret_reason = mirrored ? mirrored->reason : "";
	return mirrored ? mirrored->state : MIRROR_NONE;
}

/* The plan of a declared version, declared again if a rollback was since; *ret NULL: not mirrored. */
static int get_plan(struct mirror *mirror, const struct table *table, struct mirror_plan **ret, struct error *err)
{
	*ret = table->uid < mirror->plan_count ? mirror->plans[table->uid] : NULL;
	if (!*ret || (*ret)->ready)
		return 0;
	return declare(mirror, *ret, err);
}

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
 * Two 64-bit hashes over the mirrored values: with one, two of some billion rows could be taken for the same. Written as
 * state, length and bytes of each value, so that no two rows write the same.
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

/* Copies the row at which `get` stands into plan->fetched; texts move to the plan's own bytes. */
static void keep_row(struct mirror_plan *plan, sqlite3_stmt *stmt)
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

static bool same_value(struct type type, const struct value *a, const struct value *b)
{
	if (a->state != b->state)
		return false;
	switch (type_form(type)) {
	case FORM_INTEGER:
		return a->integer == b->integer;
	case FORM_REAL:
		return a->real == b->real;
	default:
		return view_equal(a->text, b->text);
	}
}

static bool same_key(const struct mirror_plan *plan, const struct value *a, const struct value *b)
{
	for (unsigned i = 0; i < plan->key_count; i++) {
		unsigned column = plan->columns[i];

		if (!same_value(plan->table->columns[column].type, &a[column], &b[column]))
			return false;
	}
	return true;
}

/*
 * Fetches a row into plan->fetched. Several ask for the same row of one change (to complete it, to see what it touched, to
 * apply it): only the first goes to the database, and what it was given stays valid for the others.
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
		keep_row(plan, plan->get);
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

	if (get_plan(mirror, table, &plan, err) < 0)
		return -1;
	if (!plan || plan->is_bag || !is_kept(plan->mirrored->state))
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

/* The new row with what the change does not carry, in *ret. */
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
	if (get_plan(mirror, change->table, &plan, err) < 0)
		return -1;
	if (!plan || !is_kept(plan->mirrored->state))
		return 0;
	if (db_begin(mirror->db, err) < 0 || apply_functions[change->op](mirror, plan, change, err) < 0)
		return -1;
	plan->mirrored->changes++;
	return 0;
}

int mirror_each_row(struct mirror *mirror, const struct table *table,
		    int (*each)(void *arg, const struct row *row, struct error *err), void *arg, struct error *err)
{
	struct mirror_plan *plan;
	sqlite3_stmt *stmt;
	int found, result = 0;

	if (get_plan(mirror, table, &plan, err) < 0)
		return -1;
	if (!plan || !is_kept(plan->mirrored->state))
		return 0;
	if (plan_prepare_walk(plan, mirror->db, &stmt, err) < 0)
		return -1;
	while (result == 0 && (found = db_step(mirror->db, stmt, err)) == 1) {
		plan->fetched_at = 0;
		keep_row(plan, stmt);
		result = each(arg, &(struct row){IMAGE_FULL, plan->fetched}, err);
	}
	sqlite3_finalize(stmt);
	return result ? result : found;
}

static int drop_table(struct mirror *mirror, const struct mirror_plan *plan, struct error *err)
{
	char *sql = sqlite3_mprintf("DROP TABLE IF EXISTS \"%w\"", plan->name);
	int result = query_run(mirror->db, sql, err, "");

	sqlite3_free(sql);
	return result;
}

/* Statements on a table that is dropped would be in its way. */
static void unprepare_table(struct mirror *mirror, const struct mirrored *mirrored)
{
	for (unsigned i = 0; i < mirror->plan_count; i++)
		if (mirror->plans[i] && mirror->plans[i]->mirrored == mirrored)
			plan_unprepare(mirror->plans[i]);
}

int mirror_reload(struct mirror *mirror, const struct table *table, struct error *err)
{
	struct mirror_plan *plan;

	if (get_plan(mirror, table, &plan, err) < 0)
		return -1;
	if (!plan)
		return 0;
	if (check_table(table, plan->mirrored->need, err) < 0)
		return -1;
	unprepare_table(mirror, plan->mirrored);
	if (shape_forget(mirror->db, plan->mirrored->need, err) < 0 || drop_table(mirror, plan, err) < 0)
		return -1;
	return declare(mirror, plan, err);
}

int mirror_loaded(struct mirror *mirror, const struct table *table, struct error *err)
{
	struct mirror_plan *plan;

	if (get_plan(mirror, table, &plan, err) < 0)
		return -1;
	if (!plan || plan->mirrored->state != MIRROR_LOADING)
		return 0;
	plan->mirrored->state = MIRROR_WHOLE;
	return shape_set_state(mirror->db, plan->mirrored->need, MIRROR_WHOLE, "", err);
}

int mirror_count(struct mirror *mirror, const struct table *table, uint64_t *ret_rows, struct error *err)
{
	struct mirror_plan *plan;
	int64_t rows = 0;
	char *sql;
	int found;

	*ret_rows = 0;
	if (get_plan(mirror, table, &plan, err) < 0)
		return -1;
	if (!plan || !is_kept(plan->mirrored->state))
		return 0;
	sql = sqlite3_mprintf("SELECT count(*) FROM \"%w\"", plan->name);
	found = query_number(mirror->db, sql, &rows, err, "");
	sqlite3_free(sql);
	*ret_rows = (uint64_t)rows;
	return found < 0 ? -1 : 0;
}

int mirror_create(struct db *db, const struct table *table, const struct mirror_need *need, struct error *err)
{
	struct mirrored mirrored = {.need = need};
	struct mirror_plan *plan;
	int result;

	if (check_table(table, need, err) < 0)
		return -1;
	plan = plan_new(table, need);
	plan->mirrored = &mirrored;
	result = plan_create_table(plan, db, err);
	if (result == 0)
		result = plan_create_indexes(plan, db, err);
	plan_free(plan);
	return result;
}
