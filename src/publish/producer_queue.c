/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Messages on their way to the client: copied into the slab, gathered in the lane of their partition, and handed over
 * many at a time. The client borrows the bytes of a transaction until it has been committed; without transactions it
 * copies them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "client.h"
#include "producer_parts.h"
#include "publish/topics.h"

#define CHUNK_BYTES ((size_t)256 << 10)
#define CHUNKS_KEPT 40
#define GATHERED_MOST 500

void queue_done(struct producer *producer)
{
	struct slab *slab = &producer->slab;

	for (size_t i = 0; i < slab->count; i++)
		free(slab->chunks[i]);
	free(slab->chunks);
}

void queue_reset(struct producer *producer)
{
	struct slab *slab = &producer->slab;

	while (slab->count > CHUNKS_KEPT)
		free(slab->chunks[--slab->count]);
	slab->current = slab->used = 0;
}

/* A message larger than a chunk gets a chunk of its own size, which the next reset of an outlier gives back. */
static char *slab_take(struct slab *slab, size_t size)
{
	char *place;

	if (slab->count && slab->used + size > CHUNK_BYTES) {
		slab->current++;
		slab->used = 0;
	}
	if (slab->current == slab->count || size > CHUNK_BYTES) {
		slab->chunks = mem_resize(slab->chunks, slab->count + 1, sizeof(char *));
		memmove(slab->chunks + slab->current + 1, slab->chunks + slab->current,
			(slab->count - slab->current) * sizeof(char *));
		slab->chunks[slab->current] = mem_resize(NULL, 1, size > CHUNK_BYTES ? size : CHUNK_BYTES);
		slab->count++;
		slab->used = 0;
	}
	place = slab->chunks[slab->current] + slab->used;
	slab->used += size;
	return place;
}

static int refuse(struct producer *producer, rd_kafka_resp_err_t code, const char *topic, struct view key, size_t bytes,
		  struct error *err)
{
	if (code != RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
		return client_fail(err, code, "handing messages to Kafka", NULL);
	report_blame(producer, topic, key, bytes);
	error_set(err, ERROR_RECORD, "a message of %zu bytes is larger than the client's message.max.bytes", bytes);
	return error_hint(err, "raise kafka.message.max.bytes here, and max.message.bytes of the topic");
}

/* Gives a lane's messages to the client, in order. */
static int hand_over(struct producer *producer, struct lane *lane, struct error *err)
{
	int flags = producer->transactional ? 0 : RD_KAFKA_MSG_F_COPY;
	int taken = rd_kafka_produce_batch(lane->rkt, lane->partition, flags, lane->messages, (int)lane->count);
	unsigned count = lane->count;

	producer->gathered -= count;
	lane->count = 0;
	if (taken == (int)count)
		return 0;
	for (unsigned i = 0; i < count; i++)
		if (lane->messages[i].err)
			return refuse(producer, lane->messages[i].err, rd_kafka_topic_name(lane->rkt),
				      (struct view){lane->messages[i].key, lane->messages[i].key_len},
				      lane->messages[i].len, err);
	return error_set(err, ERROR_INTERNAL, "Kafka's client took only some messages");
}

bool queue_is_due(const struct producer *producer)
{
	return !producer->transactional || producer->gathered >= GATHERED_MOST;
}

int queue_hand_over(struct producer *producer, struct error *err)
{
	int result = 0;

	while (producer->waiting) {
		struct lane *lane = producer->waiting;

		producer->waiting = lane->next_waiting;
		lane->waiting = false;
		if (lane->count && result == 0)
			result = hand_over(producer, lane, err);
	}
	if (!producer->transactional)
		queue_reset(producer);
	return result;
}

static void fill(struct producer *producer, const struct message *message, struct lane *lane, rd_kafka_message_t *ret)
{
	char *place = slab_take(&producer->slab, message->key.len + message->value.len);

	if (message->key.len)
		memcpy(place, message->key.ptr, message->key.len);
	if (message->value.len)
		memcpy(place + message->key.len, message->value.ptr, message->value.len);
	*ret = (rd_kafka_message_t){
		.key = message->key.ptr ? place : NULL,
		.key_len = message->key.len,
		.payload = message->value.ptr ? place + message->key.len : NULL,
		.len = message->value.len,
		._private = lane,
	};
}

int producer_send(struct producer *producer, const struct message *message, struct error *err)
{
	size_t bytes = message->key.len + message->value.len;
	struct lane *lane = topic_lane(message->topic, topic_partition_of(message->topic, message->key));

	if (bytes > producer->message_bytes_most)
		return refuse(producer, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, topic_name(message->topic), message->key,
			      bytes, err);
	if (!lane->waiting) {
		lane->waiting = true;
		lane->next_waiting = producer->waiting;
		producer->waiting = lane;
	}
	fill(producer, message, lane, &lane->messages[lane->count++]);
	producer->gathered++;
	producer->metrics.messages++;
	producer->metrics.bytes += bytes;
	producer->outstanding_bytes += bytes + MESSAGE_OVERHEAD_BYTES;
	return lane->count == LANE_MESSAGES ? hand_over(producer, lane, err) : 0;
}

uint64_t producer_outstanding_bytes(const struct producer *producer)
{
	return producer->outstanding_bytes;
}

uint64_t producer_outstanding(const struct producer *producer)
{
	return producer->metrics.messages - producer->metrics.delivered - producer->metrics.failed;
}
