/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Named states that Kafka brings about, on a real broker: topics changed behind the agent's back are TOPIC_CHANGED, and
 * a record that is refused three times is BLOCKED, naming the row. Each stays after a restart; what its remedy says,
 * ends it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/broker.h"
#include "system/plain.h"

static struct scene scene;

static const char *topic_of(const char *name)
{
	static char topic[200];

	snprintf(topic, sizeof(topic), "%s.change.public.%s", name, name);
	return topic;
}

/* Topics changed while the agent is down, or up. */

static void repartition(const char *name)
{
	broker_raise_partitions(&scene, topic_of(name), 2);
}

static void make_anew(const char *name)
{
	broker_delete_topic(&scene, topic_of(name));
	broker_create_topic(&scene, topic_of(name), 1);
}

static void forget_old_checkpoints(const char *name)
{
	char topic[200];

	snprintf(topic, sizeof(topic), "%s.checkpoint", name);
	broker_set(&scene, topic, "cleanup.policy", "delete");
}

static const struct {
	const char *name;
	void (*change)(const char *name);
	const char *said;
} changes[] = {
	{"repartitioned", repartition, "topic repartitioned.change.public.repartitioned had 1 partitions and has 2 now"},
	{"made_anew", make_anew, "topic made_anew.change.public.made_anew ends earlier than it did: it was made anew"},
	{"checkpoints_deleted", forget_old_checkpoints,
	 "topic checkpoints_deleted.checkpoint has cleanup.policy 'delete', but must have 'compact' only"},
};

static void topics_changed(void)
{
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		struct plain plain = {.name = changes[i].name};

		plain_prepare(&plain, &scene);
		plain_stream(&plain);
		plain_work(&plain);
		agent_stop(&plain.agent);
		changes[i].change(plain.name);
		for (unsigned times = 1; times <= 2; times++) {
			agent_start(&plain.agent, NULL);
			plain_expect(&plain, STATE_TOPIC_CHANGED, changes[i].said, times, 30);
		}
		printf("%s: TOPIC_CHANGED, 18, also after a restart\n", plain.name);
	}
}

static void topic_made_anew_under_us(void)
{
	struct plain plain = {.name = "under_us"};

	plain_prepare(&plain, &scene);
	plain_stream(&plain);
	for (int i = 0; i < 5; i++)
		plain_work(&plain);
	make_anew("under_us");
	scene_sql(&scene, "UPDATE under_us SET text = 'into the new topic'");
	plain_expect(&plain, STATE_TOPIC_CHANGED, "was made anew", 1, 60);
	agent_start(&plain.agent, NULL);
	plain_expect(&plain, STATE_TOPIC_CHANGED, "was made anew", 2, 30);
	printf("a topic made anew under a running agent: TOPIC_CHANGED, also after a restart\n");
}

/* Records that are refused. */

/* Incompressible text: two bytes for each of size. */
static void insert_large(const char *name, int id, int size)
{
	scene_sql(
		&scene,
		"INSERT INTO %s SELECT %d, string_agg(md5(g::text || clock_timestamp()), '') FROM generate_series(1, %d) g",
		name, id, size / 32);
}

static void fit_client(struct plain *plain)
{
	insert_large(plain->name, 7, 600000);
	insert_large(plain->name, 8, 1040000);
}

static void fit_topic(struct plain *plain)
{
	broker_set(&scene, topic_of(plain->name), "max.message.bytes", "20000");
	scene_sql(&scene, "BEGIN; INSERT INTO %s SELECT g, 'small' FROM generate_series(2, 5) g;"
		  "INSERT INTO %s SELECT 8, string_agg(md5(g::text), '') FROM generate_series(1, 3000) g;"
		  "INSERT INTO %s SELECT g, 'small' FROM generate_series(11, 15) g; COMMIT", plain->name, plain->name, plain->name);
}

/* Each change is a batch of its own: the checkpoint stands in the middle of the transaction. */
static void fit_client_in_the_middle(struct plain *plain)
{
	scene_sql(&scene, "BEGIN; INSERT INTO %s SELECT g, 'small' FROM generate_series(2, 5) g;"
		  "INSERT INTO %s SELECT 8, string_agg(md5(g::text), '') FROM generate_series(1, 3000) g;"
		  "INSERT INTO %s SELECT g, 'small' FROM generate_series(11, 15) g; COMMIT", plain->name, plain->name, plain->name);
}

static void forbid(struct plain *plain)
{
	broker_forbid_writes(&scene, topic_of(plain->name));
	scene_sql(&scene, "INSERT INTO %s VALUES (8, 'unwanted')", plain->name);
}

