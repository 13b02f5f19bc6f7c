/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The producer over librdkafka. Everything runs on the pipeline's thread: delivery reports, errors and logs come
 * through producer_poll, so that nothing needs a lock. The reactions to transaction errors are those seen on a real
 * broker: a timed out commit is called again, anything else ends the producer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/memory.h"
#include "client.h"
#include "producer_parts.h"

#define CLUSTER_SLICE_MS 500 /* then it is looked whether somebody has said why nobody answers */
#define COMMON_DEFAULTS \
	"batch.size", "1000000", \
	"batch.num.messages", "50000", \
	"queue.buffering.max.messages", "10000000", \
	"queue.buffering.max.kbytes", "1048576", \
	"compression.codec", "lz4", \
	"message.timeout.ms", "0", \
	"transaction.timeout.ms", "60000", \
	"socket.nagle.disable", "true", \
	"socket.keepalive.enable", "true", \
	"reconnect.backoff.max.ms", "1000", \
	"topic.metadata.refresh.interval.ms", "60000", \
	NULL

/*
 * A user may override these, which measurements are behind. Nobody sees a message before its transaction ends, and its
 * commit does not linger: fewer and larger requests cost latency only where there are no transactions.
 */
static const char *const defaults_with_transactions[] = {"linger.ms", "20", COMMON_DEFAULTS};
static const char *const defaults_without[] = {"linger.ms", "5", COMMON_DEFAULTS};

static int configure(struct producer *producer, const struct producer_options *options, rd_kafka_conf_t **ret,
		     struct error *err)
{
	const char *const *defaults = options->transactional_id ? defaults_with_transactions : defaults_without;
	rd_kafka_conf_t *conf;

	if (client_conf(&conf, &options->kafka, defaults, err) < 0)
		return -1;
	if (client_set(conf, "enable.idempotence", "true", err) < 0 ||
	    client_set(conf, "allow.auto.create.topics", "false", err) < 0 ||
	    client_set(conf, "log.queue", "true", err) < 0 ||
	    (options->transactional_id && client_set(conf, "transactional.id", options->transactional_id, err) < 0)) {
		rd_kafka_conf_destroy(conf);
		return -1;
	}
	reports_setup(producer, conf);
	*ret = conf;
	return 0;
}

size_t producer_message_limit(const struct producer *producer)
{
	return producer->message_bytes_most;
}

static size_t message_limit(rd_kafka_t *rk)
{
	char text[32];
	size_t size = sizeof(text);

	if (rd_kafka_conf_get(rd_kafka_conf(rk), "message.max.bytes", text, &size) != RD_KAFKA_CONF_OK)
		return 1000000;
	return (size_t)strtoull(text, NULL, 10);
}

int producer_new(struct producer **ret, const struct producer_options *options, struct error *err)
{
	struct producer *producer = MEM_NEW(struct producer);
	rd_kafka_conf_t *conf;
	rd_kafka_queue_t *queue;
	char problem[300];
	static const uint64_t one = 1;

	producer->fd = -1;
	producer->client = mem_text(view_of(options->kafka.client));
	producer->servers = mem_text(view_of(client_servers(&options->kafka)));
	trouble_init(&producer->trouble);
	if (configure(producer, options, &conf, err) < 0)
		goto failed;
	producer->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, problem, sizeof(problem));
	if (!producer->rk) {
		rd_kafka_conf_destroy(conf);
		error_set(err, ERROR_INPUT, "the Kafka client cannot be made: %s", problem);
		goto failed;
	}
	producer->transactional = options->transactional_id != NULL;
	producer->message_bytes_most = message_limit(producer->rk);
	rd_kafka_set_log_queue(producer->rk, NULL);
	producer->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	queue = rd_kafka_queue_get_main(producer->rk);
	rd_kafka_queue_io_event_enable(queue, producer->fd, &one, sizeof(one));
	rd_kafka_queue_destroy(queue);
	*ret = producer;
	return 0;
failed:
	producer_free(producer);
	return -1;
}

