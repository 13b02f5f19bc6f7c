/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * `tailwater schema`: the schemas that the messages of this configuration have, topic by topic, as the source's tables are
 * now; and what a registry says of them. Nothing is registered.
 */
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "control/conf.h"
#include "control/options.h"
#include "pipeline/schema_list.h"
#include "schema/evolve.h"
#include "site.h"
#include "verbs.h"

#define REGISTRY_PATIENCE_US (10 * USEC_PER_SEC)

static const char *const parts[] = {[PART_KEY] = "key", [PART_VALUE] = "value"};

struct showing {
	const struct conf *conf;
	const char *const *patterns;
	unsigned pattern_count;
	bool json, text, check;
	struct registry *registry;   /* NULL: there is none, or none for what is framed */
	char topic[300];             /* the last one shown */
	unsigned shown, refused;
	struct error *err;
};

/* What the registry says of one. */
struct standing {
	bool asked;
	bool registered;
	int32_t id, version;
	bool checked, compatible;
	char *reasons;
};

static bool wanted(const struct showing *sh, const char *topic)
{
	const char *rest = topic + strlen(sh->conf->pipeline.prefix) + 1;

	for (unsigned i = 0; i < sh->pattern_count; i++)
		if (fnmatch(sh->patterns[i], topic, 0) == 0 || fnmatch(sh->patterns[i], rest, 0) == 0)
			return true;
	return !sh->pattern_count;
}

/* The registry -------------------------------------------------------------------------------- */

static int ask(struct showing *sh, enum registry_question question, const char *subject, const struct schema_text *text,
	       struct registry_answer *answer)
{
	struct registry_request request = {.question = question, .subject = subject, .schema = *text};

	return registry_get(sh->registry, &request, answer, sh->err);
}

static int get(void *arg, const struct registry_request *request, struct registry_answer *ret, struct error *err)
{
	struct showing *sh = arg;

	return registry_get(sh->registry, request, ret, err);
}

/* Whether others are referred to for what they have in common; a registry may not compare such schemas. */
static bool refers(const struct showing *sh, const struct listed_schema *schema)
{
	return sh->conf->pipeline.references && schema->text.format == SCHEMA_AVRO;
}

/* One whose parts are not there is not there. */
static int ask_in_parts(struct showing *sh, const struct listed_schema *schema, struct arena *arena, struct registry_answer *answer)
{
	struct schema_part *split;
	size_t count = schema_split(schema->text.text, arena, &split);

	for (size_t i = 0; i < count; i++) {
		struct schema_text text = schema_of_part(&split[i]);
		const char *subject = split[i].name ? split[i].name : schema->subject;

		if (ask(sh, REGISTRY_LOOK_UP, subject, &text, answer) < 0)
			return -1;
		if (!answer->found)
			break;
		if (split[i].name)
			schema_set_version(split, count, split[i].name, answer->version);
	}
	return 0;
}

static int ask_for(struct showing *sh, const struct listed_schema *schema, struct registry_answer *answer)
{
	struct arena arena;
	int result;

	if (!refers(sh, schema))
		return ask(sh, REGISTRY_LOOK_UP, schema->subject, &schema->text, answer);
	arena_init(&arena);
	result = ask_in_parts(sh, schema, &arena, answer);
	arena_done(&arena);
	return result;
}

/* Which field it is, which a registry says in its own words at best. */
static char *explain(struct showing *sh, const struct listed_schema *schema, struct view reasons)
{
	struct writer text = {0};
	char *told = mem_text(reasons), *result;

	if (schema->text.format == SCHEMA_AVRO &&
	    schema_latest_differences(schema->subject, schema->text.text, get, sh, &text, sh->err) < 0)
		wr_clear(&text);
	result = mem_printf("%.*s%s%s", VIEW_ARG(wr_view(&text)), text.len && *told ? "; the registry: " : "", told);
	wr_done(&text);
	free(told);
	return result;
}

static int compare(struct showing *sh, const struct listed_schema *schema, struct standing *ret)
{
	struct writer text = {0};
	int result = schema_latest_differences(schema->subject, schema->text.text, get, sh, &text, sh->err);

	ret->checked = true;
	ret->compatible = !text.len;
	if (text.len)
		ret->reasons = mem_text(wr_view(&text));
	wr_done(&text);
	return result;
}

