/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Reading with a consumer that belongs to no group: partitions are assigned by hand, nothing is committed. */
#include "publish/reader.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/memory.h"
#include "client.h"

#define ANSWER_MS 30000
#define BROKER_US (10 * USEC_PER_SEC) /* how long a broker is waited for ... */
#define BROKER_SLICE_MS 2000          /* ... looking so often whether that is still wanted */

struct topic_reader {
	rd_kafka_t *rk;
	const atomic_bool *stop;
	char *servers;                /* as configured, for messages */
	struct client_trouble trouble;
	rd_kafka_message_t *message;  /* the present one */
	size_t partitions;            /* assigned ... */
	size_t at_end;                /* ... and of those read to the end they had at assignment */
	int64_t *ends;                /* by index in the assignment; -1: reached */
	rd_kafka_topic_partition_list_t *assignment;
};

static const char *const defaults[] = {
	"group.id", "tailwater-reader",
	"fetch.wait.max.ms", "50",
	"socket.nagle.disable", "true",
	"reconnect.backoff.max.ms", "1000",
	NULL,
};

/* Properties that only a producer knows are for the other client of the same configuration. */
static bool producer_only(const char *name)
{
	static const char *const names[] = {"linger.ms", "acks", "compression.codec", "compression.type", "batch.size",
		"batch.num.messages", "queue.buffering.max.messages", "queue.buffering.max.kbytes",
		"transaction.timeout.ms", "message.timeout.ms", "delivery.timeout.ms", "partitioner",
		"compression.level"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static int configure(const struct kafka_options *options, rd_kafka_conf_t **ret, struct error *err)
{
	struct kafka_property *kept = MEM_ARRAY(struct kafka_property, options->property_count);
	struct kafka_options own = {.client = options->client, .properties = kept};
	int result;

	for (size_t i = 0; i < options->property_count; i++)
		if (!producer_only(options->properties[i].name))
			kept[own.property_count++] = options->properties[i];
	result = client_conf(ret, &own, defaults, err);
	free(kept);
	if (result < 0)
		return -1;
	if (client_set(*ret, "isolation.level", "read_committed", err) < 0 ||
	    client_set(*ret, "enable.partition.eof", "true", err) < 0 ||
	    client_set(*ret, "enable.auto.commit", "false", err) < 0 ||
	    client_set(*ret, "auto.offset.reset", "earliest", err) < 0) {
		rd_kafka_conf_destroy(*ret);
		return -1;
	}
	return 0;
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
	(void)opaque;
	(void)code;
	log_debug(rd_kafka_name(rk), "kafka: %s", reason);
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	struct client_trouble *trouble = rd_kafka_opaque(rk);

	(void)level;
	trouble_note(trouble, facility, text);
	log_debug(rd_kafka_name(rk), "kafka: %s: %s", facility, text);
}

int topic_reader_new(struct topic_reader **ret, const struct kafka_options *options, struct error *err)
{
	struct topic_reader *reader;
	rd_kafka_conf_t *conf;
	char problem[300];
	rd_kafka_t *rk;

	if (configure(options, &conf, err) < 0)
		return -1;
	reader = MEM_NEW(struct topic_reader);
	trouble_init(&reader->trouble);
	rd_kafka_conf_set_opaque(conf, &reader->trouble);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, on_log);
	rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, problem, sizeof(problem));
	if (!rk) {
		rd_kafka_conf_destroy(conf);
		trouble_done(&reader->trouble);
		free(reader);
		return error_set(err, ERROR_INPUT, "the Kafka client cannot be made: %s", problem);
	}
	rd_kafka_poll_set_consumer(rk);
	reader->rk = rk;
	reader->stop = options->stop;
	reader->servers = mem_text(view_of(client_servers(options)));
	*ret = reader;
	return 0;
}

static void drop_message(struct topic_reader *reader)
{
	if (reader->message)
		rd_kafka_message_destroy(reader->message);
	reader->message = NULL;
}

