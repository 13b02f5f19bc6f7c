/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Columns of every type with random values, as the decoder hands them over and as avro-c is told. */
#ifndef UNIT_ENCODE_SAMPLES_H
#define UNIT_ENCODE_SAMPLES_H

#include <avro.h>

#include "base/arena.h"
#include "encode/values.h"
#include "model/table.h"
#include "model/value.h"

/* One value under construction: as the decoder hands it over, and as avro-c is told. */
struct sample {
	const struct value_forms *forms;
	uint64_t *seed;
	struct arena *arena;
	struct value *value;
	avro_value_t *slot;
};

struct sample_column {
	struct column column;
	void (*make)(struct sample *s);
};

#define SAMPLE_COLUMNS 37

/* Every type that has a form of its own in Avro; the first is a key. */
extern const struct sample_column sample_columns[SAMPLE_COLUMNS];

/* Fails the test with avro-c's own words unless it is 0. */
void samples_check(int rc);

#endif
