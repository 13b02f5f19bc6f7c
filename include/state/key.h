/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The key of a root row, as one value: the number itself if the key is one integer column, otherwise a text (of several
 * columns: their texts joined by a comma). Numbers order by value and before texts, texts by bytes: as SQLite orders
 * them.
 */
#ifndef STATE_KEY_H
#define STATE_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

struct root_key {
	bool is_number;
	int64_t number;
	struct view text; /* valid if !is_number */
};

#define ROOT_KEY_BYTES 24

/* The key as text: a number is printed into `buffer`. */
struct view root_key_text(struct root_key key, char buffer[ROOT_KEY_BYTES]);

/* <0, 0, >0 in the order above. */
int root_key_compare(struct root_key a, struct root_key b);

#endif
