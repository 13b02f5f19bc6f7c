/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Values of any Avro type between trees (struct datum, model/avro.h) and bytes: documents, headers, exceptions are
 * written this way, and everything is read back this way. Rows of change topics go by encode/plan.h.
 */
#ifndef ENCODE_DATUM_H
#define ENCODE_DATUM_H

#include "base/arena.h"
#include "base/error.h"
#include "base/view.h"
#include "base/writer.h"
#include "model/avro.h"

#define DATUM_DEPTH_MAX 64               /* of nested records, arrays, maps */
#define DATUM_NODES_MAX ((size_t)1 << 20) /* values in one message: 32 MB of nodes */

/*
 * Appends a value. A value that does not fit its type (null where none is allowed, a number out of range, an unknown
 * symbol) is ERROR_RECORD with the path of the field: "total.amount". Bytes written so far are taken back then.
 */
MUST_CHECK int datum_write(const struct avro_type *type, const struct datum *datum, struct writer *to,
			   struct error *err);

/*
 * Reads a value that takes up all of the bytes, whatever they are: ERROR_RECORD if they are no value of the type. Nodes
 * are in the arena, texts are views into the bytes.
 */
MUST_CHECK int avro_read(const struct avro_type *type, struct view bytes, struct arena *arena, struct datum *ret,
			 struct error *err);

#endif
