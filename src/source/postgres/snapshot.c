/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The connections of a snapshot, and whose turn it is. */
#include "snapshot.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/writer.h"
#include "conn.h"
#include "rest.h"

#define WAIT_MS 200
#define ENCRYPTED_WAIT_MS 5   /* what is deciphered already wakes nobody */
#define NO_PAGE PG_NO_PAGE

/* Beginning and end ---------------------------------------------------------------------------- */

/* A table is read from its first page on, by one process of the server. */
static int import(PGconn *conn, const char *name, struct error *err)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "SET TRANSACTION SNAPSHOT '%s'", name);
	return pg_run(conn, err, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") < 0 || pg_run(conn, err, sql) < 0 ||
	       pg_run(conn, err, "SET LOCAL synchronize_seqscans = off") < 0 ||
	       pg_run(conn, err, "SET LOCAL max_parallel_workers_per_gather = 0") < 0 ? -1 : 0;
}

static int add_reader(struct pg_snapshot *snapshot, const struct source_login *login, const char *name, struct error *err)
{
	struct pg_reader reader = {.state = READER_FREE};

	if (pg_connect(login, PG_CONN_SNAPSHOT, &reader.conn, err) < 0)
		return -1;
	if (import(reader.conn, name, err) < 0) {
		PQfinish(reader.conn);
		return -1;
	}
	snapshot->encrypted |= PQsslInUse(reader.conn) || PQgssEncInUse(reader.conn);
	snapshot->readers[snapshot->reader_count++] = reader;
	return 0;
}

static int ask_sight(struct pg_snapshot *snapshot, struct error *err)
{
	PGresult *result = pg_query(snapshot->readers[0].conn, err, "SELECT pg_catalog.txid_current_snapshot()");

	if (!result)
		return -1;
	snapshot->sight = mem_text(view_of(pg_value(result, 0, 0)));
	PQclear(result);
	return 0;
}

int pg_snapshot_begin(struct pg_snapshot *snapshot, const struct source_options *options, const char *name, struct error *err)
{
	unsigned wanted = options->snapshot_readers ? options->snapshot_readers : 1;
	struct error problem;

	*snapshot = (struct pg_snapshot){.readers = MEM_ARRAY(struct pg_reader, wanted), .stop_fd = options->stop_fd};
	if (add_reader(snapshot, &options->login, name, err) < 0 || ask_sight(snapshot, err) < 0) {
		pg_snapshot_done(snapshot);
		return -1;
	}
	while (snapshot->reader_count < wanted && add_reader(snapshot, &options->login, name, &problem) == 0)
		;
	return 0;
}

static void forget_tables(struct pg_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->table_count; i++) {
		for (uint64_t j = 0; j < snapshot->tables[i].leaf_count; j++)
			free(snapshot->tables[i].leaves[j].name);
		free(snapshot->tables[i].leaves);
	}
	free(snapshot->tables);
}

void pg_snapshot_done(struct pg_snapshot *snapshot)
{
	for (unsigned i = 0; i < snapshot->reader_count; i++) {
		PQfreemem(snapshot->readers[i].buffer);
		PQfinish(snapshot->readers[i].conn);
	}
	free(snapshot->readers);
	forget_tables(snapshot);
	free(snapshot->sight);
	*snapshot = (struct pg_snapshot){0};
}

/* Tables --------------------------------------------------------------------------------------- */

int pg_snapshot_read(struct pg_snapshot *snapshot, PGconn *queries, const struct table *const *tables, const uint64_t *files,
		     const bool *trees, size_t count, struct error *err)
{
	forget_tables(snapshot);
	snapshot->tables = MEM_ARRAY(struct pg_reading, count);
	snapshot->table_count = count;
	snapshot->next_table = snapshot->ended = 0;
	for (size_t i = 0; i < count; i++) {
		snapshot->tables[i].table = tables[i];
		snapshot->tables[i].file = files[i];
		snapshot->tables[i].tree = trees[i];
	}
	return pg_run(queries, err, "SET lock_timeout = '1s'") < 0 || pg_snapshot_measure(snapshot, queries, err) < 0 ||
	       pg_run(queries, err, "SET lock_timeout = 0") < 0 ? -1 : 0;
}

