/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Runs a plan. Each row is a block of datums, copied from the template and filled column by column; nested arrays are
 * run while their parent's row still stands, so that their parameters are taken from it. All memory is the caller's
 * arena.
 */
#include "canonical/evaluate.h"

#include <stdlib.h>

#include "canonical/root.h"
#include "compile.h"
#include "faults.h"
#include "state/db.h"
#include "validate.h"

#define ROWS_MAX 1000000 /* of one array: more is taken for a mistake in a join */
#define FAULT_VALUE_BYTES 1000
#define MISSING "it is required, but missing"

struct row_link {
	struct datum *block;
	struct row_link *next;
};

struct evaluation {
	struct mapping *mapping;
	const struct entity_plan *plan;
	struct document *document;
	struct arena *arena;
	struct conversion conversion;
	struct view quality[16]; /* flags of the mapping */
	unsigned quality_count;
	struct error *err;
};

/* Parameters ----------------------------------------------------------------------------------- */

static void bind_params(struct evaluation *ev, const struct row_plan *row)
{
	for (unsigned i = 0; i < row->param_count; i++) {
		const struct param_plan *param = &row->params[i];

		if (param->row)
			sqlite3_bind_value(row->statement.stmt, param->parameter,
					   sqlite3_column_value(param->row->statement.stmt, (int)param->column));
		else
			root_bind(ev->plan->root, ev->document->key, row->statement.stmt, param->parameter, param->column,
				  ev->arena);
	}
}

/* Faults --------------------------------------------------------------------------------------- */

/*
 * The document is invalid: the field at `path` of the row, made by the result column. Returns NULL if it was before:
 * only the first fault is kept, since what follows is often its consequence.
 */
static struct fault *make_invalid(struct evaluation *ev, const struct row_plan *row, const char *path,
				  const char *column, enum fault_reason reason, const char *message)
{
	struct fault *fault = &ev->document->fault;

	if (!ev->document->valid)
		return NULL;
	ev->document->valid = false;
	fault->reason = reason;
	fault->message = arena_copy(ev->arena, view_of(message));
	fault->path = fault_path(row, path, ev->arena);
	fault->place = fault_place(&row->statement, column, ev->arena);
	return fault;
}

/* A value that was not converted. */
static void refuse_value(struct evaluation *ev, const struct row_plan *row, const char *path, const char *column,
			 sqlite3_value *value)
{
	struct fault *fault = make_invalid(ev, row, path, column, ev->conversion.fault, ev->conversion.reason);

	if (fault)
		fault->value = value_shown(value, FAULT_VALUE_BYTES, ev->arena);
}

/* A statement failed: on the data (one of our functions refused it), or because the database did. */
static int statement_failed(struct evaluation *ev, const struct row_plan *row)
{
	sqlite3 *handle = db_handle(ev->mapping->db);
	int code = sqlite3_errcode(handle);

	if (failed_on_data(code)) {
		make_invalid(ev, row, "", "", FAULT_QUERY, sqlite3_errmsg(handle));
		sqlite3_reset(row->statement.stmt);
		return 0;
	}
	db_error(ev->mapping->db, "evaluating a document", ev->err);
	sqlite3_reset(row->statement.stmt);
	return -1;
}

/* Rows ----------------------------------------------------------------------------------------- */

static struct datum *new_block(struct evaluation *ev, const struct row_plan *row)
{
	struct datum *block = arena_alloc(ev->arena, sizeof(*block) * row->slot_count);

	memcpy(block, row->template, sizeof(*block) * row->slot_count);
	for (unsigned i = 1; i < row->record_count; i++) {
		const struct record_plan *record = &row->records[i];

		block[record->slot].items = block + record->first;
		block[record->slot].count = record->type->field_count;
	}
	return block;
}

static struct view copy_text(struct evaluation *ev, sqlite3_value *value)
{
	const char *text = (const char *)sqlite3_value_text(value);

	return arena_copy(ev->arena, (struct view){text, (size_t)sqlite3_value_bytes(value)});
}

static void add_quality(struct evaluation *ev, struct view flag)
{
	for (unsigned i = 0; i < ev->quality_count; i++)
		if (view_equal(ev->quality[i], flag))
			return;
	if (flag.len && ev->quality_count < sizeof(ev->quality) / sizeof(ev->quality[0]))
		ev->quality[ev->quality_count++] = flag;
}

/* Flags separated by blanks or commas. */
static void add_quality_list(struct evaluation *ev, struct view list)
{
	const char *end = list.ptr + list.len;

	for (const char *at = list.ptr; at < end;) {
		const char *start = at;

		while (at < end && *at != ' ' && *at != ',')
			at++;
		add_quality(ev, (struct view){start, (size_t)(at - start)});
		at += at < end;
	}
}

static void add_correlation(struct evaluation *ev, const struct row_plan *row, const char *name, struct view id)
{
	struct document *document = ev->document;

	if (!document->correlation)
		document->correlation = ARENA_ARRAY(ev->arena, struct correlation, row->column_count);
	document->correlation[document->correlation_count++] = (struct correlation){name, id};
}

