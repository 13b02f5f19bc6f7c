/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The registry's client against a server that says what registries say, and what they should not. */
#include "registry/client.h"

#include <stdlib.h>
#include <unistd.h>

#include "harness/http_server.h"
#include "unit/unit.h"

#define NOTE "{\"type\":\"record\",\"name\":\"Note\",\"fields\":[]}"
#define SUBJECT "tw.change.public.note-value"

static struct http_server *server;

static int begin_server(void **state)
{
	(void)state;
	server = http_server_new(NULL);
	return 0;
}

static int end_server(void **state)
{
	(void)state;
	http_server_free(server);
	return 0;
}

#define SCRIPT(answers) http_server_script(server, (answers), COUNT_OF(answers))

static struct registry *client_of(const struct registry_options *more)
{
	struct registry_options options = more ? *more : (struct registry_options){0};
	struct registry *registry;
	struct error err;

	options.url = options.url ? options.url : http_server_url(server);
	options.pause_most_us = 20 * USEC_PER_MSEC;
	options.timeout_us = options.timeout_us ? options.timeout_us : 5 * USEC_PER_SEC;
	assert_ok(registry_new(&registry, &options, &err), &err);
	return registry;
}

static struct registry_request about_note(enum registry_question question)
{
	return (struct registry_request){.question = question, .subject = SUBJECT, .schema = {.text = VIEW(NOTE)}};
}

/* Questions and answers ----------------------------------------------------------------------- */

static void a_schema_is_registered_under_its_subject(void **state)
{
	static const struct http_answer script[] = {{200, "{\"id\":7}", 0, NULL}};
	struct registry *registry = client_of(NULL);
	struct registry_request request = about_note(REGISTRY_REGISTER);
	struct registry_answer answer;
	struct error err;

	(void)state;
	SCRIPT(script);
	assert_ok(registry_get(registry, &request, &answer, &err), &err);
	assert_int_equal(answer.id, 7);
	assert_string_equal(http_server_request(server, 0)->line, "POST /subjects/" SUBJECT "/versions");
	assert_string_equal(http_server_request(server, 0)->body,
			    "{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"Note\\\",\\\"fields\\\":[]}\"}");
	assert_non_null(strstr(http_server_request(server, 0)->headers,
			       "Content-Type: application/vnd.schemaregistry.v1+json\r\n"));
	assert_null(strstr(http_server_request(server, 0)->headers, "Authorization"));
	assert_null(registry_trouble(registry));
	registry_free(registry);
}

static void what_a_schema_refers_to_and_its_kind_are_told(void **state)
{
	static const struct http_answer script[] = {{200, "{\"id\":7}", 0, NULL}};
	static const struct schema_reference references[] = {{"a.Money", "money", 2}, {"a.Date", "date", 1}};
	struct registry *registry = client_of(NULL);
	struct registry_request request = about_note(REGISTRY_REGISTER);
	struct registry_answer answer;
	struct error err;

	(void)state;
	SCRIPT(script);
	request.schema = (struct schema_text){VIEW("{}"), SCHEMA_JSON, references, 2};
	assert_ok(registry_get(registry, &request, &answer, &err), &err);
	assert_string_equal(http_server_request(server, 0)->body,
			    "{\"schema\":\"{}\",\"schemaType\":\"JSON\",\"references\":[{\"name\":\"a.Money\",\"subject\":\"money\","
			    "\"version\":2},{\"name\":\"a.Date\",\"subject\":\"date\",\"version\":1}]}");
	registry_free(registry);
}

static void subjects_may_hold_any_character(void **state)
{
	static const struct http_answer script[] = {{200, "{\"id\":7}", 0, NULL}};
	struct registry_request request = {.question = REGISTRY_LOOK_UP, .subject = ":.erp:a b/ä-value",
					   .schema = {.text = VIEW("x")}};
	struct registry_options options = {.url = "http://127.0.0.1/"};
	char url[100];
	struct registry *registry;
	struct registry_answer answer;
	struct error err;

	(void)state;
	SCRIPT(script);
	snprintf(url, sizeof(url), "%s/apis/ccompat/v7//", http_server_url(server));
	options.url = url;
	registry = client_of(&options);
	assert_ok(registry_get(registry, &request, &answer, &err), &err);
	assert_string_equal(http_server_request(server, 0)->line,
			    "POST /apis/ccompat/v7/subjects/%3A.erp%3Aa%20b%2F%C3%A4-value");
	registry_free(registry);
}

