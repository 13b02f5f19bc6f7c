/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The masks that a configuration and a mapping pack ask for, as the pipeline and whoever looks beside it need them. */
#ifndef PIPELINE_MASKING_H
#define PIPELINE_MASKING_H

#include "base/error.h"
#include "canonical/pack.h"
#include "mask/mask.h"
#include "pipeline/pipeline.h"

/* `pack` may be NULL. The caller's, for masks_free; ERROR_INPUT as masks_new. */
MUST_CHECK int masking_new(const struct pipeline_options *options, const struct pack *pack, struct masks **ret,
			   struct error *err);

/* With no rule but the key: to read again what was encrypted. ERROR_INPUT without a masking.key. */
MUST_CHECK int masking_with_key(const struct pipeline_options *options, struct masks **ret, struct error *err);

/* ERROR_INPUT for a rule of the configuration that fits no column of what is captured: always -1. */
int masking_refuse(const struct mask_rule *rule, struct error *err);

#endif
