/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The mapping loader: any text as the file of one entity, compiled against the contracts and tables of the shop (see
 * unit/canonical/shop.h). Statements are prepared and explained, none is run on rows.
 */
#include "fuzz.h"

#include "unit/canonical/shop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct shop shop;

	if (!shop.contract)
		shop_begin(&shop);
	shop.pack = shop_pack(&shop, fuzz_view(data, size));
	if (shop.pack)
		shop.mapping = shop_compile(&shop, shop.pack);
	MUST(shop.mapping || shop.diag.errors);
	mapping_free(shop.mapping);
	pack_free(shop.pack);
	diag_done(&shop.diag);
	shop.mapping = NULL;
	shop.pack = NULL;
	shop.diag = (struct diagnostics){0};
	return 0;
}
