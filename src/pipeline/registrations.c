/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What a registry says of our schemas. Ids are kept in the state file: a registry that is away holds up only who has a new
 * schema.
 *
 * While a registry is waited for, no Kafka transaction stays open (what is in it is committed first, inside of a source
 * transaction if need be), the source is served, and an order to stop is obeyed. What it refuses for good is a named
 * state, and everything before that place is published.
 */
#include "registrations.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "pipeline/schema_list.h"
#include "registry/references.h"
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
int registration_frame(struct pipeline *p, const char *topic, enum message_part part, const struct encode_schema *schema,
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
