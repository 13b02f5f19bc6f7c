/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Bodies of requests and answers. An answer is taken for what its bytes are, whatever its content type says:
 * registries label plain text as JSON, and send nothing at all where a body belongs.
 */
#include "answer.h"

#include <jansson.h>
#include <string.h>

#include "base/json.h"
#include "base/shown.h"

#define SHOWN_BYTES 240
#define CONFLICTS_MOST 3
#define PLAIN_500_MOST 10 /* Apicurio says 500 to what it cannot read; and so does anybody in real trouble */

static const char *const format_names[] = {[SCHEMA_AVRO] = "AVRO", [SCHEMA_JSON] = "JSON",
					   [SCHEMA_PROTOBUF] = "PROTOBUF"};

/* Requests ------------------------------------------------------------------------------------ */

void schema_body(const struct schema_text *schema, struct writer *to)
{
	wr_printf(to, "{\"schema\":");
	json_text(to, schema->text);
	/* Avro is not named: the oldest registries know nothing else, and no such member. */
	if (schema->format != SCHEMA_AVRO)
		wr_printf(to, ",\"schemaType\":\"%s\"", format_names[schema->format]);
	for (size_t i = 0; i < schema->reference_count; i++) {
		const struct schema_reference *reference = &schema->references[i];

		wr_printf(to, i ? ",{\"name\":" : ",\"references\":[{\"name\":");
		json_text(to, view_of(reference->name));
		wr_printf(to, ",\"subject\":");
		json_text(to, view_of(reference->subject));
		wr_printf(to, ",\"version\":%d}", reference->version);
	}
	wr_printf(to, schema->reference_count ? "]}" : "}");
}

/* Answers ------------------------------------------------------------------------------------- */

/* A member of an answer, and where its value goes. */
struct taking {
	struct arena *arena;
	struct registry_answer *answer;
};

static bool take_number(const json_t *value, int32_t *ret)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < 1 || number > INT32_MAX)
		return false;
	*ret = (int32_t)number;
	return true;
}

static struct view copy_text(struct arena *arena, const json_t *value)
{
	return arena_copy(arena, (struct view){json_string_value(value), json_string_length(value)});
}

static bool take_id(struct taking *taking, const json_t *value)
{
	return take_number(value, &taking->answer->id);
}

static bool take_version(struct taking *taking, const json_t *value)
{
	return take_number(value, &taking->answer->version);
}

static bool take_schema(struct taking *taking, const json_t *value)
{
	taking->answer->schema.text = copy_text(taking->arena, value);
	return json_is_string(value);
}

static bool take_format(struct taking *taking, const json_t *value)
{
	for (size_t i = 0; i < sizeof(format_names) / sizeof(format_names[0]); i++) {
		if (json_is_string(value) && strcmp(json_string_value(value), format_names[i]) == 0) {
			taking->answer->schema.format = (enum schema_format)i;
			return true;
		}
	}
	return json_is_null(value);
}

static bool take_reference(struct taking *taking, const json_t *value, struct schema_reference *ret)
{
	const json_t *name = json_object_get(value, "name"), *subject = json_object_get(value, "subject");

	if (!json_is_string(name) || !json_is_string(subject))
		return false;
	ret->name = copy_text(taking->arena, name).ptr;
	ret->subject = copy_text(taking->arena, subject).ptr;
	return take_number(json_object_get(value, "version"), &ret->version);
}

static bool take_references(struct taking *taking, const json_t *value)
{
	size_t count = json_array_size(value);
	struct schema_reference *list = ARENA_ARRAY(taking->arena, struct schema_reference, count + 1);

	for (size_t i = 0; i < count; i++)
		if (!take_reference(taking, json_array_get(value, i), &list[i]))
			return false;
	taking->answer->schema.references = list;
	taking->answer->schema.reference_count = count;
	return json_is_array(value) || json_is_null(value);
}

