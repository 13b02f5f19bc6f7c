/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The configuration of one source: a YAML file, checked against the option table (control/options.h), and what it means
 * for the pipeline. All that is wrong with a file is said in one run.
 */
#ifndef CONTROL_CONF_H
#define CONTROL_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diagnostics.h"
#include "base/log.h"
#include "base/view.h"
#include "pipeline/pipeline.h"

struct conf_list {
	const char **items;
	size_t count;
};

struct conf_map {
	struct kafka_property *entries;
	size_t count;
};

/*
 * The value of every option, as the file or the default has it: one member for each row of the option table. Numbers,
 * booleans, choices (by index), durations (microseconds) and sizes (bytes) are all int64_t.
 */
struct settings {
	const char *source_name;
	int64_t source_type;
	const char *source_instance;
	const char *source_host;
	int64_t source_port;
	const char *source_dbname;
	const char *source_user;
	const char *source_password;
	struct conf_map source_parameters;
	const char *source_slot;
	const char *source_publication;
	int64_t source_create_slot;
	int64_t source_slot_timeout;
	int64_t source_failover;
	int64_t source_origin;
	int64_t source_values;
	int64_t source_server_id;
	int64_t source_zero_dates;
	int64_t source_max_retained_wal;
	int64_t source_on_exceed;

	struct conf_map kafka;

	const char *topics_prefix;
	int64_t topics_partitions;
	int64_t topics_replication;
	int64_t topics_retention;
	int64_t topics_transactions;

	struct conf_list tables_include;
	struct conf_list tables_exclude;
	struct conf_list tables_exclude_columns;
	struct conf_list tables_mirror;

	struct conf_map masking_columns;
	struct conf_map masking_classes;
	const char *masking_key;

	const char *mapping_pack;
	const char *mapping_overlay;
	const char *mapping_schemas;

	const char *state_file;
	int64_t state_cache;

	int64_t delivery;
	int64_t batch_time;
	int64_t batch_events;
	int64_t batch_bytes;
	int64_t snapshot_history;
	struct conf_map snapshot_documents;
	int64_t snapshot_readers;
	int64_t snapshot_part_rows;
	int64_t confirm_interval;
	int64_t confirm_rows;
	int64_t commit_timeout;
	int64_t on_bad_record;

	const char *registry_url;
	const char *registry_user;
	const char *registry_password;
	const char *registry_token;
	const char *registry_ca_file;
	const char *registry_cert_file;
	const char *registry_key_file;
	const char *registry_key_password;
	int64_t registry_timeout;
	int64_t registry_auto_register;
	int64_t registry_references;
	int64_t registry_subjects;
	int64_t framing;
	int64_t format_key;
	int64_t format_value;
	int64_t format_envelope;
	int64_t format_decimal;
	int64_t format_time;
	int64_t format_binary;

	const char *control_socket; /* "off": none */
	const char *http_listen;

	int64_t log_format;
	int64_t log_level;
};

/* Owns all texts that it points to. */
struct conf {
	struct settings settings;
	struct settings shown;            /* the same with references to secrets as they are written, for printing */
	struct pipeline_options pipeline; /* take_over is the command line's */
	enum log_format log_format;
	enum log_level log_level;
	struct conf *older;               /* of a running agent: what counted before */
	struct arena arena;
};

/* The path of the control socket, or NULL: there is none. */
const char *conf_control(const struct conf *conf);

/* Reads a file. Complaints go to diag; NULL if there was an error. Warnings may be there in any case. */
struct conf *conf_load(const char *path, struct diagnostics *diag);

/* The same for a text named `path`. */
struct conf *conf_parse(const char *path, struct view content, struct diagnostics *diag);

/*
 * What a running agent may take over of what was read again: makes `now` what counts from then on, with the values of
 * `running`, which has to live as long, where a change needs a restart.
 */
void conf_merge(struct conf *now, const struct conf *running);

/* Frees all that it points to; takes NULL. */
void conf_free(struct conf *conf);

#endif
