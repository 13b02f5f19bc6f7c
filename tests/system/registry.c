/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A schema registry (Apicurio) beside the agent: schemas stand there before their first record, a registry that is
 * away holds up nothing but a schema that is new, and what it refuses is a named state that loses nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "harness/output.h"
#include "system/plain.h"

/* So often a text stands in the records of the table that the agent has published by now. */
static unsigned published(const struct plain *plain, const char *text)
{
	char line[200];

	snprintf(line, sizeof(line), "read --topic 'change.public.%s'", plain->name);
	return agent_ask(&plain->agent, line) == EXIT_DONE ? agent_said(text) : 0;
}

static void expect_published(const struct plain *plain, const char *text, unsigned times)
{
	unsigned found = published(plain, text);

	if (found == times)
		return;
	fprintf(stderr, "%s is published %u times, expected %u:\n%s\n", text, found, times, agent_output);
	harness_fail(&plain->agent, text);
}

/* What an administrator of the registry says to it. */
static void tell_registry(const struct scene *scene, const char *method, const char *path, const char *body)
{
	char command[1000];
	int port = 0;

	sscanf(scene->registry_url, "http://127.0.0.1:%d/", &port);
	snprintf(command, sizeof(command), "exec 3<>/dev/tcp/127.0.0.1/%d && printf '%s /apis/ccompat/v7%s HTTP/1.1\\r\\nHost: localhost\\r\\n"
		 "Connection: close\\r\\nContent-Type: application/json\\r\\nContent-Length: %zu\\r\\n\\r\\n%%s' '%s' >&3 && "
		 "timeout 20 head -n 1 <&3 | grep -q ' 200 '", port, method, path, strlen(body), body);
	if (setenv("COMMAND", command, 1) < 0 || system("bash -c \"$COMMAND\"") != 0)
		harness_fail(NULL, "the registry does not do what it is told");
}

static char with_registry[400];

static struct plain *plain_with_registry(struct plain *plain, struct scene *scene, const char *more)
{
	snprintf(with_registry, sizeof(with_registry), "registry:\n  url: %s\n  timeout: 1s\n%s", scene->registry_url,
		 more);
	plain->extra = with_registry;
	plain_prepare(plain, scene);
	return plain;
}

/* Snapshot and stream, keys and values. */
static void schemas_are_registered_and_read_back(struct plain *plain)
{
	if (agent_ask(&plain->agent, "check --connect") != EXIT_DONE || !strstr(agent_output, ", compatibility BACKWARD"))
		harness_fail(&plain->agent, "check does not find the registry");
	plain_stream(plain);
	plain_work(plain);
	expect_published(plain, "\"key\":{\"id\":1}", 2);
	expect_published(plain, "\"text\":\"one.\"", 1);
	WAIT_UNTIL(agent_metric(&plain->agent, "registry_requests") > 0, 30, &plain->agent);
	if (agent_ask(&plain->agent, "read --topic schemas") == EXIT_DONE)
		harness_fail(&plain->agent, "with a registry there is no topic of schemas");
}

static void without_the_registry_known_schemas_stream_on(struct plain *plain)
{
	struct scene *scene = plain->agent.scene;

	scene_server(scene, "pause", "registry", NULL);
	plain_work(plain);
	agent_kill(&plain->agent);
	plain_stream(plain);
	plain_work(plain);
	agent_stop(&plain->agent);
	scene_server(scene, "resume", "registry", NULL);
	expect_published(plain, "\"after\":{\"id\":1,\"text\":\"one...\"}", 1);
}

/* Longer than the source would wait for a sign of life; what was committed before is published meanwhile. */
static void a_new_schema_waits_for_the_registry(struct plain *plain)
{
	struct scene *scene = plain->agent.scene;
	unsigned begun;

	scene_sql(scene, "ALTER SYSTEM SET wal_sender_timeout = '2s'");
	scene_sql(scene, "SELECT pg_reload_conf()");
	plain_stream(plain);
	begun = agent_logged(&plain->agent, "streaming from");
	scene_server(scene, "pause", "registry", NULL);
	scene_sql(scene, "BEGIN; INSERT INTO note VALUES (2, 'before'); ALTER TABLE note ADD COLUMN amount int;"
		  "INSERT INTO note VALUES (3, 'behind', 3); COMMIT");
	WAIT_UNTIL(agent_logged(&plain->agent, "waiting with the schema of subject note.change.public.note-value") == 1, 30,
		   &plain->agent);
	scene_sql(scene, "SELECT pg_sleep(5)");
	if (agent_logged(&plain->agent, "connecting again") || agent_logged(&plain->agent, "streaming from") != begun)
		harness_fail(&plain->agent, "the source was not served while the registry was waited for");
	scene_server(scene, "resume", "registry", NULL);
	expect_published(plain, "\"text\":\"before\"", 1);
	plain_catch_up(plain);
	expect_published(plain, "\"text\":\"before\"", 1);
	expect_published(plain, "\"text\":\"behind\",\"amount\":3", 1);
}

