/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The table of start cases: what happens when state file (S), checkpoint (C) and slot (F) stand as they do.
 */
#include "pipeline/rebuild.h"
#include "pipeline/run.h"
#include "unit/unit.h"

#define AT(lsn_) {POSITION_PG_LSN, (lsn_)}

enum { NO_SLOT, SLOT, LOST_SLOT };

static const struct {
	const char *situation;
	uint64_t s, s_border;       /* 0: no state file */
	uint64_t c, c_border;       /* 0: no checkpoint */
	int slot;
	uint64_t f;
	uint64_t log_end;           /* 0: far ahead */
	uint32_t state_timeline;    /* 0: the server's */
	uint64_t switch_point;
	const char *state_system;   /* NULL: the server's */
	enum snapshot_phase s_phase, c_phase;
	bool no_create;
	uint64_t s_base, c_published; /* what the state file was committed upon (if not 0), what the checkpoint says */
	enum start_action action;
	enum named_state state;
} rows[] = {
	{"nothing anywhere", .slot = NO_SLOT, .action = START_SNAPSHOT},
	{"nothing anywhere, and no slot may be made", .slot = NO_SLOT, .no_create = true, .action = START_STOP,
	 .state = STATE_GAP},
	{"a slot that nobody knows", .slot = SLOT, .f = 5, .action = START_STOP, .state = STATE_MISMATCH},
	{"a snapshot that was announced and not finished", .c = 1, .c_phase = SNAPSHOT_STARTED, .slot = SLOT, .f = 5,
	 .action = START_SNAPSHOT_AGAIN},
	{"the same, with part of it in the state file", .s = 1, .s_phase = SNAPSHOT_STARTED, .c = 1,
	 .c_phase = SNAPSHOT_STARTED, .slot = SLOT, .f = 5, .action = START_SNAPSHOT_AGAIN},
	{"all of it in the state file, none of it published as finished", .s = 10, .s_phase = SNAPSHOT_TABLES_DONE,
	 .c = 10, .c_phase = SNAPSHOT_TABLES_DONE, .slot = SLOT, .f = 10, .action = START_SNAPSHOT_AGAIN},
	{"mirror and documents are published, rows of other tables are not all", .s = 10, .s_border = 1, .s_phase = SNAPSHOT_ROWS, .c = 10,
	 .c_border = 1, .c_phase = SNAPSHOT_ROWS, .slot = SLOT, .f = 10, .action = START_RESUME_SNAPSHOT},
	{"the same, before the state file knows", .s = 10, .s_border = 1, .s_phase = SNAPSHOT_TABLES_DONE, .c = 10, .c_border = 1,
	 .c_phase = SNAPSHOT_ROWS, .slot = SLOT, .f = 10, .action = START_RESUME_SNAPSHOT},
	{"the same, and the slot is gone", .s = 10, .s_border = 1, .s_phase = SNAPSHOT_ROWS, .c = 10, .c_border = 1, .c_phase = SNAPSHOT_ROWS,
	 .slot = NO_SLOT, .action = START_SNAPSHOT_AGAIN},
	{"the same, and the slot is invalidated", .s = 10, .s_border = 1, .s_phase = SNAPSHOT_ROWS, .c = 10, .c_border = 1,
	 .c_phase = SNAPSHOT_ROWS, .slot = LOST_SLOT, .f = 10, .action = START_SNAPSHOT_AGAIN},
	{"the same, and the log has less than the snapshot saw", .s = 10, .s_border = 1, .s_phase = SNAPSHOT_ROWS, .c = 10, .c_border = 1,
	 .c_phase = SNAPSHOT_ROWS, .slot = SLOT, .f = 10, .log_end = 8, .action = START_SNAPSHOT_AGAIN},
	{"what was left of the snapshot is read while it is streamed", .s = 10, .s_border = 2, .s_phase = SNAPSHOT_FINISHED, .c = 10,
	 .c_border = 1, .c_phase = SNAPSHOT_ROWS, .slot = SLOT, .f = 10, .action = START_STREAM},
	{"all rows are published, and that is not yet noted", .s = 10, .s_border = 1, .s_phase = SNAPSHOT_ROWS, .c = 10, .c_border = 1,
	 .c_phase = SNAPSHOT_FINISHED, .slot = SLOT, .f = 10, .action = START_FINISH_SNAPSHOT},
	{"published, and not yet noted in the state file", .s = 10, .s_border = 1, .s_phase = SNAPSHOT_TABLES_DONE,
	 .c = 10, .c_border = 1, .c_phase = SNAPSHOT_FINISHED, .slot = SLOT, .f = 10, .action = START_FINISH_SNAPSHOT},
	{"all three agree", .s = 10, .s_border = 2, .c = 10, .c_border = 1, .slot = SLOT, .f = 10,
	 .action = START_STREAM},
	{"the source has confirmed less", .s = 10, .s_border = 2, .c = 10, .c_border = 1, .slot = SLOT, .f = 7,
	 .action = START_STREAM},
	{"the state file is behind the checkpoint", .s = 10, .s_border = 2, .c = 20, .c_border = 2, .slot = SLOT,
	 .f = 7, .action = START_STREAM},
	{"the state file is ahead by an idle position", .s = 30, .s_border = 2, .c = 20, .c_border = 1, .slot = SLOT,
	 .f = 20, .action = START_STREAM},
	{"the state file is ahead of the checkpoint that it was committed upon", .s = 30, .s_border = 2, .s_base = 7,
	 .c = 20, .c_border = 1, .c_published = 7, .slot = SLOT, .f = 20, .action = START_STREAM},
	{"the state file is ahead, and was committed upon more than was published", .s = 30, .s_border = 2, .s_base = 8,
	 .c = 20, .c_border = 1, .c_published = 7, .slot = SLOT, .f = 20, .action = START_STOP,
	 .state = STATE_CHECKPOINT_LOST},
	{"all three agree, but the checkpoint is not the one that the state file was committed upon", .s = 10,
	 .s_border = 2, .s_base = 8, .c = 10, .c_border = 1, .c_published = 7, .slot = SLOT, .f = 10,
	 .action = START_STOP, .state = STATE_CHECKPOINT_LOST},
	{"the state file is ahead by a border", .s = 30, .s_border = 5, .c = 20, .c_border = 2, .slot = SLOT, .f = 20,
	 .action = START_STOP, .state = STATE_CHECKPOINT_LOST},
	{"the state file is ahead inside of a border", .s = 30, .s_border = 2, .c = 20, .c_border = 2, .slot = SLOT,
	 .f = 20, .action = START_STOP, .state = STATE_CHECKPOINT_LOST},
	{"a state file and no checkpoint", .s = 10, .s_border = 2, .slot = SLOT, .f = 10, .action = START_STOP,
	 .state = STATE_CHECKPOINT_LOST},
	{"a checkpoint and no state file", .c = 10, .slot = SLOT, .f = 10, .action = START_STOP,
	 .state = STATE_STATE_LOST},
	{"the slot is gone", .s = 10, .s_border = 2, .c = 10, .c_border = 1, .slot = NO_SLOT, .action = START_STOP,
	 .state = STATE_GAP},
	{"the slot is invalidated", .s = 10, .s_border = 2, .c = 10, .c_border = 1, .slot = LOST_SLOT, .f = 10,
	 .action = START_STOP, .state = STATE_GAP},
	{"the source has confirmed more than the state file has", .s = 10, .s_border = 2, .c = 10, .c_border = 1,
	 .slot = SLOT, .f = 11, .action = START_STOP, .state = STATE_GAP},
	{"the checkpoint is beyond the log", .s = 10, .s_border = 2, .c = 20, .c_border = 2, .slot = SLOT, .f = 10,
	 .log_end = 15, .action = START_STOP, .state = STATE_DIVERGED},
	{"the checkpoint is beyond the switch point of a new timeline", .s = 10, .s_border = 2, .c = 20, .c_border = 2,
	 .slot = SLOT, .f = 10, .state_timeline = 1, .switch_point = 15, .action = START_STOP, .state = STATE_DIVERGED},
	{"a new timeline that has all of it", .s = 10, .s_border = 2, .c = 20, .c_border = 2, .slot = SLOT, .f = 10,
	 .state_timeline = 1, .switch_point = 25, .action = START_STREAM},
	{"another server", .s = 10, .s_border = 2, .c = 10, .c_border = 1, .slot = SLOT, .f = 10, .state_system = "2",
	 .action = START_STOP, .state = STATE_MISMATCH},
};

