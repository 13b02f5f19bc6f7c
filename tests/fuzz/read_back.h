/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What a source's decoder hands out is encoded, and must read back by the schema that is published. */
#ifndef FUZZ_READ_BACK_H
#define FUZZ_READ_BACK_H

#include "base/arena.h"
#include "base/writer.h"
#include "encode/envelope.h"
#include "model/change.h"

#define VERSIONS_MAX 16 /* of tables, that are encoded */

struct read_back_version {
	struct encode_plan *plan; /* NULL: it cannot be published */
	struct contract *value;
	bool known;
};

struct read_back {
	struct encoder *encoder;
	struct read_back_version versions[VERSIONS_MAX];
	struct writer key, value;
	struct arena arena;
};

void read_back_init(struct read_back *rb, const char *connector);
void read_back_done(struct read_back *rb);

/* Aborts if what is published of it is not what the schema says. */
void read_back_change(struct read_back *rb, const struct change *change);

#endif
