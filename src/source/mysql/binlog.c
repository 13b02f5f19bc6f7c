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
#include "events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#define HEADER_BYTES 19
#define CHECKSUM_BYTES 4
#define VERSION_BYTES 50
#define FIRST_OFFSET 4 /* behind the magic number of a file */

enum event_flags { FLAG_ARTIFICIAL = 0x20, FLAG_IGNORABLE = 0x80 };

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
	payload_done(&log->payload);
	wr_done(&log->inflated);
	arena_done(&log->txn_arena);
	arena_done(&log->arena);
}

void binlog_restart(struct binlog *log, struct position from, bool checksums)
{
	log->file = position_file(from);
	log->skipping = position_offset(from.lsn) > UINT32_MAX;
	log->at = log->skipping ? FIRST_OFFSET : position_offset(from.lsn);
	log->reached = from;
	log->checksums = checksums;
	log->grouped = log->begun = log->closing = log->recalled = log->outcome = false;
	log->rows = (struct rows_event){0};
	log->payload.open = false;
	my_tables_forget(log->tables);
}

/* Those of a transaction may not say where they end (MariaDB 11.4), and where 4 GiB end, none does. */
static bool is_in_file(const struct binlog *log, const struct binlog_event *event)
{
	if ((event->flags & FLAG_ARTIFICIAL) || event->type == EVENT_HEARTBEAT || event->type == EVENT_HEARTBEAT_V2)
		return false;
	return event->end || (event->type != EVENT_FORMAT && (log->grouped || log->skipping || (uint32_t)(log->at + event->size) == 0));
}

/* Ends are told modulo 4 GiB. The server leaves out some events (what a statement was), so that sizes alone do not tell them. */
static int advance(struct binlog *log, const struct binlog_event *event, struct error *err)
{
	uint64_t end = (log->at & ~UINT64_C(0xffffffff)) | event->end;

	log->event_at = log->at;
	if (!is_in_file(log, event))
		return 0;
	if (!event->end || (uint32_t)(log->at + event->size) == event->end)
		end = log->at + event->size;
	end += end < log->at ? UINT64_C(1) << 32 : 0;
	if (end < event->size || position_offset(end) != end)
		return error_set(err, ERROR_TRANSIENT, "an event of %u bytes that is said to end at %u:%" PRIu64, event->size, log->file, end);
	log->at = end;
	log->event_at = end - event->size;
	return 0;
}

/* What is before the place that was to be read from. Where that is not in its file, it was another file's. */
static int skip_before(struct binlog *log, const struct binlog_event *event, bool *ret_skip, struct error *err)
{
	bool tells = event->type == EVENT_FORMAT || (event->type == EVENT_ROTATE && (event->flags & FLAG_ARTIFICIAL));

	log->skipping = log->event_at < position_offset(log->reached.lsn) || !is_in_file(log, event);
	*ret_skip = log->skipping && !tells;
	if (!log->skipping || event->type != EVENT_ROTATE || tells)
		return 0;
	error_state(err, STATE_DIVERGED, "the file of the server's log ends at %" PRIu64 ", which is before what was read", log->at);
	return error_hint(err, "the server's log was reset, or is another one: a new snapshot is needed");
}

int unpack(struct binlog *log, struct reader *rd)
{
	wr_clear(&log->inflated);
	if (inflate_event(rd, &log->inflated) < 0)
		return -1;
	*rd = reader_of(wr_view(&log->inflated));
	return 0;
}

/* The log itself ------------------------------------------------------------------------------- */

