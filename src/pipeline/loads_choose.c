/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Which tables of the mirror are to be loaded, before the mapping is compiled and the mirror is open: those that are STALE or
 * not what the catalogue has, and those of which more is needed than was kept. And what is remembered of a load.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "loads.h"
#include "state/inputs.h"

#define RECORD "load."

/* Records ------------------------------------------------------------------------------------- */

static char *record_name(const char *schema, const char *name)
{
	return mem_printf(RECORD "%s.%s", schema, name);
}

int load_put(struct pipeline *p, const char *schema, const char *name, struct view text, struct error *err)
{
	char *record = record_name(schema, name);
	int result = input_put(p->db, record, text, err);

	free(record);
	return result;
}

/* What a load is, as its record's first number. */
enum { KIND_NEW = 1, KIND_WAITS = 2 };

static int kind_of(bool is_new, bool waits)
{
	return (is_new ? KIND_NEW : 0) | (waits ? KIND_WAITS : 0);
}

int load_save(struct pipeline *p, const struct load *load, struct error *err)
{
	const struct source_table *table = &p->tables[load->table];
	char shape_at[POSITION_TEXT_BYTES], seen[POSITION_TEXT_BYTES];
	struct writer text = {0};
	int result;

	position_print(load->shape_at, shape_at);
	position_print(load->seen, seen);
	wr_printf(&text, "%d %d %" PRIu64 " %s %s\n", kind_of(load->is_new, load->waits), load->read, load->rows, shape_at, seen);
	result = masking_put_mark(p, wr_view(&load->mark), &text, err);
	if (result == 0)
		result = load_put(p, table->schema, table->name, wr_view(&text), err);
	wr_done(&text);
	return result;
}

static struct position read_position(const char *text)
{
	struct position position = {0};

	if (position_parse(view_of(text), &position) < 0)
		return (struct position){0};
	return position;
}

static void read_record(struct pipeline *p, struct view record, struct load *load)
{
	char shape_at[POSITION_TEXT_BYTES] = "", seen[POSITION_TEXT_BYTES] = "", line[200];
	const char *end = memchr(record.ptr, '\n', record.len);
	int kind = 0, read = 0;

	snprintf(line, sizeof(line), "%.*s", end ? (int)(end - record.ptr) : 0, record.ptr);
	sscanf(line, "%d %d %" SCNu64 " %63s %63s", &kind, &read, &load->rows, shape_at, seen);
	load->is_new = kind & KIND_NEW;
	load->waits = kind & KIND_WAITS;
	load->read = read;
	load->shape_at = read_position(shape_at);
	load->seen = read_position(seen);
	if (end)
		masking_get_mark(p, (struct view){end + 1, record.len - (size_t)(end + 1 - record.ptr)}, &load->mark);
}

int load_find(struct pipeline *p, const char *schema, const char *name, struct load *load, struct error *err)
{
	char *record = record_name(schema, name);
	struct arena arena;
	struct view text;
	int found;

	arena_init(&arena);
	found = input_get(p->db, record, &arena, &text, err);
	if (found > 0)
		read_record(p, text, load);
	arena_done(&arena);
	free(record);
	return found;
}

/* What a load begins with, for a table that goes from the mirror now. */
static int begin_anew(struct pipeline *p, const char *schema, const char *name, bool is_new, bool waits, struct error *err)
{
	struct load before = {0};
	char *text;
	int result = load_find(p, schema, name, &before, err);

	if (result < 0)
		return -1;
	wr_done(&before.mark);
	text = mem_printf("%d 0 0 none none\n", kind_of(is_new || before.is_new, waits || before.waits));
	result = load_put(p, schema, name, view_of(text), err);
	free(text);
	return result < 0 ? -1 : mirror_forget(p->db, schema, name, err);
}

/* What has to be loaded ------------------------------------------------------------------------ */

struct candidate {
	char *schema, *name;
	enum mirror_state state;
	char reason[200];
	bool is_bag;
	bool renumbered;         /* as in struct mirror_difference; or it is kept otherwise (layouts.c), which rows do not show either */
	bool recorded;           /* its load has begun */
	const struct table *now; /* as the catalogue has it */
	struct candidate *next;
};

struct candidates {
	struct pipeline *p;
	size_t listed;
	struct arena arena;
	struct candidate *first, **end;
};

static bool same_name(const struct table *table, const struct candidate *one)
{
	return strcmp(table->name, one->name) == 0 && strcmp(table->schema, one->schema) == 0;
}

static int note_known(void *arg, const struct mirror_known *known, struct error *err)
{
	struct candidates *all = arg;
	struct candidate *one = ARENA_NEW(&all->arena, struct candidate);

	(void)err;
	*one = (struct candidate){.state = known->state, .is_bag = known->is_bag};
	one->schema = (char *)arena_copy(&all->arena, view_of(known->schema)).ptr;
	one->name = (char *)arena_copy(&all->arena, view_of(known->name)).ptr;
	snprintf(one->reason, sizeof(one->reason), "%s", known->reason);
	for (size_t i = 0; i < all->listed && !one->now; i++)
		if (same_name(all->p->versions[i], one))
			one->now = all->p->versions[i];
	*all->end = one;
	all->end = &one->next;
	return 0;
}

/*
 * A table that is whole, but not what the catalogue has, is stale; while a replay is due it is not yet: the log will come to
 * that.
 */