static void schemas_are_found_by_id_and_by_subject(void **state)
{
	static const struct http_answer script[] = {
		{200, "{\"schema\":\"\\\"string\\\"\"}", 0, NULL},
		{200, "{\"schema\":\"{}\",\"schemaType\":\"JSON\",\"references\":[{\"name\":\"a\",\"subject\":\"b\",\"version\":3}]}", 0,
		 NULL},
		{200, "{\"subject\":\"s\",\"version\":4,\"id\":9,\"schema\":\"\\\"int\\\"\",\"guid\":\"x\"}", 0, NULL},
	};
	struct registry *registry = client_of(NULL);
	struct registry_request by_id = {.question = REGISTRY_BY_ID, .id = 12};
	struct registry_request latest = {.question = REGISTRY_LATEST, .subject = "s"};
	struct registry_answer answer;
	struct error err;

	(void)state;
	SCRIPT(script);
	assert_ok(registry_get(registry, &by_id, &answer, &err), &err);
	assert_true(answer.found);
	assert_view(answer.schema.text, "\"string\"");
	assert_int_equal(answer.schema.format, SCHEMA_AVRO);
	assert_ok(registry_get(registry, &by_id, &answer, &err), &err);
	assert_int_equal(answer.schema.format, SCHEMA_JSON);
	assert_int_equal(answer.schema.reference_count, 1);
	assert_string_equal(answer.schema.references[0].subject, "b");
	assert_int_equal(answer.schema.references[0].version, 3);
	assert_ok(registry_get(registry, &latest, &answer, &err), &err);
	assert_int_equal(answer.id, 9);
	assert_int_equal(answer.version, 4);
	assert_view(answer.schema.text, "\"int\"");
	assert_string_equal(http_server_request(server, 0)->line, "GET /schemas/ids/12");
	assert_string_equal(http_server_request(server, 2)->line, "GET /subjects/s/versions/latest");
	registry_free(registry);
}

static void compatibility_is_asked_for_with_its_reasons(void **state)
{
	static const struct http_answer script[] = {
		{200, "{\"is_compatible\":true}", 0, NULL},
		{200, "{\"is_compatible\":false,\"messages\":[\"TYPE_MISMATCH\",\"x\"]}", 0, NULL},
		{200, "{\"is_compatible\":false,\"reason\":\"READER_FIELD_MISSING\"}", 0, NULL},
		{200, "{\"compatibilityLevel\":\"BACKWARD\"}", 0, NULL},
	};
	struct registry *registry = client_of(NULL);
	struct registry_request request = about_note(REGISTRY_COMPATIBLE), level = {.question = REGISTRY_LEVEL};
	struct registry_answer answer;
	struct error err;

	(void)state;
	SCRIPT(script);
	assert_ok(registry_get(registry, &request, &answer, &err), &err);
	assert_true(answer.compatible);
	assert_ok(registry_get(registry, &request, &answer, &err), &err);
	assert_false(answer.compatible);
	assert_view(answer.reasons, "TYPE_MISMATCH");
	assert_ok(registry_get(registry, &request, &answer, &err), &err);
	assert_view(answer.reasons, "READER_FIELD_MISSING");
	assert_ok(registry_get(registry, &level, &answer, &err), &err);
	assert_view(answer.level, "BACKWARD");
	assert_string_equal(http_server_request(server, 0)->line,
			    "POST /compatibility/subjects/" SUBJECT "/versions/latest?verbose=true");
	assert_string_equal(http_server_request(server, 3)->line, "GET /config");
	registry_free(registry);
}

static void what_is_not_there_is_an_answer(void **state)
{
	static const struct http_answer script[] = {
		{404, "{\"error_code\":40401,\"message\":\"Subject not found.\"}", 0, NULL},
		{404, "{\"error_code\":40403,\"message\":\"Schema not found\"}", 0, NULL},
	};
	struct registry *registry = client_of(NULL);
	struct registry_request request = about_note(REGISTRY_LOOK_UP), by_id = {.question = REGISTRY_BY_ID, .id = 1};
	struct registry_answer answer = {.found = true};
	struct error err;

	(void)state;
	SCRIPT(script);
	assert_ok(registry_get(registry, &request, &answer, &err), &err);
	assert_false(answer.found);
	answer.found = true;
	assert_ok(registry_get(registry, &by_id, &answer, &err), &err);
	assert_false(answer.found);
	registry_free(registry);
}

