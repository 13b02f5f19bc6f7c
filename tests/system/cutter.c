/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Frames of the Kafka protocol, of which only the begin matters:
 *
 *	request  i32 length of what follows, i16 api key, i16 version, i32 correlation id ...
 *	answer   i32 length of what follows, i32 correlation id ...
 */
#include "system/cutter.h"

#include <endian.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define END_TXN 26
#define REQUEST_HEAD 12
#define ANSWER_HEAD 8

/* One direction of a connection. */
struct flow {
	int from, to;
	unsigned head_bytes;     /* of a frame's begin */
	char head[REQUEST_HEAD];
	unsigned have;           /* of the head */
	uint32_t left;           /* of the frame, behind its head */
};

struct connection {
	struct relay_control *control;
	struct flow requests, answers;
	bool committing;         /* a commit was asked for, with this correlation id */
	uint32_t commit_id;
};

static uint32_t number_at(const char *bytes)
{
	uint32_t number;

	memcpy(&number, bytes, sizeof(number));
	return be32toh(number);
}

static bool cut(struct connection *connection)
{
	connection->control->wanted = CUT_NOTHING;
	relay_close(connection->control);
	return true;
}

/* True if the connection is to end before this frame. */
static bool see_request(struct connection *connection)
{
	const char *head = connection->requests.head;

	if (number_at(head + 4) >> 16 != END_TXN)
		return false;
	connection->committing = true;
	connection->commit_id = number_at(head + 8);
	return connection->control->wanted == CUT_REQUEST && cut(connection);
}

static bool see_answer(struct connection *connection)
{
	if (!connection->committing || number_at(connection->answers.head + 4) != connection->commit_id)
		return false;
	connection->committing = false;
	return connection->control->wanted == CUT_ANSWER && cut(connection);
}

/* Sends on what has arrived, frame by frame; false: the connection is at its end. */
static bool pass(struct connection *connection, struct flow *flow, bool (*see)(struct connection *connection),
		 const char *bytes, size_t len)
{
	while (len) {
		size_t part = flow->left < len ? flow->left : len;

		if (!flow->left) {
			flow->head[flow->have++] = *bytes++;
			len--;
			if (flow->have < flow->head_bytes)
				continue;
			flow->have = 0;
			flow->left = number_at(flow->head) + 4 - flow->head_bytes;
			if (see(connection) || !relay_send(flow->to, flow->head, flow->head_bytes))
				return false;
			continue;
		}
		if (!relay_send(flow->to, bytes, part))
			return false;
		flow->left -= (uint32_t)part;
		bytes += part;
		len -= part;
	}
	return true;
}

static bool take(struct connection *connection, struct flow *flow, bool (*see)(struct connection *connection))
{
	char bytes[65536];
	ssize_t got = recv(flow->from, bytes, sizeof(bytes), 0);

	return got > 0 && pass(connection, flow, see, bytes, (size_t)got);
}

void cutter_carry(struct relay_control *control, int client, int server)
{
	struct connection connection = {
		.control = control,
		.requests = {.from = client, .to = server, .head_bytes = REQUEST_HEAD},
		.answers = {.from = server, .to = client, .head_bytes = ANSWER_HEAD},
	};

	while (!relay_closed(control)) {
		struct pollfd fds[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};

		poll(fds, 2, 100);
		if (fds[0].revents && !take(&connection, &connection.requests, see_request))
			return;
		if (fds[1].revents && !take(&connection, &connection.answers, see_answer))
			return;
	}
}
