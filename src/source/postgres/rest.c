/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "rest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static char *take_word(const char **text)
{
	size_t len = strcspn(*text, " ");
	char *word = mem_text((struct view){*text, len});

	*text += len + ((*text)[len] == ' ');
	return word;
}

int pg_rest_parse(const char *text, struct pg_rest *ret, struct error *err)
{
	char *file, *apart;

	*ret = (struct pg_rest){.sight = take_word(&text)};
	file = take_word(&text);
	apart = take_word(&text);
	ret->ranges = take_word(&text);
	ret->xmin = strtoull(ret->sight, NULL, 10);
	ret->file = strtoull(file, NULL, 10);
	ret->apart = *apart == '1';
	free(file);
	free(apart);
	if (strchr(ret->sight, ':') && strspn(ret->sight, "0123456789:,") == strlen(ret->sight) && ret->file)
		return 0;
	pg_rest_done(ret);
	return error_set(err, ERROR_INTERNAL, "what is left of a table cannot be read");
}

void pg_rest_done(struct pg_rest *rest)
{
	free(rest->sight);
	free(rest->ranges);
	*rest = (struct pg_rest){0};
}

/* "12.5-2048" */
static void write_range(const char **text, struct writer *sql)
{
	char *end;
	uint64_t page = strtoull(*text, &end, 10), until;
	uint64_t number = *end == '.' ? strtoull(end + 1, &end, 10) : 0;

	wr_printf(sql, "(ctid > '(%" PRIu64 ",%" PRIu64 ")'", page, number);
	end += *end == '-';
	until = strtoull(end, &end, 10);
	if (end[-1] != '-')
		wr_printf(sql, " AND ctid < '(%" PRIu64 ",0)'", until);
	wr_u8(sql, ')');
	*text = end + (*end == ',');
}

static void write_ranges(const char *text, struct writer *sql)
{
	wr_printf(sql, "(%s", *text ? "" : "false");
	while (*text >= '0' && *text <= '9') {
		write_range(&text, sql);
		if (*text)
			wr_printf(sql, " OR ");
	}
	wr_u8(sql, ')');
}

/*
 * The row has 32 bits of the number of who wrote it, also when it was frozen long ago. It may be newer if it lies, going round,
 * between what the snapshot saw and now.
 */
static void write_newer(const struct pg_rest *rest, struct writer *sql)
{
	static const char distance[] = "((xmin::pg_catalog.text::bigint - %" PRIu64 " + 4294967296) %% 4294967296)";
	uint64_t low = rest->xmin & UINT32_MAX;

	wr_printf(sql, "(xmin::pg_catalog.text::bigint >= 3 AND ");
	wr_printf(sql, distance, low);
	wr_printf(sql, " < (SELECT pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())) - %" PRIu64
		  " AND NOT pg_catalog.txid_visible_in_snapshot(%" PRIu64 " + ", rest->xmin, rest->xmin);
	wr_printf(sql, distance, low);
	wr_printf(sql, ", '%s'))", rest->sight);
}

/*
 * When the numbers have gone round once, an old row may look like a new one: it is read then. That gives a row that was
 * changed once more, and leaves out none.
 */
void pg_rest_condition(const struct pg_rest *rest, struct writer *sql)
{
	if (strcmp(rest->ranges, REST_ALL) == 0) {
		wr_printf(sql, "true");
		return;
	}
	if (*rest->ranges == 't' && strspn(rest->ranges + 1, "0123456789,") == strlen(rest->ranges + 1)) {
		wr_printf(sql, "tableoid = ANY ('{%s}'::oid[])", rest->ranges + 1);
		return;
	}
	write_ranges(rest->ranges, sql);
	wr_printf(sql, rest->apart ? " OR " : " AND NOT ((SELECT pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())) < "
					      "4294967296 AND ");
	write_newer(rest, sql);
	if (!rest->apart)
		wr_u8(sql, ')');
}
