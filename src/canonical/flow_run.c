/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Values along the instructions: each instruction changes the registers as it would when it runs, ways join, and
 * whatever has changed is gone through again. What a table of the statement's own can hold belongs to the table,
 * whenever it was put there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "flow.h"
#include "function_table.h"

#define LOOK_BACK 24 /* instructions in which the arguments of a function are made */

static int most(int a, int b)
{
	return a > b ? a : b;
}

struct record *flow_record(struct flow *flow, unsigned number)
{
	if (!flow->records[number])
		flow->records[number] = MEM_NEW(struct record);
	return flow->records[number];
}

static bool join(struct flow *flow, struct flow_value *into, const struct flow_value *from);

static void join_records(struct flow *flow, unsigned into, unsigned from)
{
	struct record *a = flow_record(flow, into), *b = flow_record(flow, from);

	for (int i = 0; i < RECORD_COLUMNS; i++)
		if (join(flow, &a->columns[i], &b->columns[i]))
			flow->changed = true;
}

/* Adds what `from` can be to what `into` can be; true if that changed it. */
static bool join(struct flow *flow, struct flow_value *into, const struct flow_value *from)
{
	struct flow_value old = *into;

	into->what |= from->what;
	if ((old.what & from->what & IS_COLUMN) && old.column != from->column)
		into->what = (uint16_t)((into->what & ~IS_COLUMN) | IS_OTHER);
	if (!old.column || !(old.what & (IS_COLUMN | IS_DECIMAL)))
		into->column = from->column ? from->column : old.column;
	for (int i = 0; i < CONSTANTS_MAX / 64; i++)
		into->constants[i] |= from->constants[i];
	if (!old.record)
		into->record = from->record;
	else if (from->record && from->record != old.record)
		join_records(flow, old.record - 1u, from->record - 1u);
	return old.what != into->what || old.column != into->column || old.record != into->record ||
	       memcmp(old.constants, into->constants, sizeof(old.constants)) != 0;
}

struct flow_value *flow_register(struct flow *flow, int number)
{
	return &flow->now[number >= 0 && number < flow->registers ? number : 0];
}

static void set(struct flow *flow, int number, const struct flow_value *value)
{
	struct flow_value copy = *value;

	*flow_register(flow, number) = copy;
}

static void set_what(struct flow *flow, int number, unsigned what)
{
	struct flow_value value = {.what = (uint16_t)what};

	set(flow, number, &value);
}

bool flow_is_decimal_column(const struct column *column)
{
	return column && (column->type.kind == TYPE_DECIMAL || column->type.kind == TYPE_DECIMAL_VARIABLE);
}

static struct flow_value column_value(const struct column *column)
{
	struct flow_value value = {.what = IS_OTHER};

	if (column) {
		value.what = (uint16_t)(IS_COLUMN | (flow_is_decimal_column(column) ? IS_DECIMAL : 0));
		value.column = column;
	}
	return value;
}

struct cursor *flow_cursor(struct flow *flow, int number)
{
	return &flow->cursors[number >= 0 && number < flow->cursor_count ? number : 0];
}

static bool writes(const struct instruction *op, int number)
{
	switch (op->kind) {
	case OP_COLUMN:
	case OP_FUNCTION:
	case OP_ARITHMETIC:
	case OP_CONCAT:
	case OP_OUT3:
		return op->p3 == number;
	case OP_COPY:
		return number >= op->p2 && number <= op->p2 + op->p3;
	case OP_MOVE:
		return number >= op->p2 && number < op->p2 + op->p3;
	case OP_SCOPY:
	case OP_CONSTANT:
	case OP_VARIABLE:
	case OP_OUT2:
		return op->p2 == number;
	default:
		return false;
	}
}

static bool was_written(const struct flow *flow, int pc, int number)
{
	for (int i = pc - 1; i >= 0 && i >= pc - LOOK_BACK; i--)
		if (writes(&flow->program[i], number))
			return true;
	return false;
}

