/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Markers written; and the counts that an END has. They are seldom, so nothing is prepared. */
#include "encode/marker.h"

#include "avro_bytes.h"
#include "encode/framing.h"
#include "encoder.h"

static void write_frame(struct writer *wr, const struct frame *frame)
{
	wr_clear(wr);
	wr_bytes(wr, frame->bytes, frame->len);
}

/* An array of nullable records. */
static void write_counts(struct writer *wr, const struct event_count *counts, size_t count)
{
	wr_u8(wr, BRANCH_1);
	if (count)
		append_long(wr, (int64_t)count);
	for (size_t i = 0; i < count; i++) {
		wr_u8(wr, BRANCH_1);
		append_text(wr, counts[i].collection);
		append_long(wr, (int64_t)counts[i].events);
	}
	append_long(wr, 0);
}

static uint64_t sum(const struct event_count *counts, size_t count)
{
	uint64_t events = 0;

	for (size_t i = 0; i < count; i++)
		events += counts[i].events;
	return events;
}

static void write_tables(struct writer *wr, const struct marker *marker)
{
	wr_u8(wr, marker->counted ? BRANCH_1 : BRANCH_0);
	if (!marker->counted) {
		wr_u8(wr, BRANCH_0);
		return;
	}
	append_long(wr, (int64_t)sum(marker->tables, marker->table_count));
	write_counts(wr, marker->tables, marker->table_count);
}

static void write_documents(struct writer *wr, const struct marker *marker)
{
	if (marker->counted)
		write_counts(wr, marker->documents, marker->document_count);
	else
		wr_u8(wr, BRANCH_0);
}

void encode_marker(struct encoder *enc, const struct marker *marker, struct writer *key, struct writer *value,
		   struct message *out)
{
	struct encode_plan *plan = encoder_markers(enc);

	write_frame(key, &plan->key.frame);
	append_text(key, marker->id);
	write_frame(value, &plan->value.frame);
	append_text(value, view_of(marker->status));
	append_text(value, marker->id);
	write_tables(value, marker);
	append_long(value, marker->at / 1000 - (marker->at % 1000 < 0));
	if (enc->options.documents)
		write_documents(value, marker);
	*out = (struct message){.topic = plan->topic, .key = wr_view(key), .value = wr_view(value)};
}

struct view encode_transaction_id(const struct encoder *enc)
{
	return view_of(enc->transaction_id);
}

bool encode_counted(const struct encoder *enc)
{
	return enc->counted != NULL;
}

struct view encode_collection_name(const struct encoder *enc, const struct encode_plan *plan)
{
	return view_of(plan->collection ? plan->collection->name : enc->message_collection.name);
}

static uint64_t events_of(const struct encode_collection *collection)
{
	return collection->count + collection->moved;
}

size_t encode_counts(const struct encoder *enc, struct arena *arena, struct event_count **ret)
{
	size_t count = 0;

	for (const struct encode_collection *at = enc->counted; at; at = at->next)
		count++;
	*ret = ARENA_ARRAY(arena, struct event_count, count);
	count = 0;
	for (const struct encode_collection *at = enc->counted; at; at = at->next)
		(*ret)[count++] = (struct event_count){view_of(at->name), events_of(at)};
	return count;
}

uint64_t encode_count(const struct encoder *enc, const struct encode_plan *plan)
{
	return plan->collection->epoch == enc->now.epoch ? events_of(plan->collection) : 0;
}
