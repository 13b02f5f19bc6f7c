/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Changes as Kafka records: Debezium's envelope, written in one go behind the frame. An insert, an update, a row of a
 * snapshot or a truncate is one record; a delete is two, the second a tombstone (one if the table has no key); a change
 * of the key three: delete and tombstone of the old key, create of the new one.
 *
 * In the life of a pipeline: encode_clock after each read, encode_begin at each begin of a transaction, encode_parts
 * for each change, encode_part for each part of it.
 */
#ifndef ENCODE_ENVELOPE_H
#define ENCODE_ENVELOPE_H

#include "base/clock.h"
#include "base/error.h"
#include "base/writer.h"
#include "encode/plan.h"
#include "model/change.h"
#include "model/message.h"

/* The time that the envelope's ts_ms, ts_us and ts_ns show from now on: the only observed values. */
void encode_clock(struct encoder *enc, usec_t wall);

/* The changes that follow are this transaction's. */
void encode_begin(struct encoder *enc, const struct transaction *txn);

/* It has an origin, as is known only now: before its first change. */
void encode_origin(struct encoder *enc, const struct transaction *txn);

/* Where the rows of a snapshot come from. */
struct encode_snapshot {
	uint64_t lsn;
	uint64_t transaction_id;  /* 0: not known */
	usec_t started_at;        /* wall time */
	const char *marker;       /* source.snapshot: "first", "true", "last" ...; NULL: "true" */
};

/* The changes that follow are rows of a snapshot, until the next encode_begin. */
void encode_snapshot(struct encoder *enc, const struct encode_snapshot *snapshot);

/*
 * How many records a change becomes, 1 to 3. Also counts the change within its transaction and table, so it must be
 * called for every row change of a table that has a plan, published or not; a second call for the same change does not
 * count.
 */
unsigned encode_parts(struct encoder *enc, struct encode_plan *plan, const struct change *change);

/*
 * Writes part 0 to encode_parts - 1 of a change into the two writers, which are cleared before. *out lives as long as
 * the writers' bytes. For logical messages the plan is encoder_messages. What cannot be encoded is ERROR_RECORD and
 * names table and column.
 */
MUST_CHECK int encode_part(struct encoder *enc, struct encode_plan *plan, const struct change *change, unsigned part,
			   struct writer *key, struct writer *value, struct message *out, struct error *err);

#endif
