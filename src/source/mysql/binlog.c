/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Events of the binary log (MySQL internals manual and MariaDB knowledge base, "Binary log event types"). All numbers are
 * little-endian.
 *
 *   header     u32 time, u8 type, u32 server, u32 size, u32 end, u16 flags; behind the body a checksum (CRC-32) of it all
 *   group      GTID | BEGIN, then statements with their table maps and rows, then XID | COMMIT; or GTID and one statement
 *
 * Positions move with the ends of groups alone: neither with events that the server makes up (rotation at the start of
 * a stream, heartbeats), nor inside of a group.
 */
#include "binlog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/memory.h"
#include "rows.h"
#include "statement.h"

#define HEADER_BYTES 19
#define CHECKSUM_BYTES 4
#define VERSION_BYTES 50
#define UUID_BYTES 16

enum event_flags { FLAG_ARTIFICIAL = 0x20, FLAG_IGNORABLE = 0x80 };
enum mariadb_flags { GTID_STANDALONE = 1, GTID_PREPARED = 0x40 };

enum event_type {
	EVENT_QUERY = 2, EVENT_STOP = 3, EVENT_ROTATE = 4, EVENT_INTVAR = 5, EVENT_RAND = 13, EVENT_USER_VAR = 14, EVENT_FORMAT = 15,
	EVENT_XID = 16, EVENT_TABLE_MAP = 19, EVENT_WRITE_V1 = 23, EVENT_UPDATE_V1 = 24, EVENT_DELETE_V1 = 25, EVENT_INCIDENT = 26,
	EVENT_HEARTBEAT = 27, EVENT_IGNORABLE = 28, EVENT_ROWS_QUERY = 29, EVENT_WRITE = 30, EVENT_UPDATE = 31, EVENT_DELETE = 32,
	EVENT_GTID = 33, EVENT_ANONYMOUS_GTID = 34, EVENT_PREVIOUS_GTIDS = 35, EVENT_CONTEXT = 36, EVENT_VIEW = 37, EVENT_XA_PREPARE = 38,
	EVENT_HEARTBEAT_V2 = 41, EVENT_ANNOTATE = 160,
	EVENT_CHECKPOINT = 161, EVENT_MARIADB_GTID = 162, EVENT_GTID_LIST = 163,
};

/* Positions ------------------------------------------------------------------------------------ */

struct position binlog_position(uint32_t file, uint64_t at)
{
	return (struct position){POSITION_BINLOG, (uint64_t)file << POSITION_OFFSET_BITS | at};
}

int64_t binlog_file_number(struct view name)
{
	int64_t number = 0;
	size_t at = name.len;

	while (at && name.ptr[at - 1] >= '0' && name.ptr[at - 1] <= '9')
		at--;
	if (at == name.len || name.len - at > 9 || !at || name.ptr[at - 1] != '.')
		return -1;
	for (; at < name.len; at++)
		number = number * 10 + (name.ptr[at] - '0');
	return number < 1 << (64 - POSITION_OFFSET_BITS) ? number : -1;
}

void binlog_init(struct binlog *log, struct my_tables *tables)
{
	*log = (struct binlog){.tables = tables};
	arena_init(&log->txn_arena);
	arena_init(&log->arena);
}

void binlog_done(struct binlog *log)
{
	free(log->before);
	free(log->after);
	arena_done(&log->txn_arena);
	arena_done(&log->arena);
}

void binlog_restart(struct binlog *log, struct position from, bool checksums)
{
	log->file = position_file(from);
	log->at = position_offset(from.lsn);
	log->reached = from;
	log->checksums = checksums;
	log->grouped = log->begun = log->closing = false;
	log->rows = (struct rows_event){0};
	my_tables_forget(log->tables);
}

/* Ends are told modulo 4 GiB. */
static int advance(struct binlog *log, const struct binlog_event *event, struct error *err)
{
	uint64_t end = (log->at & ~UINT64_C(0xffffffff)) | event->end;

	log->event_at = log->at;
	if (!event->end || (event->flags & FLAG_ARTIFICIAL) || event->type == EVENT_HEARTBEAT || event->type == EVENT_HEARTBEAT_V2)
		return 0;
	end += end < log->at ? UINT64_C(1) << 32 : 0;
	if (end < event->size || position_offset(end) != end)
		return error_set(err, ERROR_TRANSIENT, "an event of %u bytes that is said to end at %u:%" PRIu64, event->size, log->file, end);
	log->at = end;
	log->event_at = end - event->size;
	return 0;
}

