/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* A reader of SQL tokens; texts that SQLite itself would refuse give some token and are refused by it later. */
#include "sql_tokens.h"

#include <ctype.h>
#include <strings.h>

static const char *skip_comment(const char *at)
{
	if (at[0] == '-' && at[1] == '-') {
		while (*at && *at != '\n')
			at++;
		return at;
	}
	for (at += 2; *at && !(at[0] == '*' && at[1] == '/'); at++)
		;
	return *at ? at + 2 : at;
}

static const char *skip_blank(const char *at)
{
	for (;;) {
		if (isspace((unsigned char)*at))
			at++;
		else if ((at[0] == '-' && at[1] == '-') || (at[0] == '/' && at[1] == '*'))
			at = skip_comment(at);
		else
			return at;
	}
}

/* Behind the closing quote; a doubled one stands for itself. */
static const char *skip_quoted(const char *at, char quote)
{
	for (at++; *at; at++) {
		if (*at != quote)
			continue;
		if (at[1] != quote)
			return at + 1;
		at++;
	}
	return at;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static const char *skip_word(const char *at)
{
	while (is_word(*at))
		at++;
	return at;
}

static const char *skip_number(const char *at)
{
	while (is_word(*at) || *at == '.' || ((*at == '-' || *at == '+') && (at[-1] == 'e' || at[-1] == 'E')))
		at++;
	return at;
}

static const char *skip_operator(const char *at)
{
	static const char *const two[] = {"<>", "!=", "==", "<=", ">=", "||", "<<", ">>", "->"};

	for (size_t i = 0; i < sizeof(two) / sizeof(two[0]); i++)
		if (strncmp(at, two[i], 2) == 0)
			return at + 2;
	return at + 1;
}

struct token token_next(const char **at)
{
	const char *start = skip_blank(*at), *end;
	struct token token;

	if (!*start) {
		token.kind = TOKEN_END;
		end = start;
	} else if (*start == '\'') {
		token.kind = TOKEN_STRING;
		end = skip_quoted(start, '\'');
	} else if (*start == '"' || *start == '`') {
		token.kind = TOKEN_QUOTED;
		end = skip_quoted(start, *start);
	} else if (isdigit((unsigned char)*start) || (*start == '.' && isdigit((unsigned char)start[1]))) {
		token.kind = TOKEN_NUMBER;
		end = skip_number(start);
	} else if (is_word(*start)) {
		token.kind = TOKEN_WORD;
		end = skip_word(start);
	} else if (*start == ':' || *start == '?' || *start == '@' || *start == '$') {
		token.kind = TOKEN_PARAMETER;
		end = skip_word(start + 1);
	} else {
		token.kind = TOKEN_OPERATOR;
		end = skip_operator(start);
	}
	token.text = (struct view){start, (size_t)(end - start)};
	*at = end;
	return token;
}

bool token_is_word(struct token token, const char *word)
{
	return token.kind == TOKEN_WORD && token.text.len == strlen(word) &&
	       strncasecmp(token.text.ptr, word, token.text.len) == 0;
}
