/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The listening socket and the answers to requests; what the answers say is pages.c's. */
#include "control/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

#define CONNECTIONS_MOST 16
#define TIMEOUT_S 5
#define CONNECTION_BYTES 16384
#define BACKLOG 16
#define CONTROL_TIMEOUT_S 600 /* longer than a request waits for its moment */

struct http {
	struct MHD_Daemon *daemon;
	const struct pages *pages;
	const struct control *control; /* NULL: nothing that changes anything is taken */
	uint16_t port;
};

/* A request whose body is being read. */
struct incoming {
	struct writer body;
	bool too_large;
};

/* Addresses ----------------------------------------------------------------------------------- */

static int parse_port(struct view text, uint16_t *ret)
{
	unsigned long port = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return -1;
		port = port * 10 + (unsigned)(text.ptr[i] - '0');
	}
	*ret = (uint16_t)port;
	return text.len > 0 && text.len <= 5 && port <= UINT16_MAX ? 0 : -1;
}

static int set_v4(const char *host, struct http_address *ret)
{
	struct sockaddr_in *address = (struct sockaddr_in *)&ret->storage;

	*address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(ret->port)};
	ret->len = sizeof(*address);
	return inet_pton(AF_INET, host, &address->sin_addr) == 1 && ntohl(address->sin_addr.s_addr) >> 24 == 127 ? 0 : -1;
}

static int set_v6(const char *host, struct http_address *ret)
{
	struct sockaddr_in6 *address = (struct sockaddr_in6 *)&ret->storage;

	*address = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(ret->port)};
	ret->len = sizeof(*address);
	return inet_pton(AF_INET6, host, &address->sin6_addr) == 1 && IN6_IS_ADDR_LOOPBACK(&address->sin6_addr) ? 0 : -1;
}

/* "127.0.0.1" or "[::1]"; a name is never looked up. */
static int set_host(struct view text, struct http_address *ret)
{
	char host[64];

	if (text.len >= sizeof(host))
		return -1;
	if (text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']') {
		snprintf(host, sizeof(host), "%.*s", (int)text.len - 2, text.ptr + 1);
		return set_v6(host, ret);
	}
	snprintf(host, sizeof(host), "%.*s", VIEW_ARG(text));
	return set_v4(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, ret);
}

int http_address_parse(struct view text, struct http_address *ret)
{
	const char *colon = text.len ? memrchr(text.ptr, ':', text.len) : NULL;
	size_t host = colon ? (size_t)(colon - text.ptr) : 0;

	*ret = (struct http_address){0};
	if (!colon || parse_port((struct view){colon + 1, text.len - host - 1}, &ret->port) < 0)
		return -1;
	return set_host((struct view){text.ptr, host}, ret);
}

/*
 * A page of some web site may have its name resolved to loopback, and read what is here through somebody's browser: the
 * name it asks for gives it away.
 */
static bool host_is_ours(const char *host)
{
	const char *colon = strrchr(host, ':');
	struct http_address ignored;

	if (colon && !strchr(colon, ']'))
		return http_address_parse(view_of(host), &ignored) == 0;
	return set_host(view_of(host), &ignored) == 0;
}

/* Answers ------------------------------------------------------------------------------------- */

static enum MHD_Result send_answer(struct MHD_Connection *connection, unsigned code, const char *type, struct writer *body)
{
	struct view text = wr_view(body);
	struct MHD_Response *response = MHD_create_response_from_buffer(text.len, (void *)text.ptr, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result = MHD_NO;

	wr_done(body);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, code, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned code, const char *why)
{
	struct writer body = {0};

	wr_printf(&body, "%s\n", why);
	return send_answer(connection, code, "text/plain; charset=utf-8", &body);
}

static enum MHD_Result send_page(const struct http *http, const struct page *page, struct MHD_Connection *connection)
{
	struct page_facts facts;
	struct writer body = {0};
	unsigned code;

	page_facts_take(http->pages, &facts);
	code = page->print(&facts, &body);
	return send_answer(connection, code, page->type, &body);
}

/* Requests ------------------------------------------------------------------------------------ */

static void take_body(struct incoming *incoming, const char *bytes, size_t *len)
{
	if (incoming->body.len + *len > CONTROL_BODY_MOST)
		incoming->too_large = true;
	else
		wr_bytes(&incoming->body, bytes, *len);
	*len = 0;
}

static enum MHD_Result send_control(const struct http *http, const char *url, const struct incoming *incoming,
				    struct MHD_Connection *connection)
{
	struct writer answer = {0};
	unsigned code;