void producer_free(struct producer *producer)
{
	if (!producer)
		return;
	producer->ending = true;
	if (producer->rk) {
		rd_kafka_purge(producer->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		rd_kafka_poll(producer->rk, 0);
		rd_kafka_destroy_flags(producer->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	}
	if (producer->fd >= 0)
		close(producer->fd);
	queue_done(producer);
	reports_done(producer);
	free(producer->cluster_id);
	free(producer->client);
	free(producer->servers);
	trouble_done(&producer->trouble);
	free(producer);
}

rd_kafka_t *producer_handle(struct producer *producer)
{
	return producer->rk;
}

/* What the client has to say of it waits to be served. */
static int no_answer(struct producer *producer, struct error *err)
{
	rd_kafka_poll(producer->rk, 0);
	return trouble_fail(&producer->trouble, producer->rk, err, producer->servers);
}

static char *await_cluster_id(struct producer *producer, usec_t deadline)
{
	char *id;

	while (!(id = rd_kafka_clusterid(producer->rk, CLUSTER_SLICE_MS))) {
		rd_kafka_poll(producer->rk, 0);
		if (clock_mono() > deadline || trouble_lasts(&producer->trouble))
			break;
	}
	return id;
}

int producer_cluster_id(struct producer *producer, usec_t timeout_us, const char **ret, struct error *err)
{
	if (!producer->cluster_id) {
		char *id = await_cluster_id(producer, clock_mono() + timeout_us);

		if (!id)
			return no_answer(producer, err);
		producer->cluster_id = mem_text(view_of(id));
		rd_kafka_mem_free(producer->rk, id);
	}
	*ret = producer->cluster_id;
	return 0;
}

/* 1 if there is no error, 0 if the call is to be repeated, -1. Takes the error. */
static int outcome(rd_kafka_error_t *error, const char *doing, bool *ret_fenced, struct error *err)
{
	rd_kafka_resp_err_t code;

	if (!error)
		return 1;
	code = rd_kafka_error_code(error);
	if (rd_kafka_error_is_retriable(error) && code != RD_KAFKA_RESP_ERR__CONFLICT) {
		rd_kafka_error_destroy(error);
		return 0;
	}
	if (ret_fenced)
		*ret_fenced = code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
			      code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
	client_fail(err, code, doing, rd_kafka_error_string(error));
	rd_kafka_error_destroy(error);
	return -1;
}

int producer_init(struct producer *producer, usec_t slice_us, struct error *err)
{
	return outcome(rd_kafka_init_transactions(producer->rk, (int)(slice_us / USEC_PER_MSEC)),
		       "initialising Kafka transactions", NULL, err);
}

int producer_begin(struct producer *producer, struct error *err)
{
	int result = outcome(rd_kafka_begin_transaction(producer->rk), "beginning a Kafka transaction", NULL, err);

	if (result == 0)
		return error_set(err, ERROR_TRANSIENT, "Kafka cannot begin a transaction now");
	return result == 1 ? 0 : -1;
}

int producer_flush(struct producer *producer, usec_t slice_us, struct error *err)
{
	rd_kafka_resp_err_t code;

	if (queue_hand_over(producer, err) < 0)
		return -1;
	code = rd_kafka_flush(producer->rk, (int)(slice_us / USEC_PER_MSEC));
	if (producer_poll(producer, err) < 0)
		return -1;
	if (code == RD_KAFKA_RESP_ERR__TIMED_OUT)
		return 0;
	return code ? client_fail(err, code, "delivering to Kafka", NULL) : 1;
}

/*
 * A call that timed out while the broker's answer is under way leaves the client in a state in which 2.0.2 refuses the
 * next call with _STATE until the answer is there. That is "not yet", too: the caller's deadline bounds it.
 */
int producer_commit(struct producer *producer, usec_t slice_us, bool *ret_fenced, struct error *err)
{
	rd_kafka_error_t *error = rd_kafka_commit_transaction(producer->rk, (int)(slice_us / USEC_PER_MSEC));
	int result;

	if (error && producer->commit_resumed && rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__STATE) {
		rd_kafka_error_destroy(error);
		rd_kafka_poll(producer->rk, 1);
		return 0;
	}
	result = outcome(error, "committing to Kafka", ret_fenced, err);
	if (result == 1 && producer->commit_resumed)
		return error_set(err, ERROR_TRANSIENT, "a commit to Kafka took long, and what the client says of it is to be checked");
	producer->commit_resumed = result == 0;
	if (result == 1)
		queue_reset(producer);
	producer->metrics.commits += result == 1;
	return result;
}

int producer_poll(struct producer *producer, struct error *err)
{
	uint64_t wakeups;

	if (queue_is_due(producer) && queue_hand_over(producer, err) < 0)
		return -1;
	if (read(producer->fd, &wakeups, sizeof(wakeups)) < 0)
		wakeups = 0;
	rd_kafka_poll(producer->rk, 0);
	if (producer->failure.class == ERROR_NONE)
		return 0;
	if (producer->given_up)
		report_ask_why(producer);
	*err = producer->failure;
	return -1;
}

bool producer_down(const struct producer *producer)
{
	return producer->down;
}

bool producer_probe(struct producer *producer, usec_t slice_us)
{
	const struct rd_kafka_metadata *metadata;

	if (rd_kafka_metadata(producer->rk, 0, NULL, &metadata, (int)(slice_us / USEC_PER_MSEC)) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return false;
	rd_kafka_metadata_destroy(metadata);
	producer->down = false;
	return true;
}

int producer_fd(const struct producer *producer)
{
	return producer->fd;
}

const struct producer_metrics *producer_metrics(const struct producer *producer)
{
	return &producer->metrics;
}
