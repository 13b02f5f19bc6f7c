/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * How rows of a table version become records of its change topic: names, schemas and one writing function for each
 * column, worked out once (encode_plan_new) so that a row is only walked. Schemas and names are Debezium's, with
 * <prefix>.change.<schema>.<table> as topic; what differs is said in plan_schema.c and envelope.c.
 */
#ifndef ENCODE_PLAN_H
#define ENCODE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/view.h"
#include "encode/framing.h"
#include "encode/values.h"
#include "model/table.h"

struct encoder;
struct topic;
struct arena;
struct avro_type;
struct contract;
struct encode_field;
struct encode_collection;

/* Says whether a column is published; the key's columns must be. */
typedef bool (*column_filter)(const void *arg, const struct table *table, const struct column *column);

/*
 * What a change looks like. Debezium's envelope: both images and where it comes from. Flat: the row alone, as
 * Debezium's transformation ExtractNewRecordState leaves it, with fields that begin with "__" behind its columns.
 */
enum envelope_form { ENVELOPE_DEBEZIUM, ENVELOPE_FLAT };

struct encode_options {
	const char *prefix;      /* of topics */
	const char *source_name; /* source.name */
	const char *connector;   /* source.connector: "postgresql" */
	const char *database;    /* source.db */
	const char *version;     /* source.version: the agent's own */
	bool documents;          /* markers count documents, too */
	enum envelope_form envelope;
	struct value_forms forms;
	column_filter wanted;    /* may be NULL: all columns */
	const void *wanted_arg;
};

/* One for each pipeline: options, the names in use, and what the present transaction adds to each record. */
struct encoder *encoder_new(const struct encode_options *options);
void encoder_free(struct encoder *enc);

/* Plans made from now on check texts to be UTF-8, or trust the source with that (at first). */
void encoder_check_text(struct encoder *enc, bool check);

/* What the files of a binary log are called before their numbers, which positions have with the shift added; "" for a source that has none. */
void encoder_log_name(struct encoder *enc, const char *name, int64_t shift);

/* A schema as it is published. */
struct encode_schema {
	uint64_t fingerprint;
	struct view text;       /* ptr NULL: there is none (the key of a table without one) */
	const char *name;       /* full name of the record; NULL: the type has none */
	const struct avro_type *type;
	struct contract *contract; /* which has the type; owned by the plan; NULL: somebody else's */
	struct frame frame;     /* single-object encoding, until a registry has given an id */
	struct frame outer;     /* of a record in another format, whose Avro has none */
	struct view prefix;     /* ... or what stands before its value otherwise; ends in a closing brace then */
};

struct encode_plan {
	const struct table *table;       /* NULL: logical messages */
	const char *topic_name;
	struct topic *topic;             /* the pipeline's: goes into each message */
	struct encode_schema key;
	struct encode_schema value;

	/* the encoder's own: */
	struct arena *arena;
	struct arena *scratch;           /* of fields, for the time of one value */
	struct encode_field *fields;     /* of the value, in column order */
	unsigned field_count;
	struct encode_field **text_fields; /* those whose values' texts count towards the size of a record */
	unsigned text_field_count;
	struct encode_field **key_fields; /* in key order */
	unsigned key_field_count;
	struct encode_collection *collection;   /* of all versions of the table */
	size_t row_bytes;                /* most that a row needs beside its texts */
	char *place;                     /* middle part of the source block, as prepared for ... */
	size_t place_bytes;
	uint64_t place_epoch;            /* ... this transaction */
};

/*
 * Fails with ERROR_INPUT if two columns, or two tables, would have one name, or if a key column is not wanted. A plan
 * must not outlive its encoder and its table.
 */
MUST_CHECK struct encode_plan *encode_plan_new(struct encoder *enc, const struct table *table, struct error *err);
void encode_plan_free(struct encode_plan *plan);

/*
 * Another name for the schema of keys or of values, made of its text: for one that has the fingerprint of a schema of another
 * meaning. Fingerprints are those of Avro's parsing canonical form, which leaves out what numbers mean: the scale of a
 * decimal, the unit of a time (Avro 1.11 specification, "Parsing Canonical Form for Schemas").
 */
MUST_CHECK int encode_plan_distinguish(const struct encoder *enc, struct encode_plan *plan, bool key, struct error *err);

/* The plan for logical messages, topic <prefix>.message; owned by the encoder. */
struct encode_plan *encoder_messages(struct encoder *enc);

#endif
