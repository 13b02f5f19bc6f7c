/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The connections of a snapshot, and whose turn it is. */
#include "readers.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/writer.h"
#include "source/source.h"

#define WAIT_MS 200
#define READERS_MOST 64
#define PIECE_ROWS 20000
#define PIECES_MOST 256

/* Tables that are not InnoDB's ------------------------------------------------------------------ */

static void write_text(MYSQL *conn, const char *text, struct writer *to)
{
	size_t len = strlen(text);

	wr_u8(to, '\'');
	to->len += mysql_real_escape_string(conn, wr_reserve(to, 2 * len + 1), text, len);
	wr_u8(to, '\'');
}

static int ask_engine(MYSQL *conn, const struct source_table *table, bool *ret_foreign, struct error *err)
{
	struct writer where = {0};
	char engine[80];
	int found;

	write_text(conn, table->schema, &where);
	wr_printf(&where, " AND TABLE_NAME = ");
	write_text(conn, table->name, &where);
	found = my_value(conn, engine, sizeof(engine), err, "SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %.*s",
			 VIEW_ARG(wr_view(&where)));
	*ret_foreign = found > 0 && *engine && strcasecmp(engine, "InnoDB") != 0;
	wr_done(&where);
	return found < 0 ? -1 : 0;
}

/* The others from the end on. */
static int sort_tables(struct my_readers *set, const struct my_hold *hold, struct error *err)
{
	set->names = MEM_ARRAY(struct source_table, hold->count + 1);
	for (size_t i = 0; i < hold->count; i++) {
		bool foreign;

		if (ask_engine(hold->conn, &hold->tables[i], &foreign, err) < 0)
			return -1;
		if (foreign)
			set->names[hold->count - ++set->foreign_count] = hold->tables[i];
		else
			set->names[set->native_count++] = hold->tables[i];
	}
	return 0;
}

static int hold_foreign(struct my_readers *set, const struct source_login *login, const struct my_hold *hold, MYSQL **ret, struct error *err)
{
	struct my_hold own = {.tables = set->names + set->native_count, .count = set->foreign_count, .patience_s = hold->patience_s};
	int held;

	if (!own.count)
		return 0;
	if (my_connect(login, ret, err) < 0)
		return -1;
	own.conn = *ret;
	set->held = own.count;
	held = my_hold_tables(&own, err);
	if (held == 0) {
		error_state(err, STATE_UNSUPPORTED, "table %s.%s is not InnoDB's, so that it has to be locked until it is read, and the user may not do "
			    "that", own.tables->schema, own.tables->name);
		error_hint(err, "grant LOCK TABLES: see `tailwater grants`; or ALTER TABLE ... ENGINE = InnoDB");
	}
	return held > 0 ? 0 : -1;
}

static bool is_foreign(const struct my_readers *set, const struct table *table)
{
	const struct source_table *foreign = set->names + set->native_count;

	for (size_t i = 0; i < set->foreign_count; i++)
		if (strcmp(foreign[i].name, table->name) == 0 && strcmp(foreign[i].schema, table->schema) == 0)
			return true;
	return false;
}

static unsigned all_of(const struct my_readers *set)
{
	return set->count + set->holds;
}

/* Those that wait to write can. */
static void release(struct my_readers *set)
{
	my_snapshot_done(&set->readers[set->count]);
	set->holds = false;
	if (set->now == set->count)
		set->now = 0;
}

/* Beginning and end ---------------------------------------------------------------------------- */

/* The server may let in fewer. */
static int open_readers(struct my_readers *set, const struct source_options *options, struct error *err)
{
	unsigned wanted = options->snapshot_readers ? options->snapshot_readers : 1;
	struct error ignored;

	if (wanted > READERS_MOST)
		wanted = READERS_MOST;
	set->readers = MEM_ARRAY(struct my_snapshot, wanted + 1);
	set->states = MEM_ARRAY(struct my_piece_reader, wanted + 1);
	while (set->count < wanted && my_snapshot_open(&set->readers[set->count], &options->login, set->count ? &ignored : err) == 0)
		set->count++;
	return set->count ? 0 : -1;
}

/* What is locked by then is not locked again. */
static int begin(struct my_readers *set, const struct my_server *server, const struct my_hold *hold, struct position *ret_at,
		 struct my_place *place, struct error *err)
{
	struct my_hold moment = *hold;

	moment.tables = set->names;
	moment.count = set->native_count;
	moment.tables_first |= set->foreign_count > 0 || server->family == FAMILY_MARIADB;
	return my_snapshots_begin(set->readers, &set->count, server, &moment, ret_at, place, err);
}

int my_readers_begin(struct my_readers *set, const struct source_options *options, const struct my_server *server, const struct my_hold *hold,
		     struct position *ret_at, struct my_place *place, struct error *err)
{
	MYSQL *holder = NULL;