/* A subject that is not there takes anything. */
static int check(struct showing *sh, const struct listed_schema *schema, struct standing *ret)
{
	struct registry_answer answer;

	if (refers(sh, schema))
		return compare(sh, schema, ret);
	if (ask(sh, REGISTRY_COMPATIBLE, schema->subject, &schema->text, &answer) < 0)
		return -1;
	ret->checked = true;
	ret->compatible = !answer.found || answer.compatible;
	if (!ret->compatible)
		ret->reasons = explain(sh, schema, answer.reasons.ptr ? answer.reasons : VIEW(""));
	return 0;
}

static int look_up(struct showing *sh, const struct listed_schema *schema, struct standing *ret)
{
	struct registry_answer answer;

	if (!sh->registry || !schema->text.text.ptr)
		return 0;
	if (ask_for(sh, schema, &answer) < 0)
		return -1;
	ret->asked = true;
	ret->registered = answer.found;
	ret->id = answer.id;
	ret->version = answer.version;
	return sh->check && !answer.found ? check(sh, schema, ret) : 0;
}

/* What the agent would stop for. */
static bool refused(const struct showing *sh, const struct standing *standing)
{
	return standing->asked && !standing->registered &&
	       ((standing->checked && !standing->compatible) || (sh->check && !sh->conf->pipeline.auto_register));
}

/* Output -------------------------------------------------------------------------------------- */

static const char *format_name(const struct listed_schema *schema)
{
	const char *option = schema->part == PART_KEY ? "format.key" : "format.value";

	return option_find(view_of(option))->choices[schema->format];
}

static void print_standing(const struct showing *sh, const struct standing *standing)
{
	if (!standing->asked)
		return;
	if (standing->registered)
		printf(", registered: id %d, version %d", standing->id, standing->version);
	else
		printf(", not registered");
	if (standing->checked)
		printf(standing->compatible ? ", compatible" : ", INCOMPATIBLE");
	if (standing->reasons)
		printf(": %s", standing->reasons);
	if (!standing->registered && sh->check && !sh->conf->pipeline.auto_register)
		printf(" (and registry.auto_register is false)");
}

static void print_human(struct showing *sh, const struct listed_schema *schema, const struct standing *standing)
{
	if (strcmp(sh->topic, schema->topic) != 0)
		printf("%s\n", schema->topic);
	snprintf(sh->topic, sizeof(sh->topic), "%s", schema->topic);
	printf("  %-5s  %s, %s", parts[schema->part], format_name(schema), schema->record ? schema->record : "string");
	if (!schema->text.text.ptr)
		printf(", no schema");
	else if (sh->registry)
		printf(", subject %s", schema->subject);
	else
		printf(", fingerprint %016" PRIx64, schema->fingerprint);
	print_standing(sh, standing);
	printf("\n");
	if (sh->text && schema->text.text.ptr)
		printf("%.*s\n", VIEW_ARG(schema->text.text));
}

static void write_standing(const struct standing *standing, struct writer *to)
{
	wr_printf(to, ",\"registered\":%s", standing->registered ? "true" : "false");
	if (standing->registered)
		wr_printf(to, ",\"id\":%d,\"version\":%d", standing->id, standing->version);
	if (!standing->checked)
		return;
	wr_printf(to, ",\"compatible\":%s,\"reasons\":", standing->compatible ? "true" : "false");
	if (standing->reasons)
		json_text(to, view_of(standing->reasons));
	else
		wr_printf(to, "null");
}

/* An Avro schema or a JSON Schema is JSON itself. */
static void write_text(const struct listed_schema *schema, struct writer *to)
{
	wr_printf(to, ",\"schema\":");
	if (!schema->text.text.ptr)
		wr_printf(to, "null");
	else if (schema->text.format == SCHEMA_PROTOBUF)
		json_text(to, schema->text.text);
	else
		wr_view_bytes(to, schema->text.text);
}

static void print_json(const struct showing *sh, const struct listed_schema *schema, const struct standing *standing)
{
	struct writer to = {0};

	wr_printf(&to, "{\"topic\":");
	json_text(&to, view_of(schema->topic));
	wr_printf(&to, ",\"part\":\"%s\",\"format\":\"%s\",\"record\":", parts[schema->part], format_name(schema));
	if (schema->record)
		json_text(&to, view_of(schema->record));
	else
		wr_printf(&to, "null");
	wr_printf(&to, ",\"fingerprint\":\"%016" PRIx64 "\"", schema->fingerprint);
	if (sh->registry) {
		wr_printf(&to, ",\"subject\":");
		json_text(&to, view_of(schema->subject));
	}
	if (standing->asked)
		write_standing(standing, &to);
	write_text(schema, &to);
	printf("%.*s}\n", VIEW_ARG(wr_view(&to)));
	wr_done(&to);
}

