/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Values for people. */
#include "base/shown.h"

#include <stdio.h>

#include "base/utf8.h"

struct view text_shown(struct view text, size_t most, struct arena *arena)
{
	struct view cut = view_cut(text, most);

	if (!utf8_valid(cut))
		return bytes_shown(text, most, arena);
	return cut.len == text.len ? arena_copy(arena, text) : arena_printf(arena, "%.*s...", VIEW_ARG(cut));
}

struct view bytes_shown(struct view bytes, size_t most, struct arena *arena)
{
	size_t shown = bytes.len < most / 2 ? bytes.len : most / 2;
	char *first = arena_alloc(arena, shown * 2 + 6), *to = first;

	to += sprintf(to, "\\x");
	for (size_t i = 0; i < shown; i++)
		to += sprintf(to, "%02x", (unsigned char)bytes.ptr[i]);
	to += sprintf(to, "%s", shown < bytes.len ? "..." : "");
	return (struct view){first, (size_t)(to - first)};
}