static struct progress progress_at(uint64_t lsn, uint64_t border, enum snapshot_phase phase)
{
	struct progress progress = {.border = border, .snapshot = lsn ? 1 : 0, .snapshot_phase = phase};

	if (lsn && phase != SNAPSHOT_STARTED)
		progress.position = (struct position)AT(lsn);
	if (lsn && phase == SNAPSHOT_NONE)
		progress.snapshot_phase = SNAPSHOT_FINISHED;
	return progress;
}

static void each_situation_has_its_action(void **state)
{
	(void)state;
	FOR_EACH(row, rows)
	{
		struct source_identity identity = {
			.system = "1",
			.timeline = 2,
			.log_end = AT(row->log_end ? row->log_end : 1000),
			.switch_point = row->switch_point ? (struct position)AT(row->switch_point) : (struct position){0},
			.keeps_place = true,
			.slot_exists = row->slot != NO_SLOT,
			.slot_lost = row->slot == LOST_SLOT,
			.confirmed = row->f ? (struct position)AT(row->f) : (struct position){0},
		};
		struct start_facts facts = {
			.identity = &identity,
			.have_state = row->s > 0,
			.state = progress_at(row->s, row->s_border, row->s_phase),
			.have_checkpoint = row->c > 0,
			.checkpoint = progress_at(row->c, row->c_border, row->c_phase),
			.state_system = row->state_system ? row->state_system : "1",
			.checkpoint_system = "1",
			.state_timeline = row->state_timeline ? row->state_timeline : 2,
			.create_slot = !row->no_create,
			.slot = "tailwater",
		};
		struct error err = {0};
		enum start_action action;

		facts.state.base_known = row->s_base > 0;
		facts.state.base_published = row->s_base;
		facts.checkpoint.published = row->c_published;
		action = start_decide(&facts, &err);

		if (action != row->action || (action == START_STOP && err.state != row->state))
			fail_msg("%s: action %d, state %s", row->situation, action, named_states[err.state].name);
		if (action == START_STOP)
			assert_true(err.hint[0] != '\0');
	}
}

