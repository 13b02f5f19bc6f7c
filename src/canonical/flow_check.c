/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What would go wrong silently: an instruction that does with a decimal what it does with numbers, or compares it as
 * the text that it is. Each fault is reported once, with a remedy.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "flow.h"
#include "function_table.h"

static void fault(struct flow *flow, const struct flow_value *value, const char *before, const char *after)
{
	const struct column *column = value->column;
	struct flow_fault **link = &flow->faults;
	struct flow_fault *found = ARENA_NEW(flow->options->arena, struct flow_fault);
	char name[100] = "a computed decimal";

	if (flow_is_decimal_column(column))
		snprintf(name, sizeof(name), "decimal column '%s'", column->name);
	found->message = arena_printf(flow->options->arena, "%s%s%s", before, name, after).ptr;
	found->column = flow_is_decimal_column(column) ? column->name : NULL;
	for (; *link; link = &(*link)->next)
		if (strcmp((*link)->message, found->message) == 0)
			return;
	*link = found;
}

static const struct {
	const char *opcode, *remedy;
} arithmetic_remedies[] = {
	{"Add", " goes through binary floats; use dec_add()"},
	{"Subtract", " goes through binary floats; use dec_sub() or dec_neg()"},
	{"Multiply", " goes through binary floats; use dec_mul()"},
	{"Divide", " goes through binary floats; use dec_div()"},
};

static void check_arithmetic(struct flow *flow, const struct instruction *op, int pc)
{
	const struct flow_value *value = flow_register(flow, op->p1);
	const char *remedy = " goes through binary floats; there is no such operation on decimals";

	(void)pc;
	if (!(value->what & IS_DECIMAL))
		value = flow_register(flow, op->p2);
	if (!(value->what & IS_DECIMAL))
		return;
	for (size_t i = 0; i < sizeof(arithmetic_remedies) / sizeof(arithmetic_remedies[0]); i++)
		if (strcmp(arithmetic_remedies[i].opcode, op->name) == 0)
			remedy = arithmetic_remedies[i].remedy;
	fault(flow, value, "arithmetic on ", remedy);
}

/* Whether a value is a text, so that it can be compared with a decimal as it stands. */
static bool is_text(const struct flow *flow, const struct flow_value *value)
{
	if (value->what & IS_DECIMAL)
		return true;
	if (value->what & IS_OTHER)
		return false;
	if ((value->what & IS_COLUMN) && type_form(value->column->type) != FORM_TEXT)
		return false;
	for (int i = 0; i < flow->constant_count; i++)
		if ((value->constants[i / 64] >> i % 64 & 1) && flow->constants[i].kind != 's')
			return false;
	return true;
}

static void check_compare(struct flow *flow, const struct instruction *op, int pc)
{
	const struct flow_value *a = flow_register(flow, op->p3), *b = flow_register(flow, op->p1);
	const struct flow_value *decimal = a->what & IS_DECIMAL ? a : b, *other = decimal == a ? b : a;
	int affinity = op->p5 & AFFINITY_MASK;

	(void)pc;
	if (!(decimal->what & IS_DECIMAL) || other->what == IS_NULL)
		return;
	if (affinity >= AFFINITY_NUMERIC)
		fault(flow, decimal, "", " is compared with a binary number here; use dec_cmp()");
	else if (strncmp(op->p4, "DECIMAL", 7) != 0 || (affinity != AFFINITY_TEXT && !is_text(flow, other)))
		fault(flow, decimal, "", " is compared as text here; use dec_cmp()");
}

/* The collation of column i of "k(2,DECIMAL,B)". */
static bool key_is_decimal(const char *key_info, int i)
{
	const char *at = key_info;

	for (; i >= 0 && at; i--) {
		at = strchr(at, ',');
		at = at ? at + 1 : NULL;
	}
	if (at && *at == '-')
		at++;
	if (at && strncmp(at, "N.", 2) == 0)
		at += 2;
	return at && strncmp(at, "DECIMAL", 7) == 0;
}

static int key_count(const char *key_info)
{
	return key_info && strncmp(key_info, "k(", 2) == 0 ? atoi(key_info + 2) : 0;
}

#define ORDERED " is ordered, grouped or made distinct as text here; do that by the column itself"

static void check_compare_rows(struct flow *flow, const struct instruction *op, int pc)
{
	(void)pc;
	for (int i = 0; i < op->p3 && !(op->p5 & 1); i++) {
		const struct flow_value *value = flow_register(flow, op->p1 + i);

		if (!(value->what & IS_DECIMAL))
			value = flow_register(flow, op->p2 + i);
		if ((value->what & IS_DECIMAL) && !key_is_decimal(op->p4, i))
			fault(flow, value, "", ORDERED);
	}
}

