/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * pgoutput, protocol version 1 (PostgreSQL documentation 55.9, "Logical Replication Message Formats"; proto.c of the
 * server). Integers are big-endian; cstr is a NUL-terminated text.
 *
 *   B  u64 final LSN, i64 commit time, u32 xid
 *   C  u8 flags (0), u64 commit LSN, u64 end LSN, i64 commit time
 *   O  u64 origin commit LSN, cstr name
 *   R  u32 relation, cstr schema ("" = pg_catalog), cstr name, u8 identity, u16 n, n x (u8 flags (1 = key), cstr name,
 *      u32 type, i32 modifier)
 *   Y  u32 type, cstr schema, cstr name
 *   I  u32 relation, 'N', tuple
 *   U  u32 relation, ['K' tuple | 'O' tuple], 'N', tuple
 *   D  u32 relation, 'K' tuple | 'O' tuple
 *   T  u32 n, u8 options, n x u32 relation
 *   M  u8 flags (1 = transactional), u64 LSN, cstr prefix, u32 length, bytes
 *   tuple: u16 n, n x (u8 kind: 'n' null | 'u' unchanged | 't' u32 length, text |
 *          'b' u32 length, what the type's send function writes)
 *
 * From old servers a message without content follows the begin of a transaction whose origin has no name (any more).
 *
 * A K tuple carries all columns, with 'n' for those that are not of the key: that is absent, not null. With identity
 * FULL an unchanged large value comes as 'u' in N and in full in O.
 */
#include "pgoutput.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/reader.h"

#define PG_EPOCH_US (INT64_C(946684800) * USEC_PER_SEC) /* 2000-01-01, in microseconds since 1970 */

void pgoutput_init(struct pgoutput *pg, struct pg_relations *relations)
{
	*pg = (struct pgoutput){.relations = relations};
	arena_init(&pg->txn_arena);
	arena_init(&pg->arena);
}

void pgoutput_done(struct pgoutput *pg)
{
	arena_done(&pg->txn_arena);
	arena_done(&pg->arena);
	free(pg->before);
	free(pg->after);
}

void pgoutput_restart(struct pgoutput *pg)
{
	pg->in_transaction = false;
	pg->truncated = VIEW_NONE;
}

void pgoutput_reserve(struct pgoutput *pg, unsigned count)
{
	if (count <= pg->column_capacity)
		return;
	pg->before = mem_resize(pg->before, count, sizeof(*pg->before));
	pg->after = mem_resize(pg->after, count, sizeof(*pg->after));
	pg->column_capacity = count;
}

static int decode_begin(struct pgoutput *pg, struct reader *rd, struct change *ret, struct error *err)
{
	if (pg->in_transaction)
		return error_set(err, ERROR_TRANSIENT, "a transaction begins inside another");
	arena_reset(&pg->txn_arena);
	pg->txn = (struct transaction){.final.kind = POSITION_PG_LSN};
	pg->txn.final.lsn = rd_u64be(rd);
	pg->txn.committed_at = (int64_t)(rd_u64be(rd) + PG_EPOCH_US);
	pg->txn.id = rd_u32be(rd);
	pg->in_transaction = true;
	pg->index = 0;
	*ret = (struct change){.op = CHANGE_BEGIN, .txn = &pg->txn};
	return 1;
}

static int decode_commit(struct pgoutput *pg, struct reader *rd, struct change *ret, struct error *err)
{
	uint64_t commit_lsn;

	rd_u8(rd);
	commit_lsn = rd_u64be(rd);
	*ret = (struct change){.op = CHANGE_COMMIT, .txn = &pg->txn};
	ret->position = (struct position){POSITION_PG_LSN, rd_u64be(rd)};
	rd_u64be(rd);
	if (!pg->in_transaction || commit_lsn != pg->txn.final.lsn)
		return error_set(err, ERROR_TRANSIENT, "a commit at %X/%X does not belong to the transaction that "
						       "began",
				 (unsigned)(commit_lsn >> 32), (unsigned)commit_lsn);
	pg->in_transaction = false;
	return 1;
}

static int decode_origin(struct pgoutput *pg, struct reader *rd, struct change *ret, struct error *err)
{
	if (!pg->in_transaction)
		return error_set(err, ERROR_TRANSIENT, "an origin outside of a transaction");
	pg->txn.origin_lsn = rd_u64be(rd);
	pg->txn.origin = arena_copy(&pg->txn_arena, rd_cstr(rd));
	*ret = (struct change){.op = CHANGE_ORIGIN, .txn = &pg->txn};
	return 1;
}

static int decode_type(struct pgoutput *pg, struct reader *rd, struct change *ret, struct error *err)
{
	uint32_t oid = rd_u32be(rd);

	(void)ret;
	(void)err;
	rd_cstr(rd);

	struct view name = rd_cstr(rd);

	if (!rd->failed)
		pg_relations_type(pg->relations, oid, name);
	return 0;
}

static void read_columns(struct pgoutput *pg, struct reader *rd, struct pg_relation *relation)
{
	relation->column_count = rd_u16be(rd);
	if (relation->column_count > RELATION_COLUMNS_MAX)
		rd->failed = true;
	if (rd->failed)
		return;
	relation->columns = ARENA_ARRAY(&pg->arena, struct pg_column, relation->column_count);
	for (unsigned i = 0; i < relation->column_count; i++) {
		struct pg_column *column = &relation->columns[i];

		column->key = rd_u8(rd) & 1;
		column->name = rd_cstr(rd).ptr;
		column->type = rd_u32be(rd);
		column->modifier = (int32_t)rd_u32be(rd);
	}
}

/* A table that came into being, or to its shape, after the server was asked for binary values. */
static int check_form(struct pgoutput *pg, const struct pg_table *table, struct error *err)
{
	const struct column *column = pg->binary && table->captured ? pg_relations_text_only(table) : NULL;

	if (!column)
		return 0;
	pg->text_only = column;
	return error_set(err, ERROR_TRANSIENT, "column %s.%s.%s (%s) is read as text only, and values come in binary form",
			 table->table->schema, table->table->name, column->name, column->source_type);
}

static int decode_relation(struct pgoutput *pg, struct reader *rd, struct change *ret, struct error *err)
{
	struct pg_relation relation = {.oid = rd_u32be(rd)};
	const struct pg_table *table;
	bool is_new;

	relation.schema = rd_cstr(rd).ptr;
	if (!*relation.schema)
		relation.schema = "pg_catalog";
	relation.name = rd_cstr(rd).ptr;
	relation.identity = (char)rd_u8(rd);
	read_columns(pg, rd, &relation);
	if (rd->failed)
		return 0; /* the caller says so */
	if (pg_relations_put(pg->relations, &relation, &table, &is_new, err) < 0 || check_form(pg, table, err) < 0)
		return -1;
	pgoutput_reserve(pg, table->table->column_count);
	*ret = (struct change){.op = CHANGE_TABLE, .table = table->table, .txn = &pg->txn};
	return is_new && table->captured;
}

/* One column of a tuple; `filler` is what 'n' means in it. */
static int read_value(struct pgoutput *pg, struct reader *rd, const struct pg_table *table, unsigned i, enum value_state filler,
		      struct value *ret)
{
	uint8_t kind = rd_u8(rd);
	struct view bytes;

	switch (kind) {
	case 't':
		bytes = rd_bytes(rd, rd_u32be(rd));
		ret->state = VALUE_PRESENT;
		return rd->failed ? 0 : table->convert[i](bytes, &pg->arena, ret);
	case 'b':
		bytes = rd_bytes(rd, rd_u32be(rd));
		ret->state = VALUE_PRESENT;
		return rd->failed ? 0 : table->binary[i] ? table->binary[i](bytes, &pg->arena, ret) : -1;
	case 'n':
		ret->state = filler;
		return 0;
	case 'u':
		ret->state = VALUE_UNCHANGED;
		return 0;
	default:
		rd->failed = true;
		return 0;
	}
}

static int read_tuple(struct pgoutput *pg, struct reader *rd, const struct pg_table *table, enum image image,
		      struct value *values, struct error *err)
{
	unsigned count = rd_u16be(rd);

	if (!rd->failed && count != table->table->column_count)
		return error_set(err, ERROR_TRANSIENT, "table %s.%s: a row of %u columns, but the log said it has %u",
				 table->table->schema, table->table->name, count, table->table->column_count);
	for (unsigned i = 0; i < count && !rd->failed; i++) {
		const struct column *column = &table->table->columns[i];
		enum value_state filler = image == IMAGE_KEY && !column->identity ? VALUE_ABSENT : VALUE_NULL;

		if (read_value(pg, rd, table, i, filler, &values[i]) < 0)
			return error_set(err, ERROR_RECORD, "column %s.%s.%s: what the server sent is no %s",
					 table->table->schema, table->table->name, column->name, column->source_type);
	}
	return 0;
}

static const struct pg_table *find_table(struct pgoutput *pg, uint32_t oid, struct error *err)
{
	const struct pg_table *table = pg_relations_find(pg->relations, oid);

	if (!table)
		error_set(err, ERROR_TRANSIENT, "a change of relation %" PRIu32 ", of which the log has not told", oid);
	return table;
}

/* A change of a captured table gets its number; *ret_table NULL: nobody asked for this table. */
static int begin_change(struct pgoutput *pg, struct reader *rd, enum change_op op, const struct pg_table **ret_table,
			struct change *ret, struct error *err)
{
	const struct pg_table *table = find_table(pg, rd_u32be(rd), err);

	if (!table)
		return -1;
	if (!pg->in_transaction)
		return error_set(err, ERROR_TRANSIENT, "a change outside of a transaction");
	*ret_table = table->captured ? table : NULL;
	if (!table->captured) {
		rd->pos = rd->end;
		return 0;
	}
	pgoutput_reserve(pg, table->table->column_count);
	*ret = (struct change){.op = op, .table = table->table, .txn = &pg->txn, .index = pg->index++};
	return 0;
}

static int read_new(struct pgoutput *pg, struct reader *rd, const struct pg_table *table, struct change *ret,
		    struct error *err)
{
	ret->after = (struct row){IMAGE_FULL, pg->after};
	return read_tuple(pg, rd, table, IMAGE_FULL, pg->after, err);
}

static int read_old(struct pgoutput *pg, struct reader *rd, uint8_t kind, const struct pg_table *table,
		    struct change *ret, struct error *err)
{
	ret->before = (struct row){kind == 'O' ? IMAGE_FULL : IMAGE_KEY, pg->before};
	return read_tuple(pg, rd, table, ret->before.image, pg->before, err);
}

static int decode_insert(struct pgoutput *pg, struct reader *rd, struct change *ret, struct error *err)
{
	const struct pg_table *table = NULL;

	if (begin_change(pg, rd, CHANGE_INSERT, &table, ret, err) < 0)
		return -1;
	if (!table)
		return 0;
	if (rd_u8(rd) != 'N')
		rd->failed = true;
	return read_new(pg, rd, table, ret, err) < 0 ? -1 : 1;
}

/* Under identity FULL an unchanged value of the new row stands in the old one. */
static void complete_from_old(const struct table *table, const struct change *change)
{
	for (unsigned i = 0; i < table->column_count; i++)
		if (change->after.values[i].state == VALUE_UNCHANGED &&
		    change->before.values[i].state != VALUE_UNCHANGED)
			change->after.values[i] = change->before.values[i];
}

static int decode_update(struct pgoutput *pg, struct reader *rd, struct change *ret, struct error *err)
{
	const struct pg_table *table = NULL;
	uint8_t kind;

	if (begin_change(pg, rd, CHANGE_UPDATE, &table, ret, err) < 0)
		return -1;
	if (!table)
		return 0;
	kind = rd_u8(rd);
	if (kind == 'K' || kind == 'O') {
		if (read_old(pg, rd, kind, table, ret, err) < 0)
			return -1;
		kind = rd_u8(rd);
	}
	if (kind != 'N')
		rd->failed = true;
	if (read_new(pg, rd, table, ret, err) < 0)
		return -1;
	if (ret->before.image == IMAGE_FULL && !rd->failed)
		complete_from_old(table->table, ret);
	return 1;
}

static int decode_delete(struct pgoutput *pg, struct reader *rd, struct change *ret, struct error *err)
{
	const struct pg_table *table = NULL;
	uint8_t kind;

	if (begin_change(pg, rd, CHANGE_DELETE, &table, ret, err) < 0)
		return -1;
	if (!table)
		return 0;
	kind = rd_u8(rd);
	if (kind != 'K' && kind != 'O')
		rd->failed = true;
	return read_old(pg, rd, kind, table, ret, err) < 0 ? -1 : 1;
}

static int decode_truncate(struct pgoutput *pg, struct reader *rd, struct change *ret, struct error *err)
{
	uint32_t count = rd_u32be(rd);

	rd_u8(rd);
	if (rd_left(rd) != (size_t)count * sizeof(uint32_t))
		rd->failed = true;
	if (!pg->in_transaction)
		return error_set(err, ERROR_TRANSIENT, "a truncate outside of a transaction");
	for (struct reader oids = *rd; !rd->failed && rd_left(&oids);)
		if (!find_table(pg, rd_u32be(&oids), err))
			return -1;
	pg->truncated = rd_bytes(rd, rd_left(rd));
	pg->truncated_hash = ret->hash;
	return rd->failed ? 0 : pgoutput_more(pg, ret);
}

int pgoutput_more(struct pgoutput *pg, struct change *ret)
{
	while (pg->truncated.len) {
		struct reader rd = reader_of(pg->truncated);
		const struct pg_table *table = pg_relations_find(pg->relations, rd_u32be(&rd));

		pg->truncated = rd_bytes(&rd, rd_left(&rd));
		if (!table->captured)
			continue;
		*ret = (struct change){
			.op = CHANGE_TRUNCATE,
			.table = table->table,
			.txn = &pg->txn,
			.index = pg->index++,
			.lsn = ret->lsn,
			.hash = pg->truncated_hash,
		};
		return 1;
	}
	return 0;
}

static int decode_message(struct pgoutput *pg, struct reader *rd, struct change *ret, struct error *err)
{
	bool transactional = rd_u8(rd) & 1;
	uint64_t lsn = rd_u64be(rd);

	(void)err;
	*ret = (struct change){
		.op = CHANGE_MESSAGE, .txn = transactional ? &pg->txn : NULL, .transactional = transactional};
	ret->prefix = rd_cstr(rd);
	ret->content = rd_bytes(rd, rd_u32be(rd));
	ret->lsn = lsn;
	if (transactional)
		ret->index = pg->index++;
	return 1;
}

struct handler {
	int (*decode)(struct pgoutput *pg, struct reader *rd, struct change *ret, struct error *err);
	const char *refused; /* a message of a later protocol version, which nobody asked for */
};

static const struct handler handlers[256] = {
	['B'] = {decode_begin, NULL},
	['C'] = {decode_commit, NULL},
	['O'] = {decode_origin, NULL},
	['R'] = {decode_relation, NULL},
	['Y'] = {decode_type, NULL},
	['I'] = {decode_insert, NULL},
	['U'] = {decode_update, NULL},
	['D'] = {decode_delete, NULL},
	['T'] = {decode_truncate, NULL},
	['M'] = {decode_message, NULL},
	['S'] = {NULL, "Stream Start"},
	['E'] = {NULL, "Stream Stop"},
	['c'] = {NULL, "Stream Commit"},
	['A'] = {NULL, "Stream Abort"},
	['b'] = {NULL, "Begin Prepare"},
	['P'] = {NULL, "Prepare"},
	['K'] = {NULL, "Commit Prepared"},
	['r'] = {NULL, "Rollback Prepared"},
	['p'] = {NULL, "Stream Prepare"},
};

int pgoutput_decode(struct pgoutput *pg, struct view message, uint64_t wal_start, struct change *ret, struct error *err)
{
	struct reader rd = reader_of(message);
	uint8_t tag = rd_u8(&rd);
	const struct handler *handler = &handlers[tag];
	uint64_t hash = hash_bytes(message, 0);
	int result;

	if (!message.len && pg->in_transaction && pg->index == 0)
		return 0;
	if (handler->refused)
		return error_state(err, STATE_UNSUPPORTED, "pgoutput message %s (tag 0x%02x), which was not asked for", handler->refused,
				   tag);
	if (!handler->decode)
		return error_set(err, ERROR_TRANSIENT, "pgoutput message (tag 0x%02x), which was not asked for", tag);
	arena_reset(&pg->arena);
	*ret = (struct change){.lsn = wal_start, .hash = hash};
	result = handler->decode(pg, &rd, ret, err);
	if (result < 0)
		return -1;
	if (!rd_complete(&rd))
		return error_set(err, ERROR_TRANSIENT, "pgoutput message '%c' of %zu bytes is %s", tag, message.len,
				 rd.failed ? "cut short or garbled" : "longer than its fields");
	if (result && ret->op != CHANGE_MESSAGE)
		ret->lsn = wal_start;
	ret->hash = hash;
	return result;
}
