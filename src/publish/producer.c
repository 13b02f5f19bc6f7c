/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The producer over librdkafka. Everything runs on the pipeline's thread: delivery reports, errors and logs come through
 * producer_poll, so that nothing needs a lock. The reactions to transaction errors are those seen on a real broker: a timed
 * out commit is called again, anything else ends the producer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/writer.h"
#include "client.h"
#include "publish/topics.h"

#define MESSAGE_OVERHEAD_BYTES 200 /* what librdkafka spends on each queued message */
#define CHUNK_BYTES ((size_t)256 << 10)
#define CHUNKS_KEPT 40

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
	int fd;
	struct producer_metrics metrics;
	uint64_t outstanding_bytes;
	bool transactional;
	bool ending;                /* topics are gone; reports are of no interest */
	size_t message_bytes_most;
	struct lane *waiting;       /* those that hold something */
	struct slab slab;
	bool commit_resumed;  /* the last call of commit timed out */
	bool given_up;        /* messages, and the client has not said why */
	char kept_out[300];   /* what it said of a partition that was not let into a transaction */
	struct error failure; /* the first lasting one, from whatever callback */
	char *blamed_topic;   /* of the message that it is about */
	struct writer blamed_key;
	size_t blamed_bytes;
};

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
 * A user may override these, which measurements are behind. Nobody sees a message before its transaction ends, and its commit
 * does not linger: fewer and larger requests cost latency only where there are no transactions.
 */
static const char *const defaults_with_transactions[] = {"linger.ms", "20", COMMON_DEFAULTS};
static const char *const defaults_without[] = {"linger.ms", "5", COMMON_DEFAULTS};

static void blame(struct producer *producer, const char *topic, struct view key, size_t bytes)
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
	if (producer->failure.class == ERROR_NONE || (producer->failure.class == ERROR_TRANSIENT && err.class == ERROR_RECORD))
		producer->failure = err;
	if (err.class == ERROR_RECORD && message->len > producer->blamed_bytes)
		blame(producer, rd_kafka_topic_name(message->rkt), (struct view){message->key, message->key_len}, message->len);
}

/* Offsets of a partition grow, unless it was made anew under us. */
static void note_offset(struct producer *producer, struct lane *lane, int64_t offset)
{
	if (offset < 0)
		return;
	if (offset < lane->end && producer->failure.class != ERROR_STATE) {
		error_state(&producer->failure, STATE_TOPIC_CHANGED, "topic %s, partition %d: a message was given the offset %lld, "
			    "although there were %lld before: the topic was made anew", rd_kafka_topic_name(lane->rkt),
			    lane->partition, (long long)offset, (long long)lane->end);
		error_hint(&producer->failure, "restore the topic, or begin anew with a new state file, slot and prefix");
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
	if (said)
		snprintf(producer->kept_out, sizeof(producer->kept_out), "%s", said);
	log_debug(rd_kafka_name(rk), "kafka: %s: %s", facility, text);
}

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
	rd_kafka_conf_set_opaque(conf, producer);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, on_log);
	*ret = conf;
	return 0;
}

static void slab_done(struct slab *slab)
{
	for (size_t i = 0; i < slab->count; i++)
		free(slab->chunks[i]);
	free(slab->chunks);
	*slab = (struct slab){0};
}

static void slab_reset(struct slab *slab)
{
	while (slab->count > CHUNKS_KEPT)
		free(slab->chunks[--slab->count]);
	slab->current = slab->used = 0;
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
	slab_done(&producer->slab);
	wr_done(&producer->blamed_key);
	free(producer->blamed_topic);
	free(producer->cluster_id);
	free(producer->client);
	free(producer);
}

rd_kafka_t *producer_handle(struct producer *producer)
{
	return producer->rk;
}

