/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What an agent answers over HTTP: each page in each condition, and requests over a real socket. */
#include "unit/unit.h"

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config.h"
#include "control/http.h"
#include "harness/exposition.h"

#define CONFIGURATION \
	"source:\n  name: erp\n  dbname: psa\n  password: hunter2\n" \
	"kafka:\n  bootstrap.servers: localhost:9092\n  sasl.password: hunter3\n" \
	"tables:\n  include: [public.*]\nstate:\n  file: /tmp/erp.state\nbatch:\n  time: 30ms\n"

#define SECOND USEC_PER_SEC
#define LSN(value) {POSITION_PG_LSN, (value)}

static struct conf *conf;
static struct pipeline_status status;
static struct pipeline_metrics metrics;
static struct pages pages;

static int begin(void **state)
{
	struct diagnostics diag = {0};

	(void)state;
	conf = conf_parse("t.yaml", VIEW(CONFIGURATION), &diag);
	assert_non_null(conf);
	diag_done(&diag);
	pipeline_status_init(&status);
	memset(&metrics, 0, sizeof(metrics));
	pages = (struct pages){.conf = conf, .status = &status, .metrics = &metrics, .started_at = 1000 * SECOND};
	return 0;
}

static int end(void **state)
{
	(void)state;
	pipeline_status_done(&status);
	conf_free(conf);
	return 0;
}

/* A page as it is in this condition; NUL-terminated, of the one writer. */
static const char *page_text(const char *path, const struct pipeline_view *view, unsigned *ret_code)
{
	static struct writer text;
	struct page_facts facts = {.pages = &pages, .view = *view, .now = 2000 * SECOND};

	wr_clear(&text);
	*ret_code = page_find(path)->print(&facts, &text);
	wr_u8(&text, 0);
	return text.data;
}

/* Pages --------------------------------------------------------------------------------------- */

static const struct {
	struct pipeline_view view;
	unsigned health, readiness;
	const char *said; /* by /readyz */
} conditions[] = {
	{{.phase = PHASE_STARTING, .alive = true, .kafka_answers = true}, 200, 503, "STARTING\n"},
	{{.phase = PHASE_SNAPSHOT, .alive = true, .kafka_answers = true}, 200, 503, "SNAPSHOT\n"},
	{{.phase = PHASE_STREAMING, .alive = true, .kafka_answers = true}, 200, 200, "STREAMING\n"},
	{{.phase = PHASE_STREAMING, .alive = true}, 200, 503, "KAFKA_AWAY\n"},
	{{.phase = PHASE_STREAMING, .kafka_answers = true}, 503, 503, "HANGING\n"},
	{{.phase = PHASE_STOPPING, .alive = true, .kafka_answers = true}, 200, 503, "STOPPING\n"},
	{{.phase = PHASE_RECOVERING, .alive = true, .kafka_answers = true,
	  .failure = {.class = ERROR_TRANSIENT, .text = "the server went away"}},
	 200, 503, "RECOVERING\nthe server went away\n"},
	{{.phase = PHASE_ENDED, .alive = true, .kafka_answers = true,
	  .failure = {.class = ERROR_STATE, .state = STATE_GAP, .text = "the log is gone"}},
	 200, 503, "GAP\nthe log is gone\n"},
	/* what failed once and is mended keeps nothing from being ready */
	{{.phase = PHASE_STREAMING, .alive = true, .kafka_answers = true,
	  .failure = {.class = ERROR_TRANSIENT, .text = "the server went away"}},
	 200, 200, "STREAMING\n"},
};

static void test_readiness(void **state)
{
	unsigned code;

	(void)state;
	FOR_EACH(row, conditions)
	{
		assert_string_equal(page_text("/readyz", &row->view, &code), row->said);
		assert_int_equal(code, row->readiness);
		page_text("/healthz", &row->view, &code);
		assert_int_equal(code, row->health);
		page_text("/status", &row->view, &code);
		assert_int_equal(code, row->readiness);
		page_text("/api/status", &row->view, &code);
		assert_int_equal(code, 200);
	}
}

static const struct pipeline_view busy = {
	.phase = PHASE_STREAMING, .alive = true, .kafka_answers = true, .claim = 3, .snapshot = 1,
	.source_end = LSN(0x100002000), .received = LSN(0x100001000), .published = LSN(0x100000800),
	.saved = LSN(0x100000400), .confirmed = LSN(0x100000200), .lag_bytes = 0x1800, .lag_us = 1500000, .end_age_us = 47 * SECOND,
	.open_xid = 742, .open_done = 15, .job = 3, .job_done = 100, .exceptions_open = 2,
	.kept_bytes = 50000000, .room_bytes = 7200000000, .log_rate = 2000000, .seconds_to_loss = 3600, .log_state = LOG_EXTENDED,
	.log_looked_at = true,
	.failure = {.class = ERROR_TRANSIENT, .text = "a \"broker\"\nis away", .hint = "wait"}, .failed_at = 1500 * SECOND,
};

