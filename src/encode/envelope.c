/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Records written. One bound on their size is worked out and reserved before the first byte; then everything is written
 * behind each other, without a check and without an allocation:
 *
 *   frame  before  after  source  transaction  op  ts_ms ts_us ts_ns
 *
 * An image is its branch, then for each field its branch and value. Of an update, `before` is shown only if the server
 * sent the whole old row, as in Debezium; of a delete also if it is the key alone, the rest null.
 */
#include "encode/envelope.h"

#include <string.h>

#include "avro_bytes.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "encode/framing.h"
#include "encoder.h"
#include "field.h"

/* What one part of a change shows. */
struct shown {
	char op;
	const struct row *before; /* NULL: null */
	const struct row *after;
	const struct row *key;    /* the row whose key the record has; NULL: no key */
	const struct row *spare;  /* has key values that were not sent in `key` because they did not change */
	bool tombstone;
};

static bool same_value(struct type type, const struct value *a, const struct value *b)
{
	if (a->state != VALUE_PRESENT || b->state != VALUE_PRESENT)
		return true; /* what was not sent did not change */
	return value_same(type, a, b);
}

static bool key_changed(const struct encode_plan *plan, const struct change *change)
{
	if (change->op != CHANGE_UPDATE || change->before.image == IMAGE_NONE)
		return false;
	for (unsigned i = 0; i < plan->key_field_count; i++) {
		const struct encode_field *field = plan->key_fields[i];

		if (!same_value(field->column->type, &change->before.values[field->index],
				&change->after.values[field->index]))
			return true;
	}
	return false;
}

static void begin_count(struct encoder *enc, struct encode_collection *collection)
{
	collection->epoch = enc->now.epoch;
	collection->count = collection->moved = 0;
	collection->next = NULL;
	*enc->counted_end = collection;
	enc->counted_end = &collection->next;
}

/* False if it was counted before. */
static bool count_change(struct encoder *enc, struct encode_collection *collection, uint64_t index)
{
	if (collection->epoch != enc->now.epoch)
		begin_count(enc, collection);
	else if (collection->last == index)
		return false;
	collection->count++;
	collection->last = index;
	return true;
}

unsigned encode_parts(struct encoder *enc, struct encode_plan *plan, const struct change *change)
{
	bool first;

	if (!plan->table) {
		if (change->transactional)
			count_change(enc, &enc->message_collection, change->index);
		return 1;
	}
	first = count_change(enc, plan->collection, change->index);
	if (change->op == CHANGE_DELETE)
		return plan->key_field_count ? 2 : 1;
	if (!key_changed(plan, change))
		return 1;
	plan->collection->moved += first;
	return 3;
}

static struct shown show_deleted(const struct change *change, bool tombstone)
{
	return (struct shown){.op = 'd', .before = &change->before, .key = &change->before, .spare = &change->after,
			      .tombstone = tombstone};
}

static struct shown show_update(const struct change *change)
{
	const struct row *before = change->before.image == IMAGE_NONE ? NULL : &change->before;
	bool whole = change->before.image == IMAGE_FULL;

	return (struct shown){.op = 'u', .before = whole ? before : NULL, .after = &change->after,
			      .key = &change->after, .spare = before};
}

static struct shown show(const struct encode_plan *plan, const struct change *change, unsigned part)
{
	struct shown created = {.op = 'c', .after = &change->after, .key = &change->after};

	switch (change->op) {
	case CHANGE_READ:
		created.op = 'r';
		return created;
	case CHANGE_TRUNCATE:
		return (struct shown){.op = 't'};
	case CHANGE_DELETE:
		return show_deleted(change, part == 1);
	case CHANGE_UPDATE:
		if (!key_changed(plan, change))
			return show_update(change);
		created.spare = &change->before;
		return part < 2 ? show_deleted(change, part == 1) : created;
	default:
		return created;
	}
}

static int complain(const struct encode_plan *plan, const struct encode_field *field, const char *why,
		    struct error *err)
{
	return error_set(err, ERROR_RECORD, "%s.%s.%s (%s): the value %s", plan->table->schema, plan->table->name,
			 field->column->name, field->column->source_type, why);
}

