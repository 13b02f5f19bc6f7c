/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Text and bytes by pointer and length, passed by value. A view owns nothing: its lifetime is stated where it is
 * produced. A view with a NULL pointer is "no text" (as opposed to an empty one).
 */
#ifndef BASE_VIEW_H
#define BASE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct view {
	const char *ptr;
	size_t len;
};

#define VIEW_NONE ((struct view){NULL, 0})
#define VIEW(literal) ((struct view){(literal), sizeof(literal) - 1})

/* For printf: "%.*s" with VIEW_ARG(v). */
#define VIEW_ARG(v) (int)(v).len, (v).ptr

/* A NUL-terminated text without its NUL; NULL is VIEW_NONE. */
static inline struct view view_of(const char *text)
{
	return text ? (struct view){text, strlen(text)} : VIEW_NONE;
}

/* The same bytes; no text equals an empty one. */
static inline bool view_equal(struct view a, struct view b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* The same as a NUL-terminated text. */
static inline bool view_is(struct view v, const char *text)
{
	return view_equal(v, view_of(text));
}

/* Order of bytes, a prefix before what it is a prefix of: <0, 0, >0. */
static inline int view_compare(struct view a, struct view b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.ptr, b.ptr, len) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* Takes what stands before a character, or all, off the begin of a text, and the character with it. */
static inline struct view view_take(struct view *rest, char end)
{
	const char *found = rest->len ? (const char *)memchr(rest->ptr, end, rest->len) : NULL;
	struct view taken = {rest->ptr, found ? (size_t)(found - rest->ptr) : rest->len};
	size_t skip = taken.len + (found != NULL);

	rest->ptr += skip;
	rest->len -= skip;
	return taken;
}

/* The beginning of a text, of at most so many bytes: a character of UTF-8 is not cut in two. */
static inline struct view view_cut(struct view text, size_t most)
{
	if (text.len <= most)
		return text;
	while (most && ((unsigned char)text.ptr[most] & 0xc0) == 0x80)
		most--;
	return (struct view){text.ptr, most};
}

#endif
