/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Tries a rule on made-up new documents with no old one: every symbol of an enum, the rule's own literals, a few
 * numbers. A rule that never fires then cannot fire for a row that comes into the world in the state it waits for.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "compile.h"
#include "sql_tokens.h"

#define TRIALS_MAX 20000 /* combinations of new values tried for a rule */
#define VALUES_MAX 40

/* Values worth trying for a field: its symbols, or the rule's own literals, and null. Text, numbers read as such. */
struct trial {
	int parameter;
	unsigned count;
	struct token values[VALUES_MAX];
	const char *symbols[VALUES_MAX];
};

static void add_literals(const char *condition, struct trial *trial)
{
	const char *at = condition;
	struct token token;

	while ((token = token_next(&at)).kind != TOKEN_END)
		if ((token.kind == TOKEN_STRING || token.kind == TOKEN_NUMBER) && trial->count < VALUES_MAX)
			trial->values[trial->count++] = token;
}

static void add_values(const char *condition, const struct rule_field *field, struct trial *trial)
{
	static const char *const numbers[] = {"0", "1", "-1", "1000000"};

	if (field->type->kind == AVRO_ENUM) {
		for (unsigned i = 0; i < field->type->symbol_count && trial->count < VALUES_MAX; i++)
			trial->symbols[trial->count++] = field->type->symbols[i];
		return;
	}
	trial->count = 1; /* null */
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		trial->values[trial->count++] = (struct token){TOKEN_NUMBER, view_of(numbers[i])};
	if (field->type->kind != AVRO_BOOLEAN)
		add_literals(condition, trial);
}

static void bind_trial(sqlite3_stmt *stmt, const struct trial *trial, unsigned i)
{
	struct token token = trial->values[i];

	if (trial->symbols[i])
		sqlite3_bind_text(stmt, trial->parameter, trial->symbols[i], -1, SQLITE_STATIC);
	else if (token.kind == TOKEN_STRING)
		sqlite3_bind_text(stmt, trial->parameter, token.text.ptr + 1, (int)token.text.len - 2, SQLITE_STATIC);
	else if (token.kind == TOKEN_NUMBER)
		sqlite3_bind_int64(stmt, trial->parameter, strtoll(token.text.ptr, NULL, 10));
	else
		sqlite3_bind_null(stmt, trial->parameter);
}

static bool fires(sqlite3_stmt *stmt)
{
	bool fired = sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int(stmt, 0) != 0;

	sqlite3_reset(stmt);
	return fired;
}

static bool try_all(sqlite3_stmt *stmt, const struct trial *trials, unsigned count)
{
	if (count == 0)
		return fires(stmt);
	for (unsigned i = 0; i < trials->count; i++) {
		bind_trial(stmt, trials, i);
		if (try_all(stmt, trials + 1, count - 1))
			return true;
	}
	return false;
}

/* Of the fields that this rule looks at in the new document. False if they are too many to try. */
static bool make_trials(const struct entity_plan *plan, const char *condition, sqlite3_stmt *stmt,
			struct trial *trials, unsigned *ret_count)
{
	size_t product = 1;

	for (unsigned i = 0; i < plan->rules.field_count; i++) {
		const struct rule_field *field = &plan->rules.fields[i];
		struct trial *trial = &trials[*ret_count];
		char name[16];

		snprintf(name, sizeof(name), "?%d", field->parameters[1]);
		if (!field->parameters[1] || sqlite3_bind_parameter_index(stmt, name) == 0)
			continue;
		trial->parameter = field->parameters[1];
		add_values(condition, field, trial);
		product *= trial->count;
		if (product > TRIALS_MAX)
			return false;
		++*ret_count;
	}
	return *ret_count > 0;
}

/*
 * A row can be created straight in its target state: a rule that misses that loses events. Reversals are declared so.
 */
void rules_try(struct mapping *mapping, const struct entity_plan *plan, const char *condition, const char *sql,
	       const struct yaml_node *event)
{
	struct trial *trials = MEM_ARRAY(struct trial, plan->rules.field_count + 1);
	sqlite3_stmt *stmt = NULL;
	unsigned count = 0;

	if (sqlite3_prepare_v2(db_handle(mapping->scratch), sql, -1, &stmt, NULL) == SQLITE_OK &&
	    make_trials(plan, condition, stmt, trials, &count) && !try_all(stmt, trials, count))
		diag_warning(mapping->diag, event->key_at, "'%s' cannot fire for a row that is created straight in its "
			     "target state; allow for 'old' being NULL, or say what it 'reverses'", event->key);
	sqlite3_finalize(stmt);
	free(trials);
}
