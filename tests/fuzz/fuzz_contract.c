/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The schema parser under any text; a schema that it accepts must print, and read back, as the same. */
#include "fuzz.h"

#include "schema/contract.h"
#include "schema/fingerprint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diagnostics diag = {0};
	struct contract *contract = contract_parse_text("fuzz", fuzz_view(data, size), &diag), *again;
	struct writer text = {0};

	if (contract) {
		contract_print(contract_root(contract), &text);
		again = contract_parse_text("again", wr_view(&text), &diag);
		MUST(again && avro_fingerprint(contract_root(contract)) == avro_fingerprint(contract_root(again)));
		contract_free(again);
	}
	contract_free(contract);
	wr_done(&text);
	diag_done(&diag);
	return 0;
}
