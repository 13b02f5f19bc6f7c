/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* One request to an agent on this machine: HTTP/1.0, so that the answer ends with the connection. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/control.h"
#include "control/http.h"

#define TIMEOUT_S 5
#define REQUEST_TIMEOUT_S 3600 /* a request waits for its moment; the agent says when that takes too long */
#define CODE_OK 200
#define CODE_WRONG 400
#define CODE_NOT_FOUND 404
#define ANSWER_MOST ((size_t)1 << 20)

static int fail(struct error *err, const char *listen, const char *what)
{
	return error_set(err, ERROR_TRANSIENT, "who listens on %s %s", listen, what);
}

static int set_timeout(int fd, int seconds)
{
	struct timeval timeout = {.tv_sec = seconds};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	return fd;
}

static int connect_to(const struct http_address *address)
{
	int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), saved;

	if (fd < 0)
		return -1;
	set_timeout(fd, TIMEOUT_S);
	if (connect(fd, (const struct sockaddr *)&address->storage, address->len) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* A path is a control socket. */
static int connect_by(const char *listen, struct error *err)
{
	struct http_address address;
	int fd;

	if (*listen == '/') {
		fd = control_connect(listen);
	} else {
		if (http_address_parse(view_of(listen), &address) < 0)
			return error_set(err, ERROR_INPUT, "'%s' is no address on loopback", listen);
		fd = connect_to(&address);
	}
	if (fd >= 0)
		return set_timeout(fd, TIMEOUT_S);
	error_clear(err);
	if (errno == ECONNREFUSED || errno == ENOENT)
		return -1;
	fd = errno;
	error_set(err, ERROR_TRANSIENT, "who listens on %s cannot be connected to: %s", listen, strerror(fd));
	return fd == EACCES ? error_hint(err, "run this as the agent's user: its control socket is open to that one alone") : -1;
}

static int send_all(int fd, struct view bytes)
{
	while (bytes.len) {
		ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

		if (sent <= 0)
			return -1;
		bytes = (struct view){bytes.ptr + sent, bytes.len - (size_t)sent};
	}
	return 0;
}

static int exchange(int fd, const struct writer *request, struct writer *answer)
{
	ssize_t got;

	if (send_all(fd, wr_view(request)) < 0)
		return -1;
	while ((got = recv(fd, wr_reserve(answer, 4096), 4096, 0)) > 0) {
		answer->len += (size_t)got;
		if (answer->len > ANSWER_MOST)
			return -1;
	}
	return got < 0 ? -1 : 0;
}

/* "HTTP/1.0 200 OK", headers, an empty line, the body. */
static int take_answer(struct writer *answer, struct writer *body)
{
	char *text, *end;
	int code = -1;

	wr_u8(answer, 0);
	text = answer->data;
	end = strstr(text, "\r\n\r\n");
	if (!end || sscanf(text, "HTTP/1.%*d %3d", &code) != 1)
		return -1;
	wr_bytes(body, end + 4, answer->len - 1 - (size_t)(end + 4 - text));
	return code;
}

/* The code of HTTP, or -1; closes the descriptor. */
static int converse(int fd, const char *listen, const struct writer *request, struct writer *body, struct error *err)
{
	struct writer answer = {0};
	int code = exchange(fd, request, &answer) < 0 ? -1 : take_answer(&answer, body);

	close(fd);
	wr_done(&answer);
	return code < 0 ? fail(err, listen, "does not answer as an agent") : code;
}

int http_get(const char *listen, const char *path, struct writer *body, struct error *err)
{
	struct writer request = {0};
	int fd = connect_by(listen, err), code;

	if (fd < 0)
		return err->class == ERROR_NONE ? 0 : -1;
	wr_printf(&request, "GET %s HTTP/1.0\r\n\r\n", path);
	code = converse(fd, listen, &request, body, err);
	wr_done(&request);
	return code;
}

/* Two lines at most: what is wrong, and what to do. */
static int complain(int code, struct view text, struct error *err)
{
	const char *end = text.len ? memchr(text.ptr, '\n', text.len) : NULL;
	size_t first = end ? (size_t)(end - text.ptr) : text.len, rest = end ? text.len - first - 1 : 0;

	while (rest && end[rest] == '\n')
		rest--;
	error_set(err, code == CODE_WRONG || code == CODE_NOT_FOUND ? ERROR_INPUT : ERROR_TRANSIENT, "%.*s", (int)first, text.ptr);
	return rest ? error_hint(err, "%.*s", (int)rest, end + 1) : -1;
}

int control_ask(const char *path, const char *name, struct view body, struct writer *answer, struct error *err)
{
	struct writer request = {0}, text = {0};
	int fd = connect_by(path, err), code;

	if (fd < 0)
		return err->class == ERROR_NONE ? 1 : -1;
	set_timeout(fd, REQUEST_TIMEOUT_S);
	wr_printf(&request, "POST %s%s HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", CONTROL_PREFIX,
		  name, body.len);
	wr_view_bytes(&request, body);
	code = converse(fd, path, &request, &text, err);
	if (code == CODE_OK)
		wr_view_bytes(answer, wr_view(&text));
	else if (code > 0)
		code = complain(code, wr_view(&text), err);
	wr_done(&request);
	wr_done(&text);
	return code == CODE_OK ? 0 : -1;
}
