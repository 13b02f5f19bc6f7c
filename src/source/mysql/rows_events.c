/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 *   rows       u48 number of a table, u16 flags, version 2: u16 length with itself and bytes; lenenc columns, a bit for each that
 *              is present (an update: once for the old and once for the new image), images
 *   image      a bit for each present column that is null, values of the others
 *   new image of a partial update      lenenc options; if their first bit is set: a bit for each JSON column of the table whose value
 *              is diffs (json_diff.c) behind their length of u32; image
 */
#include <inttypes.h>

#include "base/memory.h"
#include "events.h"
#include "json.h"
#include "rows.h"
#include "source/source.h"

void reserve_columns(struct binlog *log, unsigned count)
{
	if (count <= log->column_capacity)
		return;
	log->before = mem_resize(log->before, count, sizeof(*log->before));
	log->after = mem_resize(log->after, count, sizeof(*log->after));
	log->column_capacity = count;
}

int decode_table_map(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	const struct my_table *table;
	bool is_new;

	rd->pos = rd->end;
	if (log->quiet)
		return 0;
	if (my_tables_map(log->tables, event->body, &table, &is_new, err) < 0)
		return -1;
	if (is_new)
		*table->news = true;
	return 0;
}

static const struct row_kind {
	enum change_op op;
	bool extra;  /* version 2 */
	bool packed; /* what follows the columns is compressed */
	bool parts;  /* documents of new images may be told by what changed in them */
} row_kinds[] = {
	[EVENT_WRITE_V1] = {CHANGE_INSERT, false, false, false},
	[EVENT_UPDATE_V1] = {CHANGE_UPDATE, false, false, false},
	[EVENT_DELETE_V1] = {CHANGE_DELETE, false, false, false},
	[EVENT_WRITE] = {CHANGE_INSERT, true, false, false},
	[EVENT_UPDATE] = {CHANGE_UPDATE, true, false, false},
	[EVENT_DELETE] = {CHANGE_DELETE, true, false, false},
	[EVENT_PACKED_WRITE_V1] = {CHANGE_INSERT, false, true, false},
	[EVENT_PACKED_UPDATE_V1] = {CHANGE_UPDATE, false, true, false},
	[EVENT_PACKED_DELETE_V1] = {CHANGE_DELETE, false, true, false},
	[EVENT_PACKED_WRITE] = {CHANGE_INSERT, true, true, false},
	[EVENT_PACKED_UPDATE] = {CHANGE_UPDATE, true, true, false},
	[EVENT_PACKED_DELETE] = {CHANGE_DELETE, true, true, false},
	[EVENT_PARTIAL_UPDATE] = {CHANGE_UPDATE, true, false, true},
};

static int check_columns(const struct my_table *table, uint64_t count, struct error *err)
{
	if (count == table->wire_count)
		return 0;
	return error_set(err, ERROR_TRANSIENT, "table %s.%s: rows of %" PRIu64 " columns, but the log said it has %u", table->table->schema,
			 table->table->name, count, table->wire_count);
}

static bool bit(struct view bits, unsigned number)
{
	return (uint8_t)bits.ptr[number / 8] >> number % 8 & 1;
}

static int lacks_column(const struct my_table *table, unsigned column, const char *why, struct error *err)
{
	error_state(err, STATE_UNSUPPORTED, "the log has a row of %s.%s without its column %s%s", table->table->schema, table->table->name,
		    table->columns[column].name, why);
	return error_hint(err, "no session may set binlog_row_image to anything but FULL; begin anew behind it");
}

/* The first column that an image lacks; the number of columns: it lacks none. */
static unsigned first_absent(const struct my_table *table, struct view present)
{
	unsigned i = 0;

	while (i < table->wire_count && bit(present, i))
		i++;
	return i;
}

/* What a row was given by default is nowhere in the log; and which row was changed must be. */
static int check_images(struct rows_event *rows, struct error *err)
{
	const struct my_table *table = rows->table;
	unsigned count = table->wire_count, old = first_absent(table, rows->present[0]), new = first_absent(table, rows->present[1]);

	rows->whole[0] = old == count;
	rows->whole[1] = new == count;
	if (rows->op == CHANGE_INSERT)
		return rows->whole[1] ? 0 : lacks_column(table, new, ", which has its default value", err);
	if (!rows->whole[0] && !table->table->key_count)
		return lacks_column(table, old, ", and the table has no primary key", err);
	for (unsigned i = 0; i < table->table->key_count; i++)
		if (!bit(rows->present[0], table->table->key[i]))
			return lacks_column(table, table->table->key[i], ", which is of its key", err);
	return 0;
}

