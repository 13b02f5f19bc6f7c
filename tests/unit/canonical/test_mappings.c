/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Mappings good and bad: every file of data/mappings is compiled against the shop, and must give exactly the complaints
 * that its head expects, or none:
 *
 *	# expect: 5:14: error: no such column: o.numbr; did you mean 'number'?
 */
#include <dirent.h>
#include <stdlib.h>

#include "shop.h"
#include "unit/unit.h"

static int is_yaml(const struct dirent *entry)
{
	return strstr(entry->d_name, ".yaml") != NULL;
}

static struct view read_text(struct shop *shop, const char *path)
{
	char *bytes = arena_alloc(&shop->arena, 65536);
	FILE *file = fopen(path, "r");
	size_t len;

	assert_non_null(file);
	len = fread(bytes, 1, 65535, file);
	fclose(file);
	bytes[len] = '\0';
	return (struct view){bytes, len};
}

/* The lines that begin with `head`, without it. */
static const char *lines_of(struct shop *shop, struct view text, const char *head)
{
	struct writer lines = {0};
	const char *result;

	for (const char *at = text.ptr, *end = text.ptr + text.len; at < end;) {
		size_t len = strcspn(at, "\n"), skip = strlen(head);

		if (strncmp(at, head, skip) == 0)
			wr_printf(&lines, "%.*s\n", (int)(len - skip), at + skip);
		at += len + 1;
	}
	result = arena_copy(&shop->arena, wr_view(&lines)).ptr;
	wr_done(&lines);
	return result;
}

static struct pack *make_pack(struct shop *shop, struct view content)
{
	static const char head[] = "name: broken\nversion: \"1\"\nsystem: s\n";
	struct writer text = {0};
	struct pack *pack;

	wr_printf(&text, "pack.yaml %zu\n%s\nOrder.yaml %zu\n%s\n", strlen(head), head, content.len, content.ptr);
	pack = pack_read(wr_view(&text), &shop->diag);
	wr_done(&text);
	return pack;
}

static bool check(const char *name)
{
	struct shop shop;
	struct view content;
	const char *complaints, *expected;
	bool same;

	shop_begin(&shop);
	content = read_text(&shop, shop_path(&shop, arena_printf(&shop.arena, "mappings/%s", name).ptr));
	shop.pack = make_pack(&shop, content);
	if (shop.pack)
		shop.mapping = shop_compile(&shop, shop.pack);
	complaints = lines_of(&shop, wr_view(&shop.diag.text), "Order.yaml:");
	expected = lines_of(&shop, content, "# expect: ");
	same = strcmp(complaints, expected) == 0;
	if (!same)
		print_error("%s:\n%s", name, complaints);
	if (!strstr(expected, "error:") != !!shop.mapping) {
		print_error("%s: %s\n", name, shop.mapping ? "it compiled" : "it did not compile");
		same = false;
	}
	shop_done(&shop);
	return same;
}

static void mappings_compile_or_are_refused_with_place_and_reason(void **state)
{
	struct shop shop;
	struct dirent **entries;
	int count, wrong = 0;

	(void)state;
	shop_begin(&shop);
	count = scandir(shop_path(&shop, "mappings"), &entries, is_yaml, alphasort);
	shop_done(&shop);
	assert_true(count >= 30);
	for (int i = 0; i < count; i++) {
		wrong += !check(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("mappings compile, or are refused with place and reason",
		     mappings_compile_or_are_refused_with_place_and_reason),
	};

	return RUN_TESTS(tests);
}
