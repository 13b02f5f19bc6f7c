/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What has to be true for a move: everything up to the state file's position is published and nothing is under way; the
 * slot is there and unused; and its position is behind ours, so that no event id comes twice. Then the state file gets the
 * server's identity and the slot's position, as if it had idled there, and the next start goes on from it. The
 * checkpoint still tells of the former server, which the file knows until its next claim.
 */
#include "pipeline/adopt.h"

#include <stdio.h>
#include <stdlib.h>

#include "run.h"
#include "state/audit.h"
#include "state/inputs.h"
#include "state/jobs.h"
#include "state/position.h"

struct adoption {
	const struct pipeline_options *options;
	struct db *db;
	struct progress state;
	struct checkpoint checkpoint;
	char system[64], timeline[16];      /* as the state file has them */
	struct source_identity identity;
	const char *who, *assertion;
};

static int refuse(struct error *err, const char *why, const char *remedy)
{
	error_set(err, ERROR_INPUT, "the position cannot be adopted: %s", why);
	return error_hint(err, "%s", remedy);
}

/* An unfinished job has to be finished where it began. */
static int check_jobs(struct adoption *ad, struct error *err)
{
	struct arena arena;
	struct job job;
	int found;

	arena_init(&arena);
	found = job_next(ad->db, &arena, &job, err);
	arena_done(&arena);
	if (found > 0)
		return refuse(err, "a job is not finished", "let the agent finish it with the former server");
	return found;
}

#define DRAIN "start the agent with the former server, and end it with SIGTERM: then everything up to one position is published"

/* Written in order: the file is upon the checkpoint, or they have the same border. */
static int check_agreement(struct adoption *ad, struct error *err)
{
	const struct progress *state = &ad->state, *checkpoint = &ad->checkpoint.progress;
	bool upon = state->border == checkpoint->border + 1 &&
		    (!state->base_known || state->base_published == checkpoint->published);
	bool same = state->border == checkpoint->border && state->published == checkpoint->published;

	if (state->position.kind == POSITION_NONE || state->snapshot_phase != SNAPSHOT_FINISHED)
		return refuse(err, "nothing was published yet", "start the agent: it takes its snapshot of this server");
	if (state->open.phase != OPEN_NONE || checkpoint->open.phase != OPEN_NONE)
		return refuse(err, "a transaction is published in part", DRAIN);
	if (!ad->checkpoint.released || (!upon && !same) || progress_compare(checkpoint, state) > 0)
		return refuse(err, "state file and checkpoint do not agree", DRAIN);
	if (strcmp(ad->checkpoint.system, ad->system) != 0)
		return refuse(err, "the checkpoint is of another server than the state file", "an adoption that was not followed by a start "
			      "cannot be followed by another one: start the agent");
	return 0;
}

static int check_source(struct adoption *ad, struct error *err)
{
	const struct source_identity *now = &ad->identity;
	struct position at = ad->state.position;
	bool same_server = strcmp(now->system, ad->system) == 0;

	if (strcmp(now->database, ad->checkpoint.database) != 0)
		return refuse(err, "this is another database", "correct source.dbname");
	if (!now->slot_exists || now->slot_lost) {
		refuse(err, now->slot_lost ? "the slot was invalidated" : "the slot is not there", "");
		return error_hint(err, "make it %swhile nothing is written: SELECT pg_create_logical_replication_slot('%s', 'pgoutput');",
				  now->slot_lost ? "anew " : "", ad->options->source.slot);
	}
	if (now->slot_active)
		return refuse(err, "somebody streams from the slot", "end that first");
	if (same_server && position_compare(now->confirmed, at) <= 0)
		return refuse(err, "there is nothing to adopt, since the slot still has what comes next", "start the agent");
	if (position_compare(now->confirmed, at) < 0)
		return refuse(err, "the new server's log is behind the position that is published: event ids would come twice",
			      "a server made by pg_upgrade, or promoted, is ahead of it; any other begins anew with a new source name");
	return 0;
}

