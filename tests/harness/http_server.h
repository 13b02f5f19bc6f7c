/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A small HTTP server in a thread of the test, on a free loopback port, that answers what it was told to: to the
 * first request the first answer of its script, and so on; the last one from then on. With TLS, if it is given a
 * certificate.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stddef.h>

enum http_manner {
	HTTP_ANSWER,
	HTTP_HANG,    /* takes the request, and says nothing */
	HTTP_CLOSE,   /* takes the request, and closes */
	HTTP_HALF,    /* closes in the middle of the body */
};

struct http_answer {
	int status;
	const char *body;
	enum http_manner manner;
	const char *header; /* one more, or NULL */
};

struct http_request {
	char line[1000];    /* "POST /subjects/..." */
	char headers[2000];
	char *body;         /* owned by the server */
};

/* Files in PEM. */
struct http_tls {
	const char *cert;
	const char *key;
	const char *client_ca; /* clients must have a certificate of it; NULL: none is asked for */
};

struct http_server;

struct http_server *http_server_new(const struct http_tls *tls);
void http_server_free(struct http_server *server);

/* "http://127.0.0.1:port", or https */
const char *http_server_url(const struct http_server *server);

/* A new script, borrowed; requests are counted anew. */
void http_server_script(struct http_server *server, const struct http_answer *answers, size_t count);

/* So many requests were taken since then; and the i-th of them. */
size_t http_server_count(struct http_server *server);
const struct http_request *http_server_request(struct http_server *server, size_t i);

#endif