/* From the columns on. */
static int read_rows(struct binlog *log, const struct my_table *table, const struct row_kind *kind, struct reader *rd, struct error *err)
{
	uint64_t count = rd_lenenc(rd);
	struct rows_event found = {.table = table, .op = kind->op, .parts = kind->parts, .number = log->first_row,
				   .seed = table->table->source_id + kind->op};

	if (!rd->failed && check_columns(table, count, err) < 0)
		return -1;
	found.present[0] = rd_bytes(rd, (count + 7) / 8);
	found.present[1] = found.op == CHANGE_UPDATE ? rd_bytes(rd, (count + 7) / 8) : found.present[0];
	if (rd->failed || (kind->packed && unpack(log, rd) < 0))
		return 0;
	if (check_images(&found, err) < 0)
		return -1;
	found.rd = *rd;
	log->rows = found;
	reserve_columns(log, table->wire_count);
	return 0;
}

/* Number 0xffffff: nothing but the end of a statement. */
int decode_rows(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err)
{
	const struct row_kind *kind = &row_kinds[event->type];
	uint64_t id = rd_uint_le(rd, 6);
	const struct my_table *table = my_tables_find(log->tables, id);

	if (id == 0xffffff || log->quiet || (table && !table->table) || (log->repeated && !log->prepared))
		return 0;
	if (!table || !log->grouped)
		return error_set(err, ERROR_TRANSIENT, "rows of table number %" PRIu64 ", of which the log has not told", id);
	log->has_rows = true;
	if (log->prepared) /* whether they count is told elsewhere in the log, and much later perhaps */
		return 0;
	rd_u16le(rd);
	if (kind->extra)
		rd_bytes(rd, (size_t)rd_u16le(rd) - 2);
	return rd->failed ? 0 : read_rows(log, table, kind, rd, err);
}

int wrong_value(const struct my_table *table, unsigned i, struct error *err)
{
	if (table->columns[i].dates == DATES_ERROR && i < table->table->column_count)
		return error_set(err, ERROR_RECORD, "column %s.%s.%s: a %s that the calendar does not have (source.zero_dates: error)",
				 table->table->schema, table->table->name, table->columns[i].name, table->table->columns[i].source_type);
	return error_set(err, ERROR_RECORD, "column %s.%s.%s: what the log has is no %s", table->table->schema, table->table->name,
			 table->columns[i].name, i < table->table->column_count ? table->table->columns[i].source_type : "timestamp(6)");
}

static unsigned count_present(const struct rows_event *rows, unsigned which)
{
	unsigned count = rows->table->wire_count, number = 0;

	for (unsigned i = 0; i < count && !rows->whole[which]; i++)
		number += bit(rows->present[which], i);
	return rows->whole[which] ? count : number;
}

/* A bit for each column that is present says whether it is null; *number is that of the next one. */
static enum value_state next_state(const struct rows_event *rows, unsigned which, unsigned column, struct view nulls, unsigned *number)
{
	if (!rows->whole[which] && !bit(rows->present[which], column))
		return VALUE_ABSENT;
	return bit(nulls, (*number)++) ? VALUE_NULL : VALUE_PRESENT;
}

static int read_image(struct binlog *log, unsigned which, struct value *values, struct error *err)
{
	struct rows_event *rows = &log->rows;
	const struct my_table *table = rows->table;
	unsigned count = table->wire_count, number = 0;
	struct view nulls = rd_bytes(&rows->rd, (count_present(rows, which) + 7) / 8);

	for (unsigned i = 0; i < count && !rows->rd.failed; i++) {
		values[i].state = next_state(rows, which, i, nulls, &number);
		if (values[i].state == VALUE_PRESENT && table->types[i]->read(&rows->rd, &table->columns[i], &log->arena, &values[i]) < 0)
			return wrong_value(table, i, err);
	}
	return 0;
}

static int read_parts(struct binlog *log, unsigned i, struct error *err)
{
	struct rows_event *rows = &log->rows;
	const struct table *table = rows->table->table;
	struct view diffs = rd_bytes(&rows->rd, rd_u32le(&rows->rd));

	if (rows->rd.failed)
		return 0;
	if (log->before[i].state != VALUE_PRESENT) {
		error_state(err, STATE_UNSUPPORTED, "the log has a change of parts of %s.%s.%s, without the document that they are of", table->schema,
			    table->name, table->columns[i].name);
		return error_hint(err, "no session may set binlog_row_value_options to PARTIAL_JSON unless binlog_row_image is FULL; begin anew "
				  "behind it");
	}
	return my_json_apply(log->before[i].text, diffs, &log->arena, &log->after[i].text) < 0 ? wrong_value(rows->table, i, err) : 0;
}

/* Which columns of JSON, in their order, have parts. */
static struct view read_options(struct rows_event *rows)
{
	unsigned documents = 0;

	if (!(rd_lenenc(&rows->rd) & 1))
		return VIEW_NONE;
	for (unsigned i = 0; i < rows->table->wire_count; i++)
		documents += rows->table->columns[i].code == MY_JSON;
	return rd_bytes(&rows->rd, (documents + 7) / 8);
}

