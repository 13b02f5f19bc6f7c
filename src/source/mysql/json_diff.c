/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 *   diffs      u8 what (0 replace, 1 insert, 2 remove), lenenc length and path, unless it is removed: lenenc length and binary
 *              document; and so on                                                          MySQL, json_diff.cc
 *   path       $, then .name or ."quoted name" or [number]; and so on
 *
 * They are applied to the text that the server prints: its order of keys and its blanks are known, and the rest of the text
 * stays as it is.
 */
#include <stdlib.h>

#include "base/reader.h"
#include "json.h"
#include "rows.h"

enum operation { REPLACE, INSERT, REMOVE };

/* A part of the text: from its key, if it has one, or its value, to its end. */
struct place {
	size_t from, value, end;
	bool found, first, last;
};

/* Texts ---------------------------------------------------------------------------------------- */

static size_t string_end(struct view text, size_t at)
{
	for (at++; at < text.len && text.ptr[at] != '"'; at++)
		at += text.ptr[at] == '\\';
	return at + 1;
}

/* Containers by their brackets, everything else up to what follows it. */
static size_t value_end(struct view text, size_t at)
{
	size_t depth = 0;

	while (at < text.len) {
		char c = text.ptr[at];

		if (c == '"') {
			at = string_end(text, at);
		} else if (c == '[' || c == '{') {
			depth++;
			at++;
		} else if (depth && (c == ']' || c == '}')) {
			depth--;
			at++;
		} else if (!depth && (c == ',' || c == ']' || c == '}')) {
			break;
		} else {
			at++;
			continue;
		}
		if (!depth)
			break;
	}
	return at < text.len ? at : text.len;
}

/* A key without its quotes, as it is stored. */
static void unescape(struct view quoted, struct writer *to)
{
	static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";

	for (size_t i = 1; i + 1 < quoted.len; i++) {
		const char *found;

		if (quoted.ptr[i] != '\\') {
			wr_u8(to, (uint8_t)quoted.ptr[i]);
			continue;
		}
		found = strchr(letters, quoted.ptr[++i]);
		if (quoted.ptr[i] == 'u' && i + 4 < quoted.len) {
			char digits[] = {quoted.ptr[i + 3], quoted.ptr[i + 4], '\0'}; /* control characters alone are told so */

			wr_u8(to, (uint8_t)strtoul(digits, NULL, 16));
			i += 4;
		} else {
			wr_u8(to, (uint8_t)(found && *found ? meant[found - letters] : quoted.ptr[i]));
		}
	}
}

/* Keys are ordered by their lengths, then by their bytes. */
static int compare_keys(struct view a, struct view b)
{
	struct writer left = {0}, right = {0};
	int result;

	unescape(a, &left);
	unescape(b, &right);
	result = left.len != right.len ? (left.len < right.len ? -1 : 1) : memcmp(wr_view(&left).ptr, wr_view(&right).ptr, left.len);
	wr_done(&left);
	wr_done(&right);
	return result;
}

/* Paths ---------------------------------------------------------------------------------------- */

struct leg {
	struct view key;   /* in quotes; of arrays VIEW_NONE */
	uint64_t number;
};

static int read_number(struct reader *path, struct leg *ret)
{
	ret->key = VIEW_NONE;
	ret->number = 0;
	while (rd_left(path) && *path->pos >= '0' && *path->pos <= '9' && ret->number < UINT32_MAX)
		ret->number = ret->number * 10 + (uint64_t)(rd_u8(path) - '0');
	return rd_u8(path) == ']' && !path->failed ? 0 : -1;
}

/* `spare` holds a name that has no quotes in the path. */
static int read_key(struct reader *path, struct writer *spare, struct leg *ret)
{
	const char *from = path->pos;
	size_t len = 0;

	if (rd_left(path) && *from == '"') {
		len = string_end((struct view){from, rd_left(path)}, 0);
		ret->key = rd_bytes(path, len);
		return path->failed ? -1 : 0;
	}
	while (len < rd_left(path) && from[len] != '.' && from[len] != '[')
		len++;
	wr_clear(spare);
	wr_u8(spare, '"');
	wr_view_bytes(spare, rd_bytes(path, len));
	wr_u8(spare, '"');
	ret->key = wr_view(spare);
	return 0;
}

static int read_leg(struct reader *path, struct writer *spare, struct leg *ret)
{
	switch (rd_u8(path)) {
	case '.':
		return read_key(path, spare, ret);
	case '[':
		return read_number(path, ret);
	default:
		return -1;
	}
}

/*
 * In the container at `at`: the part that a leg leads to, or if there is none the place of the one that it would stand before
 * (or that of the container's end: then from and end are the same).
 */
