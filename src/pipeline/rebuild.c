/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The state file was lost, topics, checkpoint and slot are there: an operator has ordered a new one. It begins where the
 * checkpoint is, so that the change topics go on there, each change once. What was published of the documents is read back
 * from their topics. All tables of the mirror are to be loaded, as any table is that is not whole (loads.c), and when those
 * that an entity reads are what the source has, its documents are compared with what was published, by a job: those that
 * differ leave, with the events of the difference. From its first commit on the file is one as any other, and a crash
 * goes on with what it has; before, it begins again.
 */
#include "pipeline/rebuild_order.h"
#include "rebuild.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/memory.h"
#include "state/audit.h"
#include "state/inputs.h"
#include "state/jobs.h"

#define JOBS_OF_A_CLAIM 1000000 /* numbers of jobs stand in event ids: none is used that the lost file may have used */

static const char *const what_names[REBUILT_KINDS] = {
	"read back", "equal", "differing", "added", "gone", "held back", "events",
};

bool rebuild_possible(const struct checkpoint *checkpoint)
{
	return checkpoint->progress.position.kind != POSITION_NONE && checkpoint->progress.snapshot_phase == SNAPSHOT_FINISHED;
}

struct progress rebuild_progress(const struct checkpoint *checkpoint, struct position confirmed)
{
	struct progress progress = checkpoint->progress;

	if (progress.open.phase == OPEN_NONE && !checkpoint->released && position_compare(confirmed, progress.position) > 0)
		progress.position = confirmed;
	if (progress.open.phase != OPEN_DOCUMENTS)
		progress.open = (struct open_transaction){.phase = OPEN_NONE};
	progress_border(&progress, &checkpoint->progress);
	return progress;
}

int rebuild_check(const struct pipeline_options *options, bool history_left_out, struct error *err)
{
	if (!options->pack)
		return 0;
	if (history_left_out) {
		error_state(err, STATE_UNSUPPORTED, "a state file is not built anew where the history was left out: what was never "
			    "published cannot be told from what is new");
		return error_hint(err, "begin anew with another source name and slot");
	}
	if (options->key_format != FORMAT_AVRO || options->value_format != FORMAT_AVRO) {
		error_state(err, STATE_UNSUPPORTED, "a state file is built anew from documents in Avro only");
		return error_hint(err, "begin anew with another source name and slot");
	}
	return 0;
}

/* Figures -------------------------------------------------------------------------------------- */

static struct rebuilt_entity *find_entity(struct rebuild *rebuild, struct view name)
{
	struct rebuilt_entity **end = &rebuild->entities;

	while (*end && !view_is(name, (*end)->name))
		end = &(*end)->next;
	if (!*end) {
		*end = ARENA_NEW(&rebuild->arena, struct rebuilt_entity);
		**end = (struct rebuilt_entity){.name = arena_printf(&rebuild->arena, "%.*s%c", VIEW_ARG(name), '\0').ptr};
	}
	return *end;
}

void rebuild_note(struct pipeline *p, const char *entity, enum rebuilt what, uint64_t number)
{
	if (p->rebuild)
		find_entity(p->rebuild, view_of(entity))->counts[what] += number;
}

static void read_line(struct rebuild *rebuild, const char *line)
{
	size_t name = strcspn(line, " ");
	struct rebuilt_entity *entity = find_entity(rebuild, (struct view){line, name});
	const char *at = line + name;
	char *end;

	for (int i = 0; i < REBUILT_KINDS; i++, at = end)
		entity->counts[i] = strtoull(at, &end, 10);
}

static void read_counts(struct rebuild *rebuild, struct view text)
{
	char *copy = mem_text(text);

	for (char *rest = copy, *line; (line = strsep(&rest, "\n"));)
		if (*line)
			read_line(rebuild, line);
	free(copy);
}

int rebuild_save(struct pipeline *p, struct error *err)
{
	struct writer text = {0};
	int result;

	if (!p->rebuild)
		return 0;
	for (struct rebuilt_entity *entity = p->rebuild->entities; entity; entity = entity->next) {
		wr_printf(&text, "%s", entity->name);
		for (int i = 0; i < REBUILT_KINDS; i++)
			wr_printf(&text, " %" PRIu64, entity->counts[i]);
		wr_u8(&text, '\n');
	}
	wr_u8(&text, '\n');
	result = input_put(p->db, INPUT_REBUILD_COUNTS, wr_view(&text), err);
	wr_done(&text);
	return result;
}

static void describe(const struct rebuilt_entity *entity, struct writer *to)
{
	wr_printf(to, "%s: ", entity->name);
	for (int i = 0; i < REBUILT_KINDS; i++)
		wr_printf(to, "%s%" PRIu64 " %s", i ? ", " : "", entity->counts[i], what_names[i]);
}

static void tell_counts(struct view text, struct writer *to)
{
	struct rebuild rebuild = {.begins = false};

	arena_init(&rebuild.arena);
	read_counts(&rebuild, text);
	for (struct rebuilt_entity *entity = rebuild.entities; entity; entity = entity->next) {
		wr_printf(to, "; ");
		describe(entity, to);
	}
	arena_done(&rebuild.arena);
}

