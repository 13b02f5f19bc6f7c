/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Plans compiled: names adjusted and checked, schemas written, a writing function for each column. */
#include "encode/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "encode/marker.h"
#include "encoder.h"
#include "field.h"
#include "names.h"
#include "plan_schema.h"
#include "schema/contract.h"
#include "schema/fingerprint.h"

#define TOPIC_NAME_MAX 249 /* Kafka's */

static const char *copy(struct arena *arena, const char *text)
{
	return arena_copy(arena, view_of(text)).ptr;
}

static int finish_schema(struct arena *arena, struct writer *text, struct encode_schema *schema, struct error *err)
{
	struct diagnostics diag = {0};
	struct contract *contract = contract_parse_text("schema", wr_view(text), &diag);
	int rc = 0;

	if (contract) {
		schema->text = arena_copy(arena, wr_view(text));
		schema->fingerprint = avro_fingerprint(contract_root(contract));
		schema->name = copy(arena, contract_root(contract)->name);
		schema->frame = frame_single_object(schema->fingerprint);
		schema->type = contract_root(contract);
		schema->contract = contract;
	} else {
		rc = error_set(err, ERROR_INTERNAL, "a schema of our own is wrong: %.*s",
			       VIEW_ARG(wr_view(&diag.text)));
	}
	diag_done(&diag);
	wr_done(text);
	return rc;
}

struct encoder *encoder_new(const struct encode_options *options)
{
	struct encoder *enc = MEM_NEW(struct encoder);

	arena_init(&enc->arena);
	enc->options = *options;
	enc->options.prefix = copy(&enc->arena, options->prefix);
	enc->options.source_name = copy(&enc->arena, options->source_name);
	enc->options.connector = copy(&enc->arena, options->connector);
	enc->options.database = copy(&enc->arena, options->database);
	enc->options.version = copy(&enc->arena, options->version);
	enc->binlog = connector_has_binlog(enc->options.connector);
	encoder_prepare(enc);
	return enc;
}

void encoder_log_name(struct encoder *enc, const char *name, int64_t shift)
{
	snprintf(enc->log_name, sizeof(enc->log_name), "%s", name);
	enc->log_shift = shift;
}

void encoder_check_text(struct encoder *enc, bool check)
{
	enc->check_text = check;
}

static void free_schemas(struct encode_plan *plan)
{
	contract_free(plan->key.contract);
	contract_free(plan->value.contract);
}

void encoder_free(struct encoder *enc)
{
	if (!enc)
		return;
	map_done(&enc->topics);
	map_done(&enc->collections);
	encoder_release(enc);
	free(enc->messages.place);
	free_schemas(&enc->messages);
	free_schemas(&enc->markers);
	arena_done(&enc->arena);
	free(enc);
}

struct encode_plan *encoder_messages(struct encoder *enc)
{
	struct encode_plan *plan = &enc->messages;
	struct writer text = {0};
	struct error err;

	if (plan->topic_name)
		return plan;
	plan->topic_name = name_of_topic(&enc->arena, arena_printf(&enc->arena, "%s.message", enc->options.prefix).ptr);
	write_message_key_schema(enc->options.connector, &text);
	if (finish_schema(&enc->arena, &text, &plan->key, &err))
		abort();
	write_message_value_schema(enc->options.connector, &text);
	if (finish_schema(&enc->arena, &text, &plan->value, &err))
		abort();
	return plan;
}

/* Takes the topic's name for a table; two tables cannot have the same. */
static int take_topic(struct encoder *enc, struct encode_plan *plan, struct error *err)
{
	const struct table *table = plan->table;
	const char *full = arena_printf(&enc->arena, "%s.%s", table->schema, table->name).ptr;
	const char *topic =
		name_of_topic(&enc->arena, arena_printf(&enc->arena, "%s.change.%s", enc->options.prefix, full).ptr);
	const char *owner = map_get(&enc->topics, view_of(topic));

	if (strlen(topic) > TOPIC_NAME_MAX) {
		error_set(err, ERROR_INPUT, "the topic name of table %s would have more than %d characters", full,
			  TOPIC_NAME_MAX);
		return error_hint(err, "choose a shorter 'topics.prefix', or exclude the table");
	}
	if (owner && strcmp(owner, full)) {
		error_set(err, ERROR_INPUT, "the tables %s and %s would both be published to the topic '%s'", owner,
			  full, topic);
		return error_hint(err, "rename one of them, or exclude it in 'tables'");
	}
	if (!owner)
		map_put(&enc->topics, view_of(topic), (void *)full);
	plan->topic_name = topic;
	return 0;
}

