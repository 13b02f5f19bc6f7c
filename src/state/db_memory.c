/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * SQLite allocates and frees some pieces for each step of a statement, and Debian builds it without the list of its own for
 * them. Small pieces come back to a list of their size here, without the C library's bookkeeping; what is larger is the C
 * library's business. Each thread has lists of its own, so that no lock is needed.
 */
#include "db_memory.h"

#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>


#ifndef __SANITIZE_ADDRESS__ /* which is to see every piece */

#define GRAIN 32
#define SMALL_MOST 2048

/* What stands before each piece: its size without this, while it is in use. */
union head {
	size_t size;
	union head *next;
};

_Static_assert(sizeof(union head) == 8, "SQLite wants pieces aligned to 8 bytes");

static _Thread_local union head *free_lists[SMALL_MOST / GRAIN + 1];

static union head *head_of(void *piece)
{
	return (union head *)piece - 1;
}

static int round_up(int bytes)
{
	return (bytes + GRAIN - 1) / GRAIN * GRAIN;
}

static void *take(int bytes)
{
	size_t size = (size_t)round_up(bytes);
	union head *head = NULL, **list = NULL;

	if (size <= SMALL_MOST) {
		list = &free_lists[size / GRAIN];
		head = *list;
	}
	if (head)
		*list = head->next;
	else if (!(head = malloc(sizeof(*head) + size)))
		return NULL;
	head->size = size;
	return head + 1;
}

static void give_back(void *piece)
{
	union head *head, **list;

	if (!piece)
		return;
	head = head_of(piece);
	if (head->size > SMALL_MOST) {
		free(head);
		return;
	}
	list = &free_lists[head->size / GRAIN];
	head->next = *list;
	*list = head;
}

static int size_of(void *piece)
{
	return piece ? (int)head_of(piece)->size : 0;
}

static void *resize(void *piece, int bytes)
{
	size_t old = (size_t)size_of(piece), size = (size_t)round_up(bytes);
	void *larger;

	if (size <= old && old <= SMALL_MOST)
		return piece;
	if (old > SMALL_MOST && size > SMALL_MOST) {
		union head *head = realloc(head_of(piece), sizeof(*head) + size);

		if (!head)
			return NULL;
		head->size = size;
		return head + 1;
	}
	larger = take(bytes);
	if (!larger)
		return NULL;
	memcpy(larger, piece, old < size ? old : size);
	give_back(piece);
	return larger;
}

static int start(void *arg)
{
	(void)arg;
	return SQLITE_OK;
}

static void stop(void *arg)
{
	(void)arg;
}

void db_memory_install(void)
{
	static const struct sqlite3_mem_methods methods = {
		.xMalloc = take, .xFree = give_back, .xRealloc = resize, .xSize = size_of, .xRoundup = round_up,
		.xInit = start, .xShutdown = stop,
	};

	sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

#else

void db_memory_install(void)
{
}

#endif
