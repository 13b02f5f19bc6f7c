/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Binary floats as the shortest text that reads back as the same number: "0.1", "1e+20", "-0", "NaN", "Infinity". */
#ifndef BASE_REAL_TEXT_H
#define BASE_REAL_TEXT_H

#include "base/arena.h"

/* In the arena, or constant. */
struct view real_text(double value, struct arena *arena);
struct view real_text_single(float value, struct arena *arena);

/*
 * The double that the shortest text of a float says: 0.1, where a cast gives 0.10000000149011612. It is the value wherever there
 * are no floats of four bytes, so that it does not depend on whether the server sent bytes or text.
 */
double real_of_single(float value, struct view text);

#endif
