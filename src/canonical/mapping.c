/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* A compiled mapping on a state file: its statements, prepared and finalized together. */
#include "canonical/mapping.h"

#include <stdlib.h>

#include "canonical/functions.h"
#include "compile.h"

typedef int statement_function(struct mapping *mapping, struct statement *statement, struct error *err);

static int each_row(struct mapping *mapping, struct row_plan *row, statement_function *each, struct error *err)
{
	if (each(mapping, &row->statement, err) < 0)
		return -1;
	for (struct row_plan *child = row->children; child; child = child->next)
		if (each_row(mapping, child, each, err) < 0)
			return -1;
	return 0;
}

static int each_statement(struct mapping *mapping, statement_function *each, struct error *err)
{
	for (unsigned i = 0; i < mapping->entity_count; i++) {
		struct entity_plan *plan = &mapping->plans[i];

		if (plan->document && each_row(mapping, plan->document, each, err) < 0)
			return -1;
		for (struct touch_rule *rule = plan->touches; rule; rule = rule->next)
			if (each(mapping, &rule->statement, err) < 0)
				return -1;
		if (each(mapping, &plan->rules.statement, err) < 0 || each(mapping, &plan->history.statement, err) < 0 ||
		    each(mapping, &plan->image, err) < 0)
			return -1;
	}
	return 0;
}

static int prepare(struct mapping *mapping, struct statement *statement, struct error *err)
{
	if (!statement->sql)
		return 0;
	return db_prepare(mapping->db, statement->sql, &statement->stmt, err);
}

static int finalize(struct mapping *mapping, struct statement *statement, struct error *err)
{
	(void)mapping;
	(void)err;
	sqlite3_finalize(statement->stmt);
	statement->stmt = NULL;
	return 0;
}

int mapping_open(struct mapping *mapping, struct db *db, struct error *err)
{
	mapping_close(mapping);
	mapping->db = db;
	if (functions_install(db, mapping->options.instance, err) < 0)
		return -1;
	return each_statement(mapping, prepare, err);
}

void mapping_close(struct mapping *mapping)
{
	struct error ignored = {0};

	if (mapping->db && each_statement(mapping, finalize, &ignored) < 0)
		abort();
	mapping->db = NULL;
}

void mapping_free(struct mapping *mapping)
{
	if (!mapping)
		return;
	mapping_close(mapping);
	wr_done(&mapping->text);
	arena_done(&mapping->arena);
	free(mapping);
}
