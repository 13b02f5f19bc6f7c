/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * From result columns to places in the document: an alias is a path into the record, each record on the way gets its
 * fields in the row's block. What can be said of a column without running it is said here: unknown field, wrong type, a
 * symbol that the enum has not, a required field that nothing fills.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/decimal.h"
#include "base/memory.h"
#include "compile.h"

/* Grows the arrays that are indexed by slot. */
static void add_slots(struct mapping *mapping, struct row_plan *row, unsigned count)
{
	unsigned total = row->slot_count + count;
	const char **paths = ARENA_ARRAY(&mapping->arena, const char *, total);
	bool *needed = ARENA_ARRAY(&mapping->arena, bool, total), *fed = ARENA_ARRAY(&mapping->arena, bool, total);
	unsigned *records = ARENA_ARRAY(&mapping->arena, unsigned, total);

	if (row->slot_count) {
		memcpy(paths, row->slot_paths, sizeof(*paths) * row->slot_count);
		memcpy(needed, row->needed, sizeof(*needed) * row->slot_count);
		memcpy(fed, row->fed, sizeof(*fed) * row->slot_count);
		memcpy(records, row->slot_records, sizeof(*records) * row->slot_count);
	}
	row->slot_paths = paths;
	row->needed = needed;
	row->fed = fed;
	row->slot_records = records;
	row->slot_count = total;
}

static unsigned add_record(struct mapping *mapping, struct row_plan *row, const struct record_plan *draft)
{
	struct record_plan *records = ARENA_ARRAY(&mapping->arena, struct record_plan, row->record_count + 1);
	struct record_plan *record = &records[row->record_count];
	const struct avro_type *type = draft->type;

	if (row->record_count)
		memcpy(records, row->records, sizeof(*records) * row->record_count);
	row->records = records;
	*record = *draft;
	record->first = row->slot_count;
	add_slots(mapping, row, type->field_count);
	for (unsigned i = 0; i < type->field_count; i++) {
		unsigned slot = record->first + i;

		row->slot_paths[slot] = arena_printf(&mapping->arena, "%s%s%s", record->path, *record->path ? "." : "",
						     type->fields[i].name).ptr;
		row->needed[slot] = !type->fields[i].nullable;
		row->slot_records[slot] = row->record_count;
	}
	return row->record_count++;
}

/* The record that stands in a slot, planned if it is not yet. */
static unsigned enter_record(struct mapping *mapping, struct row_plan *row, unsigned parent, unsigned slot,
			     const struct avro_field *field)
{
	for (unsigned i = 1; i < row->record_count; i++)
		if (row->records[i].slot == slot)
			return i;
	row->fed[slot] = true;
	return add_record(mapping, row, &(struct record_plan){
		.type = field->type, .path = row->slot_paths[slot], .slot = slot, .parent = parent,
		.nullable = field->nullable,
	});
}

static int unknown_field(struct mapping *mapping, struct place at, const struct avro_type *type, struct view name)
{
	const char **names = MEM_ARRAY(const char *, type->field_count + 1), *guess, *dot = strrchr(type->name, '.');

	for (unsigned i = 0; i < type->field_count; i++)
		names[i] = type->fields[i].name;
	guess = diag_did_you_mean(name, names, type->field_count);
	free(names);
	if (guess)
		return diag_error(mapping->diag, at, "%s has no field '%.*s'; did you mean '%s'?",
				  dot ? dot + 1 : type->name, VIEW_ARG(name), guess);
	return diag_error(mapping->diag, at, "%s has no field '%.*s'", dot ? dot + 1 : type->name, VIEW_ARG(name));
}