	if (incoming->too_large)
		return refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large");
	code = control_take(http->control, url + strlen(CONTROL_PREFIX), wr_view(&incoming->body), &answer);
	return send_answer(connection, code, code == MHD_HTTP_OK ? "application/json" : "text/plain; charset=utf-8", &answer);
}

/* What changes something: the body is read first. */
static enum MHD_Result on_post(const struct http *http, struct MHD_Connection *connection, const char *url, const char *body,
			       size_t *body_bytes, void **context)
{
	if (!*context) {
		*context = MEM_NEW(struct incoming);
		return MHD_YES;
	}
	if (*body_bytes) {
		take_body(*context, body, body_bytes);
		return MHD_YES;
	}
	return send_control(http, url, *context, connection);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode how)
{
	struct incoming *incoming = *context;

	(void)arg;
	(void)connection;
	(void)how;
	if (incoming)
		wr_done(&incoming->body);
	free(incoming);
}

/* A page is answered as soon as the headers are there: what its request may have for a body is of no interest. */
static enum MHD_Result on_get(const struct http *http, struct MHD_Connection *connection, const char *url)
{
	const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	const struct page *page = page_find(url);

	if (!http->control && host && !host_is_ours(host))
		return refuse(connection, MHD_HTTP_FORBIDDEN, "this is for loopback addresses only");
	if (!page)
		return refuse(connection, MHD_HTTP_NOT_FOUND, "there is no such page");
	return send_page(http, page, connection);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
				  const char *version, const char *body, size_t *body_bytes, void **context)
{
	const struct http *http = arg;

	(void)version;
	if (strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)
		return on_get(http, connection, url);
	if (http->control && strcmp(method, MHD_HTTP_METHOD_POST) == 0 && strncmp(url, CONTROL_PREFIX, strlen(CONTROL_PREFIX)) == 0)
		return on_post(http, connection, url, body, body_bytes, context);
	return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD");
}

/* The server ---------------------------------------------------------------------------------- */

static int open_socket(const struct http_address *address, uint16_t *ret_port)
{
	int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
	struct sockaddr_storage bound;
	socklen_t len = sizeof(bound);

	if (fd < 0)
		return -1;
	/* A port that this agent had just before its restart may be had again at once. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&address->storage, address->len) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&bound, &len) < 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	*ret_port = ntohs(bound.ss_family == AF_INET ? ((struct sockaddr_in *)&bound)->sin_port
						     : ((struct sockaddr_in6 *)&bound)->sin6_port);
	return fd;
}

static struct MHD_Daemon *start_daemon(struct http *http, int fd)
{
	/* Who asks for something waits, and keeps nobody else waiting. */
	unsigned flags = http->control ? MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL
				       : MHD_USE_EPOLL_INTERNAL_THREAD;

	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, http,
				MHD_OPTION_LISTEN_SOCKET, fd,
				MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MOST,
				MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(http->control ? CONTROL_TIMEOUT_S : TIMEOUT_S),
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
				MHD_OPTION_END);
}

/* The descriptor is the server's from here on. */
static int start(struct http **ret, struct http template, int fd, struct error *err)
{
	struct http *http = MEM_NEW(struct http);

	*http = template;
	http->daemon = start_daemon(http, fd);
	if (!http->daemon) {
		close(fd);
		free(http);
		return error_set(err, ERROR_INTERNAL, "the thread that answers over HTTP cannot be had");
	}
	*ret = http;
	return 0;
}

int http_start(struct http **ret, const char *listen, const struct pages *pages, struct error *err)
{
	struct http http = {.pages = pages};
	struct http_address address;
	int fd;

	if (http_address_parse(view_of(listen), &address) < 0)
		return error_set(err, ERROR_INPUT, "'%s' is no address on loopback", listen);
	fd = open_socket(&address, &http.port);
	if (fd < 0)
		return error_set(err, ERROR_INPUT, "cannot listen on %s (http.listen): %s", listen, strerror(errno));
	return start(ret, http, fd, err);
}

int http_start_control(struct http **ret, int fd, const struct pages *pages, const struct control *control,
		       struct error *err)
{
	return start(ret, (struct http){.pages = pages, .control = control}, fd, err);
}

void http_stop(struct http *http)
{
	if (!http)
		return;
	MHD_stop_daemon(http->daemon);
	free(http);
}

uint16_t http_port(const struct http *http)
{
	return http->port;
}
