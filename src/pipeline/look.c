/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What the next start of an agent would come to, as far as it can be told without touching anything. */
#include "pipeline/look.h"

#include <stdio.h>
#include <stdlib.h>

#include "run.h"
#include "state/inputs.h"
#include "state/position.h"

static int read_text(struct db *db, const char *name, char *ret, size_t size, struct error *err)
{
	struct arena arena;
	struct view text = VIEW_NONE;
	int found;

	arena_init(&arena);
	found = input_get(db, name, &arena, &text, err);
	snprintf(ret, size, "%.*s", found > 0 ? (int)text.len : 0, found > 0 ? text.ptr : "");
	arena_done(&arena);
	return found < 0 ? -1 : 0;
}

/* What the state file says; it has an order to be built anew, perhaps, if it says nothing. */
struct remembered {
	struct progress state;
	char system[64], timeline[16], former[64];
};

static int remember(struct db *db, struct remembered *ret, struct error *err)
{
	if (!db)
		return 0;
	return position_load(db, &ret->state, err) < 0 || read_text(db, INPUT_SYSTEM, ret->system, sizeof(ret->system), err) < 0 ||
	       read_text(db, INPUT_TIMELINE, ret->timeline, sizeof(ret->timeline), err) < 0 ||
	       read_text(db, INPUT_ADOPTED_FROM, ret->former, sizeof(ret->former), err) < 0 ? -1 : 0;
}

int look_start(const struct pipeline_options *options, const struct source_identity *identity, struct db *db, struct error *err)
{
	struct remembered file = {0};
	struct checkpoint checkpoint = {0};
	struct start_facts facts = {.identity = identity, .create_slot = options->source.create_slot, .slot = options->source.slot,
				    .state_system = file.system, .checkpoint_system = checkpoint.system};
	char topic[300];

	snprintf(topic, sizeof(topic), "%s.checkpoint", options->prefix);
	if (remember(db, &file, err) < 0 || checkpoint_read(&options->kafka, topic, options->name, &checkpoint, err) < 0)
		return -1;
	facts.state = file.state;
	facts.have_state = file.state.position.kind != POSITION_NONE || file.state.snapshot_phase != SNAPSHOT_NONE;
	facts.state_timeline = (uint32_t)strtoul(file.timeline, NULL, 10);
	facts.checkpoint = checkpoint.progress;
	facts.have_checkpoint = checkpoint.progress.position.kind != POSITION_NONE || checkpoint.progress.snapshot > 0;
	if (*checkpoint.rest == '!')
		facts.checkpoint.snapshot_phase = SNAPSHOT_STARTED;
	if (*file.former && strcmp(file.former, checkpoint.system) == 0)
		facts.checkpoint_system = file.system;
	if (db && facts.have_checkpoint && !facts.have_state)
		return 0;
	return start_decide(&facts, err) == START_STOP ? -1 : 0;
}

int look_plans(const struct pipeline_options *options, const struct table *const *tables, size_t count, struct error *err)
{
	struct encode_options encode = pipeline_encode_options(options);
	struct encoder *encoder = encoder_new(&encode);
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++) {
		struct encode_plan *plan = NULL;

		result = masks_check(tables[i], err);
		if (result < 0 || !pipeline_publishes(options, tables[i]->schema, tables[i]->name))
			continue;
		plan = encode_plan_new(encoder, tables[i], err);
		result = plan ? 0 : -1;
		encode_plan_free(plan);
	}
	encoder_free(encoder);
	return result;
}
