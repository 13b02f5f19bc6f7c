/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The memory that SQLite is given: pieces of every size keep what is in them while others come and go. */
#include <sqlite3.h>
#include <stdlib.h>

#include "db_memory.h"
#include "unit/unit.h"

#define PIECES 64

static const int sizes[] = {1, 8, 31, 32, 33, 500, 2015, 2016, 2047, 2048, 2049, 4096, 100000};

static void fill(unsigned char *piece, int from, int size, unsigned seed)
{
	for (int i = from; i < size; i++)
		piece[i] = (unsigned char)(seed + (unsigned)i);
}

static void assert_filled(const unsigned char *piece, int size, unsigned seed)
{
	for (int i = 0; i < size; i++)
		assert_int_equal(piece[i], (unsigned char)(seed + (unsigned)i));
}

static void a_piece_is_as_large_as_asked_for_and_aligned(void **state)
{
	(void)state;
	FOR_EACH(size, sizes) {
		void *piece = sqlite3_malloc(*size);

		assert_non_null(piece);
		assert_true(sqlite3_msize(piece) >= (sqlite3_uint64)*size);
		assert_int_equal((size_t)piece % 8, 0);
		sqlite3_free(piece);
	}
}

static void a_resized_piece_keeps_what_fits(void **state)
{
	(void)state;
	FOR_EACH(from, sizes) {
		FOR_EACH(to, sizes) {
			unsigned char *piece = sqlite3_malloc(*from);

			fill(piece, 0, *from, 7);
			piece = sqlite3_realloc(piece, *to);
			assert_true(sqlite3_msize(piece) >= (sqlite3_uint64)*to);
			assert_filled(piece, *from < *to ? *from : *to, 7);
			sqlite3_free(piece);
		}
	}
}

static void pieces_never_overlap(void **state)
{
	unsigned char *pieces[PIECES] = {0};
	int held[PIECES] = {0};

	(void)state;
	srand(1);
	for (unsigned round = 0; round < 20000; round++) {
		unsigned i = (unsigned)rand() % PIECES;

		assert_filled(pieces[i], held[i], i);
		sqlite3_free(pieces[i]);
		held[i] = sizes[(unsigned)rand() % (sizeof(sizes) / sizeof(sizes[0]) - 1)];
		pieces[i] = sqlite3_malloc(held[i]);
		fill(pieces[i], 0, held[i], i);
	}
	for (unsigned i = 0; i < PIECES; i++)
		sqlite3_free(pieces[i]);
}

static int install(void **state)
{
	(void)state;
	db_memory_install();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITH("a piece is as large as asked for and aligned", a_piece_is_as_large_as_asked_for_and_aligned, install, NULL),
		TEST_WITH("a resized piece keeps what fits", a_resized_piece_keeps_what_fits, install, NULL),
		TEST_WITH("pieces never overlap", pieces_never_overlap, install, NULL),
	};

	return RUN_TESTS(tests);
}
