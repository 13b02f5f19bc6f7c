/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The canonical header (tailwater.canonical.Header), written straight into a message. The contract is bound once: its
 * fields are found by name, so their order is the contract's business.
 */
#ifndef ENCODE_HEADER_H
#define ENCODE_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/view.h"
#include "base/writer.h"
#include "model/avro.h"

/* A member of a map of texts. */
struct header_entry {
	struct view name;
	struct view value;
};

/*
 * What a message says about itself. Texts that are VIEW_NONE are null, or empty where null is not allowed. Symbols are
 * literals: one address always stands for the same text.
 */
struct header {
	struct view event_id;
	struct view event_type;
	const char *event_class;         /* "ENTITY", "OPERATIONAL", "FINANCIAL" */
	const char *operation;           /* "SNAPSHOT", "CREATE", "UPDATE", "DELETE", "EVENT" */
	struct view source_system;
	struct view source_instance;
	const char *position_kind;       /* "PG_LSN" */
	struct view position_value;
	int64_t position_ordinal;
	struct view transaction_id;
	const struct view *source_tables;
	unsigned source_table_count;
	usec_t occurred_at;
	usec_t captured_at;
	struct view legal_entity;
	struct view system_of_record;
	const struct header_entry *correlation;
	unsigned correlation_count;
	struct view causation_id;
	struct view origin;
	struct view schema_version;
	struct view mapping_version;
	struct view rule_version;
	bool replay;
	const struct view *quality;
	unsigned quality_count;
};

struct header_plan;

/* Fails with ERROR_INPUT if the contract has a required field that is not known here, or one of another type. */
MUST_CHECK struct header_plan *header_plan_new(const struct avro_type *type, struct error *err);
void header_plan_free(struct header_plan *plan);

/*
 * Appends the header. *ret_observed_at is where capturedAt stands, from the start of the writer, *ret_observed_bytes
 * how many bytes it has: the range that a message reports as observed.
 */
MUST_CHECK int header_write(const struct header_plan *plan, const struct header *header, struct writer *to,
			    uint32_t *ret_observed_at, uint32_t *ret_observed_bytes, struct error *err);

#endif
