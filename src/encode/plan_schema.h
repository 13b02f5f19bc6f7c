/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The schema texts of a plan. */
#ifndef ENCODE_PLAN_SCHEMA_H
#define ENCODE_PLAN_SCHEMA_H

#include "base/writer.h"
#include "encode/plan.h"
#include "field.h"

/* Append schema texts. `space` is the namespace: the adjusted topic name. */
void write_key_schema(const struct encode_plan *plan, const char *space, struct writer *to);
/* Whether the source block tells of a binary log. */
bool connector_has_binlog(const char *connector);

void write_value_schema(const struct encode_plan *plan, const char *space, const char *connector, struct writer *to);

/* The flat form; and true if it has a field of this name beside the columns. */
void write_flat_schema(const struct encode_plan *plan, const char *space, const char *connector, struct writer *to);
bool flat_has_field(const char *name);

/* Of logical messages. */
void write_message_key_schema(const char *connector, struct writer *to);
void write_message_value_schema(const char *connector, struct writer *to);

/* Of BEGIN and END; with `documents` the value has the list of documents. */
void write_marker_key_schema(struct writer *to);
void write_marker_value_schema(bool documents, struct writer *to);

#endif
