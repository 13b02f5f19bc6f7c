/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* For who looks beside the agent, or before it: would it start? Nothing is touched. */
#ifndef PIPELINE_LOOK_H
#define PIPELINE_LOOK_H

#include "base/error.h"
#include "model/table.h"
#include "pipeline/pipeline.h"
#include "source/source.h"
#include "state/db.h"

/*
 * The named state that a start would end in, by the source, the checkpoint and the state file (NULL: there is none). Not while
 * an agent is at work: they are read one after the other.
 */
MUST_CHECK int look_start(const struct pipeline_options *options, const struct source_identity *identity, struct db *db,
			  struct error *err);

/* ERROR_INPUT if the change topic of a captured table cannot be as it is configured. */
MUST_CHECK int look_plans(const struct pipeline_options *options, const struct table *const *tables, size_t count, struct error *err);

#endif
