/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The catalogue is read first and the log to its end after it: what came in between is seen there. */
#include "prove.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "catalog.h"
#include "snapshot.h"
#include "source/source.h"

#define PAGE_EVENTS 5000
#define LEAST_OFFSET 4
#define MODE_ANSI_QUOTES 4

/* A table that is to be learned: what the catalogue has of it, and the statement that stands between. */
struct lesson {
	const struct source_table *table;
	bool found;
	struct my_shape shape;
	const char *charset;
	const char *statement;
};

struct lessons {
	struct lesson *each;
	size_t count;
	struct arena arena;
};

int my_log_tells_shapes(MYSQL *conn, struct error *err)
{
	MYSQL_RES *result = my_query(conn, err, "SHOW GLOBAL VARIABLES LIKE 'binlog_row_metadata'");
	MYSQL_ROW row;
	int ret;

	if (!result)
		return -1;
	row = mysql_fetch_row(result);
	ret = row && row[1] && strcasecmp(row[1], "FULL") == 0;
	mysql_free_result(result);
	return ret;
}

/* The catalogue ---------------------------------------------------------------------------------- */

/* A statement that is logged may not be seen yet: who looks into the table waits for it to end. */
static void wait_for_statement(MYSQL *conn, const struct source_table *table)
{
	struct error ignored;

	mysql_free_result(my_query(conn, &ignored, "SELECT 1 FROM `%s`.`%s` LIMIT 0", table->schema, table->name));
}

static int read_lesson(MYSQL *conn, const struct my_charsets *charsets, struct lesson *lesson, struct arena *arena, struct error *err)
{
	const struct source_table *table = lesson->table;
	int found;

	wait_for_statement(conn, table);
	found = my_catalog_shape(conn, charsets, table->schema, table->name, arena, &lesson->shape, err);
	lesson->found = found > 0;
	if (found <= 0)
		return found;
	return my_catalog_charset(conn, table->schema, table->name, arena, &lesson->charset, err);
}

/* The log ---------------------------------------------------------------------------------------- */

static void take_ddl(struct lessons *lessons, struct view database, struct view sql, uint64_t mode)
{
	struct ddl_session session = {.database = database, .sql_mode = mode};
	struct arena arena = {0};
	struct ddl ddl;

	ddl_read(sql, &session, &arena, &ddl);
	for (size_t i = 0; i < lessons->count && ddl.tables; i++) {
		struct lesson *lesson = &lessons->each[i];

		if (!lesson->statement && ddl.kind != DDL_TRUNCATE && ddl_is_about(&ddl, lesson->table->schema, lesson->table->name))
			lesson->statement = arena_copy(&lessons->arena, view_cut(sql, 300)).ptr;
	}
	arena_done(&arena);
}

/* "use `database`; statement". How it was quoted is not told: it is taken both ways. */
static void take_statement(struct lessons *lessons, struct view text)
{
	struct view database = VIEW(""), sql = text;
	const char *end;

	if (text.len > 5 && memcmp(text.ptr, "use `", 5) == 0 && (end = strstr(text.ptr, "`; "))) {
		database = arena_copy(&lessons->arena, (struct view){text.ptr + 5, (size_t)(end - text.ptr) - 5});
		sql = view_of(end + 3);
	}
	take_ddl(lessons, database, sql, 0);
	take_ddl(lessons, database, sql, MODE_ANSI_QUOTES);
}

/* So many events from there on: how many came, and where the last one ends. */
static int scan_page(MYSQL *conn, const char *file, uint64_t *at, struct lessons *lessons, struct error *err)
{
	MYSQL_RES *result = my_query(conn, err, "SHOW BINLOG EVENTS IN '%s' FROM %" PRIu64 " LIMIT %d", file, *at, PAGE_EVENTS);
	MYSQL_ROW row;
	int events = 0;

	if (!result)
		return -1;
	for (; (row = mysql_fetch_row(result)); events++) {
		*at = strtoull(row[4], NULL, 10);
		if (strncmp(row[2], "Query", 5) == 0 && row[5])
			take_statement(lessons, view_of(row[5]));
	}
	mysql_free_result(result);
	return events;
}

static int scan_file(MYSQL *conn, const char *file, uint64_t from, struct lessons *lessons, struct error *err)
{
	uint64_t at = from < LEAST_OFFSET ? LEAST_OFFSET : from, before;
	int events;

	do {
		before = at;
		events = scan_page(conn, file, &at, lessons, err);
	} while (events == PAGE_EVENTS && at > before);
	if (events == PAGE_EVENTS)
		return error_set(err, ERROR_TRANSIENT, "the server does not show the log %s behind %" PRIu64, file, at);
	return events < 0 ? -1 : 0;
}

static int scan(MYSQL *conn, const struct my_server *server, struct position from, struct lessons *lessons, struct error *err)
{
	struct position end;

	if (my_log_end(conn, server, &end, err) < 0)
		return -1;
	for (uint32_t number = position_file(from); number <= position_file(end); number++) {
		char file[300];

		snprintf(file, sizeof(file), "%s.%06" PRId64, server->log_base, number - server->shift);
		if (scan_file(conn, file, number == position_file(from) ? position_offset(from.lsn) : 0, lessons, err) < 0)
			return -1;
	}
	return 0;
}

/* Both ------------------------------------------------------------------------------------------- */

static bool is_due(const struct my_shapes *shapes, const struct source_table *table, struct position from, bool again)
{
	const struct my_version *version = my_shapes_of(shapes, table->schema, table->name);

	return again ? version && version->lost && position_compare(version->since, from) == 0 : !version || version->lost;
}

static void settle(struct my_shapes *shapes, const struct lesson *lesson, struct position from)
{
	const struct source_table *table = lesson->table;

	if (lesson->found && !lesson->statement)
		my_shapes_put(shapes, &lesson->shape, lesson->charset, from);
	else if (!my_shapes_of(shapes, table->schema, table->name))
		my_shapes_lose(shapes, table->schema, table->name, lesson->statement ? lesson->statement : "(there is no such table)", from);
}

int my_shapes_learn(MYSQL *conn, const struct my_server *server, struct my_shapes *shapes, const struct source_table *tables, size_t count,
		    struct position from, bool again, struct error *err)
{
	struct lessons lessons = {.each = MEM_ARRAY(struct lesson, count + 1)};
	int result = 0;

	for (size_t i = 0; i < count; i++)
		if (is_due(shapes, &tables[i], from, again))
			lessons.each[lessons.count++].table = &tables[i];
	for (size_t i = 0; i < lessons.count && result == 0; i++)
		result = read_lesson(conn, shapes->charsets, &lessons.each[i], &lessons.arena, err);
	if (result == 0 && lessons.count)
		result = scan(conn, server, from, &lessons, err);
	for (size_t i = 0; i < lessons.count && result == 0; i++)
		settle(shapes, &lessons.each[i], from);
	free(lessons.each);
	arena_done(&lessons.arena);
	shapes->lost = false;
	return result;
}
