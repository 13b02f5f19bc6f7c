/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The frames of our messages, by their format. Without a registry they are made of the schemas themselves. With one, every
 * schema has an id there (registrations.c) before a message with it is made: those of documents at the start, that of a table
 * before the first row of its shape.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "pipeline/schema_list.h"
#include "registrations.h"
#include "run.h"
#include "state/inputs.h"

static void text_avro(const struct encode_schema *schema, struct writer *to, struct schema_text *ret)
{
	(void)to;
	*ret = (struct schema_text){.text = schema->text};
}

static void text_json(const struct encode_schema *schema, struct writer *to, struct schema_text *ret)
{
	(void)schema, (void)to;
	*ret = (struct schema_text){.text = VIEW_NONE};
}

static void text_json_schema(const struct encode_schema *schema, struct writer *to, struct schema_text *ret)
{
	recode_json_schema(schema->type, to);
	*ret = (struct schema_text){.text = wr_view(to), .format = SCHEMA_JSON};
}

/* What has no such form is told by who frames it. */
static void text_protobuf(const struct encode_schema *schema, struct writer *to, struct schema_text *ret)
{
	struct error err;

	*ret = (struct schema_text){.text = VIEW_NONE, .format = SCHEMA_PROTOBUF};
	if (recode_protobuf_schema(schema->type, to, &err) == 0)
		ret->text = wr_view(to);
}

static void (*const texts[])(const struct encode_schema *schema, struct writer *to, struct schema_text *ret) = {
	[FORMAT_AVRO] = text_avro,
	[FORMAT_JSON] = text_json,
	[FORMAT_JSON_CONNECT] = text_json,
	[FORMAT_JSON_SCHEMA] = text_json_schema,
	[FORMAT_PROTOBUF] = text_protobuf,
};

/* What a registry has of it: the text is the schema's own, or stands in `to`; none if the format has no schema. */
void schemas_text(enum record_format format, const struct encode_schema *schema, struct writer *to,
		  struct schema_text *ret)
{
	texts[format](schema, to, ret);
}

static int frame_avro(struct pipeline *p, const char *topic, enum message_part part, struct encode_schema *schema,
		      struct error *err)
{
	struct schema_text text = {.text = schema->text};

	return p->registry ? registration_frame(p, topic, part, schema, &text, &schema->frame, err) : 0;
}

static int frame_json(struct pipeline *p, const char *topic, enum message_part part, struct encode_schema *schema,
		      struct error *err)
{
	(void)p, (void)topic, (void)part, (void)err;
	schema->frame = schema->outer = (struct frame){.len = 0};
	return 0;
}

static int frame_json_schema(struct pipeline *p, const char *topic, enum message_part part,
			     struct encode_schema *schema, struct error *err)
{
	struct schema_text text;
	struct writer to = {0};
	int result;

	schema->frame = (struct frame){.len = 0};
	text_json_schema(schema, &to, &text);
	result = registration_frame(p, topic, part, schema, &text, &schema->outer, err);
	wr_done(&to);
	return result;
}

/* The record has its schema in itself. */
static int frame_json_connect(struct pipeline *p, const char *topic, enum message_part part,
			      struct encode_schema *schema, struct error *err)
{
	struct writer to = {0};
	int result;

	(void)topic, (void)part;
	schema->frame = schema->outer = (struct frame){.len = 0};
	wr_view_bytes(&to, VIEW(RECODE_CONNECT_BEGIN));
	result = recode_connect_schema(schema->text, &to, err);
	wr_view_bytes(&to, VIEW(RECODE_CONNECT_PAYLOAD));
	schema->prefix = arena_copy(&p->route_arena, wr_view(&to));
	wr_done(&to);
	return result;
}

/* Behind the id stands which message of the file it is: the first, which is a zero alone. */
static int frame_protobuf(struct pipeline *p, const char *topic, enum message_part part, struct encode_schema *schema,
			  struct error *err)
{
	struct schema_text text = {.format = SCHEMA_PROTOBUF};
	struct writer to = {0};
	int result = recode_protobuf_schema(schema->type, &to, err);

	schema->frame = (struct frame){.len = 0};
	text.text = wr_view(&to);
	if (result == 0)
		result = registration_frame(p, topic, part, schema, &text, &schema->outer, err);
	schema->outer.bytes[schema->outer.len++] = 0;
	wr_done(&to);
	return result;
}

static int (*const framers[])(struct pipeline *p, const char *topic, enum message_part part,
			      struct encode_schema *schema, struct error *err) = {
	[FORMAT_AVRO] = frame_avro,
	[FORMAT_JSON] = frame_json,
	[FORMAT_JSON_SCHEMA] = frame_json_schema,
	[FORMAT_JSON_CONNECT] = frame_json_connect,
	[FORMAT_PROTOBUF] = frame_protobuf,
};

static int settle(struct pipeline *p, const char *topic, enum message_part part, struct encode_schema *schema,
		  struct error *err)
{
	enum record_format format = part == PART_KEY ? p->options->key_format : p->options->value_format;

	return schema->text.ptr ? framers[format](p, topic, part, schema, err) : 0;
}

