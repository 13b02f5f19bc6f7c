/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Where a secret comes from: one row for each kind of reference. */
#include "control/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/writer.h"

struct expansion {
	struct place at;
	struct diagnostics *diag;
	struct writer out;
};

static int read_all(int fd, struct writer *out)
{
	size_t before = out->len;

	for (;;) {
		ssize_t got = read(fd, wr_reserve(out, 4096), 4096);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -1 : 0;
		out->len += (size_t)got;
		if (out->len - before > SECRET_BYTES_MAX) {
			errno = EFBIG;
			return -1;
		}
	}
}

/* Editors and echo end a file with a newline that is no part of the secret. */
static void strip_newline(struct writer *out, size_t from)
{
	while (out->len > from && (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == '\r'))
		out->len--;
}

static int take_file(struct expansion *ex, const char *path, bool check_mode)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t from = ex->out.len;
	struct stat status;
	int result;

	if (fd < 0)
		return diag_error(ex->diag, ex->at, "cannot read the secret in '%s': %s", path, strerror(errno));
	if (check_mode && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & (S_IROTH | S_IWOTH)))
		diag_warning(ex->diag, ex->at,
			     "everybody on this machine may read the secret in '%s'; run: chmod 600 '%s'", path, path);
	result = read_all(fd, &ex->out);
	if (result < 0)
		diag_error(ex->diag, ex->at, "cannot read the secret in '%s': %s", path, strerror(errno));
	close(fd);
	strip_newline(&ex->out, from);
	return result;
}

static int expand_file(struct expansion *ex, const char *path)
{
	if (*path != '/')
		return diag_error(ex->diag, ex->at, "${file:%s}: the path must begin with '/'", path);
	return take_file(ex, path, true);
}

static int expand_credential(struct expansion *ex, const char *name)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char path[4096];

	if (!*name || strchr(name, '/') || *name == '.')
		return diag_error(ex->diag, ex->at, "${cred:%s}: this is no name of a credential", name);
	if (!folder)
		return diag_error(ex->diag, ex->at,
				  "${cred:%s}: $CREDENTIALS_DIRECTORY is not set; systemd sets it for a unit with "
				  "LoadCredential=%s:...",
				  name, name);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return take_file(ex, path, false);
}

static int expand_environment(struct expansion *ex, const char *name)
{
	const char *value = getenv(name);

	if (!value)
		return diag_error(ex->diag, ex->at, "${env:%s}: this variable is not set", name);
	wr_bytes(&ex->out, value, strlen(value));
	return 0;
}

static const struct {
	const char *prefix;
	int (*expand)(struct expansion *ex, const char *argument);
} kinds[] = {
	{"file:", expand_file},
	{"cred:", expand_credential},
	{"env:", expand_environment},
};

static int expand_reference(struct expansion *ex, struct view inside)
{
	char text[4096];

	snprintf(text, sizeof(text), "%.*s", VIEW_ARG(inside));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
			return kinds[i].expand(ex, text + strlen(kinds[i].prefix));
	return diag_error(ex->diag, ex->at,
			  "${%s}: a reference is ${file:/path}, ${cred:name} or ${env:NAME}; a plain ${ "
			  "is written $${",
			  text);
}

static bool starts(struct view text, size_t at, struct view with)
{
	return text.len - at >= with.len && memcmp(text.ptr + at, with.ptr, with.len) == 0;
}

bool secrets_mentioned(struct view text)
{
	for (size_t at = 0; at < text.len; at++) {
		if (starts(text, at, VIEW("$${")))
			at += 2;
		else if (starts(text, at, VIEW("${")))
			return true;
	}
	return false;
}

static int expand_all(struct expansion *ex, struct view text)
{
	for (size_t at = 0; at < text.len; at++) {
		const char *end;

		if (starts(text, at, VIEW("$${"))) {
			wr_bytes(&ex->out, "${", 2);
			at += 2;
			continue;
		}
		if (!starts(text, at, VIEW("${"))) {
			wr_u8(&ex->out, (uint8_t)text.ptr[at]);
			continue;
		}
		end = memchr(text.ptr + at, '}', text.len - at);
		if (!end)
			return diag_error(ex->diag, ex->at, "a reference ${... has no '}'");
		if (expand_reference(ex, (struct view){text.ptr + at + 2, (size_t)(end - text.ptr) - at - 2}) < 0)
			return -1;
		at = (size_t)(end - text.ptr);
	}
	return 0;
}

int secrets_expand(struct view text, struct place at, struct arena *arena, struct view *ret, struct diagnostics *diag)
{
	struct expansion ex = {.at = at, .diag = diag};
	int result = expand_all(&ex, text);

	if (result == 0 && ex.out.len && memchr(ex.out.data, '\0', ex.out.len))
		result = diag_error(diag, at, "this text has a zero byte in it");
	if (result == 0)
		*ret = arena_copy(arena, wr_view(&ex.out));
	if (ex.out.data)
		explicit_bzero(ex.out.data, ex.out.capacity);
	wr_done(&ex.out);
	return result;
}
