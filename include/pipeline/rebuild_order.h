/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The order to build a state file anew that is lost: the next start of the agent carries it out. */
#ifndef PIPELINE_REBUILD_ORDER_H
#define PIPELINE_REBUILD_ORDER_H

#include "base/error.h"
#include "base/writer.h"
#include "pipeline/pipeline.h"

/*
 * With no agent running. A damaged state file is set aside. Appends what will be done, in a sentence; ERROR_INPUT if there is
 * nothing to build anew, or a named state if it cannot be.
 */
MUST_CHECK int rebuild_order(const struct pipeline_options *options, const char *who, const char *words, struct writer *ret_facts,
			     struct error *err);

struct db;

/* Appends a line on what of it is not carried out yet; nothing if there is no order, or it is carried out. */
MUST_CHECK int rebuild_tell(struct db *db, struct writer *to, struct error *err);

#endif
