/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What identifies an Avro schema among readers and writers: its Parsing Canonical Form (specification 1.11, "Parsing
 * Canonical Form for Schemas") and the 64-bit Rabin fingerprint of that text, which single-object encoding carries.
 */
#ifndef SCHEMA_FINGERPRINT_H
#define SCHEMA_FINGERPRINT_H

#include <stdint.h>

#include "base/view.h"
#include "base/writer.h"
#include "model/avro.h"

/* Appends the Parsing Canonical Form. */
void avro_canonical_form(const struct avro_type *type, struct writer *to);

/* CRC-64-AVRO of bytes. */
uint64_t avro_rabin(struct view bytes);

/* CRC-64-AVRO of the Parsing Canonical Form. */
uint64_t avro_fingerprint(const struct avro_type *type);

#endif
