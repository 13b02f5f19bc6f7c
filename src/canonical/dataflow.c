/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Abstract interpretation of a statement's program. A register holds what can have come there: null, constants, columns,
 * something computed, a decimal. Values flow along the instructions, and join where ways meet, until nothing changes; then
 * each instruction is looked at once with what its registers can hold. Where an instruction is not known, values are lost,
 * never invented: a fault that is reported is one.
 *
 * Registers are reused by SQLite for one expression after the other, so what a register holds is asked for each instruction.
 */
#include "dataflow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "function_table.h"

#define CONSTANTS_MAX 256
#define RECORD_COLUMNS 128 /* columns beyond are not followed */
#define LOOK_BACK 24       /* instructions in which the arguments of a function are made */

#define AFFINITY_MASK 0x47
#define AFFINITY_TEXT 0x42
#define AFFINITY_NUMERIC 0x43

enum { IS_NULL = 1, IS_OTHER = 2, IS_COLUMN = 4, IS_CONSTANT = 8, IS_DECIMAL = 16 };

struct flow_value {
	uint16_t what;
	uint16_t record;              /* number of a record + 1: the register holds a row */
	const struct column *column;  /* IS_COLUMN: which; IS_DECIMAL: where it came from, NULL = computed */
	uint64_t constants[CONSTANTS_MAX / 64];
};

enum opcode_kind {
	OP_NONE, OP_COPY, OP_SCOPY, OP_MOVE, OP_CONSTANT, OP_SET_NULL, OP_OUT1, OP_OUT2, OP_OUT3, OP_COLUMN, OP_RECORD,
	OP_INSERT, OP_SORTER_DATA, OP_OPEN, OP_OPEN_OWN, OP_OPEN_DUP, OP_OPEN_PSEUDO, OP_VARIABLE, OP_FUNCTION, OP_AGG_STEP,
	OP_AGG_FINAL, OP_CAST, OP_ARITHMETIC, OP_COMPARE, OP_COMPARE_ROWS, OP_LOGIC, OP_CONDITION, OP_FOUND, OP_WALK,
	OP_RESULT, OP_CONCAT,
};

enum opcode_flow { GO_ON, GO_P2, GO_ONLY_P2, GO_NOWHERE, GO_ANY, GO_GOSUB, GO_RETURN, GO_YIELD, GO_COROUTINE, GO_END };

struct opcode {
	const char *name;
	unsigned char kind;
	unsigned char flow;
};