static bool take_compatible(struct taking *taking, const json_t *value)
{
	taking->answer->compatible = json_is_true(value);
	return json_is_boolean(value);
}

static bool take_reason(struct taking *taking, const json_t *value)
{
	if (json_is_string(value))
		taking->answer->reasons = copy_text(taking->arena, value);
	return true;
}

static bool take_messages(struct taking *taking, const json_t *value)
{
	return take_reason(taking, json_array_get(value, 0));
}

static bool take_level(struct taking *taking, const json_t *value)
{
	taking->answer->level = copy_text(taking->arena, value);
	return json_is_string(value);
}

#define FOR(question) (1u << (question))
#define SCHEMAS (FOR(REGISTRY_BY_ID) | FOR(REGISTRY_LATEST) | FOR(REGISTRY_VERSION))

static const struct {
	const char *name;
	bool (*take)(struct taking *taking, const json_t *value);
	unsigned needed; /* by which questions */
} answer_members[] = {
	{"id", take_id, FOR(REGISTRY_REGISTER) | FOR(REGISTRY_LOOK_UP)},
	{"version", take_version, FOR(REGISTRY_LATEST)},
	{"schema", take_schema, SCHEMAS},
	{"schemaType", take_format, 0},
	{"references", take_references, 0},
	{"is_compatible", take_compatible, FOR(REGISTRY_COMPATIBLE)},
	{"reason", take_reason, 0},
	{"messages", take_messages, 0},
	{"compatibilityLevel", take_level, FOR(REGISTRY_LEVEL)},
};

static bool take_members(const struct response *response, const json_t *body, struct taking *taking)
{
	for (size_t i = 0; i < sizeof(answer_members) / sizeof(answer_members[0]); i++) {
		const json_t *value = json_object_get(body, answer_members[i].name);

		if (value ? !answer_members[i].take(taking, value)
		    : (answer_members[i].needed & FOR(response->question)) != 0)
			return false;
	}
	return true;
}

