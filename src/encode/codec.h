/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A format that values can be written in instead of Avro: one constant table of functions. The walk over the value is
 * the same for all of them (recode.c); a codec writes what it is shown, in the order of the schema.
 */
#ifndef ENCODE_CODEC_H
#define ENCODE_CODEC_H

#include "base/writer.h"
#include "model/avro.h"

struct codec {
	/* A value without parts, or null; a record that the format shows as one value, too. */
	void (*scalar)(const struct avro_type *type, const struct datum *datum, struct writer *to);

	/*
	 * Around the parts of a record, array or map, and before each of them: its number and (unless of an
	 * array) its name.
	 */
	void (*begin)(const struct avro_type *type, struct writer *to);
	void (*part)(const struct avro_type *type, unsigned number, struct view name, struct writer *to);
	void (*end)(const struct avro_type *type, struct writer *to);
};

extern const struct codec json_codec, connect_codec;

/* What is around values in JSON of any kind. */
void json_begin_parts(const struct avro_type *type, struct writer *to);
void json_begin_part(const struct avro_type *type, unsigned number, struct view name, struct writer *to);
void json_end_parts(const struct avro_type *type, struct writer *to);

#endif
