/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* From settings to the pipeline. */
#include "bind.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/writer.h"
#include "control/options.h"
#include "control/secrets.h"
#include "control/values.h"
#include "publish/properties.h"
#include "source/source.h"
#include "state/mirror.h"

enum { PORT_POSTGRESQL = 5432, PORT_MYSQL = 3306 };

/* Defaults that are made from other options --------------------------------------------------- */

static const char *slot_name(struct arena *arena, const char *source)
{
	struct view name = arena_printf(arena, "tailwater_%.50s", source);

	for (char *c = (char *)name.ptr; *c; c++)
		*c = isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '_';
	return name.ptr;
}

static void derive(struct settings *settings, struct arena *arena)
{
	if (!settings->source_name)
		return;
	if (!settings->source_instance)
		settings->source_instance = settings->source_name;
	if (!settings->topics_prefix)
		settings->topics_prefix = settings->source_name;
	if (!settings->source_slot)
		settings->source_slot = slot_name(arena, settings->source_name);
	if (!settings->source_port)
		settings->source_port = settings->source_type ? PORT_MYSQL : PORT_POSTGRESQL;
	if (!settings->control_socket && settings->state_file)
		settings->control_socket = arena_printf(arena, "%s.control", settings->state_file).ptr;
}

void bind_derive(struct conf *conf)
{
	derive(&conf->settings, &conf->arena);
	derive(&conf->shown, &conf->arena);
}

/* Checks across options ----------------------------------------------------------------------- */

/* Keywords of libpq that are options of their own here. */
static void check_parameter(const char *name, const char *value, struct place at, const struct source_ops *ops, struct diagnostics *diag)
{
	static const char *const own[] = {"host", "port", "dbname", "user", "password"};
	struct error err;

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (strcmp(name, own[i]) != 0)
			continue;
		diag_error(diag, at, "'source.parameters.%s': this is an option of its own, below 'source:'", name);
		return;
	}
	if (strcmp(name, "replication") == 0)
		diag_error(diag, at, "'source.parameters.replication': this is set by Tailwater");
	else if (ops->check_parameter(name, value, &err) < 0)
		diag_error(diag, at, "'source.parameters': %s", err.text);
}

static const char *source_type(const struct settings *settings)
{
	return option_find(VIEW("source.type"))->choices[settings->source_type];
}

static void check_parameters(const struct settings *settings, const struct loader *ld, struct diagnostics *diag)
{
	const struct source_ops *ops = source_find(source_type(settings));

	for (size_t i = 0; i < settings->source_parameters.count; i++) {
		const char *name = settings->source_parameters.entries[i].name, *value = settings->source_parameters.entries[i].value;

		check_parameter(name, value, loader_entry_place(ld, "source.parameters", name), ops, diag);
	}
}

/* The client's words show the value: not for a secret, nor for what a reference stands for. */
static bool may_show(const struct kafka_property *shown)
{
	return !diag_names_secret(view_of(shown->name)) && !secrets_mentioned(view_of(shown->value));
}

static void check_property(const struct kafka_property *property, const struct kafka_property *shown, struct place at,
			   struct diagnostics *diag)
{
	char words[512] = "";

	switch (kafka_property_check(property, words, sizeof(words))) {
	case PROPERTY_FITS:
		break;
	case PROPERTY_UNKNOWN:
		diag_error(diag, at, "librdkafka has no property '%s'%s%s%s", property->name,
			   *words ? "; did you mean '" : "", words, *words ? "'?" : "");
		break;
	case PROPERTY_OURS:
		diag_error(diag, at, "'kafka.%s' is set by Tailwater: delivery depends on it", property->name);
		break;
	case PROPERTY_VALUE:
		diag_error(diag, at, "'kafka.%s': %s", property->name,
			   may_show(shown) ? words : "librdkafka does not take this value");
		break;
	}
}

static void check_kafka(const struct conf *conf, const struct loader *ld, struct diagnostics *diag)
{
	const struct conf_map *map = &conf->settings.kafka, *shown = &conf->shown.kafka;
	bool servers = false;

	for (size_t i = 0; i < map->count && map->count == shown->count; i++) {
		servers |= strcmp(map->entries[i].name, "bootstrap.servers") == 0 && *map->entries[i].value;
		check_property(&map->entries[i], &shown->entries[i],
			       loader_entry_place(ld, "kafka", map->entries[i].name), diag);
	}
	if (!servers && shown->entries)
		diag_error(diag, loader_place(ld, "kafka"), "'kafka.bootstrap.servers' is required");
}

