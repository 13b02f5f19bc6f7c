/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "names.h"

#include <string.h>

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * How many characters Java sees in the UTF-8 sequence that a byte begins: none in one that goes on, two beyond U+FFFF.
 */
static int java_characters(char c)
{
	unsigned char byte = (unsigned char)c;

	return (byte & 0xc0) == 0x80 ? 0 : byte >= 0xf0 ? 2 : 1;
}

/* Room for a name: each byte at most doubled. */
static char *room_for(struct arena *arena, const char *text)
{
	return arena_alloc(arena, 2 * strlen(text) + 2);
}

static char *put_other(char *to, char c)
{
	for (int i = java_characters(c); i > 0; i--)
		*to++ = '_';
	return to;
}

static const char *adjust(struct arena *arena, const char *text, bool dots)
{
	char *name = room_for(arena, text), *to = name;
	bool first = true;

	for (; *text; text++) {
		if (first && is_digit(*text))
			*to++ = '_';
		if (is_letter(*text) || is_digit(*text) || (dots && !first && *text == '.'))
			*to++ = *text;
		else
			to = put_other(to, *text);
		first = dots && *text == '.';
	}
	if (first)
		*to++ = '_';
	*to = 0;
	return name;
}

const char *name_of_field(struct arena *arena, const char *text)
{
	return adjust(arena, text, false);
}

const char *name_of_schema(struct arena *arena, const char *text)
{
	return adjust(arena, text, true);
}

const char *name_of_topic(struct arena *arena, const char *text)
{
	char *name = room_for(arena, text), *to = name;

	for (; *text; text++) {
		if (is_letter(*text) || is_digit(*text) || *text == '.' || *text == '-')
			*to++ = *text;
		else
			to = put_other(to, *text);
	}
	*to = 0;
	return name;
}