static void drop_assignment(struct topic_reader *reader)
{
	if (reader->assignment)
		rd_kafka_topic_partition_list_destroy(reader->assignment);
	reader->assignment = NULL;
	free(reader->ends);
	reader->ends = NULL;
}

void topic_reader_free(struct topic_reader *reader)
{
	if (!reader)
		return;
	drop_message(reader);
	drop_assignment(reader);
	rd_kafka_consumer_close(reader->rk);
	rd_kafka_destroy(reader->rk);
	trouble_done(&reader->trouble);
	free(reader->servers);
	free(reader);
}

static void nap(void)
{
	struct timespec time = {.tv_nsec = 100 * 1000 * 1000};

	nanosleep(&time, NULL);
}

static bool unanswered(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT ||
	       code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
}

static int load_metadata(struct topic_reader *reader, const struct rd_kafka_metadata **ret, struct error *err)
{
	usec_t deadline = clock_mono() + BROKER_US;
	rd_kafka_resp_err_t code;

	while (unanswered(code = rd_kafka_metadata(reader->rk, 1, NULL, ret, BROKER_SLICE_MS)) && clock_mono() < deadline && !trouble_lasts(&reader->trouble) &&
	       !(reader->stop && atomic_load_explicit(reader->stop, memory_order_relaxed)))
		nap();
	if (!unanswered(code))
		return code ? client_fail(err, code, "asking Kafka for its topics", NULL) : 0;
	return trouble_fail(&reader->trouble, reader->rk, err, reader->servers);
}

int topic_reader_list(struct topic_reader *reader, const char *prefix, char ***ret, size_t *ret_count,
		      struct error *err)
{
	const struct rd_kafka_metadata *metadata;
	size_t bytes = 0, count = 0;
	char *text;

	if (load_metadata(reader, &metadata, err) < 0)
		return -1;
	for (int i = 0; i < metadata->topic_cnt; i++)
		bytes += strlen(metadata->topics[i].topic) + 1 + sizeof(char *);
	*ret = mem_new(1, bytes);
	text = (char *)(*ret + metadata->topic_cnt);
	for (int i = 0; i < metadata->topic_cnt; i++) {
		if (strncmp(metadata->topics[i].topic, prefix, strlen(prefix)) != 0)
			continue;
		(*ret)[count++] = text;
		text = stpcpy(text, metadata->topics[i].topic) + 1;
	}
	*ret_count = count;
	rd_kafka_metadata_destroy(metadata);
	return 0;
}

static int add_partitions(const struct rd_kafka_metadata *metadata, const char *topic,
			  rd_kafka_topic_partition_list_t *list, struct error *err)
{
	for (int i = 0; i < metadata->topic_cnt; i++) {
		if (strcmp(metadata->topics[i].topic, topic) != 0)
			continue;
		for (int j = 0; j < metadata->topics[i].partition_cnt; j++)
			rd_kafka_topic_partition_list_add(list, topic, metadata->topics[i].partitions[j].id);
		return 0;
	}
	return error_set(err, ERROR_INPUT, "there is no topic %s", topic);
}

/* After a start of a broker, or while a partition moves, its leader is not known for a moment. */
static bool worth_waiting(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION || code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
}

static int find_by_time(struct topic_reader *reader, usec_t time, struct error *err)
{
	usec_t deadline = clock_mono() + ANSWER_MS * USEC_PER_MSEC;
	rd_kafka_resp_err_t code;

	for (int i = 0; i < reader->assignment->cnt; i++)
		reader->assignment->elems[i].offset = time / USEC_PER_MSEC;
	while (worth_waiting(code = rd_kafka_offsets_for_times(reader->rk, reader->assignment, ANSWER_MS)) &&
	       clock_mono() < deadline)
		nap();
	return code ? client_fail(err, code, "looking a time up", NULL) : 0;
}

static rd_kafka_resp_err_t ask_ends(struct topic_reader *reader, const rd_kafka_topic_partition_t *partition,
				    int64_t *low, int64_t *high)
{
	usec_t deadline = clock_mono() + ANSWER_MS * USEC_PER_MSEC;
	rd_kafka_resp_err_t code;

	while (worth_waiting(code = rd_kafka_query_watermark_offsets(reader->rk, partition->topic, partition->partition,
								     low, high, ANSWER_MS)) &&
	       clock_mono() < deadline)
		nap();
	return code;
}

