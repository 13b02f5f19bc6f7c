/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Array literals of PostgreSQL (array_out of the server). */
#include "base/array_text.h"

#include <string.h>

#define DIMENSIONS_MOST 6 /* MAXDIM of the server */

static bool skip(struct array_text *at, char c)
{
	if (at->pos == at->end || *at->pos != c)
		return false;
	at->pos++;
	return true;
}

static bool skip_number(struct array_text *at)
{
	const char *start;

	skip(at, '-');
	for (start = at->pos; at->pos < at->end && *at->pos >= '0' && *at->pos <= '9';)
		at->pos++;
	return at->pos > start;
}

/* "[5:6][-1:0]=", or nothing */
static bool skip_bounds(struct array_text *at)
{
	bool any = false;

	while (skip(at, '[')) {
		if (!skip_number(at) || !skip(at, ':') || !skip_number(at) || !skip(at, ']'))
			return false;
		any = true;
	}
	return !any || skip(at, '=');
}

/* Behind the opening quote; ends behind the closing one. */
static bool skip_quoted(struct array_text *at)
{
	for (; at->pos < at->end && *at->pos != '"'; at->pos++)
		if (*at->pos == '\\' && ++at->pos == at->end)
			return false;
	return skip(at, '"');
}

static bool skip_plain(struct array_text *at)
{
	const char *start = at->pos;

	while (at->pos < at->end && !strchr(",{}\"\\", *at->pos))
		at->pos++;
	return at->pos > start;
}

static bool skip_element(struct array_text *at)
{
	return skip(at, '"') ? skip_quoted(at) : skip_plain(at);
}

/* Braces opened and closed as they come; all elements are equally deep. */
static int measure(struct array_text *at, size_t *ret_count)
{
	int depth = 0, deepest = 0;
	size_t count = 0;

	do {
		while (skip(at, '{'))
			depth++;
		if (depth > DIMENSIONS_MOST || !skip_element(at) || (deepest && depth != deepest))
			return -1;
		deepest = depth;
		count++;
		while (depth && skip(at, '}'))
			depth--;
	} while (depth && skip(at, ','));
	if (depth || at->pos != at->end)
		return -1;
	*ret_count = count;
	return deepest;
}

int array_text_measure(struct view text, size_t *ret_count)
{
	struct array_text at = {text.ptr, text.ptr + text.len};

	*ret_count = 0;
	if (view_is(text, "{}"))
		return 0;
	if (!skip_bounds(&at) || at.pos == at.end || *at.pos != '{')
		return -1;
	return measure(&at, ret_count);
}

struct array_text array_text_begin(struct view text)
{
	struct array_text array = {text.ptr, text.ptr + text.len};

	skip_bounds(&array);
	return array;
}

static struct view unquoted(struct view text, struct arena *arena)
{
	char *copy, *to;

	if (!text.len || !memchr(text.ptr, '\\', text.len))
		return text;
	copy = to = arena_alloc(arena, text.len);
	for (size_t i = 0; i < text.len; i++)
		*to++ = text.ptr[i] == '\\' ? text.ptr[++i] : text.ptr[i];
	return (struct view){copy, (size_t)(to - copy)};
}

struct view array_text_next(struct array_text *array, struct arena *arena)
{
	struct view text;
	bool quoted;

	while (*array->pos == '{' || *array->pos == '}' || *array->pos == ',')
		array->pos++;
	quoted = *array->pos == '"';
	text.ptr = array->pos + quoted;
	skip_element(array);
	text.len = (size_t)(array->pos - text.ptr) - quoted;
	if (quoted)
		return unquoted(text, arena);
	return view_is(text, "NULL") ? VIEW_NONE : text;
}