	*set = (struct my_readers){.stop_fd = options->stop_fd};
	if (open_readers(set, options, err) < 0 || sort_tables(set, hold, err) < 0 || hold_foreign(set, &options->login, hold, &holder, err) < 0 ||
	    begin(set, server, hold, ret_at, place, err) < 0) {
		if (holder)
			mysql_close(holder);
		my_readers_done(set);
		return -1;
	}
	set->holds = holder != NULL;
	if (holder)
		set->readers[set->count] = (struct my_snapshot){.conn = holder};
	return 0;
}

void my_readers_done(struct my_readers *set)
{
	for (unsigned i = 0; i < all_of(set); i++)
		my_snapshot_done(&set->readers[i]);
	free(set->readers);
	free(set->states);
	free(set->tables);
	free(set->names);
	*set = (struct my_readers){0};
}

void my_readers_read(struct my_readers *set, const struct my_table *const *tables, size_t count)
{
	free(set->tables);
	set->tables = MEM_ARRAY(struct my_reading, count + 1);
	set->table_count = count;
	set->next[false] = set->next[true] = set->ended = 0;
	set->rows = 0;
	for (size_t i = 0; i < count; i++)
		set->tables[i] = (struct my_reading){.table = tables[i], .pieces = 1, .held = is_foreign(set, tables[i]->table)};
}

/* Pieces --------------------------------------------------------------------------------------- */

/* The column that divides it, or NULL. */
static const struct my_column *divider(const struct my_table *table)
{
	const struct table *version = table->table;
	const struct my_column *column = version->key_count ? &table->columns[version->key[0]] : NULL;

	if (!column)
		return NULL;
	return column->code == MY_LONG || column->code == MY_LONGLONG || column->code == MY_INT24 || column->code == MY_SHORT ? column : NULL;
}

static bool read_number(const char *text, int64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoll(text, &end, 10);
	return errno == 0 && end != text && !*end;
}

/* What the server expects of it, and the first and last of its key: no row if there is none. */
static int ask_bounds(MYSQL *conn, const struct my_table *table, const struct my_column *column, struct my_reading *reading, struct error *err)
{
	struct writer sql = {0};
	MYSQL_RES *result;
	MYSQL_ROW row;
	int64_t rows, last;

	wr_printf(&sql, "SELECT TABLE_ROWS, (SELECT MIN(");
	my_write_name(column->name, &sql);
	wr_printf(&sql, ") FROM ");
	my_snapshot_write_table(table, &sql);
	wr_printf(&sql, "), (SELECT MAX(");
	my_write_name(column->name, &sql);
	wr_printf(&sql, ") FROM ");
	my_snapshot_write_table(table, &sql);
	wr_printf(&sql, ") FROM information_schema.TABLES WHERE TABLE_SCHEMA = ");
	write_text(conn, table->table->schema, &sql);
	wr_printf(&sql, " AND TABLE_NAME = ");
	write_text(conn, table->table->name, &sql);
	result = my_query(conn, err, "%.*s", VIEW_ARG(wr_view(&sql)));
	wr_done(&sql);
	if (!result)
		return -1;
	row = mysql_fetch_row(result);
	if (row && row[0] && row[1] && row[2] && read_number(row[0], &rows) && read_number(row[1], &reading->least) && read_number(row[2], &last) &&
	    rows > 2 * PIECE_ROWS) {
		uint64_t width = (uint64_t)last - (uint64_t)reading->least;
		uint64_t pieces = (uint64_t)rows / PIECE_ROWS < PIECES_MOST ? (uint64_t)rows / PIECE_ROWS : PIECES_MOST;

		if (width >= pieces && width <= INT64_MAX) {
			reading->pieces = (unsigned)pieces;
			reading->step = (int64_t)(width / pieces) + 1;
		}
	}
	mysql_free_result(result);
	return 0;
}

/* One connection reads a table fastest as it stands. */
static int measure(struct my_readers *set, MYSQL *conn, struct my_reading *reading, struct error *err)
{
	const struct my_column *column = set->count > 1 && !reading->held ? divider(reading->table) : NULL;

	reading->measured = true;
	return column ? ask_bounds(conn, reading->table, column, reading, err) : 0;
}

/* The first piece has no beginning, and the last one no end. */
static void write_range(const struct my_reading *reading, unsigned piece, struct writer *to)
{
	const char *name = reading->pieces > 1 ? divider(reading->table)->name : NULL;

	if (name && piece > 0) {
		wr_printf(to, "WHERE ");
		my_write_name(name, to);
		wr_printf(to, " >= %" PRId64, reading->least + piece * reading->step);
	}
	if (name && piece + 1 < reading->pieces) {
		wr_printf(to, piece > 0 ? " AND " : "WHERE ");
		my_write_name(name, to);
		wr_printf(to, " < %" PRId64, reading->least + (piece + 1) * reading->step);
	}
	wr_u8(to, '\0');
}