static json_t *parse(struct view body)
{
	return body.len ? json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

/* One that is cut off in the middle may come whole the next time. */
static enum verdict read_answer(const struct response *response, struct arena *arena, struct registry_answer *ret,
				struct error *err)
{
	struct taking taking = {arena, ret};
	json_t *body = parse(response->body);
	bool understood = json_is_object(body) && take_members(response, body, &taking);

	json_decref(body);
	ret->found = true;
	if (understood)
		return VERDICT_ANSWERED;
	error_set(err, ERROR_TRANSIENT, "the schema registry %s answered %ld with something else than was asked for: %.*s",
		  response->url, response->status, VIEW_ARG(text_shown(response->body, SHOWN_BYTES, arena)));
	return VERDICT_AGAIN;
}

/* Complaints ---------------------------------------------------------------------------------- */

struct complaint {
	int code;             /* the registry's own; 0: none */
	struct view message;  /* for people, never empty */
};

static struct complaint read_complaint(const struct response *response, struct arena *arena)
{
	json_t *body = parse(response->body);
	const json_t *message = json_object_get(body, "message");
	struct view text = json_is_string(message) ? copy_text(arena, message) : response->body;
	struct complaint complaint = {.code = (int)json_integer_value(json_object_get(body, "error_code"))};

	complaint.message = text.len ? text_shown(text, SHOWN_BYTES, arena) : VIEW("(it says nothing)");
	json_decref(body);
	return complaint;
}

static bool sends_schema(enum registry_question question)
{
	return question == REGISTRY_REGISTER || question == REGISTRY_LOOK_UP || question == REGISTRY_COMPATIBLE;
}

static enum verdict refuse_us(const struct response *response, const struct complaint *complaint, struct error *err)
{
	error_state(err, STATE_REGISTRY_DENIED, "the schema registry %s refuses access%s%s (%ld): %.*s", response->url,
		    response->subject ? " to subject " : "", response->subject ? response->subject : "",
		    response->status,
		    VIEW_ARG(complaint->message));
	error_hint(err, response->status == 401 ? "correct registry.user and registry.password, or registry.token"
						: "grant this user the right to read and, with registry.auto_register, to write "
						  "the subject in the registry");
	return VERDICT_FAILED;
}

static void incompatible(const struct response *response, const struct complaint *complaint, struct error *err)
{
	error_state(err, STATE_SCHEMA_REFUSED, "the schema registry %s refuses the schema of subject %s as incompatible: %.*s",
		    response->url, response->subject, VIEW_ARG(complaint->message));
	error_hint(err, "undo the change at the source, or let the registry take it (a lower compatibility level of the subject, "
			"or another topics.prefix); then start again: nothing was skipped");
}

/*
 * A registration whose answer was lost may just be taking place: what comes in between is told of a conflict, and what comes
 * after it the schema's id.
 */
static enum verdict conflict(const struct response *response, const struct complaint *complaint, struct error *err)
{
	incompatible(response, complaint, err);
	if (response->question == REGISTRY_REGISTER && response->attempts > response->conflicts &&
	    response->conflicts <= CONFLICTS_MOST)
		return VERDICT_AGAIN;
	return VERDICT_FAILED;
}

static enum verdict invalid(const struct response *response, const struct complaint *complaint, struct error *err)
{
	error_state(err, STATE_SCHEMA_REFUSED, "the schema registry %s refuses the schema of subject %s (%ld): %.*s",
		    response->url, response->subject ? response->subject : "", response->status,
		    VIEW_ARG(complaint->message));
	error_hint(err, "look into the registry's log; a subject that holds schemas of another kind, or is read-only, must be put "
			"right there; nothing was skipped");
	return VERDICT_FAILED;
}

static enum verdict no_registry(const struct response *response, const struct complaint *complaint, struct error *err)
{
	error_set(err, ERROR_INPUT, "there is no schema registry at %s: it answers %ld: %.*s", response->url,
		  response->status, VIEW_ARG(complaint->message));
	error_hint(err, "registry.url is the address below which the registry has /subjects; of Apicurio, that ends in "
			"/apis/ccompat/v7");
	return VERDICT_FAILED;
}

static enum verdict not_found(const struct response *response, const struct complaint *complaint,
			      struct registry_answer *ret, struct error *err)
{
	if (complaint->code / 100 != 404 || response->question == REGISTRY_REGISTER)
		return no_registry(response, complaint, err);
	*ret = (struct registry_answer){.found = false};
	return VERDICT_ANSWERED;
}

static enum verdict in_trouble(const struct response *response, const struct complaint *complaint, struct error *err)
{
	bool plain = response->status == 500 && !complaint->code;

	if (plain && response->question == REGISTRY_REGISTER && response->attempts >= PLAIN_500_MOST)
		return invalid(response, complaint, err);
	error_set(err, ERROR_TRANSIENT, "the schema registry %s is in trouble (%ld): %.*s", response->url,
		  response->status, VIEW_ARG(complaint->message));
	return VERDICT_AGAIN;
}

enum verdict response_read(const struct response *response, struct arena *arena, struct registry_answer *ret,
			   struct error *err)
{
	long status = response->status;
	struct complaint complaint;

	*ret = (struct registry_answer){0};
	if (status >= 200 && status < 300)
		return read_answer(response, arena, ret, err);
	complaint = read_complaint(response, arena);
	if (status == 401 || status == 403)
		return refuse_us(response, &complaint, err);
	if (status == 404)
		return not_found(response, &complaint, ret, err);
	if (status == 409 && response->subject)
		return conflict(response, &complaint, err);
	if (status >= 500 || status == 408 || status == 429)
		return in_trouble(response, &complaint, err);
	return sends_schema(response->question) && status >= 400 ? invalid(response, &complaint, err)
								  : no_registry(response, &complaint, err);
}
