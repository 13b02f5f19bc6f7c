/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What of our place in the source's log the position does not tell (source/source.h): kept with it in the state file and in the
 * checkpoint, and by it the way to another server that has the same transactions.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "rebuild.h"
#include "run.h"
#include "state/audit.h"
#include "state/inputs.h"
#include "state/position.h"

void place_note(struct pipeline *p)
{
	wr_clear(&p->place);
	p->source_ops->place(p->source, &p->place);
}

/* Only when something has come to it: it can be long. What it means for the rows that are kept is not waited for then. */
static int save_history(struct pipeline *p, struct error *err)
{
	struct writer text = {0};
	int result = 0;

	if (p->source_ops->history && p->source_ops->history(p->source, &text)) {
		result = input_put(p->db, INPUT_SOURCE_HISTORY, text.len ? wr_view(&text) : VIEW(""), err);
		p->look_wanted = true;
	}
	wr_done(&text);
	return result;
}

int place_save(struct pipeline *p, struct error *err)
{
	place_note(p);
	if (p->place.len && input_put(p->db, INPUT_PLACE, wr_view(&p->place), err) < 0)
		return -1;
	return save_history(p, err);
}

/* The stream begins at the position that the state file has. What was learned for that may not be there to learn any more by the next start. */
int place_learned(struct pipeline *p, struct error *err)
{
	return save_history(p, err) < 0 ? -1 : db_commit(p->db, err);
}

int place_history(struct pipeline *p, struct arena *arena, struct view *ret, struct error *err)
{
	*ret = VIEW_NONE;
	return input_get(p->db, INPUT_SOURCE_HISTORY, arena, ret, err) < 0 ? -1 : 0;
}

/* That of the state file, or of the checkpoint for a file that is to be built anew. */
int place_remember(struct pipeline *p, const struct checkpoint *checkpoint, struct error *err)
{
	struct arena arena;
	struct view kept;
	int found;

	arena_init(&arena);
	wr_clear(&p->place);
	found = input_get(p->db, INPUT_PLACE, &arena, &kept, err);
	if (found > 0)
		wr_view_bytes(&p->place, kept);
	else if (found == 0)
		wr_bytes(&p->place, checkpoint->place, strlen(checkpoint->place));
	wr_u8(&p->place, '\0');
	arena_done(&arena);
	return found < 0 ? -1 : 0;
}

/* All that was published up to one position is in the state file, and nothing more was: only then another log can go on there. */
static bool is_drained(const struct start_facts *facts)
{
	const struct progress *state = &facts->state, *checkpoint = &facts->checkpoint;
	bool upon = state->border == checkpoint->border + 1 && (!state->base_known || state->base_published == checkpoint->published);

	return facts->have_state && facts->have_checkpoint && state->snapshot_phase == SNAPSHOT_FINISHED && state->open.phase == OPEN_NONE &&
	       checkpoint->open.phase == OPEN_NONE && (upon || (state->border == checkpoint->border && state->published == checkpoint->published));
}

static int not_drained(const struct start_facts *facts, struct error *err)
{
	bool open = facts->checkpoint.open.phase != OPEN_NONE;

	error_state(err, STATE_MISMATCH, "the server is another one than that of the state file, and %s",
		    open ? "a transaction of the former one is published in part" : "what was published last is not in the state file");
	return error_hint(err, open ? "let the agent finish it with the former server; if that is gone for good, begin anew with a snapshot"
			  : "if the former server is gone, build the state file anew: move it away and see `tailwater help snapshot` (--rebuild)");
}

static int note_move(struct pipeline *p, const struct start_facts *facts, struct position to, struct error *err)
{
	char from_text[POSITION_TEXT_BYTES], to_text[POSITION_TEXT_BYTES], what[500];
	struct audit_entry entry = {.at = clock_wall(), .action = VIEW("another server"), .who = VIEW("tailwater"), .assertion = VIEW("")};

	position_print(facts->state.position, from_text);
	position_print(to, to_text);
	snprintf(what, sizeof(what), "from position %s of server %s to %s of server %s, which has all transactions that were published",
		 from_text, facts->state_system, to_text, p->identity.system);
	entry.facts = view_of(what);
	log_info(p->options->name, "another server is gone on with: %s", what);
	return audit_add(p->db, &entry, err);
}

/* As if it had idled up to there: the file has the new server before the checkpoint does, which the next claim puts right. */
static int move(struct pipeline *p, struct start_facts *facts, const char *former, struct position to, struct error *err)
{
	if (note_move(p, facts, to, err) < 0)
		return -1;
	progress_border(&facts->state, &facts->checkpoint);
	facts->state.position = to;
	place_note(p);
	if (p->rebuild && p->rebuild->begins) /* it saves all of it when it has begun */
		return 0;
	if (position_save(p->db, &facts->state, err) < 0 || input_put(p->db, INPUT_SYSTEM, view_of(p->identity.system), err) < 0 ||
	    input_put(p->db, INPUT_ADOPTED_FROM, view_of(former), err) < 0 || input_put(p->db, INPUT_PLACE, wr_view(&p->place), err) < 0)
		return -1;
	return db_commit(p->db, err);
}

int place_find(const struct source_ops *ops, struct source *source, const char *system, const struct start_facts *facts, struct position *ret,
	       struct error *err)
{
	int found;

	if (!*facts->state_system || strcmp(facts->state_system, system) == 0 || strcmp(facts->state_system, facts->checkpoint_system) != 0)
		return 0;
	found = ops->follow(source, facts->state.position, ret, err);
	return found <= 0 || is_drained(facts) ? found : not_drained(facts, err);
}

int place_follow(struct pipeline *p, struct start_facts *facts, const struct checkpoint *checkpoint, struct error *err)
{
	struct position to;
	int found = place_find(p->source_ops, p->source, p->identity.system, facts, &to, err);

	if (found <= 0)
		return found;
	if (move(p, facts, checkpoint->system, to, err) < 0 || p->source_ops->identify(p->source, &p->identity, err) < 0)
		return -1;
	facts->state_system = facts->checkpoint_system = p->identity.system;
	return 1;
}
