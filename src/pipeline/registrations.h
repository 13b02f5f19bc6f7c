/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#ifndef REGISTRATIONS_H
#define REGISTRATIONS_H

#include "run.h"

/* The frame that the registry's id of a schema makes: asked for, if it is not known. Its text is that of a format. */
int registration_frame(struct pipeline *p, const char *topic, enum message_part part, const struct encode_schema *schema,
		       const struct schema_text *text, struct frame *ret, struct error *err);

#endif
