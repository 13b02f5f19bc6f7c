/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* There are few at a time: as many as the application has threads. */
#include "prepared.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/writer.h"

void my_prepared_done(struct my_prepared_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->each[i].xid);
	free(set->each);
	*set = (struct my_prepared_set){0};
}

struct my_prepared *my_prepared_find(const struct my_prepared_set *set, struct view xid)
{
	for (size_t i = 0; i < set->count; i++)
		if (strlen(set->each[i].xid) == xid.len && strncasecmp(set->each[i].xid, xid.ptr, xid.len) == 0)
			return &set->each[i];
	return NULL;
}

static struct my_prepared *add(struct my_prepared_set *set, struct view xid)
{
	struct my_prepared *ret;

	if (set->count == set->capacity) {
		set->capacity = set->capacity ? 2 * set->capacity : 8;
		set->each = mem_resize(set->each, set->capacity, sizeof(*set->each));
	}
	ret = &set->each[set->count++];
	*ret = (struct my_prepared){.xid = MEM_ARRAY(char, xid.len + 1)};
	memcpy(ret->xid, xid.ptr, xid.len);
	ret->xid[xid.len] = '\0';
	return ret;
}

void my_prepared_put(struct my_prepared_set *set, struct view xid, struct position at)
{
	struct my_prepared *one = my_prepared_find(set, xid);

	if (!one)
		one = add(set, xid);
	one->at = at;
	one->settled = (struct position){POSITION_NONE, 0};
}

void my_prepared_forget(struct my_prepared_set *set, struct position reached)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct my_prepared *one = &set->each[i];

		if (one->settled.kind != POSITION_NONE && position_compare(one->settled, reached) <= 0)
			free(one->xid);
		else
			set->each[kept++] = *one;
	}
	set->count = kept;
}

void my_prepared_print(const struct my_prepared_set *set, struct writer *to)
{
	char at[POSITION_TEXT_BYTES];

	for (size_t i = 0; i < set->count; i++) {
		position_print(set->each[i].at, at);
		wr_printf(to, " %s@%s", set->each[i].xid, at);
		position_print(set->each[i].settled, at);
		if (set->each[i].settled.kind != POSITION_NONE)
			wr_printf(to, ">%s", at);
	}
}

static int parse_place(struct view text, struct position *ret)
{
	*ret = (struct position){POSITION_NONE, 0};
	return view_is(text, "none") ? 0 : position_parse(text, ret);
}

int my_prepared_parse(struct my_prepared_set *set, struct view text, struct error *err)
{
	my_prepared_done(set);
	while (text.len) {
		struct view rest = view_take(&text, ' '), xid = view_take(&rest, '@'), at = view_take(&rest, '>');
		struct position begin, settled = {POSITION_NONE, 0};

		if (!xid.len || parse_place(at, &begin) < 0 || (rest.len && parse_place(rest, &settled) < 0)) {
			my_prepared_done(set);
			return error_set(err, ERROR_INPUT, "the state file has a transaction in two phases that cannot be read: %.*s", VIEW_ARG(xid));
		}
		my_prepared_put(set, xid, begin);
		my_prepared_find(set, xid)->settled = settled;
	}
	return 0;
}
