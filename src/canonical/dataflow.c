/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Abstract interpretation of a statement's program. A register holds what can have come there: null, constants,
 * columns, something computed, a decimal. Values flow along the instructions, and join where ways meet, until nothing
 * changes; then each instruction is looked at once with what its registers can hold. Where an instruction is not known,
 * values are lost, never invented: a fault that is reported is one.
 *
 * Registers are reused by SQLite for one expression after the other, so what a register holds is asked for each
 * instruction.
 */
#include "dataflow.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "flow.h"

static int flow_start(struct flow *flow, const struct flow_options *options)
{
	flow->options = options;
	if (flow_load(flow) < 0)
		return -1;
	flow->values = mem_new((size_t)flow->count * (size_t)flow->registers + 1, sizeof(*flow->values));
	flow->now = mem_new((size_t)flow->registers, sizeof(*flow->now));
	flow->reached = MEM_ARRAY(bool, (size_t)flow->count + 1);
	flow->queued = MEM_ARRAY(bool, (size_t)flow->count + 1);
	flow->cursors = MEM_ARRAY(struct cursor, (size_t)flow->cursor_count + 1);
	flow->records = MEM_ARRAY(struct record *, (size_t)flow->count + (size_t)flow->cursor_count + 1);
	flow->came_out = mem_new((size_t)flow->result_count + 1, sizeof(*flow->came_out));
	return 0;
}

static void flow_done(struct flow *flow)
{
	for (int i = 0; flow->records && i < flow->count + flow->cursor_count; i++)
		free(flow->records[i]);
	free(flow->records);
	free(flow->came_out);
	free(flow->cursors);
	free(flow->queued);
	free(flow->reached);
	free(flow->now);
	free(flow->values);
	free(flow->program);
}

/* The constants that came out, by number, become texts that outlive the flow. */
static void keep_results(struct flow *flow)
{
	for (unsigned i = 0; flow->results && i < flow->result_count; i++) {
		struct flow_result *result = &flow->results[i];

		result->constants = ARENA_ARRAY(flow->options->arena, struct flow_constant, (size_t)flow->constant_count + 1);
		for (int c = 0; c < flow->constant_count; c++)
			if (flow->came_out[i].constants[c / 64] >> c % 64 & 1)
				result->constants[result->constant_count++] = flow->constants[c];
	}
}

struct flow_fault *flow_follow(const struct flow_options *options, struct flow_result *results, unsigned result_count)
{
	struct flow flow = {.results = results, .result_count = result_count};

	if (flow_start(&flow, options) == 0) {
		flow_run(&flow);
		for (int pc = 0; pc < flow.count; pc++) {
			if (!flow.reached[pc])
				continue;
			memcpy(flow.now, &flow.values[(size_t)pc * (size_t)flow.registers],
			       sizeof(*flow.now) * (size_t)flow.registers);
			flow_check_instruction(&flow, pc);
		}
		flow_check_tables(&flow);
		keep_results(&flow);
	}
	flow_done(&flow);
	return flow.faults;
}

void flow_trees(const struct flow_options *options,
		void (*each)(void *arg, const struct flow_tree *tree, bool is_walked), void *arg)
{
	struct flow flow = {0};

	if (flow_start(&flow, options) == 0) {
		for (int pc = 0; pc < flow.count; pc++)
			if (flow.program[pc].kind == OP_OPEN)
				flow_open_tree(&flow, &flow.program[pc]);
		for (int pc = 0; pc < flow.count; pc++) {
			const struct flow_tree *tree = flow_cursor(&flow, flow.program[pc].p1)->tree;

			if (tree && (flow.program[pc].kind == OP_OPEN || flow.program[pc].kind == OP_WALK))
				each(arg, tree, flow.program[pc].kind == OP_WALK);
		}
	}
	flow_done(&flow);
}
