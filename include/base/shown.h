/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Values for people: text cut where it is long; bytes in hexadecimal digits, and so text that is not UTF-8. */
#ifndef BASE_SHOWN_H
#define BASE_SHOWN_H

#include "base/arena.h"
#include "base/view.h"

/* Of at most so many bytes, and "..." behind them if more was cut off; NUL-terminated. */
struct view text_shown(struct view text, size_t most, struct arena *arena);

/* \x and two digits for each byte. */
struct view bytes_shown(struct view bytes, size_t most, struct arena *arena);

#endif