static int find_part(struct view text, size_t at, const struct leg *leg, struct place *ret)
{
	bool object = leg->key.ptr != NULL;
	uint64_t number = 0;

	if (at >= text.len || text.ptr[at] != (object ? '{' : '['))
		return -1;
	*ret = (struct place){.first = true};
	for (at++; at < text.len && text.ptr[at] != '}' && text.ptr[at] != ']'; number++) {
		int order = 0;

		ret->from = ret->value = at;
		if (object) {
			size_t end = string_end(text, at);

			if (end + 2 > text.len)
				return -1;
			order = compare_keys(leg->key, (struct view){text.ptr + at, end - at});
			ret->value = end + 2; /* behind ": " */
		}
		ret->end = value_end(text, ret->value);
		ret->found = object ? order == 0 : number == leg->number;
		ret->last = ret->end < text.len && text.ptr[ret->end] != ',';
		if (ret->found || order < 0)
			return 0;
		ret->first = false;
		at = ret->end + (ret->last ? 0 : 2);
	}
	ret->from = ret->value = ret->end = at;
	return at < text.len ? 0 : -1;
}

/* All legs but the last one lead to parts that are there. */
static int follow(struct view text, struct view path, struct writer *spare, struct leg *ret_leg, struct place *ret)
{
	struct reader rd = reader_of(path);
	struct place place = {.end = text.len, .found = true};

	if (rd_u8(&rd) != '$')
		return -1;
	*ret_leg = (struct leg){.key = VIEW_NONE};
	while (rd_left(&rd))
		if (!place.found || read_leg(&rd, spare, ret_leg) < 0 || find_part(text, place.value, ret_leg, &place) < 0)
			return -1;
	*ret = place;
	return 0;
}

/* Diffs ---------------------------------------------------------------------------------------- */

static struct view part(struct view text, size_t from, size_t to)
{
	return (struct view){text.ptr + from, to - from};
}

static int replace(struct view text, const struct place *place, struct view value, struct writer *to)
{
	if (!place->found)
		return -1;
	wr_view_bytes(to, part(text, 0, place->value));
	wr_view_bytes(to, value);
	wr_view_bytes(to, part(text, place->end, text.len));
	return 0;
}

/* Before the part that is there, or at the end of its container. */
static int insert(struct view text, const struct place *place, const struct leg *leg, struct view value, struct writer *to)
{
	bool at_end = place->from == place->end;

	if (leg->key.ptr && place->found)
		return -1;
	wr_view_bytes(to, part(text, 0, place->from));
	if (at_end && !place->first)
		wr_printf(to, ", ");
	if (leg->key.ptr)
		wr_printf(to, "%.*s: ", VIEW_ARG(leg->key));
	wr_view_bytes(to, value);
	if (!at_end)
		wr_printf(to, ", ");
	wr_view_bytes(to, part(text, place->from, text.len));
	return 0;
}

/* With the comma behind it, or the one before it. */
static int cut(struct view text, const struct place *place, struct writer *to)
{
	size_t from = place->from, end = place->end;

	if (!place->found || end == text.len)
		return -1;
	if (!place->last)
		end += 2;
	else if (!place->first)
		from -= 2;
	wr_view_bytes(to, part(text, 0, from));
	wr_view_bytes(to, part(text, end, text.len));
	return 0;
}

struct work {
	struct writer text, next, value, spare;
};

static int apply(struct work *work, struct reader *diffs)
{
	uint8_t operation = rd_u8(diffs);
	struct view path = rd_bytes(diffs, rd_lenenc(diffs)), binary = VIEW_NONE, text = wr_view(&work->text);
	struct place place;
	struct leg leg;

	if (operation != REMOVE)
		binary = rd_bytes(diffs, rd_lenenc(diffs));
	wr_clear(&work->value);
	if (diffs->failed || operation > REMOVE || follow(text, path, &work->spare, &leg, &place) < 0)
		return -1;
	if (operation != REMOVE && my_json_print(binary, &work->value) < 0)
		return -1;
	wr_clear(&work->next);
	switch (operation) {
	case REPLACE:
		return replace(text, &place, wr_view(&work->value), &work->next);
	case INSERT:
		return path.len > 1 ? insert(text, &place, &leg, wr_view(&work->value), &work->next) : -1;
	default:
		return cut(text, &place, &work->next);
	}
}

int my_json_apply(struct view text, struct view diffs, struct arena *arena, struct view *ret)
{
	struct reader rd = reader_of(diffs);
	struct work work = {{0}, {0}, {0}, {0}};
	int result = 0;

	wr_view_bytes(&work.text, text);
	while (result == 0 && rd_left(&rd)) {
		struct writer before = work.text;

		result = apply(&work, &rd);
		work.text = work.next;
		work.next = before;
	}
	*ret = arena_copy(arena, wr_view(&work.text));
	wr_done(&work.text);
	wr_done(&work.next);
	wr_done(&work.value);
	wr_done(&work.spare);
	return result;
}
