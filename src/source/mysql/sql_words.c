/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Words, names, literals and signs of a statement. */
#include "sql_words.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || c == '$' || (c & 0x80);
}

static void move(struct view *text, size_t bytes)
{
	text->ptr += bytes;
	text->len -= bytes;
}

static bool begins(struct view text, const char *mark)
{
	size_t len = strlen(mark);

	return text.len >= len && memcmp(text.ptr, mark, len) == 0;
}

static void skip_behind(struct view *text, const char *mark)
{
	while (text->len && !begins(*text, mark))
		move(text, 1);
	move(text, text->len ? strlen(mark) : 0);
}

/* What only some servers are to read, the one that wrote the log did read: its marks are blanks, what is between them is not. */
static bool skip_comment(struct view *text)
{
	if (begins(*text, "/*!") || begins(*text, "/*M!")) {
		move(text, text->ptr[2] == 'M' ? 4 : 3);
		while (text->len && is_digit(*text->ptr))
			move(text, 1);
	} else if (begins(*text, "/*")) {
		move(text, 2);
		skip_behind(text, "*/");
	} else if (begins(*text, "*/")) {
		move(text, 2);
	} else if (begins(*text, "#") || (begins(*text, "--") && (text->len == 2 || is_blank(text->ptr[2])))) {
		skip_behind(text, "\n");
	} else {
		return false;
	}
	return true;
}

static void skip_blanks(struct view *text)
{
	for (;;) {
		while (text->len && is_blank(*text->ptr))
			move(text, 1);
		if (!skip_comment(text))
			return;
	}
}

/* A doubled quote is one of the text. */
static void take_quoted(struct sql_words *words)
{
	struct view *rest = &words->rest;
	const char *from;

	words->quote = *rest->ptr;
	move(rest, 1);
	from = rest->ptr;
	while (rest->len && (*rest->ptr != words->quote || (rest->len > 1 && rest->ptr[1] == words->quote))) {
		bool escape = *rest->ptr == '\\' && words->kind == WORD_TEXT && !words->plain_backslash;

		move(rest, rest->len > 1 && (escape || *rest->ptr == words->quote) ? 2 : 1);
	}
	words->text = (struct view){from, (size_t)(rest->ptr - from)};
	move(rest, rest->len != 0);
}

static void take_plain(struct sql_words *words)
{
	struct view *rest = &words->rest;

	words->text = (struct view){rest->ptr, 1};
	words->kind = is_letter(*rest->ptr) ? WORD_PLAIN : WORD_SIGN;
	move(rest, 1);
	while (words->kind == WORD_PLAIN && rest->len && is_letter(*rest->ptr)) {
		move(rest, 1);
		words->text.len++;
	}
}

void sql_next(struct sql_words *words)
{
	char first;

	skip_blanks(&words->rest);
	first = words->rest.len ? *words->rest.ptr : '\0';
	words->text = VIEW_NONE;
	words->kind = WORD_END;
	if (!words->rest.len)
		return;
	if (first == '\'' || first == '"' || first == '`') {
		words->kind = first == '`' || (first == '"' && words->ansi_quotes) ? WORD_NAME : WORD_TEXT;
		take_quoted(words);
	} else {
		take_plain(words);
	}
}

struct sql_words sql_words_of(struct view sql, bool ansi_quotes, bool plain_backslash)
{
	struct sql_words words = {.rest = sql, .ansi_quotes = ansi_quotes, .plain_backslash = plain_backslash};

	sql_next(&words);
	return words;
}

static bool is_keyword(const struct sql_words *words, const char *keyword, size_t len)
{
	if (words->kind != WORD_PLAIN || words->text.len != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = words->text.ptr[i];

		if ((c >= 'A' && c <= 'Z' ? c | 32 : c) != keyword[i])
			return false;
	}
	return true;
}

bool sql_is(const struct sql_words *words, const char *keyword)
{
	return is_keyword(words, keyword, strlen(keyword));
}

bool sql_take(struct sql_words *words, const char *keywords)
{
	struct sql_words ahead = *words;

	while (*keywords) {
		size_t len = strcspn(keywords, " ");

		if (!is_keyword(&ahead, keywords, len))
			return false;
		sql_next(&ahead);
		keywords += len + (keywords[len] == ' ');
	}
	*words = ahead;
	return true;
}

bool sql_is_sign(const struct sql_words *words, char sign)
{
	return words->kind == WORD_SIGN && *words->text.ptr == sign;
}

bool sql_take_sign(struct sql_words *words, char sign)
{
	if (!sql_is_sign(words, sign))
		return false;
	sql_next(words);
	return true;
}

/* What stands behind a backslash. */
static char escaped(char c)
{
	static const char letters[] = "0bnrtZ", values[] = "\0\b\n\r\t\032";
	const char *at = c ? strchr(letters, c) : NULL;

	return at ? values[at - letters] : c;
}

static struct view copy(const struct sql_words *words, struct arena *arena)
{
	bool escapes = words->kind == WORD_TEXT && !words->plain_backslash;
	char *to = arena_alloc(arena, words->text.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < words->text.len; i++) {
		char c = words->text.ptr[i];
		bool more = i + 1 < words->text.len;

		if (c == '\\' && escapes && more)
			c = escaped(words->text.ptr[++i]);
		else if (c == words->quote && words->kind != WORD_PLAIN && more)
			i++;
		to[len++] = c;
	}
	to[len] = '\0';
	return (struct view){to, len};
}

struct view sql_take_name(struct sql_words *words, struct arena *arena)
{
	struct view ret = VIEW_NONE;

	if ((words->kind == WORD_PLAIN || words->kind == WORD_NAME) && words->text.len) {
		ret = copy(words, arena);
		sql_next(words);
	}
	return ret;
}

struct view sql_take_text(struct sql_words *words, struct arena *arena)
{
	struct view ret = VIEW_NONE;

	if (words->kind == WORD_TEXT) {
		ret = copy(words, arena);
		sql_next(words);
	}
	return ret;
}

void sql_skip_one(struct sql_words *words)
{
	unsigned depth = 0;

	do {
		depth += sql_is_sign(words, '(');
		depth -= depth && sql_is_sign(words, ')');
		sql_next(words);
	} while (depth && words->kind != WORD_END);
}

void sql_skip_clause(struct sql_words *words)
{
	while (words->kind != WORD_END && !sql_is_sign(words, ',') && !sql_is_sign(words, ')'))
		sql_skip_one(words);
}
