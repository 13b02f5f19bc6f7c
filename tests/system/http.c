/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What a real agent says of itself while its servers come and go: over HTTP, to systemd (whose socket is the test's),
 * and by `tailwater status`.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/exposition.h"
#include "system/plain.h"

static struct scene scene;
static struct plain plain = {.name = "web", .kafka = "  sasl.password: hunter2\n"};
static struct sockaddr_in address = {.sin_family = AF_INET};
static char listen_option[100];

/* systemd ------------------------------------------------------------------------------------- */

static int notify_fd;
static char notified[65536]; /* all lines so far */

static void open_notify_socket(void)
{
	struct sockaddr_un own = {.sun_family = AF_UNIX};

	snprintf(own.sun_path, sizeof(own.sun_path), "%.90s/notify", scene.dir);
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify_fd < 0 || bind(notify_fd, (struct sockaddr *)&own, sizeof(own)) < 0)
		harness_fail(NULL, "no socket for notifications");
	setenv("NOTIFY_SOCKET", own.sun_path, 1);
	setenv("WATCHDOG_USEC", "60000000", 1);
}

static bool was_notified(const char *line)
{
	size_t len = strlen(notified);
	ssize_t got;
	char wanted[100];

	while (len + 200 < sizeof(notified) && (got = recv(notify_fd, notified + len, 199, 0)) > 0) {
		len += (size_t)got;
		notified[len++] = '\n';
		notified[len] = '\0';
	}
	snprintf(wanted, sizeof(wanted), "%s\n", line);
	return strstr(notified, wanted) != NULL;
}

static void forget_notified(void)
{
	was_notified("");
	notified[0] = '\0';
}

/* Requests ------------------------------------------------------------------------------------ */

static void choose_port(void)
{
	unsigned port = harness_free_port();

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons((uint16_t)port);
	snprintf(listen_option, sizeof(listen_option), "http:\n  listen: 127.0.0.1:%u\n", port);
}

static char answer[65536];

/* The code, with the whole answer in `answer`; 0 if nobody listens. What was notified is taken: few have room there. */
static int request(const char *method, const char *path)
{
	struct timeval timeout = {.tv_sec = 10};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), code = 0;
	char text[200];
	size_t len = 0;
	ssize_t got;

	was_notified("");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", method, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text))
		while (len + 1 < sizeof(answer) && (got = recv(fd, answer + len, sizeof(answer) - 1 - len, 0)) > 0)
			len += (size_t)got;
	close(fd);
	answer[len] = '\0';
	return sscanf(answer, "HTTP/1.1 %d", &code) == 1 ? code : 0;
}

static const char *body(void)
{
	const char *end = strstr(answer, "\r\n\r\n");

	return end ? end + 4 : "";
}

static bool answers(const char *path, int code, const char *contains)
{
	return request("GET", path) == code && strstr(body(), contains);
}

static void expect(const char *method, const char *path, int code, const char *contains)
{
	if (request(method, path) == code && strstr(answer, contains))
		return;
	fprintf(stderr, "%s %s, expected %d and '%s':\n%s\n", method, path, code, contains, answer);
	harness_fail(&plain.agent, path);
}

static double metric(const char *sample)
{
	double value = -1;

	if (request("GET", "/metrics") != 200 || !exposition_value(body(), sample, &value))
		harness_fail(&plain.agent, sample);
	return value;
}

static void expect_status(int code, const char *option, const char *contains)
{
	char path[300], text[8192], verb[40];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "%s/status.out", scene.dir);
	snprintf(verb, sizeof(verb), "status%s", option);
	if (agent_verb(&plain.agent, verb, "status.out") != code)
		harness_fail(&plain.agent, "another exit code of `status`");
	file = fopen(path, "r");
	len = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	text[len] = '\0';
	if (file)
		fclose(file);
	if (strstr(text, contains))
		return;
	fprintf(stderr, "'%s' is not in:\n%s\n", contains, text);
	harness_fail(&plain.agent, "`status` says something else");
}

/* The parts ----------------------------------------------------------------------------------- */