/* A last piece that is small goes with the one before it, and has no end: the table may have grown since. */
static bool take_piece(struct pg_snapshot *snapshot, struct pg_reader *reader)
{
	struct pg_reading *reading;

	while (snapshot->next_table < snapshot->table_count && snapshot->tables[snapshot->next_table].next == NO_PAGE)
		snapshot->next_table++;
	if (snapshot->next_table == snapshot->table_count)
		return false;
	reading = &snapshot->tables[snapshot->next_table];
	reader->table = snapshot->next_table;
	reader->rows = 0;
	reading->readers++;
	if (reading->leaf_count) {
		reader->leaf = reading->next++;
		reader->first = 0;
		reader->end = NO_PAGE;
		if (reading->next == reading->leaf_count)
			reading->next = NO_PAGE;
		return true;
	}
	reader->first = reading->next;
	reader->end = reading->step < reading->pages && reading->next + reading->step + reading->step / 2 < reading->pages
		      ? reading->next + reading->step : NO_PAGE;
	reading->next = reader->end;
	return true;
}

/* ONLY: children are tables of their own, but for partitions. */
static void write_from(const struct pg_reader *reader, const struct pg_reading *reading, struct writer *sql)
{
	char *schema = pg_identifier(reader->conn, reading->table->schema);
	char *name = pg_identifier(reader->conn, reading->table->name);

	if (reading->leaf_count)
		wr_printf(sql, " FROM ONLY %s", reading->leaves[reader->leaf].name);
	else
		wr_printf(sql, " FROM %s%s.%s", reading->tree ? "" : "ONLY ", schema, name);
	PQfreemem(schema);
	PQfreemem(name);
}

/* The published columns by name: SELECT * would add generated ones. */
static void write_copy(const struct pg_reader *reader, const struct pg_reading *reading, struct writer *sql)
{
	const struct table *table = reading->table;

	wr_printf(sql, "COPY (SELECT ");
	for (unsigned i = 0; i < table->column_count; i++) {
		char *column = pg_identifier(reader->conn, table->columns[i].name);

		wr_printf(sql, "%s%s", i ? ", " : "", column);
		PQfreemem(column);
	}
	if (reading->has_places)
		wr_printf(sql, "%sctid", table->column_count ? ", " : "");
	write_from(reader, reading, sql);
	if (reader->first > 0)
		wr_printf(sql, " WHERE ctid >= '(%" PRIu64 ",0)'", reader->first);
	if (reader->end != NO_PAGE)
		wr_printf(sql, " %s ctid < '(%" PRIu64 ",0)'", reader->first > 0 ? "AND" : "WHERE", reader->end);
	wr_printf(sql, ") TO STDOUT");
	wr_u8(sql, 0);
}

/* Readers -------------------------------------------------------------------------------------- */

static int reader_fail(const struct pg_reader *reader, const PGresult *result, struct error *err)
{
	return pg_fail(reader->conn, result, err, "reading the snapshot");
}

/* Steps of a reader, by its state: 1 and a row, 0, -1. */
static int ask(struct pg_snapshot *snapshot, struct pg_reader *reader, struct view *ret, struct error *err)
{
	struct writer sql = {0};
	int sent;

	(void)ret;
	if (!take_piece(snapshot, reader))
		return 0;
	write_copy(reader, &snapshot->tables[reader->table], &sql);
	sent = PQsendQuery(reader->conn, sql.data);
	wr_done(&sql);
	reader->state = READER_ASKED;
	return sent ? 0 : reader_fail(reader, NULL, err);
}

static int await_begin(struct pg_snapshot *snapshot, struct pg_reader *reader, struct view *ret, struct error *err)
{
	PGresult *result;
	int status = 0;

	(void)snapshot;
	(void)ret;
	if (PQisBusy(reader->conn))
		return 0;
	result = PQgetResult(reader->conn);
	if (PQresultStatus(result) == PGRES_COPY_OUT)
		reader->state = READER_COPYING;
	else
		status = reader_fail(reader, result, err);
	PQclear(result);
	return status;
}

