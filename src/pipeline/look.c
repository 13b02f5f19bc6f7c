/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What the next start of an agent would come to, as far as it can be told without touching anything. */
#include "pipeline/look.h"

#include <stdio.h>

#include "run.h"

/* Without a state file there is nothing to remember; one that says nothing has an order to be built anew, perhaps. */
int look_start(const struct pipeline_options *options, const struct source_identity *identity, struct db *db, struct error *err)
{
	struct start_memory file = {0};
	struct checkpoint checkpoint = {0};
	struct start_facts facts;
	char topic[300];

	snprintf(topic, sizeof(topic), "%s.checkpoint", options->prefix);
	if ((db && start_remember(db, &file, err) < 0) ||
	    checkpoint_read(&options->kafka, topic, options->name, &checkpoint, err) < 0)
		return -1;
	facts = start_facts_of(options, identity, &file, &checkpoint);
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