/* The name that the server makes up at the start of a stream says where we are, too. */
static int decode_rotate(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	uint64_t at = rd_uint_le(rd, 8);
	struct view name = rd_bytes(rd, rd_left(rd));
	int64_t number = binlog_file_number(name) + log->shift;

	(void)event;
	if (rd->failed || number < log->shift || number < 0)
		return error_set(err, ERROR_TRANSIENT, "a rotation to a file whose name has no number: '%.*s'", VIEW_ARG(name));
	if (log->grouped && !log->quiet)
		return error_set(err, ERROR_TRANSIENT, "the log's file ends inside of a transaction");
	log->grouped = false;
	if (position_offset(at) != at || (log->skipping ? (uint32_t)number != log->file : position_compare(binlog_position((uint32_t)number, at), log->reached) < 0))
		return error_set(err, ERROR_TRANSIENT, "a rotation to %.*s:%" PRIu64 ", which is before what was read", VIEW_ARG(name), at);
	log->file = (uint32_t)number;
	log->at = at;
	return 0;
}

static int version_number(struct view version)
{
	int major = 0, minor = 0, patch = 0;
	char text[VERSION_BYTES + 1];

	snprintf(text, sizeof(text), "%.*s", VIEW_ARG(version));
	sscanf(text, "%3d.%3d.%3d", &major, &minor, &patch);
	return major * 10000 + minor * 100 + patch;
}

/* MySQL counted no YEAR at first (8.0.15), and does so later (8.0.31); when it began to is not known. */
static void set_rules(struct my_tables *tables, struct view version)
{
	int number = version_number(version);

	tables->rules.years = tables->rules.mariadb || number >= 80031 ? YEARS_HAVE_SIGNS : number < 80016 ? YEARS_HAVE_NONE : YEARS_UNKNOWN;
}

/* A table's number means nothing in the next file; the last byte says how events are checked from here on. */
static int decode_format(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	(void)event;
	if (rd_u16le(rd) != 4)
		return error_state(err, STATE_UNSUPPORTED, "a binary log of a version other than 4");
	set_rules(log->tables, rd_bytes(rd, VERSION_BYTES));
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
	struct view message;

	(void)log;
	(void)event;
	rd_u16le(rd);
	message = rd_bytes(rd, rd_u8(rd));
	error_state(err, STATE_GAP, "the server's log has an incident: changes are missing from it: %.*s", VIEW_ARG(message));
	return error_hint(err, "begin anew with a snapshot");
}

static int decode_payload(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	(void)event;
	if (!log->grouped && !log->recalling) /* what is kept begins with it */
		return error_set(err, ERROR_TRANSIENT, "a compressed transaction that did not begin");
	return payload_open(&log->payload, rd, err);
}

static int skip(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	(void)log;
	(void)event;
	(void)err;
	rd->pos = rd->end;
	return 0;
}