/* Credentials --------------------------------------------------------------------------------- */

static void users_passwords_and_tokens_are_sent(void **state)
{
	static const struct http_answer script[] = {{200, "{\"id\":7}", 0, NULL}};
	static const struct {
		struct registry_options options;
		const char *header;
	} table[] = {
		{{.user = "alice", .password = "pa:ss"}, "\r\nAuthorization: Basic YWxpY2U6cGE6c3M=\r\n"},
		{{.user = "alice"}, "\r\nAuthorization: Basic YWxpY2U6\r\n"},
		{{.token = "abc.def"}, "\r\nAuthorization: Bearer abc.def\r\n"},
	};

	(void)state;
	FOR_EACH(row, table) {
		struct registry *registry = client_of(&row->options);
		struct registry_request request = about_note(REGISTRY_REGISTER);
		struct registry_answer answer;
		struct error err;

		SCRIPT(script);
		assert_ok(registry_get(registry, &request, &answer, &err), &err);
		assert_non_null(strstr(http_server_request(server, 0)->headers, row->header));
		registry_free(registry);
	}
}

/* Refusals ------------------------------------------------------------------------------------ */

static const struct {
	enum registry_question question;
	struct http_answer answer;
	enum error_class class;
	enum named_state named;
	const char *text; /* what follows "the schema registry http://..." or stands anywhere */
} refusals[] = {
	{REGISTRY_REGISTER, {409, "{\"error_code\":409,\"message\":\"Schema being registered is incompatible\"}", 0,
			     NULL}, ERROR_STATE,
	 STATE_SCHEMA_REFUSED,
	 "refuses the schema of subject " SUBJECT " as incompatible: Schema being registered is incompatible"},
	{REGISTRY_REGISTER, {422, "{\"error_code\":42201,\"message\":\"Invalid schema\"}", 0, NULL}, ERROR_STATE,
	 STATE_SCHEMA_REFUSED, "refuses the schema of subject " SUBJECT " (422): Invalid schema"},
	{REGISTRY_REGISTER, {400, "not JSON at all", 0, NULL}, ERROR_STATE, STATE_SCHEMA_REFUSED,
	 "refuses the schema of subject " SUBJECT " (400): not JSON at all"},
	{REGISTRY_REGISTER, {415, "", 0, NULL}, ERROR_STATE, STATE_SCHEMA_REFUSED,
	 "refuses the schema of subject " SUBJECT " (415): (it says nothing)"},
	{REGISTRY_REGISTER, {401, "", 0, NULL}, ERROR_STATE, STATE_REGISTRY_DENIED,
	 "refuses access to subject " SUBJECT " (401): (it says nothing)"},
	{REGISTRY_LOOK_UP, {403, "{\"error_code\":40301,\"message\":\"no write\"}", 0, NULL}, ERROR_STATE,
	 STATE_REGISTRY_DENIED, "refuses access to subject " SUBJECT " (403): no write"},
	{REGISTRY_REGISTER, {404, "<html>nothing here</html>", 0, NULL}, ERROR_INPUT, STATE_NONE,
	 "it answers 404: <html>nothing here</html>"},
	{REGISTRY_LOOK_UP, {404, "{\"error_code\":0,\"message\":\"x\"}", 0, NULL}, ERROR_INPUT, STATE_NONE,
	 "it answers 404: x"},
	{REGISTRY_LATEST, {302, "", 0, "Location: http://127.0.0.1:1/"}, ERROR_INPUT, STATE_NONE,
	 "it answers 302: (it says nothing)"},
};

