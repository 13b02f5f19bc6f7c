/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Which tables are mirrored, how each stands, and what becomes of it: created when first declared, compared with what
 * the state file remembers, emptied to be loaded again.
 */
#include "state/mirror.h"

#include <stdlib.h>

#include "base/memory.h"
#include "mirror_plan.h"
#include "query.h"

const char *const mirror_state_names[] = {"not mirrored", "loading", "whole", "incomplete", "stale"};

/*
 * Table versions stay known; their tables may be gone with the transaction, so they are declared again when next used.
 */
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
	if (!mirror_is_kept(mirrored->state)) {
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
	if (mirror_is_kept(mirrored->state))
		mirrored->state = MIRROR_INCOMPLETE;
	return note_difference(mirror, mirrored, err);
}

int mirror_fits(struct mirror *mirror, const struct table *table, bool *ret_fits, struct error *err)
{
	struct mirrored *mirrored = find_mirrored(mirror, table->schema, table->name), now = {.state = MIRROR_NONE};
	struct error missing = {0};
	bool known = false;

	*ret_fits = true;
	if (!mirrored)
		return 0;
	now.need = mirrored->need;
	if (shape_load_state(mirror->db, &now, &known, err) < 0)
		return -1;
	if (!known)
		return 0;
	now.state = MIRROR_WHOLE;
	if (shape_compare(mirror->db, table, &now, err) < 0)
		return -1;
	*ret_fits = now.state == MIRROR_WHOLE && check_table(table, mirrored->need, &missing) == 0;
	return 0;
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

int mirror_get_plan(struct mirror *mirror, const struct table *table, struct mirror_plan **ret, struct error *err)
{
	*ret = table->uid < mirror->plan_count ? mirror->plans[table->uid] : NULL;
	if (!*ret || (*ret)->ready)
		return 0;
	return declare(mirror, *ret, err);
}

int mirror_each_row(struct mirror *mirror, const struct table *table,
		    int (*each)(void *arg, const struct row *row, struct error *err), void *arg, struct error *err)
{
	struct mirror_plan *plan;
	sqlite3_stmt *stmt;
	int found, result = 0;

	if (mirror_get_plan(mirror, table, &plan, err) < 0)
		return -1;
	if (!plan || !mirror_is_kept(plan->mirrored->state))
		return 0;
	if (plan_prepare_walk(plan, mirror->db, &stmt, err) < 0)
		return -1;
	while (result == 0 && (found = db_step(mirror->db, stmt, err)) == 1) {
		plan->fetched_at = 0;
		plan_keep_row(plan, stmt);
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

	if (mirror_get_plan(mirror, table, &plan, err) < 0)
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

	if (mirror_get_plan(mirror, table, &plan, err) < 0)
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
	if (mirror_get_plan(mirror, table, &plan, err) < 0)
		return -1;
	if (!plan || !mirror_is_kept(plan->mirrored->state))
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