void flow_check_tables(struct flow *flow)
{
	for (int c = 0; c < flow->cursor_count; c++) {
		const struct cursor *cursor = &flow->cursors[c];

		for (int i = 0; cursor->record && i < key_count(cursor->key_info) && i < RECORD_COLUMNS; i++) {
			const struct flow_value *value = &flow_record(flow, cursor->record - 1)->columns[i];

			if ((value->what & IS_DECIMAL) && !key_is_decimal(cursor->key_info, i))
				fault(flow, value, "", ORDERED);
		}
	}
}

/* IN (...): registers, or a record made of them, are looked up in a table of our own. */
static void check_found(struct flow *flow, const struct instruction *op, int pc)
{
	const struct cursor *cursor = flow_cursor(flow, op->p1);
	const struct record *record = NULL;
	int count = atoi(op->p4);

	(void)pc;
	if (!cursor->record)
		return;
	if (count == 0 && flow_register(flow, op->p3)->record) {
		record = flow_record(flow, flow_register(flow, op->p3)->record - 1u);
		count = key_count(cursor->key_info);
	}
	for (int i = 0; i < count && i < RECORD_COLUMNS; i++) {
		const struct flow_value *value = record ? &record->columns[i] : flow_register(flow, op->p3 + i);

		if ((value->what & IS_DECIMAL) && !key_is_decimal(cursor->key_info, i))
			fault(flow, value, "", " is compared as text here; use dec_cmp()");
	}
}

static void check_call(struct flow *flow, const struct instruction *op, int pc)
{
	struct call call = flow_call(flow, pc);
	const struct allowed_function *function = function_allowed(call.name);
	const struct flow_value *decimal = flow_decimal_argument(flow, &call);
	bool orders = strcasecmp(call.name, "min") == 0 || strcasecmp(call.name, "max") == 0;
	char before[60];

	if (!decimal || !function)
		return;
	snprintf(before, sizeof(before), "%s() of ", call.name);
	if (orders && op->kind == OP_FUNCTION)
		fault(flow, decimal, before, " compares texts; use dec_min() or dec_max()");
	else if (orders && !(pc > 0 && strncmp(flow->program[pc - 1].p4, "DECIMAL", 7) == 0))
		fault(flow, decimal, before, " compares texts; take it of the column itself");
	else if (function->use == DECIMAL_REFUSED)
		fault(flow, decimal, before, " would not be exact; use the dec_ functions");
}

static void check_cast(struct flow *flow, const struct instruction *op, int pc)
{
	const struct flow_value *value = flow_register(flow, op->p1);

	(void)pc;
	if ((value->what & IS_DECIMAL) && op->p2 >= AFFINITY_NUMERIC)
		fault(flow, value, "CAST of ", " to a number goes through binary floats; use dec_round()");
}

static void check_truth(struct flow *flow, int number)
{
	const struct flow_value *value = flow_register(flow, number);

	if (value->what & IS_DECIMAL)
		fault(flow, value, "", " is used as a condition; compare it with 0");
}

static void note_results(struct flow *flow, const struct instruction *op, int pc)
{
	(void)pc;
	for (unsigned i = 0; flow->results && i < flow->result_count && i < (unsigned)op->p2; i++) {
		const struct flow_value *value = flow_register(flow, op->p1 + (int)i);
		struct flow_result *result = &flow->results[i];

		result->may_be_null |= (value->what & IS_NULL) != 0;
		result->may_be_other |= (value->what & IS_OTHER) != 0 || value->what == 0;
		if ((value->what & IS_COLUMN) && result->column && result->column != value->column)
			result->may_be_other = true;
		if (value->what & IS_COLUMN)
			result->column = value->column;
		for (int word = 0; word < CONSTANTS_MAX / 64; word++)
			flow->came_out[i].constants[word] |= value->constants[word];
	}
}

static void check_condition(struct flow *flow, const struct instruction *op, int pc)
{
	(void)pc;
	check_truth(flow, op->p1);
}

static void check_logic(struct flow *flow, const struct instruction *op, int pc)
{
	(void)pc;
	check_truth(flow, op->p1);
	if (strcmp(op->name, "Not") != 0)
		check_truth(flow, op->p2);
}

typedef void check_kind(struct flow *flow, const struct instruction *op, int pc);

static check_kind *const checks[OPCODE_KINDS] = {
	[OP_ARITHMETIC] = check_arithmetic, [OP_COMPARE] = check_compare, [OP_COMPARE_ROWS] = check_compare_rows,
	[OP_FOUND] = check_found,           [OP_FUNCTION] = check_call,   [OP_AGG_STEP] = check_call,
	[OP_CAST] = check_cast,             [OP_LOGIC] = check_logic,     [OP_CONDITION] = check_condition,
	[OP_RESULT] = note_results,
};

void flow_check_instruction(struct flow *flow, int pc)
{
	const struct instruction *op = &flow->program[pc];

	if (checks[op->kind])
		checks[op->kind](flow, op, pc);
}
