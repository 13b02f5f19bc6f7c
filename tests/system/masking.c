/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Canaries: every masked column of the demo database and of two tables with other methods gets a value that says who it
 * is. They go through snapshot, stream, deletes, changes of keys, records that cannot be published, documents that do
 * not validate, and a crash; and then none of them stands in the state file, in the broker's files (which are not
 * compressed here), in the log, in what the pages and verbs say, nor in a core file. What is not masked is there.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "system/plain.h"

static struct scene scene;
static struct plain plain = {
	.name = "masked",
	.include = "[public.vault, public.member, public.employee, public.employee_rate, public.partner_contact, public.timesheet_line]",
	.kafka = "  compression.codec: none\n  message.max.bytes: 60000\n",
};
static char extra[2000];

/* Numbers that mark a rate or a PIN: no other value has such digits. */
#define RATE "31415.9265"
#define PIN "2718281828"

static void run(const char *command)
{
	if (system(command) != 0)
		harness_fail(&plain.agent, command);
}

static void write_key(void)
{
	char command[400];

	snprintf(command, sizeof(command), "umask 077; printf 'a masking key of thirty-two or more characters' >%s/masking.key",
		 scene.dir);
	run(command);
}

static void make_tables(void)
{
	scene_sql_file(&scene, "contrib/demo/schema.sql");
	scene_sql_file(&scene, "contrib/demo/generator.sql");
	scene_sql(&scene, "CALL psa.setup(1, 1)");
	scene_sql(&scene,
		  "CREATE TABLE vault (id int PRIMARY KEY, iban text, card text, born date, pin bigint, photo bytea, long text, "
		  "shown text, odd numeric(10,2));"
		  "ALTER TABLE vault ALTER long SET STORAGE EXTERNAL;"
		  "CREATE TABLE member (email text PRIMARY KEY, phone text);"
		  "CREATE PUBLICATION masked FOR ALL TABLES");
}

/* The same canaries everywhere: what is masked by token stays equal. */
static void plant(const char *when)
{
	scene_sql(&scene,
		  "UPDATE employee SET email = 'canary-employee-%s-' || id || '@example.net';"
		  "UPDATE partner_contact SET email = 'canary-contact-%s@example.net', phone = 'canary-phone-%s-4711';"
		  "UPDATE employee_rate SET cost_rate = " RATE "; UPDATE timesheet_line SET cost_rate = " RATE, when, when, when);
	scene_sql(&scene,
		  "INSERT INTO vault SELECT coalesce(max(id), 0) + 1, 'canary-iban-%s-7947', 'canary-card-%s', '1971-03-19', " PIN ", "
		  "'canary-photo-%s', repeat('canary-long-%s', 500), 'shown-%s', 1 FROM vault;"
		  "INSERT INTO member VALUES ('canary-member-%s@example.net', 'canary-phone-%s-4711')", when, when, when, when, when, when,
		  when);
}

static void configure(unsigned port)
{
	snprintf(extra, sizeof(extra),
		 "mapping:\n  pack: %s/contrib/mappings/demo\n  schemas: %s/schemas\non_bad_record: exception\nsnapshot:\n  part_rows: 100\nhttp:\n  listen: 127.0.0.1:%u\n"
		 "masking:\n  key: ${file:%s/masking.key}\n  columns:\n    public.vault.iban: account\n    vault.card: encrypt\n"
		 "    vault.born: birth\n    vault.pin: token\n    vault.photo: drop\n    \"*.vault.long\": encrypt\n    member.email: email\n"
		 "    member.phone: phone\n", scene.source, scene.source, port, scene.dir);
	plain.extra = extra;
	agent_init(&plain.agent, &scene, plain.name, "");
	plain_configure(&plain);
}

/* Where a core file would be put by most kernels: the folder in which the agent runs. */
static void allow_core_files(void)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};

	if (getrlimit(RLIMIT_CORE, &all) == 0) {
		all.rlim_cur = all.rlim_max;
		setrlimit(RLIMIT_CORE, &all);
	}
}

/* Updates with and without the large values, other keys, deletes, a value without a form, records that are too large. */
static void work(void)
{
	plant("stream");
	scene_sql(&scene,
		  "UPDATE vault SET shown = 'shown-again'; UPDATE vault SET id = id + 100 WHERE id = 1;"
		  "ALTER TABLE vault REPLICA IDENTITY FULL; UPDATE vault SET card = 'canary-card-full'; DELETE FROM vault WHERE id = 101;"
		  "UPDATE member SET email = 'canary-member-moved@example.net' WHERE email LIKE '%%snapshot%%'; DELETE FROM member;"
		  "UPDATE vault SET odd = 'NaN'; UPDATE vault SET odd = 1, shown = repeat('shown', 20000);"
		  "UPDATE employee SET hours_per_day = 7.25; UPDATE timesheet_line SET note = note || '.';"
		  "INSERT INTO vault (id, card) VALUES (200, 'canary-card-last'); TRUNCATE vault");
	/* A document that is too large is parked, with the images of its rows. */
	scene_sql(&scene, "UPDATE partner SET attributes = jsonb_build_object('segment', repeat('z', 70000)) WHERE id = 1;"
		  "UPDATE partner_contact SET email = 'canary-parked@example.net'");
	plain_catch_up(&plain);
}

