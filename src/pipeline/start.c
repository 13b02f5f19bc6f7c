/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The table of start cases. S is the state file's position, C the checkpoint's, F what the source has confirmed. The
 * first row that applies decides; whatever could skip or repeat is a named state.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "state/inputs.h"
#include "state/position.h"

int start_remember(struct db *db, struct start_memory *ret, struct error *err)
{
	return position_load(db, &ret->state, err) < 0 || input_text(db, INPUT_SYSTEM, ret->system, sizeof(ret->system), err) < 0 ||
	       input_text(db, INPUT_TIMELINE, ret->timeline, sizeof(ret->timeline), err) < 0 ||
	       input_text(db, INPUT_ADOPTED_FROM, ret->former, sizeof(ret->former), err) < 0 ? -1 : 0;
}

struct start_facts start_facts_of(const struct pipeline_options *options, const struct source_identity *identity,
				  const struct start_memory *file, const struct checkpoint *checkpoint)
{
	bool answered = *file->former && strcmp(file->former, checkpoint->system) == 0; /* by an operator, for a move */
	struct start_facts facts = {
		.identity = identity,
		.have_state = file->state.position.kind != POSITION_NONE || file->state.snapshot_phase != SNAPSHOT_NONE,
		.state = file->state,
		.have_checkpoint = checkpoint->progress.position.kind != POSITION_NONE || checkpoint->progress.snapshot > 0,
		.checkpoint = checkpoint->progress,
		.state_system = file->system,
		.checkpoint_system = answered ? file->system : checkpoint->system,
		.state_timeline = (uint32_t)strtoul(file->timeline, NULL, 10),
		.create_slot = options->source.create_slot,
		.slot = options->source.slot,
	};

	if (*checkpoint->rest == '!') /* it had no room for what was left */
		facts.checkpoint.snapshot_phase = SNAPSHOT_STARTED;
	return facts;
}

typedef bool start_condition(const struct start_facts *facts);

static bool source_is_another(const struct start_facts *facts)
{
	return (facts->have_state && strcmp(facts->state_system, facts->identity->system) != 0) ||
	       (facts->have_checkpoint && strcmp(facts->checkpoint_system, facts->identity->system) != 0);
}

/* An announced snapshot from which nothing was streamed. */
static bool snapshot_unfinished(const struct start_facts *facts)
{
	return facts->have_checkpoint && facts->checkpoint.snapshot_phase != SNAPSHOT_FINISHED &&
	       (!facts->have_state || facts->state.snapshot_phase != SNAPSHOT_FINISHED);
}

static bool snapshot_published(const struct start_facts *facts)
{
	return facts->have_checkpoint && facts->have_state && facts->checkpoint.snapshot_phase == SNAPSHOT_FINISHED &&
	       (facts->state.snapshot_phase == SNAPSHOT_TABLES_DONE || facts->state.snapshot_phase == SNAPSHOT_ROWS) &&
	       facts->checkpoint.snapshot == facts->state.snapshot;
}

static bool beyond_the_log(const struct start_facts *facts);
static bool beyond_the_switch(const struct start_facts *facts);

/*
 * Mirror and documents are published, and the slot has all that came since: what is left is read while it is streamed.
 */
static bool rows_left(const struct start_facts *facts)
{
	const struct source_identity *slot = facts->identity;

	return facts->have_checkpoint && facts->have_state && facts->checkpoint.snapshot_phase == SNAPSHOT_ROWS &&
	       (facts->state.snapshot_phase == SNAPSHOT_TABLES_DONE || facts->state.snapshot_phase == SNAPSHOT_ROWS) &&
	       facts->checkpoint.snapshot == facts->state.snapshot && slot->slot_exists && !slot->slot_lost &&
	       position_compare(slot->confirmed, facts->checkpoint.position) <= 0 && !beyond_the_log(facts) && !beyond_the_switch(facts);
}

static bool nothing_was_done(const struct start_facts *facts)
{
	return !facts->have_state && !facts->have_checkpoint;
}

static bool first_start(const struct start_facts *facts)
{
	return nothing_was_done(facts) && !facts->identity->slot_exists && (facts->create_slot || !facts->identity->keeps_place);
}

static bool first_start_without_slot(const struct start_facts *facts)
{
	return nothing_was_done(facts) && !facts->identity->slot_exists;
}

static bool checkpoint_without_state(const struct start_facts *facts)
{
	return facts->have_checkpoint && !facts->have_state;
}

static bool state_without_checkpoint(const struct start_facts *facts)
{
	return facts->have_state && !facts->have_checkpoint;
}

static bool beyond_the_log(const struct start_facts *facts)
{
	return position_compare(facts->checkpoint.position, facts->identity->log_end) > 0 ||
	       position_compare(facts->state.position, facts->identity->log_end) > 0;
}

static bool beyond_the_switch(const struct start_facts *facts)
{
	struct position switched = facts->identity->switch_point;

	return facts->state_timeline && facts->state_timeline != facts->identity->timeline &&
	       (position_compare(facts->checkpoint.position, switched) > 0 ||
		position_compare(facts->state.position, switched) > 0);
}

static bool no_slot(const struct start_facts *facts)
{
	return facts->identity->keeps_place && !facts->identity->slot_exists;
}

static bool log_removed(const struct start_facts *facts)
{
	return !facts->identity->keeps_place && position_compare(facts->state.position, facts->identity->log_start) < 0;
}

static bool slot_invalid(const struct start_facts *facts)
{
	return facts->identity->slot_lost;
}

