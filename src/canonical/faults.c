/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Where a fault is: in the document, and in the file that says how the document is made. */
#include "faults.h"

#include <string.h>

#include "sql_tokens.h"

static bool is_name_of(struct token token, const char *column)
{
	struct view text = token.text;

	if (token.kind != TOKEN_QUOTED)
		return token_is_word(token, column);
	return view_is((struct view){text.ptr + 1, text.len - 2}, column);
}

static int depth_change(struct token token)
{
	return token_is(token, "(") - token_is(token, ")");
}

/* The column's name behind AS, outside of parentheses; NULL if it has none. */
static const char *find_alias(const char *sql, const char *column)
{
	bool after_as = false;
	struct token token;
	int depth = 0;

	while ((token = token_next(&sql)).kind != TOKEN_END) {
		if (after_as && depth == 0 && is_name_of(token, column))
			return token.text.ptr;
		after_as = token_is_word(token, "as");
		depth += token.kind == TOKEN_OPERATOR ? depth_change(token) : 0;
	}
	return NULL;
}

struct view fault_place(const struct statement *statement, const char *column, struct arena *arena)
{
	const char *alias = *column ? find_alias(statement->sql, column) : NULL, *name, *slash;
	struct place at = alias ? text_place(statement->node, (size_t)(alias - statement->sql))
				: statement_place(statement, column);

	name = at.file ? at.file->name : "";
	slash = strrchr(name, '/');
	return arena_printf(arena, "%s:%u", slash ? slash + 1 : name, at.line);
}

static void write_rows(struct writer *wr, const struct row_plan *row)
{
	if (!row->parent)
		return;
	write_rows(wr, row->parent);
	wr_printf(wr, "%s%s[%u]", wr->len ? "." : "", row->path, row->row_index);
}

struct view fault_path(const struct row_plan *row, const char *path, struct arena *arena)
{
	struct writer text = {0};
	struct view result;

	write_rows(&text, row);
	wr_printf(&text, "%s%s", text.len && *path ? "." : "", path);
	result = arena_copy(arena, wr_view(&text));
	wr_done(&text);
	return result;
}
