/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What a running agent can be asked for on its control socket: documents that are held back are evaluated again, once,
 * also when the agent is killed in it. And the socket itself: whose it is, and what becomes of one that a dead agent left.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/output.h"
#include "system/site.h"

static struct scene scene;
static struct site site;

/* The pack ------------------------------------------------------------------------------------ */

/* An entry needs the person of a reference table, whose changes evaluate nothing again. */
static void prepare(void)
{
	site_init(&site, &scene, "ctl");
	site_write(&site, "TimeEntry.yaml",
		   "entity: TimeEntry\nroot: ctl\nreference: [person]\n"
		   "document: |\n"
		   "  SELECT t.id AS \"sourceKeys.id\", (SELECT ref('Resource', p.id) FROM person p WHERE p.id = t.person) AS resource,\n"
		   "         t.day AS workDate, 1 AS \"quantity.value\", 'HUR' AS \"quantity.unit\",\n"
		   "         CASE t.state WHEN 'A' THEN 'APPROVED' ELSE 'SUBMITTED' END AS approvalStatus\n"
		   "    FROM ctl t WHERE t.id = :id\n"
		   "required: [resource, workDate, quantity]\n"
		   "events:\n  TimeApproved:\n    class: OPERATIONAL\n"
		   "    when: new.approvalStatus = 'APPROVED' AND old.approvalStatus IS NOT 'APPROVED'\n");
	scene_sql(&scene, "CREATE TABLE person (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY, n int);"
		  "CREATE TABLE ctl (id int PRIMARY KEY, day date, state text, person int, text text);"
		  "INSERT INTO ctl VALUES (1, '2026-03-01', 'S', 1); INSERT INTO other VALUES (1, 0);"
		  "CREATE PUBLICATION ctl FOR TABLE ctl, person, other");
	site.plain.include = "[public.ctl, public.other]";
	site_configure(&site, "batch:\n  events: 20\n");
}

/* What was published -------------------------------------------------------------------------- */

static void expect_rows(const char *query, const char *value)
{
	site_expect(&site, query, value);
}

static void expect(const char *line, int code, const char *said)
{
	agent_expect(&site.plain.agent, line, code, said);
}

/* The socket ---------------------------------------------------------------------------------- */

static struct sockaddr_un address(void)
{
	struct sockaddr_un own = {.sun_family = AF_UNIX};

	snprintf(own.sun_path, sizeof(own.sun_path), "%.80s/ctl.state.control", scene.dir);
	return own;
}

static int post(const char *path, const char *body)
{
	struct sockaddr_un own = address();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), code = 0;
	char text[1000];
	size_t len = 0;
	ssize_t got;

	snprintf(text, sizeof(text), "POST %s HTTP/1.0\r\nContent-Length: %zu\r\n\r\n%s", path, strlen(body), body);
	if (connect(fd, (struct sockaddr *)&own, sizeof(own)) == 0 &&
	    send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text))
		while (len + 1 < sizeof(agent_output) && (got = recv(fd, agent_output + len, sizeof(agent_output) - 1 - len, 0)) > 0)
			len += (size_t)got;
	close(fd);
	agent_output[len] = '\0';
	return sscanf(agent_output, "HTTP/1.1 %d", &code) == 1 ? code : 0;
}

static void requests_are_checked(void)
{
	static const struct {
		const char *path, *body;
		int code;
		const char *said;
	} posts[] = {
		{"/control/exceptions-retry", "{\"all\":true}", 200, "{\"job\":3,\"documents\":2}\n"},
		{"/control/exceptions-retry", "{\"all\": false, \"entity\": null}", 400, "say which: an entity, an entity and a key, or all\n"},
		{"/control/exceptions-retry", "{}", 400, "say which"},
		{"/control/exceptions-retry", "", 400, "say which"},
		{"/control/exceptions-retry", "{\"all\":\"yes\"}", 400, "'all' is true or false\n"},
		{"/control/exceptions-retry", "{\"entity\":[\"a\"]}", 400, "'entity' is one value\n"},
		{"/control/exceptions-retry", "{\"what\":1}", 400, "'exceptions-retry' has no member 'what'\n"},
		{"/control/exceptions-retry", "[1]", 400, "the body of a request is a JSON object\n"},
		{"/control/exceptions-retry", "{\"entity\":", 400, "the body is no JSON: request:2:"},
		{"/control/exceptions-retry", "{\"entity\":\"Invoice\"}", 400, "the mapping has no entity 'Invoice'\n"},
		{"/control/nothing", "{}", 404, "there is no request 'nothing'\n"},
		{"/healthz", "{}", 405, "only GET and HEAD\n"},
	};

	for (size_t i = 0; i < COUNT_OF(posts); i++) {
		if (post(posts[i].path, posts[i].body) == posts[i].code && strstr(agent_output, posts[i].said))
			continue;
		fprintf(stderr, "%s %s, expected %d and '%s':\n%s\n", posts[i].path, posts[i].body, posts[i].code, posts[i].said, agent_output);
		harness_fail(&site.plain.agent, posts[i].path);
	}
	printf("requests are checked: %zu\n", COUNT_OF(posts));
}