static void raise_client(struct plain *plain)
{
	plain->kafka = "  message.max.bytes: 3000000\n";
	plain_configure(plain);
	broker_set(&scene, topic_of(plain->name), "max.message.bytes", "3000000");
}

static void raise_client_in_the_middle(struct plain *plain)
{
	plain->kafka = NULL;
	plain_configure(plain);
}

static void raise_topic(struct plain *plain)
{
	broker_set(&scene, topic_of(plain->name), "max.message.bytes", "1000000");
}

static void allow(struct plain *plain)
{
	broker_allow_writes(&scene, topic_of(plain->name));
}

static const struct {
	const char *name;
	void (*refuse)(struct plain *plain);
	const char *what, *why, *hint;
	void (*mend)(struct plain *plain);
	const char *kafka, *extra;  /* of the configuration */
} refusals[] = {
	{"for_the_client", fit_client,
	 "BLOCKED: table public.for_the_client, id=8, transaction at ",
	 "for topic for_the_client.change.public.for_the_client is larger than the client's message.max.bytes (1000000) (3 times, after "
	 "position ", "raise kafka.message.max.bytes", raise_client, NULL, NULL},
	{"in_the_middle", fit_client_in_the_middle,
	 "BLOCKED: table public.in_the_middle, id=8, transaction at ",
	 "is larger than the client's message.max.bytes (30000) (3 times, after position ", "raise kafka.message.max.bytes",
	 raise_client_in_the_middle, .kafka = "  message.max.bytes: 30000\n", .extra = "batch:\n  events: 1\n"},
	{"for_the_topic", fit_topic,
	 "BLOCKED: table public.for_the_topic, topic for_the_topic.change.public.for_the_topic, key {\"id\":8}: ",
	 "(MSG_SIZE_TOO_LARGE) (3 times, after position ", "raise max.message.bytes of the topic", raise_topic, NULL, NULL},
	{"forbidden", forbid,
	 "BLOCKED: delivering to Kafka: Failed to add partition \"forbidden.change.public.forbidden\" [0] to transaction: ",
	 "(TOPIC_AUTHORIZATION_FAILED) (3 times, after position ",
	 "give the agent's user the permission", allow, NULL, NULL},
};

/* Every row is in the topic once, in the end. */
static void check_published(struct plain *plain)
{
	char command[600];

	if (agent_verb(&plain->agent, "read --topic 'change.*'", "refused.jsonl") != 0)
		harness_fail(&plain->agent, "`read` failed");
	snprintf(command, sizeof(command), "test \"$(grep -c '\"op\":\"c\"' %s/refused.jsonl)\" = %s", scene.dir,
		 scene_value(&scene, "SELECT count(*) - 1 FROM %s", plain->name));
	if (system(command) != 0)
		harness_fail(&plain->agent, "not every row is published once");
}

static void show_said(const struct plain *plain)
{
	char command[400];

	snprintf(command, sizeof(command), "sed -n 's/.* BLOCKED: /  /p' %s | tail -n 1", plain->agent.log);
	fflush(stdout);
	if (system(command) != 0)
		harness_fail(&plain->agent, command);
}

static void records_refused(void)
{
	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		struct plain plain = {.name = refusals[i].name, .kafka = refusals[i].kafka, .extra = refusals[i].extra};

		plain_prepare(&plain, &scene);
		plain_stream(&plain);
		plain_work(&plain);
		refusals[i].refuse(&plain);
		for (unsigned times = 1; times <= 2; times++) {
			plain_expect(&plain, STATE_BLOCKED, refusals[i].what, times, 60);
			if (agent_logged(&plain.agent, refusals[i].why) < times ||
			    agent_logged(&plain.agent, refusals[i].hint) < times)
				harness_fail(&plain.agent, refusals[i].why);
			agent_start(&plain.agent, NULL);
		}
		agent_kill(&plain.agent);
		refusals[i].mend(&plain);
		plain_stream(&plain);
		plain_catch_up(&plain);
		agent_stop(&plain.agent);
		check_published(&plain);
		show_said(&plain);
		printf("%s: BLOCKED, 17, also after a restart; when that is mended it goes on, and nothing was skipped\n",
		       plain.name);
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} steps[] = {
	{"changed", topics_changed},
	{"under-us", topic_made_anew_under_us},
	{"refused", records_refused},
};

/* With the name of a step: only that. */
int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin_with(&scene, "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer "
				 "allow.everyone.if.no.acl.found=true");
	for (size_t i = 0; i < COUNT_OF(steps); i++)
		if (argc < 2 || strcmp(argv[1], steps[i].name) == 0)
			steps[i].run();
	scene_end(&scene);
	printf("every named state is what it says, and stays until it is mended\n");
	return 0;
}