static void refusals_name_subject_and_remedy(void **state)
{
	(void)state;
	FOR_EACH(row, refusals) {
		struct registry *registry = client_of(NULL);
		struct registry_request request = about_note(row->question);
		struct registry_answer answer;
		struct error err;

		http_server_script(server, &row->answer, 1);
		assert_int_equal(registry_get(registry, &request, &answer, &err), -1);
		assert_int_equal(err.class, row->class);
		assert_int_equal(err.state, row->named);
		assert_non_null(strstr(err.text, http_server_url(server)));
		if (!strstr(err.text, row->text))
			fail_msg("expected: %s\ngot: %s", row->text, err.text);
		assert_true(strlen(err.hint) > 20);
		assert_int_equal(http_server_count(server), 1);
		registry_free(registry);
	}
}

/* Trouble ------------------------------------------------------------------------------------- */

static void what_passes_is_tried_again(void **state)
{
	static const struct http_answer script[] = {
		{503, "", 0, NULL},
		{500, "{\"error_code\":50001,\"message\":\"Error in the backend data store\"}", 0, NULL},
		{200, "{\"id\":7}", HTTP_CLOSE, NULL},
		{200, "{\"id\":7}", HTTP_HALF, NULL},
		{200, "<html>please log in</html>", 0, NULL},
		{200, "{\"id\":\"seven\"}", 0, NULL},
		{429, "", 0, "Retry-After: 1"},
		{200, "{\"id\":7}", 0, NULL},
	};
	struct registry *registry = client_of(NULL);
	struct registry_request request = about_note(REGISTRY_REGISTER);
	struct registry_answer answer;
	struct error err;

	(void)state;
	SCRIPT(script);
	assert_ok(registry_get(registry, &request, &answer, &err), &err);
	assert_int_equal(answer.id, 7);
	assert_int_equal(http_server_count(server), COUNT_OF(script));
	assert_int_equal(registry_attempts(registry), COUNT_OF(script));
	assert_int_equal(registry_retries(registry), COUNT_OF(script) - 1);
	assert_non_null(strstr(registry_trouble(registry), "is in trouble (429)"));
	registry_free(registry);
}

static void a_conflict_with_an_attempt_of_our_own_passes(void **state)
{
	static const struct http_answer script[] = {
		{200, "{\"id\":7}", HTTP_CLOSE, NULL},
		{409, "{\"error_code\":409,\"message\":\"An artifact version already exists\"}", 0, NULL},
		{200, "{\"id\":7}", 0, NULL},
	};
	struct registry *registry = client_of(NULL);
	struct registry_request request = about_note(REGISTRY_REGISTER);
	struct registry_answer answer;
	struct error err;

	(void)state;
	SCRIPT(script);
	assert_ok(registry_get(registry, &request, &answer, &err), &err);
	assert_int_equal(answer.id, 7);
	registry_free(registry);
}

static void a_conflict_that_stays_is_refused(void **state)
{
	static const struct http_answer script[] = {
		{503, "", 0, NULL},
		{409, "{\"error_code\":409,\"message\":\"incompatible\"}", 0, NULL},
	};
	struct registry *registry = client_of(NULL);
	struct registry_request request = about_note(REGISTRY_REGISTER);
	struct registry_answer answer;
	struct error err;

	(void)state;
	SCRIPT(script);
	assert_int_equal(registry_get(registry, &request, &answer, &err), -1);
	assert_int_equal(err.state, STATE_SCHEMA_REFUSED);
	assert_int_equal(http_server_count(server), 5);
	registry_free(registry);
}

static void a_schema_that_is_never_taken_is_refused_in_the_end(void **state)
{
	static const struct http_answer script[] = {{500, "{\"error_code\":0,\"message\":\"NullPointerException\"}",
						     0, "Retry-After: 0"}};
	struct registry *registry = client_of(NULL);
	struct registry_request request = about_note(REGISTRY_REGISTER);
	struct registry_answer answer;
	struct error err;

	(void)state;
	SCRIPT(script);
	assert_int_equal(registry_get(registry, &request, &answer, &err), -1);
	assert_int_equal(err.state, STATE_SCHEMA_REFUSED);
	assert_non_null(strstr(err.text, "NullPointerException"));
	assert_int_equal(http_server_count(server), 10);
	registry_free(registry);
}