static void count_entry(struct datum *map)
{
	map->count += 2;
}

/* First the entries are counted, then there is room for them all; entries are in the order of columns. */
static void add_entry(struct evaluation *ev, const struct row_plan *row, unsigned i, struct datum *block)
{
	const struct column_plan *column = &row->columns[i];
	sqlite3_value *value = sqlite3_column_value(row->statement.stmt, (int)i);
	struct datum *map = &block[column->slot], *entry;

	if (!map->items) {
		map->items = ARENA_ARRAY(ev->arena, struct datum, map->count);
		map->count = 0;
	}
	entry = &map->items[map->count];
	entry[0].set = true;
	entry[0].text = view_of(column->name);
	map->count += 2;
	if (sqlite3_value_type(value) != SQLITE_NULL &&
	    convert_value(&ev->conversion, value, column->type, &entry[1]) < 0) {
		const char *path = arena_printf(ev->arena, "%s.%s", row->slot_paths[column->slot], column->name).ptr;

		refuse_value(ev, row, path, path, value);
	}
}

static bool is_entry(const struct row_plan *row, unsigned i)
{
	const struct column_plan *column = &row->columns[i];

	return column->nullable || sqlite3_column_type(row->statement.stmt, (int)i) != SQLITE_NULL;
}

static void fill_maps(struct evaluation *ev, const struct row_plan *row, struct datum *block)
{
	for (unsigned i = 0; i < row->map_column_count; i++)
		if (is_entry(row, row->map_columns[i]))
			count_entry(&block[row->columns[row->map_columns[i]].slot]);
	for (unsigned i = 0; i < row->map_column_count; i++)
		if (is_entry(row, row->map_columns[i]))
			add_entry(ev, row, row->map_columns[i], block);
}

static void fill_field(struct evaluation *ev, const struct row_plan *row, const struct column_plan *column,
		       sqlite3_value *value, struct datum *block)
{
	struct datum *datum = &block[column->slot];

	if (convert_value(&ev->conversion, value, column->type, datum) < 0) {
		refuse_value(ev, row, row->slot_paths[column->slot], column->name, value);
		return;
	}
	if (column->is_legal_entity)
		ev->document->legal_entity = datum->text;
	if (column->is_deleted)
		ev->document->deleted = datum->integer != 0;
}

static void fill_column(struct evaluation *ev, const struct row_plan *row, unsigned i, struct datum *block)
{
	const struct column_plan *column = &row->columns[i];
	sqlite3_value *value;

	if (column->target == TARGET_HELPER || column->target == TARGET_MAP)
		return;
	value = sqlite3_column_value(row->statement.stmt, (int)i);
	if (sqlite3_value_type(value) == SQLITE_NULL)
		return;
	switch (column->target) {
	case TARGET_FIELD:
		fill_field(ev, row, column, value, block);
		break;
	case TARGET_LEGAL_ENTITY:
		ev->document->legal_entity = copy_text(ev, value);
		break;
	case TARGET_CORRELATION:
		add_correlation(ev, row, column->name, copy_text(ev, value));
		break;
	case TARGET_QUALITY:
		add_quality_list(ev, copy_text(ev, value));
		break;
	case TARGET_DELETED:
		ev->document->deleted = sqlite3_value_int(value) != 0;
		break;
	default:
		break;
	}
}

static bool is_empty(const struct row_plan *row, const struct record_plan *record, const struct datum *block)
{
	for (unsigned i = 0; i < record->type->field_count; i++)
		if (row->fed[record->first + i] && block[record->first + i].set)
			return false;
	return true;
}

/*
 * Inner records stand behind outer ones. A nullable record whose columns are all null is null; one that may not be null
 * is as empty as its columns for the record around it.
 */
static void close_records(const struct row_plan *row, struct datum *block)
{
	for (unsigned i = row->record_count; i-- > 1;)
		block[row->records[i].slot].set = !is_empty(row, &row->records[i], block);
	for (unsigned i = 1; i < row->record_count; i++)
		block[row->records[i].slot].set |= !row->records[i].nullable;
}

static bool is_inside_null(const struct row_plan *row, unsigned record, const struct datum *block)
{
	for (; record; record = row->records[record].parent)
		if (!block[row->records[record].slot].set)
			return true;
	return false;
}

static void check_needed(struct evaluation *ev, const struct row_plan *row, const struct datum *block)
{
	for (unsigned i = 0; i < row->needed_count; i++) {
		unsigned slot = row->needed_slots[i];

		if (!block[slot].set && (!row->record_count || !is_inside_null(row, row->slot_records[slot], block)))
			make_invalid(ev, row, row->slot_paths[slot], row->slot_paths[slot], FAULT_REQUIRED, MISSING);
	}
}

static int run_array(struct evaluation *ev, struct row_plan *row, struct datum *ret);

