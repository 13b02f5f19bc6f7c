/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The growing part of writers. */
#include "base/writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

void wr_grow(struct writer *wr, size_t more)
{
	size_t capacity = wr->capacity ? wr->capacity : 256;

	while (capacity - wr->len < more)
		capacity *= 2;
	wr->data = mem_resize(wr->data, capacity, 1);
	wr->capacity = capacity;
}

void wr_clear(struct writer *wr)
{
	if (wr->capacity > WRITER_KEEP_BYTES)
		wr_done(wr);
	wr->len = 0;
}

void wr_done(struct writer *wr)
{
	free(wr->data);
	*wr = (struct writer){0};
}

void wr_printf(struct writer *wr, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	wr_reserve(wr, (size_t)len + 1);
	va_start(args, format);
	vsnprintf(wr->data + wr->len, (size_t)len + 1, format, args);
	va_end(args);
	wr->len += (size_t)len;
}