/* In order of names. What is not here writes nothing that matters and goes on to the next instruction. */
static const struct opcode opcodes[] = {
	{"Add", OP_ARITHMETIC, GO_ON}, {"AddImm", OP_OUT1, GO_ON}, {"AggFinal", OP_AGG_FINAL, GO_ON},
	{"AggInverse", OP_AGG_STEP, GO_ON}, {"AggStep", OP_AGG_STEP, GO_ON}, {"AggStep1", OP_AGG_STEP, GO_ON},
	{"AggValue", OP_OUT3, GO_ON}, {"And", OP_LOGIC, GO_ON}, {"BitAnd", OP_ARITHMETIC, GO_ON},
	{"BitNot", OP_OUT2, GO_ON}, {"BitOr", OP_ARITHMETIC, GO_ON}, {"Blob", OP_OUT2, GO_ON}, {"Cast", OP_CAST, GO_ON},
	{"Column", OP_COLUMN, GO_ON}, {"Compare", OP_COMPARE_ROWS, GO_ON}, {"Concat", OP_CONCAT, GO_ON},
	{"Copy", OP_COPY, GO_ON}, {"Count", OP_WALK, GO_ON}, {"DecrJumpZero", OP_NONE, GO_P2},
	{"Divide", OP_ARITHMETIC, GO_ON}, {"ElseEq", OP_NONE, GO_P2}, {"ElseNotEq", OP_NONE, GO_P2},
	{"EndCoroutine", OP_NONE, GO_END}, {"Eq", OP_COMPARE, GO_P2}, {"Filter", OP_NONE, GO_P2},
	{"Found", OP_FOUND, GO_P2}, {"Function", OP_FUNCTION, GO_ON}, {"Ge", OP_COMPARE, GO_P2},
	{"Gosub", OP_NONE, GO_GOSUB}, {"Goto", OP_NONE, GO_ONLY_P2}, {"Gt", OP_COMPARE, GO_P2},
	{"Halt", OP_NONE, GO_NOWHERE}, {"IdxGE", OP_NONE, GO_P2}, {"IdxGT", OP_NONE, GO_P2},
	{"IdxInsert", OP_INSERT, GO_ON}, {"IdxLE", OP_NONE, GO_P2}, {"IdxLT", OP_NONE, GO_P2},
	{"IdxRowid", OP_OUT2, GO_ON}, {"If", OP_CONDITION, GO_P2}, {"IfNoHope", OP_NONE, GO_P2},
	{"IfNot", OP_CONDITION, GO_P2}, {"IfNotOpen", OP_NONE, GO_P2}, {"IfNotZero", OP_NONE, GO_P2},
	{"IfNullRow", OP_NONE, GO_P2}, {"IfPos", OP_NONE, GO_P2}, {"IfSmaller", OP_NONE, GO_P2}, {"Init", OP_NONE, GO_P2},
	{"InitCoroutine", OP_NONE, GO_COROUTINE}, {"Insert", OP_INSERT, GO_ON}, {"Int64", OP_CONSTANT, GO_ON},
	{"IntCopy", OP_OUT2, GO_ON}, {"Integer", OP_CONSTANT, GO_ON}, {"IsNull", OP_NONE, GO_P2},
	{"IsNullOrType", OP_NONE, GO_P2}, {"IsTrue", OP_OUT2, GO_ON}, {"IsType", OP_NONE, GO_P2}, {"Jump", OP_NONE, GO_ANY},
	{"Last", OP_WALK, GO_P2}, {"Le", OP_COMPARE, GO_P2}, {"Lt", OP_COMPARE, GO_P2}, {"Move", OP_MOVE, GO_ON},
	{"Multiply", OP_ARITHMETIC, GO_ON}, {"MustBeInt", OP_OUT1, GO_P2}, {"Ne", OP_COMPARE, GO_P2},
	{"NewRowid", OP_OUT2, GO_ON}, {"Next", OP_NONE, GO_P2}, {"NoConflict", OP_FOUND, GO_P2}, {"Not", OP_LOGIC, GO_ON},
	{"NotExists", OP_NONE, GO_P2}, {"NotFound", OP_FOUND, GO_P2}, {"NotNull", OP_NONE, GO_P2},
	{"Null", OP_SET_NULL, GO_ON}, {"Once", OP_NONE, GO_P2}, {"OpenAutoindex", OP_OPEN_OWN, GO_ON},
	{"OpenDup", OP_OPEN_DUP, GO_ON}, {"OpenEphemeral", OP_OPEN_OWN, GO_ON}, {"OpenPseudo", OP_OPEN_PSEUDO, GO_ON},
	{"OpenRead", OP_OPEN, GO_ON}, {"Or", OP_LOGIC, GO_ON}, {"Prev", OP_NONE, GO_P2}, {"PureFunc", OP_FUNCTION, GO_ON},
	{"Real", OP_CONSTANT, GO_ON}, {"Remainder", OP_ARITHMETIC, GO_ON}, {"ReopenIdx", OP_OPEN, GO_ON},
	{"ResultRow", OP_RESULT, GO_ON}, {"Return", OP_NONE, GO_RETURN}, {"Rewind", OP_WALK, GO_P2},
	{"RowData", OP_OUT2, GO_ON}, {"RowSetRead", OP_OUT3, GO_P2}, {"RowSetTest", OP_NONE, GO_P2},
	{"Rowid", OP_OUT2, GO_ON}, {"SCopy", OP_SCOPY, GO_ON}, {"SeekGE", OP_NONE, GO_P2}, {"SeekGT", OP_NONE, GO_P2},
	{"SeekLE", OP_NONE, GO_P2}, {"SeekLT", OP_NONE, GO_P2}, {"SeekRowid", OP_NONE, GO_P2},
	{"SeekScan", OP_NONE, GO_P2}, {"Sequence", OP_OUT2, GO_ON}, {"ShiftLeft", OP_ARITHMETIC, GO_ON},
	{"ShiftRight", OP_ARITHMETIC, GO_ON}, {"SoftNull", OP_NONE, GO_ON}, {"Sort", OP_NONE, GO_P2},
	{"SorterData", OP_SORTER_DATA, GO_ON}, {"SorterInsert", OP_INSERT, GO_ON}, {"SorterNext", OP_NONE, GO_P2},
	{"SorterOpen", OP_OPEN_OWN, GO_ON}, {"SorterSort", OP_NONE, GO_P2}, {"String", OP_CONSTANT, GO_ON},
	{"String8", OP_CONSTANT, GO_ON}, {"Subtract", OP_ARITHMETIC, GO_ON}, {"VColumn", OP_OUT3, GO_ON},
	{"VFilter", OP_NONE, GO_P2}, {"VNext", OP_NONE, GO_P2}, {"Variable", OP_VARIABLE, GO_ON},
	{"Yield", OP_NONE, GO_YIELD}, {"ZeroOrNull", OP_OUT2, GO_ON}, {"MakeRecord", OP_RECORD, GO_ON},
};

