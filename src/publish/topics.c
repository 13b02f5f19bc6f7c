/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Topics through librdkafka's admin calls. Nothing is made lazily: a topic that does not exist when it is first written
 * would hold up a transaction for half a minute.
 */
#include "publish/topics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "client.h"

#define VISIBLE_TIMEOUT_US (15 * USEC_PER_SEC)

struct topic {
	char *name;
	rd_kafka_topic_t *rkt;
	int32_t partitions;
	struct lane *lanes; /* one for each partition */
	int64_t told_end;   /* by topic_has_grown */
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

/* Partitions of each topic by the cluster's metadata, 0 for those that do not exist. */
static int count_partitions(struct topics *topics, const struct topic_spec *specs, size_t count, int32_t *ret,
			    struct error *err)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t code =
		rd_kafka_metadata(producer_handle(topics->producer), 1, NULL, &metadata, ADMIN_TIMEOUT_MS);

	if (code)
		return client_fail(err, code, "asking Kafka for its topics", NULL);
	for (size_t i = 0; i < count; i++) {
		ret[i] = 0;
		for (int j = 0; j < metadata->topic_cnt; j++)
			if (strcmp(metadata->topics[j].topic, specs[i].name) == 0)
				ret[i] = metadata->topics[j].partition_cnt;
	}
	rd_kafka_metadata_destroy(metadata);
	return 0;
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

static int check_created(rd_kafka_event_t *event, struct error *err)
{
	size_t count;
	const rd_kafka_topic_result_t **made =
		rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);

	for (size_t i = 0; i < count; i++) {
		rd_kafka_resp_err_t code = rd_kafka_topic_result_error(made[i]);

		if (!code || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
			continue;
		client_fail(err, code, "making a topic", rd_kafka_topic_result_error_string(made[i]));
		return error_context(err, "%s", rd_kafka_topic_result_name(made[i]));
	}
	return 0;
}

static int create_all(struct topics *topics, rd_kafka_NewTopic_t **wanted, size_t count, struct error *err)
{
	rd_kafka_t *rk = producer_handle(topics->producer);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_event_t *event;
	int result = -1;

	rd_kafka_CreateTopics(rk, wanted, count, NULL, queue);
	event = client_await(queue, "making topics", err);
	if (event) {
		result = check_created(event, err);
		rd_kafka_event_destroy(event);
	}
	rd_kafka_queue_destroy(queue);
	return result;
}

static int create_missing(struct topics *topics, const struct topic_spec *specs, size_t count,
			  const int32_t *partitions, struct error *err)
{
	rd_kafka_NewTopic_t **wanted = MEM_ARRAY(rd_kafka_NewTopic_t *, count);
	size_t missing = 0;
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++) {
		if (partitions[i])
			continue;
		wanted[missing] = new_topic(&specs[i], err);
		result = wanted[missing] ? 0 : -1;
		missing += wanted[missing] != NULL;
	}
	if (missing && result == 0)
		result = create_all(topics, wanted, missing, err);
	rd_kafka_NewTopic_destroy_array(wanted, missing);
	free(wanted);
	return result;
}

/* Topics just made take a moment to show in every broker's metadata. */
static int await_partitions(struct topics *topics, const struct topic_spec *specs, size_t count, int32_t *partitions,
			    struct error *err)
{
	usec_t deadline = clock_mono() + VISIBLE_TIMEOUT_US;

	for (;;) {
		const char *missing = NULL;

		if (count_partitions(topics, specs, count, partitions, err) < 0)
			return -1;
		for (size_t i = 0; i < count; i++)
			if (!partitions[i])
				missing = specs[i].name;
		if (!missing)
			return 0;
		if (clock_mono() > deadline)
			return error_set(err, ERROR_TRANSIENT, "topic %s was made, but does not show", missing);
		rd_kafka_poll(producer_handle(topics->producer), 20);
	}
}

static const char *find_policy(const rd_kafka_ConfigResource_t *resource)
{
	size_t count;
	const rd_kafka_ConfigEntry_t **configs = rd_kafka_ConfigResource_configs(resource, &count);

	for (size_t i = 0; configs && i < count; i++)
		if (strcmp(rd_kafka_ConfigEntry_name(configs[i]), "cleanup.policy") == 0)
			return rd_kafka_ConfigEntry_value(configs[i]);
	return NULL;
}

static int wrong_policy(const struct topic_spec *spec, const char *policy, struct error *err)
{
	error_state(err, STATE_TOPIC_CHANGED, "topic %s has cleanup.policy '%s', but must have '%s' only", spec->name,
		    policy, policy_names[spec->policy]);
	return error_hint(err, "set cleanup.policy=%s on the topic: otherwise records that are needed would vanish",
			  policy_names[spec->policy]);
}

static const struct topic_spec *find_spec(const struct topic_spec *specs, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(specs[i].name, name) == 0)
			return &specs[i];
	return NULL;
}

/* What cannot be asked for lack of a permission is taken on trust: the topic exists, and its owner set it up. */
static int check_described(rd_kafka_event_t *event, const struct topic_spec *specs, size_t count, struct error *err)
{
	size_t described;
	const rd_kafka_ConfigResource_t **resources =
		rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &described);

	for (size_t i = 0; i < described; i++) {
		const struct topic_spec *spec = find_spec(specs, count, rd_kafka_ConfigResource_name(resources[i]));
		const char *policy = find_policy(resources[i]);

		if (spec && policy && spec->policy != TOPIC_ANY && strcmp(policy, policy_names[spec->policy]) != 0)
			return wrong_policy(spec, policy, err);
	}
	return 0;
}