int producer_cluster_id(struct producer *producer, usec_t timeout_us, const char **ret, struct error *err)
{
	if (!producer->cluster_id) {
		char *id = rd_kafka_clusterid(producer->rk, (int)(timeout_us / USEC_PER_MSEC));

		if (!id)
			return error_set(err, ERROR_TRANSIENT, "no Kafka broker answers");
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

	return result == 1 ? 0 : result == 0 ? error_set(err, ERROR_TRANSIENT, "Kafka cannot begin a transaction now") : -1;
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
	blame(producer, topic, key, bytes);
	error_set(err, ERROR_RECORD, "a message of %zu bytes is larger than the client's message.max.bytes", bytes);
	return error_hint(err, "raise kafka.message.max.bytes here, and max.message.bytes of the topic");
}

/* Gives a lane's messages to the client, in order. */
static int hand_over(struct producer *producer, struct lane *lane, struct error *err)
{
	int flags = producer->transactional ? 0 : RD_KAFKA_MSG_F_COPY;
	int taken = rd_kafka_produce_batch(lane->rkt, lane->partition, flags, lane->messages, (int)lane->count);
	unsigned count = lane->count;

	lane->count = 0;
	if (taken == (int)count)
		return 0;
	for (unsigned i = 0; i < count; i++)
		if (lane->messages[i].err)
			return refuse(producer, lane->messages[i].err, rd_kafka_topic_name(lane->rkt),
				      (struct view){lane->messages[i].key, lane->messages[i].key_len}, lane->messages[i].len, err);
	return error_set(err, ERROR_INTERNAL, "Kafka's client took only some messages");
}

static int hand_over_all(struct producer *producer, struct error *err)
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
		slab_reset(&producer->slab);
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
		return refuse(producer, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, topic_name(message->topic), message->key, bytes, err);
	if (!lane->waiting) {
		lane->waiting = true;
		lane->next_waiting = producer->waiting;
		producer->waiting = lane;
	}
	fill(producer, message, lane, &lane->messages[lane->count++]);
	producer->metrics.messages++;
	producer->metrics.bytes += bytes;
	producer->outstanding_bytes += bytes + MESSAGE_OVERHEAD_BYTES;
	return lane->count == LANE_MESSAGES ? hand_over(producer, lane, err) : 0;
}

int producer_flush(struct producer *producer, usec_t slice_us, struct error *err)
{
	rd_kafka_resp_err_t code;

	if (hand_over_all(producer, err) < 0)
		return -1;
	code = rd_kafka_flush(producer->rk, (int)(slice_us / USEC_PER_MSEC));
	if (producer_poll(producer, err) < 0)
		return -1;
	if (code == RD_KAFKA_RESP_ERR__TIMED_OUT)
		return 0;
	return code ? client_fail(err, code, "delivering to Kafka", NULL) : 1;
}

/*
 * A call that timed out while the broker's answer is under way leaves the client in a state in which 2.0.2 refuses the next
 * call with _STATE until the answer is there. That is "not yet", too: the caller's deadline bounds it.
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
	producer->commit_resumed = result == 0;
	if (result == 1)
		slab_reset(&producer->slab);
	producer->metrics.commits += result == 1;
	return result;
}

/*
 * When the broker does not let a partition into the transaction, the client gives up all messages that are waiting, and says
 * no more than that. A commit is not possible any more then: asking for it sends nothing, and tells why.
 */
static void ask_why(struct producer *producer)
{
	rd_kafka_error_t *error = rd_kafka_commit_transaction(producer->rk, 0);

	producer->given_up = false;
	if (error && rd_kafka_error_txn_requires_abort(error))
		client_fail(&producer->failure, rd_kafka_error_code(error), "delivering to Kafka",
			    *producer->kept_out ? producer->kept_out : rd_kafka_error_string(error));
	if (error)
		rd_kafka_error_destroy(error);
}

int producer_poll(struct producer *producer, struct error *err)
{
	uint64_t wakeups;

	if (hand_over_all(producer, err) < 0)
		return -1;
	if (read(producer->fd, &wakeups, sizeof(wakeups)) < 0)
		wakeups = 0;
	rd_kafka_poll(producer->rk, 0);
	if (producer->failure.class == ERROR_NONE)
		return 0;
	if (producer->given_up)
		ask_why(producer);
	*err = producer->failure;
	return -1;
}

bool producer_blamed(const struct producer *producer, const char **ret_topic, struct view *ret_key)
{
	*ret_topic = producer->blamed_topic;
	*ret_key = wr_view(&producer->blamed_key);
	return producer->blamed_topic != NULL;
}

int producer_fd(const struct producer *producer)
{
	return producer->fd;
}

uint64_t producer_outstanding_bytes(const struct producer *producer)
{
	return producer->outstanding_bytes;
}

uint64_t producer_outstanding(const struct producer *producer)
{
	return producer->metrics.messages - producer->metrics.delivered - producer->metrics.failed;
}

const struct producer_metrics *producer_metrics(const struct producer *producer)
{
	return &producer->metrics;
}