struct instruction {
	const char *name;
	unsigned char kind, flow;
	int p1, p2, p3, p5;
	const char *p4;
	int constant; /* its number, or -1 */
};

struct cursor {
	const struct flow_tree *tree;
	int pseudo_register;   /* 0: none */
	unsigned record;       /* what an own table's rows hold */
	const char *key_info;  /* of an own table or sorter: "k(2,DECIMAL,B)" */
};

struct record {
	struct flow_value columns[RECORD_COLUMNS];
};

struct flow {
	const struct flow_options *options;
	struct instruction *program;
	int count;
	int registers;
	struct flow_value *values;   /* before each instruction: values[pc * registers + register] */
	bool *reached;
	bool *queued;
	struct cursor *cursors;
	int cursor_count;
	struct record **records;     /* by instruction, then by cursor */
	struct flow_constant constants[CONSTANTS_MAX];
	int constant_count;
	struct flow_value *now;      /* the registers at the instruction in hand */
	bool changed;                /* something outside of registers has */
	struct flow_fault *faults;
	struct flow_result *results;
	unsigned result_count;
};

/* Loading --------------------------------------------------------------------------------------------------------- */

static const char *copy_column(struct flow *flow, sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return arena_copy(flow->options->arena, view_of(text ? text : "")).ptr;
}

static void set_opcode(struct instruction *op)
{
	for (size_t i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++) {
		if (strcmp(opcodes[i].name, op->name) == 0) {
			op->kind = opcodes[i].kind;
			op->flow = opcodes[i].flow;
			return;
		}
	}
}

static void add_constant(struct flow *flow, struct instruction *op)
{
	struct flow_constant constant = {'s', op->p4};

	op->constant = -1;
	if (op->kind != OP_CONSTANT || flow->constant_count == CONSTANTS_MAX)
		return;
	if (strcmp(op->name, "Real") == 0)
		constant.kind = 'r';
	else if (strncmp(op->name, "Int", 3) == 0)
		constant.kind = 'i';
	if (strcmp(op->name, "Integer") == 0)
		constant.text = arena_printf(flow->options->arena, "%d", op->p1).ptr;
	op->constant = flow->constant_count;
	flow->constants[flow->constant_count++] = constant;
}

static int most(int a, int b)
{
	return a > b ? a : b;
}

