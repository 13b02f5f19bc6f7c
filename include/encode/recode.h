/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Records in other formats than Avro. Everything that is published is made as Avro first: rows by their plan,
 * documents field by field. That is the one grammar, and its schema says where each value stands; from these bytes
 * the other formats are written in one walk, without a tree between. So a format is a table of a few functions
 * (src/encode/codec.h), knows nothing of rows or documents, and costs Avro nothing.
 */
#ifndef ENCODE_RECODE_H
#define ENCODE_RECODE_H

#include <stdint.h>

#include "base/error.h"
#include "base/view.h"
#include "base/writer.h"
#include "model/avro.h"

/*
 * With FORMAT_JSON_SCHEMA a registry has the schema, and the record a frame; with FORMAT_JSON_CONNECT the record has the
 * schema, and the value as its payload.
 */
enum record_format { FORMAT_AVRO, FORMAT_JSON, FORMAT_JSON_SCHEMA, FORMAT_JSON_CONNECT, FORMAT_PROTOBUF };

/* A range of a message, in bytes from its beginning. */
struct byte_range {
	uint32_t at;
	uint32_t bytes;
};

/*
 * Appends a value of Avro bytes (without a frame) in another format. What stood in the range stands in it afterwards;
 * it begins and ends between two values. ERROR_INTERNAL if the bytes are no value of the type: they are our own.
 */
MUST_CHECK int recode(enum record_format format, const struct avro_type *type, struct view bytes,
		      struct byte_range *range, struct writer *to, struct error *err);

/* Appends the JSON Schema of what `recode` writes as JSON. */
void recode_json_schema(const struct avro_type *type, struct writer *to);

/* Appends the schema of Kafka Connect that the text of a schema of Avro comes to. */
MUST_CHECK int recode_connect_schema(struct view avro, struct writer *to, struct error *err);

/* Appends the text of the .proto file of a type; ERROR_INPUT if two fields would have one number. */
MUST_CHECK int recode_protobuf_schema(const struct avro_type *type, struct writer *to, struct error *err);

/* What stands around a payload with its schema: RECODE_CONNECT_BEGIN, schema, RECODE_CONNECT_PAYLOAD, value, "}". */
#define RECODE_CONNECT_BEGIN "{\"schema\":"
#define RECODE_CONNECT_PAYLOAD ",\"payload\":"

#endif
