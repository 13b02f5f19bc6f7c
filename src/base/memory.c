/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Allocation that never returns NULL. */
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void exhausted(size_t count, size_t size) __attribute__((noreturn));

static void exhausted(size_t count, size_t size)
{
	fprintf(stderr, "tailwater: out of memory (%zu x %zu bytes)\n", count, size);
	abort();
}

void *mem_new(size_t count, size_t size)
{
	void *ptr = calloc(count ? count : 1, size ? size : 1);

	if (!ptr)
		exhausted(count, size);
	return ptr;
}

void *mem_resize(void *ptr, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		exhausted(count, size);
	ptr = realloc(ptr, bytes > 0 ? bytes : 1);
	if (!ptr)
		exhausted(count, size);
	return ptr;
}

char *mem_text(struct view text)
{
	char *copy = mem_new(text.len + 1, 1);

	if (text.len)
		memcpy(copy, text.ptr, text.len);
	return copy;
}

char *mem_printf(const char *format, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		exhausted(1, 0);
	va_end(args);
	return text;
}
