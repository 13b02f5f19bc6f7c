/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "base/json.h"

#include <stdint.h>

#include "base/utf8.h"

/* The letter after the backslash in the short form of an escape, or 0. */
static char short_escape(char c)
{
	static const char letters[128] = {
		['"'] = '"', ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['\b'] = 'b', ['\f'] = 'f',
	};

	return (unsigned char)c < sizeof(letters) ? letters[(unsigned char)c] : 0;
}

static void write_character(struct writer *wr, struct view character)
{
	char letter = short_escape(*character.ptr);

	if (letter) {
		wr_u8(wr, '\\');
		wr_u8(wr, (uint8_t)letter);
	} else if ((unsigned char)*character.ptr < 0x20) {
		wr_printf(wr, "\\u%04x", (unsigned char)*character.ptr);
	} else {
		wr_view_bytes(wr, character);
	}
}

void json_text(struct writer *wr, struct view text)
{
	wr_u8(wr, '"');
	while (text.len) {
		size_t len = utf8_length(text);

		if (len)
			write_character(wr, (struct view){text.ptr, len});
		else
			wr_view_bytes(wr, VIEW("\xef\xbf\xbd"));
		len += !len;
		text.ptr += len;
		text.len -= len;
	}
	wr_u8(wr, '"');
}

static void new_line(struct writer *wr, unsigned depth)
{
	wr_u8(wr, '\n');
	for (unsigned i = 0; i < depth; i++)
		wr_bytes(wr, "  ", 2);
}

/* The length of the string that begins here, with its quotes. */
static size_t string_length(struct view json)
{
	size_t i = 1;

	while (i < json.len && json.ptr[i] != '"')
		i += json.ptr[i] == '\\' ? 2 : 1;
	return i < json.len ? i + 1 : json.len;
}

void json_indent(struct writer *wr, struct view json)
{
	unsigned depth = 0;

	for (size_t i = 0; i < json.len; i++) {
		char c = json.ptr[i], next = i + 1 < json.len ? json.ptr[i + 1] : '\0';

		if (c == '"') {
			size_t len = string_length((struct view){json.ptr + i, json.len - i});

			wr_bytes(wr, json.ptr + i, len);
			i += len - 1;
			continue;
		}
		if (c == '}' || c == ']')
			depth--;
		if ((c == '}' && json.ptr[i - 1] != '{') || (c == ']' && json.ptr[i - 1] != '['))
			new_line(wr, depth);
		wr_u8(wr, (uint8_t)c);
		if (c == ':')
			wr_u8(wr, ' ');
		if (c == '{' || c == '[')
			depth++;
		if (c == ',' || (c == '{' && next != '}') || (c == '[' && next != ']'))
			new_line(wr, depth);
	}
}