static void describe(const struct adoption *ad, struct writer *to)
{
	char before[POSITION_TEXT_BYTES], now[POSITION_TEXT_BYTES];

	position_print(ad->state.position, before);
	position_print(ad->identity.confirmed, now);
	wr_printf(to, "from position %s of system %s, timeline %s, to %s of system %s, timeline %u, slot '%s'", before, ad->system, ad->timeline,
		  now, ad->identity.system, ad->identity.timeline, ad->options->source.slot);
}

/*
 * The publication of the new server is another one by its marks, and its tables are kept in other files: what was in between is part
 * of the assertion.
 */
static int write_state(struct adoption *ad, struct error *err)
{
	char timeline[16];

	snprintf(timeline, sizeof(timeline), "%u", ad->identity.timeline);
	progress_border(&ad->state, &ad->checkpoint.progress);
	ad->state.position = ad->identity.confirmed;
	if (position_save(ad->db, &ad->state, err) < 0 || input_put(ad->db, INPUT_SYSTEM, view_of(ad->identity.system), err) < 0 ||
	    input_put(ad->db, INPUT_TIMELINE, view_of(timeline), err) < 0 ||
	    input_put(ad->db, INPUT_PUBLICATION, VIEW_NONE, err) < 0 || input_put(ad->db, INPUT_LAYOUTS, VIEW_NONE, err) < 0)
		return -1;
	return input_put(ad->db, INPUT_ADOPTED_FROM, view_of(ad->checkpoint.system), err);
}

static int write_all(struct adoption *ad, struct writer *facts, struct error *err)
{
	struct audit_entry entry = {
		.at = clock_wall(), .action = VIEW("position adopt"), .who = view_of(ad->who), .assertion = view_of(ad->assertion),
	};

	describe(ad, facts);
	entry.facts = wr_view(facts);
	if (write_state(ad, err) < 0 || audit_add(ad->db, &entry, err) < 0)
		return -1;
	return db_commit(ad->db, err);
}

static int look_at_source(struct adoption *ad, struct error *err)
{
	const struct source_ops *ops = source_find(ad->options->source_type);
	struct catalog *catalog = catalog_new();
	struct source *source = NULL;
	int result = ops->open(&source, &ad->options->source, catalog, err);

	if (result == 0)
		result = ops->identify(source, &ad->identity, err);
	if (source)
		ops->close(source);
	catalog_free(catalog);
	return result;
}

static int look(struct adoption *ad, struct error *err)
{
	char topic[300];
	int found;

	snprintf(topic, sizeof(topic), "%s.checkpoint", ad->options->prefix);
	if (position_load(ad->db, &ad->state, err) < 0 || input_text(ad->db, INPUT_SYSTEM, ad->system, sizeof(ad->system), err) < 0 ||
	    input_text(ad->db, INPUT_TIMELINE, ad->timeline, sizeof(ad->timeline), err) < 0)
		return -1;
	found = checkpoint_read(&ad->options->kafka, topic, ad->options->name, &ad->checkpoint, err);
	if (found <= 0)
		return found < 0 ? -1 : refuse(err, "there is no checkpoint in Kafka", "restore the checkpoint topic");
	return look_at_source(ad, err);
}

int position_adopt(const struct pipeline_options *options, const char *who, const char *assertion, struct writer *ret_facts,
		   struct error *err)
{
	struct db_options db = {.cache_bytes = options->state_cache_bytes};
	struct adoption ad = {.options = options, .who = who, .assertion = assertion};
	int result;

	if (db_open(options->state_path, &db, &ad.db, err) < 0)
		return -1;
	result = look(&ad, err) < 0 || check_agreement(&ad, err) < 0 || check_jobs(&ad, err) < 0 || check_source(&ad, err) < 0 ? -1
	       : write_all(&ad, ret_facts, err);
	db_close(ad.db);
	return result;
}
