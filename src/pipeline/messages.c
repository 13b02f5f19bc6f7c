/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Canonical messages: the parts that do not depend on what they are about. */
#include "messages.h"

#include "canonical/pack.h"
#include "encode/datum.h"
#include "encode/framing.h"

usec_t occurred_at(const struct pipeline *p, enum document_cause cause)
{
	return cause == CAUSE_COMMIT ? p->txn->committed_at : p->snapshot_at;
}

/* Where something stands that belongs to no transaction. */
static struct view place_apart(struct pipeline *p, enum document_cause cause)
{
	char position[POSITION_TEXT_BYTES];

	position_print(cause == CAUSE_SNAPSHOT ? p->snapshot_position : p->applied.position, position);
	return arena_copy(&p->doc_arena, view_of(position));
}

void header_fill(struct pipeline *p, enum document_cause cause, struct header *header)
{
	bool apart = cause != CAUSE_COMMIT; /* a snapshot, or a job */

	header->position_value = apart ? place_apart(p, cause) : p->txn_position;
	header->transaction_id = apart ? VIEW_NONE : p->txn_number;
	header->occurred_at = occurred_at(p, cause);
	header->captured_at = p->wall;
	header->origin = apart ? VIEW_NONE : p->txn->origin;
}

int message_begin(struct pipeline *p, const struct header *header, const struct encode_schema *schema,
		  struct message *message, struct error *err)
{
	wr_clear(&p->value);
	p->value.len = (size_t)(frame_put(wr_reserve(&p->value, FRAME_MOST), &schema->frame) - p->value.data);
	return header_write(p->header, header, &p->value, &message->observed_at, &message->observed_bytes, err);
}

struct view message_key(struct pipeline *p, const struct encode_schema *schema, struct view id)
{
	struct datum key = {.set = true, .text = id};
	struct error impossible;

	wr_clear(&p->key);
	p->key.len = (size_t)(frame_put(wr_reserve(&p->key, FRAME_MOST), &schema->frame) - p->key.data);
	if (datum_write(&avro_string, &key, &p->key, &impossible) < 0)
		p->key.len = schema->frame.len;
	return wr_view(&p->key);
}

int message_finish(struct pipeline *p, const struct encode_schema *key, const struct encode_schema *value,
		   struct view id, struct message *message, struct error *err)
{
	message->key = message_key(p, key, id);
	message->value = wr_view(&p->value);
	return message_format(p, key, value, message, err);
}
