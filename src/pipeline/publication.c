/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The publication over time. The server decides by the publication as it was at each change, so a table that was taken out
 * and put back lacks what happened in between, and nothing in the log says so. Therefore the state file keeps by what each
 * table is published, from its snapshot on: another publication, or another membership in it, is a gap.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "run.h"
#include "state/inputs.h"

#define MARKS "source.publication"

/* What stands behind a table's name in a text of lines SCHEMA.TABLE=MARK, or NULL. */
static const char *mark_of(const char *text, const struct source_table *table)
{
	char *start = mem_printf("\n%s.%s=", table->schema, table->name);
	const char *found = strstr(text, start);

	found = found ? found + strlen(start) : NULL;
	free(start);
	return found;
}

static const struct source_table *altered(const struct pipeline *p, const char *known, const char *marks)
{
	for (size_t i = 0; i < p->table_count; i++) {
		const char *before = mark_of(known, &p->tables[i]), *now = mark_of(marks, &p->tables[i]);

		if (before && (!now || strncmp(before, now, strcspn(before, "\n") + 1) != 0))
			return &p->tables[i];
	}
	return NULL;
}

/* The first table that was captured and is wanted, but is not there any more. */
static bool find_gone(const struct pipeline *p, const char *known, char *ret, size_t size)
{
	for (const char *line = known; *line; line += strcspn(line, "\n")) {
		struct source_table table = {.schema = ret};
		char *dot;
		bool there = false;

		line++;
		snprintf(ret, size, "%.*s", (int)strcspn(line, "=\n"), line);
		dot = strchr(ret, '.');
		if (!dot)
			continue;
		*dot = '\0';
		table.name = dot + 1;
		for (size_t i = 0; i < p->table_count && !there; i++)
			there = strcmp(p->tables[i].schema, table.schema) == 0 && strcmp(p->tables[i].name, table.name) == 0;
		if (!there && pipeline_publishes(p->options, table.schema, table.name)) {
			*dot = '.';
			return true;
		}
	}
	return false;
}

static int gone(const char *table, struct error *err)
{
	error_state(err, STATE_PUBLICATION_CHANGED, "the captured table %s was dropped or renamed: what was committed to it last may not "
		    "be published", table);
	return error_hint(err, "exclude it (tables.exclude) to go on without that, or give it its name back");
}

#define ANEW "begin anew with a new state file, slot and prefix"

/* An error that is there already says how the publication comes right; that is not enough. */
static int gap(const struct pipeline *p, const struct source_table *table, bool wrong_now, struct error *err)
{
	size_t len = strlen(err->hint);

	if (wrong_now) {
		snprintf(err->hint + len, sizeof(err->hint) - len, " Then " ANEW ": what was not published is lost");
		return -1;
	}
	error_state(err, STATE_PUBLICATION_CHANGED, "the publication '%s' was altered for table %s.%s while it was captured: "
		    "changes of that time may be missing", p->options->source.publication, table->schema, table->name);
	return error_hint(err, ANEW);
}

static int compare(struct pipeline *p, const char *marks, bool streamed, bool wrong_now, struct error *err)
{
	const struct source_table *table;
	struct view found = VIEW_NONE;
	struct error problem;
	struct arena arena;
	char *known, name[300];
	int result;

	arena_init(&arena);
	result = input_get(p->db, MARKS, &arena, &found, &problem);
	known = mem_text(result > 0 ? found : VIEW(""));
	table = streamed ? altered(p, known, marks) : NULL;
	if (result < 0 && !wrong_now)
		*err = problem;
	if (table)
		result = gap(p, table, wrong_now, err);
	else if (streamed && !wrong_now && result >= 0 && find_gone(p, known, name, sizeof(name)))
		result = gone(name, err);
	else if (result >= 0 && !wrong_now)
		result = strcmp(known, marks) == 0 ? 0 : input_put(p->db, MARKS, view_of(marks), err);
	free(known);
	arena_done(&arena);
	return result < 0 ? -1 : 0;
}

int publication_check(struct pipeline *p, bool streamed, struct error *err)
{
	struct writer marks = {0};
	struct error problem;
	bool wrong_now = p->source_ops->check_publication(p->source, err) < 0;
	int result = wrong_now ? -1 : 0;

	if (wrong_now && err->class != ERROR_STATE)
		return -1;
	wr_u8(&marks, '\n');
	if (p->source_ops->publication_marks(p->source, &marks, &problem) < 0) {
		if (!wrong_now)
			*err = problem;
		result = -1;
	} else {
		wr_u8(&marks, '\0');
		if (compare(p, marks.data, streamed, wrong_now, err) < 0)
			result = -1;
	}
	wr_done(&marks);
	return result;
}