/* The most that a row's image can need. */
static size_t image_bytes(const struct encode_plan *plan, const struct row *row)
{
	size_t bytes = 1 + plan->row_bytes;

	if (!row)
		return 1;
	for (unsigned i = 0; i < plan->text_field_count; i++)
		bytes += field_text_bytes(plan->text_fields[i], &row->values[plan->text_fields[i]->index]);
	return bytes;
}

/* A value that is neither present nor null; NULL if it cannot be written. */
static char *put_missing(char *to, const struct encode_field *field, const struct value *value, bool old,
			 const char **why)
{
	if (value->state == VALUE_UNCHANGED && field->placeholder.ptr) {
		*to++ = BRANCH_1;
		memcpy(to, field->placeholder.ptr, field->placeholder.len);
		return to + field->placeholder.len;
	}
	if (old) {
		*to++ = BRANCH_0;
		return to;
	}
	*why = value->state == VALUE_UNCHANGED
		       ? "is large and did not change, so the server did not send it, and its type has no placeholder"
		       : "was not sent by the server";
	return NULL;
}

static char *put_value(char *to, struct encode_field *field, const struct value *value, bool old, const char **why)
{
	if (value->state == VALUE_PRESENT) {
		*to++ = BRANCH_1;
		return field->put(to, field, value, why);
	}
	if (value->state == VALUE_NULL) {
		*to++ = BRANCH_0;
		return to;
	}
	return put_missing(to, field, value, old, why);
}

/* The fields of a row; `old`: what it lacks is null. */
static char *put_row(char *to, struct encode_plan *plan, const struct row *row, bool old, struct error *err)
{
	const char *why;

	for (unsigned i = 0; i < plan->field_count; i++) {
		struct encode_field *field = &plan->fields[i];

		to = put_value(to, field, &row->values[field->index], old, &why);
		if (!to) {
			complain(plan, field, why, err);
			return NULL;
		}
	}
	return to;
}

/* An image with its branch. */
static char *put_image(char *to, struct encode_plan *plan, const struct row *row, bool old, struct error *err)
{
	*to++ = row ? BRANCH_1 : BRANCH_0;
	return row ? put_row(to, plan, row, old, err) : to;
}

static char *put_view(char *to, struct view bytes)
{
	memcpy(to, bytes.ptr, bytes.len);
	return to + bytes.len;
}

/* "<number>" and the bracket that closes source.sequence */
static char *put_sequence(char *to, const struct encode_source *source, uint64_t lsn)
{
	unsigned digits = count_digits(lsn);

	*to++ = (char)((source->sequence_len + digits + 2) * 2); /* less than 64, so its length is one byte */
	memcpy(to, source->sequence, SEQUENCE_BYTES / 2);        /* the beginning is shorter than that */
	to = put_digits(to + source->sequence_len, lsn, digits);
	*to++ = '"';
	*to++ = ']';
	return to;
}

/* ts_us, ts_ns, schema, table, txId, and the branch of lsn */
static char *prepare_lsn(char *to, const struct encode_source *source, struct view schema, struct view name)
{
	to = put_view(to, wr_view(&source->times));
	to = put_bytes(to, schema);
	to = put_bytes(to, name);
	return put_view(to, wr_view(&source->txid));
}

/* db, sequence, ts_us, ts_ns, table, server_id, gtid, file */
static char *prepare_binlog(char *to, const struct encode_source *source, struct view schema, struct view name)
{
	to = put_bytes(to, schema);
	*to++ = BRANCH_0;
	to = put_view(to, wr_view(&source->times));
	*to++ = BRANCH_1;
	to = put_bytes(to, name);
	return put_view(to, wr_view(&source->file));
}

/* source.ts_us to the branch of source.lsn, or source.db to source.file: the same for a table's changes in one transaction. */
static void prepare_place(struct encode_plan *plan, const struct encode_source *source)
{
	struct view schema = plan->table ? view_of(plan->table->schema) : VIEW("");
	struct view name = plan->table ? view_of(plan->table->name) : VIEW("");
	size_t room = source->times.len + schema.len + name.len + 2 * LONG_BYTES + 2 + source->txid.len + source->file.len;
	char *to;

	plan->place = mem_resize(plan->place, room, 1);
	to = source->file.len ? prepare_binlog(plan->place, source, schema, name) : prepare_lsn(plan->place, source, schema, name);
	plan->place_bytes = (size_t)(to - plan->place);
	plan->place_epoch = source->epoch;
}

