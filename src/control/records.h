/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Records of our own topics as JSON: single-object Avro by the schemas of <prefix>.schemas, Avro in Confluent's
 * framing by those of the registry, the checkpoint, the schemas themselves. A schema that is not known yet makes the
 * schema topic be read again, or the registry be asked. Of both framings there may be records in one topic.
 */
#ifndef CONTROL_RECORDS_H
#define CONTROL_RECORDS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/writer.h"
#include "publish/reader.h"
#include "registry/client.h"

struct records;

/* The registry may have no url. */
struct records *records_new(const struct kafka_options *kafka, const char *prefix,
			    const struct registry_options *registry);
void records_free(struct records *records);

/*
 * Makes of a record: the line {"topic":..., "value":...} without its newline, and the key as text, which a user would
 * give to filter by. Both are valid until the next call. ERROR_RECORD if the record cannot be decoded.
 */
MUST_CHECK int records_decode(struct records *records, const struct reader_record *record, struct view *ret_line,
			      struct view *ret_key, struct error *err);

#endif
