/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Topics are counted, and the first of a kind is named: there may be hundreds of them. */
#include "publish/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "client.h"

#define SAFE_REPLICAS 3
#define SAFE_IN_SYNC 2
#define KAFKA_ANSWER_US (10 * USEC_PER_SEC)

/* Topics that have something in common. */
struct group {
	const char *first;
	unsigned count;
};

struct examined {
	const struct rd_kafka_metadata *metadata;
	const struct rd_kafka_metadata_topic **topics; /* of the prefix */
	size_t count;
	int replicas_most;                             /* of a topic of them */
};

static void add(struct group *group, const char *topic)
{
	if (!group->count++)
		group->first = topic;
}

/* "topic x" or "x and 3 more topics" */
static const char *shown(const struct group *group, char text[300])
{
	if (group->count == 1)
		snprintf(text, 300, "topic %s", group->first);
	else
		snprintf(text, 300, "%s and %u more topics", group->first, group->count - 1);
	return text;
}

static void find_topics(struct examined *examined, const char *prefix)
{
	const struct rd_kafka_metadata *metadata = examined->metadata;

	examined->topics = MEM_ARRAY(const struct rd_kafka_metadata_topic *, (size_t)metadata->topic_cnt + 1);
	for (int i = 0; i < metadata->topic_cnt; i++)
		if (strncmp(metadata->topics[i].topic, prefix, strlen(prefix)) == 0)
			examined->topics[examined->count++] = &metadata->topics[i];
}

static int fewest_replicas(const struct rd_kafka_metadata_topic *topic)
{
	int fewest = 0;

	for (int i = 0; i < topic->partition_cnt; i++)
		if (i == 0 || topic->partitions[i].replica_cnt < fewest)
			fewest = topic->partitions[i].replica_cnt;
	return fewest;
}

static void examine_brokers(const struct examined *examined, const char *id, const char *prefix,
			    struct findings *findings)
{
	int brokers = examined->metadata->broker_cnt;

	findings_add(findings, FINDING_OK, "K201", NULL, "cluster %s answers; %zu topics begin with %s", id, examined->count,
		     prefix);
	if (brokers < SAFE_REPLICAS)
		findings_add(findings, FINDING_WARNING, "K202", "run three brokers or more", "the cluster has %d broker%s: what"
			     " is acknowledged can be lost with a disk", brokers, brokers == 1 ? "" : "s");
	else
		findings_add(findings, FINDING_OK, "K202", NULL, "the cluster has %d brokers", brokers);
}

static void examine_replicas(struct examined *examined, struct findings *findings)
{
	struct group few = {NULL, 0};
	char text[300];

	for (size_t i = 0; i < examined->count; i++) {
		int replicas = fewest_replicas(examined->topics[i]);

		if (replicas < SAFE_REPLICAS && replicas < examined->metadata->broker_cnt)
			add(&few, examined->topics[i]->topic);
		if (replicas > examined->replicas_most)
			examined->replicas_most = replicas;
	}
	if (few.count)
		findings_add(findings, FINDING_WARNING, "K203", "kafka-reassign-partitions.sh adds replicas; set"
			     " topics.replication for topics that are still to be made", "%s: fewer than %d replicas of"
			     " what is acknowledged", shown(&few, text), SAFE_REPLICAS);
	else if (examined->count)
		findings_add(findings, FINDING_OK, "K203", NULL, "topics have %d replica%s", examined->replicas_most,
			     examined->replicas_most == 1 ? "" : "s");
}

static const char *setting(const rd_kafka_ConfigResource_t *resource, const char *name)
{
	size_t count;
	const rd_kafka_ConfigEntry_t **configs = rd_kafka_ConfigResource_configs(resource, &count);

	for (size_t i = 0; configs && i < count; i++)
		if (strcmp(rd_kafka_ConfigEntry_name(configs[i]), name) == 0)
			return rd_kafka_ConfigEntry_value(configs[i]);
	return NULL;
}

/* A setting that may not be read is not judged. */
static void examine_settings(const struct examined *examined, rd_kafka_event_t *event, struct findings *findings)
{
	struct group unsynced = {NULL, 0}, unclean = {NULL, 0};
	char text[300];
	size_t count;
	const rd_kafka_ConfigResource_t **resources =
		rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count);

	for (size_t i = 0; i < count; i++) {
		const char *name = rd_kafka_ConfigResource_name(resources[i]);
		const char *in_sync = setting(resources[i], "min.insync.replicas");
		const char *leader = setting(resources[i], "unclean.leader.election.enable");

		if (in_sync && examined->replicas_most >= SAFE_REPLICAS && atoi(in_sync) < SAFE_IN_SYNC)
			add(&unsynced, name);
		if (leader && strcmp(leader, "true") == 0)
			add(&unclean, name);
	}
	if (unsynced.count)
		findings_add(findings, FINDING_WARNING, "K204", "min.insync.replicas=2 on the topics, or on the brokers",
			     "%s: min.insync.replicas is 1, acknowledged records can be lost with one broker",
			     shown(&unsynced, text));
	if (unclean.count)
		findings_add(findings, FINDING_WARNING, "K205", "unclean.leader.election.enable=false on the topics, or on the"
			     " brokers", "%s: a broker that has missed records may become the leader, and they are lost",
			     shown(&unclean, text));
}

static int describe(const struct examined *examined, rd_kafka_t *rk, struct findings *findings, struct error *err)
{
	rd_kafka_ConfigResource_t **resources = MEM_ARRAY(rd_kafka_ConfigResource_t *, examined->count);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_event_t *event;

	for (size_t i = 0; i < examined->count; i++)
		resources[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, examined->topics[i]->topic);
	rd_kafka_DescribeConfigs(rk, resources, examined->count, NULL, queue);
	event = client_await(queue, "asking for the topics' settings", err);
	if (event) {
		examine_settings(examined, event, findings);
		rd_kafka_event_destroy(event);
	}
	rd_kafka_queue_destroy(queue);
	rd_kafka_ConfigResource_destroy_array(resources, examined->count);
	free(resources);
	return event ? 0 : -1;
}

static int examine(struct producer *producer, const char *prefix, struct findings *findings, struct error *err)
{
	rd_kafka_t *rk = producer_handle(producer);
	struct examined examined = {NULL, NULL, 0, 0};
	rd_kafka_resp_err_t code;
	const char *id;
	int result = 0;

	if (producer_cluster_id(producer, KAFKA_ANSWER_US, &id, err) < 0)
		return -1;
	code = rd_kafka_metadata(rk, 1, NULL, &examined.metadata, (int)(KAFKA_ANSWER_US / USEC_PER_MSEC));
	if (code)
		return client_fail(err, code, "asking for the topics", NULL);
	find_topics(&examined, prefix);
	examine_brokers(&examined, id, prefix, findings);
	examine_replicas(&examined, findings);
	if (examined.count)
		result = describe(&examined, rk, findings, err);
	free(examined.topics);
	rd_kafka_metadata_destroy(examined.metadata);
	return result;
}

int kafka_examine(const struct kafka_options *options, const char *prefix, struct findings *findings, struct error *err)
{
	/* Without a transactional id: looking must not fence an agent at work. */
	struct producer_options plain = {.kafka = *options};
	struct producer *producer;
	int result = producer_new(&producer, &plain, err);

	if (result < 0)
		return -1;
	result = examine(producer, prefix, findings, err);
	producer_free(producer);
	return result;
}