/*
 * Absolute offsets: asking for the watermarks first is twenty times faster than letting the client find the beginning.
 */
static int locate(struct topic_reader *reader, enum read_from from, struct error *err)
{
	for (int i = 0; i < reader->assignment->cnt; i++) {
		rd_kafka_topic_partition_t *partition = &reader->assignment->elems[i];
		int64_t low, high;
		rd_kafka_resp_err_t code = ask_ends(reader, partition, &low, &high);

		if (code)
			return client_fail(err, code, "asking for the ends of a topic", NULL);
		if (from == READ_BEGINNING)
			partition->offset = low;
		else if (from == READ_END || partition->offset < 0)
			partition->offset = high;
		reader->ends[i] = partition->offset >= high ? -1 : high;
		reader->at_end += reader->ends[i] < 0;
	}
	return 0;
}

int topic_reader_assign(struct topic_reader *reader, const char *const *topics, size_t count, enum read_from from,
			usec_t time, struct error *err)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t code;
	int result = 0;

	drop_assignment(reader);
	reader->assignment = rd_kafka_topic_partition_list_new(8);
	if (load_metadata(reader, &metadata, err) < 0)
		return -1;
	for (size_t i = 0; i < count && result == 0; i++)
		result = add_partitions(metadata, topics[i], reader->assignment, err);
	rd_kafka_metadata_destroy(metadata);
	if (result < 0)
		return -1;
	reader->partitions = (size_t)reader->assignment->cnt;
	reader->ends = MEM_ARRAY(int64_t, reader->partitions);
	reader->at_end = 0;
	if ((from == READ_TIME && find_by_time(reader, time, err) < 0) || locate(reader, from, err) < 0)
		return -1;
	code = rd_kafka_assign(reader->rk, reader->assignment);
	return code ? client_fail(err, code, "reading topics", NULL) : 0;
}

static void note_offset(struct topic_reader *reader, const rd_kafka_message_t *message, int64_t next)
{
	const char *topic = rd_kafka_topic_name(message->rkt);

	for (int i = 0; i < reader->assignment->cnt; i++) {
		const rd_kafka_topic_partition_t *partition = &reader->assignment->elems[i];

		if (partition->partition != message->partition || strcmp(partition->topic, topic) != 0)
			continue;
		if (reader->ends[i] >= 0 && next >= reader->ends[i]) {
			reader->ends[i] = -1;
			reader->at_end++;
		}
		return;
	}
}

static void fill(const rd_kafka_message_t *message, struct reader_record *ret)
{
	rd_kafka_timestamp_type_t type;

	*ret = (struct reader_record){
		.topic = rd_kafka_topic_name(message->rkt),
		.partition = message->partition,
		.offset = message->offset,
		.timestamp = rd_kafka_message_timestamp(message, &type) * USEC_PER_MSEC,
		.key = {message->key, message->key_len},
		.value = {message->payload, message->len},
	};
}

/* A server that is away comes back; and a group is looked for by the client, which belongs to none. */
static bool passing(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
	       code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
}

int topic_reader_next(struct topic_reader *reader, usec_t timeout_us, struct reader_record *ret, bool *ret_at_end,
		      struct error *err)
{
	rd_kafka_message_t *message;
	int got = 0;

	drop_message(reader);
	message = reader->message = rd_kafka_consumer_poll(reader->rk, (int)(timeout_us / USEC_PER_MSEC));
	if (message && !message->err) {
		note_offset(reader, message, message->offset + 1);
		fill(message, ret);
		got = 1;
	} else if (message && message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
		/* The end may hold transaction markers, which are no messages. */
		note_offset(reader, message, INT64_MAX);
	} else if (message && !passing(message->err)) {
		return client_fail(err, message->err, "reading topics", rd_kafka_message_errstr(message));
	}
	*ret_at_end = reader->at_end == reader->partitions;
	return got;
}