static bool confirmed_beyond_state(const struct start_facts *facts)
{
	return position_compare(facts->identity->confirmed, facts->state.position) > 0;
}

static bool committed_upon(const struct progress *state, const struct progress *checkpoint)
{
	return !state->base_known ||
	       (state->base_published == checkpoint->published && state->base_digest[0] == checkpoint->digest[0] &&
		state->base_digest[1] == checkpoint->digest[1]);
}

/*
 * The state file is written after the checkpoint, so it can only be ahead of it by positions without anything to
 * publish.
 */
static bool state_ahead(const struct start_facts *facts)
{
	if (facts->state.border == facts->checkpoint.border + 1)
		return !committed_upon(&facts->state, &facts->checkpoint);
	return facts->state.border > facts->checkpoint.border + 1 ||
	       progress_compare(&facts->state, &facts->checkpoint) > 0;
}

static bool always(const struct start_facts *facts)
{
	(void)facts;
	return true;
}

static const struct start_case {
	const char *name;
	start_condition *applies;
	enum start_action action;
	enum named_state state;
	const char *sentence;
	const char *hint;
} cases[] = {
	{"another source", source_is_another, START_STOP, STATE_MISMATCH,
	 "the server is not the one that the state file or the checkpoint is of",
	 "correct the connection; after a planned move see `tailwater help position adopt`; for another server use a new "
	 "source name, slot and state file"},
	{"first snapshot without some rows", rows_left, START_RESUME_SNAPSHOT, STATE_NONE, NULL, NULL},
	{"unfinished first snapshot", snapshot_unfinished, START_SNAPSHOT_AGAIN, STATE_NONE, NULL, NULL},
	{"snapshot published, not yet noted", snapshot_published, START_FINISH_SNAPSHOT, STATE_NONE, NULL, NULL},
	{"first start", first_start, START_SNAPSHOT, STATE_NONE, NULL, NULL},
	{"first start without slot", first_start_without_slot, START_STOP, STATE_GAP,
	 "there is no replication slot, and none may be made",
	 "set source.create_slot: true for the first start"},
	{"a slot of nobody", nothing_was_done, START_STOP, STATE_MISMATCH,
	 "the slot exists, but neither the state file nor the checkpoint knows of it",
	 "if nothing else uses it, drop it with pg_drop_replication_slot(); or choose another source.slot"},
	{"checkpoint without state", checkpoint_without_state, START_STOP, STATE_STATE_LOST,
	 "there is a checkpoint in Kafka, but the state file is new",
	 "build the state file anew with `tailwater snapshot --rebuild` (see its help), restore it, or begin anew with another source "
	 "name and slot"},
	{"state without checkpoint", state_without_checkpoint, START_STOP, STATE_CHECKPOINT_LOST,
	 "the state file says that events were published, but there is no checkpoint in Kafka",
	 "restore the checkpoint topic, or begin anew with a new state file, slot and prefix"},
	{"beyond the log", beyond_the_log, START_STOP, STATE_DIVERGED,
	 "more was published than the server's log has: it was restored from a backup or lost transactions",
	 "begin anew with a snapshot; consumers hold events that the source no longer has"},
	{"beyond the switch point", beyond_the_switch, START_STOP, STATE_DIVERGED,
	 "more was published than the new primary had when it was promoted",
	 "begin anew with a snapshot; consumers hold events that the source no longer has"},
	{"no slot", no_slot, START_STOP, STATE_GAP,
	 "the replication slot is gone: changes since the state file's position may be lost",
	 "a new snapshot is needed: use a new state file, slot and prefix; but after a planned move of the source (pg_upgrade, a promotion) "
	 "see `tailwater help position adopt`"},
	{"log removed", log_removed, START_STOP, STATE_GAP,
	 "the server has removed the files of its log that begin behind the state file's position",
	 "a new snapshot is needed: use a new state file and prefix; let the server keep its log longer"},
	{"slot invalidated", slot_invalid, START_STOP, STATE_GAP,
	 "the replication slot was invalidated: the log it needed is removed",
	 "a new snapshot is needed: use a new state file, slot and prefix"},
	{"confirmed beyond state", confirmed_beyond_state, START_STOP, STATE_GAP,
	 "the slot has been confirmed beyond the state file's position: what lies between is not sent again",
	 "restore the state file that belongs to this slot; after a planned move see `tailwater help position adopt`; or begin anew "
	 "with a snapshot"},
	{"state ahead of checkpoint", state_ahead, START_STOP, STATE_CHECKPOINT_LOST,
	 "the checkpoint in Kafka is older than the state file: committed records were lost",
	 "restore the topics, or begin anew with a new state file, slot and prefix"},
	{"go", always, START_STREAM, STATE_NONE, NULL, NULL},
};

static void describe(const struct start_facts *facts, struct error *err)
{
	char s[POSITION_TEXT_BYTES], c[POSITION_TEXT_BYTES], f[POSITION_TEXT_BYTES];
	size_t len = strlen(err->text);

	position_print(facts->state.position, s);
	position_print(facts->checkpoint.position, c);
	position_print(facts->identity->confirmed, f);
	snprintf(err->text + len, sizeof(err->text) - len,
		 " (slot '%s'; state file at %s, checkpoint at %s, confirmed %s)", facts->slot, s, c, f);
}

enum start_action start_decide(const struct start_facts *facts, struct error *err)
{
	const struct start_case *found = cases;

	while (!found->applies(facts))
		found++;
	if (found->action == START_STOP) {
		error_state(err, found->state, "%s", found->sentence);
		error_hint(err, "%s", found->hint);
		describe(facts, err);
	}
	return found->action;
}