/* The state file is another's, so it is the socket that tells. */
static void only_one_listens(void)
{
	struct sockaddr_un own = address();
	struct plain second = {.name = "second"};
	char line[300];
	struct stat file;

	if (stat(own.sun_path, &file) < 0 || (file.st_mode & 0777) != 0600)
		harness_fail(&site.plain.agent, "the control socket is not its user's alone");
	snprintf(line, sizeof(line), "control:\n  socket: %s\n", own.sun_path);
	second.extra = line;
	plain_prepare(&second, &scene);
	agent_start(&second.agent, NULL);
	plain_expect(&second, STATE_CONFLICT, "another agent answers on the control socket", 1, 10);
	second.extra = "control:\n  socket: off\n";
	plain_configure(&second);
	plain_stream(&second);
	if (agent_verb(&second.agent, "exceptions retry --all", "verb.out") != EXIT_USAGE)
		harness_fail(&second.agent, "without a socket the agent cannot be asked");
	agent_stop(&second.agent);
	expect("status", EXIT_DONE, "STREAMING");
	agent_kill(&site.plain.agent);
	expect("exceptions retry --all", EXIT_FAILED, "no agent is running: nobody listens on");
	plain_stream(&site.plain);
	WAIT_UNTIL(agent_verb(&site.plain.agent, "status", "verb.out") == EXIT_DONE, 10, &site.plain.agent); /* after it has said so */
	expect("status", EXIT_DONE, "STREAMING");
	agent_stop(&site.plain.agent);
	if (stat(own.sun_path, &file) == 0 || errno != ENOENT)
		harness_fail(&site.plain.agent, "an agent that has ended leaves its socket");
	expect("exceptions retry --all", EXIT_FAILED, "no agent is running: nobody listens on");
	plain_stream(&site.plain);
	printf("the socket: mode 0600, one agent, one that is dead is replaced\n");
}

/* Retry --------------------------------------------------------------------------------------- */

static void healed(void)
{
	scene_sql(&scene, "INSERT INTO ctl VALUES (2, '2026-03-01', 'A', 2), (3, '2026-03-01', 'A', 3), (4, NULL, 'A', 2)");
	plain_catch_up(&site.plain);
	scene_sql(&scene, "INSERT INTO person VALUES (1), (2)");
	plain_catch_up(&site.plain);
	expect("exceptions list", EXIT_DONE, "4 open");
	expect("snapshot --list", EXIT_DONE, "no snapshot is open, none was given up or cancelled, and no state file was built anew");
	expect("exceptions retry --entity TimeEntry --key 7", EXIT_USAGE, "no exception of TimeEntry/7 is open\n  `tailwater exceptions list` has");
	expect("exceptions retry TimeEntry/7", EXIT_USAGE, "no exception of TimeEntry/7 is open");
	expect("exceptions retry Unknown/1", EXIT_USAGE, "the mapping has no entity 'Unknown'\n  it has TimeEntry\n");
	expect("exceptions show Unknown/1", EXIT_USAGE, "no exception of Unknown/1 is open: there is no such document, or it is not held back\n"
	       "  `tailwater exceptions list` has those that are open");
	expect("exceptions retry TimeEntry/2", EXIT_DONE, "job 1: 1 document is evaluated again; ");
	WAIT_UNTIL(agent_logged(&site.plain.agent, "job 1: done, 1 document") == 1, 10, &site.plain.agent);
	if (agent_logged(&site.plain.agent, "asked for 'exceptions-retry' (entity TimeEntry, key 2): taken") != 1)
		harness_fail(&site.plain.agent, "the log says what was asked for");
	expect("exceptions list", EXIT_DONE, "3 open");
	expect("exceptions retry --all --json", EXIT_DONE, "{\"job\":2,\"documents\":3}");
	WAIT_UNTIL(agent_logged(&site.plain.agent, "job 2: done, 3 documents") == 1, 10, &site.plain.agent);
	expect("exceptions list", EXIT_DONE, "2 open");
	plain_read_back(&site.plain, "*");
	/* 1 was parked at the snapshot: it is new now, and nothing has happened to it; 4 has another fault than before */
	expect_rows("SELECT string_agg(split_part(header->>'eventId', '/', 2) || ' ' || (header->>'operation') || ' ' || split_part(key#>>'{}', '/', 3), ',' ORDER BY header->>'eventId') "
		    "FROM seen WHERE kind = 'entity'", "job-1 CREATE 2,job-2 CREATE 1");
	expect_rows("SELECT string_agg(header->>'eventId', ',') FROM seen WHERE kind = 'event'", "ctl/job-1/TimeEntry/2/TimeApproved");
	plain_work(&site.plain);
	expect("status", EXIT_DONE, "exceptions  2 open");
	expect_rows("SELECT count(*) FILTER (WHERE status = 'OPEN') || ' ' || count(*) FILTER (WHERE status = 'CLOSED') FROM seen "
		    "WHERE kind = 'exception'", "5 2");
	printf("what heals leaves with its event and closes; what does not stays, and is not told of again\n");
}

