/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Complaints with place, line and caret. */
#include "base/diagnostics.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <strings.h>

#define WORD_BYTES 63 /* longer words are not guessed at */

static void complain(struct diagnostics *diag, struct place at, const char *kind, const char *format, va_list args)
	__attribute__((format(printf, 4, 0)));

void diag_done(struct diagnostics *diag)
{
	wr_done(&diag->text);
}

static struct view source_line(const struct source_file *file, unsigned line)
{
	struct view rest = file->content;

	for (unsigned i = 1; i < line; i++) {
		const char *newline = rest.len ? memchr(rest.ptr, '\n', rest.len) : NULL;

		if (!newline)
			return VIEW_NONE;
		rest.len -= (size_t)(newline + 1 - rest.ptr);
		rest.ptr = newline + 1;
	}

	const char *newline = rest.len ? memchr(rest.ptr, '\n', rest.len) : NULL;

	if (newline)
		rest.len = (size_t)(newline - rest.ptr);
	return rest;
}

static const char *const secret_words[] = {"password", "passwd", "secret", "token", "credential", "key.pem", "jaas"};

/* Where such a word ends in the text, or NULL. */
static const char *find_secret_word(struct view text)
{
	for (size_t i = 0; i < sizeof(secret_words) / sizeof(secret_words[0]); i++) {
		size_t len = strlen(secret_words[i]);

		for (size_t at = 0; at + len <= text.len; at++)
			if (strncasecmp(text.ptr + at, secret_words[i], len) == 0)
				return text.ptr + at + len;
	}
	return NULL;
}

bool diag_names_secret(struct view name)
{
	return find_secret_word(name) != NULL;
}

/* The end of the part that may be shown, up to the colon behind a key that names a secret; NULL: all of it. */
static const char *secret_colon(struct view text)
{
	const char *word = find_secret_word(text);

	return word ? memchr(word, ':', (size_t)(text.ptr + text.len - word)) : NULL;
}

static size_t indent(struct view text)
{
	size_t count = 0;

	while (count < text.len && text.ptr[count] == ' ')
		count++;
	return count;
}

/* The line that a line hangs below: the last one above that is less indented. */
static struct view parent_line(const struct source_file *file, unsigned line)
{
	size_t depth = indent(source_line(file, line));

	while (--line > 0) {
		struct view above = source_line(file, line);

		if (indent(above) < depth && indent(above) < above.len)
			return above;
	}
	return VIEW_NONE;
}

static size_t shown_bytes(const struct source_file *file, unsigned line, struct view text)
{
	const char *colon = secret_colon(text);

	if (colon)
		return (size_t)(colon + 1 - text.ptr);
	return secret_colon(parent_line(file, line)) ? indent(text) : text.len;
}

static void show_line(struct diagnostics *diag, struct place at)
{
	struct view line = at.file && at.line ? source_line(at.file, at.line) : VIEW_NONE;
	size_t shown;

	if (!line.len)
		return;
	shown = shown_bytes(at.file, at.line, line);
	wr_printf(&diag->text, "  %.*s%s\n  ", (int)shown, line.ptr, shown < line.len ? " ***" : "");
	for (unsigned i = 1; i < at.column; i++)
		wr_u8(&diag->text, i <= line.len && line.ptr[i - 1] == '\t' ? '\t' : ' ');
	wr_printf(&diag->text, "^\n");
}

static void complain(struct diagnostics *diag, struct place at, const char *kind, const char *format, va_list args)
{
	char message[1500];

	vsnprintf(message, sizeof(message), format, args);
	if (at.file)
		wr_printf(&diag->text, "%s:", at.file->name);
	if (at.line)
		wr_printf(&diag->text, "%u:%u:", at.line, at.column);
	wr_printf(&diag->text, "%s%s: %s\n", at.file ? " " : "", kind, message);
	show_line(diag, at);
}

int diag_error(struct diagnostics *diag, struct place at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(diag, at, "error", format, args);
	va_end(args);
	diag->errors++;
	return -1;
}

void diag_warning(struct diagnostics *diag, struct place at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(diag, at, "warning", format, args);
	va_end(args);
	diag->warnings++;
}

/* Levenshtein distance, one row of the matrix at a time. */
static unsigned edit_distance(struct view a, struct view b)
{
	unsigned row[WORD_BYTES + 1];

	for (size_t j = 0; j <= b.len; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.len; j++) {
			unsigned above = row[j];
			unsigned best = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);

			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = above;
			row[j] = best;
		}
	}
	return row[b.len];
}

const char *diag_did_you_mean(struct view word, const char *const *candidates, size_t count)
{
	const char *best = NULL;
	unsigned least = word.len < 5 ? 2 : 4; /* must be below */

	if (word.len > WORD_BYTES)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		struct view candidate = view_of(candidates[i]);
		unsigned distance = candidate.len > WORD_BYTES ? UINT32_MAX : edit_distance(word, candidate);

		if (distance < least) {
			least = distance;
			best = candidates[i];
		}
	}
	return best;
}