static size_t source_bytes(const struct encode_plan *plan, const struct encode_source *source)
{
	return source->head.len + SEQUENCE_BYTES + plan->place_bytes + 2 * LONG_BYTES + source->tail.len + 2 * LONG_BYTES;
}

/* The source block, and the transaction block that follows it. */
static char *put_source(char *to, const struct encode_plan *plan, const struct encode_source *source, uint64_t lsn,
			const struct change *change)
{
	bool binlog = source->file.len;

	to = put_view(to, wr_view(&source->head));
	if (!binlog)
		to = put_sequence(to, source, lsn);
	to = put_view(to, (struct view){plan->place, plan->place_bytes});
	to = put_long(to, (int64_t)(binlog ? position_offset(lsn) : lsn));
	if (binlog)
		to = put_long(to, change->row);
	to = put_view(to, wr_view(&source->tail));
	if (!source->in_transaction)
		return to;
	to = put_long(to, (int64_t)change->index + 1);
	return put_long(to, plan->collection ? (int64_t)plan->collection->count : (int64_t)change->index + 1);
}

static char *put_clock(char *to, const struct encoder *enc)
{
	memcpy(to, enc->clock, CLOCK_BYTES);
	return to + enc->clock_len;
}

static void finish(struct writer *wr, const char *end)
{
	wr->len = (size_t)(end - wr->data);
}

static int write_value(struct encoder *enc, struct encode_plan *plan, const struct change *change,
		       const struct shown *shown, struct writer *value, struct message *out, struct error *err)
{
	const struct encode_source *source = &enc->now;
	uint64_t lsn = change->op == CHANGE_READ && !change->lsn ? enc->snapshot_lsn : change->lsn;
	char *to;

	if (plan->place_epoch != source->epoch)
		prepare_place(plan, source);
	to = wr_reserve(value, FRAME_MOST + image_bytes(plan, shown->before) + image_bytes(plan, shown->after) +
				       source_bytes(plan, source) + 2 + CLOCK_BYTES);
	to = frame_put(to, &plan->value.frame);
	to = put_image(to, plan, shown->before, true, err);
	if (to)
		to = put_image(to, plan, shown->after, false, err);
	if (!to)
		return -1;
	to = put_source(to, plan, source, lsn, change);
	*to++ = 2; /* a text of one byte */
	*to++ = shown->op;
	out->observed_at = (uint32_t)(to - value->data);
	out->observed_bytes = enc->clock_len;
	finish(value, put_clock(to, enc));
	return 0;
}

/* Of a truncate there is no row: all columns are null. */
static char *put_flat_row(char *to, struct encode_plan *plan, const struct shown *shown, struct error *err)
{
	if (shown->after)
		return put_row(to, plan, shown->after, false, err);
	if (shown->before)
		return put_row(to, plan, shown->before, true, err);
	memset(to, BRANCH_0, plan->field_count);
	return to + plan->field_count;
}

static char *put_known(char *to, struct view bytes)
{
	*to++ = BRANCH_1;
	return put_bytes(to, bytes);
}

/* The columns, then __deleted __op __table __lsn __txId __source_ts_ms __ts_ms */
static int write_flat(struct encoder *enc, struct encode_plan *plan, const struct change *change,
		      const struct shown *shown, struct writer *value, struct message *out, struct error *err)
{
	const struct encode_source *source = &enc->now;
	uint64_t lsn = change->op == CHANGE_READ && !change->lsn ? enc->snapshot_lsn : change->lsn;
	struct view table = view_of(plan->table->name);
	char *to = wr_reserve(value, FRAME_MOST + image_bytes(plan, shown->before) + image_bytes(plan, shown->after) +
					     plan->field_count + source->txid.len + table.len + CLOCK_BYTES + 6 * (LONG_BYTES + 2) + 8);

	to = put_flat_row(frame_put(to, &plan->value.frame), plan, shown, err);
	if (!to)
		return -1;
	to = put_known(to, shown->op == 'd' ? VIEW("true") : VIEW("false"));
	to = put_known(to, (struct view){&shown->op, 1});
	to = put_known(to, table);
	*to++ = BRANCH_1;
	to = put_long(to, (int64_t)lsn);
	to = put_view(to, (struct view){source->txid.data, source->txid.len - 1}); /* without the branch of lsn */
	*to++ = BRANCH_1;
	to = put_long(to, source->ts_ms);
	out->observed_at = (uint32_t)(to - value->data);
	out->observed_bytes = enc->clock_ms_len;
	finish(value, put_clock(to, enc) - enc->clock_len + enc->clock_ms_len);
	return 0;
}

