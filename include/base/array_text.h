/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Arrays as PostgreSQL prints them (documentation 8.15.6): elements between braces, with commas between them, quoted
 * where they have to be, NULL without quotes; an array of more dimensions has arrays as elements; lower bounds that are
 * not 1 stand before it.
 *
 *   {1,2,NULL}    {a,"b c","q\"u",""}    {{1,2},{3,4}}    [5:6]={7,8}    {}
 */
#ifndef BASE_ARRAY_TEXT_H
#define BASE_ARRAY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/view.h"

/* How many dimensions it has, 0 for an empty one, and how many elements in all of them; -1: it is no array. */
int array_text_measure(struct view text, size_t *ret_count);

/* The elements of an array that was measured, one after the other, of all dimensions. */
struct array_text {
	const char *pos, *end;
};

struct array_text array_text_begin(struct view text);

/* Only as often as there are elements. A view into the text, or unquoted in the arena; NULL is VIEW_NONE. */
struct view array_text_next(struct array_text *array, struct arena *arena);

#endif
