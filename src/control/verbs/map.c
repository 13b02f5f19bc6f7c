/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* `tailwater map check` and `tailwater map test`: for those who write mapping packs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diagnostics.h"
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "canonical/evaluate.h"
#include "canonical/rules.h"
#include "control/conf.h"
#include "encode/json.h"
#include "site.h"
#include "verbs.h"

/* Pack and contracts of the command line count before those of the configuration. */
static int take_pack(const struct arguments *args, struct pipeline_options *options)
{
	const char *pack = argument(args, "--pack"), *schemas = argument(args, "--schemas");

	if (pack) {
		options->pack = pack;
		options->overlay = NULL;
	}
	if (schemas)
		options->schemas = schemas;
	if (options->pack)
		return 0;
	fprintf(stderr, "tailwater: there is no pack: give --pack, or mapping.pack in the configuration\n");
	return -1;
}

/* map check ----------------------------------------------------------------------------------- */

static void print_mapping(const struct site *site)
{
	unsigned count;
	const struct entity *const *entities = mapping_entities(site->mapping, &count);
	const struct mirror_need *needs;

	printf("pack %s %s\n", pack_name(site->pack), pack_version(site->pack));
	for (unsigned i = 0; i < count; i++) {
		printf("entity %s: root %s, events", entities[i]->name, entities[i]->root);
		for (unsigned j = 0; j < entities[i]->event_count; j++)
			printf(" %s", entities[i]->events[j].name);
		printf("%s\n", entities[i]->event_count ? "" : " none");
	}
	needs = mapping_needs(site->mapping, &count);
	for (unsigned i = 0; i < count; i++) {
		printf("mirror %s.%s:", needs[i].schema, needs[i].name);
		for (unsigned j = 0; j < needs[i].column_count; j++)
			printf(" %s", needs[i].columns[j]);
		printf("\n");
	}
}

static int check_site(struct site *site, bool connect)
{
	struct error err = {0};
	int result;

	if (connect && site_connect(site, &err) < 0)
		return verb_fail(&err);
	result = site_compile(site);
	site_complain(site);
	if (result < 0)
		return EXIT_USAGE;
	print_mapping(site);
	return EXIT_DONE;
}

static int run_check(const struct arguments *args)
{
	bool alone = argument(args, "--pack") && argument(args, "--schemas") && !argument(args, "--config");
	struct conf *conf = alone ? NULL : verb_conf(args);
	struct pipeline_options options = conf ? conf->pipeline : (struct pipeline_options){.instance = "instance"};
	struct site site = {.options = &options};
	int code = EXIT_USAGE;

	if (!conf && !alone)
		return EXIT_USAGE;
	if (alone && argument(args, "--connect"))
		fprintf(stderr, "tailwater: --connect needs a configuration\n");
	else if (take_pack(args, &options) == 0)
		code = check_site(&site, argument(args, "--connect") != NULL);
	site_done(&site);
	conf_free(conf);
	return code;
}

#define FLAG_PACK {"--pack", "FOLDER", false, "This pack instead of the configuration's."}
#define FLAG_SCHEMAS {"--schemas", "FOLDER", false, "These contracts instead of the configuration's."}

static const struct flag check_flags[] = {
	FLAG_CONFIG,
	{"--connect", NULL, false, "Check tables and columns against the source, too."},
	FLAG_PACK,
	FLAG_SCHEMAS,
	FLAGS_END,
};

const struct verb verb_map_check = {
	.name = "map check",
	.summary = "compile a mapping pack and say all that is wrong with it",
	.help = "Compiles the pack against the Avro contracts and, with --connect, against the tables of the source, "
		"and prints the entities and what the mirror will hold. Complaints have file, line and column. With "
		"--pack and --schemas no configuration is needed.",
	.flags = check_flags,
	.run = run_check,
};

/* map test ------------------------------------------------------------------------------------ */

struct test {
	struct site site;
	struct arena arena;
	struct writer out;
	const char *entity; /* NULL: all that have the key */
	const char *key;
	unsigned found;
	bool one_line;
};

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *found = c ? strchr(digits, c | 0x20) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* Canonical ids are percent-encoded. */
static struct view decode(struct arena *arena, const char *text)
{
	struct view copy = arena_copy(arena, view_of(text));
	char *to = (char *)copy.ptr;

