/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "base/map.h"
#include "unit/unit.h"

static void a_map_keeps_what_was_put(void **state)
{
	static char keys[5000][8];
	struct map map = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
		assert_null(map_put(&map, view_of(keys[i]), keys[i]));
	}
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		assert_ptr_equal(map_get(&map, view_of(keys[i])), keys[i]);
	assert_null(map_get(&map, VIEW("absent")));
	map_done(&map);
}

static void removed_entries_are_gone_and_their_place_is_used_again(void **state)
{
	static char keys[100][8];
	struct map map = {0};
	size_t seen = 0;

	(void)state;
	for (int round = 0; round < 50; round++) {
		for (size_t i = 0; i < COUNT_OF(keys); i++) {
			snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
			map_put(&map, view_of(keys[i]), keys[i]);
		}
		for (size_t i = 0; i < COUNT_OF(keys); i += 2)
			assert_non_null(map_remove(&map, view_of(keys[i])));
	}
	for (struct map_entry *entry = NULL; (entry = map_next(&map, entry));)
		seen++;
	assert_int_equal(seen, 50);
	assert_null(map_get(&map, VIEW("k0")));
	assert_non_null(map_get(&map, VIEW("k1")));
	map_done(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a map keeps what was put", a_map_keeps_what_was_put),
		TEST("removed entries are gone, their place is used again",
		     removed_entries_are_gone_and_their_place_is_used_again),
	};

	return RUN_TESTS(tests);
}
