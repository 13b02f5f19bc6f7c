/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What a transaction adds to each of its records, prepared once at its begin. Deviations from Debezium, for the sake of
 * equal bytes after a replay: the first number of source.sequence is the transaction's own commit LSN (final LSN), not
 * that of the one before, which keeps the order; transaction.id carries that LSN for all events of a transaction.
 */
#include <inttypes.h>
#include <stdio.h>

#include "avro_bytes.h"
#include "encode/envelope.h"
#include "encoder.h"

static void write_optional(struct writer *wr, bool known, int64_t value)
{
	wr_u8(wr, known ? BRANCH_1 : BRANCH_0);
	if (known)
		append_long(wr, value);
}

static void start_source(struct encoder *enc, struct encode_source *source, usec_t at, const char *snapshot)
{
	const struct encode_options *options = &enc->options;
	int64_t nanoseconds;
	bool fits;

	source->head.len = source->times.len = source->txid.len = source->file.len = source->tail.len = 0;
	source->epoch = ++enc->epoch;
	append_text(&source->head, view_of(options->version));
	append_text(&source->head, view_of(options->connector));
	append_text(&source->head, view_of(options->source_name));
	source->ts_ms = at / 1000 - (at % 1000 < 0);
	append_long(&source->head, source->ts_ms);
	wr_u8(&source->head, BRANCH_0);
	append_text(&source->head, view_of(snapshot));
	if (!enc->binlog) { /* otherwise it is the table's own */
		append_text(&source->head, view_of(options->database));
		wr_u8(&source->head, BRANCH_1);
	}
	write_optional(&source->times, at != 0, at);
	fits = !__builtin_mul_overflow(at, 1000, &nanoseconds);
	write_optional(&source->times, at != 0 && fits, nanoseconds);
}

/* Counts of a former epoch are none. */
static void start_counts(struct encoder *enc)
{
	enc->counted = NULL;
	enc->counted_end = &enc->counted;
}

/* What comes behind the place of a change. */
static void add_origin(const struct encoder *enc, struct writer *tail, const struct transaction *txn)
{
	if (enc->binlog) {
		wr_u8(tail, BRANCH_0); /* thread */
		wr_u8(tail, BRANCH_0); /* query */
		return;
	}
	wr_u8(tail, BRANCH_0); /* xmin */
	wr_u8(tail, txn && txn->origin.len ? BRANCH_1 : BRANCH_0);
	if (txn && txn->origin.len)
		append_text(tail, txn->origin);
	write_optional(tail, txn && txn->origin.len && txn->origin_lsn, txn ? (int64_t)txn->origin_lsn : 0);
}

/* server_id, gtid, file */
static void add_file(const struct encoder *enc, struct writer *to, const struct transaction *txn, struct position at)
{
	char name[sizeof(enc->log_name) + 24];

	append_long(to, txn ? txn->server_id : 0);
	wr_u8(to, txn && txn->gtid.len ? BRANCH_1 : BRANCH_0);
	if (txn && txn->gtid.len)
		append_text(to, txn->gtid);
	snprintf(name, sizeof(name), "%s.%06" PRId64, enc->log_name, position_file(at) - enc->log_shift);
	append_text(to, view_of(name));
}

/* Of all changes of the transaction the same. */
static void name_transaction(struct encoder *enc, const struct transaction *txn)
{
	size_t size = sizeof(enc->transaction_id);

	if (!enc->binlog)
		snprintf(enc->transaction_id, size, "%llu:%llu", (unsigned long long)txn->id, (unsigned long long)txn->final.lsn);
	else if (txn->gtid.len)
		snprintf(enc->transaction_id, size, "%.*s", VIEW_ARG(txn->gtid));
	else
		position_print(txn->final, enc->transaction_id);
}

void encode_origin(struct encoder *enc, const struct transaction *txn)
{
	struct writer *tail = &enc->now.tail;

	tail->len = 0;
	add_origin(enc, tail, txn);
	wr_u8(tail, BRANCH_1);
	append_text(tail, view_of(enc->transaction_id));
}

void encode_begin(struct encoder *enc, const struct transaction *txn)
{
	struct encode_source *source = &enc->now;

	start_source(enc, source, txn->committed_at, "false");
	source->in_transaction = true;
	source->sequence_len = (unsigned)snprintf(source->sequence, SEQUENCE_BYTES, "[\"%llu\",\"",
						  (unsigned long long)txn->final.lsn);
	write_optional(&source->txid, true, (int64_t)txn->id);
	wr_u8(&source->txid, BRANCH_1);
	name_transaction(enc, txn);
	if (enc->binlog)
		add_file(enc, &source->file, txn, txn->final);
	encode_origin(enc, txn);
	start_counts(enc);
}

/* Outside of transactions: the transaction block is null. */
static void start_apart(struct encoder *enc, struct encode_source *source, const struct encode_snapshot *snapshot,
			const char *marker)
{
	start_source(enc, source, snapshot->started_at, marker);
	source->in_transaction = false;
	source->sequence_len = (unsigned)snprintf(source->sequence, SEQUENCE_BYTES, "[null,\"");
	if (enc->binlog)
		add_file(enc, &source->file, NULL, (struct position){POSITION_BINLOG, snapshot->lsn});
	write_optional(&source->txid, snapshot->transaction_id != 0, (int64_t)snapshot->transaction_id);
	wr_u8(&source->txid, BRANCH_1);
	add_origin(enc, &source->tail, NULL);
	wr_u8(&source->tail, BRANCH_0);
}

void encode_snapshot(struct encoder *enc, const struct encode_snapshot *snapshot)
{
	start_apart(enc, &enc->now, snapshot, snapshot->marker ? snapshot->marker : "true");
	start_counts(enc);
	enc->snapshot_lsn = snapshot->lsn;
}

void encode_clock(struct encoder *enc, usec_t wall)
{
	char *to = enc->clock;

	*to++ = BRANCH_1;
	to = put_long(to, wall / 1000);
	enc->clock_ms_len = (unsigned)(to - enc->clock);
	*to++ = BRANCH_1;
	to = put_long(to, wall);
	*to++ = BRANCH_1;
	to = put_long(to, wall * 1000);
	enc->clock_len = (unsigned)(to - enc->clock);
}

void encoder_prepare(struct encoder *enc)
{
	struct encode_snapshot nothing = {0};

	encode_clock(enc, 0);
	start_apart(enc, &enc->apart, &nothing, "false");
	start_apart(enc, &enc->now, &nothing, "false");
	start_counts(enc);
	enc->message_collection.name = "message";
}

static void release_source(struct encode_source *source)
{
	wr_done(&source->head);
	wr_done(&source->times);
	wr_done(&source->txid);
	wr_done(&source->file);
	wr_done(&source->tail);
}

void encoder_release(struct encoder *enc)
{
	release_source(&enc->now);
	release_source(&enc->apart);
}