static void end_piece(struct pg_snapshot *snapshot, struct pg_reader *reader)
{
	struct pg_reading *reading = &snapshot->tables[reader->table];

	reader->state = READER_FREE;
	if (reading->leaf_count) {
		reading->leaves[reader->leaf].read = true;
		reading->read += reading->leaves[reader->leaf].pages;
	} else if (reader->first < reading->pages)
		reading->read += (reader->end == NO_PAGE ? reading->pages : reader->end) - reader->first;
	reading->rows += reader->rows;
	reader->rows = 0;
	reading->readers--;
	snapshot->ended += reading->next == NO_PAGE && reading->readers == 0;
}

static int await_end(struct pg_snapshot *snapshot, struct pg_reader *reader, struct view *ret, struct error *err)
{
	PGresult *result;
	int status = 0;

	(void)ret;
	while (status == 0 && !PQisBusy(reader->conn)) {
		result = PQgetResult(reader->conn);
		if (!result) {
			end_piece(snapshot, reader);
			break;
		}
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			status = reader_fail(reader, result, err);
		PQclear(result);
	}
	return status;
}

static int take_row(struct pg_snapshot *snapshot, struct pg_reader *reader, struct view *ret, struct error *err)
{
	char *buffer;
	int len = PQgetCopyData(reader->conn, &buffer, 1);

	(void)snapshot;
	if (len > 0) {
		PQfreemem(reader->buffer);
		reader->buffer = buffer;
		reader->rows++;
		*ret = (struct view){buffer, (size_t)len - (buffer[len - 1] == '\n')};
		return 1;
	}
	if (len < -1)
		return reader_fail(reader, NULL, err);
	if (len == -1)
		reader->state = READER_ENDING;
	return 0;
}

static int (*const steps[])(struct pg_snapshot *snapshot, struct pg_reader *reader, struct view *ret, struct error *err) = {
	[READER_FREE] = ask, [READER_ASKED] = await_begin, [READER_COPYING] = take_row, [READER_ENDING] = await_end,
};

/* As far as it comes with what has arrived by now. */
static int go_on(struct pg_snapshot *snapshot, struct pg_reader *reader, struct view *ret, struct error *err)
{
	enum pg_reader_state before;
	int got;

	if (reader->state != READER_FREE && !PQconsumeInput(reader->conn))
		return reader_fail(reader, NULL, err);
	do {
		before = reader->state;
		got = steps[before](snapshot, reader, ret, err);
	} while (got == 0 && reader->state != before);
	return got;
}

/* True when something has arrived. */
static bool wait_for_rows(const struct pg_snapshot *snapshot)
{
	struct pollfd fds[PG_READERS_MOST + 1];
	unsigned count = 0;

	for (unsigned i = 0; i < snapshot->reader_count; i++)
		if (snapshot->readers[i].state != READER_FREE)
			fds[count++] = (struct pollfd){.fd = PQsocket(snapshot->readers[i].conn), .events = POLLIN};
	if (count == 0)
		return false;
	fds[count] = (struct pollfd){.fd = snapshot->stop_fd, .events = POLLIN};
	return poll(fds, count + 1, snapshot->encrypted ? ENCRYPTED_WAIT_MS : WAIT_MS) > 0 && !fds[count].revents;
}

/* The one whose turn it is gives what it has; then the others are asked, each once, before all of them are waited for. */
int pg_snapshot_row(struct pg_snapshot *snapshot, struct view *ret, size_t *ret_table, struct error *err)
{
	struct pg_reader *reader = &snapshot->readers[snapshot->now];
	int got = reader->state == READER_COPYING ? take_row(snapshot, reader, ret, err) : 0;

	for (unsigned tried = 1; got == 0; tried++) {
		if (snapshot->ended || (tried > snapshot->reader_count && !wait_for_rows(snapshot)))
			return 0;
		if (tried > snapshot->reader_count)
			tried = 1;
		snapshot->now = (snapshot->now + 1) % snapshot->reader_count;
		reader = &snapshot->readers[snapshot->now];
		got = go_on(snapshot, reader, ret, err);
	}
	*ret_table = reader->table;
	return got;
}