/* A step comes back in time, so that others are served. */
static void a_registry_that_hangs_holds_nobody_up(void **state)
{
	static const struct http_answer script[] = {{200, "", HTTP_HANG, NULL}, {200, "{\"id\":7}", 0, NULL}};
	struct registry_options options = {.timeout_us = 500 * USEC_PER_MSEC};
	struct registry *registry = client_of(&options);
	struct registry_request request = about_note(REGISTRY_REGISTER);
	struct registry_answer answer;
	struct error err;
	unsigned steps = 0;
	int answered = 0;

	(void)state;
	SCRIPT(script);
	registry_ask(registry, &request);
	while (answered == 0) {
		usec_t begun = clock_mono();

		answered = registry_step(registry, 20 * USEC_PER_MSEC, &answer, &err);
		assert_true(clock_mono() - begun < 300 * USEC_PER_MSEC);
		steps++;
	}
	assert_int_equal(answered, 1);
	assert_int_equal(answer.id, 7);
	assert_true(steps > 5);
	assert_non_null(strstr(registry_trouble(registry), "timed out"));
	registry_free(registry);
}

static void patience_has_an_end_where_that_is_wanted(void **state)
{
	struct registry_options options = {.url = "http://127.0.0.1:1", .patience_us = 300 * USEC_PER_MSEC};
	struct registry *registry = client_of(&options);
	struct registry_request request = about_note(REGISTRY_REGISTER);
	struct registry_answer answer;
	struct error err;

	(void)state;
	assert_int_equal(registry_get(registry, &request, &answer, &err), -1);
	assert_int_equal(err.class, ERROR_TRANSIENT);
	assert_non_null(strstr(err.text, "the schema registry http://127.0.0.1:1 cannot be asked: "));
	registry_free(registry);
}

static void a_question_can_be_given_up(void **state)
{
	static const struct http_answer script[] = {{200, "", HTTP_HANG, NULL}, {200, "{\"id\":8}", 0, NULL}};
	struct registry *registry = client_of(NULL);
	struct registry_request request = about_note(REGISTRY_REGISTER);
	struct registry_answer answer;
	struct error err;

	(void)state;
	SCRIPT(script);
	registry_ask(registry, &request);
	while (http_server_count(server) == 0)
		assert_int_equal(registry_step(registry, 10 * USEC_PER_MSEC, &answer, &err), 0);
	assert_ok(registry_get(registry, &request, &answer, &err), &err);
	assert_int_equal(answer.id, 8);
	registry_free(registry);
}

/* TLS ----------------------------------------------------------------------------------------- */

static char folder[] = "/tmp/tailwater-registry.XXXXXX";
static char ca[100], cert[100], key[100], other_ca[100];