struct call flow_call(const struct flow *flow, int pc)
{
	const struct instruction *op = &flow->program[pc];
	struct call call = {.first = op->p2};

	sscanf(op->p4, "%23[^(](%d", call.name, &call.count);
	if (call.count >= 0)
		return call;
	call.count = 0;
	while (was_written(flow, pc, call.first + call.count))
		call.count++;
	return call;
}

const struct flow_value *flow_decimal_argument(struct flow *flow, const struct call *call)
{
	for (int i = 0; i < call->count; i++)
		if (flow_register(flow, call->first + i)->what & IS_DECIMAL)
			return flow_register(flow, call->first + i);
	return NULL;
}

static struct flow_value call_result(struct flow *flow, const struct call *call)
{
	const struct allowed_function *function = function_allowed(call->name);
	const struct flow_value *decimal = flow_decimal_argument(flow, call);
	struct flow_value result = {.what = IS_OTHER};

	if (function && (function->use == DECIMAL_MADE || (function->use == DECIMAL_KEPT && decimal))) {
		result.what |= IS_DECIMAL;
		result.column = decimal ? decimal->column : NULL;
	}
	return result;
}

/* What instructions do -------------------------------------------------------------------------------------------- */

static void do_column(struct flow *flow, const struct instruction *op, int pc)
{
	const struct cursor *cursor = flow_cursor(flow, op->p1);
	struct flow_value value = {.what = IS_OTHER};
	unsigned record = cursor->record;

	(void)pc;
	if (cursor->tree) {
		value = column_value((unsigned)op->p2 < cursor->tree->column_count ? cursor->tree->columns[op->p2]
										   : NULL);
	} else {
		if (cursor->pseudo_register)
			record = flow_register(flow, cursor->pseudo_register)->record;
		if (record && op->p2 < RECORD_COLUMNS)
			value = flow_record(flow, record - 1)->columns[op->p2];
	}
	set(flow, op->p3, &value);
}

static void do_record(struct flow *flow, const struct instruction *op, int pc)
{
	struct record *record = flow_record(flow, (unsigned)pc);
	struct flow_value value = {.what = IS_OTHER, .record = (uint16_t)(pc + 1)};

	for (int i = 0; i < op->p2 && i < RECORD_COLUMNS; i++)
		if (join(flow, &record->columns[i], flow_register(flow, op->p1 + i)))
			flow->changed = true;
	set(flow, op->p3, &value);
}

void flow_open_tree(struct flow *flow, const struct instruction *op)
{
	struct cursor *cursor = flow_cursor(flow, op->p1);

	for (unsigned i = 0; i < flow->options->tree_count; i++)
		if (flow->options->trees[i].root_page == op->p2 && op->p3 == 0)
			cursor->tree = &flow->options->trees[i];
}

static void do_open_own(struct flow *flow, const struct instruction *op, int pc)
{
	struct cursor *cursor = flow_cursor(flow, op->p1);

	(void)pc;
	cursor->record = (unsigned)(flow->count + op->p1) + 1;
	cursor->key_info = op->p4;
}

static void do_insert(struct flow *flow, const struct instruction *op, int pc)
{
	const struct cursor *cursor = flow_cursor(flow, op->p1);
	unsigned record = flow_register(flow, op->p2)->record;

	(void)pc;
	if (cursor->record && record)
		join_records(flow, cursor->record - 1, record - 1);
}

static void do_variable(struct flow *flow, const struct instruction *op, int pc)
{
	const struct flow_options *options = flow->options;
	bool decimal = options->decimal_params && op->p1 >= 1 && (unsigned)op->p1 <= options->param_count &&
		       options->decimal_params[op->p1 - 1];

	(void)pc;
	set_what(flow, op->p2, IS_OTHER | (decimal ? IS_DECIMAL : 0));
}

static void do_constant(struct flow *flow, const struct instruction *op, int pc)
{
	struct flow_value value = {.what = IS_OTHER};

	(void)pc;
	if (op->constant >= 0) {
		value.what = IS_CONSTANT;
		value.constants[op->constant / 64] = UINT64_C(1) << op->constant % 64;
	}
	set(flow, op->p2, &value);
}