/* Tables that are read in parts while changes are streamed: where a part begins is told by a key, which is masked. */
static void read_again(void)
{
	scene_sql(&scene, "INSERT INTO member SELECT 'canary-many-' || g || '@example.net', 'canary-phone-4711' FROM generate_series(1, 500) g;"
		  "ALTER TABLE employee ALTER number TYPE varchar(20); UPDATE employee SET email = email");
	plain_catch_up(&plain);
	if (agent_verb(&plain.agent, "snapshot --table public.member", "snapshot.out") != 0)
		harness_fail(&plain.agent, "snapshot");
	WAIT_UNTIL(agent_logged(&plain.agent, "of table public.member is published: 500 rows") > 0, 30, &plain.agent);
	WAIT_UNTIL(agent_logged(&plain.agent, "table public.employee is loaded") > 0, 30, &plain.agent);
	scene_sql(&scene, "DELETE FROM member");
	plain_catch_up(&plain);
}

static void crash_and_go_on(void)
{
	int status;

	kill(plain.agent.pid, SIGABRT);
	status = agent_wait(&plain.agent, 30 * USEC_PER_SEC);
	if (!WIFSIGNALED(status) || WCOREDUMP(status))
		harness_fail(&plain.agent, "a core file was written, or the agent does not die of SIGABRT");
	plain_stream(&plain);
	scene_sql(&scene, "UPDATE employee SET email = 'canary-after@example.net'");
	plain_catch_up(&plain);
}

/* What the agent has not been told of yet, looked at beside it. */
static void look_by_tail(void)
{
	scene_sql(&scene, "UPDATE employee SET email = 'canary-tail-' || id || '@example.net';"
		  "INSERT INTO vault (id, iban, card) VALUES (300, 'canary-iban-tail', 'canary-card-tail')");
	if (agent_verb(&plain.agent, "tail --from slot --no-follow", "tail.out") != 0 ||
	    agent_verb(&plain.agent, "tail --from slot --no-follow --json", "tail.json") != 0)
		harness_fail(&plain.agent, "tail");
}

static void fetch_page(unsigned port, const char *page, const char *file)
{
	char command[500];

	snprintf(command, sizeof(command),
		 "bash -c 'exec 3<>/dev/tcp/127.0.0.1/%u; printf \"GET %s HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n\" >&3; "
		 "cat <&3' >%s/%s", port, page, scene.dir, file);
	run(command);
}

static void ask_everything(unsigned port)
{
	static const struct {
		const char *verb, *output;
	} verbs[] = {
		{"read --from beginning --topic masked.*", "topics.jsonl"},
		{"status", "status.out"},
		{"status --json", "status.json"},
		{"exceptions list --json", "exceptions.jsonl"},
		{"map test --key Resource/1", "document.json"},
		{"check --connect", "check.out"},
	};

	fetch_page(port, "/metrics", "metrics.page");
	fetch_page(port, "/api/status", "status.page");
	fetch_page(port, "/api/config", "config.page");
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		if (agent_verb(&plain.agent, verbs[i].verb, verbs[i].output) != 0)
			harness_fail(&plain.agent, verbs[i].verb);
}

/* How many files below the folder have the text, be it in binary ones. */
static int files_with(const char *text, const char *where)
{
	char command[700];
	FILE *pipe;
	int count = -1;

	snprintf(command, sizeof(command),
		 "cd %s && sync; grep -r -a -l -i -e '%s' %s | tee -a found | wc -l", scene.dir, text, where);
	pipe = popen(command, "r");
	if (fscanf(pipe, "%d", &count) != 1 || pclose(pipe) != 0)
		harness_fail(&plain.agent, command);
	return count;
}

/* Everything but the database itself and what the test tells it. */
#define OURS "--exclude-dir=postgresql --exclude=found --exclude=statement.sql ."

static void search(void)
{
	static const char *const canaries[] = {
		"canary", "1971-03-19", PIN, RATE, "masking key of thirty", "Y2FuYXJ5" /* "canary" in Base64 */,
	};

	for (size_t i = 0; i < COUNT_OF(canaries); i++)
		if (files_with(canaries[i], "--exclude=masking.key " OURS) != 0)
			harness_fail(&plain.agent, canaries[i]);
	if (files_with("canary-employee", "postgresql") == 0 || files_with("shown-again", "kafka") == 0 ||
	    files_with("shown-again", "topics.jsonl") == 0 || files_with("tok_", "tail.out tail.json") != 2 ||
	    files_with("\\*\\*\\*\\*tail", "tail.out tail.json") != 2)
		harness_fail(&plain.agent, "the search finds nothing at all");
	printf("no canary was found\n");
}

