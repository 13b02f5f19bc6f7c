/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Groups of events, which are transactions: where they begin and end, and what a statement does to the one that is open.
 */
#include <inttypes.h>
#include <stdio.h>

#include "ddl.h"
#include "events.h"
#include "history.h"
#include "session.h"
#include "shapes.h"
#include "statement.h"

#define XID_PART_BYTES 64

enum mariadb_flags { GTID_STANDALONE = 1, GTID_COMMITTED_TOGETHER = 2, GTID_PREPARED = 0x40, GTID_OUTCOME = 0x80 };
enum mariadb_extra { GTID_ENGINES = 1, GTID_START_ALTER = 2, GTID_COMMIT_ALTER = 4, GTID_ROLLBACK_ALTER = 8 };

/* Groups --------------------------------------------------------------------------------------- */

static int open_group(struct binlog *log, const struct binlog_event *event, uint64_t number, struct error *err)
{
	log->gtid.number = 0;
	log->repeated = false;
	if (log->grouped)
		return error_set(err, ERROR_TRANSIENT, "a transaction begins inside of another one");
	log->grouped = true;
	log->multi = log->prepared = log->begun = log->has_rows = log->outcome = log->recalled = log->undecided = false;
	log->xid = VIEW_NONE;
	if (log->prepared_set && !log->quiet) /* what was handed out last is behind whoever asks for more */
		my_prepared_forget(log->prepared_set, log->reached);
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

/* The open group has a name. */
static void name_group(struct binlog *log, const struct gtid *gtid)
{
	char text[GTID_TEXT_BYTES];

	log->gtid = *gtid;
	log->repeated = log->done && position_compare(log->txn.final, log->repeats) < 0 && gtid_set_has(log->done, gtid);
	log->txn.gtid = arena_copy(&log->txn_arena, (struct view){text, (size_t)gtid_print(gtid, text)});
}

/*
 * Of a group without a row for us, nothing is told but that it is behind: at once if it says what became of another one, which is
 * forgotten with the next group.
 */
int close_group(struct binlog *log, struct change *ret)
{
	log->grouped = log->closing = false;
	log->reached = binlog_position(log->file, log->at);
	if (log->done)
		gtid_set_add(log->done, &log->gtid);
	if (!log->begun && !log->outcome)
		return 0;
	if (!log->begun) {
		*ret = (struct change){.op = CHANGE_IDLE, .position = log->reached};
		return 1;
	}
	*ret = (struct change){.op = CHANGE_COMMIT, .txn = &log->txn, .position = log->reached};
	return 1;
}

int decode_gtid(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	struct gtid gtid = {.mariadb = false};
	struct view uuid;

	rd_u8(rd);
	uuid = rd_bytes(rd, GTID_UUID_BYTES);
	gtid.number = rd_uint_le(rd, 8);
	if (rd->failed)
		return 0;
	memcpy(gtid.uuid, uuid.ptr, GTID_UUID_BYTES);
	if (open_group(log, event, gtid.number, err) < 0)
		return -1;
	if (event->type == EVENT_GTID)
		name_group(log, &gtid);
	return 0;
}

/* Bits of one at the low end of the first byte say how many bytes follow it. */
static uint64_t read_varlen(struct reader *rd)
{
	uint8_t first = rd_u8(rd);
	unsigned more = (unsigned)__builtin_ctz(~(unsigned)first);
	uint64_t rest = rd_uint_le(rd, more);

	return more >= 7 ? rest : (uint64_t)(first >> (more + 1)) | rest << (7 - more);
}

/* One that may be below zero, but is not. */
static uint64_t read_positive(struct reader *rd)
{
	uint64_t value = read_varlen(rd);

	rd->failed |= value & 1;
	return value >> 1;
}

/* Fields in the order of their numbers; what is behind the tag is not needed. */
static void read_tagged(struct reader *rd, struct gtid *ret)
{
	enum { FIELD_FLAGS, FIELD_UUID, FIELD_NUMBER, FIELD_TAG };
	struct view tag = VIEW_NONE;
	uint64_t field = 0;

	for (unsigned i = 0; i < 3; i++)
		read_varlen(rd); /* version, size, the last field that must be understood */
	while (!rd->failed && rd_left(rd) && field < FIELD_TAG) {
		field = read_varlen(rd);
		if (field == FIELD_FLAGS)
			read_varlen(rd);
		else if (field == FIELD_NUMBER)
			ret->number = read_positive(rd);
		else if (field == FIELD_TAG)
			tag = rd_bytes(rd, read_varlen(rd));
		for (unsigned i = 0; i < GTID_UUID_BYTES && field == FIELD_UUID; i++)
			ret->uuid[i] = (uint8_t)read_varlen(rd);
	}
	rd->failed |= tag.len > GTID_TAG_BYTES;
	if (!rd->failed)
		snprintf(ret->tag, sizeof(ret->tag), "%.*s", VIEW_ARG(tag));
}

int decode_tagged_gtid(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	struct gtid gtid = {.mariadb = false};

	read_tagged(rd, &gtid);
	if (rd->failed)
		return 0;
	if (open_group(log, event, gtid.number, err) < 0)
		return -1;
	name_group(log, &gtid);
	return 0;
}

/* Behind what only some groups have; servers fill up with zeros what has no more. */
static uint8_t read_extra(struct reader *rd, uint8_t flags)
{
	struct view lengths;

	if (flags & GTID_COMMITTED_TOGETHER)
		rd_bytes(rd, 8);
	if (flags & (GTID_PREPARED | GTID_OUTCOME)) {
		rd_bytes(rd, 4);
		lengths = rd_bytes(rd, 2);
		if (!rd->failed)
			rd_bytes(rd, (size_t)(uint8_t)lengths.ptr[0] + (uint8_t)lengths.ptr[1]);
	}
	return !rd->failed && rd_left(rd) ? rd_u8(rd) : 0;
}

int decode_mariadb_gtid(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	struct gtid gtid = {.mariadb = true, .server = event->server_id, .number = rd_uint_le(rd, 8)};
	uint8_t flags;

	gtid.domain = rd_u32le(rd);
	if (open_group(log, event, gtid.number, err) < 0)
		return -1;
	name_group(log, &gtid);
	flags = rd_u8(rd);
	log->undecided = read_extra(rd, flags) & (GTID_START_ALTER | GTID_ROLLBACK_ALTER);
	log->multi = !(flags & GTID_STANDALONE);
	log->prepared = (flags & GTID_PREPARED) && !log->recalling;
	return 0;
}

int decode_xid(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	(void)event;
	(void)rd;
	if (!log->grouped)
		return error_set(err, ERROR_TRANSIENT, "the end of a transaction that did not begin");
	log->closing = true;
	return 0;
}

/* Two phases ----------------------------------------------------------------------------------- */

static void put_hex(char *to, struct view bytes)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.len; i++) {
		*to++ = digits[(uint8_t)bytes.ptr[i] >> 4];
		*to++ = digits[(uint8_t)bytes.ptr[i] & 15];
	}
	*to = '\0';
}

