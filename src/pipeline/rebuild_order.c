/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The order: a state file that has nothing but it. What a start would refuse is refused here already, by the same table of
 * cases.
 */
#include "pipeline/rebuild_order.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "rebuild.h"
#include "state/inputs.h"
#include "state/position.h"

struct order {
	const struct pipeline_options *options;
	struct db *db;
	struct checkpoint checkpoint;
	struct source_identity identity;
	struct start_facts facts;
	const char *who, *words;
	char *aside;                 /* what the damaged file is called now, if there was one */
};

static int refuse(struct error *err, const char *why, const char *remedy)
{
	error_set(err, ERROR_INPUT, "the state file is not built anew: %s", why);
	return error_hint(err, "%s", remedy);
}

/* Nothing may be there that looks as if it belonged to the new file. */
static int set_aside(struct order *order, struct error *err)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	const char *path = order->options->state_path;

	order->aside = mem_printf("%s.lost-%lld", path, (long long)(clock_wall() / USEC_PER_SEC));
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char *from = mem_printf("%s%s", path, ends[i]), *to = mem_printf("%s%s", order->aside, ends[i]);
		int result = access(from, F_OK) == 0 ? rename(from, to) : 0;

		if (result < 0)
			error_set(err, ERROR_INPUT, "%s cannot be renamed to %s: %m", from, to);
		free(from);
		free(to);
		if (result < 0)
			return -1;
	}
	return 0;
}

static int open_state(struct order *order, struct error *err)
{
	struct db_options db = {.cache_bytes = order->options->state_cache_bytes};
	const char *path = order->options->state_path;
	struct progress state;

	if (db_open(path, &db, &order->db, err) < 0 &&
	    (err->class != ERROR_STATE || err->state != STATE_STATE_LOST || set_aside(order, err) < 0 ||
	     db_open(path, &db, &order->db, err) < 0))
		return -1;
	if (position_load(order->db, &state, err) < 0)
		return -1;
	if (state.position.kind == POSITION_NONE && state.snapshot_phase == SNAPSHOT_NONE)
		return 0;
	return refuse(err, "it is there, and can be read",
		      "start the agent; if it is not the one that belongs to the topics, or damaged all the same, move it away first");
}

/* The facts as if the file that was lost stood where the checkpoint is; of another server, if that can be gone on with. */
static int gather(struct order *order, const struct source_ops *ops, struct source *source, struct error *err)
{
	struct start_facts *facts = &order->facts;
	struct position to;
	int found;

	if (ops->identify(source, &order->identity, err) < 0)
		return -1;
	*facts = (struct start_facts){
		.identity = &order->identity,
		.have_state = true,
		.have_checkpoint = true,
		.state = rebuild_progress(&order->checkpoint, order->identity.confirmed),
		.checkpoint = order->checkpoint.progress,
		.state_system = order->checkpoint.system,
		.checkpoint_system = order->checkpoint.system,
		.state_timeline = order->checkpoint.timeline,
		.slot = order->options->source.slot,
	};
	found = place_find(ops, source, order->identity.system, facts, &to, err);
	if (found <= 0)
		return found;
	facts->state.position = to;
	facts->state_system = facts->checkpoint_system = order->identity.system;
	return ops->identify(source, &order->identity, err);
}

static int look_at_source(struct order *order, struct error *err)
{
	const struct source_ops *ops = source_find(order->options->source_type);
	struct source_options options = order->options->source;
	struct catalog *catalog = catalog_new();
	struct source *source = NULL;
	int result;

	options.place = order->checkpoint.place;
	result = ops->open(&source, &options, catalog, err);
	if (result == 0)
		result = gather(order, ops, source, err);
	if (source)
		ops->close(source);
	catalog_free(catalog);
	return result;
}

static int look_at_kafka(struct order *order, struct error *err)
{
	char topic[300];
	int found;

	snprintf(topic, sizeof(topic), "%s.checkpoint", order->options->prefix);
	found = checkpoint_read(&order->options->kafka, topic, order->options->name, &order->checkpoint, err);
	if (found < 0)
		return -1;
	return found && rebuild_possible(&order->checkpoint) ? 0
	       : refuse(err, "Kafka has no checkpoint of a first snapshot that was finished", "start the agent: it takes its first snapshot");
}

static int check(struct order *order, struct error *err)
{
	if (order->identity.slot_active) {
		error_state(err, STATE_CONFLICT, "the slot '%s' is in use by the server process %d", order->facts.slot,
			    order->identity.slot_pid);
		return error_hint(err, "an agent streams from it: stop it first");
	}
	return start_decide(&order->facts, err) == START_STREAM ? 0 : -1;
}

/* A new state file is another writer's: the claim of the one before looks like that of an agent at work. */
static void tell_how(const struct checkpoint *checkpoint, struct writer *facts)
{
	usec_t age = clock_wall() - checkpoint->written_at;

	if (checkpoint->released || age > CLAIM_FRESH_US)
		wr_printf(facts, "start it");
	else
		wr_printf(facts, "start it with --take-over, or in %d s: the agent that had the lost file did not end in order, and wrote its "
			  "checkpoint %d s ago", (int)((CLAIM_FRESH_US - age) / USEC_PER_SEC) + 1, (int)(age / USEC_PER_SEC));
}

static int write_order(struct order *order, struct writer *facts, struct error *err)
{
	char position[POSITION_TEXT_BYTES];

	if (input_put(order->db, INPUT_REBUILD, view_of(order->who), err) < 0 ||
	    input_put(order->db, INPUT_REBUILD_WORDS, view_of(order->words ? order->words : ""), err) < 0 ||
	    db_commit(order->db, err) < 0)
		return -1;
	position_print(order->facts.state.position, position);
	wr_printf(facts, "%s%s%sthe state file is built anew from position %s by the next start of the agent; ",
		  order->aside ? "the damaged file is kept as " : "", order->aside ? order->aside : "", order->aside ? "; " : "", position);
	tell_how(&order->checkpoint, facts);
	return 0;
}

int rebuild_order(const struct pipeline_options *options, const char *who, const char *words, struct writer *ret_facts,
		  struct error *err)
{
	struct order order = {.options = options, .who = who, .words = words};
	int result = look_at_kafka(&order, err) < 0 || rebuild_check(options, order.checkpoint.history_left_out, err) < 0 ||
				     look_at_source(&order, err) < 0 || check(&order, err) < 0 || open_state(&order, err) < 0
			     ? -1 : write_order(&order, ret_facts, err);

	db_close(order.db);
	free(order.aside);
	return result;
}