	for (const char *from = text; *from; from++) {
		int high = *from == '%' ? hex_digit(from[1]) : -1, low = high >= 0 ? hex_digit(from[2]) : -1;

		*to++ = low >= 0 ? (char)(high * 16 + low) : *from;
		from += low >= 0 ? 2 : 0;
	}
	*to = '\0';
	return (struct view){copy.ptr, (size_t)(to - copy.ptr)};
}

/* "7", "Invoice/7", "erp/Invoice/7" */
static void split_key(struct test *test, const char *text)
{
	char *copy = (char *)arena_copy(&test->arena, view_of(text)).ptr, *slash = strrchr(copy, '/'), *before;

	test->key = text;
	if (!slash)
		return;
	*slash = '\0';
	before = strrchr(copy, '/');
	if (!test->entity)
		test->entity = before ? before + 1 : copy;
	test->key = decode(&test->arena, slash + 1).ptr;
}

static bool make_key(const struct test *test, const struct entity *entity, struct root_key *ret)
{
	char *end;

	*ret = (struct root_key){.text = view_of(test->key)};
	if (!entity->key_is_number)
		return true;
	ret->is_number = true;
	ret->number = strtoll(test->key, &end, 10);
	return end != test->key && !*end;
}

static void write_texts(struct writer *out, const char *name, const struct view *texts, unsigned count)
{
	wr_printf(out, ",\"%s\":[", name);
	for (unsigned i = 0; i < count; i++) {
		wr_printf(out, "%s", i ? "," : "");
		json_text(out, texts[i]);
	}
	wr_u8(out, ']');
}

/* The rules that fire when the document comes from nothing, as for a row created straight in this state. */
static int write_events(struct test *test, const struct document *document, struct error *err)
{
	const struct entity *entity = document->entity;
	struct view fired[ENTITY_EVENTS_MAX];
	unsigned count = 0;
	uint64_t bits;

	if (rules_fire(test->site.mapping, entity, (struct rules_side){0},
		       (struct rules_side){.document = &document->datum}, &bits, err) < 0)
		return -1;
	for (unsigned i = 0; i < entity->event_count; i++)
		if (bits >> i & 1)
			fired[count++] = view_of(entity->events[i].name);
	write_texts(&test->out, "eventsFromNothing", fired, count);
	return 0;
}

static void write_fault(struct writer *out, const struct fault *fault)
{
	const struct {
		const char *name;
		struct view text;
	} texts[] = {
		{"reason", view_of(fault_reason_names[fault->reason])}, {"message", fault->message},
		{"path", fault->path},
		{"value", fault->value}, {"place", fault->place},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!texts[i].text.ptr)
			continue;
		wr_printf(out, ",\"%s\":", texts[i].name);
		json_text(out, texts[i].text);
	}
}

static int write_document(struct test *test, const struct document *document, struct error *err)
{
	struct writer *out = &test->out;

	wr_printf(out, "{\"canonicalId\":");
	json_text(out, document->canonical_id);
	wr_printf(out, ",\"valid\":%s", document->valid ? "true" : "false");
	if (!document->valid)
		write_fault(out, &document->fault);
	wr_printf(out, ",\"legalEntity\":");
	if (document->legal_entity.ptr)
		json_text(out, document->legal_entity);
	else
		wr_printf(out, "null");
	write_texts(out, "quality", document->quality, document->quality_count);
	wr_printf(out, ",\"document\":");
	datum_json(document->entity->type, &document->datum, out);
	if (document->valid && write_events(test, document, err) < 0)
		return -1;
	wr_u8(out, '}');
	return 0;
}

static void print_document(struct test *test)
{
	struct writer indented = {0};

	if (test->one_line)
		wr_view_bytes(&indented, wr_view(&test->out));
	else
		json_indent(&indented, wr_view(&test->out));
	printf("%.*s\n", VIEW_ARG(wr_view(&indented)));
	wr_done(&indented);
	wr_clear(&test->out);
}

