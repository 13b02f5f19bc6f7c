/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Configurations of librdkafka. */
#include "client.h"

#include <stdio.h>
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

/* Trouble ------------------------------------------------------------------------------------- */

void trouble_init(struct client_trouble *trouble)
{
	pthread_mutex_init(&trouble->lock, NULL);
	trouble->text[0] = '\0';
}

void trouble_done(struct client_trouble *trouble)
{
	pthread_mutex_destroy(&trouble->lock);
}

/*
 * "[thrd:ssl://host:1/bootstrap]: ssl://host:1/bootstrap: SSL handshake failed: error:0A00:SSL routines::why (after 3ms in
 * state SSL_HANDSHAKE)": what stands between is wanted.
 */
void trouble_note(struct client_trouble *trouble, const char *facility, const char *text)
{
	const char *at = strstr(text, "]: "), *code, *end;

	if (strcmp(facility, "FAIL") != 0)
		return;
	at = at ? at + 3 : text;
	if (strstr(at, ": ") && strstr(at, "://"))
		at = strstr(at, ": ") + 2;
	code = strstr(at, " routines::");
	if (code)
		at = code + strlen(" routines::");
	end = strstr(at, " (after ");
	pthread_mutex_lock(&trouble->lock);
	snprintf(trouble->text, sizeof(trouble->text), "%.*s", end ? (int)(end - at) : 250, at);
	pthread_mutex_unlock(&trouble->lock);
}

bool trouble_lasts(struct client_trouble *trouble)
{
	static const char *const words[] = {"SASL", "SSL", "certificate", "security.protocol"};
	bool lasts = false;

	pthread_mutex_lock(&trouble->lock);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		lasts |= strstr(trouble->text, words[i]) != NULL;
	pthread_mutex_unlock(&trouble->lock);
	return lasts;
}

/* Kafka 4.0 insists on what the client got wrong before 2.6.1 (librdkafka 4895). */
static bool cannot_scram(const rd_kafka_t *rk)
{
	char mechanism[64] = "";
	size_t size = sizeof(mechanism);

	return rd_kafka_version() < 0x020601ff && rd_kafka_conf_get(rd_kafka_conf((rd_kafka_t *)rk), "sasl.mechanisms", mechanism, &size) == RD_KAFKA_CONF_OK &&
	       strncmp(mechanism, "SCRAM", 5) == 0;
}

static int hint(const rd_kafka_t *rk, const char *text, struct error *err)
{
	if (strstr(text, "SASL") && cannot_scram(rk))
		return error_hint(err, "check kafka.sasl.username and kafka.sasl.password; but librdkafka %s cannot log in by SCRAM at Kafka 4.0 "
				       "or later at all, which takes 2.6.1: use PLAIN over TLS or a certificate until then", rd_kafka_version_str());
	if (strstr(text, "SASL"))
		return error_hint(err, "check kafka.sasl.username, kafka.sasl.password and kafka.sasl.mechanisms");
	if (strstr(text, "security.protocol"))
		return error_hint(err, "correct kafka.security.protocol");
	if (strstr(text, "certificate") || strstr(text, "SSL"))
		return error_hint(err, "`tailwater doctor` says what is wrong with the certificates");
	return error_hint(err, "start it, or correct kafka.bootstrap.servers, or kafka.security.protocol");
}

int trouble_fail(struct client_trouble *trouble, const rd_kafka_t *rk, struct error *err, const char *servers)
{
	char text[300];

	pthread_mutex_lock(&trouble->lock);
	snprintf(text, sizeof(text), "%s", trouble->text);
	pthread_mutex_unlock(&trouble->lock);
	error_set(err, ERROR_TRANSIENT, "no Kafka broker answers at %s%s%s", servers, *text ? ": " : "", text);
	return hint(rk, text, err);
}

const char *client_servers(const struct kafka_options *options)
{
	for (size_t i = 0; i < options->property_count; i++)
		if (strcmp(options->properties[i].name, "bootstrap.servers") == 0)
			return options->properties[i].value;
	return "";
}