/* Transactions come all the time, and none is torn apart. */
static void under_load(void)
{
	pid_t work = scene_work(&scene, "UPDATE other SET n = n + 1; UPDATE ctl SET person = person WHERE id = 3; SELECT pg_sleep(0.01)");

	for (int i = 0; i < 5; i++)
		expect("exceptions retry --all", EXIT_DONE, ": 2 documents are evaluated again; ");
	scene_work_stop(&scene, work);
	WAIT_UNTIL(agent_logged(&site.plain.agent, "job 8: done, 2 documents") == 1, 10, &site.plain.agent);
	plain_catch_up(&site.plain);
	printf("under load: taken between two transactions\n");
}

/* Killed in a job that was asked for, and again in what is left of it: each document and event once. */
static void killed_in_a_job(void)
{
	static const char *const deaths[] = {"in-job:30", "after-commit:3", "before-state-commit:1"};

	scene_sql(&scene, "INSERT INTO ctl SELECT g, '2026-03-01', 'A', 5 FROM generate_series(1001, 1200) g");
	plain_catch_up(&site.plain);
	scene_sql(&scene, "INSERT INTO person VALUES (5)");
	plain_catch_up(&site.plain);
	agent_stop(&site.plain.agent);
	agent_start(&site.plain.agent, "in-job:60");
	WAIT_UNTIL(agent_verb(&site.plain.agent, "exceptions retry --all", "verb.out") == EXIT_DONE, 30, &site.plain.agent);
	plain_await_death(&site.plain, "in-job:60");
	for (size_t i = 0; i < COUNT_OF(deaths); i++)
		plain_die_at(&site.plain, deaths[i]);
	plain_stream(&site.plain);
	plain_work(&site.plain);
	if (agent_logged(&site.plain.agent, "job 9: done, 202 documents") != 1)
		harness_fail(&site.plain.agent, "the job was not done once");
	agent_stop(&site.plain.agent);
	plain_read_back(&site.plain, "*");
	expect_rows("SELECT kind || ' ' || count(*) || ' ' || count(DISTINCT key) || ' ' || count(DISTINCT header->>'eventId') FROM seen "
		    "WHERE kind = 'entity' AND split_part(key#>>'{}', '/', 3)::int > 1000 GROUP BY kind", "entity 200 200 200");
	expect_rows("SELECT kind || ' ' || count(*) || ' ' || count(DISTINCT key) FROM seen WHERE kind = 'event' AND "
		    "split_part(key#>>'{}', '/', 3)::int > 1000 GROUP BY kind", "event 200 200");
	expect_rows("SELECT count(*) FROM seen WHERE kind = 'exception' AND status = 'CLOSED' AND split_part(key#>>'{}', '/', 3)::int > 1000",
		    "200");
	printf("killed %zu times in a job: each document, event and exception once\n", COUNT_OF(deaths) + 1);
}