int rebuild_tell(struct db *db, struct writer *to, struct error *err)
{
	struct view who, words = VIEW_NONE, from = VIEW_NONE, counts = VIEW_NONE;
	struct arena arena;
	int found;

	arena_init(&arena);
	found = input_get(db, INPUT_REBUILD, &arena, &who, err);
	if (found > 0 && (input_get(db, INPUT_REBUILD_WORDS, &arena, &words, err) < 0 || input_get(db, INPUT_REBUILD_FROM, &arena, &from, err) < 0 ||
			  input_get(db, INPUT_REBUILD_COUNTS, &arena, &counts, err) < 0))
		found = -1;
	if (found > 0) {
		wr_printf(to, "snapshot --rebuild, ordered by %.*s: ", VIEW_ARG(who));
		if (from.ptr)
			wr_printf(to, "under way from position %.*s", VIEW_ARG(from));
		else
			wr_printf(to, "begins with the next start of the agent, or is reading the topics back");
		tell_counts(counts, to);
		wr_printf(to, words.len ? "\n  %.*s\n" : "\n", VIEW_ARG(words));
	}
	arena_done(&arena);
	return found < 0 ? -1 : 0;
}

/* The order ------------------------------------------------------------------------------------ */

int rebuild_open(struct pipeline *p, bool history_left_out, struct error *err)
{
	struct view order, counts = VIEW_NONE;
	struct arena arena;
	int found;

	rebuild_close(p);
	arena_init(&arena);
	found = input_get(p->db, INPUT_REBUILD, &arena, &order, err);
	if (found > 0) {
		p->rebuild = MEM_NEW(struct rebuild);
		arena_init(&p->rebuild->arena);
		found = input_get(p->db, INPUT_REBUILD_COUNTS, &arena, &counts, err);
		if (found > 0)
			read_counts(p->rebuild, counts);
	}
	arena_done(&arena);
	if (found < 0)
		return -1;
	return p->rebuild ? rebuild_check(p->options, history_left_out, err) : 0;
}

void rebuild_close(struct pipeline *p)
{
	if (!p->rebuild)
		return;
	arena_done(&p->rebuild->arena);
	free(p->rebuild);
	p->rebuild = NULL;
}

int rebuild_begin(struct pipeline *p, struct error *err)
{
	char from[POSITION_TEXT_BYTES];

	position_print(p->applied.position, from);
	log_info(p->options->name, "the state file is built anew from position %s", from);
	if (rebuild_read_back(p, err) < 0)
		return -1;
	failpoint("rebuild-read");
	if (tallies_keep(p, err) < 0 || jobs_begin_at(p->db, p->claim * JOBS_OF_A_CLAIM, err) < 0 || inputs_remember(p, err) < 0 ||
	    input_put(p->db, INPUT_REBUILD_FROM, view_of(from), err) < 0 || rebuild_save(p, err) < 0 || state_commit(p, err) < 0)
		return -1;
	p->rebuild->begins = false;
	failpoint("rebuild-begun");
	return 0;
}

static int take(struct pipeline *p, const char *name, struct arena *arena, struct view *ret, struct error *err)
{
	int found = input_get(p->db, name, arena, ret, err);

	if (found == 0)
		*ret = VIEW("");
	return found < 0 ? -1 : input_put(p->db, name, VIEW_NONE, err);
}

static int write_report(struct pipeline *p, struct arena *arena, struct writer *report, struct error *err)
{
	struct audit_entry entry = {.at = clock_wall(), .action = VIEW("snapshot --rebuild")};
	struct view from, ignored;

	if (take(p, INPUT_REBUILD, arena, &entry.who, err) < 0 || take(p, INPUT_REBUILD_WORDS, arena, &entry.assertion, err) < 0 ||
	    take(p, INPUT_REBUILD_FROM, arena, &from, err) < 0 || take(p, INPUT_REBUILD_COUNTS, arena, &ignored, err) < 0)
		return -1;
	wr_printf(report, "rebuilt from position %.*s", VIEW_ARG(from));
	for (struct rebuilt_entity *entity = p->rebuild->entities; entity; entity = entity->next) {
		size_t begin = report->len + 2;

		wr_printf(report, "; ");
		describe(entity, report);
		log_info(p->options->name, "rebuilt %.*s", (int)(report->len - begin), report->data + begin);
	}
	entry.facts = wr_view(report);
	return audit_add(p->db, &entry, err);
}

static int end(struct pipeline *p, struct error *err)
{
	struct writer report = {0};
	struct arena arena;
	int result;

	arena_init(&arena);
	result = write_report(p, &arena, &report, err);
	arena_done(&arena);
	wr_done(&report);
	if (result < 0 || db_commit(p->db, err) < 0)
		return -1;
	log_info(p->options->name, "the state file is whole again");
	rebuild_close(p);
	return 0;
}

int rebuild_look(struct pipeline *p, struct error *err)
{
	struct arena arena;
	struct job job;
	int found;

	if (!p->rebuild || p->rebuild->begins || p->load_count || p->loads_due)
		return 0;
	arena_init(&arena);
	found = job_next(p->db, &arena, &job, err);
	arena_done(&arena);
	return found ? (found < 0 ? -1 : 0) : end(p, err);
}
