/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "layout.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/writer.h"
#include "conn.h"
#include "version.h"

const char *pg_tree_leaving(const PGconn *conn)
{
	return pg_has(PQserverVersion(conn), PG_DETACH_PENDING) ? "i.inhdetachpending" : "false";
}

void pg_oids(const struct table *const *tables, size_t count, struct writer *to)
{
	wr_u8(to, '{');
	for (size_t i = 0; i < count; i++)
		wr_printf(to, "%s%u", i ? "," : "", (unsigned)tables[i]->source_id);
	wr_bytes(to, "}", 2);
}

/* What pg_attribute has is written anew by an ALTER of the column, and neither by VACUUM FULL nor by CLUSTER of the table. */
static const char layouts_sql[] =
	"WITH RECURSIVE " PG_TREE
	"SELECT t.place - 1, concat_ws(' ', min(k.relkind::text), string_agg(concat(t.oid, CASE WHEN t.leaving THEN '!' END, ':',"
	"  c.relfilenode), ' ' ORDER BY t.oid) FILTER (WHERE c.relkind <> 'p'), CASE WHEN min(k.relkind::text) <> 'p' THEN"
	"  (SELECT string_agg(concat(a.attnum, ':', a.xmin), ' ' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a"
	"   WHERE a.attrelid = k.oid AND a.attnum > 0 AND NOT a.attisdropped) END)"
	" FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.oid JOIN unnest($1::oid[]) WITH ORDINALITY w(oid, place) ON"
	" w.place = t.place JOIN pg_catalog.pg_class k ON k.oid = w.oid GROUP BY t.place, k.oid";

int pg_layouts(PGconn *queries, const struct table *const *tables, size_t count, struct arena *arena, const char **ret,
	       struct error *err)
{
	char *sql = mem_printf(layouts_sql, pg_tree_leaving(queries));
	struct writer oids = {0};
	PGresult *result;

	pg_oids(tables, count, &oids);
	result = pg_query_params(queries, err, sql, 1, (const char *[]){oids.data});
	wr_done(&oids);
	free(sql);
	if (!result)
		return -1;
	for (size_t i = 0; i < count; i++)
		ret[i] = "";
	for (int i = 0; i < PQntuples(result); i++)
		ret[strtoul(pg_value(result, i, 0), NULL, 10)] = arena_copy(arena, view_of(pg_value(result, i, 1))).ptr;
	PQclear(result);
	return 0;
}

/* Texts ---------------------------------------------------------------------------------------- */

struct item {
	struct view name, value;
};

static bool next_item(struct view *text, struct item *ret)
{
	struct view value;

	if (!text->len)
		return false;
	value = view_take(text, ' ');
	ret->name = view_take(&value, ':');
	ret->value = value;
	return true;
}

static bool find_item(struct view text, struct view name, struct item *ret)
{
	while (next_item(&text, ret))
		if (view_equal(ret->name, name))
			return true;
	return false;
}

static struct view items_of(const char *layout)
{
	return view_of(strlen(layout) > 2 ? layout + 2 : "");
}

uint64_t pg_layout_file(const char *layout)
{
	struct view text = items_of(layout);
	struct item file;

	if (!*layout)
		return 0;
	if (*layout == 'p')
		return hash_bytes(view_of(layout), 0) | 1;
	return next_item(&text, &file) ? strtoull(file.value.ptr, NULL, 10) : 0;
}

/* A column that was there before was defined anew, and the rows are in another file. */
static const char *compare_columns(struct view before, struct view now)
{
	struct item old, one;

	if (!next_item(&before, &old) || !next_item(&now, &one) || view_equal(old.value, one.value))
		return NULL;
	while (next_item(&now, &one))
		if (find_item(before, one.name, &old) && !view_equal(old.value, one.value))
			return "its rows were written anew when a column was altered";
	return NULL;
}

static const char *compare_partitions(struct view before, struct view now)
{
	struct item old, one;

	while (next_item(&before, &old)) {
		if (!find_item(now, old.name, &one))
			return "a partition was detached or dropped";
		if (!view_equal(old.value, one.value))
			return "a partition was truncated, or written anew";
	}
	return NULL;
}

/* Partitions that are new: while one is empty, no row has come with it. What cannot be looked at may have rows. */
static int have_rows(PGconn *queries, struct view before, struct view now, bool *ret, struct error *err)
{
	struct writer oids = {0};
	struct item old, one;
	PGresult *result;

	*ret = false;
	while (next_item(&now, &one))
		if (!find_item(before, one.name, &old))
			wr_printf(&oids, "%s%.*s", oids.len ? "," : "{", VIEW_ARG(one.name));
	if (!oids.len)
		return 0;
	wr_bytes(&oids, "}", 2);
	PQclear(PQexec(queries, "SET lock_timeout = '200ms'"));
	result = pg_query_params(queries, err, "SELECT coalesce(bool_or(pg_catalog.pg_relation_size(oid) > 0), false) FROM unnest($1::oid[]) oid",
				 1, (const char *[]){oids.data});
	wr_done(&oids);
	PQclear(PQexec(queries, "SET lock_timeout = 0"));
	*ret = !result || *pg_value(result, 0, 0) == 't';
	PQclear(result);
	return PQstatus(queries) == CONNECTION_OK ? 0 : -1;
}

int pg_layout_change(PGconn *queries, const char *before, const char *now, const char **ret_reason, struct error *err)
{
	bool came;

	*ret_reason = NULL;
	if (!*before || !*now || strcmp(before, now) == 0)
		return 0;
	if (*now != 'p') {
		*ret_reason = compare_columns(items_of(before), items_of(now));
		return 0;
	}
	*ret_reason = compare_partitions(items_of(before), items_of(now));
	if (*ret_reason)
		return 0;
	if (have_rows(queries, items_of(before), items_of(now), &came, err) < 0)
		return -1;
	*ret_reason = came ? "a partition was attached that has rows" : NULL;
	return 0;
}