/* All of an entity, and one: as updates that say so, without events; a death in between repeats none. */
static void published_again(void)
{
	plain_stream(&site.plain);
	expect("publish --entity TimeEntry --key 3", EXIT_USAGE, "there is no document TimeEntry/3\n  the key is that of its root row");
	expect("publish --entity TimeEntry --key 02", EXIT_USAGE, "there is no document TimeEntry/02");
	expect("publish --entity Invoice", EXIT_USAGE, "the mapping has no entity 'Invoice'\n  it has TimeEntry\n");
	expect("publish", EXIT_USAGE, "takes --entity NAME");
	expect("publish --entity TimeEntry --key 2", EXIT_DONE, "job 10: 1 document of TimeEntry is published again; ");
	WAIT_UNTIL(agent_logged(&site.plain.agent, "job 10: done, 1 document") == 1, 10, &site.plain.agent);
	agent_stop(&site.plain.agent);
	agent_start(&site.plain.agent, "in-job:100");
	WAIT_UNTIL(agent_verb(&site.plain.agent, "publish --entity TimeEntry", "verb.out") == EXIT_DONE, 30, &site.plain.agent);
	agent_wait(&site.plain.agent, 30 * USEC_PER_SEC);
	plain_stream(&site.plain);
	plain_work(&site.plain);
	agent_stop(&site.plain.agent);
	plain_read_back(&site.plain, "*");
	expect_rows("SELECT string_agg(header->>'operation' || ' ' || (header->>'replay') || ' ' || split_part(key#>>'{}', '/', 3), ',') FROM seen "
		    "WHERE kind = 'entity' AND header->>'eventId' LIKE 'ctl/job-10/%'", "UPDATE true 2");
	expect_rows("SELECT count(*) || ' ' || count(DISTINCT key) || ' ' || string_agg(DISTINCT header->>'operation' || ' ' || (header->>'replay'), ',') "
		    "FROM seen WHERE kind = 'entity' AND header->>'eventId' LIKE 'ctl/job-11/%'", "202 202 UPDATE true");
	expect_rows("SELECT count(*) FROM seen WHERE kind = 'event'", "201");
	expect_rows("SELECT count(*) FROM seen WHERE kind = 'entity' AND (header->>'replay')::bool AND header->>'eventId' NOT LIKE 'ctl/job-1_/%'", "0");
	printf("published again: each once, as a repetition\n");
}

static void reload(const char *source)
{
	unsigned before = agent_logged(&site.plain.agent, "has a new value");

	site.plain.source = source;
	plain_configure(&site.plain);
	kill(site.plain.agent.pid, SIGHUP);
	WAIT_UNTIL(agent_logged(&site.plain.agent, "has a new value") > before, 10, &site.plain.agent);
}

/* A transaction of somebody else keeps the log; a table that has to be loaded again waits until that is allowed. */
static void paused_load(void)
{
	pid_t work;

	plain_stream(&site.plain);
	work = scene_work(&scene, "BEGIN; CREATE TABLE IF NOT EXISTS held (id int); SELECT pg_sleep(100); COMMIT");
	WAIT_UNTIL(strcmp(scene_value(&scene, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%pg_sleep(100)%%' AND state = 'active' "
				      "AND backend_xid IS NOT NULL"), "1") == 0, 10, &site.plain.agent);
	scene_sql(&scene, "CREATE TABLE bulk AS SELECT g, repeat('x', 1000) FROM generate_series(1, 8000) g; DROP TABLE bulk");
	reload("  max_retained_wal: 1MB\n  on_exceed: pause_snapshot\n");
	WAIT_UNTIL(agent_logged(&site.plain.agent, "tables that are being loaded again wait") == 1, 20, &site.plain.agent);
	scene_sql(&scene, "ALTER TABLE person ALTER COLUMN id TYPE bigint; INSERT INTO person VALUES (77)");
	WAIT_UNTIL(agent_logged(&site.plain.agent, "table public.person is STALE") > 0, 20, &site.plain.agent);
	plain_catch_up(&site.plain);
	if (agent_logged(&site.plain.agent, "table public.person is loaded"))
		harness_fail(&site.plain.agent, "the table was loaded although it was to wait");
	reload("");
	WAIT_UNTIL(agent_logged(&site.plain.agent, "table public.person is loaded") == 1, 20, &site.plain.agent);
	scene_work_stop(&scene, work);
	agent_stop(&site.plain.agent);
	printf("pause_snapshot: a table that has to be loaded again waits\n");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	prepare();
	plain_stream(&site.plain);
	expect("exceptions list", EXIT_DONE, "1 open");
	healed();
	requests_are_checked();
	only_one_listens();
	under_load();
	killed_in_a_job();
	published_again();
	paused_load();
	scene_end(&scene);
	return 0;
}