static int read_partial_image(struct binlog *log, struct error *err)
{
	struct rows_event *rows = &log->rows;
	const struct my_table *table = rows->table;
	struct view in_parts = read_options(rows), nulls = rd_bytes(&rows->rd, (count_present(rows, 1) + 7) / 8);
	unsigned document = 0, number = 0;

	for (unsigned i = 0; i < table->wire_count && !rows->rd.failed; i++) {
		bool parts = table->columns[i].code == MY_JSON && in_parts.ptr && bit(in_parts, document++);

		log->after[i].state = next_state(rows, 1, i, nulls, &number);
		if (log->after[i].state != VALUE_PRESENT)
			continue;
		if (parts && read_parts(log, i, err) < 0)
			return -1;
		if (!parts && table->types[i]->read(&rows->rd, &table->columns[i], &log->arena, &log->after[i]) < 0)
			return wrong_value(table, i, err);
	}
	return 0;
}

static int read_after(struct binlog *log, struct error *err)
{
	return log->rows.parts ? read_partial_image(log, err) : read_image(log, 1, log->after, err);
}

/* What the new image lacks is as it was: the old one has it, or whoever keeps the rows. True if that one has to be asked. */
static bool complete_after(struct binlog *log)
{
	bool lacks = false;

	for (unsigned i = 0; i < log->rows.table->wire_count; i++) {
		struct value *value = &log->after[i];

		if (value->state == VALUE_ABSENT)
			*value = log->before[i];
		if (value->state == VALUE_ABSENT)
			value->state = VALUE_UNCHANGED;
		lacks |= value->state == VALUE_UNCHANGED && i < log->rows.table->table->column_count;
	}
	return lacks;
}

static int next_row(struct binlog *log, struct change *ret, struct error *err)
{
	struct rows_event *rows = &log->rows;
	const char *from = rows->rd.pos;
	bool old = rows->op != CHANGE_INSERT, new = rows->op != CHANGE_DELETE;

	arena_reset(&log->arena);
	*ret = (struct change){.op = rows->op, .table = rows->table->table, .txn = &log->txn, .index = log->index++,
			       .lsn = binlog_position(log->file, log->event_at).lsn, .row = rows->number++};
	if (old && read_image(log, 0, log->before, err) < 0)
		return -1;
	if (new && read_after(log, err) < 0)
		return -1;
	if (rows->rd.failed)
		return error_set(err, ERROR_TRANSIENT, "rows of %s.%s that are cut short", ret->table->schema, ret->table->name);
	if (old)
		ret->before = (struct row){rows->whole[0] ? IMAGE_FULL : IMAGE_KEY, log->before};
	if (new)
		ret->after = (struct row){IMAGE_FULL, log->after};
	if (new && !rows->whole[1])
		ret->lacks_values = complete_after(log);
	ret->hash = hash_bytes((struct view){from, (size_t)(rows->rd.pos - from)}, rows->seed);
	return 1;
}

/* Until when a row is valid that was not replaced: the last moment of 31 bits, or of 32 (MariaDB 11.5). */
static bool is_valid(const struct my_table *table, const struct value *values)
{
	const struct value *end = &values[table->row_end];

	return end->state != VALUE_PRESENT || end->integer == INT64_C(2147483647999999) || end->integer == INT64_C(4294967295999999);
}

/*
 * Of a table with system versioning. An update also writes the row as it was, with its end; a delete is an update that gives the
 * row its end. Rows that had their end are history, which is neither written nor deleted for anybody here. 0: it was one.
 */
static int next_version(struct binlog *log, struct change *ret, struct error *err)
{
	const struct my_table *table = log->rows.table;
	int got = next_row(log, ret, err);

	if (got <= 0)
		return got;
	if (!is_valid(table, ret->op == CHANGE_INSERT ? log->after : log->before)) {
		log->index--;
		return 0;
	}
	if (ret->op == CHANGE_UPDATE && !is_valid(table, log->after)) {
		ret->op = CHANGE_DELETE;
		ret->after = (struct row){0};
		ret->lacks_values = false;
	}
	return 1;
}

static int next_versions(struct binlog *log, struct change *ret, struct error *err)
{
	int got = 0;

	while (!got && rd_left(&log->rows.rd))
		got = next_version(log, ret, err);
	return got;
}

static int give_truncate(struct binlog *log, struct change *ret)
{
	*ret = (struct change){.op = CHANGE_TRUNCATE, .table = log->rows.table->table, .txn = &log->txn, .index = log->index++,
			       .lsn = binlog_position(log->file, log->event_at).lsn, .hash = log->rows.seed};
	log->rows.table = NULL;
	return 1;
}

int rows_more(struct binlog *log, struct change *ret, struct error *err)
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
	if (rows->table && rd_left(&rows->rd)) {
		int got = rows->table->row_end < 0 ? next_row(log, ret, err) : next_versions(log, ret, err);

		if (got)
			return got;
	}
	rows->table = NULL;
	return 0;
}
