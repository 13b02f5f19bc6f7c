/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* One request to an agent on this machine: HTTP/1.0, so that the answer ends with the connection. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/http.h"

#define TIMEOUT_S 5
#define ANSWER_MOST ((size_t)1 << 20)

static int fail(struct error *err, const char *listen, const char *what)
{
	return error_set(err, ERROR_TRANSIENT, "who listens on %s %s", listen, what);
}

static int connect_to(const struct http_address *address)
{
	int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), saved;
	struct timeval timeout = {.tv_sec = TIMEOUT_S};

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (const struct sockaddr *)&address->storage, address->len) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int exchange(int fd, const char *path, struct writer *answer)
{
	char request[200];
	int len = snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n\r\n", path);
	ssize_t got;

	if (send(fd, request, (size_t)len, MSG_NOSIGNAL) != len)
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

int http_get(const char *listen, const char *path, struct writer *body, struct error *err)
{
	struct http_address address;
	struct writer answer = {0};
	int fd, code;

	if (http_address_parse(view_of(listen), &address) < 0)
		return error_set(err, ERROR_INPUT, "'%s' is no address on loopback", listen);
	fd = connect_to(&address);
	if (fd < 0)
		return errno == ECONNREFUSED ? 0 : fail(err, listen, "cannot be connected to");
	code = exchange(fd, path, &answer) < 0 ? -1 : take_answer(&answer, body);
	close(fd);
	wr_done(&answer);
	return code < 0 ? fail(err, listen, "does not answer as an agent") : code;
}