int columns_slot(struct mapping *mapping, struct row_plan *row, const char *path, struct place at,
		 const struct avro_field **ret_field, const char **ret_rest)
{
	const char *rest = path;
	unsigned record = 0;

	for (;;) {
		struct view name = {rest, strcspn(rest, ".")};
		const struct avro_type *type = row->records[record].type;
		int index = avro_field_index(type, name);
		const struct avro_field *field;
		unsigned slot;

		if (index < 0)
			return unknown_field(mapping, at, type, name);
		field = &type->fields[index];
		slot = row->records[record].first + (unsigned)index;
		rest += name.len;
		if (!*rest || field->type->kind != AVRO_RECORD) {
			*ret_field = field;
			*ret_rest = *rest ? rest + 1 : rest;
			return (int)slot;
		}
		rest++;
		record = enter_record(mapping, row, record, slot, field);
	}
}

static const char *type_text(const struct avro_type *type)
{
	static const char *const names[] = {"null", "boolean", "int", "long", "float", "double", "bytes", "string", "enum",
					    "record", "array", "map"};
	static const char *const logical[] = {NULL, "decimal", "date", "UTC timestamp"};

	return logical[type->logical] ? logical[type->logical] : names[type->kind];
}

/* What a column of a kind may go into, one bit for each of the fits below. */
enum {
	FIT_STRING = 1, FIT_NUMBER = 2, FIT_DECIMAL = 4, FIT_DATE = 8, FIT_INSTANT = 16, FIT_BYTES = 32, FIT_ENUM = 64,
	FIT_BOOLEAN = 128,
};

static const unsigned char kind_fits[TYPE_KINDS] = {
	[TYPE_BOOL] = FIT_BOOLEAN | FIT_STRING,
	/* MySQL has no other boolean than tinyint(1), and its log does not tell that from a small number; 0 and 1 are taken. */
	[TYPE_INT16] = FIT_NUMBER | FIT_DECIMAL | FIT_STRING | FIT_BOOLEAN,
	[TYPE_INT32] = FIT_NUMBER | FIT_DECIMAL | FIT_STRING,
	[TYPE_INT64] = FIT_NUMBER | FIT_DECIMAL | FIT_STRING,
	[TYPE_FLOAT32] = FIT_NUMBER | FIT_DECIMAL | FIT_STRING,
	[TYPE_FLOAT64] = FIT_NUMBER | FIT_DECIMAL | FIT_STRING,
	[TYPE_DECIMAL] = FIT_NUMBER | FIT_DECIMAL | FIT_STRING,
	[TYPE_DECIMAL_VARIABLE] = FIT_NUMBER | FIT_DECIMAL | FIT_STRING,
	[TYPE_TEXT] = FIT_STRING | FIT_ENUM | FIT_DECIMAL | FIT_DATE | FIT_INSTANT,
	[TYPE_BYTES] = FIT_BYTES,
	[TYPE_UUID] = FIT_STRING,
	[TYPE_JSON] = FIT_STRING,
	[TYPE_ENUM] = FIT_STRING | FIT_ENUM,
	[TYPE_DATE] = FIT_DATE | FIT_STRING,
	[TYPE_TIME] = FIT_STRING,
	[TYPE_TIMESTAMP] = FIT_STRING,
	[TYPE_TIMESTAMP_ZONED] = FIT_INSTANT | FIT_STRING,
	[TYPE_INTERVAL] = FIT_STRING,
	[TYPE_OTHER] = FIT_STRING | FIT_ENUM,
	[TYPE_XML] = FIT_STRING,
	[TYPE_LTREE] = FIT_STRING | FIT_ENUM,
	[TYPE_TSVECTOR] = FIT_STRING,
	[TYPE_BITS] = FIT_STRING,
	[TYPE_TIME_ZONED] = FIT_STRING,
	[TYPE_POINT] = FIT_STRING,
	[TYPE_ARRAY] = FIT_STRING,
};

static unsigned wanted_fit(const struct avro_type *type)
{
	static const unsigned char by_kind[] = {
		[AVRO_NULL] = 0, [AVRO_BOOLEAN] = FIT_BOOLEAN, [AVRO_INT] = FIT_NUMBER, [AVRO_LONG] = FIT_NUMBER,
		[AVRO_FLOAT] = FIT_NUMBER, [AVRO_DOUBLE] = FIT_NUMBER, [AVRO_BYTES] = FIT_BYTES,
		[AVRO_STRING] = FIT_STRING, [AVRO_ENUM] = FIT_ENUM,
	};

	switch (type->logical) {
	case AVRO_DECIMAL:
		return FIT_DECIMAL;
	case AVRO_DATE:
		return FIT_DATE;
	case AVRO_TIMESTAMP_MICROS:
		return FIT_INSTANT;
	default:
		return type->kind <= AVRO_ENUM ? by_kind[type->kind] : 0;
	}
}

