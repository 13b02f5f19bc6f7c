/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The mapping loader: any text as the file of one entity, compiled against the contracts and tables of the shop (see
 * unit/canonical/shop.h). Statements are prepared and explained, none is run on rows.
 */
#include "fuzz.h"

#include <string.h>

#include "unit/canonical/shop.h"

static void compile(struct shop *shop, struct view entity)
{
	static const char head[] = "name: p\nversion: \"1\"\nsystem: s\n";
	struct writer text = {0};

	wr_printf(&text, "pack.yaml %zu\n%s\nEntity.yaml %zu\n", strlen(head), head, entity.len);
	wr_view_bytes(&text, entity);
	wr_u8(&text, '\n');
	shop->pack = pack_read(wr_view(&text), &shop->diag);
	if (shop->pack)
		shop->mapping = shop_compile(shop, shop->pack);
	MUST(shop->mapping || shop->diag.errors);
	wr_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct shop shop;

	if (!shop.contract)
		shop_begin(&shop);
	compile(&shop, fuzz_view(data, size));
	mapping_free(shop.mapping);
	pack_free(shop.pack);
	diag_done(&shop.diag);
	shop.mapping = NULL;
	shop.pack = NULL;
	shop.diag = (struct diagnostics){0};
	return 0;
}
