/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Rows that come, go or change without row events: the state file keeps how the rows of each captured table are kept by the source
 * (source.h), and a look now and then finds what has become of that. A mirrored table is loaded again (loads.c); of one that is
 * only published the log has a warning, since its readers have no other way to know.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "run.h"
#include "state/inputs.h"

void layouts_free(struct pipeline *p)
{
	free(p->layouts);
	p->layouts = NULL;
	p->layout_count = p->layout_next = 0;
	map_clear(&p->layouts_known);
	arena_reset(&p->layout_arena);
}

/* Lines of schema, table and text, with tabs between. */
static void take_known(struct pipeline *p, char *text)
{
	char *at = text + (*text == '\n');

	while (*at) {
		char *end = strchrnul(at, '\n'), *value = memchr(at, '\t', (size_t)(end - at));

		value = value ? memchr(value + 1, '\t', (size_t)(end - value - 1)) : NULL;
		if (value)
			map_put(&p->layouts_known, (struct view){at, (size_t)(value - at)}, value + 1);
		at = end + (*end != '\0');
		*end = '\0';
	}
}

static int load_known(struct pipeline *p, struct error *err)
{
	struct view known = VIEW_NONE;
	int found = input_get(p->db, INPUT_LAYOUTS, &p->layout_arena, &known, err);

	p->layouts_record = arena_copy(&p->layout_arena, found > 0 ? known : VIEW(""));
	take_known(p, (char *)arena_copy(&p->layout_arena, p->layouts_record).ptr);
	return found < 0 ? -1 : 0;
}

/* Of these tables: as they are now, and what is remembered. */
int layouts_read(struct pipeline *p, const struct table *const *tables, size_t count, struct error *err)
{
	const char **texts;
	int result = 0;

	layouts_free(p);
	if (!p->source_ops->layouts)
		return 0;
	if (load_known(p, err) < 0)
		return -1;
	texts = MEM_ARRAY(const char *, count);
	result = p->source_ops->layouts(p->source, tables, count, &p->layout_arena, texts, err);
	p->layouts = MEM_ARRAY(struct layout, count);
	for (size_t i = 0; i < count && result == 0; i++)
		p->layouts[p->layout_count++] = (struct layout){tables[i]->schema, tables[i]->name, texts[i]};
	free(texts);
	return result;
}

/* They are mostly asked for in their order. */
static const char *text_of(struct pipeline *p, const char *schema, const char *name)
{
	for (size_t i = 0; i < p->layout_count; i++) {
		const struct layout *layout = &p->layouts[p->layout_next++ % p->layout_count];

		if (strcmp(layout->name, name) == 0 && strcmp(layout->schema, schema) == 0)
			return layout->text;
	}
	return "";
}

/* What is remembered; "" if that is nothing. */
static const char *known_of(struct pipeline *p, const char *schema, const char *name)
{
	char *key = mem_printf("%s\t%s", schema, name);
	const char *known = map_get(&p->layouts_known, view_of(key));

	free(key);
	return known ? known : "";
}

int layouts_change(struct pipeline *p, const char *schema, const char *name, const char **ret_reason, struct error *err)
{
	*ret_reason = NULL;
	if (!p->layout_count)
		return 0;
	return p->source_ops->layout_change(p->source, known_of(p, schema, name), text_of(p, schema, name), ret_reason, err);
}

static int keep(struct pipeline *p, struct view list, struct error *err)
{
	return view_equal(list, p->layouts_record) ? 0 : input_put(p->db, INPUT_LAYOUTS, list, err);
}

static void warn(const struct pipeline *p, const struct source_table *table, const char *reason)
{
	log_warning(p->options->name, "table %s.%s: %s: rows may have come, gone or changed without row events, and its change topic has "
		    "nothing of that; `tailwater snapshot --table %s.%s` publishes the rows that are there", table->schema, table->name, reason,
		    table->schema, table->name);
}

/*
 * What is remembered of a captured table from now on. A mirrored one that has changed so keeps what it had while it cannot be loaded
 * again yet (`wait`); *ret_due: it is to be.
 */
static int note_one(struct pipeline *p, const struct source_table *table, bool wait, struct writer *list, bool *ret_due, struct error *err)
{
	const char *known = known_of(p, table->schema, table->name), *text = text_of(p, table->schema, table->name), *reason;
	bool mirrored = routes_need(p, table->schema, table->name) != NULL;

	if (p->source_ops->layout_change(p->source, known, text, &reason, err) < 0)
		return -1;
	if (reason && !mirrored)
		warn(p, table, reason);
	*ret_due |= reason && mirrored;
	wr_printf(list, "%s\t%s\t%s\n", table->schema, table->name, reason && mirrored && wait ? known : text);
	return 0;
}

static int note(struct pipeline *p, bool wait, bool *ret_due, struct error *err)
{
	struct writer list = {0};
	int result = 0;

	wr_u8(&list, '\n');
	for (size_t i = 0; i < p->table_count && result == 0; i++)
		result = note_one(p, &p->tables[i], wait, &list, ret_due, err);
	if (result == 0)
		result = keep(p, wr_view(&list), err);
	wr_done(&list);
	return result;
}

/* After it was decided which tables are loaded again. */
int layouts_keep(struct pipeline *p, struct error *err)
{
	bool ignored = false;

	return p->source_ops->layouts ? note(p, p->loads_due, &ignored, err) : 0;
}

int layouts_look(struct pipeline *p, bool *ret_due, struct error *err)
{
	*ret_due = false;
	if (!p->source_ops->layouts)
		return 0;
	return layouts_read(p, p->versions, p->table_count, err) < 0 ? -1 : note(p, true, ret_due, err);
}
