/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The reader of Protocol Buffers under any bytes: up to a zero a .proto file, behind it a message of it, and of one of ours. */
#include "fuzz.h"

#include <string.h>

#include "encode/protobuf_read.h"

static const char every_type[] =
	"message R { optional bool b = 1; optional int32 i = 2; optional int64 l = 3; optional double d = 4; optional float f = 5;"
	" optional string s = 6; optional bytes y = 7; optional sint32 n = 8; optional sfixed64 t = 9; repeated R a = 10;"
	" map<string, R> m = 11; R r = 12; repeated int32 x = 13; }";

static void print(struct view text, struct view bytes, struct arena *arena)
{
	const struct protobuf_file *file = protobuf_parse(text, arena);
	struct writer json = {0};
	struct error err;

	if (file && protobuf_json(file, bytes, &json, &err) == 0)
		wr_u8(&json, 0);
	wr_done(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *zero = size ? memchr(data, 0, size) : NULL;
	size_t len = zero ? (size_t)(zero - (const char *)data) : size;
	struct view bytes = {(const char *)data + len, size - len};
	struct arena arena;

	arena_init(&arena);
	print((struct view){(const char *)data, len}, bytes, &arena);
	print(view_of(every_type), bytes, &arena);
	arena_done(&arena);
	return 0;
}
