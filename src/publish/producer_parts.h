/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The inside of a producer, and what its three files do for each other. */
#ifndef PUBLISH_PRODUCER_PARTS_H
#define PUBLISH_PRODUCER_PARTS_H

#include <librdkafka/rdkafka.h>

#include "base/writer.h"
#include "client.h"
#include "publish/producer.h"

#define MESSAGE_OVERHEAD_BYTES 200 /* what librdkafka spends on each queued message */

struct lane;

/* Bytes of messages. With transactions the client borrows them, and they live until the commit. */
struct slab {
	char **chunks;
	size_t count;      /* chunks allocated */
	size_t current;    /* in use: those before it are full */
	size_t used;       /* of the current one */
};

struct producer {
	rd_kafka_t *rk;
	char *client;
	char *cluster_id;
	char *servers;              /* as configured, for messages */
	struct client_trouble trouble;
	int fd;
	struct producer_metrics metrics;
	uint64_t outstanding_bytes;
	bool transactional;
	bool down;                  /* no broker is connected */
	bool ending;                /* topics are gone; reports are of no interest */
	size_t message_bytes_most;
	struct lane *waiting;       /* those that hold something */
	unsigned gathered;          /* messages that they hold */
	struct slab slab;
	bool commit_resumed;  /* the last call of commit timed out */
	bool given_up;        /* messages, and the client has not said why */
	char kept_out[300];   /* what it said of a partition that was not let into a transaction */
	struct error failure; /* the first lasting one, from whatever callback */
	char *blamed_topic;   /* of the message that it is about */
	struct writer blamed_key;
	size_t blamed_bytes;
};

/* producer_queue.c */

/*
 * Whether what waits should be handed over before the flush. Nothing of a transaction is seen before its commit, and each
 * partition that the client comes to know of by itself costs a request of its own, and a millisecond of waiting for company
 * that it does with its processor busy: the messages of a small transaction had better come together.
 */
bool queue_is_due(const struct producer *producer);

/* Hands over all messages that wait, lane by lane: 0, or -1 with the first failure. */
int queue_hand_over(struct producer *producer, struct error *err);

/* The client borrows no bytes any more: what follows is written over them. */
void queue_reset(struct producer *producer);
void queue_done(struct producer *producer);

/* producer_reports.c */

/* Makes the client of this configuration report to the producer, from within producer_poll and producer_flush. */
void reports_setup(struct producer *producer, rd_kafka_conf_t *conf);
void reports_done(struct producer *producer);

/* Notes which message a failure is about; what it is given is copied. */
void report_blame(struct producer *producer, const char *topic, struct view key, size_t bytes);

/* After messages were given up (producer->given_up): puts the reason into producer->failure. */
void report_ask_why(struct producer *producer);

#endif
