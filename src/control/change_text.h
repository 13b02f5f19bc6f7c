/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* A change as a line for people, or as a JSON object on a line. */
#ifndef CONTROL_CHANGE_TEXT_H
#define CONTROL_CHANGE_TEXT_H

#include "base/arena.h"
#include "base/writer.h"
#include "model/change.h"
#include "pipeline/pipeline.h"

struct change_text {
	const struct pipeline_options *options; /* of columns that are excluded nothing is shown */
	bool json;
	struct arena arena;                     /* reset with each change */
};

/* Appends the line with its newline; of what is no row and no message nothing in JSON. */
void change_text_write(struct change_text *text, const struct change *change, struct writer *to);

#endif
