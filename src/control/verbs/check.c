/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * `tailwater check`: is all that the agent needs there? Each finding is a line; what is wrong goes to standard error,
 * with what to do. Nothing is changed anywhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "control/conf.h"
#include "control/options.h"
#include "control/values.h"
#include "model/position.h"
#include "pipeline/look.h"
#include "pipeline/masking.h"
#include "publish/producer.h"
#include "publish/reader.h"
#include "site.h"
#include "verbs.h"

#define KAFKA_ANSWER_US (10 * USEC_PER_SEC)

/* The configuration as it counts, defaults filled in ------------------------------------------ */

static void show(const struct conf *conf)
{
	struct writer text = {0};
	struct view last = VIEW_NONE;

	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &option_table[i];
		struct view section = option_section_of(option);
		bool nested = section.len < strlen(option->name);

		if (nested && !view_equal(section, last))
			wr_printf(&text, "%.*s:\n", VIEW_ARG(section));
		last = section;
		wr_printf(&text, "%s%s: ", nested ? "  " : "", option_key(option));
		value_print(option, &conf->shown, &text);
		wr_printf(&text, "\n");
	}
	fwrite(text.data, 1, text.len, stdout);
	wr_done(&text);
}

/* Mapping ------------------------------------------------------------------------------------- */

static int check_mapping(struct site *site)
{
	unsigned entities, needs;
	int result;

	if (!site->options->pack) {
		printf("mapping: none, change topics only\n");
		return 0;
	}
	result = site_compile(site);
	if (result < 0) {
		site_complain(site);
		return EXIT_USAGE;
	}
	mapping_entities(site->mapping, &entities);
	mapping_needs(site->mapping, &needs);
	printf("mapping: pack %s %s, %u %s", pack_name(site->pack), pack_version(site->pack), entities, entities == 1 ? "entity" : "entities");
	if (site->tables_known)
		printf(" from %u table%s\n", needs, needs == 1 ? "" : "s");
	else
		printf("; which tables and columns they read is known, and checked, with --connect\n");
	if (site->diag.warnings)
		printf("mapping: %u warning%s, see 'tailwater map check'\n", site->diag.warnings, site->diag.warnings == 1 ? "" : "s");
	return 0;
}

/* Source -------------------------------------------------------------------------------------- */

static void print_identity(const struct site *site)
{
	const struct source_identity *identity = &site->identity;
	char end[POSITION_TEXT_BYTES], confirmed[POSITION_TEXT_BYTES];

	position_print(identity->log_end, end);
	position_print(identity->confirmed, confirmed);
	printf("source: database %s of system %s, timeline %u, log at %s\n", identity->database, identity->system,
	       identity->timeline, end);
	if (!identity->keeps_place)
		return;
	if (!identity->slot_exists)
		printf("slot: '%s' does not exist%s\n", site->options->source.slot,
		       site->options->source.create_slot && access(site->options->state_path, F_OK) < 0 ? "; the first start makes it" : "");
	else
		printf("slot: '%s', confirmed %s%s%s\n", site->options->source.slot, confirmed,
		       identity->slot_active ? ", in use" : "", identity->slot_lost ? ", LOST" : "");
}

static void print_captured(const struct site *site)
{
	for (size_t i = 0; i < site->captured_count; i++) {
		const struct source_table *table = &site->captured[i];
		bool published = pipeline_publishes(site->options, table->schema, table->name);

		printf("table: %s.%s:%s%s", table->schema, table->name, published ? " change topic" : "",
		       table->columns ? published ? ", mirrored:" : " mirrored:" : "");
		for (size_t j = 0; j < table->column_count; j++)
			printf(" %s", table->columns[j]);
		printf("\n");
	}
}

static bool table_fits(const struct site *site, const char *pattern)
{
	struct pipeline_options one = {.include = &pattern, .include_count = 1};

	for (size_t i = 0; i < site->table_count; i++)
		if (pipeline_publishes(&one, site->listing[i].schema, site->listing[i].name))
			return true;
	return false;
}

static bool column_fits(const struct site *site, const char *pattern)
{
	struct pipeline_options one = {.exclude_columns = &pattern, .exclude_column_count = 1};

	for (size_t i = 0; i < site->captured_count; i++)
		for (unsigned j = 0; j < site->captured_versions[i]->column_count; j++)
			if (!pipeline_publishes_column(&one, site->captured_versions[i], &site->captured_versions[i]->columns[j]))
				return true;
	return false;
}

