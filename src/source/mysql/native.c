/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Values with an inner form. MariaDB's UUID, INET6 and INET4: in the log they are fixed bytes like any BINARY, in results they are texts. Only the
 * catalogue knows them. A geometry is stored as the number of its reference system and WKB, and told as EWKB, which has
 * that number in it (PostGIS). A vector is floats of four bytes, and told as it is.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "rows.h"

#define UUID_BYTES 16
#define UUID_TEXT 36

static struct view print_uuid(const uint8_t bytes[UUID_BYTES], struct arena *arena)
{
	char *text = arena_alloc(arena, UUID_TEXT + 1), *to = text;

	for (unsigned i = 0; i < UUID_BYTES; i++)
		to += sprintf(to, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
	return (struct view){text, UUID_TEXT};
}

static struct view print_address(int family, const uint8_t bytes[UUID_BYTES], struct arena *arena)
{
	char *text = arena_alloc(arena, INET6_ADDRSTRLEN);

	inet_ntop(family, bytes, text, INET6_ADDRSTRLEN);
	return view_of(text);
}

/* What is stored ends without its zeros. */
int read_native(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	uint8_t bytes[UUID_BYTES] = {0};
	struct view stored = rd_bytes(rd, rd_u8(rd));

	if (stored.len > sizeof(bytes))
		return -1;
	memcpy(bytes, stored.ptr, stored.len);
	if (strcmp(column->native, "uuid") == 0)
		ret->text = print_uuid(bytes, arena);
	else
		ret->text = print_address(strcmp(column->native, "inet6") == 0 ? AF_INET6 : AF_INET, bytes, arena);
	return 0;
}

/* Geometries ----------------------------------------------------------------------------------- */

#define WKB_HEADER_BYTES 5 /* byte order, type */
#define EWKB_HAS_SRID 0x20 /* in the highest byte of the type */

/* The number stands behind the type, if it is not 0; a collection's parts have none of their own. */
static int put_geometry(struct view stored, struct arena *arena, struct value *ret)
{
	char *to;

	if (stored.len < 4 + WKB_HEADER_BYTES || stored.ptr[4] != 1)
		return -1;
	ret->text = (struct view){stored.ptr + 4, stored.len - 4};
	if (memcmp(stored.ptr, "\0\0\0\0", 4) == 0)
		return 0;
	to = arena_alloc(arena, stored.len);
	memcpy(to, stored.ptr + 4, WKB_HEADER_BYTES);
	to[WKB_HEADER_BYTES - 1] |= EWKB_HAS_SRID;
	memcpy(to + WKB_HEADER_BYTES, stored.ptr, 4);
	memcpy(to + WKB_HEADER_BYTES + 4, stored.ptr + 4 + WKB_HEADER_BYTES, stored.len - 4 - WKB_HEADER_BYTES);
	ret->text = (struct view){to, stored.len};
	return 0;
}

int read_geometry(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	struct view stored = rd_bytes(rd, column->meta <= 4 ? (size_t)rd_uint_le(rd, column->meta) : SIZE_MAX);

	return rd->failed ? 0 : put_geometry(stored, arena, ret);
}

int parse_geometry(struct view text, const struct my_column *column, struct arena *arena, struct value *ret)
{
	(void)column;
	return put_geometry(text, arena, ret);
}

int read_vector(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret)
{
	(void)arena;
	ret->text = rd_bytes(rd, column->meta <= 4 ? (size_t)rd_uint_le(rd, column->meta) : SIZE_MAX);
	return ret->text.len % 4 ? -1 : 0;
}
