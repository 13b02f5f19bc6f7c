/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The configuration under any text. References to files are left out: the fuzzer shall not read what it finds. */
#include "fuzz.h"

#include <string.h>

#include "control/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diagnostics diag = {0};

	if (!memmem(data, size, "${", 2))
		conf_free(conf_parse("fuzz", fuzz_view(data, size), &diag));
	diag_done(&diag);
	return 0;
}
