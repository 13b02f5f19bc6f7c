/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Whether bytes are UTF-8 (RFC 3629): nothing overlong, no surrogates, nothing beyond U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>

#include "base/view.h"

/* The length of the sequence that begins a text, which is not empty; 0 if it is none. */
size_t utf8_length(struct view text);

bool utf8_valid(struct view text);

#endif
