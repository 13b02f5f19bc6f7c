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
#include "statement.h"

#define SCAN_US (60 * USEC_PER_SEC)
#define LEAST_OFFSET 4

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

static void see(void *by, const struct statement *statement)
{
	take_ddl(by, statement->database, statement->sql, statement->sql_mode);
}

/* Meanwhile the stream stands still. */
static void give_up(struct lessons *lessons, uint64_t bytes)
{
	const char *why = arena_printf(&lessons->arena, "(so much was logged since then that %" PRIu64 " MiB of it were looked through in %d s)", bytes >> 20,
				       (int)(SCAN_US / USEC_PER_SEC)).ptr;

	for (size_t i = 0; i < lessons->count; i++)
		if (!lessons->each[i].statement)
			lessons->each[i].statement = why;
}

/* One that a crash has cut is gone on from with the next file. */
static int pass(struct my_look *look, struct error *err)
{
	if (my_look_pass(look, err) == 0)
		return 0;
	return my_stream_is_cut(&look->stream) ? my_look_open(look, binlog_position(look->log.file + 1, LEAST_OFFSET), err) : -1;
}

static int pass_to(struct my_look *look, struct position end, struct lessons *lessons, struct error *err)
{
	usec_t until = clock_mono() + SCAN_US;
	uint64_t bytes = 0;

	while (position_compare(look->log.reached, end) < 0) {
		if (pass(look, err) < 0)
			return -1;
		bytes += look->log.at > look->log.event_at ? look->log.at - look->log.event_at : 0;
		if (clock_mono() > until) {
			give_up(lessons, bytes);
			return 0;
		}
	}
	return 0;
}

static int scan(MYSQL *conn, struct my_look *look, struct position from, struct lessons *lessons, struct error *err)
{
	struct position end;
	int result;

	if (my_log_end(conn, look->server, &end, err) < 0)
		return -1;
	if (position_compare(from, end) >= 0)
		return 0;
	result = my_look_open(look, from, err);
	look->log.seen = see;
	look->log.seen_by = lessons;
	if (result == 0)
		result = pass_to(look, end, lessons, err);
	look->log.seen = NULL;
	my_look_close(look);
	return result;
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

int my_shapes_learn(MYSQL *conn, struct my_look *look, struct my_shapes *shapes, const struct source_table *tables, size_t count,
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
		result = scan(conn, look, from, &lessons, err);
	for (size_t i = 0; i < lessons.count && result == 0; i++)
		settle(shapes, &lessons.each[i], from);
	free(lessons.each);
	arena_done(&lessons.arena);
	shapes->lost = false;
	return result;
}