bool pg_snapshot_ended(struct pg_snapshot *snapshot, size_t *ret_table)
{
	for (size_t i = 0; i < snapshot->table_count && snapshot->ended; i++) {
		struct pg_reading *reading = &snapshot->tables[i];

		if (reading->next != NO_PAGE || reading->readers > 0 || reading->told)
			continue;
		reading->told = true;
		snapshot->ended--;
		*ret_table = i;
		return true;
	}
	return false;
}

/* Progress ------------------------------------------------------------------------------------- */

/* The place of the last row that it gave, which ends with it, "(page,number)"; or where it began. */
static uint64_t place_of(const struct pg_snapshot *snapshot, const struct pg_reader *reader, unsigned *ret_number)
{
	const char *place = reader->rows && snapshot->tables[reader->table].has_places ? strrchr(reader->buffer, '(') : NULL;
	char *end;
	uint64_t page;

	*ret_number = 0;
	if (!place)
		return reader->first;
	page = strtoull(place + 1, &end, 10);
	*ret_number = (unsigned)strtoul(end + 1, NULL, 10);
	return page;
}

static void write_end(const struct pg_reading *reading, uint64_t end, struct writer *to)
{
	if (end != NO_PAGE)
		wr_printf(to, "%" PRIu64, end);
	else if (reading->measured)
		wr_printf(to, "%" PRIu64, reading->pages);
}

static void write_leaves(const struct pg_reading *reading, struct writer *to)
{
	const char *between = "t";

	for (uint64_t i = 0; i < reading->leaf_count; i++) {
		if (reading->leaves[i].read)
			continue;
		wr_printf(to, "%s%u", between, reading->leaves[i].oid);
		between = ",";
	}
}

enum table_reading pg_snapshot_rest(const struct pg_snapshot *snapshot, size_t table, struct writer *to)
{
	const struct pg_reading *reading = &snapshot->tables[table];
	const char *between = "";

	if (reading->next == 0)
		return TABLE_NOT_BEGUN;
	if (reading->told)
		return TABLE_READ;
	wr_printf(to, "%s %" PRIu64 " %d ", snapshot->sight, reading->file, reading->apart);
	if (reading->leaf_count) {
		write_leaves(reading, to);
		return TABLE_BEGUN;
	}
	if (!reading->has_places) {
		wr_printf(to, REST_ALL);
		return TABLE_BEGUN;
	}
	for (unsigned i = 0; i < snapshot->reader_count; i++) {
		const struct pg_reader *reader = &snapshot->readers[i];
		unsigned number;
		uint64_t page;

		if (reader->state == READER_FREE || reader->table != table)
			continue;
		page = place_of(snapshot, reader, &number);
		wr_printf(to, "%s%" PRIu64 ".%u-", between, page, number);
		write_end(reading, reader->end, to);
		between = ",";
	}
	if (reading->next != NO_PAGE) {
		wr_printf(to, "%s%" PRIu64 ".0-", between, reading->next);
		write_end(reading, NO_PAGE, to);
	}
	return TABLE_BEGUN;
}

void pg_snapshot_progress(const struct pg_snapshot *snapshot, struct source_progress *ret)
{
	uint64_t pages = 0;

	*ret = (struct source_progress){.tables = snapshot->table_count};
	for (size_t i = 0; i < snapshot->table_count; i++) {
		const struct pg_reading *reading = &snapshot->tables[i];

		ret->tables_done += reading->told;
		ret->rows += reading->rows;
		ret->expected_rows += reading->told ? reading->rows : reading->expected;
		ret->expected_bytes += reading->pages * snapshot->page_bytes;
		pages += reading->read;
	}
	for (unsigned i = 0; i < snapshot->reader_count; i++) {
		const struct pg_reader *reader = &snapshot->readers[i];
		unsigned ignored;

		ret->rows += reader->rows;
		if (reader->state != READER_FREE)
			pages += place_of(snapshot, reader, &ignored) - reader->first;
	}
	ret->bytes = pages * snapshot->page_bytes;
}
