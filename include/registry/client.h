/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A client of schema registries that speak Confluent's API: Confluent, Apicurio (/apis/ccompat/v7), Karapace, Redpanda.
 *
 * One question at a time is asked (registry_ask) and then stepped until it is answered: a step lasts no longer than its
 * caller says, so that whoever waits can do in between what cannot wait. Connections that fail, timeouts, 408, 429
 * and 5xx are tried again by the client itself, less and less often; what it makes of other answers:
 *
 *	401, 403, a certificate that does not fit    REGISTRY_DENIED
 *	409, 422, any other 4xx to a schema          SCHEMA_REFUSED, with the subject
 *	404 with the registry's own code             an answer: not found
 *	404 without one, 3xx                         ERROR_INPUT: the URL does not lead to a registry
 *
 * Not to be shared by threads.
 */
#ifndef REGISTRY_CLIENT_H
#define REGISTRY_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/view.h"

struct registry;

/* Texts that are NULL are not used; all of them live longer than the client. */
struct registry_options {
	const char *url;           /* with the path that the subjects stand below */
	const char *user;          /* basic authentication */
	const char *password;
	const char *token;         /* ... or a bearer token */
	const char *ca_file;       /* PEM; NULL: the system's */
	const char *cert_file;     /* PEM: our own certificate ... */
	const char *key_file;      /* ... and its key, if it stands elsewhere */
	const char *key_password;
	usec_t timeout_us;         /* of one attempt */
	usec_t patience_us;        /* then it is ERROR_TRANSIENT; 0: it is tried for ever */
	usec_t pause_most_us;      /* between attempts; 0: 10 s */
};

enum schema_format { SCHEMA_AVRO, SCHEMA_JSON, SCHEMA_PROTOBUF };

/* Another schema that one uses by name. */
struct schema_reference {
	const char *name;
	const char *subject;
	int32_t version;
};

struct schema_text {
	struct view text;
	enum schema_format format;
	const struct schema_reference *references;
	size_t reference_count;
};

enum registry_question {
	REGISTRY_REGISTER,   /* subject, schema -> id */
	REGISTRY_LOOK_UP,    /* subject, schema -> id, version; changes nothing */
	REGISTRY_BY_ID,      /* id -> schema */
	REGISTRY_LATEST,     /* subject -> id, version, schema */
	REGISTRY_VERSION,    /* subject, version (as id) -> id, version, schema */
	REGISTRY_COMPATIBLE, /* subject, schema -> compatible with the latest version, reasons if not */
	REGISTRY_LEVEL,      /* -> level of compatibility; of all subjects, if none is given */
	REGISTRY_QUESTIONS,
};

struct registry_request {
	enum registry_question question;
	const char *subject;
	int32_t id;
	struct schema_text schema;
};

/* Its texts and references live until the next question. */
struct registry_answer {
	bool found;
	bool compatible;
	int32_t id;
	int32_t version;
	struct schema_text schema;
	struct view reasons;
	struct view level;
};

/* ERROR_INPUT if a file that the options name cannot be read. */
MUST_CHECK int registry_new(struct registry **ret, const struct registry_options *options, struct error *err);
void registry_free(struct registry *registry);

/* Begins a question; one that is not answered yet is given up. */
void registry_ask(struct registry *registry, const struct registry_request *request);

/* 1: answered, 0: not within the slice, -1: failed for good. */
MUST_CHECK int registry_step(struct registry *registry, usec_t slice_us, struct registry_answer *ret,
			     struct error *err);

/* Asks and waits. */
MUST_CHECK int registry_get(struct registry *registry, const struct registry_request *request,
			    struct registry_answer *ret, struct error *err);

/* Why the last attempt of the present question failed; NULL: none has yet. */
const char *registry_trouble(const struct registry *registry);

/* So many attempts were made since the beginning, and so many of them failed and were made again. */
uint64_t registry_attempts(const struct registry *registry);
uint64_t registry_retries(const struct registry *registry);

#endif
