/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Tables that are captured for the first time. A transaction that was writing to such a table while it came into the
 * publication is sent with all, a part or nothing of that, and not always the same; so at first the table is left out of
 * the stream, as before. When all who were writing to it have ended, and the stream has come to where the log was then,
 * it is let in: at a border, where the state file gets its name. From there on the log has all of its changes, and what
 * was before is read (repeats.c, loads.c).
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "run.h"
#include "state/inputs.h"

#define LISTED "tables.captured"
#define RETRY_US (50 * USEC_PER_MSEC)

static bool is_listed(const char *known, const struct source_table *table)
{
	char *line = mem_printf("\n%s\t%s\n", table->schema, table->name);
	bool listed = strstr(known, line) != NULL;

	free(line);
	return listed;
}

static void write_list(const struct source_table *tables, size_t count, struct writer *list)
{
	for (size_t i = 0; i < count; i++)
		wr_printf(list, "%s\t%s\n", tables[i].schema, tables[i].name);
}

static int list_tables(struct pipeline *p, struct error *err)
{
	struct writer list = {0};
	int result;

	wr_u8(&list, '\n');
	write_list(p->tables, p->table_count, &list);
	write_list(p->newcomers, p->newcomer_count, &list);
	result = input_put(p->db, LISTED, wr_view(&list), err);
	wr_done(&list);
	return result;
}

/* Those that are not listed leave the list of captured tables. */
static int part_from(struct pipeline *p, const char *known, struct error *err)
{
	size_t kept = 0;

	p->newcomers = MEM_ARRAY(struct source_table, p->table_count + 1);
	p->newcomer_versions = MEM_ARRAY(const struct table *, p->table_count + 1);
	for (size_t i = 0; i < p->table_count; i++) {
		if (is_listed(known, &p->tables[i])) {
			p->tables[kept++] = p->tables[i];
			continue;
		}
		p->newcomer_versions[p->newcomer_count] = p->versions[i];
		p->newcomers[p->newcomer_count++] = p->tables[i];
		log_info(p->options->name, "table %s.%s is captured for the first time: it is let in when those who write to it now are done",
			 p->tables[i].schema, p->tables[i].name);
	}
	if (!p->newcomer_count)
		return list_tables(p, err); /* those that are not captured any more are newcomers when they come back */
	p->table_count = kept;
	return p->source_ops->capture(p->source, p->tables, p->table_count, p->versions, err);
}

/* After the publication was checked for all. State files of before know of no list: all have been captured. */
int newcomers_open(struct pipeline *p, struct error *err)
{
	struct view known = VIEW_NONE;
	struct arena arena;
	int found = 0;

	newcomers_close(p);
	if (!p->may_load)
		return list_tables(p, err);
	arena_init(&arena);
	found = input_get(p->db, LISTED, &arena, &known, err);
	if (found > 0) {
		char *text = mem_text(known);

		found = part_from(p, text, err) < 0 ? -1 : 1;
		free(text);
	}
	arena_done(&arena);
	if (found < 0)
		return -1;
	return found ? 0 : list_tables(p, err);
}

void newcomers_close(struct pipeline *p)
{
	free(p->newcomers);
	free(p->newcomer_versions);
	p->newcomers = NULL;
	p->newcomer_versions = NULL;
	p->newcomer_count = p->newcomer_settled = 0;
	p->newcomers_at = (struct position){0};
	p->newcomers_retry_at = 0;
}

/* One after the other: whoever writes to it, when it is first asked, ends. */
static int settle(struct pipeline *p, struct error *err)
{
	int settled = 1;

	while (settled > 0 && p->newcomer_settled < p->newcomer_count) {
		settled = p->source_ops->settled(p->source, p->newcomer_versions[p->newcomer_settled]->source_id, err);
		p->newcomer_settled += settled > 0;
	}
	p->newcomers_retry_at = p->now + RETRY_US;
	if (settled <= 0)
		return settled;
	return p->source_ops->look(p->source, NULL, 0, NULL, &p->newcomers_at, err);
}

/* Between two transactions of the stream. */
int newcomers_step(struct pipeline *p, struct error *err)
{
	if (p->newcomers_at.kind == POSITION_NONE)
		return p->now < p->newcomers_retry_at ? 0 : settle(p, err);
	if (position_compare(p->applied.position, p->newcomers_at) < 0)
		return 0;
	if ((p->batch.open && batch_commit_checkpoint(p, err) < 0) || list_tables(p, err) < 0 || state_commit(p, err) < 0)
		return -1;
	return error_set(err, ERROR_TRANSIENT, "tables that are captured for the first time are let in");
}