/* NULL: there is none. */
static struct my_reading *find_piece(struct my_readers *set, bool held)
{
	size_t *next = &set->next[held];

	while (*next < set->table_count && (set->tables[*next].held != held || set->tables[*next].next == set->tables[*next].pieces))
		++*next;
	return *next < set->table_count ? &set->tables[*next] : NULL;
}

static int ask(struct my_readers *set, unsigned number, struct error *err)
{
	struct my_snapshot *snapshot = &set->readers[number];
	struct my_reading *reading = find_piece(set, number == set->count);
	struct writer range = {0}, sql = {0};
	int failed;

	if (!reading)
		return 0;
	if (!reading->measured && measure(set, snapshot->conn, reading, err) < 0)
		return -1;
	write_range(reading, reading->next, &range);
	my_snapshot_select(reading->table, range.data, &sql);
	failed = mysql_send_query(snapshot->conn, sql.data, sql.len);
	wr_done(&range);
	wr_done(&sql);
	if (failed)
		return my_fail(snapshot->conn, err, "reading the snapshot");
	reading->next++;
	reading->readers++;
	set->states[number] = (struct my_piece_reader){.state = READER_ASKED, .table = (size_t)(reading - set->tables)};
	return 0;
}

static int ask_free(struct my_readers *set, struct error *err)
{
	for (unsigned i = 0; i < all_of(set); i++)
		if (set->states[i].state == READER_FREE && ask(set, i, err) < 0)
			return -1;
	return 0;
}

static int end_piece(struct my_readers *set, unsigned number, struct error *err)
{
	struct my_reading *reading = &set->tables[set->states[number].table];

	my_snapshot_stop(&set->readers[number]);
	set->states[number].state = READER_FREE;
	reading->readers--;
	set->ended += reading->next == reading->pieces && reading->readers == 0;
	if (!reading->held || --set->held)
		return ask(set, number, err);
	release(set);
	return 0;
}

/* Rows ----------------------------------------------------------------------------------------- */

/* The next one behind the present that has something for us, within the time. */
static bool turn(struct my_readers *set)
{
	struct pollfd fds[READERS_MOST + 2];
	unsigned busy[READERS_MOST + 1], count = 0;

	for (unsigned i = 1; i <= all_of(set); i++) {
		unsigned number = (set->now + i) % all_of(set);

		if (set->states[number].state == READER_FREE)
			continue;
		if (my_has_input(set->readers[number].conn)) {
			set->now = number;
			return true;
		}
		busy[count] = number;
		fds[count++] = (struct pollfd){.fd = mysql_get_socket(set->readers[number].conn), .events = POLLIN};
	}
	fds[count] = (struct pollfd){.fd = set->stop_fd, .events = POLLIN};
	if (!count || poll(fds, count + 1, WAIT_MS) <= 0)
		return false;
	for (unsigned i = 0; i < count; i++) {
		if (!fds[i].revents)
			continue;
		set->now = busy[i];
		return true;
	}
	return false;
}

static int take_beginning(struct my_snapshot *snapshot, struct my_piece_reader *state, struct error *err)
{
	if (mysql_read_query_result(snapshot->conn) || !(snapshot->result = mysql_use_result(snapshot->conn)))
		return my_fail(snapshot->conn, err, "reading the snapshot");
	state->state = READER_READING;
	return 0;
}

/* A row of it, 1; 0; -1. */
static int take(struct my_readers *set, char ***ret_texts, unsigned long **ret_lengths, struct error *err)
{
	struct my_snapshot *snapshot = &set->readers[set->now];
	struct my_piece_reader *state = &set->states[set->now];
	int got;

	if (state->state == READER_ASKED)
		return take_beginning(snapshot, state, err);
	got = my_snapshot_row(snapshot, ret_texts, ret_lengths, err);
	if (got != 0)
		return got;
	return end_piece(set, set->now, err);
}

/* As long as the present one has something that has arrived, it is its turn. */
int my_readers_row(struct my_readers *set, size_t *ret_table, char ***ret_texts, unsigned long **ret_lengths, struct error *err)
{
	int got = 0;

	if (set->states[set->now].state == READER_FREE && ask_free(set, err) < 0)
		return -1;
	while (got == 0 && !set->ended) {
		const struct my_piece_reader *state = &set->states[set->now];

		if ((state->state == READER_FREE || !my_has_input(set->readers[set->now].conn)) && !turn(set))
			return 0;
		*ret_table = set->states[set->now].table;
		got = take(set, ret_texts, ret_lengths, err);
	}
	set->rows += got > 0;
	return got;
}

bool my_readers_ended(struct my_readers *set, size_t *ret_table)
{
	for (size_t i = 0; i < set->table_count && set->ended; i++) {
		struct my_reading *reading = &set->tables[i];

		if (reading->told || reading->next != reading->pieces || reading->readers > 0)
			continue;
		reading->told = true;
		set->ended--;
		*ret_table = i;
		return true;
	}
	return false;
}
