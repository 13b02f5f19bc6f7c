/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A mapping pack as the state file keeps it, under any text: a pack that is read must be written, and read again, as
 * the same.
 */
#include "fuzz.h"

#include "canonical/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diagnostics diag = {0};
	struct pack *pack = pack_read(fuzz_view(data, size), &diag), *again;
	struct writer text = {0};

	MUST(pack || diag.errors);
	if (pack) {
		pack_write(pack, &text);
		again = pack_read(wr_view(&text), &diag);
		MUST(again && pack_digest(again) == pack_digest(pack));
		pack_free(again);
	}
	pack_free(pack);
	wr_done(&text);
	diag_done(&diag);
	return 0;
}