static void it_can_be_stopped_while_it_waits(struct plain *plain)
{
	struct scene *scene = plain->agent.scene;

	scene_server(scene, "pause", "registry", NULL);
	scene_sql(scene, "ALTER TABLE note ADD COLUMN more text; INSERT INTO note VALUES (4, 'four', 4, 'more')");
	WAIT_UNTIL(agent_logged(&plain->agent, "waiting with the schema of subject") == 2, 30, &plain->agent);
	agent_stop(&plain->agent);
	scene_server(scene, "resume", "registry", NULL);
	plain_stream(plain);
	plain_catch_up(plain);
	expect_published(plain, "\"more\":\"more\"", 1);
}

/* The registry does not say which column it is; the agent does. Nothing is lost or doubled when it is let through. */
static void a_refused_schema_is_a_named_state(struct plain *plain)
{
	struct scene *scene = plain->agent.scene;

	scene_sql(scene, "INSERT INTO note VALUES (5, 'five', 5, 'more');"
		  "ALTER TABLE note ALTER COLUMN amount TYPE text; INSERT INTO note VALUES (6, 'six', 'six', 'more')");
	plain_expect(plain, STATE_SCHEMA_REFUSED,
		     "subject note.change.public.note-value: before.amount was int and is string: the schema registry", 1, 30);
	agent_start(&plain->agent, NULL);
	plain_expect(plain, STATE_SCHEMA_REFUSED, "before.amount was int and is string", 2, 30);
	expect_published(plain, "\"text\":\"five\"", 1);
	expect_published(plain, "\"text\":\"six\"", 0);
	tell_registry(scene, "PUT", "/config", "{\"compatibility\":\"NONE\"}");
	plain_stream(plain);
	plain_catch_up(plain);
	agent_stop(&plain->agent);
	expect_published(plain, "\"text\":\"five\"", 1);
	expect_published(plain, "\"text\":\"six\",\"amount\":\"six\"", 1);
	tell_registry(scene, "PUT", "/config", "{\"compatibility\":\"BACKWARD\"}");
}

static void schemas_that_may_not_be_registered_must_be_there(struct scene *scene)
{
	struct plain plain = {.name = "locked"};

	agent_start(&plain_with_registry(&plain, scene, "  auto_register: false\n")->agent, NULL);
	plain_expect(&plain, STATE_SCHEMA_REFUSED, "registry.auto_register is false", 1, 30);
	/* Somebody else does it: here an agent that may. */
	snprintf(with_registry, sizeof(with_registry), "registry:\n  url: %s\n", scene->registry_url);
	plain_configure(&plain);
	plain_stream(&plain);
	plain_work(&plain);
	agent_stop(&plain.agent);
	scene_sql(scene, "ALTER TABLE locked ADD COLUMN amount int");
	snprintf(with_registry, sizeof(with_registry), "registry:\n  url: %s\n  auto_register: false\n",
		 scene->registry_url);
	plain_configure(&plain);
	plain_stream(&plain);
	scene_sql(scene, "INSERT INTO locked VALUES (2, 'two', 2)");
	plain_expect(&plain, STATE_SCHEMA_REFUSED, "does not have our schema of subject locked.change.public.locked-value", 1, 30);
}

static void records_can_be_subjects(struct scene *scene)
{
	struct plain plain = {.name = "records"};

	plain_stream(plain_with_registry(&plain, scene, "  subjects: record\n"));
	plain_work(&plain);
	expect_published(&plain, "\"text\":\"one.\"", 1);
	agent_stop(&plain.agent);
	tell_registry(scene, "GET", "/subjects/records.change.public.records.Envelope/versions", "");
	tell_registry(scene, "GET", "/subjects/records.change.public.records.Key/versions", "");
}