static void check_source_column(struct mapping *mapping, const struct column_plan *column, const struct column *source,
				struct place at)
{
	const char *remedy = "";

	if (kind_fits[source->type.kind] & wanted_fit(column->type))
		return;
	if (source->type.kind == TYPE_TIMESTAMP && column->type->logical == AVRO_TIMESTAMP_MICROS)
		remedy = "; it has no zone: use utc(column, 'Area/City')";
	diag_error(mapping->diag, at, "'%s' is %s, column '%s' is %s%s", column->name, type_text(column->type),
		   source->name, type_infos[source->type.kind].name, remedy);
}

static bool constant_fits(const struct avro_type *type, const struct flow_constant *constant)
{
	struct decimal number;
	bool is_integer = constant->kind == 'i';

	switch (wanted_fit(type)) {
	case FIT_ENUM:
		return constant->kind == 's' && avro_symbol_index(type, view_of(constant->text)) >= 0;
	case FIT_DECIMAL:
	case FIT_NUMBER:
		return decimal_parse(view_of(constant->text), &number) == 0;
	case FIT_BOOLEAN:
		return is_integer && (strcmp(constant->text, "0") == 0 || strcmp(constant->text, "1") == 0);
	case FIT_DATE:
	case FIT_INSTANT:
		return constant->kind == 's';
	default:
		return true;
	}
}

static void check_constant(struct mapping *mapping, const struct column_plan *column,
			   const struct flow_constant *constant, struct place at)
{
	const char *dot, *quote = constant->kind == 's' ? "'" : "";

	if (constant_fits(column->type, constant))
		return;
	dot = column->type->name ? strrchr(column->type->name, '.') : NULL;
	if (column->type->kind == AVRO_ENUM)
		diag_error(mapping->diag, at, "'%s' is no symbol of %s; field '%s' can never be that", constant->text,
			   dot ? dot + 1 : column->type->name, column->name);
	else
		diag_error(mapping->diag, at, "'%s' is %s, it cannot be %s%s%s", column->name,
			   type_text(column->type), quote, constant->text, quote);
}

static bool is_always_null(const struct flow_result *result)
{
	return result->may_be_null && !result->may_be_other && !result->column && !result->constant_count;
}

static void check_result(struct mapping *mapping, const struct row_plan *row, const struct column_plan *column,
			 const struct flow_result *result)
{
	struct place at = statement_place(&row->statement, column->name);

	if (column->target == TARGET_FIELD && !column->nullable && is_always_null(result))
		diag_error(mapping->diag, at, "'%s' is required, it cannot always be NULL", column->name);
	for (unsigned i = 0; i < result->constant_count; i++)
		check_constant(mapping, column, &result->constants[i], statement_place(&row->statement,
										       result->constants[i].text));
	if (result->column)
		check_source_column(mapping, column, result->column, at);
}

static int plan_map_entry(struct mapping *mapping, struct column_plan *column, const struct avro_field *field,
			  const char *key, struct place at)
{
	if (!*key)
		return diag_error(mapping->diag, at, "'%s' is a map; name an entry: '%s.<key>'", column->name,
				  column->name);
	column->target = TARGET_MAP;
	column->name = key;
	column->type = field->type->items;
	column->nullable = field->type->items_nullable;
	return 0;
}

