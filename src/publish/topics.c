/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Topics through librdkafka's admin calls. Nothing is made lazily: a topic that does not exist when it is first written would
 * hold up a transaction for half a minute.
 */
#include "publish/topics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "client.h"

#define ADMIN_TIMEOUT_MS 30000
#define VISIBLE_TIMEOUT_US (15 * USEC_PER_SEC)

struct topic {
	char *name;
	rd_kafka_topic_t *rkt;
	int32_t partitions;
	struct lane *lanes; /* one for each partition */
};

struct topics {
	struct producer *producer; /* borrowed */
	struct topic **list;
	size_t count;
};

struct topics *topics_new(struct producer *producer)
{
	struct topics *topics = MEM_NEW(struct topics);

	topics->producer = producer;
	return topics;
}

static void topic_free(struct topic *topic)
{
	for (int32_t i = 0; i < topic->partitions; i++)
		free(topic->lanes[i].messages);
	free(topic->lanes);
	rd_kafka_topic_destroy(topic->rkt);
	free(topic->name);
	free(topic);
}

void topics_free(struct topics *topics)
{
	if (!topics)
		return;
	for (size_t i = 0; i < topics->count; i++)
		topic_free(topics->list[i]);
	free(topics->list);
	free(topics);
}

/* What the metadata says of one topic: its partitions, 0 if it does not exist, -1. */
static int32_t count_partitions(struct topics *topics, const char *name, struct error *err)
{
	rd_kafka_t *rk = producer_handle(topics->producer);
	rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, name, NULL);
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t code;
	int32_t count = 0;

	if (!rkt)
		return error_set(err, ERROR_INPUT, "'%s' is no name for a topic", name);
	code = rd_kafka_metadata(rk, 0, rkt, &metadata, ADMIN_TIMEOUT_MS);
	rd_kafka_topic_destroy(rkt);
	if (code)
		return client_fail(err, code, "asking Kafka for its topics", NULL);
	code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	if (!code)
		count = metadata->topics[0].partition_cnt;
	rd_kafka_metadata_destroy(metadata);
	if (code && code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
		return client_fail(err, code, name, NULL);
	return count;
}

static const char *const policy_names[] = {
	[TOPIC_COMPACT] = "compact",
	[TOPIC_DELETE] = "delete",
	[TOPIC_ANY] = "delete",
};

static rd_kafka_NewTopic_t *new_topic(const struct topic_spec *spec, struct error *err)
{
	char problem[300], retention[24];
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(spec->name, spec->partitions,
							   spec->replication ? spec->replication : -1, problem,
							   sizeof(problem));

	if (!topic) {
		error_set(err, ERROR_INPUT, "topic '%s' cannot be made: %s", spec->name, problem);
		return NULL;
	}
	rd_kafka_NewTopic_set_config(topic, "cleanup.policy", policy_names[spec->policy]);
	if (spec->policy != TOPIC_COMPACT) {
		snprintf(retention, sizeof(retention), "%" PRId64, spec->retention_ms);
		rd_kafka_NewTopic_set_config(topic, "retention.ms", retention);
	}
	return topic;
}

/* The results of an admin call with one item; the event is destroyed by the caller. */
static rd_kafka_event_t *await(rd_kafka_queue_t *queue, const char *doing, struct error *err)
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

static int created(rd_kafka_event_t *event, const struct topic_spec *spec, struct error *err)
{
	const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
	size_t count;
	const rd_kafka_topic_result_t **topics = rd_kafka_CreateTopics_result_topics(result, &count);
	rd_kafka_resp_err_t code = rd_kafka_topic_result_error(topics[0]);

	if (!code || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
		return 0;
	client_fail(err, code, "making a topic", rd_kafka_topic_result_error_string(topics[0]));
	return error_context(err, "%s", spec->name);
}

static int create(struct topics *topics, const struct topic_spec *spec, struct error *err)
{
	rd_kafka_t *rk = producer_handle(topics->producer);
	rd_kafka_NewTopic_t *topic = new_topic(spec, err);
	rd_kafka_queue_t *queue;
	rd_kafka_event_t *event;
	int result = -1;

	if (!topic)
		return -1;
	queue = rd_kafka_queue_new(rk);
	rd_kafka_CreateTopics(rk, &topic, 1, NULL, queue);
	event = await(queue, "making a topic", err);
	if (event) {
		result = created(event, spec, err);
		rd_kafka_event_destroy(event);
	}
	rd_kafka_queue_destroy(queue);
	rd_kafka_NewTopic_destroy(topic);
	return result;
}

/* A topic just made takes a moment to show in every broker's metadata. */
static int32_t await_partitions(struct topics *topics, const char *name, struct error *err)
{
	usec_t deadline = clock_mono() + VISIBLE_TIMEOUT_US;
	int32_t count;

	while ((count = count_partitions(topics, name, err)) == 0 && clock_mono() < deadline)
		rd_kafka_poll(producer_handle(topics->producer), 20);
	return count ? count : error_set(err, ERROR_TRANSIENT, "topic %s was made, but does not show", name);
}

static const char *find_policy(rd_kafka_event_t *event)
{
	size_t count, entries;
	const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result(event);
	const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(result, &count);
	const rd_kafka_ConfigEntry_t **configs =
		count ? rd_kafka_ConfigResource_configs(resources[0], &entries) : NULL;

	for (size_t i = 0; configs && i < entries; i++)
		if (strcmp(rd_kafka_ConfigEntry_name(configs[i]), "cleanup.policy") == 0)
			return rd_kafka_ConfigEntry_value(configs[i]);
	return NULL;
}

static int wrong_policy(const struct topic_spec *spec, const char *policy, struct error *err)
{
	error_state(err, STATE_TOPIC_CHANGED, "topic %s has cleanup.policy '%s', but must have '%s' only", spec->name, policy,
		    policy_names[spec->policy]);
	return error_hint(err, "set cleanup.policy=%s on the topic: otherwise records that are needed would vanish",
			  policy_names[spec->policy]);
}

/* What cannot be asked for lack of a permission is taken on trust: the topic exists, and its owner set it up. */
static int check_policy(struct topics *topics, const struct topic_spec *spec, struct error *err)
{
	rd_kafka_t *rk = producer_handle(topics->producer);
	rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, spec->name);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_event_t *event;
	int result = 0;

	rd_kafka_DescribeConfigs(rk, &resource, 1, NULL, queue);
	event = await(queue, "asking for a topic's settings", err);
	if (event) {
		const char *policy = find_policy(event);

		if (policy && spec->policy != TOPIC_ANY && strcmp(policy, policy_names[spec->policy]) != 0)
			result = wrong_policy(spec, policy, err);
		rd_kafka_event_destroy(event);
	} else {
		result = -1;
	}
	rd_kafka_queue_destroy(queue);
	rd_kafka_ConfigResource_destroy(resource);
	return result;
}

