/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Rows as COPY sends them (PostgreSQL documentation, COPY, "Text Format"), made into changes as those of the log are. */
#include <string.h>

#include "pgoutput.h"

static char unescape(char c)
{
	static const char from[] = "bfnrtv", to[] = "\b\f\n\r\t\v";
	const char *found = c ? strchr(from, c) : NULL;

	return found ? to[found - from] : c;
}

/* COPY's text format escapes with backslashes; most fields have none and are taken as they are. */
static struct view unescape_field(struct arena *arena, struct view field)
{
	char *copy;
	size_t len = 0;

	if (!field.len || !memchr(field.ptr, '\\', field.len))
		return field;
	copy = arena_alloc(arena, field.len);
	for (size_t i = 0; i < field.len; i++) {
		char c = field.ptr[i];

		if (c == '\\' && i + 1 < field.len)
			c = unescape(field.ptr[++i]);
		copy[len++] = c;
	}
	return (struct view){copy, len};
}

int pgoutput_copy_row(struct pgoutput *pg, const struct pg_table *table, struct view line, struct change *ret,
		      struct error *err)
{
	arena_reset(&pg->arena);
	pgoutput_reserve(pg, table->table->column_count);
	for (unsigned i = 0; i < table->table->column_count; i++) {
		struct view field = view_take(&line, '\t');
		struct value *value = &pg->after[i];

		value->state = view_is(field, "\\N") ? VALUE_NULL : VALUE_PRESENT;
		if (value->state == VALUE_PRESENT &&
		    table->convert[i](unescape_field(&pg->arena, field), &pg->arena, value) < 0)
			return error_set(err, ERROR_RECORD, "column %s.%s.%s: the server's text is no %s",
					 table->table->schema, table->table->name, table->table->columns[i].name,
					 table->table->columns[i].source_type);
	}
	*ret = (struct change){.op = CHANGE_READ, .table = table->table, .after = {IMAGE_FULL, pg->after}};
	return 1;
}

struct view pgoutput_copy_field(struct arena *arena, struct view line, unsigned number)
{
	struct view field = view_take(&line, '\t');

	while (number--)
		field = view_take(&line, '\t');
	return unescape_field(arena, field);
}
