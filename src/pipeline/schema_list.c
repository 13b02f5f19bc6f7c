/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "pipeline/schema_list.h"

#include <stdio.h>
#include <stdlib.h>

#include "encode/marker.h"
#include "encode/plan.h"
#include "run.h"

struct walk {
	const struct listed_from *from;
	struct encoder *encoder;
	struct encode_schema string;   /* of keys that are an id */
	struct arena arena;
	int (*each)(void *arg, const struct listed_schema *schema);
	void *arg;
};

static int tell(struct walk *walk, const char *topic, enum message_part part, const struct encode_schema *schema)
{
	const struct pipeline_options *options = walk->from->options;
	enum record_format format = part == PART_KEY ? options->key_format : options->value_format;
	struct listed_schema listed = {
		.topic = topic, .part = part, .format = format, .record = schema->name, .type = schema->type,
		.fingerprint = schema->fingerprint,
	};
	struct writer text = {0};
	char *subject;
	int result;

	if (!schema->text.ptr) /* a table without a key */
		return 0;
	subject = subject_name(options->subjects, topic, part, schema->name);
	listed.subject = subject;
	schemas_text(format, schema, &text, &listed.text);
	result = walk->each(walk->arg, &listed);
	free(subject);
	wr_done(&text);
	return result;
}

static int tell_pair(struct walk *walk, const char *topic, const struct encode_schema *key, const struct encode_schema *value)
{
	int result = tell(walk, topic, PART_KEY, key);

	return result ? result : tell(walk, topic, PART_VALUE, value);
}

static int tell_tables(struct walk *walk, struct error *err)
{
	int result = 0;

	for (size_t i = 0; i < walk->from->version_count && result == 0; i++) {
		const struct table *table = walk->from->versions[i];
		struct encode_plan *plan;

		if (!pipeline_publishes(walk->from->options, table->schema, table->name))
			continue;
		plan = encode_plan_new(walk->encoder, table, err);
		if (!plan)
			return -1;
		result = tell_pair(walk, plan->topic_name, &plan->key, &plan->value);
		encode_plan_free(plan);
	}
	return result;
}

static int tell_plan(struct walk *walk, const struct encode_plan *plan)
{
	return tell_pair(walk, plan->topic_name, &plan->key, &plan->value);
}

/* A topic of documents: "entity", "Invoice". What the contract lacks was complained of when it was compiled. */
static int tell_contract(struct walk *walk, const char *kind, const char *name, const struct avro_type *type)
{
	struct encode_schema schema;
	char topic[300];

	if (!type)
		return 0;
	snprintf(topic, sizeof(topic), "%s.%s%s%s", walk->from->options->prefix, kind, *name ? "." : "", name);
	schema = contract_schema(&walk->arena, type);
	return tell_pair(walk, topic, &walk->string, &schema);
}

static int tell_entity(struct walk *walk, const struct entity *entity)
{
	struct contract *contract = walk->from->contract;
	int result = tell_contract(walk, "entity", entity->name, contract_entity_message(contract, entity->name));

	for (unsigned i = 0; i < entity->event_count && result == 0; i++)
		result = tell_contract(walk, "event", entity->events[i].name,
				       contract_find_in(contract, CONTRACT_EVENT, entity->events[i].name));
	return result;
}

static int tell_contracts(struct walk *walk)
{
	const struct listed_from *from = walk->from;
	unsigned count = 0;
	const struct entity *const *entities = from->mapping ? mapping_entities(from->mapping, &count) : NULL;
	int result = 0;

	if (from->contract)
		result = tell_contract(walk, "exception", "", contract_find_in(from->contract, CONTRACT_DOCUMENT, "Exception"));
	for (unsigned i = 0; i < count && result == 0; i++)
		result = tell_entity(walk, entities[i]);
	return result;
}

static int tell_all(struct walk *walk, struct error *err)
{
	int result = tell_tables(walk, err);

	if (result == 0)
		result = tell_plan(walk, encoder_messages(walk->encoder));
	if (result == 0)
		result = tell_plan(walk, encoder_markers(walk->encoder));
	return result ? result : tell_contracts(walk);
}

int schema_list(const struct listed_from *from, int (*each)(void *arg, const struct listed_schema *schema), void *arg,
		struct error *err)
{
	struct encode_options options = pipeline_encode_options(from->options);
	struct walk walk = {.from = from, .encoder = encoder_new(&options), .each = each, .arg = arg};
	int result;

	arena_init(&walk.arena);
	walk.string = contract_schema(&walk.arena, &avro_string);
	result = tell_all(&walk, err);
	arena_done(&walk.arena);
	encoder_free(walk.encoder);
	return result;
}
