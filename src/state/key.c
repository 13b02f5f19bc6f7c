/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Keys of root rows as text, and their order. */
#include "state/key.h"

#include <stdio.h>

struct view root_key_text(struct root_key key, char buffer[ROOT_KEY_BYTES])
{
	if (!key.is_number)
		return key.text;
	return (struct view){buffer, (size_t)snprintf(buffer, ROOT_KEY_BYTES, "%lld", (long long)key.number)};
}

int root_key_compare(struct root_key a, struct root_key b)
{
	if (a.is_number != b.is_number)
		return a.is_number ? -1 : 1;
	if (a.is_number)
		return (a.number > b.number) - (a.number < b.number);
	return view_compare(a.text, b.text);
}
