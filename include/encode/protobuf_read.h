/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Reading back what we wrote in Protocol Buffers, for people: by the .proto file that a registry has of it, shown as JSON
 * like the same value in Avro. Files in another style than ours are not understood.
 */
#ifndef ENCODE_PROTOBUF_READ_H
#define ENCODE_PROTOBUF_READ_H

#include "base/arena.h"
#include "base/error.h"
#include "base/view.h"
#include "base/writer.h"

struct protobuf_file;

/* In the arena; NULL if it is no file of ours. */
const struct protobuf_file *protobuf_parse(struct view text, struct arena *arena);

/* Appends the message, which is the first of the file. ERROR_RECORD if the bytes are none. */
MUST_CHECK int protobuf_json(const struct protobuf_file *file, struct view bytes, struct writer *to, struct error *err);

#endif
