/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Configurations of librdkafka. */
#include "client.h"

#include <string.h>

int client_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct error *err)
{
	char problem[300];

	if (rd_kafka_conf_set(conf, name, value, problem, sizeof(problem)) == RD_KAFKA_CONF_OK)
		return 0;
	return error_set(err, ERROR_INPUT, "kafka property '%s': %s", name, problem);
}

static bool given(const struct kafka_options *options, const char *name)
{
	for (size_t i = 0; i < options->property_count; i++)
		if (strcmp(options->properties[i].name, name) == 0)
			return true;
	return false;
}

static int set_all(rd_kafka_conf_t *conf, const struct kafka_options *options, const char *const *defaults,
		   struct error *err)
{
	if (client_set(conf, "client.id", options->client, err) < 0)
		return -1;
	for (; defaults[0]; defaults += 2)
		if (!given(options, defaults[0]) && client_set(conf, defaults[0], defaults[1], err) < 0)
			return -1;
	for (size_t i = 0; i < options->property_count; i++)
		if (client_set(conf, options->properties[i].name, options->properties[i].value, err) < 0)
			return -1;
	return 0;
}

int client_conf(rd_kafka_conf_t **ret, const struct kafka_options *options, const char *const *defaults,
		struct error *err)
{
	*ret = rd_kafka_conf_new();
	if (set_all(*ret, options, defaults, err) == 0)
		return 0;
	rd_kafka_conf_destroy(*ret);
	return -1;
}

#define PERMISSION "give the agent's user the permission on the broker that this needs"
#define TOO_LARGE "raise max.message.bytes of the topic, or message.max.bytes of the brokers"

/* Those that mean more than that a server or the network failed. */
static const struct {
	rd_kafka_resp_err_t code;
	enum error_class class;
	const char *hint;
} meanings[] = {
	{RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, ERROR_RECORD, TOO_LARGE},
	{RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, ERROR_RECORD, TOO_LARGE},
	{RD_KAFKA_RESP_ERR_INVALID_RECORD, ERROR_RECORD, "the broker refuses such records: see its log for the reason"},
	{RD_KAFKA_RESP_ERR_POLICY_VIOLATION, ERROR_RECORD,
	 "the broker's policy refuses this: see its log for the reason"},
	{RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ERROR_RECORD, PERMISSION},
	{RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, ERROR_TRANSIENT,
	 "the clock of this machine is ahead of the broker's (or behind, by more than the topic permits): set it right"},
	{RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, ERROR_TRANSIENT, PERMISSION},
	{RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, ERROR_TRANSIENT, PERMISSION},
	{RD_KAFKA_RESP_ERR__AUTHENTICATION, ERROR_TRANSIENT, "check the SASL or TLS properties under kafka:"},
	{RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, ERROR_TRANSIENT,
	 "check the SASL or TLS properties under kafka:"},
};

int client_fail(struct error *err, rd_kafka_resp_err_t code, const char *doing, const char *words)
{
	error_set(err, ERROR_TRANSIENT, "%s: %s (%s)", doing, words && *words ? words : rd_kafka_err2str(code),
		  rd_kafka_err2name(code));
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (meanings[i].code != code)
			continue;
		err->class = meanings[i].class;
		error_hint(err, "%s", meanings[i].hint);
	}
	return -1;
}

rd_kafka_event_t *client_await(rd_kafka_queue_t *queue, const char *doing, struct error *err)
{
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ADMIN_TIMEOUT_MS);

	if (!event) {
		error_set(err, ERROR_TRANSIENT, "%s: no answer from Kafka", doing);
	} else if (rd_kafka_event_error(event)) {
		client_fail(err, rd_kafka_event_error(event), doing, rd_kafka_event_error_string(event));
		rd_kafka_event_destroy(event);
		event = NULL;
	}
	return event;
}
