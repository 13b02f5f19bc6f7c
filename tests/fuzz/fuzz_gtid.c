/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Two sets of transactions, with a line's end between them: what is read is written so that it is read again the same. */
#include <stdlib.h>

#include "fuzz.h"

#include "base/writer.h"
#include "mysql/gtid.h"

static void check_again(const struct gtid_set *set)
{
	struct writer once = {0}, twice = {0};
	struct gtid_set again = {0};
	struct error err;

	gtid_set_print(set, &once);
	if (gtid_set_parse(&again, wr_view(&once), &err) < 0)
		abort();
	gtid_set_print(&again, &twice);
	if (!view_equal(wr_view(&once), wr_view(&twice)))
		abort();
	wr_done(&once);
	wr_done(&twice);
	gtid_set_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = fuzz_view(data, size), first = view_take(&text, '\n');
	struct gtid_set whole = {0}, part = {0};
	struct writer missing = {0};
	struct error err;

	if (gtid_set_parse(&whole, first, &err) == 0 && gtid_set_parse(&part, text, &err) == 0) {
		check_again(&whole);
		if (gtid_set_covers(&whole, &part, &missing) != (missing.len == 0) || !gtid_set_covers(&part, &part, &missing))
			abort();
	}
	wr_done(&missing);
	gtid_set_done(&whole);
	gtid_set_done(&part);
	return 0;
}