/* One markers' plan for each encoder, like that of messages. */
struct encode_plan *encoder_markers(struct encoder *enc)
{
	struct encode_plan *plan = &enc->markers;
	struct writer text = {0};
	struct error err;

	if (plan->topic_name)
		return plan;
	plan->topic_name =
		name_of_topic(&enc->arena, arena_printf(&enc->arena, "%s.transaction", enc->options.prefix).ptr);
	write_marker_key_schema(&text);
	if (finish_schema(&enc->arena, &text, &plan->key, &err))
		abort();
	write_marker_value_schema(enc->options.documents, &text);
	if (finish_schema(&enc->arena, &text, &plan->value, &err))
		abort();
	return plan;
}

static struct encode_collection *collection_of(struct encoder *enc, const struct table *table)
{
	uint64_t source_id = table->source_id;
	struct view key = {(const char *)&source_id, sizeof(source_id)};
	struct encode_collection *collection = map_get(&enc->collections, key);

	if (collection)
		return collection;
	collection = ARENA_NEW(&enc->arena, struct encode_collection);
	collection->source_id = source_id;
	collection->name = arena_printf(&enc->arena, "%s.%s", table->schema, table->name).ptr;
	map_put(&enc->collections, (struct view){(const char *)&collection->source_id, sizeof(source_id)}, collection);
	return collection;
}

static int check_name(const struct encode_plan *plan, const struct encode_field *field, struct error *err)
{
	for (const struct encode_field *other = plan->fields; other < field; other++) {
		if (strcmp(other->name, field->name))
			continue;
		error_set(err, ERROR_INPUT, "the columns '%s' and '%s' of table %s.%s would both be the field '%s'",
			  other->column->name, field->column->name, plan->table->schema, plan->table->name,
			  field->name);
		return error_hint(err, "exclude one of the columns, or rename it");
	}
	return 0;
}

static int check_flat_name(const struct encode_plan *plan, const struct encode_field *field, struct error *err)
{
	if (!flat_has_field(field->name))
		return 0;
	error_set(err, ERROR_INPUT, "column '%s' of table %s.%s has the name of a field that the flat envelope adds",
		  field->column->name, plan->table->schema, plan->table->name);
	return error_hint(err, "exclude the column, or use format.envelope: debezium");
}

static int make_fields(const struct encoder *enc, struct encode_plan *plan, struct error *err)
{
	const struct table *table = plan->table;
	const struct encode_options *options = &enc->options;

	plan->fields = ARENA_ARRAY(plan->arena, struct encode_field, table->column_count + 1);
	plan->text_fields = ARENA_ARRAY(plan->arena, struct encode_field *, table->column_count + 1);
	for (unsigned i = 0; i < table->column_count; i++) {
		struct encode_field *field = &plan->fields[plan->field_count];

		if (options->wanted && !options->wanted(options->wanted_arg, table, &table->columns[i]))
			continue;
		field_init(field, table, i, &options->forms, (struct field_memory){plan->arena, plan->scratch});
		if (enc->check_text)
			field_check_text(field);
		field->name = name_of_field(plan->arena, table->columns[i].name);
		if (check_name(plan, field, err) || (options->envelope == ENVELOPE_FLAT &&
						     check_flat_name(plan, field, err)))
			return -1;
		plan->row_bytes += field->bytes + 1;
		if (field->times)
			plan->text_fields[plan->text_field_count++] = field;
		plan->field_count++;
	}
	return 0;
}

static struct encode_field *field_of_column(const struct encode_plan *plan, unsigned index)
{
	for (unsigned i = 0; i < plan->field_count; i++)
		if (plan->fields[i].index == index)
			return &plan->fields[i];
	return NULL;
}