static int test_entity(struct test *test, const struct entity *entity, struct error *err)
{
	struct root_key key;
	struct document document;

	if ((test->entity && strcmp(test->entity, entity->name) != 0) || !make_key(test, entity, &key))
		return 0;
	if (evaluate(test->site.mapping, entity, key, &test->arena, &document, err) < 0)
		return -1;
	if (!document.exists)
		return 0;
	test->found++;
	if (write_document(test, &document, err) < 0)
		return -1;
	print_document(test);
	return 0;
}

static int check_entity(const struct test *test, const struct entity *const *entities, unsigned count, struct error *err)
{
	const char **names = MEM_ARRAY(const char *, count + 1), *meant = NULL;
	bool known = !test->entity;

	for (unsigned i = 0; i < count; i++) {
		names[i] = entities[i]->name;
		known |= test->entity && strcmp(test->entity, names[i]) == 0;
	}
	if (!known) {
		meant = diag_did_you_mean(view_of(test->entity), names, count);
		error_set(err, ERROR_INPUT, "the pack has no entity '%s'%s%s%s", test->entity, meant ? "; did you mean '" : "",
			  meant ? meant : "", meant ? "'?" : "");
	}
	free(names);
	return known ? 0 : -1;
}

static int test_all(struct test *test, struct error *err)
{
	unsigned count;
	const struct entity *const *entities = mapping_entities(test->site.mapping, &count);

	if (!*test->key) {
		error_set(err, ERROR_INPUT, "--key has no key");
		return error_hint(err, "it is ENTITY/KEY, as in Invoice/42, or KEY alone, for whichever entity has it");
	}
	if (check_entity(test, entities, count, err) < 0 || mapping_open(test->site.mapping, test->site.db, err) < 0)
		return -1;
	for (unsigned i = 0; i < count; i++)
		if (test_entity(test, entities[i], err) < 0)
			return -1;
	if (test->found)
		return 0;
	if (test->entity)
		return error_set(err, ERROR_INPUT, "the mirror has no row of %s for %s", test->entity, test->key);
	return error_set(err, ERROR_INPUT, "the mirror has no row of any entity for %s", test->key);
}

static int test_site(struct test *test)
{
	struct error err = {0};
	int result;

	if (site_open_state(&test->site, true, &err) < 0)
		return verb_fail(&err);
	result = site_compile(&test->site);
	if (result < 0) {
		site_complain(&test->site);
		return EXIT_USAGE;
	}
	return test_all(test, &err) < 0 ? verb_fail(&err) : EXIT_DONE;
}

static int run_test(const struct arguments *args)
{
	struct conf *conf = verb_conf(args);
	struct test test = {.entity = argument(args, "--entity"), .one_line = argument(args, "--json") != NULL};
	int code = EXIT_USAGE;

	if (!conf)
		return EXIT_USAGE;
	arena_init(&test.arena);
	test.site.options = &conf->pipeline;
	if (!argument(args, "--key")) {
		fprintf(stderr, "tailwater: which document? Give --key\n");
	} else if (take_pack(args, &conf->pipeline) == 0) {
		split_key(&test, argument(args, "--key"));
		code = test_site(&test);
	}
	site_done(&test.site);
	arena_done(&test.arena);
	wr_done(&test.out);
	conf_free(conf);
	return code;
}

static const struct flag test_flags[] = {
	FLAG_CONFIG,
	{"--key", "KEY", false,
	 "The root row: its key (7), entity and key (Invoice/7), or a canonical id (erp/Invoice/7)."},
	{"--entity", "NAME", false, "The entity; without it every entity that has a row of this key."},
	FLAG_PACK,
	FLAG_SCHEMAS,
	{"--json", NULL, false, "One line for each document."},
	FLAGS_END,
};

const struct verb verb_map_test = {
	.name = "map test",
	.summary = "make one document from the mirror and show it",
	.help = "Makes a document from what the state file's mirror has, beside a running agent or without one, and "
		"prints it as JSON: whether it validates, what is wrong where, and which events a row created in this "
		"state would raise. With --pack a pack that is still being written can be tried on real rows; it can "
		"read the columns that the mirror already keeps.",
	.flags = test_flags,
	.run = run_test,
};
