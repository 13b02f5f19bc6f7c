/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What the client reports: deliveries, errors and its log; the first lasting failure, and the message that it is about.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "client.h"
#include "producer_parts.h"

void report_blame(struct producer *producer, const char *topic, struct view key, size_t bytes)
{
	free(producer->blamed_topic);
	producer->blamed_topic = mem_text(view_of(topic));
	wr_clear(&producer->blamed_key);
	wr_view_bytes(&producer->blamed_key, key);
	producer->blamed_bytes = bytes;
}

/* A refusal says more than what it brings about: messages after it are given up, too. */
static void note_failure(struct producer *producer, const rd_kafka_message_t *message)
{
	struct error err;

	client_fail(&err, message->err, "delivering to Kafka", NULL);
	if (producer->failure.class == ERROR_NONE)
		producer->given_up = producer->transactional && message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE;
	if (producer->failure.class == ERROR_NONE ||
	    (producer->failure.class == ERROR_TRANSIENT && err.class == ERROR_RECORD))
		producer->failure = err;
	if (err.class == ERROR_RECORD && message->len > producer->blamed_bytes)
		report_blame(producer, rd_kafka_topic_name(message->rkt), (struct view){message->key, message->key_len},
			     message->len);
}

/* Offsets of a partition grow, unless it was made anew under us. */
static void note_offset(struct producer *producer, struct lane *lane, int64_t offset)
{
	if (offset < 0)
		return;
	if (offset < lane->end && producer->failure.class != ERROR_STATE) {
		error_state(&producer->failure, STATE_TOPIC_CHANGED,
			    "topic %s, partition %d: a message was given the offset %lld, "
			    "although there were %lld before: the topic was made anew",
			    rd_kafka_topic_name(lane->rkt), lane->partition, (long long)offset, (long long)lane->end);
		error_hint(&producer->failure, "restore the topic, or begin anew with a new state file, slot and "
					       "prefix");
	}
	lane->end = offset + 1;
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
	struct producer *producer = opaque;

	(void)rk;
	if (producer->ending)
		return;
	producer->outstanding_bytes -= message->len + message->key_len + MESSAGE_OVERHEAD_BYTES;
	if (!message->err) {
		producer->down = false;
		note_offset(producer, message->_private, message->offset);
		producer->metrics.delivered++;
		return;
	}
	producer->metrics.failed++;
	note_failure(producer, message);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
	struct producer *producer = opaque;
	char words[300];

	producer->down |= code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
	if (code != RD_KAFKA_RESP_ERR__FATAL) {
		log_debug(producer->client, "kafka: %s", reason);
		return;
	}
	code = rd_kafka_fatal_error(rk, words, sizeof(words));
	if (producer->failure.class == ERROR_NONE)
		client_fail(&producer->failure, (rd_kafka_resp_err_t)code, "the Kafka producer is at its end", words);
}

/* Which partition the broker did not let into a transaction stands nowhere else. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	struct producer *producer = rd_kafka_opaque(rk);
	const char *said = strcmp(facility, "ADDPARTS") == 0 ? strstr(text, "Failed") : NULL;

	(void)level;
	trouble_note(&producer->trouble, facility, text);
	if (said)
		snprintf(producer->kept_out, sizeof(producer->kept_out), "%s", said);
	log_debug(rd_kafka_name(rk), "kafka: %s: %s", facility, text);
}

void reports_setup(struct producer *producer, rd_kafka_conf_t *conf)
{
	rd_kafka_conf_set_opaque(conf, producer);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, on_log);
}

void reports_done(struct producer *producer)
{
	wr_done(&producer->blamed_key);
	free(producer->blamed_topic);
}

/*
 * When the broker does not let a partition into the transaction, the client gives up all messages that are waiting, and
 * says no more than that. A commit is not possible any more then: asking for it sends nothing, and tells why.
 */
void report_ask_why(struct producer *producer)
{
	rd_kafka_error_t *error = rd_kafka_commit_transaction(producer->rk, 0);

	producer->given_up = false;
	if (error && rd_kafka_error_txn_requires_abort(error))
		client_fail(&producer->failure, rd_kafka_error_code(error), "delivering to Kafka",
			    *producer->kept_out ? producer->kept_out : rd_kafka_error_string(error));
	if (error)
		rd_kafka_error_destroy(error);
}

bool producer_blamed(const struct producer *producer, const char **ret_topic, struct view *ret_key)
{
	*ret_topic = producer->blamed_topic;
	*ret_key = wr_view(&producer->blamed_key);
	return producer->blamed_topic != NULL;
}