static int add_key_field(struct encode_plan *plan, unsigned index, struct error *err)
{
	const struct table *table = plan->table;
	struct encode_field *field = field_of_column(plan, index);

	if (!field)
		return error_set(err, ERROR_INPUT, "column '%s' of table %s.%s is excluded, but belongs to its key",
				 table->columns[index].name, table->schema, table->name);
	plan->key_fields[plan->key_field_count++] = field;
	return 0;
}

/*
 * A replica identity index beside the primary key: of an old row the server then sends the columns of that index only,
 * so the key of the records must be those.
 */
static bool is_keyed_by_identity(const struct table *table)
{
	for (unsigned i = 0; i < table->key_count; i++)
		if (!table->columns[table->key[i]].identity)
			return table->identity == IDENTITY_INDEX;
	return false;
}

static int make_key_fields(struct encode_plan *plan, struct error *err)
{
	const struct table *table = plan->table;

	plan->key_fields = ARENA_ARRAY(plan->arena, struct encode_field *, table->column_count + 1);
	if (!is_keyed_by_identity(table)) {
		for (unsigned i = 0; i < table->key_count; i++)
			if (add_key_field(plan, table->key[i], err))
				return -1;
		return 0;
	}
	for (unsigned i = 0; i < table->column_count; i++)
		if (table->columns[i].identity && add_key_field(plan, i, err))
			return -1;
	return 0;
}

static void (*const value_schemas[])(const struct encode_plan *plan, const char *space, const char *connector,
				     struct writer *to) = {
	[ENVELOPE_DEBEZIUM] = write_value_schema,
	[ENVELOPE_FLAT] = write_flat_schema,
};

static int make_key_schema(struct encode_plan *plan, const char *space, struct error *err)
{
	struct writer text = {0};

	if (!plan->key_field_count)
		return 0;
	write_key_schema(plan, space, &text);
	return finish_schema(plan->arena, &text, &plan->key, err);
}

static int make_value_schema(const struct encoder *enc, struct encode_plan *plan, const char *space, struct error *err)
{
	struct writer text = {0};

	value_schemas[enc->options.envelope](plan, space, enc->options.connector, &text);
	return finish_schema(plan->arena, &text, &plan->value, err);
}

static int make_schemas(const struct encoder *enc, struct encode_plan *plan, struct error *err)
{
	const char *space = name_of_schema(plan->arena, plan->topic_name);

	return make_key_schema(plan, space, err) < 0 ? -1 : make_value_schema(enc, plan, space, err);
}

int encode_plan_distinguish(const struct encoder *enc, struct encode_plan *plan, bool key, struct error *err)
{
	struct encode_schema *schema = key ? &plan->key : &plan->value;
	const char *space = arena_printf(plan->arena, "%s.v%08x", name_of_schema(plan->arena, plan->topic_name),
					 (unsigned)hash_bytes(schema->text, 0)).ptr;

	contract_free(schema->contract);
	*schema = (struct encode_schema){0};
	return key ? make_key_schema(plan, space, err) : make_value_schema(enc, plan, space, err);
}

struct encode_plan *encode_plan_new(struct encoder *enc, const struct table *table, struct error *err)
{
	struct encode_plan *plan = MEM_NEW(struct encode_plan);

	plan->table = table;
	plan->arena = MEM_NEW(struct arena);
	arena_init(plan->arena);
	plan->scratch = MEM_NEW(struct arena);
	arena_init(plan->scratch);
	plan->collection = collection_of(enc, table);
	if (!take_topic(enc, plan, err) && !make_fields(enc, plan, err) && !make_key_fields(plan, err) &&
	    !make_schemas(enc, plan, err))
		return plan;
	encode_plan_free(plan);
	return NULL;
}

void encode_plan_free(struct encode_plan *plan)
{
	if (!plan)
		return;
	free_schemas(plan);
	arena_done(plan->arena);
	free(plan->arena);
	arena_done(plan->scratch);
	free(plan->scratch);
	free(plan->place);
	free(plan);
}
