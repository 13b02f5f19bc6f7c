/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Questions on their way. A question is in one of three states: nothing is asked, an attempt is under way, or the
 * next one waits for its time. What an answer means is said in answer.c.
 *
 * Redirects are not followed: they would carry credentials to somebody else.
 */
#include "registry/client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "base/arena.h"
#include "base/memory.h"
#include "base/writer.h"

#define ANSWER_MOST ((size_t)16 << 20)         /* bytes; a schema of ours has some kilobytes */
#define PAUSE_FIRST_US (100 * USEC_PER_MSEC)
#define PAUSE_MOST_US (10 * USEC_PER_SEC)
#define ASKED_PAUSE_MOST 60                    /* seconds, that a registry can ask for */
#define MEDIA_TYPE "application/vnd.schemaregistry.v1+json"

enum asking { ASKING_NOTHING, ASKING_NOW, ASKING_LATER };

struct registry {
	struct registry_options options;
	char *base;                    /* the URL without a slash at the end */
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;

	enum asking asking;
	enum registry_question question;
	char *url, *subject;           /* of the present question */
	struct writer request, response;
	struct arena arena;            /* of its answer */
	usec_t asked_at;
	usec_t again_at;
	usec_t pause_us;
	unsigned tries, conflicts;
	bool too_long;
	struct error trouble;
	char words[CURL_ERROR_SIZE];

	uint64_t attempts, retries;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
}

/* Files are looked at now: a wrong path is the user's mistake, and no reason to try again. */
static int check_file(const char *option, const char *path, struct error *err)
{
	if (!path || access(path, R_OK) == 0)
		return 0;
	error_set(err, ERROR_INPUT, "'registry.%s': cannot read '%s'", option, path);
	return error_hint(err, "the user that Tailwater runs as must be able to read it");
}

static int check_files(const struct registry_options *options, struct error *err)
{
	if (check_file("ca_file", options->ca_file, err) < 0 || check_file("cert_file", options->cert_file, err) < 0)
		return -1;
	return check_file("key_file", options->key_file, err);
}

int registry_new(struct registry **ret, const struct registry_options *options, struct error *err)
{
	struct registry *registry;
	size_t len = strlen(options->url);

	if (check_files(options, err) < 0)
		return -1;
	pthread_once(&once, start_curl);
	registry = MEM_NEW(struct registry);
	while (len && options->url[len - 1] == '/')
		len--;
	registry->options = *options;
	registry->base = mem_text((struct view){options->url, len});
	registry->multi = curl_multi_init();
	registry->easy = curl_easy_init();
	if (!registry->multi || !registry->easy)
		abort();
	/* Without "Expect": some answer it late, or never. */
	registry->headers = curl_slist_append(NULL, "Expect:");
	registry->headers = curl_slist_append(registry->headers, "Content-Type: " MEDIA_TYPE);
	registry->headers = curl_slist_append(registry->headers, "Accept: " MEDIA_TYPE ", application/json");
	arena_init(&registry->arena);
	*ret = registry;
	return 0;
}

static void give_up(struct registry *registry)
{
	if (registry->asking == ASKING_NOW)
		curl_multi_remove_handle(registry->multi, registry->easy);
	registry->asking = ASKING_NOTHING;
}

void registry_free(struct registry *registry)
{
	if (!registry)
		return;
	give_up(registry);
	curl_easy_cleanup(registry->easy);
	curl_multi_cleanup(registry->multi);
	curl_slist_free_all(registry->headers);
	arena_done(&registry->arena);
	wr_done(&registry->request);
	wr_done(&registry->response);
	free(registry->url);
	free(registry->subject);
	free(registry->base);
	free(registry);
}

/* Asking -------------------------------------------------------------------------------------- */

static const struct {
	const char *before;  /* the subject or the id */
	const char *after;
	bool sends_schema;
	bool by_id;
	bool by_version;     /* `after` is followed by a number */
} questions[REGISTRY_QUESTIONS] = {
	[REGISTRY_REGISTER] = {"/subjects/", "/versions", true, false, false},
	[REGISTRY_LOOK_UP] = {"/subjects/", "", true, false, false},
	[REGISTRY_BY_ID] = {"/schemas/ids/", "", false, true, false},
	[REGISTRY_LATEST] = {"/subjects/", "/versions/latest", false, false, false},
	[REGISTRY_VERSION] = {"/subjects/", "/versions/", false, false, true},
	[REGISTRY_COMPATIBLE] = {"/compatibility/subjects/", "/versions/latest?verbose=true", true, false, false},
	[REGISTRY_LEVEL] = {"/config/", "", false, false, false},
};