static int plan_field(struct mapping *mapping, struct row_plan *row, struct column_plan *column, struct place at)
{
	const struct avro_field *field;
	const char *rest;
	int slot = columns_slot(mapping, row, column->name, at, &field, &rest);

	if (slot < 0)
		return -1;
	column->slot = (unsigned)slot;
	column->type = field->type;
	column->nullable = field->nullable;
	if (field->type->kind == AVRO_MAP) {
		row->fed[slot] = true;
		return plan_map_entry(mapping, column, field, rest, at);
	}
	if (field->type->kind == AVRO_ARRAY)
		return diag_error(mapping->diag, at, "'%s' is an array; it comes from a query of its own under 'nested'",
				  column->name);
	if (field->type->kind == AVRO_RECORD)
		return diag_error(mapping->diag, at, "'%s' is a record; name its fields: '%s.<field>'", column->name,
				  column->name);
	if (*rest)
		return diag_error(mapping->diag, at, "'%s': %s has no fields", column->name,
				  type_text(field->type));
	if (row->fed[slot])
		return diag_error(mapping->diag, at, "'%s' is given twice", column->name);
	row->fed[slot] = true;
	column->target = TARGET_FIELD;
	return 0;
}

static bool has_field(const struct row_plan *row, const char *name)
{
	return avro_field_index(row->type, view_of(name)) >= 0;
}

/* What goes to the header stands beside the document's fields. */
static bool plan_header(const struct row_plan *row, struct column_plan *column)
{
	static const char correlation[] = "correlation.";

	if (strncmp(column->name, correlation, sizeof(correlation) - 1) == 0) {
		column->target = TARGET_CORRELATION;
		column->name += sizeof(correlation) - 1;
	} else if (strcmp(column->name, "quality") == 0 && !has_field(row, column->name)) {
		column->target = TARGET_QUALITY;
	} else if (strcmp(column->name, "legalEntity") == 0 && !has_field(row, column->name)) {
		column->target = TARGET_LEGAL_ENTITY;
	} else if (strcmp(column->name, "deleted") == 0 && !has_field(row, column->name)) {
		column->target = TARGET_DELETED;
	} else {
		return false;
	}
	return true;
}

static void plan_column(struct mapping *mapping, struct row_plan *row, unsigned i, const char *alias,
			const struct flow_result *result)
{
	struct column_plan *column = &row->columns[i];
	struct place at = statement_place(&row->statement, alias);

	column->name = arena_copy(&mapping->arena, view_of(alias)).ptr;
	if (alias[0] == '_')
		return;
	if (!row->parent && plan_header(row, column))
		return;
	if (!row->parent && strcmp(alias, "canonicalId") == 0) {
		diag_error(mapping->diag, at, "'canonicalId' is filled in by the program");
		return;
	}
	column->is_legal_entity = !row->parent && strcmp(alias, "legalEntity") == 0;
	column->is_deleted = !row->parent && strcmp(alias, "deleted") == 0;
	if (plan_field(mapping, row, column, at) == 0)
		check_result(mapping, row, column, result);
}

/* Array of scalars: one column that is no helper. */
static void plan_scalars(struct mapping *mapping, struct row_plan *row, const struct flow_result *results)
{
	unsigned values = 0;

	for (unsigned i = 0; i < row->column_count; i++) {
		struct column_plan *column = &row->columns[i];

		if (column->name[0] == '_')
			continue;
		column->target = TARGET_FIELD;
		column->type = row->type;
		values++;
		check_result(mapping, row, column, &results[i]);
	}
	if (values != 1)
		diag_error(mapping->diag, row->statement.node->at,
			   "'%s' is an array of %s; its query gives one column, this one gives %u", row->path,
			   type_text(row->type), values);
	add_slots(mapping, row, 1);
	row->slot_paths[0] = "";
	row->fed[0] = row->needed[0] = true;
}

