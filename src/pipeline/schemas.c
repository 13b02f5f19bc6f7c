/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The frames of our messages. Without a registry they are made of the schemas themselves. With one, every schema has
 * an id there before a message with it is made: those of documents at the start, that of a table before the first row
 * of its shape. Ids are kept in the state file: a registry that is away holds up only who has a new schema.
 *
 * While a registry is waited for, no Kafka transaction stays open (what is in it is committed first, inside of a source
 * transaction if need be), the source is served, and an order to stop is obeyed. What it refuses for good is a named
 * state, and everything before that place is published.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "pipeline/schema_list.h"
#include "registry/references.h"
#include "run.h"
#include "schema/contract.h"
#include "schema/evolve.h"
#include "state/inputs.h"

#define SLICE_US (20 * USEC_PER_MSEC)
#define TELL_US (60 * USEC_PER_SEC)
#define DIFFERENCES_BYTES 400

/* Ids that are kept ---------------------------------------------------------------------------- */

/* Of this registry: the ids of another one mean nothing. */
static char *kept_name(const struct pipeline *p, const char *name)
{
	return mem_printf("registry.id %s %s", p->options->registry.url, name);
}

static int load_id(void *arg, struct view name, struct view value)
{
	struct pipeline *p = arg;
	char *prefix = kept_name(p, "");
	size_t len = strlen(prefix);

	free(prefix);
	schema_ids_load(p->schema_ids, (struct view){name.ptr + len, name.len - len}, value);
	return 0;
}

int schemas_open(struct pipeline *p, struct error *err)
{
	char *prefix;
	int result;

	if (!p->options->registry.url || p->options->framing != FRAMING_CONFLUENT)
		return 0;
	if (registry_new(&p->registry, &p->options->registry, err) < 0)
		return -1;
	p->schema_ids = schema_ids_new();
	prefix = kept_name(p, "");
	result = input_each(p->db, prefix, load_id, p, err);
	free(prefix);
	return result;
}

/* With what the options say now, between two questions; ids that are known stay. */
int schemas_reopen(struct pipeline *p, struct error *err)
{
	struct registry *registry;

	if (!p->registry)
		return 0;
	if (registry_new(&registry, &p->options->registry, err) < 0)
		return -1;
	registry_free(p->registry);
	p->registry = registry;
	return 0;
}

void schemas_close(struct pipeline *p)
{
	registry_free(p->registry);
	schema_ids_free(p->schema_ids);
}

static int keep_id(void *arg, const char *name, const char *value, struct error *err)
{
	struct pipeline *p = arg;
	char *full = kept_name(p, name);
	int result = input_put(p->db, full, view_of(value), err);

	free(full);
	return result;
}

int schemas_save(struct pipeline *p, struct error *err)
{
	return p->registry ? schema_ids_save(p->schema_ids, keep_id, p, err) : 0;
}

void schemas_saved(struct pipeline *p)
{
	if (p->registry)
		schema_ids_kept(p->schema_ids);
}

bool schemas_unsaved(const struct pipeline *p)
{
	return p->registry && schema_ids_unkept(p->schema_ids);
}

/* Asking --------------------------------------------------------------------------------------- */

/* Once, when it begins, and then each minute. */
static void tell_trouble(struct pipeline *p, const char *subject, usec_t *told_at)
{
	const char *trouble = registry_trouble(p->registry);
	usec_t now = clock_mono();

	if (!trouble || (*told_at && now - *told_at < TELL_US))
		return;
	*told_at = now;
	log_warning(p->options->name, "%s; waiting with the schema of subject %s", trouble, subject);
}

static void count_attempts(struct pipeline *p)
{
	atomic_store_explicit(&p->metrics->registry_requests, registry_attempts(p->registry), memory_order_relaxed);
	atomic_store_explicit(&p->metrics->registry_retries, registry_retries(p->registry), memory_order_relaxed);
}

static int ask(void *arg, const struct registry_request *request, struct registry_answer *answer, struct error *err)
{
	struct pipeline *p = arg;
	usec_t told_at = 0;
	int answered;

	registry_ask(p->registry, request);
	while ((answered = registry_step(p->registry, SLICE_US, answer, err)) == 0) {
		count_attempts(p);
		tell_trouble(p, request->subject, &told_at);
		if (atomic_load_explicit(&p->control->stop, memory_order_relaxed))
			return error_set(err, ERROR_TRANSIENT, "stopped while the schema registry was waited for");
		if (pipeline_serve(p, err) < 0)
			return -1;
	}
	count_attempts(p);
	return answered < 0 ? -1 : 0;
}

/* Refusals ------------------------------------------------------------------------------------- */

static struct contract *parse(struct view text)
{
	struct diagnostics diag = {0};
	struct contract *contract = contract_parse_text("schema", text, &diag);

	diag_done(&diag);
	return contract;
}

void schema_differences(struct view before, struct view after, struct writer *to)
{
	struct contract *old = parse(before), *new = parse(after);

	if (old && new)
		avro_differences(contract_root(old), contract_root(new), to);
	contract_free(old);
	contract_free(new);
}

/*
 * A registry says that a schema is incompatible, but seldom what of it: that is seen against the latest version
 * it has.
 */
static int name_column(struct pipeline *p, const char *subject, struct view schema, struct error *err)
{
	struct writer text = {0};
	struct error told = *err, ignored;

	if (err->class != ERROR_STATE || err->state != STATE_SCHEMA_REFUSED)
		return -1;
	if (schema_latest_differences(subject, schema, ask, p, &text, &ignored) < 0)
		wr_clear(&text);
	if (text.len)
		error_state(err, told.state, "subject %s: %.*s: %s", subject,
			    (int)(text.len < DIFFERENCES_BYTES ? text.len : DIFFERENCES_BYTES), text.data, told.text);
	error_hint(err, "%s", told.hint);
	wr_done(&text);
	return -1;
}