static int (*const value_writers[])(struct encoder *enc, struct encode_plan *plan, const struct change *change,
				    const struct shown *shown, struct writer *value, struct message *out,
				    struct error *err) = {
	[ENVELOPE_DEBEZIUM] = write_value,
	[ENVELOPE_FLAT] = write_flat,
};

static const struct value *key_value(const struct shown *shown, unsigned index)
{
	const struct value *value = &shown->key->values[index];

	if (value->state != VALUE_PRESENT && shown->spare && shown->spare->image != IMAGE_NONE)
		value = &shown->spare->values[index];
	return value;
}

static int write_key(struct encode_plan *plan, const struct shown *shown, struct writer *key, struct error *err)
{
	size_t room = FRAME_MOST;
	const char *why = "is missing in the record's key";
	char *to;

	for (unsigned i = 0; i < plan->key_field_count; i++) {
		const struct value *value = key_value(shown, plan->key_fields[i]->index);

		if (value->state != VALUE_PRESENT)
			return complain(plan, plan->key_fields[i], why, err);
		room += plan->key_fields[i]->bytes + field_text_bytes(plan->key_fields[i], value);
	}
	to = frame_put(wr_reserve(key, room), &plan->key.frame);
	for (unsigned i = 0; i < plan->key_field_count; i++) {
		struct encode_field *field = plan->key_fields[i];

		to = field->put(to, field, key_value(shown, field->index), &why);
		if (!to)
			return complain(plan, field, why, err);
	}
	finish(key, to);
	return 0;
}

/* MessageKey {prefix}, MessageValue {op, ts_ms, source, transaction, message {prefix, content}} */
static void write_message(struct encoder *enc, struct encode_plan *plan, const struct change *change,
			  struct writer *key, struct writer *value, struct message *out)
{
	const struct encode_source *source = change->transactional ? &enc->now : &enc->apart;
	size_t texts = change->prefix.len + change->content.len + 2 * (1 + LONG_BYTES);
	char *to = frame_put(wr_reserve(key, FRAME_MOST + texts), &plan->key.frame);

	*to++ = BRANCH_1;
	finish(key, put_bytes(to, change->prefix));
	if (plan->place_epoch != source->epoch)
		prepare_place(plan, source);
	to = wr_reserve(value, FRAME_MOST + 2 + CLOCK_BYTES + source_bytes(plan, source) + texts);
	to = frame_put(to, &plan->value.frame);
	*to++ = 2;
	*to++ = 'm';
	out->observed_at = (uint32_t)(to - value->data);
	out->observed_bytes = enc->clock_ms_len;
	to = put_clock(to, enc) - enc->clock_len + enc->clock_ms_len;
	to = put_source(to, plan, source, change->lsn, change);
	*to++ = BRANCH_1;
	to = put_bytes(to, change->prefix);
	*to++ = BRANCH_1;
	finish(value, put_bytes(to, change->content));
}

static int write_change(struct encoder *enc, struct encode_plan *plan, const struct change *change, unsigned part,
			struct writer *key, struct writer *value, struct message *out, struct error *err)
{
	struct shown shown = show(plan, change, part);

	if (plan->key_field_count && shown.key && write_key(plan, &shown, key, err))
		return -1;
	if (shown.tombstone)
		return 0;
	return value_writers[enc->options.envelope](enc, plan, change, &shown, value, out, err);
}

int encode_part(struct encoder *enc, struct encode_plan *plan, const struct change *change, unsigned part,
		struct writer *key, struct writer *value, struct message *out, struct error *err)
{
	wr_clear(key);
	wr_clear(value);
	*out = (struct message){.topic = plan->topic};
	if (!plan->table && enc->check_text && !utf8_valid(change->prefix))
		return error_set(err, ERROR_RECORD, "the prefix of a logical message is not UTF-8, which its Avro type must be");
	if (!plan->table)
		write_message(enc, plan, change, key, value, out);
	else if (write_change(enc, plan, change, part, key, value, out, err))
		return -1;
	if (key->len)
		out->key = wr_view(key);
	if (value->len)
		out->value = wr_view(value);
	return 0;
}