static int settle_pair(struct pipeline *p, const char *topic, struct encode_schema *key, struct encode_schema *value,
		       struct error *err)
{
	if (settle(p, topic, PART_KEY, key, err) < 0)
		return -1;
	return settle(p, topic, PART_VALUE, value, err);
}

/* What is known of a fingerprint: 1 if it is this schema's, or now is, 0 if it is another's, -1. */
static int claim_fingerprint(struct pipeline *p, const struct encode_schema *schema, struct error *err)
{
	char name[40], meaning[20];
	struct arena arena;
	struct view known;
	int found;

	snprintf(name, sizeof(name), "schema.%016llx", (unsigned long long)schema->fingerprint);
	snprintf(meaning, sizeof(meaning), "%016llx", (unsigned long long)hash_bytes(schema->text, 0));
	arena_init(&arena);
	found = input_get(p->db, name, &arena, &known, err);
	if (found > 0)
		found = view_is(known, meaning);
	else if (found == 0)
		found = input_put(p->db, name, view_of(meaning), err) < 0 ? -1 : 1;
	arena_done(&arena);
	return found;
}

/*
 * Without a registry a record says by a fingerprint which schema it has: when a column's scale or unit changes, the new
 * schema gets another name, and so another fingerprint. It is done where the shape is first met in the log, and noted in
 * the state file, so that a replay comes to the same.
 */
static int settle_meaning(struct pipeline *p, struct encode_plan *plan, bool key, struct error *err)
{
	const struct encode_schema *schema = key ? &plan->key : &plan->value;
	int ours = schema->text.ptr ? claim_fingerprint(p, schema, err) : 1;

	if (ours == 0) {
		if (encode_plan_distinguish(p->encoder, plan, key, err) < 0)
			return -1;
		ours = claim_fingerprint(p, schema, err);
	}
	if (ours == 0)
		return error_set(err, ERROR_INTERNAL, "the schema of topic %s cannot be told from another one", plan->topic_name);
	return ours < 0 ? -1 : 0;
}

static int settle_meanings(struct pipeline *p, struct encode_plan *plan, struct error *err)
{
	if (p->registry)
		return 0;
	if (p->options->key_format == FORMAT_AVRO && settle_meaning(p, plan, true, err) < 0)
		return -1;
	return p->options->value_format == FORMAT_AVRO ? settle_meaning(p, plan, false, err) : 0;
}

int schemas_settle_route(struct pipeline *p, struct route *route, struct error *err)
{
	struct encode_plan *plan = route->plan;

	if (route->framed)
		return 0;
	if (plan && settle_meanings(p, plan, err) < 0)
		return -1;
	if (plan && settle_pair(p, plan->topic_name, &plan->key, &plan->value, err) < 0)
		return -1;
	route->framed = true;
	return 0;
}

static int settle_entity(struct pipeline *p, const struct entity *entity, struct entity_route *route, struct error *err)
{
	if (settle_pair(p, topic_name(route->topic), &route->key, &route->message, err) < 0)
		return -1;
	for (unsigned i = 0; i < entity->event_count; i++)
		if (settle_pair(p, topic_name(route->event_topics[i]), &route->event_keys[i],
				&route->event_messages[i], err) < 0)
			return -1;
	return 0;
}

/*
 * Those of the topics of all but tables and logical messages, which are settled with their first change: an agent
 * that is behind registers the shapes of a table in the order that they had.
 */
int schemas_settle(struct pipeline *p, struct error *err)
{
	unsigned count = 0;
	const struct entity *const *entities = p->mapping ? mapping_entities(p->mapping, &count) : NULL;

	if (schemas_settle_route(p, &p->marker_route, err) < 0)
		return -1;
	if (p->exception_topic &&
	    settle_pair(p, topic_name(p->exception_topic), &p->exception_key, &p->exception_message, err) < 0)
		return -1;
	for (unsigned i = 0; i < count; i++)
		if (settle_entity(p, entities[i], &p->entity_routes[entities[i]->index], err) < 0)
			return -1;
	return 0;
}

/* Formats -------------------------------------------------------------------------------------- */

static int recode_part(enum record_format format, const struct encode_schema *schema, struct view *part,
		       struct byte_range *range, struct writer *to, struct error *err)
{
	if (format == FORMAT_AVRO || !part->ptr)
		return 0;
	wr_clear(to);
	wr_bytes(to, schema->outer.bytes, schema->outer.len);
	wr_view_bytes(to, schema->prefix);
	if (recode(format, schema->type, *part, range, to, err) < 0)
		return -1;
	if (schema->prefix.len)
		wr_u8(to, '}');
	*part = wr_view(to);
	return 0;
}

int schemas_recode(struct pipeline *p, const struct encode_schema *key, const struct encode_schema *value,
		   struct other_format *to, struct message *message, struct error *err)
{
	struct byte_range nothing = {0}, observed = {message->observed_at, message->observed_bytes};

	if (recode_part(p->options->key_format, key, &message->key, &nothing, &to->key, err) < 0 ||
	    recode_part(p->options->value_format, value, &message->value, &observed, &to->value, err) < 0)
		return -1;
	message->observed_at = observed.at;
	message->observed_bytes = observed.bytes;
	return 0;
}