/* What must be there in their place. */
static void check_masks(void)
{
	static const struct {
		const char *sql, *why;
	} checks[] = {
		{"SELECT count(*) > 0 AND bool_and(value#>>'{after,iban}' = '****7947' AND value#>'{after,born}' = 'null' AND "
		 "value#>'{after,photo}' = 'null' AND value#>>'{after,card}' ~ '^enc_[0-9a-f]{8}_[A-Za-z0-9_-]{50,}$' AND "
		 "value#>>'{after,pin}' ~ '^tok_[0-9a-f]{8}_[A-Za-z0-9_-]{22}$') FROM record WHERE topic = 'masked.change.public.vault' AND "
		 "value->>'op' IN ('r', 'c') AND value#>>'{after,shown}' IS NOT NULL", "the vault's columns are not masked as they should be"},
		{"SELECT count(DISTINCT key->>'email') = 503 AND bool_and(key->>'email' ~ '^tok_') FROM record "
		 "WHERE topic = 'masked.change.public.member'", "a masked key is no key any more"},
		{"SELECT count(*) > 0 AND bool_and(value#>>'{document,email}' ~ '^tok_' AND value#>'{document,costRate}' = 'null' AND "
		 "value#>'{header,quality}' ? 'masked') FROM record WHERE topic = 'masked.entity.Resource'", "a resource is not masked"},
		{"SELECT count(*) > 0 AND bool_and(value#>>'{document,email}' IN (SELECT value#>>'{after,email}' FROM record "
		 "WHERE topic = 'masked.change.public.employee')) FROM record WHERE topic = 'masked.entity.Resource'",
		 "the token of a document is not that of its row"},
		{"SELECT count(*) > 0 AND bool_and(c->>'phone' = '****4711') FROM record r, jsonb_array_elements(r.value#>'{document,contacts}') c "
		 "WHERE topic = 'masked.entity.Customer' AND c->>'phone' IS NOT NULL AND r.value#>>'{header,operation}' = 'UPDATE'",
		 "a telephone number does not show its end"},
		{"SELECT count(*) > 1 FROM record WHERE topic = 'masked.exception'", "there was no exception"},
	};

	scene_load_lines(&scene, "line", "topics.jsonl");
	scene_sql(&scene, "CREATE VIEW record AS SELECT line->>'topic' AS topic, line->'key' AS key, line->'value' AS value FROM line");
	for (size_t i = 0; i < COUNT_OF(checks); i++)
		if (strcmp(scene_value(&scene, "%s", checks[i].sql), "t") != 0) {
			fprintf(stderr, "%s\n", checks[i].sql);
			harness_fail(&plain.agent, checks[i].why);
		}
	printf("masked as they should be\n");
}

/* Who has the key reads again what was encrypted; from a record, by the verb. */
static void unmask(void)
{
	char verb[400];

	snprintf(verb, sizeof(verb), "unmask %s",
		 scene_value(&scene, "SELECT value#>>'{after,card}' FROM record WHERE topic = 'masked.change.public.vault' AND "
			     "value->>'op' = 'r' LIMIT 1"));
	if (agent_verb(&plain.agent, verb, "unmasked.out") != 0 || files_with("^canary-card-snapshot$", "unmasked.out") != 1 ||
	    agent_verb(&plain.agent, "unmask tok_12345678_AAAA", "none.out") != EXIT_USAGE)
		harness_fail(&plain.agent, "an encrypted value is not read again");
	printf("read again with the key\n");
}

static void refuse_without_key(void)
{
	char *key = strstr(extra, "  key:"), rest[1500];

	snprintf(rest, sizeof(rest), "%s", strchr(key, '\n') + 1);
	strcpy(key, rest);
	plain_configure(&plain);
	if (agent_verb(&plain.agent, "check --connect", "refused.out") != EXIT_USAGE || files_with("there is no masking.key", "refused.out") != 1)
		harness_fail(&plain.agent, "tokens without a key are not refused");
}

int main(void)
{
	unsigned port = 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	setenv("TAILWATER_DEBUG", "1", 1);
	scene_begin(&scene);
	write_key();
	make_tables();
	plant("snapshot");
	port = harness_free_port();
	configure(port);
	allow_core_files();
	plain_stream(&plain);
	work();
	read_again();
	crash_and_go_on();
	ask_everything(port);
	agent_stop(&plain.agent);
	look_by_tail();
	search();
	check_masks();
	unmask();
	refuse_without_key();
	scene_end(&scene);
	return 0;
}