static void load_instruction(struct flow *flow, sqlite3_stmt *stmt)
{
	struct instruction *op = &flow->program[flow->count++];

	op->name = copy_column(flow, stmt, 1);
	op->p1 = sqlite3_column_int(stmt, 2);
	op->p2 = sqlite3_column_int(stmt, 3);
	op->p3 = sqlite3_column_int(stmt, 4);
	op->p4 = copy_column(flow, stmt, 5);
	op->p5 = sqlite3_column_int(stmt, 6);
	set_opcode(op);
	add_constant(flow, op);
	flow->registers = most(flow->registers, most(op->p1, most(op->p2, op->p3)));
	flow->cursor_count = most(flow->cursor_count, op->p1 + 1);
}

/* Registers are at most the largest operand; a range beyond it is cut off by get_register. */
static int load(struct flow *flow)
{
	char *sql = mem_printf("EXPLAIN %s", flow->options->sql);
	sqlite3_stmt *stmt;
	int capacity = 0, code = sqlite3_prepare_v2(flow->options->handle, sql, -1, &stmt, NULL);

	free(sql);
	if (code != SQLITE_OK)
		return -1;
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		if (flow->count == capacity) {
			capacity = capacity * 2 + 64;
			flow->program = mem_resize(flow->program, (size_t)capacity, sizeof(*flow->program));
			memset(flow->program + flow->count, 0,
			       sizeof(*flow->program) * (size_t)(capacity - flow->count));
		}
		load_instruction(flow, stmt);
	}
	sqlite3_finalize(stmt);
	flow->registers += 64;
	return 0;
}

/* Values ---------------------------------------------------------------------------------------------------------- */

static struct record *get_record(struct flow *flow, unsigned number)
{
	if (!flow->records[number])
		flow->records[number] = MEM_NEW(struct record);
	return flow->records[number];
}

static bool join(struct flow *flow, struct flow_value *into, const struct flow_value *from);

