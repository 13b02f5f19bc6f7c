/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Packs as files and as text, overlays, and packs checked without a source. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shop.h"
#include "unit/unit.h"

static struct shop shop;

static int set_up(void **state)
{
	(void)state;
	shop_begin(&shop);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	shop_done(&shop);
	return 0;
}

static void a_pack_is_the_same_when_it_comes_back_as_text(void **state)
{
	struct writer text = {0}, again = {0};
	struct pack *copy;

	(void)state;
	shop.pack = pack_load(shop_path(&shop, "pack"), NULL, &shop.diag);
	assert_non_null(shop.pack);
	assert_string_equal(pack_name(shop.pack), "shop");
	assert_string_equal(pack_version(shop.pack), "1.0");
	assert_string_equal(pack_system(shop.pack), "test-shop");
	pack_write(shop.pack, &text);
	copy = pack_read(wr_view(&text), &shop.diag);
	assert_non_null(copy);
	pack_write(copy, &again);
	assert_true(view_equal(wr_view(&text), wr_view(&again)));
	assert_true(pack_digest(copy) == pack_digest(shop.pack));
	pack_free(copy);
	wr_done(&text);
	wr_done(&again);
}

static void a_damaged_text_is_no_pack(void **state)
{
	(void)state;
	assert_null(pack_read(VIEW("pack.yaml 99\nname: x\n"), &shop.diag));
	assert_int_equal(shop.diag.errors, 1);
}

static void write_file(const char *folder, const char *name, const char *content)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(content, file);
	fclose(file);
}

static void remove_file(const char *folder, const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
}

static void an_overlay_replaces_and_adds_single_entities(void **state)
{
	char folder[] = "/tmp/tailwater-overlay-XXXXXX";
	struct pack *plain, *overlaid;

	(void)state;
	assert_non_null(mkdtemp(folder));
	write_file(folder, "site.yaml",
		   "entity: Order\nroot: orders\ndocument: SELECT ref('Partner', 1) AS customer FROM "
		   "orders WHERE id = :id\n");
	write_file(folder, "Partner.yaml", "entity: Partner\nroot: partner\ndocument: SELECT name AS name FROM partner "
					   "WHERE id = :id\n");
	plain = pack_load(shop_path(&shop, "pack"), NULL, &shop.diag);
	overlaid = pack_load(shop_path(&shop, "pack"), folder, &shop.diag);
	remove_file(folder, "site.yaml");
	remove_file(folder, "Partner.yaml");
	rmdir(folder);
	assert_non_null(overlaid);
	assert_true(pack_digest(plain) != pack_digest(overlaid));
	pack_free(plain);
	shop.pack = overlaid;
	shop.mapping = shop_compile(&shop, overlaid);
	assert_non_null(shop.mapping);
	assert_int_equal(mapping_entity(shop.mapping, "Order")->event_count, 0);
	assert_non_null(mapping_entity(shop.mapping, "Partner"));
}

static struct mapping *compile_without_tables(const char *entity)
{
	struct mapping_options options = {.instance = "x", .contract = shop.contract};

	options.pack = shop.pack = shop_pack(&shop, view_of(entity));
	assert_non_null(shop.pack);
	return mapping_compile(&options, &shop.diag);
}

static void without_a_source_a_pack_is_checked_as_far_as_possible(void **state)
{
	(void)state;
	shop.mapping = compile_without_tables("entity: Order\nroot: orders\ntouched_by: {line: order_id}\n"
					      "document: SELECT x.y AS customer FROM orders x WHERE id = :id\n");
	assert_non_null(shop.mapping);
	assert_int_equal(shop.diag.errors + shop.diag.warnings, 0);
}

static void without_a_source_syntax_and_rules_are_checked_all_the_same(void **state)
{
	(void)state;
	shop.mapping = compile_without_tables("entity: Order\nroot: orders\ndocument: SELEC x FROM orders\n"
					      "events: {OrderPosted: {class: FINANCIAL, when: new.stat = 'X'}}\n");
	assert_null(shop.mapping);
	assert_int_equal(shop.diag.errors, 2);
}

#define SHOP_TEST(sentence, function) TEST_WITH(sentence, function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST("a pack is the same when it comes back as text",
			  a_pack_is_the_same_when_it_comes_back_as_text),
		SHOP_TEST("a damaged text is no pack", a_damaged_text_is_no_pack),
		SHOP_TEST("an overlay replaces and adds single entities", an_overlay_replaces_and_adds_single_entities),
		SHOP_TEST("without a source, a pack is checked as far as possible",
			  without_a_source_a_pack_is_checked_as_far_as_possible),
		SHOP_TEST("without a source, syntax and rules are checked all the same",
			  without_a_source_syntax_and_rules_are_checked_all_the_same),
	};

	return RUN_TESTS(tests);
}
