/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A statement's program, as EXPLAIN shows it, and the table of instructions: what each does to registers, where it
 * goes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "flow.h"

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

/* Registers are at most the largest operand; a range beyond it is cut off by flow_register. */
int flow_load(struct flow *flow)
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
