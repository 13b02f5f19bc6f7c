/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The publication over time. The server decides by the publication as it was at each change, so a table that was taken out
 * and put back lacks what happened in between, and nothing in the log says so. Therefore the state file keeps by what each
 * table is published, from its snapshot on: another publication, or another membership in it, is a gap.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "run.h"
#include "state/inputs.h"

#define MARKS INPUT_PUBLICATION

/* What stands behind a table's name in a text of marks (source.h), or NULL. */
static const char *mark_of(const char *text, const struct source_table *table)
{
	char *start = mem_printf("\n%s\t%s\t", table->schema, table->name);
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

/* The table of the next line, whose schema and name stand in `text`; false at the end. */
static bool next_known(const char **line, char text[300], struct source_table *ret)
{
	while (**line) {
		const char *at = *line + 1;
		char *name, *mark;

		snprintf(text, 300, "%.*s", (int)strcspn(at, "\n"), at);
		*line = at + strcspn(at, "\n");
		name = strchr(text, '\t');
		mark = name ? strchr(name + 1, '\t') : NULL;
		if (!mark)
			continue;
		*name = *mark = '\0';
		*ret = (struct source_table){.schema = text, .name = name + 1};
		return true;
	}
	return false;
}

static bool is_among(const struct source_table *tables, size_t count, const struct source_table *table)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(tables[i].schema, table->schema) == 0 && strcmp(tables[i].name, table->name) == 0)
			return true;
	return false;
}

static bool is_wanted(const struct pipeline *p, const struct source_table *table)
{
	return is_among(p->tables, p->table_count, table) || is_among(p->newcomers, p->newcomer_count, table);
}

static bool is_mapped(const struct pipeline *p, const struct source_table *table)
{
	return mapping_need(p->mapping, table->schema, table->name) != NULL;
}

/*
 * The first table that was captured, and should be, but is not there any more. (The mapping was compiled against what the
 * mirror remembers of it.)
 */
static bool find_gone(const struct pipeline *p, const char *known, char text[300], struct source_table *ret)
{
	while (next_known(&known, text, ret))
		if (!is_wanted(p, ret) && (is_mapped(p, ret) || pipeline_publishes(p->options, ret->schema, ret->name)))
			return true;
	return false;
}

static int gone(const struct pipeline *p, const struct source_table *table, struct error *err)
{
	const char *remedy = is_mapped(p, table) ? "take it out of the mapping pack" : "exclude it (tables.exclude)";

	error_state(err, STATE_PUBLICATION_CHANGED, "the captured table %s.%s was dropped or renamed: what was committed to it last may not "
		    "be published", table->schema, table->name);
	return error_hint(err, "%s to go on without that, or give it its name back", remedy);
}

static char *load_known(struct pipeline *p, struct error *err)
{
	struct view found = VIEW_NONE;
	struct arena arena;
	char *known = NULL;
	int result;

	arena_init(&arena);
	result = input_get(p->db, MARKS, &arena, &found, err);
	if (result >= 0)
		known = mem_text(result > 0 ? found : VIEW(""));
	arena_done(&arena);
	return known;
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
	struct source_table lost;
	struct error problem;
	char *known = load_known(p, &problem), text[300];
	int result = known ? 0 : -1;

	if (!known && !wrong_now)
		*err = problem;
	table = streamed && known ? altered(p, known, marks) : NULL;
	if (table)
		result = gap(p, table, wrong_now, err);
	else if (known && !wrong_now && streamed && find_gone(p, known, text, &lost))
		result = gone(p, &lost, err);
	else if (known && !wrong_now && strcmp(known, marks) != 0)
		result = input_put(p->db, MARKS, view_of(marks), err);
	free(known);
	return result < 0 ? -1 : 0;
}

int publication_check_identities(struct pipeline *p, bool first, struct error *err)
{
	if (p->source_ops->check_identities(p->source, err) == 0)
		return 0;
	if (first || err->class != ERROR_STATE)
		return -1;
	if (!p->identities_told)
		log_warning(p->options->name, "%s; %s", err->text, err->hint);
	p->identities_told = true;
	error_clear(err);
	return 0;
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