static void check_tables(const struct settings *settings, const struct loader *ld, struct diagnostics *diag)
{
	if (!settings->tables_include.count && !settings->mapping_pack)
		diag_error(diag, loader_place(ld, "tables.include"),
			   "nothing to do: give 'tables.include' for change topics, 'mapping.pack' for documents and "
			   "events, or both");
	if (settings->mapping_overlay && !settings->mapping_pack)
		diag_error(diag, loader_place(ld, "mapping.overlay"), "'mapping.overlay' is of no use without "
								      "'mapping.pack'");
	if (settings->source_origin && settings->mapping_pack)
		diag_error(diag, loader_place(ld, "source.origin"),
			   "'source.origin: none' leaves out rows that 'mapping.pack' needs in the mirror");
}

/* Options that say nothing without another one. */
static void check_need(bool given, const char *name, bool there, const char *needed, const struct loader *ld,
		       struct diagnostics *diag)
{
	if (given && !there)
		diag_error(diag, loader_place(ld, name), "'%s' is of no use without '%s'", name, needed);
}

static void check_format(int64_t format, const char *name, const struct settings *settings, const struct loader *ld,
			 struct diagnostics *diag)
{
	bool confluent = settings->registry_url && settings->framing != FRAMING_SINGLE_OBJECT;

	if ((format == FORMAT_JSON_SCHEMA || format == FORMAT_PROTOBUF) && !confluent)
		diag_error(diag, loader_place(ld, name), "'%s: %s' needs a 'registry.url', and its framing", name,
			   format == FORMAT_PROTOBUF ? "protobuf" : "json_schema");
}

static void check_registry(const struct settings *settings, const struct loader *ld, struct diagnostics *diag)
{
	bool url = settings->registry_url != NULL;

	check_need(settings->registry_user, "registry.user", url, "registry.url", ld, diag);
	check_need(settings->registry_token, "registry.token", url, "registry.url", ld, diag);
	check_need(settings->registry_ca_file, "registry.ca_file", url, "registry.url", ld, diag);
	check_need(settings->registry_cert_file, "registry.cert_file", url, "registry.url", ld, diag);
	check_need(settings->registry_password, "registry.password", settings->registry_user, "registry.user", ld,
		   diag);
	check_need(settings->registry_key_file, "registry.key_file", settings->registry_cert_file,
		   "registry.cert_file", ld, diag);
	check_need(settings->registry_key_password, "registry.key_password", settings->registry_cert_file,
		   "registry.cert_file", ld, diag);
	check_format(settings->format_key, "format.key", settings, ld, diag);
	check_format(settings->format_value, "format.value", settings, ld, diag);
	if (settings->framing == FRAMING_CONFLUENT && !url)
		diag_error(diag, loader_place(ld, "framing"), "'framing: confluent' needs a 'registry.url'");
}

static bool is_column_pattern(const char *text)
{
	unsigned dots = 0;

	for (const char *c = text; *c; c++)
		dots += *c == '.';
	return dots == 1 || dots == 2;
}

static void check_mask(const struct kafka_property *entry, struct place at, struct diagnostics *diag)
{
	if (!is_column_pattern(entry->name))
		diag_error(diag, at, "'masking.columns': '%s' is no pattern schema.table.column or table.column", entry->name);
	if (mask_method_find(entry->value) < 0 && !mask_class_find(entry->value))
		diag_error(diag, at, "'masking.columns': '%s' is neither a method (keep, drop, last4, token, encrypt) nor a class "
			   "of masking.classes", entry->value);
}

static void check_mask_class(const struct kafka_property *entry, struct place at, struct diagnostics *diag)
{
	if (!mask_class_find(entry->name))
		diag_error(diag, at, "'masking.classes': there is no class '%s'", entry->name);
	if (mask_method_find(entry->value) < 0)
		diag_error(diag, at, "'masking.classes': '%s' is no method (keep, drop, last4, token, encrypt)", entry->value);
}

static void check_masking(const struct settings *settings, const struct loader *ld, struct diagnostics *diag)
{
	const struct conf_map *columns = &settings->masking_columns, *classes = &settings->masking_classes;

	for (size_t i = 0; i < columns->count; i++)
		check_mask(&columns->entries[i], loader_entry_place(ld, "masking.columns", columns->entries[i].name), diag);
	for (size_t i = 0; i < classes->count; i++)
		check_mask_class(&classes->entries[i], loader_entry_place(ld, "masking.classes", classes->entries[i].name),
				 diag);
	if (settings->masking_key && strlen(settings->masking_key) < MASK_KEY_BYTES_LEAST)
		diag_error(diag, loader_place(ld, "masking.key"), "'masking.key' has less than %d characters",
			   MASK_KEY_BYTES_LEAST);
}

