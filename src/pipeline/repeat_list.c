/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The list of orders for rows of tables, and what a start makes of it: tables that have a change topic now, and had none before. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "repeat.h"
#include "state/inputs.h"
#include "state/jobs.h"

#define KNOWN "snapshot.tables"

/* For other threads: how many there are, and how far the first one is. */
void repeat_tell_status(struct pipeline *p)
{
	uint64_t open = 0;

	for (const struct repeat *repeat = p->repeats; repeat; repeat = repeat->next)
		open++;
	status_orders(p, open, open ? p->repeats->number : 0, open ? p->repeats->rows : 0);
}

static void append(struct pipeline *p, struct repeat *repeat)
{
	struct repeat **end = &p->repeats;

	while (*end)
		end = &(*end)->next;
	*end = repeat;
	repeat_tell_status(p);
}

static int read_record(void *arg, struct view name, struct view text)
{
	append(arg, repeat_parse(arg, name, text));
	return 0;
}

void repeat_drop_first(struct pipeline *p)
{
	struct repeat *first = p->repeats;

	p->repeats = first->next;
	p->repeat_pending = false;
	repeat_free(first);
	repeat_tell_status(p);
}

/* A number that no job has, or will have: the checkpoint knows both by it. */
static int take_number(struct pipeline *p, uint64_t *ret, struct error *err)
{
	struct job job = {.kind = VIEW("repeat")};

	if (job_add(p->db, &job, err) < 0 || job_finish(p->db, job.number, err) < 0)
		return -1;
	*ret = job.number;
	return 0;
}

int repeat_add(struct pipeline *p, const struct source_table *table, struct view condition, const char *rest,
	       uint64_t *ret_number, struct error *err)
{
	struct repeat *repeat = MEM_NEW(struct repeat);

	arena_init(&repeat->part.arena);
	repeat->schema = mem_text(view_of(table->schema));
	repeat->name = mem_text(view_of(table->name));
	repeat->condition = mem_text(condition.ptr ? condition : VIEW(""));
	repeat->of_first = rest != NULL;
	repeat->rest = mem_text(view_of(rest ? rest : ""));
	if (take_number(p, &repeat->number, err) < 0 || repeat_save(p, repeat, err) < 0) {
		repeat_free(repeat);
		return -1;
	}
	append(p, repeat);
	*ret_number = repeat->number;
	return 0;
}

/* Of a first snapshot that was broken off. `rest` as the source has told it; "": all of the table. */
int repeats_add_rest(struct pipeline *p, const struct source_table *table, const char *rest, struct error *err)
{
	uint64_t number;

	return repeat_add(p, table, VIEW_NONE, rest, &number, err);
}

/* True if there is more of it than this one. */
bool repeats_rest(const struct pipeline *p, const struct repeat *but)
{
	for (const struct repeat *repeat = p->repeats; repeat; repeat = repeat->next)
		if (repeat->of_first && repeat != but)
			return true;
	return false;
}

/* The start ------------------------------------------------------------------------------------ */

static bool is_listed(const char *known, const struct source_table *table)
{
	char *line = mem_printf("\n%s\t%s\n", table->schema, table->name);
	bool listed = strstr(known, line) != NULL;

	free(line);
	return listed;
}

/* Tables with a change topic that had none when the agent was here last. */
static int add_new(struct pipeline *p, const char *known, struct error *err)
{
	for (size_t i = 0; i < p->table_count; i++) {
		uint64_t number;

		if (!pipeline_publishes(p->options, p->tables[i].schema, p->tables[i].name) || is_listed(known, &p->tables[i]))
			continue;
		if (repeat_add(p, &p->tables[i], VIEW_NONE, NULL, &number, err) < 0)
			return -1;
		log_info(p->options->name, "table %s.%s is new among those that have change topics: its rows are read as snapshot %"
			 PRIu64, p->tables[i].schema, p->tables[i].name, number);
	}
	return 0;
}

static int list_known(struct pipeline *p, struct error *err)
{
	struct writer list = {0};
	int result;

	wr_u8(&list, '\n');
	for (size_t i = 0; i < p->table_count; i++)
		if (pipeline_publishes(p->options, p->tables[i].schema, p->tables[i].name))
			wr_printf(&list, "%s\t%s\n", p->tables[i].schema, p->tables[i].name);
	result = input_put(p->db, KNOWN, wr_view(&list), err);
	wr_done(&list);
	return result;
}

/* State files of before know of no list: all were in the first snapshot then. */
int repeats_open(struct pipeline *p, struct error *err)
{
	struct arena arena;
	struct view known = VIEW_NONE;
	int found = 0;

	repeats_close(p);
	if (p->may_load) {
		if (input_each(p->db, REPEAT_RECORD, read_record, p, err) < 0)
			return -1;
		arena_init(&arena);
		found = input_get(p->db, KNOWN, &arena, &known, err);
		if (found > 0) {
			char *text = mem_text(known);

			found = add_new(p, text, err);
			free(text);
		}
		arena_done(&arena);
	}
	return found < 0 ? -1 : list_known(p, err);
}

void repeats_close(struct pipeline *p)
{
	while (p->repeats)
		repeat_drop_first(p);
}
