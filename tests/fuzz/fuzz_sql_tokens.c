/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* SQL text as tokens, under any text: they cover it from begin to end, in order, without overlap. */
#include "fuzz.h"

#include "base/memory.h"
#include "canonical/sql_tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_text(fuzz_view(data, size));
	const char *at = text, *before = text;
	struct token token;

	do {
		token = token_next(&at);
		MUST(token.text.ptr >= before && token.text.ptr + token.text.len == at);
		MUST((token.kind == TOKEN_END) == (token.text.len == 0));
		before = at;
	} while (token.kind != TOKEN_END);
	MUST(*at == '\0');
	free(text);
	return 0;
}