/* Nothing bounds the log, and how fast it grows is not known yet. */
static const struct pipeline_view unbounded = {
	.phase = PHASE_STREAMING, .alive = true, .room_bytes = UINT64_MAX, .log_rate = UINT64_MAX, .seconds_to_loss = UINT64_MAX,
	.log_looked_at = true, .log_state = LOG_RESERVED,
};

/* The source has not been asked. */
static const struct pipeline_view unknown = {
	.phase = PHASE_STARTING, .alive = true, .room_bytes = UINT64_MAX, .log_rate = UINT64_MAX, .seconds_to_loss = UINT64_MAX, .end_age_us = -1,
};

static const struct {
	uint64_t seconds;
	const char *said;
} spans[] = {
	{0, "in 0 s at"}, {59, "in 59 s at"}, {60, "in 1 min at"}, {3600, "in 1 h 0 min at"}, {49560, "in 13 h 46 min at"},
	{135960, "in 1 day 13 h at"}, {259200, "in 3 days 0 h at"}, {86400 * 400, "in more than a year at"},
};

static void expect_sample(const char *text, const char *sample, double expected)
{
	double value;

	if (!exposition_value(text, sample, &value))
		fail_msg("no sample %s", sample);
	if (value != expected)
		fail_msg("%s is %f, not %f", sample, value, expected);
}

static void test_metrics(void **state)
{
	const char *text, *problem;
	unsigned code;

	(void)state;
	atomic_store(&metrics.changes, 12);
	atomic_store(&metrics.read_bytes, 34);
	text = page_text("/metrics", &busy, &code);
	problem = exposition_fault(text);
	if (problem)
		fail_msg("%s", problem);
	assert_int_equal(code, 200);
	expect_sample(text, "tailwater_changes_total", 12);
	expect_sample(text, "tailwater_source_read_bytes_total", 34);
	expect_sample(text, "tailwater_ready", 1);
	expect_sample(text, "tailwater_lag_seconds", 1.5);
	expect_sample(text, "tailwater_lag_bytes", 0x1800);
	expect_sample(text, "tailwater_source_end_age_seconds", 47);
	expect_sample(text, "tailwater_retained_wal_bytes", 50000000);
	expect_sample(text, "tailwater_log_loss_seconds", 3600);
	expect_sample(text, "tailwater_unconfirmed_bytes", 0x1e00);
	expect_sample(text, "tailwater_position_bytes{of=\"published\"}", 0x100000800);
	expect_sample(text, "tailwater_phase{phase=\"STREAMING\"}", 1);
	expect_sample(text, "tailwater_phase{phase=\"SNAPSHOT\"}", 0);
	expect_sample(text, "tailwater_start_time_seconds", 1000);
	expect_sample(text, "tailwater_build_info{version=\"" PACKAGE_VERSION "\",source=\"erp\"}", 1);
	text = page_text("/metrics", &unbounded, &code);
	assert_null(exposition_fault(text));
	expect_sample(text, "tailwater_log_loss_seconds", (double)INFINITY);
	expect_sample(text, "tailwater_log_bytes_per_second", 0);
	text = page_text("/metrics", &unknown, &code);
	expect_sample(text, "tailwater_source_end_age_seconds", 1000); /* since the start */
}

static void test_faults_are_found(void **state)
{
	static const char *const wrong[] = {
		"", "tailwater_a 1\n", "# HELP tailwater_a A.\n# TYPE tailwater_a gauge\n",
		"# HELP tailwater_a A.\n# TYPE tailwater_a gauge\ntailwater_a 1",
		"# HELP tailwater_a A.\n# TYPE tailwater_a counter\ntailwater_a 1\n",
		"# HELP tailwater_a A.\n# TYPE tailwater_b gauge\ntailwater_b 1\n",
		"# HELP tailwater_a A.\n# TYPE tailwater_a gauge\ntailwater_a 1\ntailwater_a 2\n",
		"# HELP tailwater_a A.\n# TYPE tailwater_a gauge\ntailwater_a{x=\"1} 1\n",
		"# HELP tailwater_a A.\n# TYPE tailwater_a gauge\ntailwater_a x\n",
	};

	(void)state;
	FOR_EACH(row, wrong)
		if (!exposition_fault(*row))
			fail_msg("nothing wrong with '%s'", *row);
}