int schema_latest_differences(const char *subject, struct view schema, registry_asker *asker, void *arg, struct writer *to,
			      struct error *err)
{
	struct registry_request request = {.question = REGISTRY_LATEST, .subject = subject};
	struct registry_answer answer;
	struct schema_text latest;
	struct arena arena;
	struct view whole;
	int result = asker(arg, &request, &answer, err);

	if (result < 0 || !answer.found)
		return result;
	arena_init(&arena);
	latest = schema_copy(&answer.schema, &arena);
	result = schema_whole(&latest, asker, arg, &arena, &whole, err);
	if (result == 0)
		schema_differences(whole, schema, to);
	arena_done(&arena);
	return result;
}

static int complain_missing(struct pipeline *p, const char *subject, struct view text, struct error *err)
{
	log_debug(p->options->name, "schema of subject %s: %.*s", subject, VIEW_ARG(text));
	error_state(err, STATE_SCHEMA_REFUSED, "the schema registry does not have our schema of subject %s, and "
		    "registry.auto_register is false", subject);
	return error_hint(err, "register the schema (with log.level: debug the log has its text), or set "
			       "registry.auto_register: true; nothing was skipped");
}

/* Ids ------------------------------------------------------------------------------------------ */

/* `whole` is the schema as one text, for complaints. */
static int ask_about(struct pipeline *p, enum registry_question question, const char *subject, const struct schema_text *text,
		     struct view whole, struct registry_answer *ret, struct error *err)
{
	struct registry_request request = {.question = question, .subject = subject, .schema = *text};

	if (p->batch.open && batch_commit(p, err) < 0)
		return -1;
	if (ask(p, &request, ret, err) < 0)
		return name_column(p, subject, whole, err);
	return ret->found ? 0 : complain_missing(p, subject, text->text, err);
}

static int ask_id(struct pipeline *p, const char *subject, const struct schema_text *text, struct view whole, int32_t *ret,
		  struct error *err)
{
	struct registry_answer answer;

	if (ask_about(p, p->options->auto_register ? REGISTRY_REGISTER : REGISTRY_LOOK_UP, subject, text, whole, &answer, err) < 0)
		return -1;
	log_debug(p->options->name, "subject %s has the schema with id %d", subject, answer.id);
	*ret = answer.id;
	return 0;
}

/* References ----------------------------------------------------------------------------------- */

/* The version by which others refer to a part; the answer to a registration does not have it. */
static int ask_version(struct pipeline *p, const struct schema_part *part, struct view whole, int32_t *ret, struct error *err)
{
	struct schema_text text = schema_of_part(part);
	struct registry_answer answer = {0};
	int32_t ignored;

	if (p->options->auto_register && ask_id(p, part->name, &text, whole, &ignored, err) < 0)
		return -1;
	if (ask_about(p, REGISTRY_LOOK_UP, part->name, &text, whole, &answer, err) < 0)
		return -1;
	*ret = answer.version;
	return 0;
}

static int settle_parts(struct pipeline *p, struct schema_part *parts, size_t count, struct arena *arena, struct error *err)
{
	for (size_t i = 0; i + 1 < count; i++) {
		struct view whole = schema_join(parts, i + 1, arena);
		int32_t version = schema_ids_find_version(p->schema_ids, parts[i].name, whole);

		if (!version) {
			if (ask_version(p, &parts[i], whole, &version, err) < 0)
				return -1;
			schema_ids_put_version(p->schema_ids, parts[i].name, whole, version);
		}
		schema_set_version(parts, count, parts[i].name, version);
	}
	return 0;
}

/* What is known is known by the whole text. */
static int ask_id_of_parts(struct pipeline *p, const char *subject, struct view whole, int32_t *ret, struct error *err)
{
	struct schema_text text;
	struct schema_part *parts;
	struct arena arena;
	size_t count;
	int result;

	arena_init(&arena);
	count = schema_split(whole, &arena, &parts);
	result = settle_parts(p, parts, count, &arena, err);
	text = schema_of_part(&parts[count - 1]);
	if (result == 0)
		result = ask_id(p, subject, &text, whole, ret, err);
	arena_done(&arena);
	return result;
}

/* The frame that the registry's id of a schema makes. */
static int frame_of(struct pipeline *p, const char *topic, enum message_part part, const struct encode_schema *schema,
		    const struct schema_text *text, struct frame *ret, struct error *err)
{
	char *subject = subject_name(p->options->subjects, topic, part, schema->name);
	int32_t id = schema_ids_find(p->schema_ids, subject, text->text);
	int result = 0;

	if (!id) {
		result = p->options->references && text->format == SCHEMA_AVRO
				 ? ask_id_of_parts(p, subject, text->text, &id, err)
				 : ask_id(p, subject, text, schema->text, &id, err);
		if (result == 0)
			schema_ids_put(p->schema_ids, subject, text->text, id);
	}
	if (result == 0)
		*ret = frame_confluent(id);
	free(subject);
	return result;
}

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

	return p->registry ? frame_of(p, topic, part, schema, &text, &schema->frame, err) : 0;
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
	result = frame_of(p, topic, part, schema, &text, &schema->outer, err);
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
		result = frame_of(p, topic, part, schema, &text, &schema->outer, err);
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
