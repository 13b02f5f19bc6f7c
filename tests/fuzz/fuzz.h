/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What every fuzz target includes. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/view.h"

/* Any bytes; 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the code under test promises about its results, besides not to crash. */
#define MUST(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

static inline struct view fuzz_view(const uint8_t *data, size_t size)
{
	return (struct view){(const char *)data, size};
}

#endif
