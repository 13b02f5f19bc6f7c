/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* SQL text as tokens, as far as rules need it. Private to canonical/. */
#ifndef CANONICAL_SQL_TOKENS_H
#define CANONICAL_SQL_TOKENS_H

#include <stdbool.h>

#include "base/view.h"

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_QUOTED, TOKEN_STRING, TOKEN_NUMBER, TOKEN_PARAMETER, TOKEN_OPERATOR };

struct token {
	enum token_kind kind;
	struct view text; /* as it stands, quotes included */
};

/* The next token at *at, which moves behind it; blanks and comments are passed over. */
struct token token_next(const char **at);

static inline bool token_is(struct token token, const char *text)
{
	return view_is(token.text, text);
}

/* Keywords and names in any case. */
bool token_is_word(struct token token, const char *word);

#endif
