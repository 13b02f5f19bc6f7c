/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What is left of a first snapshot that was broken off when mirror and documents were published, and rows of other tables were
 * being read. It does not begin anew: the slot still has all that came since. Tables and pieces of which Kafka has the rows
 * stand; the rest is read while changes are streamed (repeats.c), and when that is done the snapshot gets its END.
 *
 * The state file has which tables there are (plan), and how many records of those that are published (counts); the
 * checkpoint, in one transaction with the rows, what of those is not published that are not counted there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "encode/marker.h"
#include "run.h"
#include "state/inputs.h"

#define PLAN "snapshot.rest.plan"       /* when it was taken, and a line for each table */
#define COUNTS "snapshot.rest.counts"
#define END "snapshot.rest.end"         /* number of the snapshot, when it was taken, and the counts that its END will have */

/* Counts: lines "T", count, schema, name; "D", count, collection. --------------------------------- */

struct count {
	struct view line[4];
	uint64_t number;
};

static uint64_t to_number(struct view text)
{
	uint64_t number = 0;

	for (size_t i = 0; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++)
		number = number * 10 + (uint64_t)(text.ptr[i] - '0');
	return number;
}

static bool next_count(struct view *rest, struct count *ret)
{
	struct view line;

	if (!rest->len)
		return false;
	line = view_take(rest, '\n');
	for (size_t i = 0; i < 4; i++)
		ret->line[i] = view_take(&line, '\t');
	ret->number = to_number(ret->line[1]);
	return true;
}

static bool is_of(const struct count *count, const char *schema, const char *name)
{
	return view_is(count->line[0], "T") && view_is(count->line[2], schema) && view_is(count->line[3], name);
}

static void write_table(struct writer *to, uint64_t count, const char *schema, const char *name)
{
	wr_printf(to, "T\t%" PRIu64 "\t%s\t%s\n", count, schema, name);
}

static int get(struct pipeline *p, const char *name, struct arena *arena, struct view *ret, struct error *err)
{
	*ret = VIEW("");
	return input_get(p->db, name, arena, ret, err) < 0 ? -1 : 0;
}

/* While the snapshot lasts --------------------------------------------------------------------- */

static void count_so_far(struct pipeline *p, const struct table *const *later, size_t later_count, struct writer *to)
{
	struct event_count *documents;
	size_t count = marker_documents(p, &documents);

	for (size_t i = 0; i < p->table_count; i++) {
		bool is_later = false;

		for (size_t j = 0; j < later_count && !is_later; j++)
			is_later = later[j] == p->versions[i];
		if (!is_later && route_of(p, p->versions[i])->plan)
			write_table(to, marker_count(p, p->versions[i]), p->versions[i]->schema, p->versions[i]->name);
	}
	for (size_t i = 0; i < count; i++)
		wr_printf(to, "D\t%" PRIu64 "\t%.*s\n", documents[i].events, VIEW_ARG(documents[i].collection));
}

/* Mirror and documents are there; these tables follow. To be committed by the caller. */
int rest_begin(struct pipeline *p, const struct table *const *tables, size_t count, usec_t at, struct error *err)
{
	struct writer plan = {0}, counts = {0};
	int result;

	wr_printf(&plan, "%" PRId64 "\n", (int64_t)at);
	for (size_t i = 0; i < count; i++)
		wr_printf(&plan, "%s\t%s\n", tables[i]->schema, tables[i]->name);
	count_so_far(p, tables, count, &counts);
	result = input_put(p->db, PLAN, wr_view(&plan), err) < 0 || input_put(p->db, COUNTS, wr_view(&counts), err) < 0 ? -1 : 0;
	wr_done(&plan);
	wr_done(&counts);
	return result;
}

/* All rows of a table are in Kafka. */
int rest_note(struct pipeline *p, const struct table *table, uint64_t rows, struct error *err)
{
	struct writer text = {0};
	struct arena arena;
	struct view counts;
	int result;

	arena_init(&arena);
	result = get(p, COUNTS, &arena, &counts, err);
	if (result == 0) {
		wr_view_bytes(&text, counts);
		write_table(&text, rows, table->schema, table->name);
		result = input_put(p->db, COUNTS, wr_view(&text), err);
	}
	wr_done(&text);
	arena_done(&arena);
	return result;
}