/* Fills a block from the row at which the statement stands. */
static int fill_row(struct evaluation *ev, const struct row_plan *row, struct datum *block)
{
	for (unsigned i = 0; i < row->column_count; i++)
		fill_column(ev, row, i, block);
	fill_maps(ev, row, block);
	for (struct row_plan *child = row->children; child; child = child->next)
		if (run_array(ev, child, &block[child->slot]) < 0)
			return -1;
	if (!row->parent && ev->plan->canonical_id_slot >= 0) {
		block[ev->plan->canonical_id_slot].text = ev->document->canonical_id;
		block[ev->plan->canonical_id_slot].set = true;
	}
	close_records(row, block);
	check_needed(ev, row, block);
	return 0;
}

static void collect(struct evaluation *ev, const struct row_plan *row, const struct row_link *first, uint32_t count,
		    struct datum *ret)
{
	bool is_record = row->type->kind == AVRO_RECORD;

	ret->set = true;
	ret->count = count;
	ret->items = ARENA_ARRAY(ev->arena, struct datum, count);
	for (uint32_t i = 0; i < count; i++, first = first->next) {
		if (is_record)
			ret->items[i] = (struct datum){.set = true, .items = first->block,
						       .count = row->type->field_count};
		else
			ret->items[i] = first->block[0];
	}
}

static int run_array(struct evaluation *ev, struct row_plan *row, struct datum *ret)
{
	struct row_link *first = NULL, **link = &first;
	sqlite3_stmt *stmt = row->statement.stmt;
	uint32_t count = 0;
	int code;

	bind_params(ev, row);
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW && count < ROWS_MAX) {
		row->row_index = count++;
		*link = arena_alloc(ev->arena, sizeof(**link));
		(*link)->block = new_block(ev, row);
		(*link)->next = NULL;
		if (fill_row(ev, row, (*link)->block) < 0) {
			sqlite3_reset(stmt);
			return -1;
		}
		link = &(*link)->next;
	}
	if (code != SQLITE_DONE && code != SQLITE_ROW)
		return statement_failed(ev, row);
	sqlite3_reset(stmt);
	if (code == SQLITE_ROW)
		make_invalid(ev, row, "", "", FAULT_QUERY, "it has too many rows");
	collect(ev, row, first, count, ret);
	return 0;
}

/* The document --------------------------------------------------------------------------------- */

static int compare_views(const void *a, const void *b)
{
	return view_compare(*(const struct view *)a, *(const struct view *)b);
}

static void finish(struct evaluation *ev, const struct row_plan *row)
{
	struct document *document = ev->document;

	if (ev->plan->source_keys_slot >= 0)
		document->datum.items[ev->plan->source_keys_slot] = root_keys(document->entity, document->key, ev->arena);
	if (ev->plan->needs_legal_entity && !document->legal_entity.ptr)
		make_invalid(ev, row, "legalEntity", "legalEntity", FAULT_REQUIRED, MISSING);
	if (ev->conversion.binary_float)
		add_quality(ev, VIEW("binary-float"));
	if (ev->plan->masked)
		add_quality(ev, VIEW("masked"));
	qsort(ev->quality, ev->quality_count, sizeof(ev->quality[0]), compare_views);
	document->quality = ARENA_ARRAY(ev->arena, struct view, ev->quality_count);
	memcpy(document->quality, ev->quality, sizeof(ev->quality[0]) * ev->quality_count);
	document->quality_count = ev->quality_count;
}

/* The row at which the document's query stands. */
static int make_document(struct evaluation *ev, const struct row_plan *row)
{
	struct document *document = ev->document;
	struct datum *block = new_block(ev, row);
	int code;

	document->exists = true;
	document->datum = (struct datum){.set = true, .items = block, .count = row->type->field_count};
	if (fill_row(ev, row, block) < 0) {
		sqlite3_reset(row->statement.stmt);
		return -1;
	}
	code = sqlite3_step(row->statement.stmt);
	if (code == SQLITE_ROW)
		make_invalid(ev, row, "", "", FAULT_QUERY, "the document query gives more than one row");
	else if (code != SQLITE_DONE)
		return statement_failed(ev, row);
	sqlite3_reset(row->statement.stmt);
	finish(ev, row);
	return 0;
}

int evaluate(struct mapping *mapping, const struct entity *entity, struct root_key key, struct arena *arena,
	     struct document *ret, struct error *err)
{
	struct evaluation ev = {
		.mapping = mapping, .plan = entity->plan, .document = ret, .arena = arena, .conversion.arena = arena,
		.err = err,
	};
	const struct row_plan *row = entity->plan->document;
	int code;

	memset(ret, 0, sizeof(*ret));
	ret->entity = entity;
	ret->key = key;
	ret->valid = true;
	if (!key.is_number)
		ret->key.text = arena_copy(arena, key.text);
	ret->canonical_id = canonical_id(mapping, entity, key, arena);
	bind_params(&ev, row);
	code = sqlite3_step(row->statement.stmt);
	if (code == SQLITE_ROW)
		return make_document(&ev, row);
	if (code == SQLITE_DONE) {
		sqlite3_reset(row->statement.stmt);
		return 0;
	}
	ret->exists = true;
	ret->datum = (struct datum){.set = true, .items = new_block(&ev, row), .count = row->type->field_count};
	return statement_failed(&ev, row);
}
