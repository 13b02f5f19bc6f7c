/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * How values of our schemas are messages of Protocol Buffers (proto3), which writer, schema and reader have in common:
 *
 *	record                 message
 *	field                  optional field; its number is made of its name, so that it stays the same whatever
 *	                       comes or goes beside it, now and in every version of a table
 *	array, map             repeated field, map<string, ...>; where they may be null a message ListOf_<field> or
 *	                       MapOf_<field>, and for items that may be null, or are lists, a message ItemOf_<field>
 *	decimal, enum          string: the exact number, the symbol
 *	date                   sint32, days since 1970-01-01      (and nothing else is sint32)
 *	timestamp-micros       sfixed64, microseconds since then  (and nothing else is sfixed64: a time that is observed
 *	                       has the same length always, and so have the messages around it)
 *	what is no record      message Key { optional ... value = 1; }
 */
#ifndef ENCODE_PROTOBUF_H
#define ENCODE_PROTOBUF_H

#include "base/map.h"
#include "model/avro.h"

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_LEN = 2, WIRE_FIXED32 = 5 };

#define PROTOBUF_LIST "ListOf_"
#define PROTOBUF_MAP "MapOf_"
#define PROTOBUF_ITEM "ItemOf_"

/* From 16 to 2^29 - 1 without 19000 to 19999, which are Protocol Buffers' own. */
static inline uint32_t protobuf_number(const char *name)
{
	uint32_t number = 16 + (uint32_t)(hash_bytes(view_of(name), 0) % ((1u << 29) - 1016));

	return number < 19000 ? number : number + 1000;
}

static inline bool protobuf_is_list(const struct avro_type *type)
{
	return type->kind == AVRO_ARRAY || type->kind == AVRO_MAP;
}

static inline bool protobuf_has_items(const struct avro_type *list)
{
	return list->items_nullable || protobuf_is_list(list->items);
}

/* The scalar type of a value that is no message and no list. */
const char *protobuf_scalar(const struct avro_type *type);

#endif