int rest_forget(struct pipeline *p, struct error *err)
{
	return input_put(p->db, PLAN, VIEW_NONE, err) < 0 || input_put(p->db, COUNTS, VIEW_NONE, err) < 0 ||
	       input_put(p->db, END, VIEW_NONE, err) < 0 ? -1 : 0;
}

/* After it was broken off ---------------------------------------------------------------------- */

/* What the checkpoint says of the table with that number: 1, its count and what is left of it; 0. */
static int find_told(const char *rest, size_t number, uint64_t *ret_count, char **ret_left)
{
	for (struct view lines = view_of(rest); lines.len;) {
		struct view line = view_take(&lines, '\n');
		char *text = mem_text(line), *at = text;

		if (strtoull(at, &at, 10) == number) {
			*ret_count = strtoull(at, &at, 10);
			*ret_left = mem_text(view_of(at + (*at == ' ')));
			free(text);
			return 1;
		}
		free(text);
	}
	return 0;
}

static bool is_counted(struct view counts, const char *schema, const char *name)
{
	struct count count;

	while (next_count(&counts, &count))
		if (is_of(&count, schema, name))
			return true;
	return false;
}

static const struct source_table *find_captured(const struct pipeline *p, const char *schema, const char *name)
{
	for (size_t i = 0; i < p->table_count; i++)
		if (strcmp(p->tables[i].schema, schema) == 0 && strcmp(p->tables[i].name, name) == 0)
			return pipeline_publishes(p->options, schema, name) ? &p->tables[i] : NULL;
	return NULL;
}

/* One table of the plan that is not counted as whole. */
static int resume_table(struct pipeline *p, const struct source_table *table, const char *told, size_t number, struct writer *end,
			struct error *err)
{
	uint64_t count = 0;
	char *left = NULL;
	int found = find_told(told, number, &count, &left), result = 0;

	write_table(end, count, table->schema, table->name);
	if (!found || *left)
		result = repeats_add_rest(p, table, found ? left : "", err);
	free(left);
	return result;
}

static int resume_tables(struct pipeline *p, struct view plan, struct view counts, const char *told, struct writer *end, struct error *err)
{
	wr_printf(end, "%" PRIu64 "\t%" PRIu64 "\n", p->applied.snapshot, to_number(view_take(&plan, '\n')));
	wr_view_bytes(end, counts);
	for (size_t i = 0; plan.len; i++) {
		struct view line = view_take(&plan, '\n');
		char *schema = mem_text(view_take(&line, '\t')), *name = mem_text(line);
		const struct source_table *table = find_captured(p, schema, name);
		bool whole = is_counted(counts, schema, name);

		free(schema);
		free(name);
		if (table && !whole && resume_table(p, table, told, i, end, err) < 0)
			return -1;
	}
	return 0;
}

/*
 * What is left becomes work of the stream, in one commit with the phase. If nothing is, only the END was missing.
 */
int rest_resume(struct pipeline *p, const struct checkpoint *checkpoint, struct error *err)
{
	struct writer end = {0};
	struct view plan, counts;
	struct arena arena;
	int result;

	p->applied = p->published;
	arena_init(&arena);
	result = get(p, PLAN, &arena, &plan, err) < 0 || get(p, COUNTS, &arena, &counts, err) < 0 ||
		 resume_tables(p, plan, counts, checkpoint->rest, &end, err) < 0 || rest_forget(p, err) < 0 ||
		 input_put(p->db, END, wr_view(&end), err) < 0 ? -1 : 0;
	wr_done(&end);
	arena_done(&arena);
	if (result < 0)
		return -1;
	p->applied.snapshot_phase = SNAPSHOT_FINISHED;
	if (repeats_rest(p, NULL)) {
		log_info(p->options->name, "first snapshot %" PRIu64 " goes on while changes are streamed", p->applied.snapshot);
		p->loads_wanted = true;
		return state_commit(p, err);
	}
	return rest_publish_end(p, err) < 0 || batch_commit_checkpoint(p, err) < 0 ? -1 : state_commit(p, err);
}

