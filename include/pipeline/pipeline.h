/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The pipeline of one source: log -> changes -> change topics, and -> mirror -> documents and business events, all with
 * the checkpoint in one Kafka transaction. One thread runs it from start to end.
 */
#ifndef PIPELINE_PIPELINE_H
#define PIPELINE_PIPELINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "base/error.h"
#include "canonical/mapping.h"
#include "encode/framing.h"
#include "encode/plan.h"
#include "encode/recode.h"
#include "mask/mask.h"
#include "pipeline/requests.h"
#include "pipeline/status.h"
#include "publish/producer.h"
#include "registry/client.h"
#include "registry/ids.h"
#include "source/source.h"

enum delivery { DELIVERY_EXACTLY_ONCE, DELIVERY_AT_LEAST_ONCE };

/* What is done when the slot keeps more of the log than is wanted; nothing is ever dropped for it. */
enum on_exceed { EXCEED_WARN, EXCEED_PAUSE, EXCEED_STOP };

struct pipeline_options {
	const char *name;              /* of the source: in event ids, slot checks, messages */
	const char *instance;          /* of the installation: first part of canonical ids */
	const char *source_type;       /* "postgresql" */
	const char *database;          /* as the envelope shows it */
	struct source_options source;

	struct kafka_options kafka;
	enum delivery delivery;
	bool bad_record_exception;     /* a record that cannot be published becomes an exception, instead of BLOCKED */
	bool mark_all;                 /* BEGIN and END of every transaction, not only of those that are split */
	const char *prefix;            /* of topics */
	int32_t partitions;            /* of topics made by the agent */
	int16_t replication;           /* 0: the broker's default */
	int64_t retention_ms;          /* of change, event and exception topics */

	const char *const *include;    /* patterns of "schema.table" that have change topics (* and ?) */
	size_t include_count;
	const char *const *exclude;
	size_t exclude_count;
	const char *const *mirror;     /* patterns of those that are mirrored whole: their records have before images */
	size_t mirror_count;
	const char *const *exclude_columns; /* patterns of "schema.table.column" that are not published */
	size_t exclude_column_count;

	const struct mask_rule *masks;      /* columns that are masked, before those of the pack */
	size_t mask_count;
	const struct mask_rule *mask_classes;
	size_t mask_class_count;
	const char *mask_key;               /* NULL: none */

	struct registry_options registry; /* its url NULL: there is none */
	enum framing framing;
	enum subject_strategy subjects;
	bool auto_register;            /* false: schemas must be there */
	bool references;               /* types that several schemas have are schemas of their own */
	enum record_format key_format;
	enum record_format value_format;
	enum envelope_form envelope;   /* of changes */
	struct value_forms forms;      /* ... and of their values */

	const char *schemas;           /* folder of the contracts */
	const char *pack;              /* folder of the mapping pack; NULL: no documents */
	const char *overlay;           /* may be NULL */

	const char *state_path;        /* of the state file */
	size_t state_cache_bytes;

	usec_t batch_time_us;
	uint64_t batch_events;
	uint64_t batch_bytes;
	uint64_t part_rows;            /* of a table that is read while changes are streamed, at once */
	usec_t confirm_interval_us;
	uint64_t confirm_rows;
	uint64_t retained_most;        /* bytes of the source's log that the slot may keep; 0: any */
	enum on_exceed on_exceed;
	usec_t commit_timeout_us;      /* how long an unanswered Kafka commit is called again before it is ambiguous */
	const struct history_rule *history; /* which documents of an entity the first snapshot publishes */
	size_t history_count;
	bool from_now;                 /* the first snapshot publishes nothing: it only fills the mirror */
	bool take_over;                /* do not stop in CONFLICT */
};

/* True if all columns of the table are mirrored, whether a mapping reads them or not. */
bool pipeline_mirrors(const struct pipeline_options *options, const char *schema, const char *name);

/* ERROR_INPUT if a table that the configuration names, not by a pattern, is there and cannot be captured as it is. */
MUST_CHECK int pipeline_check_names(const struct pipeline_options *options, const struct source_ops *ops, struct source *source,
				    struct error *err);

/* True if the table has a change topic, by tables.include and tables.exclude. */
bool pipeline_publishes(const struct pipeline_options *options, const char *schema, const char *name);

/* True if change topics have the column, unless tables.exclude_columns says otherwise. */
struct table;
struct column;
bool pipeline_publishes_column(const struct pipeline_options *options, const struct table *table,
			       const struct column *column);

/* Published for other threads; written by the pipeline's thread only. */
struct pipeline_metrics {
	_Atomic uint64_t changes;            /* row changes delivered by the source and published */
	_Atomic uint64_t transactions;
	_Atomic uint64_t documents;          /* entity messages published */
	_Atomic uint64_t events;             /* business events published */
	_Atomic uint64_t exceptions;         /* exception messages published */
	_Atomic uint64_t messages;           /* all messages handed to Kafka */
	_Atomic uint64_t kafka_commits;
	_Atomic uint64_t state_commits;
	_Atomic uint64_t split_batches;      /* Kafka commits inside a source transaction */
	_Atomic uint64_t recoveries;
	_Atomic uint64_t replayed_changes;   /* applied again and not published: state file behind the checkpoint */
	_Atomic uint64_t skipped_changes; /* not even applied again: the state file had them of an open transaction */
	_Atomic uint64_t replays;            /* starts with the state file behind the checkpoint */
	_Atomic uint64_t skips_in_changes;   /* starts inside the changes of a split transaction */
	_Atomic uint64_t skips_in_documents; /* starts inside its documents */
	_Atomic uint64_t ambiguous_commits;  /* commits whose outcome had to be read back */
	_Atomic uint64_t claims;             /* claims written */
	_Atomic uint64_t reclaims;           /* ... after a predecessor of the same state file */
	_Atomic uint64_t snapshot_rows;
	_Atomic uint64_t loaded_rows;        /* of tables of the mirror that were loaded while changes were streamed */
	_Atomic uint64_t registry_requests;
	_Atomic uint64_t registry_retries;   /* ... those that failed and were made again */
	_Atomic uint64_t read_bytes;
	_Atomic uint64_t reads;
};

/* How the caller ends a run: from a signal handler or another thread. */
struct pipeline_control {
	struct pipeline_status *status;
	atomic_bool stop;   /* finish what is under way with a commit, then return */
	int wake_fd;        /* an eventfd that is written when stop is set */
	struct mailbox *mailbox; /* what it is asked for; may be NULL */
	/*
	 * Options that count from the next turn on, or NULL: like the first ones, but for what may change in between, which the
	 * caller knows. All of them live until the end of the run.
	 */
	_Atomic(const struct pipeline_options *) next_options;
	atomic_bool reconnect;   /* set before these: the properties of Kafka are others */
	void (*on_ready)(void *arg); /* called whenever streaming begins; may be NULL */
	void *arg;
};

/*
 * Runs until it is told to stop (0), or until something lasting happens (-1, with a named state or an error of input).
 * Servers that are away are waited for. The diagnostics of a wrong pack go to standard error. How it gets on stands in
 * control->status, which the caller has initialised.
 */
int pipeline_run(const struct pipeline_options *options, struct pipeline_control *control,
		 struct pipeline_metrics *metrics, struct error *err);

#endif