int columns_compile(struct mapping *mapping, struct entity_plan *plan, struct row_plan *row, sqlite3_stmt *stmt)
{
	unsigned errors = mapping->diag->errors;
	struct flow_result *results;

	(void)plan;
	row->column_count = (unsigned)sqlite3_column_count(stmt);
	row->columns = ARENA_ARRAY(&mapping->arena, struct column_plan, row->column_count + 1);
	results = ARENA_ARRAY(&mapping->arena, struct flow_result, row->column_count + 1);
	flow_check(mapping, &row->statement, results, row->column_count);
	if (row->type->kind == AVRO_RECORD)
		add_record(mapping, row, &(struct record_plan){.type = row->type, .path = ""});
	for (unsigned i = 0; i < row->column_count; i++) {
		const char *alias = sqlite3_column_name(stmt, (int)i);

		row->columns[i].name = arena_copy(&mapping->arena, view_of(alias)).ptr;
		if (row->type->kind == AVRO_RECORD)
			plan_column(mapping, row, i, row->columns[i].name, &results[i]);
	}
	if (row->type->kind != AVRO_RECORD)
		plan_scalars(mapping, row, results);
	return mapping->diag->errors == errors ? 0 : -1;
}

/* What stands in a slot that nothing feeds: an empty array or map, an enum's default, false for `deleted`. */
static bool has_default(const struct row_plan *row, unsigned slot, const struct avro_field *field)
{
	if (field->type->kind == AVRO_ARRAY || field->type->kind == AVRO_MAP)
		return true;
	if (field->type->kind == AVRO_ENUM)
		return field->type->default_symbol >= 0;
	return !row->parent && (strcmp(row->slot_paths[slot], "canonicalId") == 0 ||
				strcmp(row->slot_paths[slot], "deleted") == 0);
}

int columns_complete(struct mapping *mapping, struct row_plan *row)
{
	unsigned errors = mapping->diag->errors;

	for (unsigned r = 0; r < row->record_count; r++) {
		const struct record_plan *record = &row->records[r];

		for (unsigned i = 0; i < record->type->field_count; i++) {
			unsigned slot = record->first + i;

			if (!row->fed[slot] && row->needed[slot] &&
			    !has_default(row, slot, &record->type->fields[i]))
				diag_error(mapping->diag, row->statement.node->key_at,
					   "required field '%s' has no column", row->slot_paths[slot]);
		}
	}
	return mapping->diag->errors == errors ? 0 : -1;
}

static void set_default(struct datum *datum, const struct avro_field *field)
{
	datum->set = !field->nullable;
	if (field->type->kind == AVRO_ENUM)
		datum->integer = field->type->default_symbol;
	else if (field->type->kind == AVRO_ARRAY || field->type->kind == AVRO_MAP)
		datum->set = true;
}

/* What is looked at in every row, so that the others are not. */
static void list_places(struct mapping *mapping, struct row_plan *row)
{
	row->map_columns = ARENA_ARRAY(&mapping->arena, unsigned, row->column_count + 1);
	row->needed_slots = ARENA_ARRAY(&mapping->arena, unsigned, row->slot_count + 1);
	for (unsigned i = 0; i < row->column_count; i++)
		if (row->columns[i].target == TARGET_MAP)
			row->map_columns[row->map_column_count++] = i;
	for (unsigned slot = 0; slot < row->slot_count; slot++)
		if (row->needed[slot])
			row->needed_slots[row->needed_count++] = slot;
}

/*
 * The template. A slot that is fed begins as null; one with a default is not asked for afterwards. Nullable arrays and
 * maps are empty rather than null, so that there is one form only.
 */
void columns_seal(struct mapping *mapping, struct row_plan *row)
{
	row->template = ARENA_ARRAY(&mapping->arena, struct datum, row->slot_count);
	for (unsigned r = 0; r < row->record_count; r++) {
		const struct record_plan *record = &row->records[r];

		for (unsigned i = 0; i < record->type->field_count; i++) {
			const struct avro_field *field = &record->type->fields[i];
			unsigned slot = record->first + i;
			bool is_list = field->type->kind == AVRO_ARRAY || field->type->kind == AVRO_MAP;

			if (is_list || (!row->fed[slot] && has_default(row, slot, field)))
				set_default(&row->template[slot], field);
			if (!row->fed[slot] || is_list)
				row->needed[slot] = false;
		}
	}
	list_places(mapping, row);
	for (struct row_plan *child = row->children; child; child = child->next)
		columns_seal(mapping, child);
}
