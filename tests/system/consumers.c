/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The demo firm's business, published with a schema registry and read by stock libraries of another language: every
 * record of every topic, decoded with what the registry says, is what `tailwater read` prints of it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/trial.h"

static char output[65536];

/* Two agents on one database, each with its prefix and its form of records. */
struct publication {
	const char *prefix;
	const char *form;      /* lines of the configuration */
	bool registry;
	struct agent agent;
};

static struct publication publications[] = {
	{.prefix = "tw", .registry = true},
	{.prefix = "tr", .registry = true, .form = "  references: true\n"},
	{.prefix = "tf", .registry = true, .form = "format: {envelope: flat}\n"},
	{.prefix = "ts", .registry = true, .form = "format: {key: json_schema, value: json_schema}\n"},
	{.prefix = "tj", .form = "format: {key: json, value: json}\n"},
	{.prefix = "tp", .registry = true, .form = "format: {key: protobuf, value: protobuf}\n"},
	{.prefix = "tc", .form = "format: {key: json_connect, value: json_connect}\n"},
};

/* Runs the reader; its output is kept. */
static void read_all(struct publication *publication, const char *python)
{
	struct agent *agent = &publication->agent;
	const struct scene *scene = agent->scene;
	char command[2000];
	FILE *pipe;

	if (agent_verb(agent, "read --from beginning", "published.jsonl") != 0)
		harness_fail(agent, "`read` failed");
	snprintf(command, sizeof(command), "%s %s/tests/consumers/read_all.py %s %s %s %s/published.jsonl 2>&1",
		 python, scene->source,
		 scene->kafka_address, publication->registry ? scene->registry_url : "json", publication->prefix,
			 scene->dir);
	pipe = popen(command, "r");
	output[fread(output, 1, sizeof(output) - 1, pipe)] = '\0';
	if (pclose(pipe) == 0)
		return;
	fprintf(stderr, "%s\n", output);
	harness_fail(agent, "the consumer reads something else");
}

/* Of each kind of topic there was something to read. */
static void expect_topics(const struct publication *publication)
{
	static const char *const topics[] = {
		"change.public.", "entity.Invoice ", "entity.Payment ", "event.InvoicePosted ", "event.TimeApproved ",
			"exception ",
		"transaction ",
	};
	char name[100];

	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		snprintf(name, sizeof(name), "%s.%s", publication->prefix, topics[i]);
		if (!strstr(output, name))
			harness_fail(&publication->agent, name);
	}
}

/* The interpreter of a virtual environment with the libraries, made once; skips the test if it cannot be had. */
static void find_python(struct scene *scene, char *python, size_t size)
{
	char command[600];
	FILE *pipe;

	snprintf(command, sizeof(command), "%s/contrib/servers fetch consumer", scene->source);
	pipe = popen(command, "r");
	python[fread(python, 1, size - 1, pipe)] = '\0';
	python[strcspn(python, "\n")] = '\0';
	if (pclose(pipe) == 0)
		return;
	scene_end(scene);
	printf("skipped: no Python libraries for a consumer\n");
	exit(77);
}

/* Each has a slot of its own. */
static void configure(struct publication *publication, struct scene *scene)
{
	const char *prefix = publication->prefix, *url = publication->registry ? scene->registry_url : "";
	char extra[600], command[600];

	snprintf(extra, sizeof(extra), "  transactions: all\n%s%s%s%stables:\n  include: [public.*]\n"
		 "  exclude: [public.psa_*, public.account_audit, public.numbering, public.session_log]\n",
		 *url ? "registry:\n  url: " : "", url, *url ? "\n" : "", publication->form ? publication->form : "");
	agent_init(&publication->agent, scene, prefix, extra);
	snprintf(command, sizeof(command), "sed -i 's/slot: tailwater/slot: tailwater_%s/; s/prefix: tw/prefix: %s/' %s", prefix, prefix,
		 publication->agent.config);
	if (system(command) != 0)
		harness_fail(NULL, command);
}

static void begin(struct publication *publication, struct scene *scene)
{
	configure(publication, scene);
	agent_start(&publication->agent, NULL);
	WAIT_UNTIL(agent_logged(&publication->agent, "streaming from") > 0, 120, &publication->agent);
}

static bool all_confirmed(struct scene *scene, const char *position)
{
	return strcmp(scene_value(scene, "SELECT bool_and(confirmed_flush_lsn >= '%s') FROM pg_replication_slots",
				  position), "t") == 0;
}

static void do_business(struct scene *scene)
{
	char end[100];

	for (unsigned day = 0; day < 15; day++)
		trial_call(scene, "work_day()");
	trial_call(scene, "work_small(20)");
	snprintf(end, sizeof(end), "%s", scene_value(scene, "SELECT pg_current_wal_lsn()"));
	WAIT_UNTIL(all_confirmed(scene, end), 120, &publications[0].agent);
}

#define COUNT (sizeof(publications) / sizeof(publications[0]))

int main(void)
{
	static struct scene scene;
	char python[400];

	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	scene_add_registry(&scene);
	find_python(&scene, python, sizeof(python));
	trial_database(&scene);
	for (size_t i = 0; i < COUNT; i++)
		begin(&publications[i], &scene);
	do_business(&scene);
	for (size_t i = 0; i < COUNT; i++) {
		agent_stop(&publications[i].agent);
		read_all(&publications[i], python);
		expect_topics(&publications[i]);
		printf("%s", output);
	}
	scene_end(&scene);
	printf("every record is the same to a stock consumer\n");
	return 0;
}
