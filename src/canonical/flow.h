/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The parts of flow_follow: a program as loaded, what its registers can hold, and the walk through it. Private to
 * dataflow.c and the flow_*.c beside it.
 */
#ifndef CANONICAL_FLOW_H
#define CANONICAL_FLOW_H

#include "dataflow.h"

#define CONSTANTS_MAX 256
#define RECORD_COLUMNS 128 /* columns beyond are not followed */
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
	OPCODE_KINDS,
};

enum opcode_flow { GO_ON, GO_P2, GO_ONLY_P2, GO_NOWHERE, GO_ANY, GO_GOSUB, GO_RETURN, GO_YIELD, GO_COROUTINE, GO_END };

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
	struct flow_value *came_out; /* by result: its constants, of all places where a row comes out */
};

struct call {
	char name[24];
	int first;    /* register of the first argument */
	int count;
};

/* flow_program.c: reads the program that EXPLAIN shows. */
int flow_load(struct flow *flow);

/* flow_run.c: values move until nothing changes. */
void flow_run(struct flow *flow);
void flow_open_tree(struct flow *flow, const struct instruction *op);
struct record *flow_record(struct flow *flow, unsigned number);
struct flow_value *flow_register(struct flow *flow, int number);
struct cursor *flow_cursor(struct flow *flow, int number);
bool flow_is_decimal_column(const struct column *column);

/* "name(2)"; of a function with any number of arguments "name(-1)": then those are meant that were just made. */
struct call flow_call(const struct flow *flow, int pc);

/* The first argument of a call that can be a decimal, or NULL. */
const struct flow_value *flow_decimal_argument(struct flow *flow, const struct call *call);

/* flow_check.c: looks at an instruction with what flow->now holds; and at the tables that the statement makes. */
void flow_check_instruction(struct flow *flow, int pc);
void flow_check_tables(struct flow *flow);

#endif