static void pages(void)
{
	const char *fault;

	expect("GET", "/healthz", 200, "alive\n");
	expect("HEAD", "/healthz", 200, "Content-Length: 6\r\n");
	expect("GET", "/readyz", 200, "STREAMING\n");
	expect("GET", "/api/status", 200, "\"source\":\"web\"");
	expect("GET", "/api/status", 200, "\"state\":\"STREAMING\",\"ready\":true");
	expect("GET", "/api/status", 200, "\"lastError\":null");
	expect("GET", "/api/config", 200, "\"sasl.password\": \"***\"");
	expect("GET", "/api/config", 200, "\"http.listen\":\"127.0.0.1:");
	if (strstr(answer, "hunter2"))
		harness_fail(&plain.agent, "a secret is shown");
	expect("GET", "/", 404, "there is no such page");
	expect("POST", "/healthz", 405, "Allow: GET, HEAD\r\n");
	expect("GET", "/metrics", 200, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
	fault = exposition_fault(body());
	if (fault)
		harness_fail(&plain.agent, fault);
	expect_status(EXIT_DONE, "", "STREAMING");
	expect_status(EXIT_DONE, " --json", "\"state\":\"STREAMING\"");
	printf("pages: as they should be\n");
}

static void numbers(void)
{
	static const char *const in_order[] = {"sourceEnd", "received", "published", "saved", "confirmed"};
	double changes = metric("tailwater_changes_total"), before = 0;
	char sample[80];

	plain_work(&plain);
	WAIT_UNTIL(metric("tailwater_changes_total") == changes + 1, 10, &plain.agent);
	WAIT_UNTIL(metric("tailwater_lag_seconds") == 0, 10, &plain.agent);
	for (size_t i = COUNT_OF(in_order); i-- > 0;) {
		double value;

		snprintf(sample, sizeof(sample), "tailwater_position_bytes{of=\"%s\"}", in_order[i]);
		/* all of one answer */
		if (i + 1 == COUNT_OF(in_order) && request("GET", "/metrics") != 200)
			harness_fail(&plain.agent, "no metrics");
		if (!exposition_value(body(), sample, &value) || value <= 0 || value < before)
			harness_fail(&plain.agent, sample);
		before = value;
	}
	printf("numbers: counted, positions in order\n");
}

static void paused_broker(void)
{
	scene_server(&scene, "pause", "kafka", NULL);
	scene_sql(&scene, "UPDATE web SET text = text || '+'");
	WAIT_UNTIL(answers("/readyz", 503, "KAFKA_AWAY\n"), 20, &plain.agent);
	expect("GET", "/healthz", 200, "alive\n");
	if (metric("tailwater_ready") != 0 || metric("tailwater_kafka_answers") != 0 || metric("tailwater_lag_seconds") < 3 ||
	    metric("tailwater_lag_bytes") <= 0)
		harness_fail(&plain.agent, "the metrics say nothing of the broker that is away");
	expect_status(EXIT_FAILED, "", "KAFKA_AWAY");
	WAIT_UNTIL(was_notified("STATUS=KAFKA_AWAY"), 5, &plain.agent);
	scene_server(&scene, "resume", "kafka", NULL);
	WAIT_UNTIL(answers("/readyz", 200, "STREAMING\n"), 30, &plain.agent);
	plain_catch_up(&plain);
	printf("a paused broker: not ready until it goes on, and alive\n");
}

/* Nothing is to be published meanwhile. */
static void killed_broker(void)
{
	scene_server(&scene, "stop", "kafka", "kill");
	WAIT_UNTIL(answers("/readyz", 503, "KAFKA_AWAY\n"), 10, &plain.agent);
	expect("GET", "/healthz", 200, "alive\n");
	scene_server(&scene, "restart", "kafka", NULL);
	WAIT_UNTIL(answers("/readyz", 200, "STREAMING\n"), 30, &plain.agent);
	plain_catch_up(&plain);
	printf("a killed broker, with nothing to publish: not ready until it is there again\n");
}

/* What is known of the source's log grows old, and says so. */
static void killed_source(void)
{
	scene_server(&scene, "stop", "postgresql", "kill");
	WAIT_UNTIL(answers("/readyz", 503, "RECOVERING\n"), 10, &plain.agent);
	WAIT_UNTIL(metric("tailwater_source_end_age_seconds") > 3, 20, &plain.agent);
	expect_status(EXIT_FAILED, "", " bytes not confirmed (bytes as of ");
	scene_server(&scene, "restart", "postgresql", NULL);
	WAIT_UNTIL(answers("/readyz", 200, "STREAMING\n"), 30, &plain.agent);
	if (metric("tailwater_source_end_age_seconds") > 3)
		harness_fail(&plain.agent, "the source is there again, and what it says is old");
	plain_catch_up(&plain);
	printf("a killed source: what is known of it is told as old\n");
}

static void ordered_end(void)
{
	agent_stop(&plain.agent);
	if (!was_notified("STOPPING=1") || !was_notified("WATCHDOG=1"))
		harness_fail(&plain.agent, "nothing was said of the end, or no sign of life was given");
	if (request("GET", "/healthz") != 0)
		harness_fail(&plain.agent, "somebody answers for an agent that has ended");
	expect_status(EXIT_FAILED, "", "not running: nobody listens on 127.0.0.1:");
	expect_status(EXIT_FAILED, "", "state file  0/");
	expect_status(EXIT_FAILED, "", "the agent's log says why it ended, `tailwater check --connect` whether it would start\n");
	expect_status(EXIT_FAILED, " --json", "\"state\":\"NOT_RUNNING\",\"ready\":false,\"stateFile\":{\"position\":\"0/");
	printf("an ordered end: STOPPING=1, and `status` reads the state file\n");
}

static void named_state(void)
{
	forget_notified();
	plain_stream(&plain);
	WAIT_UNTIL(answers("/readyz", 200, "STREAMING\n"), 10, &plain.agent);
	scene_sql(&scene, "INSERT INTO web SELECT 7, string_agg(md5(g::text), '') FROM generate_series(1, 40000) g");
	plain_expect(&plain, STATE_BLOCKED, "is larger than the client's message.max.bytes", 1, 30);
	if (!was_notified("STATUS=RECOVERING") && !was_notified("STATUS=BLOCKED"))
		harness_fail(&plain.agent, "nothing was said of what went wrong");
	if (!was_notified("STATUS=BLOCKED") || was_notified("STOPPING=1") || request("GET", "/readyz") != 0)
		harness_fail(&plain.agent, "the last word is not the named state");
	printf("a named state: BLOCKED is the last word\n");
}

int main(void)
{
	scene_begin(&scene);
	open_notify_socket();
	choose_port();
	plain.extra = listen_option;
	plain_prepare(&plain, &scene);
	plain_stream(&plain);
	WAIT_UNTIL(was_notified("READY=1") && was_notified("STATUS=STREAMING") && was_notified("WATCHDOG=1"), 10, &plain.agent);
	WAIT_UNTIL(answers("/readyz", 200, "STREAMING\n"), 10, &plain.agent);
	pages();
	numbers();
	paused_broker();
	killed_broker();
	killed_source();
	ordered_end();
	named_state();
	scene_end(&scene);
	return 0;
}
