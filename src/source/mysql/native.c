/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * MariaDB's UUID, INET6 and INET4: in the log they are fixed bytes like any BINARY, in results they are texts. Only the
 * catalogue knows them.
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
