/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A planned move of the source: another server, or a slot made anew, whose log begins where an operator says that nothing
 * is missing in between. What can be checked is checked; the rest is the operator's word, which the state file keeps.
 */
#ifndef PIPELINE_ADOPT_H
#define PIPELINE_ADOPT_H

#include "base/error.h"
#include "base/writer.h"
#include "pipeline/pipeline.h"

/*
 * With no agent running: puts the state file to where the slot of the server stands. Appends what was changed, in a sentence;
 * or ERROR_INPUT if there is nothing to adopt, or a named state if it cannot be.
 */
MUST_CHECK int position_adopt(const struct pipeline_options *options, const char *who, const char *assertion, struct writer *ret_facts,
			      struct error *err);

#endif
