/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* A statement of MySQL or MariaDB word by word: without its comments, and quoted as the session's sql_mode has it. */
#ifndef MYSQL_SQL_WORDS_H
#define MYSQL_SQL_WORDS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/view.h"

enum word_kind {
	WORD_END,
	WORD_PLAIN,   /* a keyword, a name or a number: as it stands there */
	WORD_NAME,    /* a quoted name, without its quotes */
	WORD_TEXT,    /* a literal, without its quotes */
	WORD_SIGN,    /* one character */
};

/* The word at hand is there as soon as the reader is. */
struct sql_words {
	struct view rest;       /* behind the word at hand */
	bool ansi_quotes;       /* "a" is a name ... */
	bool plain_backslash;   /* ... and \ is a character as others are */
	enum word_kind kind;
	struct view text;
	char quote;
};

struct sql_words sql_words_of(struct view sql, bool ansi_quotes, bool plain_backslash);
void sql_next(struct sql_words *words);

/* Whether such a keyword is at hand; takes it, or several with blanks between (all or none). Small letters. */
bool sql_is(const struct sql_words *words, const char *keyword);
bool sql_take(struct sql_words *words, const char *keywords);

bool sql_is_sign(const struct sql_words *words, char sign);
bool sql_take_sign(struct sql_words *words, char sign);

/* Takes a name, or a literal; VIEW_NONE: that is not what is there. Copies. */
struct view sql_take_name(struct sql_words *words, struct arena *arena);
struct view sql_take_text(struct sql_words *words, struct arena *arena);

/* To the next comma or closing parenthesis that belongs to none of what is skipped, or to the end. */
void sql_skip_clause(struct sql_words *words);

/* What is at hand and, of a parenthesis, all to where it closes. */
void sql_skip_one(struct sql_words *words);

#endif