static void check_history(const struct settings *settings, const struct loader *ld, struct diagnostics *diag)
{
	struct place at = loader_place(ld, "snapshot.documents");

	if (!settings->snapshot_documents.count)
		return;
	if (!settings->mapping_pack)
		diag_error(diag, at, "'snapshot.documents' is about documents: it takes a mapping.pack");
	if (settings->snapshot_history)
		diag_error(diag, at, "'snapshot.documents' says what of the history is published, and 'snapshot.history: none' that nothing "
			   "is: take one of them out");
}

void bind_check(const struct conf *conf, const struct loader *ld, struct diagnostics *diag)
{
	check_parameters(&conf->settings, ld, diag);
	check_kafka(conf, ld, diag);
	check_tables(&conf->settings, ld, diag);
	check_registry(&conf->settings, ld, diag);
	check_masking(&conf->settings, ld, diag);
	check_history(&conf->settings, ld, diag);
}

/* The pipeline's options ---------------------------------------------------------------------- */

static struct source_login bind_login(const struct settings *settings, struct arena *arena)
{
	const struct conf_map *map = &settings->source_parameters;
	struct source_parameter *parameters = ARENA_ARRAY(arena, struct source_parameter, map->count + 1);

	for (size_t i = 0; i < map->count; i++)
		parameters[i] = (struct source_parameter){map->entries[i].name, map->entries[i].value};
	return (struct source_login){
		.host = settings->source_host,
		.port = (int)settings->source_port,
		.database = settings->source_dbname,
		.user = settings->source_user,
		.password = settings->source_password,
		.parameters = parameters,
		.parameter_count = map->count,
	};
}

static struct source_options bind_source(const struct settings *settings, struct arena *arena)
{
	return (struct source_options){
		.name = settings->source_name,
		.login = bind_login(settings, arena),
		.slot = settings->source_slot,
		.publication = settings->source_publication,
		.create_slot = settings->source_create_slot,
		.failover = settings->source_failover,
		.local_only = settings->source_origin != 0,
		.values = (enum source_values)settings->source_values,
		.slot_timeout_us = settings->source_slot_timeout,
		.snapshot_readers = (unsigned)settings->snapshot_readers,
		.server_id = (uint32_t)settings->source_server_id,
		.zero_dates = (enum source_dates)settings->source_zero_dates,
		.stop_fd = -1,
	};
}

static struct registry_options bind_registry(const struct settings *settings)
{
	return (struct registry_options){
		.url = settings->registry_url,
		.user = settings->registry_user,
		.password = settings->registry_password,
		.token = settings->registry_token,
		.ca_file = settings->registry_ca_file,
		.cert_file = settings->registry_cert_file,
		.key_file = settings->registry_key_file,
		.key_password = settings->registry_key_password,
		.timeout_us = settings->registry_timeout,
	};
}

/* The choices stand in the order of enum framing, with `auto` as none. */
static enum framing bind_framing(const struct settings *settings)
{
	if (settings->framing != FRAMING_NONE)
		return (enum framing)settings->framing;
	return settings->registry_url ? FRAMING_CONFLUENT : FRAMING_SINGLE_OBJECT;
}

static const struct mask_rule *bind_rules(const struct conf_map *map, struct arena *arena)
{
	struct mask_rule *rules = ARENA_ARRAY(arena, struct mask_rule, map->count + 1);

	for (size_t i = 0; i < map->count; i++)
		rules[i] = (struct mask_rule){.columns = map->entries[i].name, .what = map->entries[i].value};
	return rules;
}

static const struct history_rule *bind_history(const struct conf_map *map, struct arena *arena)
{
	struct history_rule *rules = ARENA_ARRAY(arena, struct history_rule, map->count + 1);

	for (size_t i = 0; i < map->count; i++)
		rules[i] = (struct history_rule){.entity = map->entries[i].name, .condition = map->entries[i].value};
	return rules;
}

/* Options that need a restart are as they were; texts of both are alive as long as the older one. */
void bind_merge(struct conf *conf, const struct conf *running)
{
	bool take_over = running->pipeline.take_over, from_now = running->pipeline.from_now;

	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &option_table[i];

		if (option->reloadable)
			continue;
		option_copy(option, &running->settings, &conf->settings);
		option_copy(option, &running->shown, &conf->shown);
	}
	bind_pipeline(conf);
	conf->pipeline.take_over = take_over;
	conf->pipeline.from_now = from_now;
}