static void do_agg_step(struct flow *flow, const struct instruction *op, int pc)
{
	struct call call = flow_call(flow, pc);
	struct flow_value result = call_result(flow, &call);

	join(flow, flow_register(flow, op->p3), &result);
}

static void copy(struct flow *flow, int from, int to, int count)
{
	for (int i = 0; i < count; i++)
		set(flow, to + i, flow_register(flow, from + i));
}

static void do_copy(struct flow *flow, const struct instruction *op, int pc)
{
	(void)pc;
	copy(flow, op->p1, op->p2, op->p3 + 1);
}

static void do_scopy(struct flow *flow, const struct instruction *op, int pc)
{
	(void)pc;
	copy(flow, op->p1, op->p2, 1);
}

static void do_move(struct flow *flow, const struct instruction *op, int pc)
{
	(void)pc;
	copy(flow, op->p1, op->p2, op->p3);
}

static void do_null(struct flow *flow, const struct instruction *op, int pc)
{
	(void)pc;
	for (int i = op->p2; i <= most(op->p2, op->p3); i++)
		set_what(flow, i, IS_NULL);
}

static void do_out1(struct flow *flow, const struct instruction *op, int pc)
{
	(void)pc;
	set_what(flow, op->p1, IS_OTHER);
}

static void do_out2(struct flow *flow, const struct instruction *op, int pc)
{
	(void)pc;
	set_what(flow, op->p2, IS_OTHER);
}

static void do_out3(struct flow *flow, const struct instruction *op, int pc)
{
	(void)pc;
	set_what(flow, op->p3, IS_OTHER);
}

/* And and Or write p3, Not writes p2. */
static void do_logic(struct flow *flow, const struct instruction *op, int pc)
{
	(void)pc;
	set_what(flow, strcmp(op->name, "Not") == 0 ? op->p2 : op->p3, IS_OTHER);
}

static void do_sorter_data(struct flow *flow, const struct instruction *op, int pc)
{
	struct flow_value value = {.what = IS_OTHER, .record = (uint16_t)flow_cursor(flow, op->p1)->record};

	(void)pc;
	set(flow, op->p2, &value);
}

static void do_open_tree(struct flow *flow, const struct instruction *op, int pc)
{
	(void)pc;
	flow_open_tree(flow, op);
}

static void do_open_dup(struct flow *flow, const struct instruction *op, int pc)
{
	(void)pc;
	*flow_cursor(flow, op->p1) = *flow_cursor(flow, op->p2);
}

static void do_open_pseudo(struct flow *flow, const struct instruction *op, int pc)
{
	(void)pc;
	flow_cursor(flow, op->p1)->pseudo_register = op->p2;
}

static void do_function(struct flow *flow, const struct instruction *op, int pc)
{
	struct call call = flow_call(flow, pc);
	struct flow_value value = call_result(flow, &call);

	set(flow, op->p3, &value);
}

/* Count writes a register; the others of its kind move a cursor. */
static void do_walk(struct flow *flow, const struct instruction *op, int pc)
{
	(void)pc;
	if (strcmp(op->name, "Count") == 0)
		set_what(flow, op->p2, IS_OTHER);
}

typedef void do_kind(struct flow *flow, const struct instruction *op, int pc);

/* By kind; none: registers stay what they are. */
static do_kind *const kinds[OPCODE_KINDS] = {
	[OP_COPY] = do_copy,             [OP_SCOPY] = do_scopy,       [OP_MOVE] = do_move,
	[OP_CONSTANT] = do_constant,     [OP_SET_NULL] = do_null,     [OP_OUT1] = do_out1,
	[OP_OUT2] = do_out2,             [OP_OUT3] = do_out3,         [OP_COLUMN] = do_column,
	[OP_RECORD] = do_record,         [OP_INSERT] = do_insert,     [OP_SORTER_DATA] = do_sorter_data,
	[OP_OPEN] = do_open_tree,        [OP_OPEN_OWN] = do_open_own, [OP_OPEN_DUP] = do_open_dup,
	[OP_OPEN_PSEUDO] = do_open_pseudo, [OP_VARIABLE] = do_variable, [OP_FUNCTION] = do_function,
	[OP_AGG_STEP] = do_agg_step,     [OP_ARITHMETIC] = do_out3,   [OP_LOGIC] = do_logic,
	[OP_WALK] = do_walk,             [OP_CONCAT] = do_out3,
};