/* What has nothing but the order stands where the lost file stood: its source was told more only of what was idle. */
static const struct {
	const char *situation;
	uint64_t c, f, s;
	bool released;
	enum open_phase open;
	enum start_action action;
	enum named_state state;
} orders[] = {
	{"all that was confirmed is published", .c = 10, .f = 7, .s = 10, .action = START_STREAM},
	{"idle positions were confirmed before it was killed", .c = 10, .f = 12, .s = 12, .action = START_STREAM},
	{"somebody has moved the slot after it had ended", .c = 10, .f = 12, .s = 10, .released = true, .action = START_STOP,
	 .state = STATE_GAP},
	{"changes of a transaction are published", .c = 10, .f = 7, .s = 10, .open = OPEN_CHANGES, .action = START_STREAM},
	{"documents of a transaction are published", .c = 10, .f = 7, .s = 10, .open = OPEN_DOCUMENTS, .action = START_STREAM},
};

static void a_lost_file_stands_where_it_stood(void **state)
{
	(void)state;
	FOR_EACH(row, orders)
	{
		struct source_identity identity = {.system = "1", .timeline = 2, .log_end = AT(1000), .slot_exists = true,
						   .confirmed = AT(row->f)};
		struct checkpoint checkpoint = {.system = "1", .timeline = 2, .progress = progress_at(row->c, 3, SNAPSHOT_FINISHED),
						.released = row->released};
		struct start_facts facts = {.identity = &identity, .have_state = true, .have_checkpoint = true, .state_system = "1",
					    .checkpoint_system = "1", .state_timeline = 2, .slot = "tailwater"};
		struct error err = {0};

		checkpoint.progress.published = 5;
		checkpoint.progress.open = (struct open_transaction){.phase = row->open, .final = AT(11), .xid = 1, .done = 2};
		facts.checkpoint = checkpoint.progress;
		facts.state = rebuild_progress(&checkpoint, identity.confirmed);
		if (facts.state.position.lsn != row->s || start_decide(&facts, &err) != row->action || err.state != row->state)
			fail_msg("%s: %llu, state %s", row->situation, (unsigned long long)facts.state.position.lsn,
				 named_states[err.state].name);
		assert_int_equal(facts.state.open.phase, row->open == OPEN_DOCUMENTS ? OPEN_DOCUMENTS : OPEN_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("each situation at start has its action, and a named state its remedy",
		     each_situation_has_its_action),
		TEST("a state file that is lost stands where it stood", a_lost_file_stands_where_it_stood),
	};

	return RUN_TESTS(tests);
}
