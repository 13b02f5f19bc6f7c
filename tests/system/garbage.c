/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A server that answers with garbage, with half a message, or closes in the middle of one. A relay stands before a real
 * server and, when told to, spoils one answer of it: of a login or of the running stream. The agent must not end, must
 * say one clear sentence, begin anew, and in the end have published every change once.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "harness/harness.h"
#include "harness/relay.h"
#include "system/trial.h"

struct fault {
	const char *name;
	bool at_login;     /* instead of the server's first answer; otherwise in the stream, behind a whole message */
	const char *bytes;
	size_t len;
	const char *said;
};

#define BYTES(text) text, sizeof(text) - 1

/* CopyData with an XLogData header; the length byte counts itself (4), w (1), three numbers (24) and the message. */
#define XLOG(len, message) "d\0\0\0" len "w\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" message

static const struct fault faults[] = {
	{"a login closed at once", true, BYTES(""), "connecting to PostgreSQL: "},
	{"a login answered with garbage", true, BYTES("HTTP/1.1 400 Bad Request\r\n\r\n<html>"), "connecting to PostgreSQL: "},
	{"half an authentication request", true, BYTES("R\0\0\0\14\0\0"), "connecting to PostgreSQL: "},
	{"an unknown authentication", true, BYTES("R\0\0\0\10\0\0\0\143"), "connecting to PostgreSQL: "},
	{"a stream closed between two messages", false, BYTES(""), "streaming: "},
	{"a stream of garbage", false, BYTES("\377\376\375\374\373\372\371\370\1\2\3\4\5\6\7"), "streaming: "},
	{"half a message", false, BYTES("d\0\0\0\200w\0\0\0\0\0\0"), "streaming: "},
	{"a length below its own", false, BYTES("d\0\0\0\1wwwwwwww"), "streaming: "},
	{"a part of a megabyte", false, BYTES("d\0\20\0\0w\0\0\0\0"), "streaming: "},
	{"an end of the copy", false, BYTES("c\0\0\0\4"), "streaming: "},
	{"an unknown message in the stream", false, BYTES("d\0\0\0\10zabc"), "an unknown message of type 0x7a in the stream"},
	{"an empty message in the stream", false, BYTES("d\0\0\0\4"), "streaming: "},
	{"a keepalive cut short", false, BYTES("d\0\0\0\10kabc"), "a garbled keepalive message"},
	{"an XLogData message cut short", false, BYTES("d\0\0\0\10wabc"), "a garbled XLogData message"},
	{"an XLogData message without content", false, BYTES(XLOG("\35", "")), "pgoutput message"},
	{"an unknown tag of pgoutput", false, BYTES(XLOG("\42", "Zabcd")), "pgoutput message"},
	{"a transaction's begin cut short", false, BYTES(XLOG("\42", "Babcd")), "cut short or garbled"},
	{"a change outside of a transaction", false, BYTES(XLOG("\45", "I\0\0\0\1N\0\0")), "a change of relation 1, of which the log has not told"},
	{"a relation that never ends", false, BYTES(XLOG("\53", "R\0\0\0\1name\0namen")), "cut short or garbled"},
};

static struct relay relay; /* it wants the number of the fault to make plus one */

/* The bytes of the fault and the end of the connection; true if it was wanted here. */
static bool spoil(struct relay_control *control, int client, bool at_login)
{
	int number = control->wanted;

	if (!number || faults[number - 1].at_login != at_login)
		return false;
	control->wanted = 0;
	relay_send(client, faults[number - 1].bytes, faults[number - 1].len);
	return true;
}