static int check_policies(struct topics *topics, const struct topic_spec *specs, size_t count, struct error *err)
{
	rd_kafka_t *rk = producer_handle(topics->producer);
	rd_kafka_ConfigResource_t **resources = MEM_ARRAY(rd_kafka_ConfigResource_t *, count);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_event_t *event;
	int result = -1;

	for (size_t i = 0; i < count; i++)
		resources[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, specs[i].name);
	rd_kafka_DescribeConfigs(rk, resources, count, NULL, queue);
	event = client_await(queue, "asking for the topics' settings", err);
	if (event) {
		result = check_described(event, specs, count, err);
		rd_kafka_event_destroy(event);
	}
	rd_kafka_queue_destroy(queue);
	rd_kafka_ConfigResource_destroy_array(resources, count);
	free(resources);
	return result;
}

static int check_partitions(const struct topic_spec *spec, int32_t partitions, bool must_exist, struct error *err)
{
	if (!partitions && must_exist) {
		error_state(err, STATE_TOPIC_CHANGED, "topic %s, which has been written before, is gone", spec->name);
		return error_hint(err, "restore it; what was in it is not published again by itself");
	}
	if (spec->partitions_most && partitions > spec->partitions_most)
		return error_state(err, STATE_TOPIC_CHANGED, "topic %s has %d partitions, but must have %d", spec->name,
				   partitions, spec->partitions_most);
	return 0;
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

static int make_and_check(struct topics *topics, const struct topic_spec *specs, const bool *must_exist, size_t count,
			  int32_t *partitions, struct error *err)
{
	if (count_partitions(topics, specs, count, partitions, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (check_partitions(&specs[i], partitions[i], must_exist[i], err) < 0)
			return -1;
	if (create_missing(topics, specs, count, partitions, err) < 0 ||
	    await_partitions(topics, specs, count, partitions, err) < 0)
		return -1;
	return check_policies(topics, specs, count, err);
}

int topics_open(struct topics *topics, const struct topic_spec *specs, const bool *must_exist, size_t count,
		struct topic **ret_handles, struct error *err)
{
	int32_t *partitions = MEM_ARRAY(int32_t, count);
	int result = make_and_check(topics, specs, must_exist, count, partitions, err);

	for (size_t i = 0; i < count && result == 0; i++)
		ret_handles[i] = add(topics, specs[i].name, partitions[i]);
	free(partitions);
	return result;
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

static rd_kafka_topic_partition_list_t *list_partitions(struct topic *const *handles, size_t count)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(64);

	for (size_t i = 0; i < count; i++)
		for (int32_t j = 0; j < handles[i]->partitions; j++)
			rd_kafka_topic_partition_list_add(list, handles[i]->name, j)->offset = RD_KAFKA_OFFSET_END;
	return list;
}

/* The first error of a partition. */
static rd_kafka_resp_err_t partition_error(const rd_kafka_topic_partition_list_t *list)
{
	for (int i = 0; i < list->cnt; i++)
		if (list->elems[i].err)
			return list->elems[i].err;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static bool without_leader(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION || code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
	       code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

/* One request for each broker. The partitions of a topic just made are without a leader for a moment. */
static rd_kafka_topic_partition_list_t *query_ends(struct topics *topics, struct topic *const *handles, size_t count,
						   struct error *err)
{
	usec_t deadline = clock_mono() + VISIBLE_TIMEOUT_US;

	for (;;) {
		rd_kafka_topic_partition_list_t *list = list_partitions(handles, count);
		rd_kafka_resp_err_t code =
			rd_kafka_offsets_for_times(producer_handle(topics->producer), list, ADMIN_TIMEOUT_MS);

		if (!code)
			code = partition_error(list);
		if (!code)
			return list;
		rd_kafka_topic_partition_list_destroy(list);
		if (!without_leader(code) || clock_mono() > deadline) {
			client_fail(err, code, "asking for the ends of the topics", NULL);
			return NULL;
		}
		rd_kafka_poll(producer_handle(topics->producer), 20);
	}
}

int topics_ends(struct topics *topics, struct topic *const *handles, size_t count, int64_t *ret, struct error *err)
{
	rd_kafka_topic_partition_list_t *list = query_ends(topics, handles, count, err);
	int at = 0;

	if (!list)
		return -1;
	for (size_t i = 0; i < count; i++) {
		ret[i] = 0;
		for (int32_t j = 0; j < handles[i]->partitions; j++)
			ret[i] += handles[i]->lanes[j].end = list->elems[at++].offset;
	}
	rd_kafka_topic_partition_list_destroy(list);
	return 0;
}

bool topic_has_grown(struct topic *topic, int64_t *ret_end)
{
	int64_t end = 0;

	for (int32_t i = 0; i < topic->partitions; i++)
		end += topic->lanes[i].end;
	*ret_end = end;
	if (end == topic->told_end)
		return false;
	topic->told_end = end;
	return true;
}

size_t topics_count(const struct topics *topics)
{
	return topics->count;
}

struct topic *topics_at(const struct topics *topics, size_t i)
{
	return topics->list[i];
}

int32_t partition_of_key(struct view key, int32_t partitions)
{
	if (!key.ptr || partitions == 1)
		return 0;
	return rd_kafka_msg_partitioner_murmur2(NULL, key.ptr, key.len, partitions, NULL, NULL);
}

int32_t topic_partition_of(const struct topic *topic, struct view key)
{
	return partition_of_key(key, topic->partitions);
}
