/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Keys of root rows as text, and their order. */
#include "state/key.h"

/* Digits from the right; this runs for every reference in every document. */
static struct view print_number(int64_t number, char buffer[ROOT_KEY_BYTES])
{
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
	char *at = buffer + ROOT_KEY_BYTES;

	do {
		*--at = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (number < 0)
		*--at = '-';
	return (struct view){at, (size_t)(buffer + ROOT_KEY_BYTES - at)};
}

struct view root_key_text(struct root_key key, char buffer[ROOT_KEY_BYTES])
{
	return key.is_number ? print_number(key.number, buffer) : key.text;
}

int root_key_compare(struct root_key a, struct root_key b)
{
	if (a.is_number != b.is_number)
		return a.is_number ? -1 : 1;
	if (a.is_number)
		return (a.number > b.number) - (a.number < b.number);
	return view_compare(a.text, b.text);
}
