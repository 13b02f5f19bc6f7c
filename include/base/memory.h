/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Memory that cannot run out in the middle: exhaustion ends the process with one line, since a restart is always safe.
 * Nobody tests the results for NULL. What comes from outside is checked against a ceiling before it is allocated.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

#include "base/view.h"

/* Zeroed memory for count objects of size bytes; the caller frees it with free(). */
void *mem_new(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

/* As realloc: grows or shrinks to count objects of size bytes; new bytes are not zeroed. ptr may be NULL. */
void *mem_resize(void *ptr, size_t count, size_t size) __attribute__((returns_nonnull));

/* A NUL-terminated copy of a text, or a text as printf makes it; the caller frees it with free(). */
char *mem_text(struct view text) __attribute__((malloc, returns_nonnull));
char *mem_printf(const char *format, ...) __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

#define MEM_NEW(type) ((type *)mem_new(1, sizeof(type)))
#define MEM_ARRAY(type, count) ((type *)mem_new((count), sizeof(type)))

#endif