static void make(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void make(const char *format, ...)
{
	char command[1000];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	assert_int_equal(system(command), 0);
}

static void make_ca(const char *name)
{
	make("cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout %s.key -out %s.pem "
	     "-subj /CN=%s -days 2 2>/dev/null", folder, name, name, name);
}

static int begin_tls(void **state)
{
	struct http_tls tls = {cert, key, ca};

	(void)state;
	assert_non_null(mkdtemp(folder));
	make_ca("ca");
	make_ca("other");
	make("cd %s && openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out req.pem "
	     "-subj /CN=both -addext subjectAltName=IP:127.0.0.1 2>/dev/null && "
	     "openssl x509 -req -in req.pem -CA ca.pem -CAkey ca.key -CAcreateserial -copy_extensions copy -days 2 -out cert.pem "
	     "2>/dev/null", folder);
	snprintf(ca, sizeof(ca), "%s/ca.pem", folder);
	snprintf(other_ca, sizeof(other_ca), "%s/other.pem", folder);
	snprintf(cert, sizeof(cert), "%s/cert.pem", folder);
	snprintf(key, sizeof(key), "%s/key.pem", folder);
	server = http_server_new(&tls);
	return 0;
}

static int end_tls(void **state)
{
	end_server(state);
	make("rm -rf %s", folder);
	return 0;
}

static void with_tls_both_sides_show_their_certificates(void **state)
{
	static const struct http_answer script[] = {{200, "{\"id\":7}", 0, NULL}};
	struct registry_options options = {.ca_file = ca, .cert_file = cert, .key_file = key};
	struct registry_request request = about_note(REGISTRY_REGISTER);
	struct registry *registry = client_of(&options);
	struct registry_answer answer;
	struct error err;

	(void)state;
	SCRIPT(script);
	assert_ok(registry_get(registry, &request, &answer, &err), &err);
	assert_int_equal(answer.id, 7);
	registry_free(registry);
}

static void a_server_of_another_authority_is_not_trusted(void **state)
{
	struct registry_options options = {.ca_file = other_ca, .cert_file = cert, .key_file = key};
	struct registry_request request = about_note(REGISTRY_REGISTER);
	struct registry *registry = client_of(&options);
	struct registry_answer answer;
	struct error err;

	(void)state;
	assert_int_equal(registry_get(registry, &request, &answer, &err), -1);
	assert_int_equal(err.state, STATE_REGISTRY_DENIED);
	assert_non_null(strstr(err.hint, "registry.ca_file"));
	registry_free(registry);
}

static void without_a_certificate_we_are_not_let_in(void **state)
{
	struct registry_options options = {.ca_file = ca, .patience_us = 300 * USEC_PER_MSEC};
	struct registry_request request = about_note(REGISTRY_REGISTER);
	struct registry *registry = client_of(&options);
	struct registry_answer answer;
	struct error err;

	(void)state;
	assert_int_equal(registry_get(registry, &request, &answer, &err), -1);
	assert_non_null(strstr(err.text, "cannot be asked"));
	registry_free(registry);
}

static void files_are_looked_at_in_time(void **state)
{
	struct registry_options options = {.url = "https://127.0.0.1", .ca_file = "/nonexistent/ca.pem"};
	struct registry_options no_cert = {.ca_file = ca, .cert_file = key, .key_file = cert};
	struct registry_request request = about_note(REGISTRY_REGISTER);
	struct registry_answer answer;
	struct registry *registry;
	struct error err;

	(void)state;
	assert_int_equal(registry_new(&registry, &options, &err), -1);
	assert_int_equal(err.class, ERROR_INPUT);
	assert_string_equal(err.text, "'registry.ca_file': cannot read '/nonexistent/ca.pem'");
	registry = client_of(&no_cert);
	assert_int_equal(registry_get(registry, &request, &answer, &err), -1);
	assert_int_equal(err.class, ERROR_INPUT);
	assert_non_null(strstr(err.hint, "registry.cert_file"));
	registry_free(registry);
}

int main(void)
{
	const struct CMUnitTest plain[] = {
		TEST("a schema is registered under its subject", a_schema_is_registered_under_its_subject),
		TEST("what a schema refers to and its kind are told", what_a_schema_refers_to_and_its_kind_are_told),
		TEST("subjects may hold any character", subjects_may_hold_any_character),
		TEST("schemas are found by id and by subject", schemas_are_found_by_id_and_by_subject),
		TEST("compatibility is asked for with its reasons", compatibility_is_asked_for_with_its_reasons),
		TEST("what is not there is an answer", what_is_not_there_is_an_answer),
		TEST("users, passwords and tokens are sent", users_passwords_and_tokens_are_sent),
		TEST("refusals name subject and remedy", refusals_name_subject_and_remedy),
		TEST("what passes is tried again", what_passes_is_tried_again),
		TEST("a conflict with an attempt of our own passes", a_conflict_with_an_attempt_of_our_own_passes),
		TEST("a conflict that stays is refused", a_conflict_that_stays_is_refused),
		TEST("a schema that is never taken is refused in the end",
		     a_schema_that_is_never_taken_is_refused_in_the_end),
		TEST("a registry that hangs holds nobody up", a_registry_that_hangs_holds_nobody_up),
		TEST("patience has an end where that is wanted", patience_has_an_end_where_that_is_wanted),
		TEST("a question can be given up", a_question_can_be_given_up),
	};
	const struct CMUnitTest tls[] = {
		TEST("with TLS both sides show their certificates", with_tls_both_sides_show_their_certificates),
		TEST("a server of another authority is not trusted", a_server_of_another_authority_is_not_trusted),
		TEST("without a certificate we are not let in", without_a_certificate_we_are_not_let_in),
		TEST("files are looked at in time", files_are_looked_at_in_time),
	};
	int failed = cmocka_run_group_tests_name("plain", plain, begin_server, end_server);

	return failed + cmocka_run_group_tests_name("tls", tls, begin_tls, end_tls);
}