/* Groups --------------------------------------------------------------------------------------- */

static int open_group(struct binlog *log, const struct binlog_event *event, uint64_t number, struct error *err)
{
	if (log->grouped)
		return error_set(err, ERROR_TRANSIENT, "a transaction begins inside of another one");
	log->grouped = true;
	log->multi = log->prepared = log->begun = false;
	log->index = 0;
	arena_reset(&log->txn_arena);
	log->txn = (struct transaction){
		.id = number,
		.final = binlog_position(log->file, log->event_at),
		.committed_at = event->time * USEC_PER_SEC,
		.server_id = event->server_id,
	};
	return 0;
}

static struct view print_gtid(struct arena *arena, const uint8_t uuid[UUID_BYTES], uint64_t number)
{
	char text[3 * UUID_BYTES], *to = text;

	for (unsigned i = 0; i < UUID_BYTES; i++)
		to += sprintf(to, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
	return arena_printf(arena, "%s:%" PRIu64, text, number);
}

/* Of a group without a row for us, nothing is told but that it is behind. */
static int close_group(struct binlog *log, struct change *ret)
{
	log->grouped = log->closing = false;
	log->reached = binlog_position(log->file, log->at);
	if (!log->begun)
		return 0;
	*ret = (struct change){.op = CHANGE_COMMIT, .txn = &log->txn, .position = log->reached};
	return 1;
}

static int decode_gtid(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	struct view uuid;
	uint64_t number;

	rd_u8(rd);
	uuid = rd_bytes(rd, UUID_BYTES);
	number = rd_uint_le(rd, 8);
	if (open_group(log, event, number, err) < 0)
		return -1;
	if (event->type == EVENT_GTID && !rd->failed)
		log->txn.gtid = print_gtid(&log->txn_arena, (const uint8_t *)uuid.ptr, number);
	return 0;
}

static int decode_mariadb_gtid(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	uint64_t number = rd_uint_le(rd, 8);
	uint32_t domain = rd_u32le(rd);
	uint8_t flags;

	if (open_group(log, event, number, err) < 0)
		return -1;
	log->txn.gtid = arena_printf(&log->txn_arena, "%u-%u-%" PRIu64, domain, event->server_id, number);
	flags = rd_u8(rd);
	log->multi = !(flags & GTID_STANDALONE);
	log->prepared = flags & GTID_PREPARED;
	return 0;
}

static int decode_xid(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	(void)event;
	(void)rd;
	if (!log->grouped)
		return error_set(err, ERROR_TRANSIENT, "the end of a transaction that did not begin");
	log->closing = true;
	return 0;
}

/* The first phase ends. */
static int decode_xa_prepare(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	rd->pos = rd->end;
	return decode_xid(log, event, rd, err);
}

/* Statements ----------------------------------------------------------------------------------- */

typedef int do_statement(struct binlog *log, const struct statement *statement, struct error *err);

static int on_begin(struct binlog *log, const struct statement *statement, struct error *err)
{
	(void)statement;
	(void)err;
	log->multi = true;
	return 0;
}

static int on_end(struct binlog *log, const struct statement *statement, struct error *err)
{
	(void)statement;
	(void)err;
	log->closing = true;
	return 0;
}

/* The log has rows before it that did not happen, and others that did: of tables without transactions. */
static int on_rollback(struct binlog *log, const struct statement *statement, struct error *err)
{
	log->closing = statement->kind == STATEMENT_ROLLBACK;
	if (!log->begun)
		return 0;
	error_state(err, STATE_UNSUPPORTED, "a transaction that wrote to tables with and without transactions was rolled back: which of "
		    "its rows remained is not told");
	return error_hint(err, "begin anew behind it; let the tables that are captured be of InnoDB");
}

static int on_nothing(struct binlog *log, const struct statement *statement, struct error *err)
{
	(void)statement;
	(void)err;
	log->closing = !log->multi;
	return 0;
}

static int on_xa(struct binlog *log, const struct statement *statement, struct error *err)
{
	(void)statement;
	(void)err;
	log->multi = log->prepared = true;
	return 0;
}

/* A session that writes statements instead of rows: what they did cannot be told. */
static int on_change(struct binlog *log, const struct statement *statement, struct error *err)
{
	if (!map_next(&log->tables->captured, NULL))
		return on_nothing(log, statement, err);
	error_state(err, STATE_UNSUPPORTED, "the log has a statement in place of the rows that it changed (database %.*s): %.*s",
		    VIEW_ARG(statement->database), VIEW_ARG(view_cut(statement->sql, 300)));
	return error_hint(err, "no session may set binlog_format to STATEMENT or MIXED; begin anew behind it");
}

static int on_truncate(struct binlog *log, const struct statement *statement, struct error *err)
{
	struct view schema = statement->schema.ptr ? statement->schema : statement->database;
	const struct my_table *table = my_tables_named(log->tables, schema, statement->table);

	if (table)
		log->rows = (struct rows_event){.table = table, .op = CHANGE_TRUNCATE, .seed = table->table->source_id};
	return on_nothing(log, statement, err);
}

static do_statement *const statements[STATEMENT_KINDS] = {
	[STATEMENT_BEGIN] = on_begin,
	[STATEMENT_COMMIT] = on_end,
	[STATEMENT_ROLLBACK] = on_rollback,
	[STATEMENT_ROLLBACK_TO] = on_rollback,
	[STATEMENT_SAVEPOINT] = on_nothing,
	[STATEMENT_XA] = on_xa,
	[STATEMENT_CHANGE] = on_change,
	[STATEMENT_TRUNCATE] = on_truncate,
	[STATEMENT_OTHER] = on_nothing,
};

static int decode_query(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	struct statement statement;
	struct view database;
	uint8_t database_len;

	rd_bytes(rd, 8); /* thread, seconds */
	database_len = rd_u8(rd);
	rd_u16le(rd);
	rd_bytes(rd, rd_u16le(rd)); /* status variables */
	database = rd_bytes(rd, database_len);
	rd_u8(rd);
	statement_read(rd_bytes(rd, rd_left(rd)), &statement);
	statement.database = database;
	if (rd->failed)
		return 0;
	if (!log->grouped && open_group(log, event, log->at, err) < 0)
		return -1;
	return statements[statement.kind](log, &statement, err);
}

/* Rows ----------------------------------------------------------------------------------------- */

static void reserve_columns(struct binlog *log, unsigned count)
{
	if (count <= log->column_capacity)
		return;
	log->before = mem_resize(log->before, count, sizeof(*log->before));
	log->after = mem_resize(log->after, count, sizeof(*log->after));
	log->column_capacity = count;
}

static int decode_table_map(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	const struct my_table *table;
	bool is_new;

	rd->pos = rd->end;
	if (my_tables_map(log->tables, event->body, &table, &is_new, err) < 0)
		return -1;
	if (is_new)
		*table->news = true;
	return 0;
}

static const struct {
	enum change_op op;
	bool extra; /* version 2 */
} row_kinds[] = {
	[EVENT_WRITE_V1] = {CHANGE_INSERT, false}, [EVENT_UPDATE_V1] = {CHANGE_UPDATE, false}, [EVENT_DELETE_V1] = {CHANGE_DELETE, false},
	[EVENT_WRITE] = {CHANGE_INSERT, true}, [EVENT_UPDATE] = {CHANGE_UPDATE, true}, [EVENT_DELETE] = {CHANGE_DELETE, true},
};

static int check_columns(const struct my_table *table, uint64_t count, struct error *err)
{
	if (count == table->table->column_count)
		return 0;
	return error_set(err, ERROR_TRANSIENT, "table %s.%s: rows of %" PRIu64 " columns, but the log said it has %u", table->table->schema,
			 table->table->name, count, table->table->column_count);
}

static bool bit(struct view bits, unsigned number)
{
	return (uint8_t)bits.ptr[number / 8] >> number % 8 & 1;
}

/* Whether its rows will count is told elsewhere in the log, and much later perhaps. */
static int is_prepared(const struct my_table *table, struct error *err)
{
	error_state(err, STATE_UNSUPPORTED, "a transaction in two phases (XA) changes rows of %s.%s", table->table->schema, table->table->name);
	return error_hint(err, "begin anew behind it; exclude the table (tables.exclude) if that is usual");
}

/* All columns that are left out of an image have to be told from null by whoever reads it. */
static int check_image(const struct my_table *table, struct view present, struct error *err)
{
	for (unsigned i = 0; i < table->table->column_count; i++) {
		if (bit(present, i))
			continue;
		error_state(err, STATE_UNSUPPORTED, "the log has a row of %s.%s without its column %s", table->table->schema, table->table->name,
			    table->table->columns[i].name);
		return error_hint(err, "no session may set binlog_row_image to anything but FULL; begin anew behind it");
	}
	return 0;
}

/* Number 0xffffff: nothing but the end of a statement. */
static int decode_rows(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	uint64_t id = rd_uint_le(rd, 6), count;
	const struct my_table *table = my_tables_find(log->tables, id);
	struct rows_event found;

	if (id == 0xffffff || (table && !table->table)) {
		rd->pos = rd->end;
		return 0;
	}
	if (!table || !log->grouped)
		return error_set(err, ERROR_TRANSIENT, "rows of table number %" PRIu64 ", of which the log has not told", id);
	if (log->prepared)
		return is_prepared(table, err);
	rd_u16le(rd);
	if (row_kinds[event->type].extra)
		rd_bytes(rd, (size_t)rd_u16le(rd) - 2);
	count = rd_lenenc(rd);
	if (!rd->failed && check_columns(table, count, err) < 0)
		return -1;
	found = (struct rows_event){.table = table, .op = row_kinds[event->type].op, .seed = table->table->source_id + row_kinds[event->type].op};
	found.present[0] = rd_bytes(rd, (count + 7) / 8);
	found.present[1] = found.op == CHANGE_UPDATE ? rd_bytes(rd, (count + 7) / 8) : found.present[0];
	found.rd = *rd;
	if (rd->failed)
		return 0;
	rd->pos = rd->end;
	if (check_image(table, found.present[0], err) < 0 || check_image(table, found.present[1], err) < 0)
		return -1;
	log->rows = found;
	reserve_columns(log, table->table->column_count);
	return 0;
}

static int wrong_value(const struct my_table *table, unsigned i, struct error *err)
{
	return error_set(err, ERROR_RECORD, "column %s.%s.%s: what the log has is no %s", table->table->schema, table->table->name,
			 table->table->columns[i].name, table->table->columns[i].source_type);
}

/* A bit for each column that is present says whether it is null; then follow the values of the others. */
static int read_image(struct binlog *log, struct view present, struct value *values, struct error *err)
{
	struct rows_event *rows = &log->rows;
	const struct my_table *table = rows->table;
	unsigned count = table->table->column_count, number = 0;
	struct view nulls;

	for (unsigned i = 0; i < count; i++)
		number += bit(present, i);
	nulls = rd_bytes(&rows->rd, (number + 7) / 8);
	number = 0;
	for (unsigned i = 0; i < count && !rows->rd.failed; i++) {
		values[i].state = !bit(present, i) ? VALUE_ABSENT : bit(nulls, number++) ? VALUE_NULL : VALUE_PRESENT;
		if (values[i].state == VALUE_PRESENT && table->types[i]->read(&rows->rd, &table->columns[i], &log->arena, &values[i]) < 0)
			return wrong_value(table, i, err);
	}
	return 0;
}

static int next_row(struct binlog *log, struct change *ret, struct error *err)
{
	struct rows_event *rows = &log->rows;
	const char *from = rows->rd.pos;
	bool old = rows->op != CHANGE_INSERT, new = rows->op != CHANGE_DELETE;

	arena_reset(&log->arena);
	*ret = (struct change){.op = rows->op, .table = rows->table->table, .txn = &log->txn, .index = log->index++,
			       .lsn = binlog_position(log->file, log->event_at).lsn, .row = rows->number++};
	if (old && read_image(log, rows->present[0], log->before, err) < 0)
		return -1;
	if (new && read_image(log, rows->present[1], log->after, err) < 0)
		return -1;
	if (rows->rd.failed)
		return error_set(err, ERROR_TRANSIENT, "rows of %s.%s that are cut short", ret->table->schema, ret->table->name);
	if (old)
		ret->before = (struct row){IMAGE_FULL, log->before};
	if (new)
		ret->after = (struct row){IMAGE_FULL, log->after};
	ret->hash = hash_bytes((struct view){from, (size_t)(rows->rd.pos - from)}, rows->seed);
	return 1;
}

static int give_truncate(struct binlog *log, struct change *ret)
{
	*ret = (struct change){.op = CHANGE_TRUNCATE, .table = log->rows.table->table, .txn = &log->txn, .index = log->index++,
			       .lsn = binlog_position(log->file, log->event_at).lsn, .hash = log->rows.seed};
	log->rows.table = NULL;
	return 1;
}

int binlog_more(struct binlog *log, struct change *ret, struct error *err)
{
	struct rows_event *rows = &log->rows;

	if (rows->table && !log->begun) {
		log->begun = true;
		*ret = (struct change){.op = CHANGE_BEGIN, .txn = &log->txn};
		return 1;
	}
	if (rows->table && *rows->table->news) {
		*rows->table->news = false;
		*ret = (struct change){.op = CHANGE_TABLE, .table = rows->table->table, .txn = &log->txn};
		return 1;
	}
	if (rows->table && rows->op == CHANGE_TRUNCATE)
		return give_truncate(log, ret);
	if (rows->table && rd_left(&rows->rd))
		return next_row(log, ret, err);
	rows->table = NULL;
	return log->closing ? close_group(log, ret) : 0;
}

/* The log itself ------------------------------------------------------------------------------- */

/* The name that the server makes up at the start of a stream says where we are, too. */
static int decode_rotate(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	uint64_t at = rd_uint_le(rd, 8);
	struct view name = rd_bytes(rd, rd_left(rd));
	int64_t number = binlog_file_number(name);

	(void)event;
	if (rd->failed || number < 0)
		return error_set(err, ERROR_TRANSIENT, "a rotation to a file whose name has no number: '%.*s'", VIEW_ARG(name));
	if (log->grouped)
		return error_set(err, ERROR_TRANSIENT, "the log's file ends inside of a transaction");
	if (position_offset(at) != at || position_compare(binlog_position((uint32_t)number, at), log->reached) < 0)
		return error_set(err, ERROR_TRANSIENT, "a rotation to %.*s:%" PRIu64 ", which is before what was read", VIEW_ARG(name), at);
	log->file = (uint32_t)number;
	log->at = at;
	return 0;
}

/* A table's number means nothing in the next file; the last byte says how events are checked from here on. */
static int decode_format(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	(void)event;
	if (rd_u16le(rd) != 4)
		return error_state(err, STATE_UNSUPPORTED, "a binary log of a version other than 4");
	rd->pos = rd->end;
	my_tables_forget(log->tables);
	return 0;
}

static int decode_heartbeat(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	uint64_t at = (log->at & ~UINT64_C(0xffffffff)) | event->end;

	(void)err;
	rd->pos = rd->end;
	if (event->type == EVENT_HEARTBEAT && !log->grouped && at > log->at)
		log->at = at;
	return 0;
}

static int decode_incident(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	(void)log;
	(void)event;
	rd_u16le(rd);
	error_state(err, STATE_GAP, "the server's log has an incident: changes are missing from it: %.*s",
		    VIEW_ARG(rd_bytes(rd, rd_u8(rd))));
	return error_hint(err, "begin anew with a snapshot");
}

static int skip(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	(void)log;
	(void)event;
	(void)err;
	rd->pos = rd->end;
	return 0;
}

typedef int decode_event(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err);

static decode_event *const handlers[256] = {
	[EVENT_QUERY] = decode_query,
	[EVENT_STOP] = skip,
	[EVENT_ROTATE] = decode_rotate,
	[EVENT_INTVAR] = skip,
	[EVENT_RAND] = skip,
	[EVENT_USER_VAR] = skip,
	[EVENT_FORMAT] = decode_format,
	[EVENT_XID] = decode_xid,
	[EVENT_TABLE_MAP] = decode_table_map,
	[EVENT_WRITE_V1] = decode_rows,
	[EVENT_UPDATE_V1] = decode_rows,
	[EVENT_DELETE_V1] = decode_rows,
	[EVENT_INCIDENT] = decode_incident,
	[EVENT_HEARTBEAT] = decode_heartbeat,
	[EVENT_IGNORABLE] = skip,
	[EVENT_ROWS_QUERY] = skip,
	[EVENT_WRITE] = decode_rows,
	[EVENT_UPDATE] = decode_rows,
	[EVENT_DELETE] = decode_rows,
	[EVENT_GTID] = decode_gtid,
	[EVENT_ANONYMOUS_GTID] = decode_gtid,
	[EVENT_PREVIOUS_GTIDS] = skip,
	[EVENT_CONTEXT] = skip,
	[EVENT_VIEW] = skip,
	[EVENT_XA_PREPARE] = decode_xa_prepare,
	[EVENT_HEARTBEAT_V2] = decode_heartbeat,
	[EVENT_ANNOTATE] = skip,
	[EVENT_CHECKPOINT] = skip,
	[EVENT_MARIADB_GTID] = decode_mariadb_gtid,
	[EVENT_GTID_LIST] = skip,
};

static int read_header(struct view bytes, struct binlog_event *ret, struct error *err)
{
	struct reader rd = reader_of(bytes);

	ret->time = rd_u32le(&rd);
	ret->type = rd_u8(&rd);
	ret->server_id = rd_u32le(&rd);
	ret->size = rd_u32le(&rd);
	ret->end = rd_u32le(&rd);
	ret->flags = rd_u16le(&rd);
	if (rd.failed || ret->size != bytes.len)
		return error_set(err, ERROR_TRANSIENT, "an event of %zu bytes that is cut short or garbled", bytes.len);
	ret->body = rd_bytes(&rd, rd_left(&rd));
	return 0;
}

/* Servers before 5.6.1 know of no checksums. */
static bool knows_checksums(struct view version)
{
	int major = 0, minor = 0, patch = 0;
	char text[VERSION_BYTES + 1];

	snprintf(text, sizeof(text), "%.*s", VIEW_ARG(version));
	sscanf(text, "%3d.%3d.%3d", &major, &minor, &patch);
	return major * 10000 + minor * 100 + patch >= 50601;
}

/* A description says whether the events of its file have checksums; its own is there in any case. */
static void read_checksums(struct binlog *log, struct binlog_event *event)
{
	struct reader rd = reader_of(event->body);
	struct view version;

	rd_u16le(&rd);
	version = rd_bytes(&rd, VERSION_BYTES);
	log->checksums = false;
	if (rd.failed || !knows_checksums(version) || event->body.len < VERSION_BYTES + CHECKSUM_BYTES + 1)
		return;
	log->checksums = event->body.ptr[event->body.len - CHECKSUM_BYTES - 1] == 1;
	if (!log->checksums)
		event->body.len -= CHECKSUM_BYTES;
}

static int check_sum(struct binlog *log, struct view bytes, struct binlog_event *event, struct error *err)
{
	struct reader tail;
	uint32_t sum;

	if (event->type == EVENT_FORMAT)
		read_checksums(log, event);
	if (!log->checksums)
		return 0;
	if (event->body.len < CHECKSUM_BYTES)
		return error_set(err, ERROR_TRANSIENT, "an event of type %u without a checksum", event->type);
	event->body.len -= CHECKSUM_BYTES;
	tail = reader_of((struct view){event->body.ptr + event->body.len, CHECKSUM_BYTES});
	sum = (uint32_t)crc32(0, (const unsigned char *)bytes.ptr, (unsigned)(bytes.len - CHECKSUM_BYTES));
	if (sum == rd_u32le(&tail))
		return 0;
	return error_set(err, ERROR_TRANSIENT, "an event of type %u at %u:%" PRIu64 " whose checksum is wrong", event->type, log->file, log->at);
}

/* Between groups, every event moves the place to go on from. */
static void note_place(struct binlog *log)
{
	struct position now = binlog_position(log->file, log->at);

	if (!log->grouped && position_compare(log->reached, now) < 0)
		log->reached = now;
}

int binlog_decode(struct binlog *log, struct view bytes, struct change *ret, struct error *err)
{
	struct binlog_event event;
	struct reader rd;

	if (read_header(bytes, &event, err) < 0 || check_sum(log, bytes, &event, err) < 0)
		return -1;
	if (advance(log, &event, err) < 0)
		return -1;
	if (!handlers[event.type]) {
		if (event.flags & FLAG_IGNORABLE) {
			log->ignored++;
			return 0;
		}
		return error_state(err, STATE_UNSUPPORTED, "an event of type %u in the log, at %u:%" PRIu64, event.type, log->file, log->event_at);
	}
	rd = reader_of(event.body);
	if (handlers[event.type](log, &event, &rd, err) < 0)
		return -1;
	if (rd.failed)
		return error_set(err, ERROR_TRANSIENT, "an event of type %u at %u:%" PRIu64 " that is cut short", event.type, log->file,
				 log->event_at);
	note_place(log);
	return binlog_more(log, ret, err);
}

int binlog_result_row(struct binlog *log, const struct my_table *table, char *const *texts, const unsigned long *lengths,
		      struct change *ret, struct error *err)
{
	unsigned count = table->table->column_count;

	arena_reset(&log->arena);
	reserve_columns(log, count);
	for (unsigned i = 0; i < count; i++) {
		struct value *value = &log->after[i];

		value->state = texts[i] ? VALUE_PRESENT : VALUE_NULL;
		if (texts[i] && table->types[i]->parse((struct view){texts[i], lengths[i]}, &table->columns[i], &log->arena, value) < 0)
			return wrong_value(table, i, err);
	}
	*ret = (struct change){.op = CHANGE_READ, .table = table->table, .after = {IMAGE_FULL, log->after}};
	return 1;
}
