/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What the files of publish/ share: the client behind a producer, and making a configuration of properties. */
#ifndef PUBLISH_CLIENT_H
#define PUBLISH_CLIENT_H

#include <librdkafka/rdkafka.h>

#include "publish/producer.h"

/* Defaults that a user's property may override, name and value by turns, ended by NULL. */
int client_conf(rd_kafka_conf_t **ret, const struct kafka_options *options, const char *const *defaults,
		struct error *err);

/* Sets one property that the user may not override. */
int client_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct error *err);

/* An error of the client as ours: transient unless it is about permissions or authentication. */
int client_fail(struct error *err, rd_kafka_resp_err_t code, const char *doing, const char *words);

rd_kafka_t *producer_handle(struct producer *producer);
rd_kafka_topic_t *topic_handle(const struct topic *topic);

#endif