/* One connection, until one side ends it or it is spoilt. The server's answers in an idle stream are whole messages. */
static void carry(struct relay_control *control, int client, int server)
{
	struct pollfd fds[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
	bool answered = false, streaming = false;
	char bytes[65536];

	for (;;) {
		poll(fds, 2, 100);
		for (int i = 0; i < 2; i++) {
			ssize_t got;

			if (!fds[i].revents)
				continue;
			if (i == 1 && !answered && spoil(control, client, true))
				return;
			answered |= i == 1;
			got = recv(fds[i].fd, bytes, sizeof(bytes), 0);
			if (got <= 0 || !relay_send(fds[1 - i].fd, bytes, (size_t)got))
				return;
			streaming |= i == 0 && memmem(bytes, (size_t)got, "START_REPLICATION", 17);
		}
		if (streaming && !fds[1].revents && spoil(control, client, false))
			return;
	}
}

static void wait_for_stream(struct agent *agent, unsigned before)
{
	WAIT_UNTIL(agent_logged(agent, "streaming from") > before, 30, agent);
}

static void try_fault(struct agent *agent, int number)
{
	const struct fault *fault = &faults[number];
	unsigned said = agent_logged(agent, fault->said), streams = agent_logged(agent, "streaming from");
	unsigned retries = agent_logged(agent, "connecting again");
	char command[400];

	relay.control->wanted = number + 1;
	if (fault->at_login)
		scene_sql(agent->scene, "SELECT pg_terminate_backend(pid) FROM pg_stat_replication");
	wait_for_stream(agent, streams);
	if (relay.control->wanted)
		harness_fail(agent, "the fault was not made");
	if (agent_logged(agent, fault->said) != said + 1)
		harness_fail(agent, fault->said);
	if (agent_logged(agent, "connecting again") != retries + 1u + fault->at_login)
		harness_fail(agent, "more or less than one sentence for one fault");
	scene_sql(agent->scene, "INSERT INTO note VALUES (%d, $$after %s$$)", number, fault->name);
	snprintf(command, sizeof(command), "grep -a 'connecting again' %s | sed -n '$s/.*demo: //p'", agent->log);
	printf("%s: ", fault->name);
	fflush(stdout);
	if (system(command) != 0)
		harness_fail(agent, command);
}

int main(void)
{
	struct scene scene;
	struct agent agent;
	char real[64], path[300], command[400];
	FILE *file;

	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	scene_sql(&scene,
		  "CREATE TABLE note (id int PRIMARY KEY, text text); CREATE PUBLICATION tailwater FOR TABLE note");
	memcpy(real, scene.pg_address, sizeof(real));
	relay_listen(&relay);
	relay_serve(&relay, real, carry);
	memcpy(scene.pg_address, relay.address, sizeof(real));
	agent_init(&agent, &scene, "agent", "");
	file = fopen(agent.config, "w");
	fprintf(file, "source:\n  name: demo\n  host: 127.0.0.1\n  port: %s\n  dbname: postgres\n  user: postgres\n  parameters: {sslmode: disable}\n  slot: tailwater\n"
		"  create_slot: true\nkafka:\n  bootstrap.servers: %s\ntopics:\n  prefix: tw\n  partitions: 1\ntables:\n"
		"  include: [public.*]\nstate:\n  file: %s/agent.state\n", strchr(scene.pg_address, ':') + 1, scene.kafka_address, scene.dir);
	fclose(file);
	memcpy(scene.pg_address, real, sizeof(real));
	agent_start(&agent, NULL);
	wait_for_stream(&agent, 0);
	for (int i = 0; i < (int)COUNT_OF(faults); i++)
		try_fault(&agent, i);
	trial_let_it_finish(&agent);
	relay_end(&relay);
	if (agent_verb(&agent, "read --topic change.public.note", "note.jsonl") != 0)
		harness_fail(&agent, "`read` failed");
	snprintf(path, sizeof(path), "%s/note.jsonl", scene.dir);
	snprintf(command, sizeof(command), "test $(grep -c '\"op\":\"c\"' %s) = %zu", path, COUNT_OF(faults));
	if (system(command) != 0)
		harness_fail(&agent, "not every change was published once");
	scene_end(&scene);
	printf("every change is published once after all that\n");
	return 0;
}
