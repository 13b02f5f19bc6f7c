/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Admin calls of librdkafka, each with a client of its own, waited for; what fails, fails the test. */
#include "system/broker.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_MS 20000

struct admin {
	rd_kafka_t *client;
	rd_kafka_queue_t *queue;
	char problem[300];
};

static void begin(struct admin *admin, const struct scene *scene)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	rd_kafka_conf_set(conf, "bootstrap.servers", scene->kafka_address, admin->problem, sizeof(admin->problem));
	admin->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, admin->problem, sizeof(admin->problem));
	admin->queue = rd_kafka_queue_new(admin->client);
}

/* The first error of the answer, of the whole or of its one part. */
static rd_kafka_resp_err_t outcome(rd_kafka_event_t *event)
{
	const rd_kafka_topic_result_t **topics = NULL;
	size_t count = 0;

	if (rd_kafka_event_error(event))
		return rd_kafka_event_error(event);
	if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_CREATETOPICS_RESULT)
		topics = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
	else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DELETETOPICS_RESULT)
		topics = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
	else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_CREATEPARTITIONS_RESULT)
		topics = rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event), &count);
	return count ? rd_kafka_topic_result_error(topics[0]) : RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t await(struct admin *admin)
{
	rd_kafka_event_t *event = rd_kafka_queue_poll(admin->queue, ANSWER_MS);
	rd_kafka_resp_err_t code = event ? outcome(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;

	if (event)
		rd_kafka_event_destroy(event);
	return code;
}

static void end(struct admin *admin, const char *doing, rd_kafka_resp_err_t code)
{
	rd_kafka_queue_destroy(admin->queue);
	rd_kafka_destroy(admin->client);
	if (!code)
		return;
	fprintf(stderr, "%s: %s\n", doing, rd_kafka_err2str(code));
	harness_fail(NULL, doing);
}

void broker_delete_topic(const struct scene *scene, const char *topic)
{
	rd_kafka_DeleteTopic_t *wanted = rd_kafka_DeleteTopic_new(topic);
	struct admin admin;

	begin(&admin, scene);
	rd_kafka_DeleteTopics(admin.client, &wanted, 1, NULL, admin.queue);
	rd_kafka_DeleteTopic_destroy(wanted);
	end(&admin, "deleting a topic", await(&admin));
}

/* One that was deleted a moment ago may still be in the way. */
void broker_create_topic(const struct scene *scene, const char *topic, int partitions)
{
	usec_t deadline = clock_mono() + 20 * USEC_PER_SEC;
	rd_kafka_NewTopic_t *wanted;
	rd_kafka_resp_err_t code;
	struct admin admin;

	begin(&admin, scene);
	wanted = rd_kafka_NewTopic_new(topic, partitions, 1, admin.problem, sizeof(admin.problem));
	do {
		rd_kafka_CreateTopics(admin.client, &wanted, 1, NULL, admin.queue);
		code = await(&admin);
		if (code)
			harness_nap();
	} while (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS && clock_mono() < deadline);
	rd_kafka_NewTopic_destroy(wanted);
	end(&admin, "making a topic", code);
}

void broker_raise_partitions(const struct scene *scene, const char *topic, int partitions)
{
	rd_kafka_NewPartitions_t *wanted;
	struct admin admin;

	begin(&admin, scene);
	wanted = rd_kafka_NewPartitions_new(topic, (size_t)partitions, admin.problem, sizeof(admin.problem));
	rd_kafka_CreatePartitions(admin.client, &wanted, 1, NULL, admin.queue);
	rd_kafka_NewPartitions_destroy(wanted);
	end(&admin, "adding partitions", await(&admin));
}

void broker_set(const struct scene *scene, const char *topic, const char *name, const char *value)
{
	rd_kafka_ConfigResource_t *wanted = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
	struct admin admin;

	begin(&admin, scene);
	rd_kafka_ConfigResource_set_config(wanted, name, value);
	rd_kafka_AlterConfigs(admin.client, &wanted, 1, NULL, admin.queue);
	rd_kafka_ConfigResource_destroy(wanted);
	end(&admin, "setting a topic's property", await(&admin));
}

static void allow(struct admin *admin, const char *topic, rd_kafka_AclOperation_t operation,
		  rd_kafka_AclPermissionType_t permission)
{
	rd_kafka_AclBinding_t *wanted =
		rd_kafka_AclBinding_new(RD_KAFKA_RESOURCE_TOPIC, topic, RD_KAFKA_RESOURCE_PATTERN_LITERAL, "User:*",
					"*", operation, permission, admin->problem, sizeof(admin->problem));

	rd_kafka_CreateAcls(admin->client, &wanted, 1, NULL, admin->queue);
	rd_kafka_AclBinding_destroy(wanted);
}

void broker_forbid_writes(const struct scene *scene, const char *topic)
{
	rd_kafka_resp_err_t code;
	struct admin admin;

	begin(&admin, scene);
	allow(&admin, topic, RD_KAFKA_ACL_OPERATION_ALL, RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW);
	code = await(&admin);
	allow(&admin, topic, RD_KAFKA_ACL_OPERATION_WRITE, RD_KAFKA_ACL_PERMISSION_TYPE_DENY);
	end(&admin, "forbidding writes", code ? code : await(&admin));
}

void broker_allow_writes(const struct scene *scene, const char *topic)
{
	rd_kafka_AclBindingFilter_t *all;
	struct admin admin;

	begin(&admin, scene);
	all = rd_kafka_AclBindingFilter_new(RD_KAFKA_RESOURCE_TOPIC, topic, RD_KAFKA_RESOURCE_PATTERN_LITERAL, NULL,
					    NULL, RD_KAFKA_ACL_OPERATION_ANY, RD_KAFKA_ACL_PERMISSION_TYPE_ANY,
					    admin.problem, sizeof(admin.problem));
	rd_kafka_DeleteAcls(admin.client, &all, 1, NULL, admin.queue);
	rd_kafka_AclBinding_destroy(all);
	end(&admin, "allowing writes", await(&admin));
}