/* As statements name it: X'6162',X'63',1 */
static struct view name_of_xid(struct reader *rd, struct arena *arena)
{
	uint32_t format = rd_u32le(rd), global_len = rd_u32le(rd), branch_len = rd_u32le(rd);
	struct view global = rd_bytes(rd, global_len), branch = rd_bytes(rd, branch_len);
	char texts[2][2 * XID_PART_BYTES + 1];

	rd->failed |= global.len > XID_PART_BYTES || branch.len > XID_PART_BYTES;
	if (rd->failed)
		return VIEW_NONE;
	put_hex(texts[0], global);
	put_hex(texts[1], branch);
	return arena_printf(arena, "X'%s',X'%s',%u", texts[0], texts[1], format);
}

/* From where its group began. */
static void recall(struct binlog *log, struct position from)
{
	log->recalled = true;
	log->recalled_from = from;
}

static bool is_noted(const struct binlog *log, struct view xid)
{
	return log->prepared_set && (!log->quiet || view_equal(xid, log->wanted));
}

/* The first phase ends; or both do, which could not be known before. */
int decode_xa_prepare(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	uint8_t one_phase = rd_u8(rd);

	log->xid = name_of_xid(rd, &log->txn_arena);
	if (rd->failed || decode_xid(log, event, rd, err) < 0)
		return rd->failed ? 0 : -1;
	if (log->recalling || (one_phase && (log->quiet || log->repeated || !log->has_rows)))
		return 0;
	if (!one_phase && is_noted(log, log->xid))
		my_prepared_put(log->prepared_set, log->xid, log->has_rows || log->quiet ? log->txn.final : (struct position){POSITION_NONE, 0});
	if (one_phase) {
		log->closing = false;
		recall(log, log->txn.final);
	}
	return 0;
}

int binlog_settle(struct binlog *log, bool had_rows, struct change *ret)
{
	log->recalled = false;
	log->begun = had_rows;
	log->outcome |= !had_rows;
	return close_group(log, ret);
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
	log->multi = true;
	log->prepared = !log->recalling;
	return 0;
}

/* The group ends with it. The place that it is settled at is that end. */
static struct my_prepared *settle(struct binlog *log, const struct statement *statement)
{
	struct my_prepared *one;

	log->closing = log->outcome = true;
	if (!is_noted(log, statement->xid))
		return NULL;
	if (log->quiet && !my_prepared_find(log->prepared_set, statement->xid))
		my_prepared_put(log->prepared_set, statement->xid, (struct position){POSITION_NONE, 0});
	one = my_prepared_find(log->prepared_set, statement->xid);
	if (one)
		one->settled = binlog_position(log->file, log->at);
	return one;
}

