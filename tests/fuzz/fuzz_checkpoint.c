/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The checkpoint record under any bytes: what is taken for one must be written, and read again, as the same. */
#include "fuzz.h"

#include "publish/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct checkpoint checkpoint, again;
	struct writer first = {0}, second = {0};
	struct error err;

	if (checkpoint_decode(fuzz_view(data, size), &checkpoint, &err) == 0) {
		checkpoint_encode(&checkpoint, "fuzz", &first);
		MUST(checkpoint_decode(wr_view(&first), &again, &err) == 0);
		checkpoint_encode(&again, "fuzz", &second);
		MUST(view_equal(wr_view(&first), wr_view(&second)));
	}
	wr_done(&first);
	wr_done(&second);
	return 0;
}