static int check_existing(struct topics *topics, const struct topic_spec *spec, int32_t partitions, struct error *err)
{
	if (spec->partitions_most && partitions > spec->partitions_most)
		return error_state(err, STATE_TOPIC_CHANGED, "topic %s has %d partitions, but must have %d", spec->name,
				   partitions, spec->partitions_most);
	return check_policy(topics, spec, err);
}

static struct topic *add(struct topics *topics, const char *name, int32_t partitions)
{
	struct topic *topic = MEM_NEW(struct topic);

	topic->name = mem_text(view_of(name));
	topic->partitions = partitions;
	topic->rkt = rd_kafka_topic_new(producer_handle(topics->producer), name, NULL);
	topic->lanes = MEM_ARRAY(struct lane, (size_t)partitions);
	for (int32_t i = 0; i < partitions; i++)
		topic->lanes[i] = (struct lane){.rkt = topic->rkt, .partition = i};
	topics->list = mem_resize(topics->list, topics->count + 1, sizeof(struct topic *));
	topics->list[topics->count++] = topic;
	return topic;
}

static int open_one(struct topics *topics, const struct topic_spec *spec, bool must_exist, struct topic **ret,
		    struct error *err)
{
	int32_t partitions = count_partitions(topics, spec->name, err);

	if (partitions < 0)
		return -1;
	if (partitions == 0 && must_exist) {
		error_state(err, STATE_TOPIC_CHANGED, "topic %s, which has been written before, is gone", spec->name);
		return error_hint(err, "restore it; what was in it is not published again by itself");
	}
	if (partitions == 0) {
		if (create(topics, spec, err) < 0)
			return -1;
		partitions = await_partitions(topics, spec->name, err);
		if (partitions < 0)
			return -1;
	} else if (check_existing(topics, spec, partitions, err) < 0) {
		return -1;
	}
	*ret = add(topics, spec->name, partitions);
	return 0;
}

int topics_open(struct topics *topics, const struct topic_spec *specs, const bool *must_exist, size_t count,
		struct topic **ret_handles, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (open_one(topics, &specs[i], must_exist[i], &ret_handles[i], err) < 0)
			return -1;
	return 0;
}

rd_kafka_topic_t *topic_handle(const struct topic *topic)
{
	return topic->rkt;
}

struct lane *topic_lane(const struct topic *topic, int32_t partition)
{
	struct lane *lane = &topic->lanes[partition];

	if (!lane->messages)
		lane->messages = MEM_ARRAY(rd_kafka_message_t, LANE_MESSAGES);
	return lane;
}

const char *topic_name(const struct topic *topic)
{
	return topic->name;
}

int32_t topic_partitions(const struct topic *topic)
{
	return topic->partitions;
}

/* The partitions of a topic just made are without a leader for a moment. */
static int end_of_partition(struct topics *topics, const struct topic *topic, int32_t partition, int64_t *ret,
			    struct error *err)
{
	usec_t deadline = clock_mono() + VISIBLE_TIMEOUT_US;
	rd_kafka_resp_err_t code;
	int64_t low;

	while ((code = rd_kafka_query_watermark_offsets(producer_handle(topics->producer), topic->name, partition, &low,
							ret, ADMIN_TIMEOUT_MS)) && clock_mono() < deadline) {
		if (code != RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION && code != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE &&
		    code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
			break;
		rd_kafka_poll(producer_handle(topics->producer), 20);
	}
	return code ? client_fail(err, code, "asking for the end of a topic", NULL) : 0;
}

int topic_end_offset(struct topics *topics, const struct topic *topic, int64_t *ret, struct error *err)
{
	int64_t sum = 0, end;

	for (int32_t i = 0; i < topic->partitions; i++) {
		if (end_of_partition(topics, topic, i, &end, err) < 0)
			return -1;
		sum += end;
	}
	*ret = sum;
	return 0;
}

int32_t topic_partition_of(const struct topic *topic, struct view key)
{
	if (!key.ptr || topic->partitions == 1)
		return 0;
	return rd_kafka_msg_partitioner_murmur2(topic->rkt, key.ptr, key.len, topic->partitions, NULL, NULL);
}