/* MariaDB before 10.5 has no such statement: it writes of the transaction when it is committed. */
static int on_xa_commit(struct binlog *log, const struct statement *statement, struct error *err)
{
	const struct my_prepared *one;

	(void)err;
	if (log->begun || log->quiet) {
		settle(log, statement);
		return 0;
	}
	log->xid = arena_copy(&log->txn_arena, statement->xid);
	one = settle(log, statement);
	if (log->repeated || (one && one->at.kind == POSITION_NONE))
		return 0;
	log->closing = false;
	recall(log, one ? one->at : (struct position){POSITION_NONE, 0});
	return 0;
}

static int on_xa_rollback(struct binlog *log, const struct statement *statement, struct error *err)
{
	(void)err;
	settle(log, statement);
	return 0;
}

/* A session that writes statements instead of rows: what they did cannot be told. */
static int on_change(struct binlog *log, const struct statement *statement, struct error *err)
{
	if (log->quiet || log->repeated || !map_next(&log->tables->captured, NULL))
		return on_nothing(log, statement, err);
	error_state(err, STATE_UNSUPPORTED, "the log has a statement in place of the rows that it changed (database %.*s): %.*s",
		    VIEW_ARG(statement->database), VIEW_ARG(view_cut(statement->sql, 300)));
	return error_hint(err, "no session may set binlog_format to STATEMENT or MIXED; begin anew behind it");
}

static int on_truncate(struct binlog *log, const struct statement *statement, struct error *err)
{
	struct view schema = statement->schema.ptr ? statement->schema : statement->database;
	const struct my_table *table = my_tables_named(log->tables, schema, statement->table);

	if (table && !log->repeated && !log->quiet)
		log->rows = (struct rows_event){.table = table, .op = CHANGE_TRUNCATE, .seed = table->table->source_id};
	return on_nothing(log, statement, err);
}

/* Among them are those that change tables. */
static int on_other(struct binlog *log, const struct statement *statement, struct error *err)
{
	struct ddl_session session = {.database = statement->database, .sql_mode = statement->sql_mode};
	struct ddl ddl;

	if (log->undecided)
		return on_nothing(log, statement, err);
	if (log->seen)
		log->seen(log->seen_by, statement);
	if (log->history && !log->repeated) {
		ddl_read(statement->sql, &session, &log->txn_arena, &ddl);
		my_history_take(log->history, log->tables, &ddl, &session, statement->sql, binlog_position(log->file, log->at));
		if (log->tables->shapes && log->tables->shapes->follows && ddl.kind != DDL_NONE && ddl.kind != DDL_TRUNCATE) {
			my_shapes_take(log->tables->shapes, &ddl, statement->sql, binlog_position(log->file, log->at));
			my_tables_altered(log->tables);
		}
	}
	return on_nothing(log, statement, err);
}

static do_statement *const statements[STATEMENT_KINDS] = {
	[STATEMENT_BEGIN] = on_begin,
	[STATEMENT_COMMIT] = on_end,
	[STATEMENT_ROLLBACK] = on_rollback,
	[STATEMENT_ROLLBACK_TO] = on_rollback,
	[STATEMENT_SAVEPOINT] = on_nothing,
	[STATEMENT_XA] = on_xa,
	[STATEMENT_XA_COMMIT] = on_xa_commit,
	[STATEMENT_XA_ROLLBACK] = on_xa_rollback,
	[STATEMENT_CHANGE] = on_change,
	[STATEMENT_TRUNCATE] = on_truncate,
	[STATEMENT_OTHER] = on_other,
};

static bool is_plain(struct view text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] & 0x80)
			return false;
	return true;
}

/* As the client sent it, into UTF-8. One that is no text of its character set, as values can be, stays as it is. */
static struct view text_of(struct binlog *log, const struct session *session, struct view sql)
{
	const struct my_charset *charset = is_plain(sql) ? NULL : my_charset_of(log->tables->charsets, session->collation);
	struct view text;

	return charset && my_charset_text(charset, sql, &log->arena, &text) == 0 ? text : sql;
}

int decode_query(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	struct statement statement;
	struct session session;
	struct view database, variables;
	uint8_t database_len;

	rd_bytes(rd, 8); /* thread, seconds */
	database_len = rd_u8(rd);
	rd_u16le(rd);
	variables = rd_bytes(rd, rd_u16le(rd));
	database = rd_bytes(rd, database_len);
	rd_u8(rd);
	if (event->type == EVENT_PACKED_QUERY && unpack(log, rd) < 0)
		return 0;
	session_read(variables, &session);
	statement_read(text_of(log, &session, rd_bytes(rd, rd_left(rd))), &statement);
	statement.database = database;
	statement.sql_mode = session.sql_mode;
	if (rd->failed)
		return 0;
	if (!log->grouped && open_group(log, event, log->at, err) < 0)
		return -1;
	return statements[statement.kind](log, &statement, err);
}