static void test_status(void **state)
{
	static const char *const said[] = {
		"{\"version\":\"" PACKAGE_VERSION "\",\"source\":\"erp\",\"startedAt\":\"1970-01-01T00:16:40",
		"\"state\":\"STREAMING\",\"ready\":true,\"alive\":true,\"kafkaAnswers\":true,",
		"\"positions\":{\"sourceEnd\":\"1/2000\",\"received\":\"1/1000\",\"published\":\"1/800\",",
		"\"saved\":\"1/400\",\"confirmed\":\"1/200\"}",
		"\"lag\":{\"bytes\":6144,\"seconds\":1.500,\"unconfirmedBytes\":7680,\"sourceEndAgeSeconds\":47.000}",
		"\"retention\":{\"state\":\"extended\",\"bytes\":50000000,\"limitBytes\":null,\"exceeded\":false,\"roomBytes\":7200000000,"
		"\"logBytesPerSecond\":2000000,\"secondsToLoss\":3600}",
		"\"snapshot\":1,\"claim\":3,\"claims\":0,\"batches\":7",
		"\"state\":null,\"text\":\"a \\\"broker\\\"\\nis away\",\"hint\":\"wait\"}",
		"\"exceptionsOpen\":2,\"openTransaction\":{\"xid\":742,\"changes\":15},\"job\":{\"number\":3,\"done\":100},",
		"\"kafka_commits\":7,",
	};
	const char *text;
	unsigned code;

	(void)state;
	atomic_store(&metrics.kafka_commits, 7);
	text = page_text("/api/status", &busy, &code);
	FOR_EACH(row, said)
		if (!strstr(text, *row))
			fail_msg("no %s in %s", *row, text);
	text = page_text("/api/status", &(struct pipeline_view){.alive = true}, &code);
	assert_non_null(strstr(text, "\"published\":null"));
	assert_non_null(strstr(text, "\"lastError\":null"));
	text = page_text("/status", &busy, &code);
	assert_non_null(strstr(text, "published   1/800\n"));
	assert_non_null(strstr(text, "lag         1.5 s, 6144 bytes; 7680 bytes not confirmed (bytes as of 47 s ago)\n"));
	assert_non_null(strstr(text, "log         50.0 MB kept for the slot (extended), 2.00 MB/s are written\n"
			       "log loss    in 1 h 0 min at this rate, if nothing more is confirmed (7.2 GB of room)\n"));
	assert_non_null(strstr(text, "exceptions  2 open\nreceiving   transaction 742, 15 changes so far\njob         3, documents so far: 100\n"));
	text = page_text("/status", &unbounded, &code);
	assert_non_null(strstr(text, "log loss    no limit is known: max_slot_wal_keep_size is not set, and the server's disk"));
	text = page_text("/status", &unknown, &code);
	assert_non_null(strstr(text, "log         the source has not told yet how much it keeps\n"));
	assert_null(strstr(text, "log loss"));
	assert_non_null(strstr(text, "(the source has not been asked yet)\n"));
	assert_non_null(strstr(page_text("/api/status", &unknown, &code), "\"sourceEndAgeSeconds\":null}"));
	FOR_EACH(row, spans)
	{
		struct pipeline_view view = busy;

		view.seconds_to_loss = row->seconds;
		assert_non_null(strstr(page_text("/status", &view, &code), row->said));
	}
	assert_non_null(strstr(page_text("/api/status", &unbounded, &code), "\"secondsToLoss\":null"));
}

static void test_configuration(void **state)
{
	static const char *const said[] = {
		"{\"source.name\":\"erp\",", "\"source.port\":5432,", "\"source.password\":\"***\",",
		"\"bootstrap.servers\": \"localhost:9092\"", "\"sasl.password\": \"***\"", "\"tables.include\":[\"public.*\"],",
		"\"batch.time\":\"30ms\",", "\"mapping.pack\":null,", "\"source.create_slot\":false,", "\"log.level\":\"info\"}\n",
	};
	const char *text;
	unsigned code;

	(void)state;
	text = page_text("/api/config", &busy, &code);
	assert_int_equal(code, 200);
	assert_null(strstr(text, "hunter"));
	FOR_EACH(row, said)
		if (!strstr(text, *row))
			fail_msg("no %s in %s", *row, text);
}