static char *url_of(const struct registry *registry, const struct registry_request *request)
{
	const char *before = questions[request->question].before, *after = questions[request->question].after;
	char *subject, *url;

	if (questions[request->question].by_id)
		return mem_printf("%s%s%d%s", registry->base, before, request->id, after);
	if (!request->subject)
		return mem_printf("%s%.*s", registry->base, (int)strlen(before) - 1, before);
	subject = curl_easy_escape(registry->easy, request->subject, 0);
	if (!subject)
		abort();
	url = questions[request->question].by_version
		      ? mem_printf("%s%s%s%s%d", registry->base, before, subject, after, request->id)
		      : mem_printf("%s%s%s%s", registry->base, before, subject, after);
	curl_free(subject);
	return url;
}

void registry_ask(struct registry *registry, const struct registry_request *request)
{
	give_up(registry);
	free(registry->url);
	free(registry->subject);
	registry->question = request->question;
	registry->url = url_of(registry, request);
	registry->subject = request->subject ? mem_text(view_of(request->subject)) : NULL;
	wr_clear(&registry->request);
	if (questions[request->question].sends_schema)
		schema_body(&request->schema, &registry->request);
	registry->asked_at = registry->again_at = clock_mono();
	registry->pause_us = 0;
	registry->tries = registry->conflicts = 0;
	error_clear(&registry->trouble);
	registry->asking = ASKING_LATER;
}

/* One attempt --------------------------------------------------------------------------------- */

static size_t take_bytes(char *bytes, size_t size, size_t count, void *arg)
{
	struct registry *registry = arg;

	registry->too_long = registry->response.len + size * count > ANSWER_MOST;
	if (registry->too_long)
		return 0;
	wr_bytes(&registry->response, bytes, size * count);
	return size * count;
}

static void set_credentials(CURL *easy, const struct registry_options *options)
{
	if (options->user) {
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(easy, CURLOPT_USERNAME, options->user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, options->password ? options->password : "");
	} else if (options->token) {
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
		curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, options->token);
	}
	if (options->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
	if (!options->cert_file)
		return;
	curl_easy_setopt(easy, CURLOPT_SSLCERT, options->cert_file);
	curl_easy_setopt(easy, CURLOPT_SSLKEY, options->key_file ? options->key_file : options->cert_file);
	curl_easy_setopt(easy, CURLOPT_KEYPASSWD, options->key_password);
}

static void set_request(struct registry *registry)
{
	CURL *easy = registry->easy;
	long timeout_ms = (long)(registry->options.timeout_us / USEC_PER_MSEC);

	curl_easy_reset(easy);
	curl_easy_setopt(easy, CURLOPT_URL, registry->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, registry->headers);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, registry);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, registry->words);
	if (questions[registry->question].sends_schema) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, registry->request.data);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)registry->request.len);
	}
	set_credentials(easy, &registry->options);
}

static void begin_attempt(struct registry *registry)
{
	set_request(registry);
	wr_clear(&registry->response);
	arena_reset(&registry->arena);
	registry->words[0] = '\0';
	registry->too_long = false;
	registry->tries++;
	registry->attempts++;
	if (curl_multi_add_handle(registry->multi, registry->easy) != CURLM_OK)
		abort();
	registry->asking = ASKING_NOW;
}

/* What goes wrong before there is an answer. All that is not here is the network, and passes. */
static const struct {
	CURLcode code;
	enum named_state state; /* STATE_NONE: an error of input */
	const char *hint;
} lasting_failures[] = {
	{CURLE_PEER_FAILED_VERIFICATION, STATE_REGISTRY_DENIED,
	 "the server's certificate must be issued by one of registry.ca_file (or, without that, of the system) for the name in "
	 "registry.url"},
	{CURLE_SSL_CACERT_BADFILE, STATE_NONE, "registry.ca_file must hold certificates in PEM"},
	{CURLE_SSL_CERTPROBLEM, STATE_NONE,
	 "registry.cert_file and registry.key_file must be a certificate and its key in PEM, registry.key_password the key's"},
	{CURLE_URL_MALFORMAT, STATE_NONE, "registry.url must be as in http://registry.example.net:8081"},
	{CURLE_UNSUPPORTED_PROTOCOL, STATE_NONE, "registry.url must begin with http:// or https://"},
};

static enum verdict judge_failure(struct registry *registry, CURLcode code, struct error *err)
{
	const char *words = registry->too_long	? "the answer is too long"
			    : registry->words[0] ? registry->words
						 : curl_easy_strerror(code);

	error_set(err, ERROR_TRANSIENT, "the schema registry %s cannot be asked: %s", registry->base, words);
	for (size_t i = 0; i < sizeof(lasting_failures) / sizeof(lasting_failures[0]); i++) {
		if (lasting_failures[i].code != code)
			continue;
		err->class = lasting_failures[i].state ? ERROR_STATE : ERROR_INPUT;
		err->state = lasting_failures[i].state;
		error_hint(err, "%s", lasting_failures[i].hint);
		return VERDICT_FAILED;
	}
	return VERDICT_AGAIN;
}