static int look_again(struct pipeline *p, struct candidate *one, bool quiet, bool *ret_load, struct error *err)
{
	struct mirror_difference now;
	const char *moved;

	*ret_load = one->state == MIRROR_STALE;
	if (mirror_differs(p->db, one->now, &now, err) < 0 || layouts_change(p, one->schema, one->name, &moved, err) < 0)
		return -1;
	one->renumbered = now.renumbered || moved;
	if (moved && !now.differs)
		snprintf(now.reason, sizeof(now.reason), "%s", moved);
	now.differs |= moved != NULL;
	if (one->state == MIRROR_LOADING)
		*ret_load = now.differs || one->is_bag;
	if (one->state != MIRROR_WHOLE || !now.differs)
		return mirror_learn_numbers(p->db, one->now, err);
	*ret_load = quiet;
	p->loads_due |= !quiet;
	snprintf(one->reason, sizeof(one->reason), "%s", now.reason);
	return 0;
}

/* Of the tables as they are remembered, with one as it is now. 1: the mapping takes them; 0 and its first complaint; -1. */
static int try_mapping(struct candidates *all, const struct candidate *one, char complaint[300], struct error *err)
{
	const struct table *const *remembered, **tables;
	struct diagnostics diag = {0};
	struct mapping *mapping;
	struct arena arena;
	unsigned count;

	if (!all->p->pack)
		return 1;
	arena_init(&arena);
	if (mirror_remember(all->p->db, all->p->versions, (unsigned)all->listed, &arena, &remembered, &count, err) < 0) {
		arena_done(&arena);
		return -1;
	}
	tables = ARENA_ARRAY(&arena, const struct table *, count);
	for (unsigned i = 0; i < count; i++)
		tables[i] = same_name(remembered[i], one) ? one->now : remembered[i];
	mapping = routes_try_mapping(all->p, tables, count, &diag);
	wr_u8(&diag.text, '\0');
	snprintf(complaint, 300, "%.*s", (int)strcspn(diag.text.data, "\n"), diag.text.data);
	mapping_free(mapping);
	diag_done(&diag);
	arena_done(&arena);
	return mapping != NULL;
}

/* A mapping that does not take the table as it is now holds its entities, and says why. */
static int settle_candidate(struct candidates *all, struct candidate *one, struct error *err)
{
	struct pipeline *p = all->p;
	struct load known = {0};
	char complaint[300];
	int taken = try_mapping(all, one, complaint, err), found = load_find(p, one->schema, one->name, &known, err);

	wr_done(&known.mark);
	if (taken < 0 || found < 0)
		return -1;
	one->recorded = found > 0;
	if (taken && one->state == MIRROR_LOADING) {
		log_info(p->options->name, "table %s.%s is loaded from its beginning", one->schema, one->name);
		return begin_anew(p, one->schema, one->name, !one->recorded, one->renumbered, err);
	}
	if (taken) {
		log_warning(p->options->name, "table %s.%s is STALE: %s; it is loaded again, its entities are held meanwhile",
			    one->schema, one->name, one->reason);
		return begin_anew(p, one->schema, one->name, false, one->renumbered, err);
	}
	log_warning(p->options->name, "table %s.%s is STALE: %s; its entities are held, because the mapping does not take it as it "
		    "is: %s", one->schema, one->name, one->reason, complaint);
	return mirror_set_stale(p->db, one->schema, one->name, one->reason, err);
}

static int prepare(struct candidates *all, struct error *err)
{
	struct pipeline *p = all->p;
	bool quiet, load;

	if (jobs_quiet(p, &quiet, err) < 0 || mirror_each_known(p->db, note_known, all, err) < 0)
		return -1;
	for (struct candidate *one = all->first; one; one = one->next) {
		if (!one->now)
			continue;
		if (look_again(p, one, quiet, &load, err) < 0 || (load && settle_candidate(all, one, err) < 0))
			return -1;
	}
	return 0;
}

/* Before the mapping is compiled: against what is loaded again as it is now. */
int loads_prepare(struct pipeline *p, size_t listed, struct error *err)
{
	struct candidates all = {.p = p, .listed = listed};
	int result;

	p->loads_due = false;
	if (layouts_read(p, p->versions, listed, err) < 0)
		return -1;
	if (!p->may_load)
		return 0;
	arena_init(&all.arena);
	all.end = &all.first;
	result = prepare(&all, err);
	arena_done(&all.arena);
	return result;
}

/* What is kept of it serves until there is a border. */
static int keep_narrow(struct pipeline *p, struct mirror_need *need, struct error *err)
{
	const char **columns = ARENA_ARRAY(&p->mapping_arena, const char *, need->column_count + 1);
	struct mirror_need one = *need;
	unsigned count = 0;

	one.column_count = 1;
	for (unsigned i = 0; i < need->column_count; i++) {
		bool lacks;

		one.columns = &need->columns[i];
		if (mirror_lacks(p->db, &one, &lacks, err) < 0)
			return -1;
		if (!lacks)
			columns[count++] = need->columns[i];
	}
	need->columns = columns;
	need->column_count = count;
	p->loads_due = true;
	return 0;
}

/*
 * Columns are needed that are not kept, by another mapping, or of a table that is mirrored whole: it is loaded again, at a
 * border.
 */
int loads_widen(struct pipeline *p, struct error *err)
{
	bool quiet, lacks;

	if (!p->may_load)
		return 0;
	if (jobs_quiet(p, &quiet, err) < 0)
		return -1;
	for (unsigned i = 0; i < p->need_count; i++) {
		struct mirror_need *need = &p->needs[i];

		if (mirror_lacks(p->db, need, &lacks, err) < 0)
			return -1;
		if (!lacks)
			continue;
		if (!quiet && !p->pack_switched) {
			if (keep_narrow(p, need, err) < 0)
				return -1;
			continue;
		}
		log_info(p->options->name, "more columns of table %s.%s are needed than were kept: it is loaded again", need->schema,
			 need->name);
		if (begin_anew(p, need->schema, need->name, true, false, err) < 0)
			return -1;
	}
	return 0;
}