/* What is published by the pipeline's thread --------------------------------------------------- */

static void share(struct shared_position *to, uint64_t lsn)
{
	atomic_store(&to->kind, POSITION_PG_LSN);
	atomic_store(&to->lsn, lsn);
}

static const struct pipeline_view *taken(void)
{
	static struct page_facts facts;

	page_facts_take(&pages, &facts);
	return &facts.view;
}

static void test_reading(void **state)
{
	(void)state;
	assert_true(taken()->alive);
	assert_int_equal(taken()->lag_us, 0);
	assert_int_equal(taken()->lag_bytes, 0);
	atomic_store(&status.phase, PHASE_STREAMING);
	assert_true(pipeline_view_ready(taken()));

	/* a thread that is not heard of */
	atomic_store(&status.alive_until, clock_mono() - 1);
	assert_false(pipeline_status_alive(&status));
	assert_string_equal(pipeline_view_state(taken()), "HANGING");
	atomic_store(&status.alive_until, clock_mono() + 60 * SECOND);

	/* Kafka owes an answer, for a moment and for long; then no broker is connected */
	atomic_store(&status.kafka_asked_at, clock_mono() - SECOND);
	assert_true(pipeline_view_ready(taken()));
	atomic_store(&status.kafka_asked_at, clock_mono() - 10 * SECOND);
	assert_string_equal(pipeline_view_state(taken()), "KAFKA_AWAY");
	atomic_store(&status.kafka_asked_at, 0);
	atomic_store(&status.kafka_down, true);
	assert_string_equal(pipeline_view_state(taken()), "KAFKA_AWAY");

	/* the log's end as it was lately, or what has been received since */
	share(&status.published, 100);
	share(&status.received, 150);
	assert_int_equal(taken()->lag_bytes, 50);
	share(&status.source_end, 180);
	assert_int_equal(taken()->lag_bytes, 80);
	share(&status.received, 200);
	assert_int_equal(taken()->lag_bytes, 100);
	atomic_store(&status.pending_since, clock_wall() - 7 * SECOND);
	assert_true(taken()->lag_us >= 7 * SECOND && taken()->lag_us < 60 * SECOND);
	atomic_store(&status.pending_since, clock_wall() + 60 * SECOND); /* the source's clock is ahead of ours */
	assert_int_equal(taken()->lag_us, 0);
}

/* Addresses ----------------------------------------------------------------------------------- */

static void test_addresses(void **state)
{
	static const struct {
		const char *text;
		int port; /* -1: refused */
	} addresses[] = {
		{"127.0.0.1:9187", 9187}, {"127.8.9.1:1", 1}, {"[::1]:65535", 65535}, {"localhost:80", 80}, {"127.0.0.1:0", 0},
		{"0.0.0.0:9187", -1}, {"[::]:9187", -1}, {"10.0.0.1:9187", -1}, {"example.net:9187", -1}, {"127.0.0.1", -1},
		{"127.0.0.1:", -1}, {":9187", -1}, {"9187", -1}, {"127.0.0.1:65536", -1}, {"127.0.0.1:x", -1}, {"::1:9187", -1},
		{"127.0.0.1.example.net:80", -1}, {"", -1}, {"127.0.0.1:99999999999999999999", -1},
	};
	struct http_address address;

	(void)state;
	FOR_EACH(row, addresses)
	{
		int result = http_address_parse(view_of(row->text), &address);

		if ((result < 0) != (row->port < 0) || (row->port >= 0 && address.port != row->port))
			fail_msg("'%s'", row->text);
	}
}

/* Requests ------------------------------------------------------------------------------------ */

static struct http *http;

static int serve(void **state)
{
	struct error err;

	begin(state);
	assert_ok(http_start(&http, "127.0.0.1:0", &pages, &err), &err);
	return 0;
}

static int stop(void **state)
{
	http_stop(http);
	return end(state);
}