static enum verdict judge(struct registry *registry, CURLcode code, struct registry_answer *ret, struct error *err)
{
	struct response response = {
		.question = registry->question,
		.url = registry->base,
		.subject = registry->subject,
		.body = wr_view(&registry->response),
		.attempts = registry->tries,
	};

	if (code != CURLE_OK)
		return judge_failure(registry, code, err);
	curl_easy_getinfo(registry->easy, CURLINFO_RESPONSE_CODE, &response.status);
	registry->conflicts += response.status == 409;
	response.conflicts = registry->conflicts;
	return response_read(&response, &registry->arena, ret, err);
}

/* Twice as long each time, and never for two clients alike. */
static usec_t next_pause(struct registry *registry)
{
	usec_t most = registry->options.pause_most_us ? registry->options.pause_most_us : PAUSE_MOST_US;
	curl_off_t asked = 0;
	usec_t pause;

	registry->pause_us = registry->pause_us ? registry->pause_us * 2 : PAUSE_FIRST_US;
	if (registry->pause_us > most)
		registry->pause_us = most;
	pause = registry->pause_us - clock_mono() % (registry->pause_us / 4);
	curl_easy_getinfo(registry->easy, CURLINFO_RETRY_AFTER, &asked);
	if (asked > ASKED_PAUSE_MOST)
		asked = ASKED_PAUSE_MOST;
	return asked * USEC_PER_SEC > pause ? asked * USEC_PER_SEC : pause;
}

static int try_again(struct registry *registry, struct error *err)
{
	usec_t now = clock_mono(), patience = registry->options.patience_us;

	registry->trouble = *err;
	registry->again_at = now + next_pause(registry);
	if (patience && registry->again_at - registry->asked_at > patience)
		return -1;
	registry->asking = ASKING_LATER;
	registry->retries++;
	return 0;
}

static int end_attempt(struct registry *registry, CURLcode code, struct registry_answer *ret, struct error *err)
{
	enum verdict verdict;

	give_up(registry);
	verdict = judge(registry, code, ret, err);
	if (verdict == VERDICT_AGAIN)
		return try_again(registry, err);
	return verdict == VERDICT_ANSWERED ? 1 : -1;
}

/* Steps --------------------------------------------------------------------------------------- */

static void wait_a_slice(struct registry *registry, usec_t slice_us)
{
	if (slice_us > 0)
		curl_multi_poll(registry->multi, NULL, 0, (int)((slice_us + USEC_PER_MSEC - 1) / USEC_PER_MSEC), NULL);
}

/* True if the attempt has come to its end. */
static bool attempt_ended(struct registry *registry, CURLcode *ret_code)
{
	int running = 0, left;
	CURLMsg *message;

	curl_multi_perform(registry->multi, &running);
	message = curl_multi_info_read(registry->multi, &left);
	if (!message || message->msg != CURLMSG_DONE)
		return false;
	*ret_code = message->data.result;
	return true;
}

int registry_step(struct registry *registry, usec_t slice_us, struct registry_answer *ret, struct error *err)
{
	usec_t end = clock_mono() + slice_us;
	CURLcode code;

	if (registry->asking == ASKING_NOTHING)
		return error_set(err, ERROR_INTERNAL, "the schema registry was asked nothing");
	do {
		usec_t now = clock_mono();

		if (registry->asking == ASKING_LATER && now >= registry->again_at)
			begin_attempt(registry);
		if (registry->asking == ASKING_LATER) {
			wait_a_slice(registry, end < registry->again_at ? end - now : registry->again_at - now);
			continue;
		}
		if (attempt_ended(registry, &code)) {
			int answered = end_attempt(registry, code, ret, err);

			if (answered)
				return answered;
		} else {
			wait_a_slice(registry, end - now);
		}
	} while (clock_mono() < end);
	return 0;
}

int registry_get(struct registry *registry, const struct registry_request *request, struct registry_answer *ret,
		 struct error *err)
{
	int answered;

	registry_ask(registry, request);
	while ((answered = registry_step(registry, 200 * USEC_PER_MSEC, ret, err)) == 0)
		;
	return answered < 0 ? -1 : 0;
}

const char *registry_trouble(const struct registry *registry)
{
	return registry->trouble.class == ERROR_NONE ? NULL : registry->trouble.text;
}

uint64_t registry_attempts(const struct registry *registry)
{
	return registry->attempts;
}

uint64_t registry_retries(const struct registry *registry)
{
	return registry->retries;
}
