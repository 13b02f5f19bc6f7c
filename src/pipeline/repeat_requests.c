/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Orders for rows of tables, as they are asked for and cancelled. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "pipeline/requests.h"
#include "repeat.h"
#include "state/mirror.h"

#define TABLES_TOLD 12

/* Some of those that can be had. */
static int hint_tables(const struct pipeline *p, struct error *err)
{
	struct writer names = {0};
	unsigned count = 0;

	for (size_t i = 0; i < p->table_count; i++)
		if (pipeline_publishes(p->options, p->tables[i].schema, p->tables[i].name) && ++count <= TABLES_TOLD)
			wr_printf(&names, "%s%s.%s", count > 1 ? ", " : "", p->tables[i].schema, p->tables[i].name);
	if (count > TABLES_TOLD)
		wr_printf(&names, " and %u more", count - TABLES_TOLD);
	error_hint(err, count ? "those that have one (tables.include): %.*s" : "no table has one: name it in tables.include first%.*s", VIEW_ARG(wr_view(&names)));
	wr_done(&names);
	return -1;
}

/* By its whole name, or without the schema that is meant where none is given. */
static bool is_called(const struct source_table *table, struct view name)
{
	char *text = mem_printf("%s.%s", table->schema, table->name);
	bool same = view_is(name, text) || (strcmp(table->schema, mirror_usual_schema()) == 0 && view_is(name, table->name));

	free(text);
	return same;
}

static int find_table(struct pipeline *p, struct view name, size_t *ret, struct error *err)
{
	for (size_t i = 0; i < p->table_count; i++) {
		if (!is_called(&p->tables[i], name))
			continue;
		*ret = i;
		if (pipeline_publishes(p->options, p->tables[i].schema, p->tables[i].name))
			return 0;
		error_set(err, ERROR_INPUT, "table %.*s has no change topic: it is only mirrored, or left out", VIEW_ARG(name));
		return hint_tables(p, err);
	}
	error_set(err, ERROR_INPUT, "no table %.*s is captured, and so it has no change topic", VIEW_ARG(name));
	return hint_tables(p, err);
}

int repeats_take(struct pipeline *p, const struct request *request, struct writer *answer, struct error *err)
{
	struct view condition = request_value(request, "where");
	uint64_t number;
	size_t table = 0;
	int result = find_table(p, request_value(request, "table"), &table, err);

	if (result == 0 && condition.ptr) {
		char *text = mem_text(condition);

		result = p->source_ops->part_check(p->source, p->versions[table], text, err);
		if (result < 0 && err->class == ERROR_INPUT && !*err->hint)
			error_hint(err, "it is what stands behind WHERE in the server's SQL over this one table, as in --where 'id > 1000'");
		free(text);
	}
	if (result < 0 || repeat_add(p, &p->tables[table], condition, NULL, &number, err) < 0 || db_commit(p->db, err) < 0)
		return -1;
	p->loads_wanted = true;
	wr_printf(answer, "{\"snapshot\":%" PRIu64 "}", number);
	return 0;
}

/* What of it is published stays. */
static int cancel(struct pipeline *p, struct repeat **at, struct error *err)
{
	struct repeat *repeat = *at;

	if (repeat->of_first)
		return error_set(err, ERROR_INPUT, "snapshot %" PRIu64 " cannot be cancelled: it is what was left of the first snapshot, which has "
				 "to be read", repeat->number);
	if (repeat_note(p, repeat, "cancelled", "", err) < 0 || repeat_forget(p, repeat, err) < 0 || db_commit(p->db, err) < 0)
		return error_context(err, "cancelling a snapshot");
	if (repeat == p->repeats) {
		repeat_drop_first(p);
		return 0;
	}
	*at = repeat->next;
	repeat_free(repeat);
	repeat_tell_status(p);
	return 0;
}

int repeats_cancel(struct pipeline *p, const struct request *request, struct writer *answer, struct error *err)
{
	char *text = mem_text(request_value(request, "number"));
	struct repeat **at = &p->repeats;
	uint64_t number = strtoull(text, NULL, 10);

	free(text);
	while (*at && (*at)->number != number)
		at = &(*at)->next;
	if (!*at)
		error_set(err, ERROR_INPUT, "no snapshot %" PRIu64 " is open", number);
	if (!*at)
		return error_hint(err, "`tailwater snapshot --list` has those that are");
	if (cancel(p, at, err) < 0)
		return -1;
	wr_printf(answer, "{\"cancelled\":%" PRIu64 "}", number);
	return 0;
}
