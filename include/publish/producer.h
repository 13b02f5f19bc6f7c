/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The producer of one source: transactional (delivery exactly_once) or idempotent (at_least_once). Waiting is done in
 * slices: a call that is not finished says so, and the caller serves its source in between. After any error of the
 * producer itself there is one way on: free it, make a new one (which fences the old), read the checkpoint back.
 */
#ifndef PUBLISH_PRODUCER_H
#define PUBLISH_PRODUCER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "model/message.h"

struct producer;

/* A property of librdkafka, as the user's configuration passes it through. */
struct kafka_property {
	const char *name;
	const char *value;
};

struct kafka_options {
	const char *client;                       /* client.id; also names the source in messages */
	const struct kafka_property *properties;  /* borrowed; must have bootstrap.servers */
	size_t property_count;
	const atomic_bool *stop;                  /* when set, a reader waits for no broker any more; may be NULL */
};

struct producer_options {
	struct kafka_options kafka;
	const char *transactional_id;             /* NULL: idempotent only */
};

struct producer_metrics {
	uint64_t messages;      /* handed over */
	uint64_t bytes;
	uint64_t delivered;
	uint64_t failed;
	uint64_t commits;
};

/* Makes the client; nothing is sent yet. ERROR_INPUT if a property is wrong. */
int producer_new(struct producer **ret, const struct producer_options *options, struct error *err);

/* Drops whatever is unsent and ends the client; takes NULL. */
void producer_free(struct producer *producer);

/* The cluster's id, waiting up to timeout. The text is valid as long as the producer. */
int producer_cluster_id(struct producer *producer, usec_t timeout_us, const char **ret, struct error *err);

/* Fences every other producer with the same transactional id: 1 done, 0 call again, -1. Waits up to slice. */
int producer_init(struct producer *producer, usec_t slice_us, struct error *err);

/* Begins a transaction, when the last one has been committed: 0, -1. Not without a transactional id. */
int producer_begin(struct producer *producer, struct error *err);

/*
 * Copies the message; it is handed to the client with others of its partition, by producer_poll at the latest.
 * ERROR_RECORD if it is too large.
 */
int producer_send(struct producer *producer, const struct message *message, struct error *err);

/* Most bytes of a message's key and value together. */
size_t producer_message_limit(const struct producer *producer);

/* Waits up to slice until all is delivered: 1, 0 not yet, -1. */
int producer_flush(struct producer *producer, usec_t slice_us, struct error *err);

/*
 * Commits what has been flushed: 1 done, 0 not yet (call again: never abort after this), -1: the outcome is unknown or
 * the producer is at its end.
 * *ret_fenced (may be NULL): another producer has taken over, or the transaction took longer than its timeout.
 */
int producer_commit(struct producer *producer, usec_t slice_us, bool *ret_fenced, struct error *err);

/*
 * Hands over what is waiting; serves delivery reports, logs and errors of the client; -1 when it has failed for good.
 * Never waits.
 */
int producer_poll(struct producer *producer, struct error *err);

/*
 * What the broker or the client has refused: topic and key of the message, valid as long as the producer; false if none
 * was. Of several that were sent together and refused for their size it is the largest.
 */
bool producer_blamed(const struct producer *producer, const char **ret_topic, struct view *ret_key);

/* True when the client has lost its last broker, until something is heard of one. */
bool producer_down(const struct producer *producer);

/* Asks the cluster for anything; true if it answers within the slice. */
bool producer_probe(struct producer *producer, usec_t slice_us);

/* Readable when there is something to poll. */
int producer_fd(const struct producer *producer);

/* What has been sent and is not yet delivered: bytes of keys and values, and messages. */
uint64_t producer_outstanding_bytes(const struct producer *producer);
uint64_t producer_outstanding(const struct producer *producer);

/* Counters since it was made; valid as long as the producer. */
const struct producer_metrics *producer_metrics(const struct producer *producer);

#endif