/* Before a migration: what the registry has, what it would take, and what it would refuse. Nothing is registered. */
static void schemas_are_shown_and_checked(struct scene *scene)
{
	struct plain plain = {.name = "shown"};

	plain_with_registry(&plain, scene, "");
	agent_expect(&plain.agent, "schema --topic change.public.shown --check", EXIT_DONE,
		    "shown.change.public.shown\n  key    avro, shown.change.public.shown.Key, subject shown.change.public.shown-key, "
		    "not registered, compatible\n");
	plain_stream(&plain);
	plain_work(&plain);
	agent_stop(&plain.agent);
	agent_expect(&plain.agent, "schema --topic change.public.shown", EXIT_DONE,
		    "  value  avro, shown.change.public.shown.Envelope, subject shown.change.public.shown-value, registered: id ");
	scene_sql(scene, "ALTER TABLE shown ADD COLUMN amount int");
	agent_expect(&plain.agent, "schema --topic change.public.shown --check", EXIT_DONE, "shown-value, not registered, compatible\n");
	scene_sql(scene, "ALTER TABLE shown ALTER COLUMN text TYPE int USING 1");
	agent_expect(&plain.agent, "schema --topic change.public.shown --check", EXIT_FAILED, "not registered, INCOMPATIBLE: before.text was string and is int");
	agent_expect(&plain.agent, "schema --topic change.public.shown --check --json", EXIT_FAILED, "\"compatible\":false,\"reasons\":\"before.text was");
}

/* Types that several schemas have are subjects of their own. Nothing else is different: outages, refusals, what is read. */
static void shared_types_are_registered_once(struct scene *scene)
{
	static const char *const subjects[] = {"io.debezium.connector.postgresql.Source", "event.block"};
	struct plain plain = {.name = "shared"};
	char path[200];

	plain_with_registry(&plain, scene, "  references: true\n");
	agent_expect(&plain.agent, "schema --topic change.public.shared --check", EXIT_DONE, "shared-value, not registered, compatible\n");
	plain_stream(&plain);
	plain_work(&plain);
	for (size_t i = 0; i < COUNT_OF(subjects); i++) {
		snprintf(path, sizeof(path), "/subjects/%s/versions/1", subjects[i]);
		tell_registry(scene, "GET", path, "");
	}
	agent_expect(&plain.agent, "schema --topic change.public.shared --text", EXIT_DONE, "shared-value, registered: id ");
	scene_server(scene, "pause", "registry", NULL);
	scene_sql(scene, "ALTER TABLE shared ADD COLUMN amount int; INSERT INTO shared VALUES (2, 'two', 2)");
	WAIT_UNTIL(agent_logged(&plain.agent, "waiting with the schema of subject shared.change.public.shared-value") == 1, 30, &plain.agent);
	agent_kill(&plain.agent);
	plain_stream(&plain);
	scene_server(scene, "resume", "registry", NULL);
	plain_catch_up(&plain);
	expect_published(&plain, "\"text\":\"two\",\"amount\":2", 1);
	scene_sql(scene, "ALTER TABLE shared ALTER COLUMN amount TYPE text; INSERT INTO shared VALUES (3, 'three', 'three')");
	plain_expect(&plain, STATE_SCHEMA_REFUSED,
		     "subject shared.change.public.shared-value: before.amount was int and is string: the schema registry", 1, 30);
	agent_expect(&plain.agent, "schema --topic change.public.shared --check", EXIT_FAILED, "INCOMPATIBLE: before.amount was int and is string");
	expect_published(&plain, "\"text\":\"three\"", 0);
}

static void what_is_no_registry_is_told(struct scene *scene)
{
	struct plain plain = {.name = "nowhere"};

	plain_with_registry(&plain, scene, "");
	*strstr(with_registry, "/ccompat") = '\n';
	snprintf(strstr(with_registry, "/apis\n"), 40, "/nothing\n");
	plain_configure(&plain);
	agent_start(&plain.agent, NULL);
	if (WEXITSTATUS(agent_wait(&plain.agent, 30 * USEC_PER_SEC)) != EXIT_USAGE ||
	    agent_logged(&plain.agent, "there is no schema registry at") != 1)
		harness_fail(&plain.agent, "a wrong address is the user's mistake");
}

int main(void)
{
	struct scene scene = {0};
	struct plain note = {.name = "note"};

	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	scene_add_registry(&scene);
	schemas_are_registered_and_read_back(plain_with_registry(&note, &scene, ""));
	without_the_registry_known_schemas_stream_on(&note);
	a_new_schema_waits_for_the_registry(&note);
	it_can_be_stopped_while_it_waits(&note);
	a_refused_schema_is_a_named_state(&note);
	schemas_that_may_not_be_registered_must_be_there(&scene);
	records_can_be_subjects(&scene);
	schemas_are_shown_and_checked(&scene);
	shared_types_are_registered_once(&scene);
	what_is_no_registry_is_told(&scene);
	scene_end(&scene);
	printf("the registry has every schema before its first record\n");
	return 0;
}
