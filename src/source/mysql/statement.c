/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Statements by their first words. */
#include "statement.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *words; /* small letters, one blank between them */
	enum statement_kind kind;
} beginnings[] = {
	{"begin", STATEMENT_BEGIN},          {"start transaction", STATEMENT_BEGIN},
	{"commit", STATEMENT_COMMIT},        {"rollback to", STATEMENT_ROLLBACK_TO},
	{"rollback work to", STATEMENT_ROLLBACK_TO},
	{"rollback", STATEMENT_ROLLBACK},    {"savepoint", STATEMENT_SAVEPOINT},
	{"xa start", STATEMENT_XA},          {"xa begin", STATEMENT_XA},
	{"xa commit", STATEMENT_XA_COMMIT},  {"xa rollback", STATEMENT_XA_ROLLBACK},
	{"truncate", STATEMENT_TRUNCATE},
	{"insert", STATEMENT_CHANGE},        {"update", STATEMENT_CHANGE},
	{"delete", STATEMENT_CHANGE},        {"replace", STATEMENT_CHANGE},
	{"load", STATEMENT_CHANGE},          {"with", STATEMENT_CHANGE},
	{"call", STATEMENT_CHANGE},          {"select", STATEMENT_CHANGE},
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || c == '$' || (c & 0x80);
}

static void move(struct view *text, size_t bytes)
{
	text->ptr += bytes;
	text->len -= bytes;
}

static bool take(struct view *text, const char *mark)
{
	size_t len = strlen(mark);

	if (text->len < len || memcmp(text->ptr, mark, len) != 0)
		return false;
	move(text, len);
	return true;
}

/* Behind the next such mark, or to the end. */
static void skip_behind(struct view *sql, const char *mark)
{
	while (sql->len && !take(sql, mark))
		move(sql, 1);
}

/* What only some servers are to read, the one that wrote the log did read: its marks are blanks, what is between them is not. */
static void skip_comment(struct view *sql)
{
	if (take(sql, "/*!") || take(sql, "/*M!"))
		while (sql->len && *sql->ptr >= '0' && *sql->ptr <= '9')
			move(sql, 1);
	else if (take(sql, "/*"))
		skip_behind(sql, "*/");
	else if (take(sql, "#") || (sql->len > 2 && is_blank(sql->ptr[2]) && take(sql, "--")))
		skip_behind(sql, "\n");
	else
		take(sql, "*/");
}

/* Blanks and comments: whether there were any. */
static bool skip_blanks(struct view *sql)
{
	const char *from = sql->ptr, *before;

	do {
		before = sql->ptr;
		while (sql->len && is_blank(*sql->ptr))
			move(sql, 1);
		skip_comment(sql);
	} while (sql->ptr != before);
	return sql->ptr != from;
}

/* Takes words off the begin, if they are there. */
static bool take_words(struct view *sql, const char *words)
{
	struct view rest = *sql;

	for (; *words; words++) {
		if (*words == ' ' && !skip_blanks(&rest))
			return false;
		if (*words == ' ')
			continue;
		if (!rest.len || (*rest.ptr | 32) != *words)
			return false;
		move(&rest, 1);
	}
	if (rest.len && is_word(*rest.ptr))
		return false;
	*sql = rest;
	return true;
}

/* A word, a quoted text or a sign. */
static void skip_token(struct view *sql)
{
	char quote = *sql->ptr == '\'' || *sql->ptr == '"' || *sql->ptr == '`' ? *sql->ptr : '\0';
	bool word = is_word(*sql->ptr);

	move(sql, 1);
	while (sql->len && (quote ? *sql->ptr != quote : word && is_word(*sql->ptr)))
		move(sql, 1 + (quote && *sql->ptr == '\\' && sql->len > 1));
	move(sql, quote && sql->len);
}

/* SET STATEMENT name = value, ... FOR: what follows is the statement. */
static void skip_settings(struct view *sql)
{
	if (!take_words(sql, "set statement"))
		return;
	for (skip_blanks(sql); sql->len && !take_words(sql, "for"); skip_blanks(sql))
		skip_token(sql);
	skip_blanks(sql);
}

/* name, `name` or "name" */
static struct view take_name(struct view *sql)
{
	char quote = sql->len && (*sql->ptr == '`' || *sql->ptr == '"') ? *sql->ptr : '\0';
	bool quoted = quote != '\0';
	struct view name;
	size_t len = 0;

	move(sql, quoted);
	while (len < sql->len && (quoted ? sql->ptr[len] != quote : is_word(sql->ptr[len])))
		len++;
	name = (struct view){sql->ptr, len};
	move(sql, len);
	move(sql, quoted && sql->len);
	skip_blanks(sql);
	return name;
}

static void read_truncated(struct view sql, struct statement *ret)
{
	skip_blanks(&sql);
	if (take_words(&sql, "table"))
		skip_blanks(&sql);
	ret->table = take_name(&sql);
	if (!sql.len || *sql.ptr != '.')
		return;
	move(&sql, 1);
	skip_blanks(&sql);
	ret->schema = ret->table;
	ret->table = take_name(&sql);
}

/* To the first blank: servers write it without. */
static struct view take_xid(struct view sql)
{
	size_t len = 0;

	skip_blanks(&sql);
	while (len < sql.len && !is_blank(sql.ptr[len]))
		len++;
	return (struct view){sql.ptr, len};
}

void statement_read(struct view sql, struct statement *ret)
{
	*ret = (struct statement){.kind = STATEMENT_OTHER, .sql = sql};
	skip_blanks(&sql);
	skip_settings(&sql);
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		if (!take_words(&sql, beginnings[i].words))
			continue;
		ret->kind = beginnings[i].kind;
		if (ret->kind == STATEMENT_TRUNCATE)
			read_truncated(sql, ret);
		if (ret->kind == STATEMENT_XA_COMMIT || ret->kind == STATEMENT_XA_ROLLBACK)
			ret->xid = take_xid(sql);
		return;
	}
}