static void join_records(struct flow *flow, unsigned into, unsigned from)
{
	struct record *a = get_record(flow, into), *b = get_record(flow, from);

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

static struct flow_value *get_register(struct flow *flow, int number)
{
	return &flow->now[number >= 0 && number < flow->registers ? number : 0];
}

static void set(struct flow *flow, int number, const struct flow_value *value)
{
	struct flow_value copy = *value;

	*get_register(flow, number) = copy;
}

static void set_what(struct flow *flow, int number, unsigned what)
{
	struct flow_value value = {.what = (uint16_t)what};

	set(flow, number, &value);
}

static bool is_decimal_column(const struct column *column)
{
	return column && (column->type.kind == TYPE_DECIMAL || column->type.kind == TYPE_DECIMAL_VARIABLE);
}

static struct flow_value column_value(const struct column *column)
{
	struct flow_value value = {.what = IS_OTHER};

	if (column) {
		value.what = (uint16_t)(IS_COLUMN | (is_decimal_column(column) ? IS_DECIMAL : 0));
		value.column = column;
	}
	return value;
}

static struct cursor *get_cursor(struct flow *flow, int number)
{
	return &flow->cursors[number >= 0 && number < flow->cursor_count ? number : 0];
}

/* Functions ------------------------------------------------------------------------------------------------------- */

struct call {
	char name[24];
	int first;    /* register of the first argument */
	int count;
};

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

/* "name(2)"; of a function with any number of arguments "name(-1)": then those are meant that were just made. */
static struct call read_call(const struct flow *flow, int pc)
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

static const struct flow_value *decimal_argument(struct flow *flow, const struct call *call)
{
	for (int i = 0; i < call->count; i++)
		if (get_register(flow, call->first + i)->what & IS_DECIMAL)
			return get_register(flow, call->first + i);
	return NULL;
}

static struct flow_value call_result(struct flow *flow, const struct call *call)
{
	const struct allowed_function *function = function_allowed(call->name);
	const struct flow_value *decimal = decimal_argument(flow, call);
	struct flow_value result = {.what = IS_OTHER};

	if (function && (function->use == DECIMAL_MADE || (function->use == DECIMAL_KEPT && decimal))) {
		result.what |= IS_DECIMAL;
		result.column = decimal ? decimal->column : NULL;
	}
	return result;
}

/* What instructions do -------------------------------------------------------------------------------------------- */

static void do_column(struct flow *flow, const struct instruction *op)
{
	const struct cursor *cursor = get_cursor(flow, op->p1);
	struct flow_value value = {.what = IS_OTHER};
	unsigned record = cursor->record;

	if (cursor->tree) {
		value = column_value((unsigned)op->p2 < cursor->tree->column_count ? cursor->tree->columns[op->p2]
										   : NULL);
	} else {
		if (cursor->pseudo_register)
			record = get_register(flow, cursor->pseudo_register)->record;
		if (record && op->p2 < RECORD_COLUMNS)
			value = get_record(flow, record - 1)->columns[op->p2];
	}
	set(flow, op->p3, &value);
}

static void do_record(struct flow *flow, const struct instruction *op, int pc)
{
	struct record *record = get_record(flow, (unsigned)pc);
	struct flow_value value = {.what = IS_OTHER, .record = (uint16_t)(pc + 1)};

	for (int i = 0; i < op->p2 && i < RECORD_COLUMNS; i++)
		if (join(flow, &record->columns[i], get_register(flow, op->p1 + i)))
			flow->changed = true;
	set(flow, op->p3, &value);
}

static void do_open(struct flow *flow, const struct instruction *op)
{
	struct cursor *cursor = get_cursor(flow, op->p1);

	for (unsigned i = 0; i < flow->options->tree_count; i++)
		if (flow->options->trees[i].root_page == op->p2 && op->p3 == 0)
			cursor->tree = &flow->options->trees[i];
}

static void do_open_own(struct flow *flow, const struct instruction *op)
{
	struct cursor *cursor = get_cursor(flow, op->p1);

	cursor->record = (unsigned)(flow->count + op->p1) + 1;
	cursor->key_info = op->p4;
}

static void do_insert(struct flow *flow, const struct instruction *op)
{
	const struct cursor *cursor = get_cursor(flow, op->p1);
	unsigned record = get_register(flow, op->p2)->record;

	if (cursor->record && record)
		join_records(flow, cursor->record - 1, record - 1);
}

static void do_variable(struct flow *flow, const struct instruction *op)
{
	const struct flow_options *options = flow->options;
	bool decimal = options->decimal_params && op->p1 >= 1 && (unsigned)op->p1 <= options->param_count &&
		       options->decimal_params[op->p1 - 1];

	set_what(flow, op->p2, IS_OTHER | (decimal ? IS_DECIMAL : 0));
}

static void do_constant(struct flow *flow, const struct instruction *op)
{
	struct flow_value value = {.what = IS_OTHER};

	if (op->constant >= 0) {
		value.what = IS_CONSTANT;
		value.constants[op->constant / 64] = UINT64_C(1) << op->constant % 64;
	}
	set(flow, op->p2, &value);
}

static void do_agg_step(struct flow *flow, int pc)
{
	struct call call = read_call(flow, pc);
	struct flow_value result = call_result(flow, &call);

	join(flow, get_register(flow, flow->program[pc].p3), &result);
}

static void do_copy(struct flow *flow, int from, int to, int count)
{
	for (int i = 0; i < count; i++)
		set(flow, to + i, get_register(flow, from + i));
}

/* Changes flow->now as the instruction would. */
static void execute(struct flow *flow, int pc)
{
	const struct instruction *op = &flow->program[pc];
	struct call call;
	struct flow_value value;

	switch (op->kind) {
	case OP_COPY:
		do_copy(flow, op->p1, op->p2, op->p3 + 1);
		break;
	case OP_SCOPY:
		do_copy(flow, op->p1, op->p2, 1);
		break;
	case OP_MOVE:
		do_copy(flow, op->p1, op->p2, op->p3);
		break;
	case OP_CONSTANT:
		do_constant(flow, op);
		break;
	case OP_SET_NULL:
		for (int i = op->p2; i <= most(op->p2, op->p3); i++)
			set_what(flow, i, IS_NULL);
		break;
	case OP_OUT1:
		set_what(flow, op->p1, IS_OTHER);
		break;
	case OP_OUT2:
	case OP_LOGIC:
		set_what(flow, op->kind == OP_LOGIC && strcmp(op->name, "Not") != 0 ? op->p3 : op->p2, IS_OTHER);
		break;
	case OP_OUT3:
	case OP_ARITHMETIC:
	case OP_CONCAT:
		set_what(flow, op->p3, IS_OTHER);
		break;
	case OP_COLUMN:
		do_column(flow, op);
		break;
	case OP_RECORD:
		do_record(flow, op, pc);
		break;
	case OP_INSERT:
		do_insert(flow, op);
		break;
	case OP_SORTER_DATA:
		value = (struct flow_value){.what = IS_OTHER, .record = (uint16_t)get_cursor(flow, op->p1)->record};
		set(flow, op->p2, &value);
		break;
	case OP_OPEN:
		do_open(flow, op);
		break;
	case OP_OPEN_OWN:
		do_open_own(flow, op);
		break;
	case OP_OPEN_DUP:
		*get_cursor(flow, op->p1) = *get_cursor(flow, op->p2);
		break;
	case OP_OPEN_PSEUDO:
		get_cursor(flow, op->p1)->pseudo_register = op->p2;
		break;
	case OP_VARIABLE:
		do_variable(flow, op);
		break;
	case OP_FUNCTION:
		call = read_call(flow, pc);
		value = call_result(flow, &call);
		set(flow, op->p3, &value);
		break;
	case OP_AGG_STEP:
		do_agg_step(flow, pc);
		break;
	case OP_WALK:
		if (strcmp(op->name, "Count") == 0)
			set_what(flow, op->p2, IS_OTHER);
		break;
	default:
		break;
	}
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

static void run(struct flow *flow)
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

/* Faults ---------------------------------------------------------------------------------------------------------- */

static void fault(struct flow *flow, const struct flow_value *value, const char *before, const char *after)
{
	const struct column *column = value->column;
	struct flow_fault **link = &flow->faults;
	struct flow_fault *found = ARENA_NEW(flow->options->arena, struct flow_fault);
	char name[100] = "a computed decimal";

	if (is_decimal_column(column))
		snprintf(name, sizeof(name), "decimal column '%s'", column->name);
	found->message = arena_printf(flow->options->arena, "%s%s%s", before, name, after).ptr;
	found->column = is_decimal_column(column) ? column->name : NULL;
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

static void check_arithmetic(struct flow *flow, const struct instruction *op)
{
	const struct flow_value *value = get_register(flow, op->p1);
	const char *remedy = " goes through binary floats; there is no such operation on decimals";

	if (!(value->what & IS_DECIMAL))
		value = get_register(flow, op->p2);
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

static void check_compare(struct flow *flow, const struct instruction *op)
{
	const struct flow_value *a = get_register(flow, op->p3), *b = get_register(flow, op->p1);
	const struct flow_value *decimal = a->what & IS_DECIMAL ? a : b, *other = decimal == a ? b : a;
	int affinity = op->p5 & AFFINITY_MASK;

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

static void check_compare_rows(struct flow *flow, const struct instruction *op)
{
	for (int i = 0; i < op->p3 && !(op->p5 & 1); i++) {
		const struct flow_value *value = get_register(flow, op->p1 + i);

		if (!(value->what & IS_DECIMAL))
			value = get_register(flow, op->p2 + i);
		if ((value->what & IS_DECIMAL) && !key_is_decimal(op->p4, i))
			fault(flow, value, "", ORDERED);
	}
}

static void check_own_tables(struct flow *flow)
{
	for (int c = 0; c < flow->cursor_count; c++) {
		const struct cursor *cursor = &flow->cursors[c];

		for (int i = 0; cursor->record && i < key_count(cursor->key_info) && i < RECORD_COLUMNS; i++) {
			const struct flow_value *value = &get_record(flow, cursor->record - 1)->columns[i];

			if ((value->what & IS_DECIMAL) && !key_is_decimal(cursor->key_info, i))
				fault(flow, value, "", ORDERED);
		}
	}
}

/* IN (...): registers, or a record made of them, are looked up in a table of our own. */
static void check_found(struct flow *flow, const struct instruction *op)
{
	const struct cursor *cursor = get_cursor(flow, op->p1);
	const struct record *record = NULL;
	int count = atoi(op->p4);

	if (!cursor->record)
		return;
	if (count == 0 && get_register(flow, op->p3)->record) {
		record = get_record(flow, get_register(flow, op->p3)->record - 1u);
		count = key_count(cursor->key_info);
	}
	for (int i = 0; i < count && i < RECORD_COLUMNS; i++) {
		const struct flow_value *value = record ? &record->columns[i] : get_register(flow, op->p3 + i);

		if ((value->what & IS_DECIMAL) && !key_is_decimal(cursor->key_info, i))
			fault(flow, value, "", " is compared as text here; use dec_cmp()");
	}
}

static void check_call(struct flow *flow, int pc)
{
	struct call call = read_call(flow, pc);
	const struct allowed_function *function = function_allowed(call.name);
	const struct flow_value *decimal = decimal_argument(flow, &call);
	bool orders = strcasecmp(call.name, "min") == 0 || strcasecmp(call.name, "max") == 0;
	char before[60];

	if (!decimal || !function)
		return;
	snprintf(before, sizeof(before), "%s() of ", call.name);
	if (orders && flow->program[pc].kind == OP_FUNCTION)
		fault(flow, decimal, before, " compares texts; use dec_min() or dec_max()");
	else if (orders && !(pc > 0 && strncmp(flow->program[pc - 1].p4, "DECIMAL", 7) == 0))
		fault(flow, decimal, before, " compares texts; take it of the column itself");
	else if (function->use == DECIMAL_REFUSED)
		fault(flow, decimal, before, " would not be exact; use the dec_ functions");
}

static void check_cast(struct flow *flow, const struct instruction *op)
{
	const struct flow_value *value = get_register(flow, op->p1);

	if ((value->what & IS_DECIMAL) && op->p2 >= AFFINITY_NUMERIC)
		fault(flow, value, "CAST of ", " to a number goes through binary floats; use dec_round()");
}

static void check_condition(struct flow *flow, int number)
{
	const struct flow_value *value = get_register(flow, number);

	if (value->what & IS_DECIMAL)
		fault(flow, value, "", " is used as a condition; compare it with 0");
}

static void note_results(struct flow *flow, const struct instruction *op)
{
	for (unsigned i = 0; flow->results && i < flow->result_count && i < (unsigned)op->p2; i++) {
		const struct flow_value *value = get_register(flow, op->p1 + (int)i);
		struct flow_result *result = &flow->results[i];

		result->may_be_null |= (value->what & IS_NULL) != 0;
		result->may_be_other |= (value->what & IS_OTHER) != 0 || value->what == 0;
		if ((value->what & IS_COLUMN) && result->column && result->column != value->column)
			result->may_be_other = true;
		if (value->what & IS_COLUMN)
			result->column = value->column;
		result->constants = mem_resize(NULL, CONSTANTS_MAX, sizeof(*result->constants));
		result->constant_count = 0;
		for (int c = 0; c < flow->constant_count; c++)
			if (value->constants[c / 64] >> c % 64 & 1)
				result->constants[result->constant_count++] = flow->constants[c];
	}
}

static void check(struct flow *flow, int pc)
{
	const struct instruction *op = &flow->program[pc];

	switch (op->kind) {
	case OP_ARITHMETIC:
		check_arithmetic(flow, op);
		break;
	case OP_COMPARE:
		check_compare(flow, op);
		break;
	case OP_COMPARE_ROWS:
		check_compare_rows(flow, op);
		break;
	case OP_FOUND:
		check_found(flow, op);
		break;
	case OP_FUNCTION:
	case OP_AGG_STEP:
		check_call(flow, pc);
		break;
	case OP_CAST:
		check_cast(flow, op);
		break;
	case OP_LOGIC:
		if (strcmp(op->name, "Not") != 0)
			check_condition(flow, op->p2);
		check_condition(flow, op->p1);
		break;
	case OP_CONDITION:
		check_condition(flow, op->p1);
		break;
	case OP_RESULT:
		note_results(flow, op);
		break;
	default:
		break;
	}
}

/* ----------------------------------------------------------------------------------------------------------------- */

static int flow_start(struct flow *flow, const struct flow_options *options)
{
	flow->options = options;
	if (load(flow) < 0)
		return -1;
	flow->values = mem_new((size_t)flow->count * (size_t)flow->registers + 1, sizeof(*flow->values));
	flow->now = mem_new((size_t)flow->registers, sizeof(*flow->now));
	flow->reached = MEM_ARRAY(bool, (size_t)flow->count + 1);
	flow->queued = MEM_ARRAY(bool, (size_t)flow->count + 1);
	flow->cursors = MEM_ARRAY(struct cursor, (size_t)flow->cursor_count + 1);
	flow->records = MEM_ARRAY(struct record *, (size_t)flow->count + (size_t)flow->cursor_count + 1);
	return 0;
}

static void flow_done(struct flow *flow)
{
	for (int i = 0; flow->records && i < flow->count + flow->cursor_count; i++)
		free(flow->records[i]);
	free(flow->records);
	free(flow->cursors);
	free(flow->queued);
	free(flow->reached);
	free(flow->now);
	free(flow->values);
	free(flow->program);
}

/* Constants move to the arena: they were collected in memory of their own. */
static void keep_results(struct flow *flow)
{
	for (unsigned i = 0; flow->results && i < flow->result_count; i++) {
		struct flow_result *result = &flow->results[i];
		struct flow_constant *constants = ARENA_ARRAY(flow->options->arena, struct flow_constant,
							      result->constant_count + 1);

		if (result->constants)
			memcpy(constants, result->constants, sizeof(*constants) * result->constant_count);
		free(result->constants);
		result->constants = constants;
	}
}

struct flow_fault *flow_follow(const struct flow_options *options, struct flow_result *results, unsigned result_count)
{
	struct flow flow = {.results = results, .result_count = result_count};

	if (flow_start(&flow, options) == 0) {
		run(&flow);
		for (int pc = 0; pc < flow.count; pc++) {
			if (!flow.reached[pc])
				continue;
			memcpy(flow.now, &flow.values[(size_t)pc * (size_t)flow.registers],
			       sizeof(*flow.now) * (size_t)flow.registers);
			check(&flow, pc);
		}
		check_own_tables(&flow);
		keep_results(&flow);
	}
	flow_done(&flow);
	return flow.faults;
}

void flow_trees(const struct flow_options *options, void (*each)(void *arg, const struct flow_tree *tree, bool is_walked),
		void *arg)
{
	struct flow flow = {0};

	if (flow_start(&flow, options) == 0) {
		for (int pc = 0; pc < flow.count; pc++)
			if (flow.program[pc].kind == OP_OPEN)
				do_open(&flow, &flow.program[pc]);
		for (int pc = 0; pc < flow.count; pc++) {
			const struct flow_tree *tree = get_cursor(&flow, flow.program[pc].p1)->tree;

			if (tree && (flow.program[pc].kind == OP_OPEN || flow.program[pc].kind == OP_WALK))
				each(arg, tree, flow.program[pc].kind == OP_WALK);
		}
	}
	flow_done(&flow);
}
