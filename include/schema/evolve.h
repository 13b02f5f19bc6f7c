/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What is different between two versions of a schema, for people. */
#ifndef SCHEMA_EVOLVE_H
#define SCHEMA_EVOLVE_H

#include "base/writer.h"
#include "model/avro.h"

/*
 * Appends what a reader of one version may stumble over in the other, by the path of the field: "before.amount was
 * int and is string; before.note is new and has no default". Nothing, if there is nothing.
 */
void avro_differences(const struct avro_type *before, const struct avro_type *after, struct writer *to);

#endif