static void write_counts(struct view counts, const struct count *more, struct writer *to)
{
	bool found = false;
	struct count count;

	while (next_count(&counts, &count)) {
		bool same = view_equal(count.line[0], more->line[0]) && view_equal(count.line[2], more->line[2]) &&
			    view_equal(count.line[3], more->line[3]);

		wr_printf(to, "%.*s\t%" PRIu64 "\t%.*s\t%.*s\n", VIEW_ARG(count.line[0]), count.number + (same ? more->number : 0),
			  VIEW_ARG(count.line[2]), VIEW_ARG(count.line[3]));
		found |= same;
	}
	if (!found && view_is(more->line[0], "D"))
		wr_printf(to, "D\t%" PRIu64 "\t%.*s\n", more->number, VIEW_ARG(more->line[2]));
}

static int add_count(struct pipeline *p, const struct count *more, struct error *err)
{
	struct writer text = {0};
	struct arena arena;
	struct view end;
	int result;

	arena_init(&arena);
	result = get(p, END, &arena, &end, err);
	if (result == 0 && end.len) {
		wr_view_bytes(&text, view_take(&end, '\n'));
		wr_u8(&text, '\n');
		write_counts(end, more, &text);
		result = input_put(p->db, END, wr_view(&text), err);
	}
	wr_done(&text);
	arena_done(&arena);
	return result;
}

/* So many more rows of a table are published, or are about to be in the same transaction. */
int rest_add(struct pipeline *p, const char *schema, const char *name, uint64_t rows, struct error *err)
{
	struct count more = {{VIEW("T"), VIEW_NONE, view_of(schema), view_of(name)}, rows};

	return add_count(p, &more, err);
}

/* And so many exceptions, in place of rows that were refused. */
int rest_add_exceptions(struct pipeline *p, uint64_t exceptions, struct error *err)
{
	struct count more = {{VIEW("D"), VIEW_NONE, p->exception_tally.name, VIEW("")}, exceptions};

	return exceptions ? add_count(p, &more, err) : 0;
}

/* Captured still, or the END does not tell of it. */
static bool take_table(struct pipeline *p, const struct count *count, struct event_count *ret)
{
	for (size_t i = 0; i < p->table_count; i++) {
		const struct table *table = p->versions[i];

		if (!is_of(count, table->schema, table->name) || !route_of(p, table)->plan)
			continue;
		*ret = (struct event_count){encode_collection_name(p->encoder, route_of(p, table)->plan), count->number};
		return true;
	}
	return false;
}

static int publish_end(struct pipeline *p, struct view end, struct error *err)
{
	size_t most = 0, tables = 0, documents = 0;
	struct view head = view_take(&end, '\n');
	uint64_t snapshot = to_number(view_take(&head, '\t'));
	struct event_count *table_counts, *document_counts;
	struct count count;

	for (struct view rest = end; next_count(&rest, &count);)
		most++;
	table_counts = ARENA_ARRAY(&p->txn_arena, struct event_count, most);
	document_counts = ARENA_ARRAY(&p->txn_arena, struct event_count, most);
	while (next_count(&end, &count)) {
		if (view_is(count.line[0], "D"))
			document_counts[documents++] = (struct event_count){count.line[2], count.number};
		else
			tables += take_table(p, &count, &table_counts[tables]);
	}
	log_info(p->options->name, "first snapshot %" PRIu64 " is published", snapshot);
	return marker_snapshot_end(p, snapshot, (usec_t)to_number(head), table_counts, tables, document_counts, documents, err);
}

/* With the last rows. The record goes with the state commit. */
int rest_publish_end(struct pipeline *p, struct error *err)
{
	struct arena arena;
	struct view end;
	int result;

	arena_reset(&p->txn_arena);
	arena_init(&arena);
	result = get(p, END, &arena, &end, err);
	if (result == 0 && end.len)
		result = publish_end(p, end, err);
	arena_done(&arena);
	return result < 0 ? -1 : input_put(p->db, END, VIEW_NONE, err);
}
