/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The reasons by name. */
#include "model/fault.h"

const char *const fault_reason_names[FAULT_REASONS] = {
	[FAULT_UNKNOWN] = "UNKNOWN",   [FAULT_REQUIRED] = "REQUIRED",	[FAULT_TYPE] = "TYPE",
	[FAULT_ENUM] = "ENUM",	       [FAULT_RANGE] = "RANGE",		[FAULT_QUERY] = "QUERY",
	[FAULT_ENCODING] = "ENCODING", [FAULT_TOO_LARGE] = "TOO_LARGE",
};