/* Changes flow->now as the instruction would. */
static void execute(struct flow *flow, int pc)
{
	const struct instruction *op = &flow->program[pc];

	if (kinds[op->kind])
		kinds[op->kind](flow, op, pc);
}

/* Where it goes --------------------------------------------------------------------------------------------------- */

static void arrive(struct flow *flow, int pc)
{
	struct flow_value *there;
	bool news;

	if (pc < 0 || pc >= flow->count)
		return;
	there = &flow->values[(size_t)pc * (size_t)flow->registers];
	news = !flow->reached[pc];
	flow->reached[pc] = true;
	for (int i = 0; i < flow->registers; i++)
		if (flow->now[i].what && join(flow, &there[i], &flow->now[i]))
			news = true;
	if (news)
		flow->queued[pc] = true;
}

/* To behind every instruction of this flow that uses the same register. */
static void arrive_behind(struct flow *flow, unsigned char kind, int number)
{
	for (int i = 0; i < flow->count; i++)
		if (flow->program[i].flow == kind && flow->program[i].p1 == number)
			arrive(flow, i + 1);
}

static void arrive_at_coroutine(struct flow *flow, int number)
{
	for (int i = 0; i < flow->count; i++)
		if (flow->program[i].flow == GO_COROUTINE && flow->program[i].p1 == number)
			arrive(flow, flow->program[i].p3);
}

static void arrive_at_end(struct flow *flow, int number)
{
	for (int i = 0; i < flow->count; i++)
		if (flow->program[i].flow == GO_YIELD && flow->program[i].p1 == number && flow->program[i].p2)
			arrive(flow, flow->program[i].p2);
}

static void leave(struct flow *flow, int pc)
{
	const struct instruction *op = &flow->program[pc];

	switch (op->flow) {
	case GO_P2:
		arrive(flow, op->p2 ? op->p2 : pc + 1);
		arrive(flow, pc + 1);
		break;
	case GO_ONLY_P2:
	case GO_COROUTINE:
	case GO_GOSUB:
		arrive(flow, op->p2 ? op->p2 : pc + 1);
		break;
	case GO_NOWHERE:
		break;
	case GO_ANY:
		arrive(flow, op->p1);
		arrive(flow, op->p2);
		arrive(flow, op->p3);
		break;
	case GO_RETURN:
		arrive_behind(flow, GO_GOSUB, op->p1);
		arrive(flow, pc + 1);
		break;
	case GO_YIELD:
		arrive_behind(flow, GO_YIELD, op->p1);
		arrive_at_coroutine(flow, op->p1);
		break;
	case GO_END:
		arrive_at_end(flow, op->p1);
		break;
	default:
		arrive(flow, pc + 1);
	}
}

static void step(struct flow *flow, int pc)
{
	flow->queued[pc] = false;
	memcpy(flow->now, &flow->values[(size_t)pc * (size_t)flow->registers],
	       sizeof(*flow->now) * (size_t)flow->registers);
	execute(flow, pc);
	leave(flow, pc);
}

void flow_run(struct flow *flow)
{
	bool busy = true;

	flow->reached[0] = flow->queued[0] = true;
	while (busy) {
		busy = false;
		for (int pc = 0; pc < flow->count; pc++) {
			if (flow->queued[pc]) {
				step(flow, pc);
				busy = true;
			}
		}
		if (!busy && flow->changed) {
			memcpy(flow->queued, flow->reached, sizeof(*flow->queued) * (size_t)flow->count);
			busy = true;
		}
		flow->changed = busy ? false : flow->changed;
	}
}
