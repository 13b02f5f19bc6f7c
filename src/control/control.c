/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The control socket's file, and requests from their JSON to their answer. */
#include "control/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/yaml.h"

#define BACKLOG 16
#define PATIENCE_US (30 * USEC_PER_SEC)

/* The file ------------------------------------------------------------------------------------ */

/* A path that is too long for an address is reached by its directory's descriptor, which the caller closes; or -1. */
static int set_address(const char *path, struct sockaddr_un *ret)
{
	const char *name = strrchr(path, '/');
	char folder[4096];
	int fd;

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) < sizeof(ret->sun_path)) {
		strcpy(ret->sun_path, path);
		return -1;
	}
	snprintf(folder, sizeof(folder), "%.*s", name ? (int)(name - path) : 1, name ? path : ".");
	fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%.60s", fd, name ? name + 1 : path);
	return fd;
}

/* Calls bind or connect with the path's address. */
static int with_address(int fd, const char *path, int (*call)(int fd, const struct sockaddr *address, socklen_t len))
{
	struct sockaddr_un address;
	int folder = set_address(path, &address);
	int result = call(fd, (const struct sockaddr *)&address, sizeof(address)), saved = errno;

	if (folder >= 0)
		close(folder);
	errno = saved;
	return result;
}

static int close_with(int fd, int error)
{
	close(fd);
	errno = error;
	return -1;
}

int control_connect(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	return with_address(fd, path, connect) < 0 ? close_with(fd, errno) : fd;
}

/* 1: nobody listens there any more, 0: there is nothing, -1. */
static int look(const char *path, struct error *err)
{
	struct stat file;
	int fd;

	if (lstat(path, &file) < 0)
		return errno == ENOENT ? 0 : error_set(err, ERROR_INPUT, "control.socket %s: %s", path, strerror(errno));
	if (!S_ISSOCK(file.st_mode))
		return error_set(err, ERROR_INPUT, "control.socket %s is there, and no socket", path);
	fd = control_connect(path);
	if (fd < 0)
		return 1;
	close(fd);
	error_state(err, STATE_CONFLICT, "another agent answers on the control socket %s", path);
	return error_hint(err, "only one agent may run a source: stop it first; another source has another state file, and so another "
			       "socket");
}

/* The mode is the socket's before it has a name: nobody else can come in between. */
static int bind_at(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (fchmod(fd, S_IRUSR | S_IWUSR) < 0 || with_address(fd, path, bind) < 0 || listen(fd, BACKLOG) < 0)
		return close_with(fd, errno);
	return fd;
}

int control_listen(const char *path, int *ret_fd, struct error *err)
{
	int found = look(path, err);

	if (found < 0)
		return -1;
	if (found > 0)
		unlink(path);
	*ret_fd = bind_at(path);
	if (*ret_fd < 0) {
		error_set(err, ERROR_INPUT, "cannot listen on %s (control.socket): %s", path, strerror(errno));
		return error_hint(err, "set control.socket to a path that the agent can write, or to off");
	}
	return 0;
}

void control_unlisten(const char *path)
{
	unlink(path);
}

/* Requests ------------------------------------------------------------------------------------ */

static int find_field(const struct request_kind *kind, const char *name)
{
	for (int i = 0; kind->fields[i].name; i++)
		if (strcmp(kind->fields[i].name, name) == 0)
			return i;
	return -1;
}

static int read_switch(const struct request_field *field, const struct yaml_node *node, struct view *ret, struct error *err)
{
	bool on = view_is(node->text, "true");

	if (!node->plain || (!on && !view_is(node->text, "false")))
		return error_set(err, ERROR_INPUT, "'%s' is true or false", field->name);
	*ret = on ? node->text : VIEW_NONE;
	return 0;
}

static int read_member(struct request *request, const struct yaml_node *node, struct error *err)
{
	int i = find_field(request->kind, node->key);

	if (i < 0)
		return error_set(err, ERROR_INPUT, "'%s' has no member '%.100s'", request->kind->name, node->key);
	if (yaml_is_null(node))
		return 0;
	if (node->kind != YAML_SCALAR)
		return error_set(err, ERROR_INPUT, "'%s' is one value", node->key);
	if (request->kind->fields[i].type == REQUEST_SWITCH)
		return read_switch(&request->kind->fields[i], node, &request->values[i], err);
	request->values[i] = node->text;
	return 0;
}

static int read_request(struct request *request, const struct yaml_node *root, struct error *err)
{
	const struct request_field *fields = request->kind->fields;

	if (root && root->kind != YAML_MAPPING)
		return error_set(err, ERROR_INPUT, "the body of a request is a JSON object");
	for (const struct yaml_node *node = root ? root->first : NULL; node; node = node->next)
		if (read_member(request, node, err) < 0)
			return -1;
	for (size_t i = 0; fields[i].name; i++)
		if (fields[i].required && !request->values[i].ptr)
			return error_set(err, ERROR_INPUT, "'%s' needs a member '%s'", request->kind->name, fields[i].name);
	return 0;
}

/* Why nobody came. */
static int ask(const struct control *control, struct request *request, struct error *err)
{
	struct pipeline_view view;

	if (mailbox_ask(control->mailbox, request, PATIENCE_US, err) == 0)
		return 0;
	if (request->state == REQUEST_ANSWERED)
		return -1;
	pipeline_status_read(control->status, &view);
	error_context(err, "%s", pipeline_view_state(&view));
	return view.phase != PHASE_STREAMING && view.failure.class != ERROR_NONE ? error_hint(err, "the last error: %s", view.failure.text) : -1;
}

static unsigned code_of(const struct request *request, const struct error *err)
{
	if (err->class == ERROR_INPUT)
		return 400;
	return request->state == REQUEST_ANSWERED ? 500 : 503;
}

/* The first line says what and where. */
static int complain(struct view text, struct error *err)
{
	const char *end = text.len ? memchr(text.ptr, '\n', text.len) : NULL;

	return error_set(err, ERROR_INPUT, "the body is no JSON: %.*s", end ? (int)(end - text.ptr) : (int)text.len, text.ptr);
}

static int take(const struct control *control, struct request *request, struct view body, struct error *err)
{
	struct diagnostics diag = {0};
	struct yaml_file *file = yaml_parse("request", body, &diag);
	int result;

	if (file)
		result = read_request(request, file->root, err) < 0 ? -1 : ask(control, request, err);
	else
		result = complain(wr_view(&diag.text), err);
	yaml_file_free(file);
	diag_done(&diag);
	return result;
}

unsigned control_take(const struct control *control, const char *name, struct view body, struct writer *answer)
{
	struct request request = {.kind = request_kind_find(name)};
	struct error err = {0};
	unsigned code = 200;

	if (!request.kind) {
		wr_printf(answer, "there is no request '%.100s'\n", name);
		return 404;
	}
	if (take(control, &request, body, &err) < 0) {
		wr_printf(answer, "%s\n", err.text);
		if (*err.hint)
			wr_printf(answer, "%s\n", err.hint);
		code = code_of(&request, &err);
	} else {
		wr_view_bytes(answer, wr_view(&request.answer));
		wr_u8(answer, '\n');
	}
	wr_done(&request.answer);
	return code;
}