/* What takes an event, and whether a payload may hold it. */
static const struct handler {
	decode_event *take;
	bool nested;
} handlers[256] = {
	[EVENT_QUERY] = {decode_query, true},
	[EVENT_STOP] = {skip, false},
	[EVENT_ROTATE] = {decode_rotate, false},
	[EVENT_INTVAR] = {skip, true},
	[EVENT_RAND] = {skip, true},
	[EVENT_USER_VAR] = {skip, true},
	[EVENT_FORMAT] = {decode_format, false},
	[EVENT_XID] = {decode_xid, true},
	[EVENT_TABLE_MAP] = {decode_table_map, true},
	[EVENT_WRITE_V1] = {decode_rows, true},
	[EVENT_UPDATE_V1] = {decode_rows, true},
	[EVENT_DELETE_V1] = {decode_rows, true},
	[EVENT_INCIDENT] = {decode_incident, false},
	[EVENT_HEARTBEAT] = {decode_heartbeat, false},
	[EVENT_IGNORABLE] = {skip, true},
	[EVENT_ROWS_QUERY] = {skip, true},
	[EVENT_WRITE] = {decode_rows, true},
	[EVENT_UPDATE] = {decode_rows, true},
	[EVENT_DELETE] = {decode_rows, true},
	[EVENT_GTID] = {decode_gtid, false},
	[EVENT_ANONYMOUS_GTID] = {decode_gtid, false},
	[EVENT_PREVIOUS_GTIDS] = {skip, false},
	[EVENT_CONTEXT] = {skip, false},
	[EVENT_VIEW] = {skip, false},
	[EVENT_XA_PREPARE] = {decode_xa_prepare, true},
	[EVENT_HEARTBEAT_V2] = {decode_heartbeat, false},
	[EVENT_ANNOTATE] = {skip, false},
	[EVENT_CHECKPOINT] = {skip, false},
	[EVENT_MARIADB_GTID] = {decode_mariadb_gtid, false},
	[EVENT_GTID_LIST] = {skip, false},
	[EVENT_PARTIAL_UPDATE] = {decode_rows, true},
	[EVENT_PAYLOAD] = {decode_payload, false},
	[EVENT_TAGGED_GTID] = {decode_tagged_gtid, false},
	[EVENT_PACKED_QUERY] = {decode_query, false},
	[EVENT_PACKED_WRITE_V1] = {decode_rows, false},
	[EVENT_PACKED_UPDATE_V1] = {decode_rows, false},
	[EVENT_PACKED_DELETE_V1] = {decode_rows, false},
	[EVENT_PACKED_WRITE] = {decode_rows, false},
	[EVENT_PACKED_UPDATE] = {decode_rows, false},
	[EVENT_PACKED_DELETE] = {decode_rows, false},
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

/* A description says whether the events of its file have checksums (servers before 5.6.1 know of none); its own is there in any case. */
static void read_checksums(struct binlog *log, struct binlog_event *event)
{
	struct reader rd = reader_of(event->body);
	struct view version;

	rd_u16le(&rd);
	version = rd_bytes(&rd, VERSION_BYTES);
	log->checksums = false;
	if (rd.failed || version_number(version) < 50601 || event->body.len < VERSION_BYTES + CHECKSUM_BYTES + 1)
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

/* Its place is in the log, or in the payload that is there. */
static int take_event(struct binlog *log, const struct binlog_event *event, bool nested, struct error *err)
{
	const struct handler *handler = &handlers[event->type];
	struct reader rd = reader_of(event->body);

	if (!handler->take || (nested && !handler->nested)) {
		if (event->flags & FLAG_IGNORABLE) {
			log->ignored++;
			return 0;
		}
		return error_state(err, STATE_UNSUPPORTED, "an event of type %u in %s, at %u:%" PRIu64, event->type,
				   nested ? "a compressed transaction" : "the log", log->file, log->event_at);
	}
	if (handler->take(log, event, &rd, err) < 0)
		return -1;
	if (rd.failed)
		return error_set(err, ERROR_TRANSIENT, "an event of type %u at %u:%" PRIu64 " that is cut short", event->type, log->file,
				 log->event_at);
	return 0;
}

/* Has no checksum, and no place of its own in the log. */
static int next_nested(struct binlog *log, struct error *err)
{
	struct binlog_event event;
	struct view bytes;
	int got = payload_next(&log->payload, &bytes, err);

	if (got <= 0)
		return got;
	log->first_row = log->rows.number;
	return read_header(bytes, &event, err) < 0 ? -1 : take_event(log, &event, true, err);
}

int binlog_more(struct binlog *log, struct change *ret, struct error *err)
{
	int got;

	while (!(got = rows_more(log, ret, err)) && log->payload.open)
		if (next_nested(log, err) < 0)
			return -1;
	return got || !log->closing ? got : close_group(log, ret);
}

int binlog_decode(struct binlog *log, struct view bytes, struct change *ret, struct error *err)
{
	struct binlog_event event;
	bool skipped = false;

	if (read_header(bytes, &event, err) < 0 || check_sum(log, bytes, &event, err) < 0)
		return -1;
	log->rows.number = log->first_row = 0;
	if (advance(log, &event, err) < 0 || (log->skipping && skip_before(log, &event, &skipped, err) < 0))
		return -1;
	if (skipped)
		return 0;
	if (take_event(log, &event, false, err) < 0)
		return -1;
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