static int show(void *arg, const struct listed_schema *schema)
{
	struct showing *sh = arg;
	struct standing standing = {0};

	if (!wanted(sh, schema->topic))
		return 0;
	if (look_up(sh, schema, &standing) < 0)
		return -1;
	if (sh->json)
		print_json(sh, schema, &standing);
	else
		print_human(sh, schema, &standing);
	sh->shown++;
	sh->refused += refused(sh, &standing);
	free(standing.reasons);
	return 0;
}

/* What there is ------------------------------------------------------------------------------- */

static int open_registry(struct showing *sh, struct error *err)
{
	struct registry_options options = sh->conf->pipeline.registry;

	if (!options.url || sh->conf->pipeline.framing != FRAMING_CONFLUENT)
		return sh->check ? error_set(err, ERROR_INPUT, "--check asks a schema registry, and none is configured") : 0;
	options.patience_us = REGISTRY_PATIENCE_US;
	return registry_new(&sh->registry, &options, err);
}

static int open_site(struct site *site, struct error *err)
{
	if (site_connect(site, err) < 0)
		return -1;
	if (site->options->pack ? site_compile(site) < 0
				: site->options->bad_record_exception && !(site->contract = contract_load(site->options->schemas, &site->diag))) {
		site_complain(site);
		return error_set(err, ERROR_INPUT, "the mapping pack or the schemas are wrong");
	}
	return site_capture(site, err);
}

static int show_all(struct showing *sh, struct site *site, struct error *err)
{
	struct listed_from from = {.options = site->options};

	if (open_registry(sh, err) < 0 || open_site(site, err) < 0)
		return -1;
	from.versions = site->captured_versions;
	from.version_count = site->captured_count;
	from.mapping = site->mapping;
	from.contract = site->contract;
	return schema_list(&from, show, sh, err);
}

static int verdict(const struct showing *sh, int result, struct error *err)
{
	if (result < 0)
		return verb_fail(err);
	if (!sh->shown) {
		error_set(err, ERROR_INPUT, "no topic fits");
		return verb_fail(err);
	}
	if (sh->check && !sh->json)
		printf("%u schemas, %u that the agent would stop for\n", sh->shown, sh->refused);
	return sh->refused ? EXIT_FAILED : EXIT_DONE;
}

static int run(const struct arguments *args)
{
	struct conf *conf = verb_conf(args);
	struct site site = {.options = conf ? &conf->pipeline : NULL};
	struct error err = {0};
	struct showing sh = {
		.conf = conf, .json = argument(args, "--json") != NULL, .text = argument(args, "--text") != NULL,
		.check = argument(args, "--check") != NULL, .err = &err,
	};
	int code;

	if (!conf)
		return EXIT_USAGE;
	sh.patterns = argument_list(args, "--topic", &sh.pattern_count);
	code = verdict(&sh, show_all(&sh, &site, &err), &err);
	registry_free(sh.registry);
	site_done(&site);
	conf_free(conf);
	return code;
}

static const struct flag flags[] = {
	FLAG_CONFIG,
	{"--topic", "PATTERN", true, "Only topics that fit: of the name, or of what follows the prefix. May be given several times."},
	{"--text", NULL, false, "The schemas themselves, too."},
	{"--json", NULL, false, "A JSON object on a line for each, with the schema."},
	{"--check", NULL, false, "Ask the registry of what is not registered whether it would take it. Exit code 1 if not."},
	FLAGS_END,
};

const struct verb verb_schema = {
	.name = "schema",
	.summary = "the schemas of all topics, as they are or would be registered",
	.help = "Lists keys and values of every topic that this configuration makes, with the tables as the source has them now: format, "
		"record, subject and id in the registry, or the fingerprint in PREFIX.schemas. With --check before a migration of "
		"the database, on a copy of it, it says what the registry would refuse. Nothing is registered.",
	.flags = flags,
	.run = run,
};