/* A pattern that nothing fits may be a slip, or for a table that is still to come. */
static void print_idle_patterns(const struct site *site)
{
	const struct pipeline_options *options = site->options;
	const struct {
		const char *option, *what;
		const char *const *patterns;
		size_t count;
		bool (*fits)(const struct site *site, const char *pattern);
	} lists[] = {
		{"tables.include", "table of the database", options->include, options->include_count, table_fits},
		{"tables.exclude", "table of the database", options->exclude, options->exclude_count, table_fits},
		{"tables.mirror", "table of the database", options->mirror, options->mirror_count, table_fits},
		{"tables.exclude_columns", "column of a captured table", options->exclude_columns, options->exclude_column_count,
		 column_fits},
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (size_t j = 0; j < lists[i].count; j++)
			if (!lists[i].fits(site, lists[i].patterns[j]))
				fprintf(stderr, "tailwater: warning: no %s fits '%s' of %s\n", lists[i].what, lists[i].patterns[j],
					lists[i].option);
}

/* Unlike those: what is meant to be hidden would not be. */
static int check_masking(const struct site *site)
{
	const struct mask_rule *idle = site_idle_mask(site);
	struct error err;

	if (!idle)
		return 0;
	masking_refuse(idle, &err);
	return verb_fail(&err);
}

static void print_sql(const char *what, struct writer *sql)
{
	if (sql->len)
		printf("\n-- %s:\n%.*s\n", what, VIEW_ARG(wr_view(sql)));
	wr_done(sql);
}

static int check_access(struct site *site)
{
	struct writer sql = {0};
	struct error err = {0};
	int code;

	if (site->source_ops->check_access(site->source, &sql, &err) == 0)
		return 0;
	if (err.class == ERROR_STATE)
		error_hint(&err, "run what is printed for it, as the tables' owner");
	code = verb_fail(&err);
	print_sql("what a snapshot needs, to be run by the tables' owner", &sql);
	return code;
}

/* What the application suffers from, and not the agent. */
static int fail_plainly(const struct error *err)
{
	verb_fail(err);
	return EXIT_FAILED;
}

static int check_identities(struct site *site)
{
	struct error err = {0};

	return site->source_ops->check_identities(site->source, &err) == 0 ? 0 : fail_plainly(&err);
}

/* The SQL is for a DBA to read and run: the agent never makes a publication. */
static int check_publication(struct site *site)
{
	struct writer sql = {0};
	struct error err = {0}, problem;
	int code;

	if (site->source_ops->check_publication(site->source, &err) == 0) {
		if (site->identity.keeps_place)
			printf("publication: '%s' carries what is captured\n", site->options->source.publication);
		return 0;
	}
	if (err.class == ERROR_STATE && site->source_ops->publication_sql(site->source, &sql, &problem) == 0 && sql.len &&
	    !site_lacks_identity(site)) /* whose remedy is not in what follows */
		error_hint(&err, "run what is printed for it, as the tables' owner");
	code = site_lacks_identity(site) ? fail_plainly(&err) : verb_fail(&err);
	print_sql("the publication for exactly what is captured", &sql);
	return code;
}

static int check_source(struct site *site)
{
	struct error err = {0};

	if (site_connect(site, &err) < 0)
		return verb_fail(&err);
	print_identity(site);
	return 0;
}

static int check_plans(const struct site *site)
{
	struct error err = {0};

	return look_plans(site->options, site->captured_versions, site->captured_count, &err) == 0 ? 0 : verb_fail(&err);
}

static int check_captured(struct site *site)
{
	struct error err = {0};
	int access, publication, identities, masking, plans;

	if (!site->source)
		return 0;
	if (site_capture(site, &err) < 0)
		return verb_fail(&err);
	print_captured(site);
	print_idle_patterns(site);
	if (!site->captured_count) {
		error_set(&err, ERROR_INPUT, "no table of the database is captured");
		error_hint(&err, "correct the patterns of tables.include, or give a mapping.pack");
		return verb_fail(&err);
	}
	masking = check_masking(site);
	plans = check_plans(site);
	access = check_access(site);
	publication = check_publication(site);
	identities = check_identities(site);
	return masking ? masking : plans ? plans : access ? access : publication ? publication : identities;
}

/* Kafka --------------------------------------------------------------------------------------- */

static int ask_kafka(const struct site *site, struct producer *producer, struct error *err)
{
	struct topic_reader *reader;
	const char *id;
	char prefix[200], **names;
	size_t count;
	int result;

	if (topic_reader_new(&reader, &site->options->kafka, err) < 0)
		return -1;
	snprintf(prefix, sizeof(prefix), "%s.", site->options->prefix);
	result = topic_reader_list(reader, prefix, &names, &count, err);
	if (result == 0) {
		free(names);
		result = producer_cluster_id(producer, KAFKA_ANSWER_US, &id, err);
	}
	if (result == 0)
		printf("kafka: cluster %s, %zu topics begin with %s\n", id, count, prefix);
	topic_reader_free(reader);
	return result;
}

/* Without a transactional id: looking must not fence an agent at work. */
static int check_kafka(const struct site *site)
{
	struct producer_options options = {.kafka = site->options->kafka};
	struct producer *producer;
	struct error err = {0};
	int result = producer_new(&producer, &options, &err);

	if (result == 0) {
		result = ask_kafka(site, producer, &err);
		producer_free(producer);
	}
	return result < 0 ? verb_fail(&err) : 0;
}

/* Schema registry ------------------------------------------------------------------------------ */

static int check_registry(const struct site *site)
{
	struct error err = {0};
	char level[40];

	if (!site->options->registry.url)
		return 0;
	if (site_ask_registry(site, level, &err) < 0)
		return verb_fail(&err);
	printf("registry: %s, compatibility %s\n", site->options->registry.url, level);
	return 0;
}

/* Without a folder there is no first start; a state file is there only after that. */
static int check_folder(const struct site *site)
{
	struct error err = {0};

	return site_check_folder(site->options, &err) == 0 ? 0 : verb_fail(&err);
}

/* Would the agent begin, or stop in a named state? An agent at work has begun. */
static int check_start(const struct site *site)
{
	struct site beside = {.options = site->options};
	struct error err = {0};
	bool exists = access(site->options->state_path, F_OK) == 0;
	int result;

	if (site->identity.slot_active)
		return 0;
	result = exists ? site_open_state(&beside, false, &err) : 0;
	if (result == 0)
		result = look_start(site->options, &site->identity, beside.db, &err);
	site_done(&beside);
	return result < 0 ? verb_fail(&err) : 0;
}

/* All parts, whatever the others say; the first exit code that is not 0 counts. */
static int check_all(struct site *site, bool connect)
{
	int source = connect ? check_source(site) : 0;
	int mapping = check_mapping(site);
	int captured = source || mapping ? 0 : check_captured(site);
	int kafka = connect ? check_kafka(site) : 0;
	int registry = connect ? check_registry(site) : 0;
	int folder = connect ? check_folder(site) : 0;
	int start = connect && !source && !kafka ? check_start(site) : 0;

	return source ? source : mapping ? mapping : captured ? captured : kafka ? kafka : registry ? registry : folder ? folder : start;
}

static int run(const struct arguments *args)
{
	struct conf *conf = verb_conf(args);
	struct site site = {.options = conf ? &conf->pipeline : NULL};
	int code;

	if (!conf)
		return EXIT_USAGE;
	if (argument(args, "--show"))
		show(conf);
	else
		printf("configuration: right\n");
	code = check_all(&site, argument(args, "--connect") != NULL);
	site_done(&site);
	conf_free(conf);
	return code;
}

static const struct flag flags[] = {
	FLAG_CONFIG,
	{"--connect", NULL, false,
	 "Look at the servers, too: log in to the source, list what is captured, check slot and publication (and print "
	 "the SQL that makes the publication right), ask the broker and the schema registry."},
	{"--show", NULL, false,
	 "Print first all options as they count, in the form of the file; secrets are not shown."},
	FLAGS_END,
};

const struct verb verb_check = {
	.name = "check",
	.summary = "check configuration and mapping, and with --connect the servers",
	.help = "Checks the configuration and the mapping pack without a server, and with --connect also against the "
		"servers. Nothing is changed anywhere. Exit code 0 if all is right.",
	.flags = flags,
	.run = run,
};
