/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Orders for rows of tables as they stand in the state file, one record for each. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "pipeline/snapshot_orders.h"
#include "repeat.h"
#include "state/inputs.h"

static void write_hex(struct writer *to, struct view bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		wr_printf(to, "%02x", (unsigned char)bytes.ptr[i]);
	wr_u8(to, '\n');
}

static void read_hex(struct view text, struct writer *to)
{
	unsigned byte;

	wr_clear(to);
	for (size_t i = 0; i + 1 < text.len && sscanf(text.ptr + i, "%2x", &byte) == 1; i += 2)
		wr_u8(to, (uint8_t)byte);
}

static int write_mark(struct pipeline *p, const struct writer *mark, struct writer *to, struct error *err)
{
	struct writer sealed = {0};
	int result = masking_put_mark(p, wr_view(mark), &sealed, err);

	write_hex(to, wr_view(&sealed));
	wr_done(&sealed);
	return result;
}

static void read_mark(struct pipeline *p, struct view text, struct writer *to)
{
	struct writer kept = {0};

	if (!p)
		return;
	read_hex(text, &kept);
	masking_get_mark(p, wr_view(&kept), to);
	wr_done(&kept);
}

int repeat_save(struct pipeline *p, const struct repeat *repeat, struct error *err)
{
	struct writer text = {0};
	char name[40];
	int result;

	snprintf(name, sizeof(name), REPEAT_RECORD "%020" PRIu64, repeat->number);
	wr_printf(&text, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %d\n", repeat->parts, repeat->rows, repeat->next_rows,
		  repeat->next_more);
	write_hex(&text, view_of(repeat->schema));
	write_hex(&text, view_of(repeat->name));
	write_hex(&text, view_of(repeat->condition));
	result = write_mark(p, &repeat->mark, &text, err);
	if (result == 0)
		result = write_mark(p, &repeat->next_mark, &text, err);
	wr_printf(&text, "%d %" PRIu64 " %" PRIu64 "\n", repeat->of_first, repeat->next_published, repeat->published);
	write_hex(&text, view_of(repeat->rest));
	if (result == 0)
		result = input_put(p->db, name, wr_view(&text), err);
	wr_done(&text);
	return result;
}

int repeat_forget(struct pipeline *p, const struct repeat *repeat, struct error *err)
{
	char name[40];

	snprintf(name, sizeof(name), REPEAT_RECORD "%020" PRIu64, repeat->number);
	return input_put(p->db, name, VIEW_NONE, err);
}

static char *read_text(struct view *rest)
{
	struct writer text = {0};

	read_hex(view_take(rest, '\n'), &text);
	wr_u8(&text, '\0');
	return text.data;
}

struct repeat *repeat_parse(struct pipeline *p, struct view name, struct view text)
{
	struct repeat *repeat = MEM_NEW(struct repeat);
	struct view head = view_take(&text, '\n');
	char line[120];
	int more = 0, of_first = 0;

	snprintf(line, sizeof(line), "%.*s", VIEW_ARG(name));
	repeat->number = strtoull(line + strlen(REPEAT_RECORD), NULL, 10);
	snprintf(line, sizeof(line), "%.*s", VIEW_ARG(head));
	sscanf(line, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %d", &repeat->parts, &repeat->rows, &repeat->next_rows, &more);
	repeat->next_more = more;
	repeat->schema = read_text(&text);
	repeat->name = read_text(&text);
	repeat->condition = read_text(&text);
	read_mark(p, view_take(&text, '\n'), &repeat->mark);
	read_mark(p, view_take(&text, '\n'), &repeat->next_mark);
	head = view_take(&text, '\n');
	snprintf(line, sizeof(line), "%.*s", (int)head.len, head.len ? head.ptr : "");
	sscanf(line, "%d %" SCNu64 " %" SCNu64, &of_first, &repeat->next_published, &repeat->published);
	repeat->of_first = of_first;
	repeat->rest = read_text(&text);
	arena_init(&repeat->part.arena);
	return repeat;
}

void repeat_free(struct repeat *repeat)
{
	map_done(&repeat->part.keys);
	arena_done(&repeat->part.arena);
	free(repeat->part.rows);
	wr_done(&repeat->part.key);
	wr_done(&repeat->mark);
	wr_done(&repeat->next_mark);
	free(repeat->schema);
	free(repeat->name);
	free(repeat->condition);
	free(repeat->rest);
	free(repeat);
}

/* For who only looks --------------------------------------------------------------------------- */

struct looking {
	int (*each)(void *arg, const struct snapshot_order *order);
	void *arg;
};

static int show(void *arg, struct view name, struct view text)
{
	const struct looking *looking = arg;
	struct repeat *repeat = repeat_parse(NULL, name, text);
	struct snapshot_order order = {
		.number = repeat->number, .rows = repeat->rows, .schema = repeat->schema, .name = repeat->name,
		.condition = repeat->condition, .of_first = repeat->of_first,
	};
	int stop = looking->each(looking->arg, &order);

	repeat_free(repeat);
	return stop;
}

int snapshot_orders_each(struct db *db, int (*each)(void *arg, const struct snapshot_order *order), void *arg, struct error *err)
{
	struct looking looking = {each, arg};

	return input_each(db, REPEAT_RECORD, show, &looking, err);
}
