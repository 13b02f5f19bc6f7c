/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* One connection after the other, one request on each. */
#include "harness/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUESTS_MOST 64
#define REQUEST_BYTES 100000

struct http_server {
	int listener;
	int ending[2];          /* a pipe that is written at the end */
	char url[60];
	SSL_CTX *tls;
	pthread_t thread;
	pthread_mutex_t lock;
	const struct http_answer *answers;
	size_t answer_count;
	struct http_request requests[REQUESTS_MOST];
	size_t count;
};

struct connection {
	struct http_server *server;
	int fd;
	SSL *tls;
	char bytes[REQUEST_BYTES + 1];
	size_t len;
};

static int receive(struct connection *connection)
{
	char *to = connection->bytes + connection->len;
	int room = (int)(REQUEST_BYTES - connection->len);
	int got = connection->tls ? SSL_read(connection->tls, to, room)
		: (int)recv(connection->fd, to, (size_t)room, 0);

	if (got > 0)
		connection->len += (size_t)got;
	connection->bytes[connection->len] = '\0';
	return got;
}

static void say(struct connection *connection, const char *text, size_t len)
{
	if (connection->tls)
		SSL_write(connection->tls, text, (int)len);
	else if (send(connection->fd, text, len, MSG_NOSIGNAL) < 0)
		return;
}

/* True if the request is there whole; *ret_body is where its body begins. */
static bool is_whole(const struct connection *connection, const char **ret_body)
{
	const char *end = strstr(connection->bytes, "\r\n\r\n"),
		*length = strcasestr(connection->bytes, "\r\nContent-Length:");

	if (!end)
		return false;
	*ret_body = end + 4;
	return !length || length > end || strlen(*ret_body) >= strtoul(length + 17, NULL, 10);
}

static void keep(struct http_server *server, const struct connection *connection, const char *body)
{
	struct http_request *request = &server->requests[server->count];
	const char *line_end = strstr(connection->bytes, " HTTP/");

	snprintf(request->line, sizeof(request->line), "%.*s", (int)(line_end ? line_end - connection->bytes : 0),
		 connection->bytes);
	snprintf(request->headers, sizeof(request->headers), "%.*s", (int)(body - connection->bytes),
		 connection->bytes);
	free(request->body);
	request->body = strdup(body);
}

static struct http_answer next_answer(struct http_server *server, const struct connection *connection, const char *body)
{
	struct http_answer answer = {.status = 404};

	pthread_mutex_lock(&server->lock);
	if (server->answer_count)
		answer = server->answers[server->count < server->answer_count ? server->count
					 : server->answer_count - 1];
	if (server->count < REQUESTS_MOST)
		keep(server, connection, body), server->count++;
	pthread_mutex_unlock(&server->lock);
	return answer;
}

/* Until the client goes away, or the server ends. */
static void hang(struct connection *connection)
{
	struct pollfd fds[] = {{.fd = connection->fd, .events = POLLIN},
			       {.fd = connection->server->ending[0], .events = POLLIN}};

	poll(fds, 2, -1);
}

static void respond(struct connection *connection, const struct http_answer *answer)
{
	const char *body = answer->body ? answer->body : "";
	size_t len = strlen(body);
	char head[500];
	int head_len = snprintf(head, sizeof(head), "HTTP/1.1 %d Said\r\nContent-Length: %zu\r\nConnection: close\r\n%s%s\r\n",
				answer->status, len, answer->header ? answer->header : "", answer->header ? "\r\n"
					: "");

	if (answer->manner == HTTP_HANG)
		hang(connection);
	if (answer->manner == HTTP_HANG || answer->manner == HTTP_CLOSE)
		return;
	say(connection, head, (size_t)head_len);
	say(connection, body, answer->manner == HTTP_HALF ? len / 2 : len);
}

static void converse(struct connection *connection)
{
	const char *body = "";
	struct http_answer answer;

	while (!is_whole(connection, &body))
		if (receive(connection) <= 0)
			return;
	answer = next_answer(connection->server, connection, body);
	respond(connection, &answer);
	if (connection->tls)
		SSL_shutdown(connection->tls);
}

static void handle(struct http_server *server, int fd)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	connection->server = server;
	connection->fd = fd;
	if (server->tls) {
		connection->tls = SSL_new(server->tls);
		SSL_set_fd(connection->tls, fd);
	}
	if (!connection->tls || SSL_accept(connection->tls) == 1)
		converse(connection);
	SSL_free(connection->tls);
	close(fd);
	free(connection);
}

static void *serve(void *arg)
{
	struct http_server *server = arg;
	struct pollfd fds[] = {{.fd = server->listener, .events = POLLIN}, {.fd = server->ending[0], .events = POLLIN}};
	sigset_t pipe_signal;

	/* OpenSSL writes to connections that may be closed. */
	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
	for (;;) {
		poll(fds, 2, -1);
		if (fds[1].revents)
			return NULL;
		handle(server, accept(server->listener, NULL, NULL));
	}
}

static void prepare_tls(struct http_server *server, const struct http_tls *tls)
{
	server->tls = SSL_CTX_new(TLS_server_method());
	if (SSL_CTX_use_certificate_file(server->tls, tls->cert, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_use_PrivateKey_file(server->tls, tls->key, SSL_FILETYPE_PEM) != 1)
		abort();
	if (!tls->client_ca)
		return;
	if (SSL_CTX_load_verify_locations(server->tls, tls->client_ca, NULL) != 1)
		abort();
	SSL_CTX_set_verify(server->tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

struct http_server *http_server_new(const struct http_tls *tls)
{
	struct http_server *server = calloc(1, sizeof(*server));
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server->listener, (struct sockaddr *)&address, len) < 0 || listen(server->listener, 16) < 0 ||
	    getsockname(server->listener, (struct sockaddr *)&address, &len) < 0 || pipe(server->ending) < 0)
		abort();
	snprintf(server->url, sizeof(server->url), "%s://127.0.0.1:%d", tls ? "https" : "http",
		 ntohs(address.sin_port));
	if (tls)
		prepare_tls(server, tls);
	pthread_mutex_init(&server->lock, NULL);
	if (pthread_create(&server->thread, NULL, serve, server) != 0)
		abort();
	return server;
}

void http_server_free(struct http_server *server)
{
	if (write(server->ending[1], "x", 1) != 1)
		abort();
	pthread_join(server->thread, NULL);
	close(server->listener);
	close(server->ending[0]);
	close(server->ending[1]);
	SSL_CTX_free(server->tls);
	for (size_t i = 0; i < REQUESTS_MOST; i++)
		free(server->requests[i].body);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

const char *http_server_url(const struct http_server *server)
{
	return server->url;
}

void http_server_script(struct http_server *server, const struct http_answer *answers, size_t count)
{
	pthread_mutex_lock(&server->lock);
	server->answers = answers;
	server->answer_count = count;
	server->count = 0;
	pthread_mutex_unlock(&server->lock);
}

size_t http_server_count(struct http_server *server)
{
	size_t count;

	pthread_mutex_lock(&server->lock);
	count = server->count;
	pthread_mutex_unlock(&server->lock);
	return count;
}

const struct http_request *http_server_request(struct http_server *server, size_t i)
{
	return &server->requests[i];
}
