/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A format that values can be written in instead of Avro: one constant table of functions. The walk over the value is
 * the same for all of them (recode.c); a codec writes what it is shown, in the order of the schema.
 */
#ifndef ENCODE_CODEC_H
#define ENCODE_CODEC_H

#include "base/writer.h"
#include "encode/datum.h"
#include "model/avro.h"

/* Where a codec stands in a value, for those that have to know. */
struct codec_level {
	const struct avro_type *type;
	uint32_t number;
	unsigned opened, part;
	struct view key;
};

struct codec_state {
	struct codec_level levels[DATUM_DEPTH_MAX + 1];
	unsigned depth;
	size_t open[3 * DATUM_DEPTH_MAX + 3];
	unsigned open_count;
};

struct codec {
	/* A value without parts, or null; a record that the format shows as one value, too. */
	void (*scalar)(struct codec_state *state, const struct avro_type *type, const struct datum *datum, struct writer *to);

	/*
	 * Around the parts of a record, array or map, and before each of them: its number and (unless of an
	 * array) its name.
	 */
	void (*begin)(struct codec_state *state, const struct avro_type *type, struct writer *to);
	void (*part)(struct codec_state *state, const struct avro_type *type, unsigned number, struct view name,
		     struct writer *to);
	void (*end)(struct codec_state *state, const struct avro_type *type, struct writer *to);
};

extern const struct codec json_codec, connect_codec, protobuf_codec;

/* What is around values in JSON of any kind. */
void json_begin_parts(struct codec_state *state, const struct avro_type *type, struct writer *to);
void json_begin_part(struct codec_state *state, const struct avro_type *type, unsigned number, struct view name,
		     struct writer *to);
void json_end_parts(struct codec_state *state, const struct avro_type *type, struct writer *to);

#endif