static int connected(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(http_port(http)),
				      .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct timeval timeout = {.tv_sec = 10};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* All that comes until the end of the connection, in a static buffer. */
static const char *answer_to(const char *request)
{
	static char answer[65536];
	int fd = connected();
	size_t len = 0;
	ssize_t got;

	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	while (len + 1 < sizeof(answer) && (got = recv(fd, answer + len, sizeof(answer) - 1 - len, 0)) > 0)
		len += (size_t)got;
	close(fd);
	answer[len] = '\0';
	return answer;
}

static void test_requests(void **state)
{
	static const struct {
		const char *request;
		const char *first_line;
		const char *contains;
	} requests[] = {
		{"GET /healthz HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\r\n\r\nalive\n"},
		{"GET /readyz HTTP/1.0\r\n\r\n", "HTTP/1.1 503 Service Unavailable\r\n", "\r\n\r\nSTARTING\n"},
		{"GET /metrics HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"},
		{"GET /api/status?x=y HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", "Content-Type: application/json\r\n"},
		{"GET /api/config HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\"source.password\":\"***\""},
		{"GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", "there is no such page\n"},
		{"GET /healthz/../etc/passwd HTTP/1.0\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", "there is no such page\n"},
		{"POST /healthz HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 405 Method Not Allowed\r\n", "Allow: GET, HEAD\r\n"},
		{"POST /control/exceptions-retry HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 405 Method Not Allowed\r\n", "only GET and HEAD\n"},
		{"DELETE /nothing HTTP/1.0\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n", "only GET and HEAD\n"},
		{"GET /healthz HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK\r\n", "alive\n"},
		{"GET /healthz HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK\r\n", "alive\n"},
		{"GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", "HTTP/1.1 403 Forbidden\r\n", "loopback"},
		{"GET /healthz HTTP/1.1\r\nHost: evil.example:80\r\nConnection: close\r\n\r\n", "HTTP/1.1 403 Forbidden\r\n", "loopback"},
		{"nonsense\r\n\r\n", "", ""},
	};

	(void)state;
	FOR_EACH(row, requests)
	{
		const char *answer = answer_to(row->request);

		if (strncmp(answer, row->first_line, strlen(row->first_line)) != 0 || !strstr(answer, row->contains))
			fail_msg("%s\nwas answered by\n%s", row->request, answer);
	}
}

static void test_head(void **state)
{
	const char *answer = answer_to("HEAD /healthz HTTP/1.0\r\n\r\n"), *body = strstr(answer, "\r\n\r\n");

	(void)state;
	assert_true(strncmp(answer, "HTTP/1.1 200 OK\r\n", 17) == 0);
	assert_non_null(strstr(answer, "Content-Length: 6\r\n"));
	assert_non_null(body);
	assert_string_equal(body, "\r\n\r\n");
}

/* Connections that say nothing are ended, so that others get their turn. */
static void test_crowd(void **state)
{
	int fds[20];

	(void)state;
	FOR_EACH(fd, fds)
		fds[fd_i] = connected();
	assert_non_null(strstr(answer_to("GET /healthz HTTP/1.0\r\n\r\n"), "200 OK"));
	FOR_EACH(fd, fds)
		close(*fd);
}

static void test_port_in_use(void **state)
{
	struct http *second;
	struct error err;
	char address[32];

	(void)state;
	snprintf(address, sizeof(address), "127.0.0.1:%u", http_port(http));
	assert_int_equal(http_start(&second, address, &pages, &err), -1);
	assert_int_equal(err.class, ERROR_INPUT);
	assert_non_null(strstr(err.text, "(http.listen): Address already in use"));
}

static void test_client(void **state)
{
	struct writer body = {0};
	struct error err;
	char address[32];

	(void)state;
	snprintf(address, sizeof(address), "127.0.0.1:%u", http_port(http));
	assert_int_equal(http_get(address, "/healthz", &body, &err), 200);
	assert_view(wr_view(&body), "alive\n");
	wr_clear(&body);
	assert_int_equal(http_get(address, "/readyz", &body, &err), 503);
	http_stop(http);
	http = NULL;
	assert_int_equal(http_get(address, "/healthz", &body, &err), 0);
	wr_done(&body);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST_WITH("health and readiness say what the pipeline does", test_readiness, begin, end),
		TEST_WITH("metrics are in the form that Prometheus reads", test_metrics, begin, end),
		TEST("what is wrong with a form is found", test_faults_are_found),
		TEST_WITH("the status has positions, lag, counters and the last error", test_status, begin, end),
		TEST_WITH("the configuration is shown without secrets", test_configuration, begin, end),
		TEST_WITH("what the pipeline publishes is read as a whole", test_reading, begin, end),
		TEST("only addresses on loopback are listened on", test_addresses),
		TEST_WITH("requests are answered", test_requests, serve, stop),
		TEST_WITH("HEAD is GET without a body", test_head, serve, stop),
		TEST_WITH("connections that say nothing do not keep others out", test_crowd, serve, stop),
		TEST_WITH("a port in use is said", test_port_in_use, serve, stop),
		TEST_WITH("the client gets pages, or hears that nobody listens", test_client, serve, stop),
	};

	return RUN_TESTS(tests);
}