static const char *place_text(struct conf *conf, struct place at)
{
	return arena_printf(&conf->arena, "%s:%u:%u", at.file->name, at.line, at.column).ptr;
}

/* Of what is understood only when the source or the mapping is known. */
void bind_places(struct conf *conf, const struct loader *ld)
{
	struct mask_rule *rules = (struct mask_rule *)conf->pipeline.masks;
	struct history_rule *history = (struct history_rule *)conf->pipeline.history;

	for (size_t i = 0; i < conf->pipeline.mask_count; i++)
		rules[i].place = place_text(conf, loader_entry_place(ld, "masking.columns", rules[i].columns));
	for (size_t i = 0; i < conf->pipeline.history_count; i++)
		history[i].place = place_text(conf, loader_entry_place(ld, "snapshot.documents", history[i].entity));
}

void bind_pipeline(struct conf *conf)
{
	const struct settings *settings = &conf->settings;

	mirror_set_usual_schema(settings->source_type && settings->source_dbname ? settings->source_dbname : "public");
	conf->log_format = settings->log_format ? LOG_JSON : LOG_TEXT;
	conf->log_level = (enum log_level)settings->log_level;
	conf->pipeline = (struct pipeline_options){
		.name = settings->source_name,
		.instance = settings->source_instance,
		.source_type = source_type(settings),
		.database = settings->source_dbname,
		.source = bind_source(settings, &conf->arena),
		.kafka = {
			.client = settings->source_name,
			.properties = settings->kafka.entries,
			.property_count = settings->kafka.count,
		},
		.delivery = settings->delivery ? DELIVERY_AT_LEAST_ONCE : DELIVERY_EXACTLY_ONCE,
		.bad_record_exception = settings->on_bad_record != 0,
		.mark_all = settings->topics_transactions != 0,
		.prefix = settings->topics_prefix,
		.partitions = (int32_t)settings->topics_partitions,
		.replication = (int16_t)settings->topics_replication,
		.retention_ms = settings->topics_retention < 0 ? -1 : settings->topics_retention / USEC_PER_MSEC,
		.include = settings->tables_include.items,
		.include_count = settings->tables_include.count,
		.exclude = settings->tables_exclude.items,
		.exclude_count = settings->tables_exclude.count,
		.mirror = settings->tables_mirror.items,
		.mirror_count = settings->tables_mirror.count,
		.exclude_columns = settings->tables_exclude_columns.items,
		.exclude_column_count = settings->tables_exclude_columns.count,
		.masks = bind_rules(&settings->masking_columns, &conf->arena),
		.mask_count = settings->masking_columns.count,
		.mask_classes = bind_rules(&settings->masking_classes, &conf->arena),
		.mask_class_count = settings->masking_classes.count,
		.mask_key = settings->masking_key,
		.registry = bind_registry(settings),
		.framing = bind_framing(settings),
		.subjects = (enum subject_strategy)settings->registry_subjects,
		.auto_register = settings->registry_auto_register,
		.references = settings->registry_references,
		.key_format = (enum record_format)settings->format_key,
		.value_format = (enum record_format)settings->format_value,
		.envelope = (enum envelope_form)settings->format_envelope,
		.forms = {
			.decimal = (enum decimal_form)settings->format_decimal,
			.time = (enum time_form)settings->format_time,
			.binary = (enum binary_form)settings->format_binary,
		},
		.schemas = settings->mapping_schemas,
		.pack = settings->mapping_pack,
		.overlay = settings->mapping_overlay,
		.state_path = settings->state_file,
		.state_cache_bytes = (size_t)settings->state_cache,
		.batch_time_us = settings->batch_time,
		.batch_events = (uint64_t)settings->batch_events,
		.batch_bytes = (uint64_t)settings->batch_bytes,
		.history = bind_history(&settings->snapshot_documents, &conf->arena),
		.history_count = settings->snapshot_documents.count,
		.from_now = settings->snapshot_history != 0,
		.part_rows = (uint64_t)settings->snapshot_part_rows,
		.confirm_interval_us = settings->confirm_interval,
		.confirm_rows = (uint64_t)settings->confirm_rows,
		.retained_most = (uint64_t)settings->source_max_retained_wal,
		.on_exceed = (enum on_exceed)settings->source_on_exceed,
		.commit_timeout_us = settings->commit_timeout,
	};
}
