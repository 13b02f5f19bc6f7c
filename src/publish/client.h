/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What the files of publish/ share: the client behind a producer, and making a configuration of properties. */
#ifndef PUBLISH_CLIENT_H
#define PUBLISH_CLIENT_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#include "publish/producer.h"

/* Defaults that a user's property may override, name and value by turns, ended by NULL. */
int client_conf(rd_kafka_conf_t **ret, const struct kafka_options *options, const char *const *defaults,
		struct error *err);

/* Sets one property that the user may not override. */
int client_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct error *err);

/* An error of the client as ours: transient, unless the broker refuses a record for what it is. */
int client_fail(struct error *err, rd_kafka_resp_err_t code, const char *doing, const char *words);

/*
 * Why brokers cannot be reached, which the client tells its log alone, from whatever thread. Noted from there; then one error
 * has it, with what to do.
 */
struct client_trouble {
	pthread_mutex_t lock;
	char text[300];   /* "": nothing was said */
};

void trouble_init(struct client_trouble *trouble);
void trouble_done(struct client_trouble *trouble);
void trouble_note(struct client_trouble *trouble, const char *facility, const char *text);

/* True if waiting helps nobody: who is there does not let us in, or is not the one it should be. */
bool trouble_lasts(struct client_trouble *trouble);
int trouble_fail(struct client_trouble *trouble, const rd_kafka_t *rk, struct error *err, const char *servers);

/* The brokers as configured, for messages. */
const char *client_servers(const struct kafka_options *options);

#define ADMIN_TIMEOUT_MS 30000

/* The answer to an admin call, or NULL; the event is destroyed by the caller. */
rd_kafka_event_t *client_await(rd_kafka_queue_t *queue, const char *doing, struct error *err);

#define LANE_MESSAGES 256 /* handed over together */

/* Messages of one partition that are not yet handed to the client: it takes many at once at half the price. */
struct lane {
	struct lane *next_waiting; /* of the producer's list */
	rd_kafka_topic_t *rkt;
	int32_t partition;
	bool waiting;
	int64_t end;               /* offset behind the last message delivered, or what it was at opening */
	unsigned count;
	rd_kafka_message_t *messages; /* LANE_MESSAGES, made at the first use */
};

/* The lane of a partition of the topic; it lives as long as the topic's set. */
struct lane *topic_lane(const struct topic *topic, int32_t partition);

/* The client's own objects, owned by the producer and by the topic's set. */
rd_kafka_t *producer_handle(struct producer *producer);
rd_kafka_topic_t *topic_handle(const struct topic *topic);

#endif
